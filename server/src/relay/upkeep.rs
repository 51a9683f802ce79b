//! What the relay does once a second beside its sockets: writing batches, asking what other processes did, figures.

use std::collections::HashMap;
use std::sync::Arc;

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::{FleetChange, FleetChangeKind, OfflineReason, Presence};
use gangway_protocol::id::DeviceId;
use gangway_protocol::time::UnixMillis;

use super::hub::{Batch, Counts, Exclusion};
use super::nameplates::Lease;
use super::packed_nameplate::PackedNameplate;
use super::reactor::{Command, Inbox};
use crate::changes::Changes;
use crate::clock::{Clock, Monotonic, Now};
use crate::db::presence::{Excluded, Why};
use crate::db::webhooks::outbox;
use crate::db::{Db, DbError, held, nameplates, presence, write};

/// How often the database is asked who was excluded or readmitted by another process (`protocol.md` §3: within ten seconds).
const POLL_EVERY: i64 = 8 * UnixMillis::SECOND;
/// How far back such a question reaches beyond the last one: clocks of other machines, and transactions under way.
const POLL_OVERLAP: i64 = 30 * UnixMillis::SECOND;
/// How often nameplates whose rest is over are deleted, and the server's being alive is noted.
const TIDY_EVERY: i64 = UnixMillis::MINUTE;

/// What is still to be written, and when the next question is due.
pub(super) struct Upkeep {
    db: Db,
    clock: Arc<dyn Clock>,
    changes: Changes,
    inbox: Arc<Inbox>,
    /// Whoever a dead process has left online is offline.
    reset: bool,
    leases: HashMap<PackedNameplate, Lease>,
    presence: HashMap<DeviceId, Presence>,
    polled_at: Option<Now>,
    tidied_at: Option<Monotonic>,
}

impl Upkeep {
    pub(super) fn new(db: &Db, clock: &Arc<dyn Clock>, changes: &Changes, inbox: Arc<Inbox>) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            changes: changes.clone(),
            inbox,
            reset: false,
            leases: HashMap::new(),
            presence: HashMap::new(),
            polled_at: None,
            tidied_at: None,
        }
    }

    /// Does what is due. What fails is kept for the next time: the sockets do not care.
    pub(super) async fn run(&mut self, batch: Batch) {
        let now = self.clock.both();
        show(batch.counts);
        self.leases.extend(batch.leases);
        self.presence.extend(batch.presence);
        let steps = async {
            self.reset().await?;
            self.write_leases().await?;
            self.write_presence().await?;
            self.poll(now).await?;
            self.tidy(now).await
        };
        if let Err(error) = steps.await {
            tracing::warn!(%error, "the relay's records could not be written; they are tried again in a second");
        }
    }

    async fn reset(&mut self) -> Result<(), DbError> {
        if !self.reset {
            write!(self.db, |tx| {
                let alive_at = presence::alive_at(tx).await?;
                let gone = outbox::online(tx).await?;
                presence::reset(tx, alive_at).await?;
                let gone: Vec<(DeviceId, Presence)> = gone
                    .into_iter()
                    .map(|(device, since)| {
                        let presence = Presence::Offline {
                            last_seen_at: since.max(alive_at),
                            reason: OfflineReason::ServerStopped,
                        };
                        (device, presence)
                    })
                    .collect();
                outbox::put_presence(tx, &gone).await
            })?;
            self.reset = true;
        }
        Ok(())
    }

    async fn write_leases(&mut self) -> Result<(), DbError> {
        if self.leases.is_empty() {
            return Ok(());
        }
        let leases: Vec<_> = self
            .leases
            .iter()
            .map(|(plate, lease)| lease.to_row(*plate))
            .collect();
        write!(self.db, |tx| { nameplates::put(tx, &leases).await })?;
        self.leases.clear();
        Ok(())
    }

    async fn write_presence(&mut self) -> Result<(), DbError> {
        if self.presence.is_empty() {
            return Ok(());
        }
        let rows = self.presence.iter();
        let rows: Vec<(DeviceId, Presence)> = rows
            .map(|(device, presence)| (device.clone(), presence.clone()))
            .collect();
        write!(self.db, |tx| {
            presence::put(tx, &rows).await?;
            outbox::put_presence(tx, &rows).await
        })?;
        // Told only now: who is told looks into the database.
        let written = std::mem::take(&mut self.presence);
        self.tell(written).await
    }

    /// Tells whoever watches the fleet. A device may have been moved since its session began: the database knows where it is.
    async fn tell(&self, changes: HashMap<DeviceId, Presence>) -> Result<(), DbError> {
        if !self.changes.are_watched() {
            return Ok(());
        }
        let devices: Vec<DeviceId> = changes.keys().cloned().collect();
        let homes = presence::homes(&mut self.db.reader().await?.conn(), &devices).await?;
        for (device, presence) in changes {
            if let Some(organisation) = homes.get(&device).cloned() {
                self.changes.tell(FleetChange {
                    device,
                    organisation,
                    kind: FleetChangeKind::Presence,
                    presence: Some(presence),
                });
            }
        }
        Ok(())
    }

    async fn poll(&mut self, now: Now) -> Result<(), DbError> {
        let last = *self.polled_at.get_or_insert(now);
        if now.since(last.monotonic) < POLL_EVERY {
            return Ok(());
        }
        let mut reader = self.db.reader().await?;
        // A wall clock that was set back must not hide what happens until it has caught up.
        let since = last.wall.min(now.wall).plus(-POLL_OVERLAP);
        let excluded = presence::excluded_since(&mut reader.conn(), since).await?;
        let readmitted = held::readmitted_since(&mut reader.conn(), since).await?;
        drop(reader);
        self.polled_at = Some(now);
        for device in readmitted {
            self.inbox.push(Command::Readmit(device));
        }
        for excluded in excluded {
            self.inbox.push(command(excluded));
        }
        Ok(())
    }

    async fn tidy(&mut self, now: Now) -> Result<(), DbError> {
        if self.tidied_at.is_some_and(|last| now.since(last) < TIDY_EVERY) {
            return Ok(());
        }
        write!(self.db, |tx| {
            presence::note_alive(tx, now.wall).await?;
            nameplates::forget_rested(tx, now.wall).await
        })?;
        self.tidied_at = Some(now.monotonic);
        Ok(())
    }
}

fn command(excluded: Excluded) -> Command {
    let Excluded {
        device,
        certificate,
        why,
    } = excluded;
    Command::ExcludeCertificate {
        device,
        certificate,
        exclusion: match why {
            Why::Suspended => Some(Exclusion::Suspended),
            Why::Retired => Some(Exclusion::Retired),
            Why::Revoked(RevocationReason::Superseded) => None,
            Why::Revoked(reason) => Some(Exclusion::revoked(reason)),
        },
    }
}

fn show(counts: Counts) {
    let gauge = |name: &'static str, count: u32| metrics::gauge!(name).set(f64::from(count));
    gauge("gangway_waiting_devices", counts.waiting);
    gauge("gangway_claims", counts.claims);
    gauge("gangway_sessions", counts.sessions);
}
