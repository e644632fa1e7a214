use std::time::Duration;

use async_tungstenite::tungstenite::Message;

use crate::server::{Client, Ended, Server, echo, ended, timed};

const LONG: Duration = Duration::from_millis(400);

#[test]
fn without_chaos_it_answers_with_what_it_gets() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(echo(&mut client, "grüß dich").unwrap(), Message::text("grüß dich"));
    let binary = Message::binary(vec![0x9f; 1 << 20]);
    client.send(binary.clone()).unwrap();
    assert_eq!(client.read().unwrap(), binary);
}

#[test]
fn a_drop_is_an_end_of_tcp_without_a_close() {
    let server = Server::with_chaos("drop=100%");
    assert_eq!(ended(echo(&mut server.connect(), "?")), Ended::WithoutClose);
}

#[test]
fn a_drop_with_messages_unread_is_no_reset() {
    let server = Server::with_chaos("drop=100%");
    let mut client = server.connect();
    // More than is read at once.
    let long = "x".repeat(30_000);
    client.write(Message::text("?")).unwrap();
    client.write(Message::text(long)).unwrap();
    client.flush().unwrap();
    assert_eq!(ended(client.read()), Ended::WithoutClose);
}

/// Everything up to the end.
fn answers(client: &mut Client) -> Vec<Message> {
    std::iter::from_fn(|| client.read().ok()).take_while(Message::is_text).collect()
}

#[test]
fn a_fault_at_one_message_takes_nothing_from_those_before_it() {
    for chaos in ["drop=5%", "rst=5%", "close=1012@5%"] {
        let server = Server::with_chaos(chaos);
        // The same seed and one message at a time say at which message it happens.
        let mut client = server.connect();
        let is_answered = |_: &_| echo(&mut client, "?").is_ok_and(|answer| answer.is_text());
        let before = (0..1_000).take_while(is_answered).count();
        assert!((1..1_000).contains(&before), "{before}");
        let server = Server::with_chaos(chaos);
        let mut client = server.connect();
        for _ in 0..=before {
            client.write(Message::text("?")).unwrap();
        }
        client.flush().unwrap();
        assert_eq!(answers(&mut client).len(), before, "{chaos}");
    }
}

#[test]
fn rst_is_a_reset_of_tcp() {
    let server = Server::with_chaos("rst=100%");
    assert_eq!(ended(echo(&mut server.connect(), "?")), Ended::Reset);
}

#[test]
fn close_is_a_close_frame_with_that_code() {
    let server = Server::with_chaos("close=1012@100%");
    assert_eq!(ended(echo(&mut server.connect(), "?")), Ended::Closed(1012));
}

#[test]
fn with_a_time_it_happens_to_a_connection_that_says_nothing() {
    let server = Server::with_chaos("close=4000@400ms");
    let mut client = server.connect();
    assert_eq!(echo(&mut client, "before").unwrap(), Message::text("before"));
    let (end, after) = timed(|| ended(client.read()));
    assert_eq!(end, Ended::Closed(4000));
    assert!(after > LONG / 2, "{after:?}");
}

#[test]
fn a_time_counts_from_the_opening_of_each_connection() {
    let server = Server::with_chaos("drop=400ms");
    for _ in 0..2 {
        let (end, after) = timed(|| ended(server.connect().read()));
        assert_eq!(end, Ended::WithoutClose);
        assert!(after >= LONG, "{after:?}");
    }
}

#[test]
fn what_stalls_still_answers_pings() {
    let server = Server::with_chaos("stall=400ms@100%");
    let mut client = server.connect();
    let (order, after) = timed(|| {
        client.send(Message::text("?")).unwrap();
        client.send(Message::Ping("!".into())).unwrap();
        [client.read().unwrap(), client.read().unwrap()]
    });
    assert_eq!(order, [Message::Pong("!".into()), Message::text("?")]);
    assert!(after >= LONG, "{after:?}");
}

#[test]
fn what_is_mute_answers_no_pings_and_goes_on_afterwards() {
    let server = Server::with_chaos("mute=400ms@100%");
    let mut client = server.connect();
    let (mut answers, after) = timed(|| {
        client.send(Message::text("?")).unwrap();
        client.send(Message::Ping("!".into())).unwrap();
        [client.read().unwrap(), client.read().unwrap()]
    });
    answers.sort_by_key(Message::is_text);
    assert_eq!(answers, [Message::Pong("!".into()), Message::text("?")]);
    assert!(after >= LONG, "{after:?}");
}

#[test]
fn a_refusal_has_its_status_and_its_headers() {
    let server = Server::with_chaos("refuse=503:retry-after=7@100%");
    for _ in 0..3 {
        assert_eq!(server.refusal(), Some((503, Some("7".to_owned()))));
    }
}

#[test]
fn without_a_chance_every_other_dial_is_refused() {
    let server = Server::with_chaos("refuse=429");
    let refused = (0..4).map(|_| server.refusal().is_some());
    assert_eq!(refused.collect::<Vec<_>>(), [true, false, true, false]);
}

/// How many messages each connection has lived for, or `None` if it was refused.
fn played(seed: &str) -> Vec<Option<usize>> {
    let chaos = "rst=10%,refuse=503@30%,stall=1ms@50%";
    let server = Server::start(&["--chaos", chaos, "--seed", seed]);
    let play = |_| {
        let (mut client, _) = server.dial(&server.url).ok()?;
        Some((0..50).take_while(|_| echo(&mut client, "?").is_ok()).count())
    };
    (0..20).map(play).collect()
}

#[test]
fn the_same_seed_gives_the_same_faults_and_another_one_others() {
    let first = played("7");
    assert_eq!(first, played("7"));
    assert_ne!(first, played("8"));
    assert!(first.contains(&None), "some are refused: {first:?}");
}

#[test]
fn the_subprotocol_that_a_client_likes_best_is_selected() {
    use async_tungstenite::tungstenite::ClientRequestBuilder;
    let server = Server::start(&[]);
    let request = ClientRequestBuilder::new(server.url.parse().unwrap())
        .with_sub_protocol("feed.v2")
        .with_sub_protocol("feed.v1");
    let (_, response) = server.dial(request).unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "feed.v2");
}
