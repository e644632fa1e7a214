//! An echo server that can go wrong on purpose, for trying clients.

mod address;
mod chaos;
mod dice;
mod log;
mod output;
mod server;
mod session;
mod upgrade;

use std::{io, num::NonZeroUsize, process::ExitCode};

use clap::Args;

use self::{
    address::Address,
    chaos::Chaos,
    dice::Dice,
    log::{Event, Form, Log},
    server::{Limits, Server},
};
use crate::{exit::Exit, interrupt};

const CHAOS: &str = "\
Faults:
  drop=WHEN         end TCP without a Close frame
  rst=WHEN          reset TCP
  close=CODE@WHEN   send a Close frame with this code
  stall=TIME@WHEN   answer no message for so long; pings are answered
  mute=TIME@WHEN    read and write nothing for so long: no pongs either
  refuse=STATUS[:HEADER=VALUE]...[@CHANCE]
                    answer the upgrade request with an HTTP status; without a
                    chance every other one, beginning with the first
WHEN is a chance at each message, such as 5%, or a time after the opening of
each connection, such as 30s, and again after each further 30 s.";

const EXAMPLES: &str = "\
Examples:
  steadfast serve
      echo on ws://127.0.0.1:9001/
  steadfast serve :0 --chaos 'drop=5%,stall=2s@1%'
      on a port that the system chooses; the first line of stdout is the URL
  steadfast serve --chaos 'close=1012@30s,refuse=503:retry-after=7@20%'
      restarts each connection after 30 s, and refuses a fifth of all dials
  steadfast serve --chaos 'mute=10m@60s'
      leaves each connection half open after a minute
  steadfast serve --chaos 'refuse=302:location=\"ws://127.0.0.1:9002/\"@100%'
      redirects; a value with , : @ = or space is quoted

The same --seed gives the same faults to the same sequence of connections and
messages. ^C sends Close 1001 to all clients, and ends with status 0.";

#[derive(Args)]
#[command(after_help = CHAOS, after_long_help = format!("{CHAOS}\n\n{EXAMPLES}"))]
pub(crate) struct Options {
    /// Where to listen: PORT, HOST or HOST:PORT; `:0` is any free port.
    ///
    /// Without a HOST only this machine can connect. To be seen on the network, name an address,
    /// such as 0.0.0.0.
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:9001")]
    address: Address,
    /// What goes wrong: faults, with commas between them.
    #[arg(long, value_name = "FAULTS", default_value_t, hide_default_value = true)]
    chaos: Chaos,
    /// Repeat the faults of a run that had this seed.
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Print what happens on stdout, a line of JSON each.
    #[arg(long)]
    json_events: bool,
    /// Print nothing but the URL.
    #[arg(short, long, conflicts_with = "json_events")]
    quiet: bool,
    /// Let more connections than this wait.
    #[arg(long, value_name = "N", default_value = "256")]
    max_connections: NonZeroUsize,
    /// Answer a longer message with Close 1009.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_message: usize,
}

pub(crate) fn run(options: Options) -> ExitCode {
    let address = options.address.clone();
    match serve(options) {
        Ok(exit) => exit.into(),
        Err(error) => {
            anstream::eprintln!("steadfast serve: {address}: {error}");
            if error.kind() == io::ErrorKind::AddrInUse {
                anstream::eprintln!("For a port that is free: steadfast serve :0");
            }
            Exit::GaveUp.into()
        }
    }
}

fn serve(options: Options) -> io::Result<Exit> {
    let form = match (options.json_events, options.quiet) {
        (true, _) => Form::Json,
        (false, true) => Form::Quiet,
        (false, false) => Form::Lines,
    };
    let seed = options.seed.unwrap_or_else(|| fastrand::u32(..));
    let listener = options.address.bind()?;
    let bound = listener.local_addr()?;
    let log = Log::new(form);
    let limits = Limits { connections: options.max_connections, message: options.max_message };
    let chaos = options.chaos.to_string();
    let interrupted = interrupt::watch()?;
    log.tell(&Event::Listening { url: format!("ws://{bound}/"), chaos, seed });
    if !bound.ip().is_loopback() && form != Form::Quiet {
        anstream::eprintln!("Others on the network can connect.");
    }
    let server = Server::new(listener, limits, Dice::new(options.chaos, seed), log)?;
    async_io::block_on(server.run(interrupted));
    let exit = Exit::Clean;
    let log = server.into_log();
    log.tell(&Event::Stopped { reason: "interrupted", exit: exit.status() });
    log.finish();
    Ok(exit)
}
