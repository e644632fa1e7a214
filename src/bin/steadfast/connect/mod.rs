//! A connection for scripts and for people: stdin goes out, what comes in goes to stdout.

mod credentials;
mod doubt;
mod ending;
mod endpoint;
mod events;
mod file;
mod input;
mod insecure;
#[cfg(unix)]
mod job;
mod options;
mod output;
mod parting;
mod people;
mod record;
mod screen;
mod session;
pub(crate) mod setup;
mod stage;

use std::{error::Error, process::ExitCode, time::Instant};

use async_signal::{Signal, Signals};
use steadfast::{
    StateMachine,
    client::{Builder, Connection, Failover},
    trace::Recorder,
    transport::{AsyncIoClock, Dialer, Url},
};

use crate::{args, exit::Exit};
pub(crate) use ending::{Over, Rule};
use endpoint::Endpoint;
use events::Translator;
use input::Format;
pub(crate) use options::{Options, Request};
use output::Output;
use people::People;
use record::Record;
use session::Session;
use stage::{Rules, Seen, Stage};

/// What asks it to end or to stop, has it go on, and tells that the terminal has another size.
/// Windows knows ^C alone.
#[cfg(unix)]
const SIGNALS: &[Signal] = &[Signal::Int, Signal::Term, Signal::Tstp, Signal::Cont, Signal::Winch];
#[cfg(not(unix))]
const SIGNALS: &[Signal] = &[Signal::Int];

pub(crate) fn run(options: &Options) -> ExitCode {
    let started = Instant::now();
    let connected = match &options.telling.config {
        // The first word is the program's; the second stands for it.
        Some(file) => file::read(file, &args::command_line()[1..])
            .map_err(Into::into)
            .and_then(|options| connect(&options, started)),
        None => connect(options, started),
    };
    match connected {
        Ok(exit) => exit.into(),
        Err(error) => {
            people::say(&args::complaint(error));
            Exit::Usage.into()
        }
    }
}

/// # Errors
///
/// If the options cannot work.
fn connect(options: &Options, started: Instant) -> Result<Exit, Box<dyn Error>> {
    let dialers = setup::dialers(&options.url, &options.request)?;
    let urls: Vec<_> = dialers.iter().map(Dialer::url).cloned().collect();
    let (endpoints, current) = Endpoint::all(dialers);
    let builder = Builder::new(Failover::new(endpoints)?, AsyncIoClock::new())
        .with_config(setup::config(options)?)
        .with_policy(setup::policy(&options.retries)?);
    let builder = setup::session(&options.request)?
        .into_iter()
        .fold(builder, |builder, session| builder.with_session(session));
    let builder = setup::heartbeat_message(&options.life)
        .into_iter()
        .fold(builder, |builder, message| builder.with_heartbeat_message(message));
    let rules = Rules::of(options, setup::farewell(&options.ending)?);
    let mut people = People::new(&options.telling);
    if options.request.insecure {
        people.warn(setup::INSECURE);
    }
    let scene = Scene { options, rules, people, urls, current, started };
    match &options.telling.record {
        None => scene.play(builder.build()),
        Some(file) => {
            let trace = Record::create(file)?;
            scene.play(builder.build_with(|config, policy, seed, now| {
                Recorder::new(config, policy, seed, now, trace)
            }))
        }
    }
}

/// What a session needs but the connection.
struct Scene<'a> {
    options: &'a Options,
    rules: Rules,
    people: People,
    urls: Vec<Url>,
    current: std::rc::Rc<std::cell::Cell<usize>>,
    started: Instant,
}

impl Scene<'_> {
    fn play<M: StateMachine>(
        self,
        connection: Connection<Failover<Endpoint>, AsyncIoClock, M>,
    ) -> Result<Exit, Box<dyn Error>> {
        let Self { options, rules, people, urls, current, started } = self;
        let signals = Signals::new(SIGNALS.iter().copied())?;
        let format = Format::of(&options.messages);
        let (handle, driver) = connection.split_with_outbox(setup::outbox(&options.messages));
        let input = input::send(handle.clone(), options.messages.execute.clone(), format);
        let session = Session {
            handle,
            driver,
            output: Output::new(format),
            people,
            events: options.telling.json_events.then(Translator::new),
            signals,
            started,
            urls,
            current,
            rules,
            stage: Stage::Sending(input),
            seen: Seen::default(),
        };
        Ok(async_io::block_on(session.run()))
    }
}
