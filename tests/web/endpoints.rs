//! Several servers, and a client that goes from one to the next.

use futures::StreamExt;
use steadfast::{
    FailureKind,
    client::{Event, Failover},
    transport::Dialer,
};

use crate::{
    server::Server,
    watch::{bounded, connection, dialer, failed, nobody, open, retries},
};

fn failover(urls: &[String]) -> Failover<Dialer> {
    Failover::new(urls.iter().map(|url| dialer(url))).unwrap()
}

#[test]
fn where_one_server_is_down_the_next_one_serves() {
    let server = Server::upgraded(|mut peer| peer.drain());
    let nobody = nobody();
    let down = format!("ws://{}/feed?token=c4n4ry", nobody.address);
    let mut client = connection(failover(&[down.clone(), server.url()]));
    let (kind, told, next) = failed(&mut client);
    assert_eq!(kind, FailureKind::Refused);
    let shown = down.replace("token=c4n4ry", "…");
    assert!(told.starts_with(&shown) && !told.contains("c4n4ry"), "{told}");
    assert!(retries(next));
    open(&mut client);
    drop(client);
    server.join();
}

#[test]
fn a_lost_connection_is_replaced_by_one_to_the_other_server() {
    let first = Server::upgraded(drop);
    let second = Server::upgraded(|mut peer| {
        peer.frame(crate::server::TEXT, b"second");
        peer.drain();
    });
    let mut client = connection(failover(&[first.url(), second.url()]));
    open(&mut client);
    bounded(async {
        while let Some(event) = client.next().await {
            match event {
                Event::Message(message) => return assert_eq!(message.as_text(), Some("second")),
                Event::Down(_) | Event::Dialing { .. } | Event::Up(_) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    drop(client);
    first.join();
    second.join();
}

#[test]
fn the_errors_say_which_server_failed() {
    let nobody = [nobody(), nobody(), nobody()];
    let urls = nobody.each_ref().map(|nobody| format!("ws://{}/", nobody.address));
    let mut client = connection(failover(&urls));
    for round in 0..2 {
        for url in &urls {
            let (_, told, _) = failed(&mut client);
            assert!(told.starts_with(url), "round {round}: {told} for {url}");
        }
    }
}

#[test]
fn a_list_of_urls_is_all_it_takes() {
    let server = Server::upgraded(|mut peer| peer.drain());
    let nobody = nobody();
    let (down, up) = (format!("ws://{}/", nobody.address), server.url());
    let mut client = steadfast::connect_any([down.as_str(), up.as_str()]).unwrap().build();
    assert!(failed(&mut client).1.starts_with(&down));
    open(&mut client);
    drop(client);
    server.join();
}
