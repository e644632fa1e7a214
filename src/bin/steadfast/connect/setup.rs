//! From options to what the library wants.

use std::{error::Error, fs, time::Duration};

use steadfast::{
    Backoff, CloseCode, Config, ConfigError, Heartbeat, Jitter,
    client::{CloseFrame, HeartbeatMessage, Outbox, Overflow, Release, SessionId},
    transport::{Dialer, HeaderError, Proxy, Tls, UrlError},
};

use super::{
    credentials::{Credentials, InvalidCredentials},
    insecure,
    options::{Ending, JitterKind, Life, Messages, Options, Request, Retries, WhenFull},
};

const HEADER_USAGE: &str = "a header is written 'Name: value'";

/// What `--insecure` means, said each time.
pub(crate) const INSECURE: &str =
    "certificates are not checked: anyone on the way can read and change all";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many bytes are kept for a connection, whatever the number of messages.
const MAX_KEPT_BYTES: usize = 64 << 20;

pub(crate) fn dialers(urls: &[String], request: &Request) -> Result<Vec<Dialer>> {
    if urls.is_empty() {
        return Err("a URL to connect to is missing, such as ws://localhost:8080/".into());
    }
    let tls = tls(request)?;
    let proxy = request.proxy.as_deref().map(proxy).transpose()?;
    let auth = match request.auth.as_deref() {
        Some(auth) => Some(Credentials::plain(auth).map_err(|error| format!("--auth: {error}"))?),
        None => None,
    };
    let dialer = |(index, url): (usize, &String)| {
        // The URL itself may be secret.
        let which = match urls.len() {
            1 => "the URL".to_owned(),
            _ => format!("URL {}", index + 1),
        };
        let (url, own) = Credentials::split(url).map_err(|error| format!("{which}: {error}"))?;
        let dialer = Dialer::new(&url).map_err(|error| match error {
            UrlError::Invalid if !url.contains("://") => {
                format!("{which} has no scheme; put ws:// or wss:// before it")
            }
            error => format!("{which} cannot be dialed: {error}"),
        })?;
        let dialer = with_request(dialer, request, own.as_ref().or(auth.as_ref()))?;
        let dialer = proxy.iter().fold(dialer, |dialer, it| dialer.with_proxy(it.clone()));
        Ok(tls.iter().fold(dialer, |dialer, it| dialer.with_tls(it.clone())))
    };
    urls.iter().enumerate().map(dialer).collect()
}

fn with_request(
    mut dialer: Dialer,
    request: &Request,
    auth: Option<&Credentials>,
) -> Result<Dialer> {
    let about = |option: &str, error: HeaderError| match error {
        // What is not a name may be a value, and secret.
        HeaderError::InvalidName { .. } => format!("--header: {HEADER_USAGE}"),
        error => format!("--{option}: {error}"),
    };
    for header in &request.header {
        let usage = || format!("--header: {HEADER_USAGE}");
        let (name, value) = header.split_once(':').ok_or_else(usage)?;
        let with_header = dialer.with_header(name, value.trim());
        dialer = with_header.map_err(|error| about("header", error))?;
    }
    if let Some(origin) = &request.origin {
        let with_origin = dialer.with_header("Origin", origin);
        dialer = with_origin.map_err(|error| about("origin", error))?;
    }
    for name in &request.subprotocol {
        let with_subprotocol = dialer.with_subprotocol(name);
        dialer = with_subprotocol.map_err(|error| about("subprotocol", error))?;
    }
    if request.session_id.is_some() {
        dialer = dialer.with_session_header("Session-Id")?;
    }
    match auth {
        Some(Credentials { user, password }) => {
            let with_auth = dialer.with_basic_auth(user, password);
            Ok(with_auth.map_err(|error| about("auth", error))?)
        }
        None => Ok(dialer),
    }
}

fn tls(request: &Request) -> Result<Option<Tls>> {
    if request.insecure {
        return Ok(Some(insecure::tls()?));
    }
    let Some(file) = &request.ca else { return Ok(None) };
    let about = |error: &dyn Error| format!("--ca {}: {error}", file.display());
    let pem = fs::read(file).map_err(|error| about(&error))?;
    Ok(Some(Tls::trusting_only(&pem).map_err(|error| about(&error))?))
}

fn proxy(url: &str) -> Result<Proxy> {
    let about = |error: &dyn Error| format!("--proxy: {error}");
    let (url, credentials) =
        Credentials::split(url).map_err(|error: InvalidCredentials| about(&error))?;
    let proxy = Proxy::new(&url).map_err(|error| about(&error))?;
    match credentials {
        Some(Credentials { user, password }) => {
            Ok(proxy.with_basic_auth(&user, &password).map_err(|error| about(&error))?)
        }
        None => Ok(proxy),
    }
}

pub(crate) fn session(request: &Request) -> Result<Option<SessionId>> {
    let session = request.session_id.as_deref().map(str::parse).transpose();
    session.map_err(|error| format!("--session-id: {error}").into())
}

pub(super) fn config(options: &Options) -> Result<Config> {
    let Options { request, ending, life, retries, .. } = options;
    let config = Config::builder()
        .with_connect_timeout(request.connect_timeout)
        .with_close_timeout(ending.close_timeout)
        .with_stable_after(retries.stable_after)
        .with_heartbeat(heartbeat(life));
    let interval = match life.expect_traffic {
        Some(_) => "--expect-traffic",
        None => "--heartbeat",
    };
    let options = [
        ("connect_timeout", "--connect-timeout"),
        ("close_timeout", "--close-timeout"),
        ("stable_after", "--stable-after"),
        ("heartbeat.interval", interval),
        ("heartbeat.pong_timeout", "--pong-timeout"),
    ];
    config.build().map_err(|error| by_option(&error, &options).into())
}

/// What the library says of its fields, said of the options that set them.
pub(crate) fn by_option(error: &ConfigError, options: &[(&str, &str)]) -> String {
    options.iter().fold(error.to_string(), |text, (field, option)| text.replacen(field, option, 1))
}

fn heartbeat(life: &Life) -> Option<Heartbeat> {
    match (life.no_heartbeat, life.expect_traffic) {
        (true, _) => None,
        (false, Some(within)) => Some(Heartbeat::expect(within)),
        (false, None) => Some(
            Heartbeat::default().with_interval(life.heartbeat).with_pong_timeout(life.pong_timeout),
        ),
    }
}

/// A heartbeat in the application's own words. `{"type":"ping"}` is answered by any JSON object of
/// the type `pong`; another text by the same with `pong` for `ping`; one without `ping` by nothing,
/// and then whatever comes in is a sign of life.
pub(super) fn heartbeat_message(life: &Life) -> Option<HeartbeatMessage> {
    let text = life.heartbeat_message.as_deref()?;
    let compact: String = text.split_whitespace().collect();
    if compact == r#"{"type":"ping"}"# {
        let text = text.to_owned();
        return Some(HeartbeatMessage::json().with_request(move |_| text.clone().into()));
    }
    let answer = text.contains("ping").then(|| text.replace("ping", "pong"));
    Some(HeartbeatMessage::new(text, move |message| {
        answer.is_some() && message.as_text() == answer.as_deref()
    }))
}

pub(super) fn policy(retries: &Retries) -> Result<Backoff> {
    let Retries { min_delay: floor, max_delay: cap, .. } = *retries;
    if floor > cap {
        let [floor, cap] = [floor, cap].map(humantime::format_duration);
        return Err(format!("--min-delay ({floor}) is above --max-delay ({cap})").into());
    }
    let (jitter, base, first) = match retries.jitter {
        // In the proportions of the defaults: the first waits are drawn at random, too.
        JitterKind::Full => (Jitter::Full, 5, 10),
        JitterKind::Equal => (Jitter::Equal, 2, 2),
        JitterKind::Decorrelated => (Jitter::Decorrelated, 1, 1),
        JitterKind::None => (Jitter::None, 1, 1),
    };
    let times = |n: u32| floor.saturating_mul(n).min(cap);
    let backoff = Backoff::builder()
        .with_floor(floor)
        .with_cap(cap)
        .with_base(times(base))
        .with_first(times(first))
        .with_factor_percent(retries.factor)
        .with_jitter(jitter)
        .with_max_retries(if retries.no_reconnect { Some(0) } else { retries.max_retries })
        .with_max_elapsed(retries.max_elapsed);
    let options =
        [("floor", "--min-delay"), ("cap", "--max-delay"), ("max_elapsed", "--max-elapsed")];
    backoff.build().map_err(|error| by_option(&error, &options).into())
}

pub(super) fn outbox(messages: &Messages) -> Outbox {
    let overflow = match messages.when_full {
        WhenFull::Block => Overflow::Wait,
        WhenFull::DropOldest => Overflow::DropOldest,
        WhenFull::Fail => Overflow::Reject,
    };
    // What is said at each opening goes first.
    let release = match messages.on_open.is_empty() {
        true => Release::OnUp,
        false => Release::OnResync,
    };
    Outbox::default()
        .with_max_messages(messages.buffer)
        .with_max_bytes(MAX_KEPT_BYTES)
        .with_overflow(overflow)
        .with_time_to_live(None::<Duration>)
        .with_release(release)
}

pub(super) fn farewell(ending: &Ending) -> Result<CloseFrame> {
    let code = CloseCode::new(ending.close_code);
    if !code.is_sendable() {
        let codes = "1000 to 1003, 1007 to 1014 and 3000 to 4999";
        return Err(format!("--close-code: {} cannot be sent; {codes} can", code.get()).into());
    }
    if ending.close_reason.len() > CloseFrame::MAX_REASON {
        let most = CloseFrame::MAX_REASON;
        return Err(format!("--close-reason is longer than {most} bytes").into());
    }
    Ok(CloseFrame::new(code, &ending.close_reason))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn options(line: &str) -> Options {
        let command = Options::augment_args(Command::new("connect"));
        let matches = command.get_matches_from(line.split(' '));
        Options::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn without_options_the_defaults_are_the_librarys_but_for_the_close_timeout() {
        let options = options("connect");
        assert_eq!(policy(&options.retries).unwrap(), Backoff::default());
        let expected = Config::builder().with_close_timeout(Duration::from_secs(5));
        assert_eq!(config(&options).unwrap(), expected.build().unwrap());
    }

    #[test]
    fn the_first_wait_is_in_proportion_to_the_shortest_and_never_above_the_longest() {
        for (jitter, base, first) in [
            ("full", 500, 800),
            ("equal", 200, 200),
            ("decorrelated", 100, 100),
            ("none", 100, 100),
        ] {
            let line = format!("connect --jitter {jitter} --max-delay 800ms --factor 1.5");
            let built = policy(&options(&line).retries).unwrap().to_builder();
            assert_eq!(
                (built.base, built.first),
                (Duration::from_millis(base), Duration::from_millis(first))
            );
            assert_eq!((built.factor_percent, built.max_retries), (150, None));
        }
        let alone = policy(&options("connect --no-reconnect").retries).unwrap();
        assert_eq!(alone.to_builder().max_retries, Some(0));
    }
}
