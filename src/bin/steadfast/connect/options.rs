//! What can be said on the command line and, by the same names, in a file.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use crate::args::{duration, factor};

const EXIT: &str = "\
Exit status: 0 ended by us, 1 gave up, 2 bad arguments, 3 refused for good,
4 closed by the peer, 5 protocol or TLS error, 130 interrupted. See docs/cli.md.";

const EXAMPLES: &str = "\
Examples:
  steadfast wss://example.org/feed
      type to send; what comes in is printed
  tail -f app.log | steadfast -q ws://host/in
      ship lines, over each restart of the host
  steadfast -1 -x '{\"op\":\"get\"}' ws://host/
      ask once, print the answer, and leave
  steadfast --json-events ws://a/ ws://b/
      two endpoints; all that happens, as JSON";

/// All of them.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXIT, after_long_help = format!("{EXAMPLES}\n\n{EXIT}"))]
pub(crate) struct Options {
    /// Where to connect: ws:// or wss://; further ones stand in for it.
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
    /// Binary messages are base64, in and out.
    ///
    /// Each line is the base64 of a binary message to send, and binary messages are printed so.
    #[arg(long, hide_short_help = true)]
    pub(super) base64: bool,
    /// Messages end with a NUL in place of a line break, in and out.
    #[arg(short = '0', long, hide_short_help = true)]
    pub(super) null: bool,
    /// Send this in place of stdin, and listen for 2s.
    ///
    /// For how long is up to --wait, -1, --max-messages and --no-exit-on-eof, if they are given.
    #[arg(short = 'x', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) execute: Vec<String>,
    /// Send this at each opening, ahead of all else.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, hide_short_help = true)]
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
    /// Leave after one message: short for --max-messages 1.
    #[arg(short = '1', conflicts_with = "max_messages")]
    pub(super) one: bool,
    /// Leave after so many messages have come in; the end of stdin is no reason to leave before.
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_messages: Option<u64>,
    /// Go on listening for so long after the end of stdin.
    #[arg(short, long, value_name = "DURATION", value_parser = duration,
        conflicts_with = "no_exit_on_eof")]
    pub(super) wait: Option<Duration>,
    /// Go on listening after the end of stdin.
    #[arg(long, hide_short_help = true)]
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
    #[arg(short, long, hide_short_help = true, value_name = "ORIGIN")]
    pub(super) origin: Option<String>,
    /// HTTP Basic authentication.
    ///
    /// Better in the environment than on the command line, which others can see.
    #[arg(long, value_name = "USER:PASS", env = "STEADFAST_AUTH", hide_env_values = true)]
    pub(super) auth: Option<String>,
    /// Believe any certificate.
    ///
    /// Anyone on the way can read all of it, and change it.
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
    /// Ping a peer that has been silent for this long.
    #[arg(long, visible_alias = "ping-interval", value_name = "DURATION", value_parser = duration,
        default_value = "20s", conflicts_with_all = ["expect_traffic", "no_heartbeat"])]
    pub(super) heartbeat: Duration,
    /// How long it has to answer, twice, before it is given up.
    #[arg(long, visible_alias = "ping-timeout", value_name = "DURATION", value_parser = duration,
        default_value = "10s", conflicts_with_all = ["expect_traffic", "no_heartbeat"],
        hide_short_help = true)]
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
    /// Give up after so many retries in a row.
    #[arg(long, value_name = "N")]
    pub(super) max_retries: Option<u32>,
    /// Give up this long after the trouble began.
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub(super) max_elapsed: Option<Duration>,
    /// The shortest wait between two attempts.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "100ms",
        hide_short_help = true)]
    pub(super) min_delay: Duration,
    /// The longest wait between two attempts.
    ///
    /// A server's Retry-After may make it longer.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s",
        hide_short_help = true)]
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
    /// Print all that happens on stdout, as lines of JSON.
    #[arg(long)]
    pub(super) json_events: bool,
    /// Say nothing on stderr but why it fails, if it does.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more on stderr.
    ///
    /// Round trips, and on a terminal all transitions beside the state line.
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub(super) verbose: bool,
    /// Record what the state machine is told and answers, for `steadfast replay`.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) record: Option<PathBuf>,
    /// Read options from this file, by their long names.
    ///
    /// TOML: `heartbeat = "5s"`, `header = ["A: 1", "B: 2"]`, `binary = true`, `url = "ws://…"`.
    /// What the command line says counts more.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}
