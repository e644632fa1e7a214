//! ezsockets: an actor with an unbounded queue, and a heartbeat.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ezsockets::{
    Client, ClientConfig, ClientExt, CloseFrame, Error, MessageStatus, SocketConfig, Utf8Bytes,
    client::ClientCloseMode,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    BURST, INTERVAL, NEVER, PAYLOAD, RECEIVED_A_ROUND, SENT_A_ROUND, TIMEOUT, held, processor, tell,
};

enum Happened {
    Connected,
    Received,
    Lost,
}

struct Application {
    happened: UnboundedSender<Happened>,
    /// Messages that are only counted until there are so many.
    received: usize,
}

impl Application {
    fn lost(&self) -> Result<ClientCloseMode, Error> {
        let _ = self.happened.send(Happened::Lost);
        Ok(ClientCloseMode::Close)
    }
}

#[async_trait::async_trait]
impl ClientExt for Application {
    type Call = ();

    async fn on_text(&mut self, _: Utf8Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_binary(&mut self, _: Bytes) -> Result<(), Error> {
        self.received += 1;
        if self.received % RECEIVED_A_ROUND == 0 {
            let _ = self.happened.send(Happened::Received);
        }
        Ok(())
    }

    async fn on_call(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }

    async fn on_connect(&mut self) -> Result<(), Error> {
        let _ = self.happened.send(Happened::Connected);
        Ok(())
    }

    async fn on_close(&mut self, _: Option<CloseFrame>) -> Result<ClientCloseMode, Error> {
        self.lost()
    }

    async fn on_disconnect(&mut self) -> Result<ClientCloseMode, Error> {
        self.lost()
    }
}

type Open = (Client<Application>, UnboundedReceiver<Happened>);

async fn open(url: &str, heartbeat: Duration, timeout: Duration) -> Open {
    let (happened, mut happenings) = unbounded_channel();
    let socket = SocketConfig { heartbeat, timeout, ..SocketConfig::default() };
    let config = ClientConfig::new(url).socket_config(socket);
    let application = Application { happened, received: 0 };
    let (client, running) = ezsockets::connect(|_| application, config).await;
    tokio::spawn(running);
    assert!(matches!(happenings.recv().await, Some(Happened::Connected)), "the server is there");
    (client, happenings)
}

pub(crate) async fn measure(address: &str) {
    let hour = Duration::from_secs(3_600);
    let url = |path: &str| format!("ws://{address}{path}");

    let (client, _happenings) = open(&url("/sink"), hour, hour).await;
    let sent = async |client: &Client<Application>| {
        let signal = client.binary(&PAYLOAD[..]).expect("it is open");
        while signal.status() == MessageStatus::Sending {
            tokio::task::yield_now().await;
        }
    };
    let send = processor(SENT_A_ROUND, async |count| {
        for _ in 0..count {
            sent(&client).await;
        }
    });
    tell("ezsockets: send, ns of CPU", send.await);
    let burst = processor(BURST, async |count| {
        for _ in 1..count {
            drop(client.binary(&PAYLOAD[..]).expect("it is open"));
        }
        sent(&client).await;
    });
    tell("ezsockets: a burst, ns of CPU a message", burst.await);

    let (client, mut happenings) = open(&url("/flood"), hour, hour).await;
    let receive = processor(RECEIVED_A_ROUND, async |count| {
        client.text(count.to_string()).expect("it is open");
        assert!(matches!(happenings.recv().await, Some(Happened::Received)), "a flood");
    });
    tell("ezsockets: receive, ns of CPU", receive.await);
    let held = held(async || open(&url("/echo"), hour, hour).await).await;
    tell("ezsockets: an idle connection, bytes", held);

    let (_client, mut happenings) = open(&url("/deaf"), INTERVAL, TIMEOUT).await;
    let deadline = Instant::now() + TIMEOUT;
    let name = "ezsockets: half-open, ms after the timeout";
    match tokio::time::timeout(NEVER, happenings.recv()).await {
        Ok(Some(Happened::Lost)) => {
            tell(name, (Instant::now() - deadline).as_secs_f64() * 1e3);
        }
        _ => tell(name, "not found out within 2 s of a timeout of 250 ms"),
    }
}
