//! The relay: the sockets of waiting devices, claimants and enrolled devices (`docs/protocol.md` §2 and §3).
//!
//! 1. `api::sockets` accepts an upgrade; [`Relay::take_over`] takes the raw stream and what it is for.
//! 2. The [`reactor`], one thread, moves the bytes of all sockets; [`frame`] makes messages of them.
//! 3. The [`hub`] decides: who is found under which nameplate, what is forwarded, who is told what. It waits for nothing.
//! 4. [`Jobs`] are what it leaves to others: whatever needs certificates, public-key cryptography or the database.
//! 5. [`Relay::tick`], once a second, makes the hub look at every deadline, and writes down in batches what the database is to
//!    know ([`upkeep`]): presence and nameplates. Nothing is written for a frame.
//!
//! What a code protects is decided elsewhere: the relay forwards sealed frames unread.

mod claim;
mod driver;
pub mod frame;
mod hub;
mod message;
mod nameplates;
mod packed_nameplate;
mod reactor;
mod record;
mod resume;
mod ticket;
mod unattended;
mod upkeep;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::upgrade::OnUpgrade;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use gangway_protocol::id::{AccountId, ClaimId, DeviceId};
use gangway_protocol::path;

use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, nameplates as leases, settings, write};
use crate::limits::Limits;
use crate::listen;
use crate::rng::Random;
use crate::start_error::StartError;
use crate::supervisor::Supervisor;
use hub::{Dependencies, Hub};
use nameplates::Lease;
use packed_nameplate::PackedNameplate;
use reactor::{Command, Inbox, JobQueue, Reactor, Transport};
use resume::ResumeKey;
use ticket::Claims;
use upkeep::Upkeep;

pub(crate) use driver::{Done, Job, Opening, Proved, SessionPass};
pub use hub::{Exclusion, Tell};
pub(crate) use message::problem;
pub use ticket::ClaimInfo;
pub(crate) use ticket::Ticket;
pub(crate) use unattended::{Attendance, Conversation};

/// The setting that holds the key of `resume` tokens.
const RESUME_KEY: &str = "resume_key";
/// How long a client may take to read the answer to its upgrade.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connections may take to end when the server goes down.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What the relay leaves to others: work with certificates, public keys and the database.
pub(crate) trait Jobs: Send + Sync {
    /// Does a job to its end.
    fn run(&self, job: Job) -> BoxFuture<'static, Done>;
    /// Claims a device that named a permit, to the end.
    fn attend(&self, attendance: Attendance) -> BoxFuture<'static, ()>;
}

/// What a relay is opened with.
pub(crate) struct Given<'a> {
    /// Caps and the addresses that devices are told.
    pub(crate) config: &'a Config,
    /// Keeps nameplates and presence.
    pub(crate) db: &'a Db,
    /// The time.
    pub(crate) clock: &'a Arc<dyn Clock>,
    /// Randomness.
    pub(crate) random: &'a Arc<dyn Random>,
    /// Limits on attempts.
    pub(crate) limits: &'a Limits,
    /// Told of presence.
    pub(crate) changes: &'a Changes,
    /// Watches the relay's thread.
    pub(crate) supervisor: &'a Supervisor,
}

/// Waiting devices, claims and sessions of this node. None of its functions waits for the network.
pub struct Relay {
    inbox: Arc<Inbox>,
    claims: Arc<Claims>,
    upkeep: tokio::sync::Mutex<Upkeep>,
    /// Streams on their way from hyper to the reactor.
    upgrades: TaskTracker,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Relay {
    /// A relay without connections, which remembers the nameplates of its predecessor.
    ///
    /// # Errors
    /// When what it keeps in the database cannot be read or made, or the system has no room for its thread.
    pub(crate) async fn open(given: Given<'_>, jobs: impl Jobs + 'static) -> Result<Self, StartError> {
        let Given {
            config,
            db,
            clock,
            random,
            limits,
            changes,
            supervisor,
        } = given;
        let claims = Arc::new(Claims::default());
        let dependencies = Dependencies {
            random: random.clone(),
            limits: limits.clone(),
            resume_key: resume_key(db, &**random).await?,
            verification_uri: verification_uri(config),
            max_waiting: config.caps.waiting_devices,
            max_waiting_per_address: config.caps.waiting_devices_per_address,
            max_unproven_per_address: config.caps.unproven_sessions_per_address,
            claims: claims.clone(),
        };
        let now = clock.both();
        let leases = leases::all(&mut db.reader().await?.conn(), now.wall).await?;
        let hub = Hub::new(
            dependencies,
            leases.iter().map(<(PackedNameplate, Lease)>::from),
            now,
        );
        let queue = JobQueue::new(Box::new(jobs), tokio::runtime::Handle::current());
        let no_room = |error| StartError::File {
            what: "the system has no room for the relay's sockets".to_owned(),
            error,
        };
        let max_sockets = config.caps.connections;
        let frames_per_second = config.caps.frames_per_second_per_address;
        let (reactor, inbox) =
            Reactor::new(clock.clone(), hub, queue, max_sockets, frames_per_second).map_err(no_room)?;
        let thread = supervisor
            .spawn_thread("relay", move || reactor.run())
            .map_err(no_room)?;
        Ok(Self {
            upkeep: tokio::sync::Mutex::new(Upkeep::new(db, clock, changes, inbox.clone())),
            inbox,
            claims,
            upgrades: TaskTracker::new(),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes a stream over as soon as hyper lets go of it; nothing of its request or the router stays behind.
    pub(crate) fn take_over(&self, upgraded: OnUpgrade, opening: Opening) {
        let inbox = self.inbox.clone();
        self.upgrades.spawn(async move {
            match tokio::time::timeout(UPGRADE_TIMEOUT, upgraded).await {
                Ok(Ok(upgraded)) => {
                    let Ok((stream, ahead)) = listen::take_stream(upgraded) else {
                        return tracing::error!(
                            "a connection was upgraded that the accept loop did not make"
                        );
                    };
                    match Transport::new(stream) {
                        Ok(transport) => inbox.push(Command::Open {
                            transport,
                            ahead,
                            opening,
                        }),
                        Err(error) => tracing::debug!(%error, "an upgraded connection is gone"),
                    }
                }
                Ok(Err(error)) => tracing::debug!(%error, "an upgrade did not come about"),
                Err(_) => tracing::debug!("a client did not read the answer to its upgrade"),
            }
        });
    }

    /// A claim that runs, or that was redeemed and ended less than ten minutes ago.
    #[must_use]
    pub fn claim(&self, claim: &ClaimId) -> Option<ClaimInfo> {
        self.claims.get(claim)
    }

    /// The claims of an account that go on at present.
    #[must_use]
    pub fn claims_of(&self, account: &AccountId) -> Vec<ClaimInfo> {
        self.claims.of_account(account)
    }

    /// Enters a claim into the book that [`Self::claim`] reads. Tests of what follows a crossing begin here.
    pub fn note_claim(&self, info: ClaimInfo) {
        self.claims.insert(info);
    }

    /// Tells the waiting device what was recorded; it compares that with the sealed `offer`.
    pub fn tell_approval(&self, claim: &ClaimId, organisation: String, approver: String) {
        self.inbox.push(Command::TellApproval {
            claim: claim.clone(),
            organisation,
            approver,
        });
    }

    /// The claimant leaves a claim: "not mine", or cancelled. It ends with what is sealed for the device on its way, or in two seconds.
    pub fn leave_claim(&self, claim: &ClaimId) {
        self.inbox.push(Command::LeaveClaim(claim.clone()));
    }

    /// Ends a claim at once: its claimant may claim no more.
    pub fn end_claim(&self, claim: &ClaimId) {
        self.inbox.push(Command::EndClaim(claim.clone()));
    }

    /// Tells a device something, if it is connected; whether it is.
    pub async fn tell_session(&self, device: &DeviceId, tell: Tell) -> bool {
        let (reached, answer) = oneshot::channel();
        self.inbox.push(Command::TellSession {
            device: device.clone(),
            tell: Box::new(tell),
            reached,
        });
        answer.await.unwrap_or(false)
    }

    /// Ends every session of a device that may not be connected any more, within a moment.
    pub fn exclude(&self, device: &DeviceId, exclusion: Exclusion) {
        self.inbox.push(Command::Exclude {
            device: device.clone(),
            exclusion,
        });
    }

    /// Ends the held session of a device, so that it comes back and is admitted.
    pub fn readmit(&self, device: &DeviceId) {
        self.inbox.push(Command::Readmit(device.clone()));
    }

    /// Ends every session of a device so that it comes back and is admitted anew.
    pub fn reconnect(&self, device: &DeviceId) {
        self.inbox.push(Command::Reconnect(device.clone()));
    }

    /// Acts on every deadline that has passed, and writes down what has changed.
    pub async fn tick(&self) {
        let (done, batch) = oneshot::channel();
        self.inbox.push(Command::Tick { done });
        // Without an answer the reactor has ended, and so has everything to write.
        if let Ok(batch) = batch.await {
            self.upkeep.lock().await.run(batch).await;
        }
    }

    /// Tells everyone connected that the server goes down, closes their connections, and writes down who is offline now.
    pub async fn drain(&self) {
        self.upgrades.close();
        let (done, empty) = oneshot::channel();
        self.inbox.push(Command::Drain { done });
        if tokio::time::timeout(DRAIN_TIMEOUT, empty).await.is_err() {
            tracing::info!("some devices did not close their connections in time");
        }
        self.tick().await;
        self.inbox.push(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its panic is the supervisor's to tell.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Not joined: the last owner may be a job, whose end the reactor's thread waits for.
        self.inbox.push(Command::Stop);
    }
}

/// The key that outlives restarts: whoever starts first makes it.
async fn resume_key(db: &Db, random: &dyn Random) -> Result<ResumeKey, StartError> {
    let proposed = data_encoding::BASE64.encode(&random.bytes::<32>());
    let kept = write!(db, |tx| { settings::keep(tx, RESUME_KEY, &proposed).await })?;
    let bytes = data_encoding::BASE64.decode(kept.as_bytes()).ok();
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.map(|key| ResumeKey::new(&key)).ok_or_else(|| {
        StartError::Refused(format!(
            "the setting {RESUME_KEY} in the database is not a key: delete that row and start again"
        ))
    })
}

/// The page where codes are typed.
fn verification_uri(config: &Config) -> String {
    format!("{}{}", config.origin(), path::page::LINK)
}
