//! Which nameplates are taken, which rest, and which one is next (`protocol.md` §1).
//!
//! A nameplate is taken while its device is connected, then rests for fifteen minutes: nobody else gets it, and its own
//! device may come back to it with its `resume` token unless the code was spent. What is taken or rests is written to
//! the database in batches ([`Nameplates::take_changes`]), so that a restarted server gives no nameplate away that is
//! still on a screen. Deadlines are monotonic here; the database and the token have to name them on the wall clock.

use std::collections::{HashMap, VecDeque};

use gangway_protocol::code::{MAX_NAMEPLATE_LEN, MIN_NAMEPLATE_LEN, Nameplate, draw_nameplate};
use gangway_protocol::enrolment::CODE_LIFE_SECS;
use gangway_protocol::time::UnixMillis;

use super::packed_nameplate::PackedNameplate;
use crate::clock::{Monotonic, Now};
use crate::db::nameplates as db;
use crate::rng::Random;

/// How long a nameplate is claimed under: the life of the device's secret.
pub(crate) const LIFE: i64 = secs(CODE_LIFE_SECS);
/// How long a freed one is given to nobody else: longer than any code with it can still be on paper or in a chat.
pub(crate) const REST: i64 = 15 * UnixMillis::MINUTE;
/// One in this many of a length may be taken before the next length is used, so that guessing nameplates stays
/// expensive and drawing a free one stays cheap.
const CROWDED: usize = 10;

/// A nameplate in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    socket: u32,
    /// When it was assigned to this device, as the `resume` token says it.
    epoch: UnixMillis,
    /// Until when its code lives.
    expires: Monotonic,
}

/// A nameplate that is given to nobody else for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resting {
    /// When it was assigned to its device, and until when its code lives; `None` when that device may not come back to it.
    code: Option<(UnixMillis, Monotonic)>,
    until: Monotonic,
}

/// A nameplate that was just assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) plate: PackedNameplate,
    /// Until when its code lives.
    pub(crate) expires: Monotonic,
}

/// What the database is to remember of a nameplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// When it was assigned to its device; `None` when that device may not come back to it either.
    pub(crate) epoch: Option<UnixMillis>,
    /// Until when nobody else gets it, should the server not say otherwise.
    pub(crate) rests_until: UnixMillis,
}

impl From<&db::Lease> for (PackedNameplate, Lease) {
    fn from(row: &db::Lease) -> Self {
        let db::Lease {
            nameplate,
            epoch,
            rests_until,
        } = row;
        let (epoch, rests_until) = (*epoch, *rests_until);
        (PackedNameplate::from(nameplate), Lease { epoch, rests_until })
    }
}

impl Lease {
    /// As the database has it.
    pub(crate) fn to_row(self, plate: PackedNameplate) -> db::Lease {
        db::Lease {
            nameplate: plate.into(),
            epoch: self.epoch,
            rests_until: self.rests_until,
        }
    }
}

/// What became of a `resume` token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// The nameplate is the device's again, until its code expires.
    Yes { expires: Monotonic },
    /// It is, and its older socket has to go.
    FromSocket { older: u32, expires: Monotonic },
    /// It is not to be had any more.
    Stale,
}

/// All nameplates of a node that are not free.
pub(crate) struct Nameplates {
    taken: HashMap<PackedNameplate, Taken>,
    resting: HashMap<PackedNameplate, Resting>,
    /// Resting ones by the end of their rest.
    ends: VecDeque<(Monotonic, PackedNameplate)>,
    /// How many of each length are taken or rest, from the shortest length on.
    taken_of_len: [usize; MAX_NAMEPLATE_LEN + 1 - MIN_NAMEPLATE_LEN],
    changes: HashMap<PackedNameplate, Lease>,
}

impl Nameplates {
    /// Starts with what the database remembers.
    pub(crate) fn new(leases: impl IntoIterator<Item = (PackedNameplate, Lease)>, now: Now) -> Self {
        let resting = leases
            .into_iter()
            .map(|(plate, lease)| (plate, Resting::read(lease, now)));
        let mut nameplates = Self {
            taken: HashMap::new(),
            resting: resting.collect(),
            ends: VecDeque::new(),
            taken_of_len: [0; _],
            changes: HashMap::new(),
        };
        let mut ends: Vec<_> = nameplates
            .resting
            .iter()
            .map(|(plate, resting)| (resting.until, *plate))
            .collect();
        ends.sort_by_key(|(until, _)| *until);
        for (_, plate) in &ends {
            nameplates.taken_of_len[place(*plate)] += 1;
        }
        nameplates.ends = ends.into();
        nameplates
    }

    /// A random one among the free ones, for a device on this socket.
    pub(crate) fn assign(&mut self, socket: u32, now: Now, random: &dyn Random) -> Assigned {
        self.end_rests(now);
        let len = self.present_len();
        // At most one in ten is not free (the longest length is never so full), so this ends after a draw or two.
        let plate = loop {
            let plate = PackedNameplate::from(&draw_nameplate(len, |bytes| random.fill(bytes)));
            if !self.taken.contains_key(&plate) && !self.resting.contains_key(&plate) {
                break plate;
            }
        };
        self.taken_of_len[place(plate)] += 1;
        let expires = now.plus(LIFE);
        let epoch = now.wall;
        self.take(
            plate,
            Taken {
                socket,
                epoch,
                expires,
            },
        );
        Assigned { plate, expires }
    }

    /// Gives a device that was assigned `plate` at `epoch` its nameplate back, on this socket.
    pub(crate) fn resume(
        &mut self,
        plate: PackedNameplate,
        epoch: UnixMillis,
        socket: u32,
        now: Now,
    ) -> Resumed {
        self.end_rests(now);
        if let Some(taken) = self.taken.get(&plate).copied() {
            if taken.epoch != epoch || now.is_past(taken.expires) {
                return Resumed::Stale;
            }
            self.take(plate, Taken { socket, ..taken });
            return Resumed::FromSocket {
                older: taken.socket,
                expires: taken.expires,
            };
        }
        let resting = self.resting.get(&plate);
        let expires = match resting.map(|resting| resting.code) {
            Some(Some((of, expires))) if of == epoch => expires,
            Some(_) => return Resumed::Stale,
            // The server died before it wrote the lease down: the token is proof enough.
            None => expiry(epoch, now),
        };
        if now.is_past(expires) {
            return Resumed::Stale;
        }
        if self.resting.remove(&plate).is_none() {
            self.taken_of_len[place(plate)] += 1;
        }
        self.take(
            plate,
            Taken {
                socket,
                epoch,
                expires,
            },
        );
        Resumed::Yes { expires }
    }

    /// The socket of the device that is found under `nameplate`.
    pub(crate) fn find(&self, nameplate: &Nameplate) -> Option<u32> {
        self.taken
            .get(&PackedNameplate::from(nameplate))
            .map(|taken| taken.socket)
    }

    /// The device of `plate` on `socket` has gone. It may come back to it unless the code is `spent`.
    pub(crate) fn free(&mut self, plate: PackedNameplate, socket: u32, spent: bool, now: Now) {
        // A socket that was superseded has nothing to free.
        let Some(taken) = self.taken.get(&plate).filter(|taken| taken.socket == socket) else {
            return;
        };
        let resting = Resting {
            code: (!spent).then_some((taken.epoch, taken.expires)),
            until: now.plus(REST),
        };
        let lease = Lease {
            epoch: resting.code.map(|(epoch, _)| epoch),
            rests_until: now.wall.plus(REST),
        };
        self.taken.remove(&plate);
        self.resting.insert(plate, resting);
        self.ends.push_back((resting.until, plate));
        self.changes.insert(plate, lease);
    }

    /// The device of `plate` on `socket` has gone, and showed it to nobody: somebody else may have it at once.
    pub(crate) fn release(&mut self, plate: PackedNameplate, socket: u32, now: Now) {
        if self.taken.get(&plate).is_some_and(|taken| taken.socket == socket) {
            self.taken.remove(&plate);
            let lease = Lease {
                epoch: None,
                rests_until: now.wall,
            };
            self.changes.insert(plate, lease);
        }
    }

    /// What has changed since the last call and is to be written to the database.
    pub(crate) fn take_changes(&mut self) -> HashMap<PackedNameplate, Lease> {
        std::mem::take(&mut self.changes)
    }

    fn take(&mut self, plate: PackedNameplate, taken: Taken) {
        self.taken.insert(plate, taken);
        let lease = Lease {
            epoch: Some(taken.epoch),
            rests_until: taken.epoch.plus(LIFE + REST),
        };
        self.changes.insert(plate, lease);
    }

    /// The shortest length of which not more than one in ten is taken.
    fn present_len(&self) -> usize {
        let lengths = MIN_NAMEPLATE_LEN..=MAX_NAMEPLATE_LEN;
        let crowded = |(len, taken): (usize, &usize)| {
            let all = u32::try_from(len).ok().and_then(|len| 20_usize.checked_pow(len));
            (*taken <= all.unwrap_or(usize::MAX) / CROWDED).then_some(len)
        };
        lengths
            .zip(&self.taken_of_len)
            .find_map(crowded)
            .unwrap_or(MAX_NAMEPLATE_LEN)
    }

    fn end_rests(&mut self, now: Now) {
        while self.ends.front().is_some_and(|(until, _)| now.is_past(*until)) {
            let Some((until, plate)) = self.ends.pop_front() else {
                return;
            };
            // It may have been resumed since, and even rest again until later.
            if self
                .resting
                .get(&plate)
                .is_some_and(|resting| resting.until == until)
            {
                self.resting.remove(&plate);
                self.taken_of_len[place(plate)] = self.taken_of_len[place(plate)].saturating_sub(1);
            }
        }
    }
}

impl Resting {
    /// What another process, or this one before its restart, has left in the database.
    fn read(lease: Lease, now: Now) -> Self {
        // A wall clock that was set meanwhile shortens a rest to nothing or leaves it whole, and makes none longer.
        let left = lease.rests_until.since(now.wall).clamp(0, LIFE + REST);
        Self {
            code: lease.epoch.map(|epoch| (epoch, expiry(epoch, now))),
            until: now.plus(left),
        }
    }
}

/// Until when the code lives whose nameplate was assigned at `epoch`, perhaps by an earlier process.
fn expiry(epoch: UnixMillis, now: Now) -> Monotonic {
    now.plus((LIFE - now.wall.since(epoch)).clamp(0, LIFE))
}

fn place(plate: PackedNameplate) -> usize {
    plate
        .len()
        .saturating_sub(MIN_NAMEPLATE_LEN)
        .min(MAX_NAMEPLATE_LEN - MIN_NAMEPLATE_LEN)
}

const fn secs(secs: u32) -> i64 {
    #[expect(clippy::as_conversions, reason = "widening; `i64::from` is not const")]
    let secs = secs as i64;
    secs * UnixMillis::SECOND
}

#[cfg(test)]
mod tests;
