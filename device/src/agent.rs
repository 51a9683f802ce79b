//! The agent: machines, store and transport put together, running as one task. This is what a program embeds.

mod driver;
mod enrolling;
mod in_session;
mod shared_store;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::driver::Driver;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::event::Event;
use crate::key::KeyError;
use crate::rng::{Random, SystemRandom};
use crate::store::{Store, StoreError};
use crate::transport::{Dialer, TransportError};

/// Events that wait to be read. Then the agent waits with them: a code that nobody shows is no use.
const EVENTS: usize = 64;
/// Answers and wishes of a person that wait to be heard.
const COMMANDS: usize = 8;

/// A running device. Dropping it ends the task at its next step; [`Agent::stop`] says goodbye to the server first.
#[derive(Debug)]
pub struct Agent {
    events: mpsc::Receiver<Event>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// What a person or a program wants of a running device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Answer(bool),
    ReplaceCode,
    Stop,
}

impl Agent {
    /// Opens the state directory `state_dir` and starts. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The directory or the settings cannot be used; the message says why and what to do.
    pub fn open(settings: Settings, state_dir: &Path) -> Result<Self, AgentError> {
        let store = Store::open(state_dir, settings.key_type)?;
        let network = Network::new(&settings)?;
        Self::start(settings, store, &network)
    }

    /// Starts on an opened store, over a network that many agents of one process may share.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn start(settings: Settings, store: Store, network: &Network) -> Result<Self, AgentError> {
        let (events, receiver) = mpsc::channel(EVENTS);
        let (sender, commands) = mpsc::channel(COMMANDS);
        let driver = Driver::new(settings, store, network, events, commands)?;
        let task = tokio::spawn(driver.run());
        Ok(Self {
            events: receiver,
            commands: sender,
            task,
        })
    }

    /// The next event; `None` after the end. Events have to be read for the agent to go on.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The answer to [`Event::ApprovalAsked`].
    pub async fn answer(&self, accepted: bool) {
        self.command(Command::Answer(accepted)).await;
    }

    /// Somebody wants another code than the one that is shown.
    pub async fn replace_code(&self) {
        self.command(Command::ReplaceCode).await;
    }

    /// Ends the connection in order, and the task.
    pub async fn stop(mut self) {
        self.command(Command::Stop).await;
        // Events that nobody will read must not keep the task waiting.
        self.events.close();
        while self.events.recv().await.is_some() {}
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    async fn command(&self, command: Command) {
        // An agent that has ended wants nothing any more.
        let _ended = self.commands.send(command).await;
    }
}

/// The way to one server, which many agents of one process may share: TLS roots, proxies, clock, randomness.
#[derive(Clone)]
pub struct Network {
    dialer: Arc<Dialer>,
    random: Arc<dyn Random>,
}

impl Network {
    /// Reads the CA file and prepares TLS.
    ///
    /// # Errors
    /// The CA file cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, AgentError> {
        Self::with(settings, Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// The same with a clock and a source of randomness of the caller's.
    ///
    /// # Errors
    /// The CA file cannot be used.
    pub fn with(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, AgentError> {
        Ok(Self {
            dialer: Arc::new(Dialer::new(settings, clock)?),
            random,
        })
    }
}

/// Why a device could not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CA file.
    #[error(transparent)]
    Network(#[from] TransportError),
    /// The CSR.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests;
