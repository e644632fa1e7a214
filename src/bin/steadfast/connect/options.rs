//! What can be said on the command line and, by the same names, in a file.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use crate::args::{duration, factor};

const EXAMPLES: &str = "\
Examples:
  steadfast wss://example.org/feed                 talk to it; what comes in is printed
  tail -f app.log | steadfast -q ws://host/in      ship lines, over every restart of the host
  steadfast -1 -x '{\"op\":\"status\"}' ws://host/api   ask once, print the answer, leave
  steadfast --json-events ws://host/ </dev/null    what happens, a line of JSON each

Exit status: 0 ended by us; 1 gave up; 2 bad arguments; 3 refused for good; 4 closed by the peer;
5 protocol or TLS error; 130 interrupted. docs/cli.md has the whole of it.";

/// Connects, and stays connected: stdin goes out, what comes in goes to stdout.
///
/// Each line of stdin is one text message. What is typed or piped while there is no connection is
/// kept, and sent in order once there is one. At the end of stdin all is sent, and the connection
/// closed. Only what comes in is written to stdout; how the connection is goes to stderr.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Where to connect: ws:// or wss://. Further ones stand in for it when it fails.
    #[arg(value_name = "URL")]
    pub(super) url: Vec<String>,

    #[command(flatten)]
    pub(super) messages: Messages,
    #[command(flatten)]
    pub(super) ending: Ending,
    #[command(flatten)]
    pub(super) request: Request,
    #[command(flatten)]
    pub(super) life: Life,
    #[command(flatten)]
    pub(super) retries: Retries,
    #[command(flatten)]
    pub(super) telling: Telling,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Messages")]
pub(super) struct Messages {
    /// Send each line as a binary message.
    #[arg(short, long, conflicts_with = "base64")]
    pub(super) binary: bool,
    /// Each line is base64: send what it stands for as a binary message, and print binary messages
    /// so.
    #[arg(long)]
    pub(super) base64: bool,
    /// Messages end with a NUL in place of a line break, in and out.
    #[arg(short = '0', long)]
    pub(super) null: bool,
    /// Send this in place of stdin, then wait for 2s unless --wait or -1 say otherwise.
    #[arg(short = 'x', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) execute: Vec<String>,
    /// Send this each time the connection opens, ahead of all else.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) on_open: Vec<String>,
    /// How many messages are kept while they cannot be sent.
    #[arg(long, value_name = "N", default_value_t = 1_000, hide_short_help = true)]
    pub(super) buffer: usize,
    /// What happens when as many are kept: stdin is read no further, the oldest is given up, or
    /// the program fails.
    #[arg(long, value_name = "HOW", default_value = "block", hide_short_help = true)]
    pub(super) when_full: WhenFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WhenFull {
    Block,
    DropOldest,
    Fail,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "When to leave")]
pub(super) struct Ending {
    /// Leave after one message has come in: short for --max-messages 1.
    #[arg(short = '1', conflicts_with = "max_messages")]
    pub(super) one: bool,
    /// Leave after so many messages have come in; the end of stdin is no reason to leave before.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_messages: Option<u64>,
    /// How long to go on listening after the end of stdin.
    #[arg(short, long, value_name = "DURATION", value_parser = duration)]
    pub(super) wait: Option<Duration>,
    /// Go on listening after the end of stdin.
    #[arg(long)]
    pub(super) no_exit_on_eof: bool,
    /// How long the closing handshake may take.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s",
        hide_short_help = true)]
    pub(super) close_timeout: Duration,
    /// The code of our Close frame.
    #[arg(long, value_name = "CODE", default_value_t = 1000, hide_short_help = true)]
    pub(super) close_code: u16,
    /// The reason in our Close frame.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_short_help = true,
        hide_default_value = true
    )]
    pub(super) close_reason: String,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The request")]
pub(crate) struct Request {
    /// A header of the upgrade request, as 'Name: value'.
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub(super) header: Vec<String>,
    /// A subprotocol to offer; the server must select one.
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    pub(super) subprotocol: Vec<String>,
    /// The Origin header.
    #[arg(short, long, value_name = "ORIGIN")]
    pub(super) origin: Option<String>,
    /// HTTP Basic authentication; better in the environment than where others see it.
    #[arg(long, value_name = "USER:PASS", env = "STEADFAST_AUTH", hide_env_values = true)]
    pub(super) auth: Option<String>,
    /// Believe any certificate. Anyone on the way can read and change all of it.
    #[arg(short = 'k', long, conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// The certificate authorities to believe, as PEM, in place of the system's.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) ca: Option<PathBuf>,
    /// An HTTP proxy to go through, such as http://proxy:3128.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(super) proxy: Option<String>,
    /// Who this client is: sent in the header Session-Id with the number of the dial. 32
    /// hexadecimal digits.
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub(super) session_id: Option<String>,
    /// How long name resolution, TCP, TLS and the upgrade may take together.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s",
        hide_short_help = true)]
    pub(crate) connect_timeout: Duration,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The heartbeat")]
pub(super) struct Life {
    /// Ask a peer for a sign of life when nothing has come in for this long.
    #[arg(long, visible_alias = "ping-interval", value_name = "DURATION", value_parser = duration,
        default_value = "20s", conflicts_with_all = ["expect_traffic", "no_heartbeat"])]
    pub(super) heartbeat: Duration,
    /// How long it has to answer, twice, before it is given up.
    #[arg(long, visible_alias = "ping-timeout", value_name = "DURATION", value_parser = duration,
        default_value = "10s", hide_short_help = true)]
    pub(super) pong_timeout: Duration,
    /// Ask in the application's own words, not with a Ping frame. The answer is the same text with
    /// pong for ping, and is not printed.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["expect_traffic", "no_heartbeat"],
        hide_short_help = true)]
    pub(super) heartbeat_message: Option<String>,
    /// Ask nothing: give up a peer from which nothing has come in for this long.
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "no_heartbeat",
        hide_short_help = true)]
    pub(super) expect_traffic: Option<Duration>,
    /// Never doubt a silent peer.
    #[arg(long, hide_short_help = true)]
    pub(super) no_heartbeat: bool,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Retries")]
pub(super) struct Retries {
    /// Do not connect again.
    #[arg(long, conflicts_with_all = ["max_retries", "max_elapsed"])]
    pub(super) no_reconnect: bool,
    /// Give up after so many retries in a row; never by default.
    #[arg(long, value_name = "N")]
    pub(super) max_retries: Option<u32>,
    /// Give up this long after the trouble began; never by default.
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub(super) max_elapsed: Option<Duration>,
    /// The shortest wait between two attempts.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "100ms",
        hide_short_help = true)]
    pub(super) min_delay: Duration,
    /// The longest wait between two attempts; a server's Retry-After may make it longer.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(super) max_delay: Duration,
    /// By how much the wait grows with each attempt.
    #[arg(long, value_name = "N", value_parser = factor, default_value = "2",
        hide_short_help = true)]
    pub(super) factor: u32,
    /// How the wait is drawn at random, so that clients that fail together do not return together.
    #[arg(long, value_name = "KIND", default_value = "full", hide_short_help = true)]
    pub(super) jitter: JitterKind,
    /// How long a connection must last to count retries from 1 again.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s",
        hide_short_help = true)]
    pub(super) stable_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum JitterKind {
    Full,
    Equal,
    Decorrelated,
    None,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What is told")]
pub(super) struct Telling {
    /// Print all that happens on stdout, a line of JSON each.
    #[arg(long)]
    pub(super) json_events: bool,
    /// Say nothing on stderr but why it ends with another status than 0.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more on stderr: round trips, and on a terminal what has happened, too.
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub(super) verbose: bool,
    /// Record what the state machine is told and answers, for `steadfast replay`.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) record: Option<PathBuf>,
    /// Read options from this file: TOML, with the names of the long options. What is said here
    /// counts more.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}
