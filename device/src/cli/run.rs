//! `gangway-device run`: one device, its screen, and the person before it.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use gangway_device::agent::{Agent, Network};
use gangway_device::clock::SystemClock;
use gangway_device::event::{Event, Trouble};
use gangway_device::store::Store;

use super::key::Key;
use super::thermometer::Thermometer;
use super::{Failure, Manner, Server, StateDir, WhoAccepts};
use crate::screen::{Answer, Asking, Input, Inputs, Screen, Wish, answer_command};

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(super) server: Server,
    #[command(flatten)]
    pub(super) state: StateDir,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) manner: Manner,
    /// Print one JSON object per line, for programs; answers are read from standard input (y or n, and the claim).
    #[arg(long)]
    pub(super) json: bool,
    /// Run under a service manager: no code goes to its log; `gangway-device status` shows it.
    #[arg(long, conflicts_with = "json")]
    pub(super) service: bool,
    /// Measure something as a thermometer would, to see a curve: every five seconds an invented temperature.
    #[arg(long)]
    pub(super) demo_thermometer: bool,
}

/// The countdown on the screen moves once a second; answers from other processes are looked for as often.
const TICK: Duration = Duration::from_secs(1);

pub(crate) fn run(run: &Run) -> Result<(), Failure> {
    super::runtime()?.block_on(live(run, stop_signal()))
}

/// Runs the device until `stop` resolves or the person wants it to end.
pub(super) async fn live(run: &Run, stop: impl Future<Output = ()>) -> Result<(), Failure> {
    let mut settings = super::settings(&run.server, &run.manner)?;
    run.key.apply(&mut settings)?;
    let store = Store::open_with(&run.state.state_dir, settings.key_type, settings.keys.clone())?;
    let network = Network::new(&settings)?;
    let name = settings.facts.hostname.clone();
    // Whoever gave the device something to join with has answered for it.
    let asks = run.manner.who_accepts() == WhoAccepts::Ask && settings.permit.is_none();
    let mut agent = Agent::start(settings, store, &network)?;

    let directory = run.state.state_dir.as_path();
    let (screen, inputs) = if run.json && asks {
        (Screen::json(directory)?, Inputs::lines(directory))
    } else if run.json {
        (Screen::json(directory)?, Inputs::nobody(directory))
    } else if run.service {
        (Screen::service(directory)?, Inputs::nobody(directory))
    } else {
        Screen::for_people(&name, asks, directory)?
    };
    let mut front = Front {
        screen,
        inputs,
        asking: Asking::default(),
        // A service is never answered where it runs; its log says how it is.
        tells_how: asks && !run.service,
        directory,
    };

    if run.service {
        ready();
    }
    tokio::pin!(stop);
    let mut tick = tokio::time::interval(TICK);
    let mut thermometer = run.demo_thermometer.then(Thermometer::default);
    loop {
        tokio::select! {
            event = agent.next() => match event {
                Some(event) => front.show(&event)?,
                None => break,
            },
            input = front.inputs.next() => match input {
                Input::Wish(Wish::Answer(answer)) => front.pass_on(&answer, &agent).await?,
                Input::Wish(Wish::AnotherCode) => agent.replace_code().await?,
                Input::Wish(Wish::Quit) => break,
                Input::Resized => front.screen.redraw()?,
                Input::Nonsense(text) => front.screen.note(&format!("“{text}” is neither y nor n."))?,
                Input::Closed => front.tell_how()?,
            },
            _ = tick.tick() => {
                front.screen.tick()?;
                if let Some(point) = thermometer.as_mut().and_then(|thermometer| thermometer.read(&SystemClock))
                    && let Err(error) = agent.measure(&[point])
                {
                    front.screen.note(&error.to_string())?;
                }
            }
            () = &mut stop => break,
        }
    }
    front.screen.close()?;
    Ok(agent.stop().await?)
}

/// What is before the device: the screen, whoever answers, and the question between them.
struct Front<'a> {
    screen: Screen,
    inputs: Inputs,
    asking: Asking,
    /// Whether it is said how to answer where nobody stands before the device.
    tells_how: bool,
    directory: &'a Path,
}

impl Front<'_> {
    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        self.screen.show(event)?;
        self.asking.shown(event, Instant::now());
        if matches!(event, Event::ApprovalAsked { .. }) {
            self.tell_how()?;
        }
        Ok(())
    }

    /// Where standard input has ended, a question is not answered by that: it waits, and it is said for what.
    fn tell_how(&mut self) -> Result<(), Failure> {
        if let Some(claim) = self.asking.claim()
            && self.tells_how
            && !self.inputs.somebody_is_there()
        {
            let trouble = nobody_to_ask(&answer_command(self.directory, claim));
            self.screen.show(&Event::Error(trouble))?;
        }
        Ok(())
    }

    async fn pass_on(&mut self, answer: &Answer, agent: &Agent) -> Result<(), Failure> {
        match self.asking.hear(&answer.about, Instant::now()) {
            Ok(question) => agent.answer(&question, answer.accepted).await?,
            Err(why) => {
                if let Some(at) = self.asking.readable_at() {
                    self.screen.keys_count_from(at);
                }
                self.screen.note(&why)?;
            }
        }
        Ok(())
    }
}

/// Tells systemd that the service has started (sd_notify(3)).
#[cfg(target_os = "linux")]
fn ready() {
    // Whoever did not ask to be told has no socket for it; who did and cannot be told, gives up by itself.
    let _unheard = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
}

#[cfg(not(target_os = "linux"))]
fn ready() {}

fn nobody_to_ask(command: &str) -> Trouble {
    Trouble::new(
        "nobody_to_ask",
        "An organisation wants this device, and standard input is closed: the question waits for an answer from elsewhere.",
        format!("Answer with: {command}"),
    )
}

/// Resolves when the system or the person at the terminal wants the program to end.
#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the system's own end the program, only less politely.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
