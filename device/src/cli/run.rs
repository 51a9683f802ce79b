//! `gangway-device run`: one device, its screen, and the person before it.

use std::time::Duration;

use clap::Args;
use gangway_device::agent::{Agent, Network};
use gangway_device::event::{Event, Trouble};
use gangway_device::store::Store;

use super::{Failure, Manner, Server, StateDir, WhoAccepts};
use crate::screen::{Input, Inputs, Screen, Wish};

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(super) server: Server,
    #[command(flatten)]
    pub(super) state: StateDir,
    #[command(flatten)]
    pub(super) manner: Manner,
    /// Print one JSON object per line, for programs; answers are read from standard input (y or n).
    #[arg(long)]
    pub(super) json: bool,
    /// Run under a service manager: no code goes to its log; `gangway-device status` shows it.
    #[arg(long, conflicts_with = "json")]
    pub(super) service: bool,
}

/// The countdown on the screen moves once a second; answers from other processes are looked for as often.
const TICK: Duration = Duration::from_secs(1);

pub(crate) fn run(run: &Run) -> Result<(), Failure> {
    super::runtime()?.block_on(live(run, stop_signal()))
}

/// Runs the device until `stop` resolves or the person wants it to end.
pub(super) async fn live(run: &Run, stop: impl Future<Output = ()>) -> Result<(), Failure> {
    let settings = super::settings(&run.server, &run.manner);
    let store = Store::open(&run.state.state_dir, settings.key_type)?;
    let network = Network::new(&settings)?;
    let name = settings.facts.hostname.clone();
    let mut agent = Agent::start(settings, store, &network)?;

    let asks = run.manner.who_accepts() == WhoAccepts::Ask;
    let (mut screen, mut inputs) = if run.json {
        (
            Screen::json(),
            if asks { Inputs::lines() } else { Inputs::nobody() },
        )
    } else if run.service {
        (
            Screen::service(&run.state.state_dir)?,
            Inputs::file(&run.state.state_dir),
        )
    } else {
        Screen::for_people(&name, asks)?
    };

    tokio::pin!(stop);
    let mut tick = tokio::time::interval(TICK);
    let ended = loop {
        tokio::select! {
            event = agent.next() => match event {
                Some(event) => {
                    screen.show(&event)?;
                    if matches!(event, Event::ApprovalAsked { .. }) && !inputs.somebody_is_there() {
                        screen.show(&Event::Error(nobody_to_ask()))?;
                        agent.answer(false).await;
                    }
                }
                None => break Ok(()),
            },
            input = inputs.next() => match input {
                Input::Wish(Wish::Answer(accepted)) => agent.answer(accepted).await,
                Input::Wish(Wish::AnotherCode) => agent.replace_code().await,
                Input::Wish(Wish::Quit) => break Ok(()),
                Input::Resized => screen.redraw()?,
                Input::Nonsense(text) => screen.note(&format!("“{text}” is neither y nor n."))?,
            },
            _ = tick.tick() => screen.tick()?,
            () = &mut stop => break Ok(()),
        }
    };
    screen.close()?;
    agent.stop().await;
    ended
}

fn nobody_to_ask() -> Trouble {
    Trouble::new(
        "nobody_to_ask",
        "An organisation wants this device, and there is nobody here to say yes: standard input is closed.",
        "Run it in a terminal, answer on standard input (y or n), or give --accept always.",
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
