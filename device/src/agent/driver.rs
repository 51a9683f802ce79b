//! The loop around everything: a credential opens sessions; without one the device waits to be enrolled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::time::UnixMillis;
use tokio::sync::{mpsc, watch};

use super::handle::{Command, Wishes};
use super::shared_store::SharedStore;
use super::{AgentError, Network};
use crate::config::Settings;
use crate::credential::Credential;
use crate::enrolment::{Identity, answer_refused};
use crate::event::{Event, Trouble};
use crate::key::{DeviceKey, KeyError};
use crate::mqtt::BrokerConnection;
use crate::remedy::remedy;
use crate::rng::Random;
use crate::session::not_renewed;
use crate::status::Status;
use crate::store::{Spool, Store, StoreError};
use crate::transport::{Backoff, Dialer, Lost, TransportError, after_going_away, not_before};

/// The agent's task.
pub(super) struct Driver {
    pub(super) settings: Settings,
    pub(super) store: SharedStore,
    pub(super) dialer: Arc<Dialer>,
    pub(super) random: Arc<dyn Random>,
    pub(super) key: Arc<dyn DeviceKey>,
    pub(super) identity: Identity,
    /// Where measurements wait.
    pub(super) spool: Spool,
    /// The credential is of no use any more although nothing is wrong with the key.
    pub(super) enrol_again: bool,
    /// The server has refused a renewal.
    pub(super) renewal_not_before: Option<Instant>,
    /// The connection to the broker that the credential names.
    broker_connection: Option<BrokerConnection>,
    events: mpsc::Sender<Event>,
    wishes: Wishes,
    backoff: Backoff,
    /// What was told last, so that an outage of a day is not told a thousand times.
    told: Option<Trouble>,
}

/// The agent ends: it was stopped, or nobody reads its events.
pub(super) struct Stopped;

/// When to try again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Retry {
    /// After the usual back-off.
    Backoff,
    /// After a random 0 to 30 s.
    GoingAway,
    /// Not before this time has passed.
    NotBefore(Duration),
}

impl Driver {
    pub(super) fn new(
        settings: Settings,
        store: Store,
        network: &Network,
        events: mpsc::Sender<Event>,
        wishes: Wishes,
    ) -> Result<Self, AgentError> {
        let dialer = Arc::clone(&network.dialer);
        if let Some(time) = store.last_good_time() {
            dialer.trusted_time().remember(time);
        }
        let key = store.key();
        Ok(Self {
            identity: identity(&settings, key.as_ref())?,
            spool: store.spool(),
            store: SharedStore::new(store),
            random: Arc::clone(&network.random),
            settings,
            dialer,
            key,
            enrol_again: false,
            renewal_not_before: None,
            broker_connection: None,
            events,
            wishes,
            backoff: Backoff::default(),
            told: None,
        })
    }

    /// Where the present is kept, for whoever holds a handle.
    pub(super) fn status(&self) -> Arc<watch::Sender<Status>> {
        Arc::clone(&self.wishes.status)
    }

    pub(super) async fn run(mut self) {
        let started = Event::Started {
            server: self.settings.server.origin().to_owned(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            key_sha256: self.key.id(),
        };
        let damage = self.store.look(|store| store.damage().map(str::to_owned));
        let skipped = self.dialer.skipped_of_ca_file().map(Event::Error);
        for event in std::iter::once(started).chain(skipped) {
            if self.tell(event).await.is_err() {
                return;
            }
        }
        if self.tell_damage(damage).await.is_err() {
            return;
        }
        while self.live().await.is_ok() {}
        if let Some(connection) = self.broker_connection.take() {
            connection.close().await;
        }
    }

    /// The state was damaged, and what stood before it is used.
    async fn tell_damage(&self, damage: Option<String>) -> Result<(), Stopped> {
        let Some(damage) = damage else { return Ok(()) };
        let remedy = "The device goes on; check its disk, and look at what lies beside it as ….damaged.";
        self.tell(Event::Error(Trouble::new("state_damaged", damage, remedy)))
            .await
    }

    /// One stretch of life: an enrolment, or one session.
    async fn live(&mut self) -> Result<(), Stopped> {
        let credential = self.store.look(|store| {
            store
                .credential()
                .map(|(credential, standing)| (credential.clone(), standing))
        });
        match credential {
            Some((credential, standing)) if !self.enrol_again => {
                self.keep_broker_connection(&credential);
                self.hold_session(credential, standing).await
            }
            _ => {
                self.broker_connection = None;
                self.enrol().await
            }
        }
    }

    /// Holds the broker connection of this credential, and no other.
    fn keep_broker_connection(&mut self, credential: &Credential) {
        let stands = self.broker_connection.as_ref();
        if !stands.is_some_and(|connection| connection.serves(&credential.sha256)) {
            let (dialer, random, key) = (&self.dialer, &self.random, &self.key);
            self.broker_connection =
                BrokerConnection::hold(credential, dialer, random, key, &self.settings.mqtt, &self.events);
        }
    }

    /// Tells whoever watches.
    pub(super) async fn tell(&self, event: Event) -> Result<(), Stopped> {
        self.wishes.status.send_modify(|status| status.apply(&event));
        self.events.send(event).await.map_err(|_| Stopped)
    }

    /// Tells of a trouble, unless it is the one that was told last.
    pub(super) async fn tell_trouble(&mut self, trouble: Trouble) -> Result<(), Stopped> {
        if self.told.as_ref() == Some(&trouble) {
            return Ok(());
        }
        self.told = Some(trouble.clone());
        self.tell(Event::Error(trouble)).await
    }

    /// The next command; `Err` when the agent is to end, also because nobody will read its events any more.
    pub(super) async fn command(&mut self) -> Result<Command, Stopped> {
        let command = tokio::select! {
            command = self.wishes.commands.recv() => command,
            () = self.events.closed() => None,
        };
        match command {
            None | Some(Command::Stop) => Err(Stopped),
            Some(command) => Ok(command),
        }
    }

    /// Says what becomes of a command that means nothing at the moment.
    pub(super) async fn decline(&mut self, command: Command) -> Result<(), Stopped> {
        match command {
            Command::Answer { question, .. } => self.tell(answer_refused(&question)).await,
            Command::Renew => self.tell(not_renewed()).await,
            Command::ReplaceCode | Command::Stop => Ok(()),
        }
    }

    /// A verified server said what time it is.
    pub(super) async fn learn_time(
        &mut self,
        time: UnixMillis,
        expires_at: Option<UnixMillis>,
    ) -> Result<(), Stopped> {
        let Some(time) = self.dialer.trusted_time().learn(time, expires_at) else {
            return Ok(());
        };
        let noted = self.store.change(move |store| store.note_time(time)).await;
        self.stored(noted).await.map(drop)
    }

    /// Whether something was stored; if not, that is told.
    pub(super) async fn stored(&mut self, result: Result<(), StoreError>) -> Result<bool, Stopped> {
        let Err(error) = result else {
            return Ok(true);
        };
        let remedy = "Mend the state directory; the device goes on with what it has.";
        self.tell_trouble(Trouble::new("not_stored", error.to_string(), remedy))
            .await?;
        Ok(false)
    }

    /// The server said `nameplate` or `welcome`: the row of attempts begins anew (protocol.md, Closing).
    pub(super) fn reached(&mut self) {
        self.backoff.reset();
        self.told = None;
    }

    /// How long to wait, and says so.
    pub(super) async fn offline(&mut self, reason: String, retry: Retry) -> Result<Duration, Stopped> {
        let wait = match retry {
            Retry::Backoff => self.backoff.wait(self.random.as_ref()),
            Retry::GoingAway => after_going_away(self.random.as_ref()),
            Retry::NotBefore(due) => not_before(due, self.random.as_ref()),
        };
        self.tell(Event::Offline {
            reason,
            retry_in_secs: wait.as_secs(),
        })
        .await?;
        Ok(wait)
    }

    /// There was no connection.
    pub(super) async fn unreachable(&mut self, error: TransportError) -> Result<Duration, Stopped> {
        let trouble = error.trouble();
        let retry = match error {
            TransportError::Status {
                retry_after_secs: Some(secs),
                ..
            } => Retry::NotBefore(Duration::from_secs(secs.min(3600))),
            _ => Retry::Backoff,
        };
        let reason = trouble.message.clone();
        self.tell_trouble(trouble).await?;
        self.offline(reason, retry).await
    }

    /// The connection broke.
    pub(super) async fn lost(&mut self, lost: Lost) -> Result<Duration, Stopped> {
        let retry = if lost == Lost::GoingAway {
            Retry::GoingAway
        } else {
            Retry::Backoff
        };
        self.offline(lost.to_string(), retry).await
    }

    /// The server refused with a problem.
    pub(super) async fn refused(&mut self, problem: Problem, retry: Retry) -> Result<Duration, Stopped> {
        let retry = if problem.code == ProblemCode::ShuttingDown {
            Retry::GoingAway
        } else {
            retry
        };
        let message = problem.message.clone();
        let trouble = Trouble::new(problem.code.as_str(), problem.message, remedy(problem.code));
        self.tell_trouble(trouble).await?;
        self.offline(message, retry).await
    }

    /// The key is of no use any more: makes a new one.
    pub(super) async fn set_key_aside(&mut self) -> Result<(), Stopped> {
        let done = self.store.change(Store::set_key_aside).await;
        if !self.stored(done).await? {
            return self.sleep(Duration::from_secs(60)).await;
        }
        self.key = self.store.look(Store::key);
        let (settings, key) = (self.settings.clone(), self.key.clone());
        // A token takes its time to sign.
        let signed = tokio::task::spawn_blocking(move || identity(&settings, key.as_ref())).await;
        match signed.unwrap_or(Err(KeyError::NotSigned)) {
            Ok(identity) => self.identity = identity,
            Err(error) => {
                let trouble = Trouble::new("key", error.to_string(), "Restart the device.");
                self.tell_trouble(trouble).await?;
            }
        }
        Ok(())
    }

    /// Waits. Wishes other than to end mean nothing meanwhile, and that is told.
    pub(super) async fn sleep(&mut self, wait: Duration) -> Result<(), Stopped> {
        let until = tokio::time::Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(()),
                command = self.command() => {
                    let command = command?;
                    self.decline(command).await?;
                }
            }
        }
    }
}

fn identity(settings: &Settings, key: &dyn DeviceKey) -> Result<Identity, KeyError> {
    Ok(Identity {
        csr: key.csr(&settings.facts.hostname)?,
        spki: key.spki(),
        facts: settings.facts.clone(),
        agent: settings.agent.clone(),
    })
}

/// Sleeps until `due`; for ever without one.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
