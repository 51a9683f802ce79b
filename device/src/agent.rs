//! The agent: machines, store and transport put together, running as one task. This is what a program embeds.

mod driver;
mod enrolling;
mod handle;
mod in_session;
mod measuring;
mod shared_store;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use gangway_protocol::id::ClaimId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::driver::Driver;
pub use self::handle::{Ended, Handle};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::event::{Event, Trouble};
use crate::key::KeyError;
use crate::rng::{Random, SystemRandom};
use crate::status::Status;
use crate::store::{NotKept, Point, Store, StoreError};
use crate::transport::{Dialer, TransportError};

/// Events that wait to be read. Then the agent waits with them: a code that nobody shows is no use.
const EVENTS: usize = 64;

/// A running device: its events are read here, and a [`Handle`] says what is wanted of it. Dropping it ends the task at
/// its next step; [`Agent::stop`] says goodbye to the server first.
#[derive(Debug)]
pub struct Agent {
    events: mpsc::Receiver<Event>,
    handle: Handle,
    task: JoinHandle<Result<(), AgentError>>,
}

impl Agent {
    /// Opens the state directory `state_dir` and starts. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The directory or the settings cannot be used; the message says why and what to do.
    pub fn open(settings: Settings, state_dir: &Path) -> Result<Self, AgentError> {
        let store = Store::open_with(state_dir, settings.key_type, Arc::clone(&settings.keys))?;
        let network = Network::new(&settings)?;
        Self::start(settings, store, &network)
    }

    /// Starts on an opened store, over a network that many agents of one process may share.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn start(settings: Settings, store: Store, network: &Network) -> Result<Self, AgentError> {
        let (events, receiver) = mpsc::channel(EVENTS);
        let (handle, wishes) = Handle::new(store.spool());
        let driver = Driver::new(settings, store, network, events.clone(), wishes)?;
        let task = tokio::spawn(to_the_end(driver, events));
        Ok(Self {
            events: receiver,
            handle,
            task,
        })
    }

    /// The next event; `None` after the end. Events have to be read for the agent to go on.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What other tasks use to answer, to ask and to stop while this one reads events.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// See [`Handle::answer`].
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn answer(&self, question: &ClaimId, accepted: bool) -> Result<(), Ended> {
        self.handle.answer(question, accepted).await
    }

    /// See [`Handle::replace_code`].
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn replace_code(&self) -> Result<(), Ended> {
        self.handle.replace_code().await
    }

    /// See [`Handle::measure`].
    ///
    /// # Errors
    /// [`NotKept`].
    pub fn measure(&self, points: &[Point]) -> Result<(), NotKept> {
        self.handle.measure(points)
    }

    /// Ends the connection in order, and the task.
    ///
    /// # Errors
    /// [`AgentError::Failed`]: the task had ended by a fault before.
    pub async fn stop(mut self) -> Result<(), AgentError> {
        // An agent that has ended needs not be told to.
        let _ended = self.handle.stop().await;
        // Events that nobody will read must not keep the task waiting.
        self.events.close();
        while self.events.recv().await.is_some() {}
        match self.task.await {
            Ok(result) => result,
            // Only whoever holds the task can cancel it, and that is this module.
            Err(_cancelled) => Ok(()),
        }
    }
}

/// Runs `driver`; a panic becomes the last event and the task's result, because silence would look like a quiet device.
async fn to_the_end(driver: Driver, events: mpsc::Sender<Event>) -> Result<(), AgentError> {
    let status = driver.status();
    let ended = AssertUnwindSafe(driver.run()).catch_unwind().await;
    status.send_modify(Status::end);
    let Err(panic) = ended else {
        return Ok(());
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let error = AgentError::Failed(text.unwrap_or("it said no more").to_owned());
    let remedy = "Start it again; if this goes on, report it with this message.";
    let told = Event::Error(Trouble::new("failed", error.to_string(), remedy));
    // Whoever reads no events learns it from the result.
    let _unread = events.send(told).await;
    Err(error)
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
#[non_exhaustive]
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
    /// The software has a fault.
    #[error("the device software failed: {0}")]
    Failed(String),
}

#[cfg(test)]
mod tests;
