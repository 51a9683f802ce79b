//! Which nameplates are taken, which rest, and which one is next (`protocol.md` §1).
//!
//! A nameplate is taken while its device is connected, then rests for fifteen minutes: nobody else gets it, and its own
//! device may come back to it with its `resume` token unless the code was spent. What is taken or rests is written to
//! the database in batches ([`Nameplates::take_changes`]), so that a restarted server gives no nameplate away that is
//! still on a screen.

use std::collections::{HashMap, VecDeque};

use gangway_protocol::code::{MAX_NAMEPLATE_LEN, MIN_NAMEPLATE_LEN, Nameplate, draw_nameplate};
use gangway_protocol::enrolment::CODE_LIFE_SECS;
use gangway_protocol::time::UnixMillis;

use super::plate::Plate;
use crate::db::nameplates as db;
use crate::rng::Random;

/// How long a nameplate is claimed under: the life of the device's secret.
pub(crate) const LIFE: i64 = secs(CODE_LIFE_SECS);
/// How long a freed one is given to nobody else: longer than any code with it can still be on paper or in a chat.
pub(crate) const REST: i64 = 15 * UnixMillis::MINUTE;
/// One in this many of a length may be taken before the next length is used, so that guessing nameplates stays
/// expensive and drawing a free one stays cheap.
const CROWDED: usize = 10;

/// A nameplate in use: since when it is this device's, and on which socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) socket: u32,
    pub(crate) epoch: UnixMillis,
}

/// What the database is to remember of a nameplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// When it was assigned to its device; `None` when that device may not come back to it either.
    pub(crate) epoch: Option<UnixMillis>,
    /// Until when nobody else gets it, should the server not say otherwise.
    pub(crate) rests_until: UnixMillis,
}

impl From<&db::Lease> for (Plate, Lease) {
    fn from(row: &db::Lease) -> Self {
        let db::Lease {
            nameplate,
            epoch,
            rests_until,
        } = row;
        let (epoch, rests_until) = (*epoch, *rests_until);
        (Plate::from(nameplate), Lease { epoch, rests_until })
    }
}

impl Lease {
    /// As the database has it.
    pub(crate) fn to_row(self, plate: Plate) -> db::Lease {
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
    /// The nameplate is the device's again.
    Yes,
    /// It is, and its older socket has to go.
    FromSocket(u32),
    /// It is not to be had any more.
    Stale,
}

/// All nameplates of a node that are not free.
pub(crate) struct Nameplates {
    taken: HashMap<Plate, Taken>,
    resting: HashMap<Plate, Lease>,
    /// Resting ones by the end of their rest.
    ends: VecDeque<(UnixMillis, Plate)>,
    /// How many of each length are taken or rest, from the shortest length on.
    crowd: [usize; MAX_NAMEPLATE_LEN + 1 - MIN_NAMEPLATE_LEN],
    changes: HashMap<Plate, Lease>,
}

impl Nameplates {
    /// Starts with what the database remembers.
    pub(crate) fn new(leases: impl IntoIterator<Item = (Plate, Lease)>) -> Self {
        let mut nameplates = Self {
            taken: HashMap::new(),
            resting: leases.into_iter().collect(),
            ends: VecDeque::new(),
            crowd: [0; _],
            changes: HashMap::new(),
        };
        let mut ends: Vec<_> = nameplates
            .resting
            .iter()
            .map(|(plate, lease)| (lease.rests_until, *plate))
            .collect();
        ends.sort_by_key(|(until, _)| *until);
        for (_, plate) in &ends {
            nameplates.crowd[place(*plate)] += 1;
        }
        nameplates.ends = ends.into();
        nameplates
    }

    /// A random one among the free ones, for a device on this socket.
    pub(crate) fn assign(&mut self, socket: u32, now: UnixMillis, random: &dyn Random) -> Plate {
        self.end_rests(now);
        let len = self.present_len();
        // At most one in ten is not free (in the longest length there is no crowd), so this ends after a draw or two.
        let plate = loop {
            let plate = Plate::from(&draw_nameplate(len, |bytes| random.fill(bytes)));
            if !self.taken.contains_key(&plate) && !self.resting.contains_key(&plate) {
                break plate;
            }
        };
        self.crowd[place(plate)] += 1;
        self.take(plate, Taken { socket, epoch: now });
        plate
    }

    /// Gives a device that was assigned `plate` at `epoch` its nameplate back, on this socket.
    pub(crate) fn resume(
        &mut self,
        plate: Plate,
        epoch: UnixMillis,
        socket: u32,
        now: UnixMillis,
    ) -> Resumed {
        self.end_rests(now);
        if now.since(epoch) >= LIFE {
            return Resumed::Stale;
        }
        if let Some(taken) = self.taken.get(&plate) {
            if taken.epoch != epoch {
                return Resumed::Stale;
            }
            let older = taken.socket;
            self.take(plate, Taken { socket, epoch });
            return Resumed::FromSocket(older);
        }
        match self.resting.get(&plate) {
            Some(lease) if lease.epoch != Some(epoch) => return Resumed::Stale,
            Some(_) => {
                self.resting.remove(&plate);
            }
            // The server died before it wrote the lease down: the token is proof enough.
            None => self.crowd[place(plate)] += 1,
        }
        self.take(plate, Taken { socket, epoch });
        Resumed::Yes
    }

    /// The socket of the device that is found under `nameplate`.
    pub(crate) fn find(&self, nameplate: &Nameplate) -> Option<u32> {
        self.taken.get(&Plate::from(nameplate)).map(|taken| taken.socket)
    }

    /// The device of `plate` on `socket` has gone. It may come back to it unless the code is `spent`.
    pub(crate) fn free(&mut self, plate: Plate, socket: u32, spent: bool, now: UnixMillis) {
        // A socket that was superseded has nothing to free.
        let Some(taken) = self.taken.get(&plate).filter(|taken| taken.socket == socket) else {
            return;
        };
        let lease = Lease {
            epoch: (!spent).then_some(taken.epoch),
            rests_until: now.plus(REST),
        };
        self.taken.remove(&plate);
        self.resting.insert(plate, lease);
        self.ends.push_back((lease.rests_until, plate));
        self.changes.insert(plate, lease);
    }

    /// What has changed since the last call and is to be written to the database.
    pub(crate) fn take_changes(&mut self) -> HashMap<Plate, Lease> {
        std::mem::take(&mut self.changes)
    }

    fn take(&mut self, plate: Plate, taken: Taken) {
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
        let crowded = |(len, crowd): (usize, &usize)| {
            let all = u32::try_from(len).ok().and_then(|len| 20_usize.checked_pow(len));
            (*crowd <= all.unwrap_or(usize::MAX) / CROWDED).then_some(len)
        };
        lengths
            .zip(&self.crowd)
            .find_map(crowded)
            .unwrap_or(MAX_NAMEPLATE_LEN)
    }

    fn end_rests(&mut self, now: UnixMillis) {
        while self.ends.front().is_some_and(|(until, _)| *until <= now) {
            let Some((until, plate)) = self.ends.pop_front() else {
                return;
            };
            // It may have been resumed since, and even rest again until later.
            if self
                .resting
                .get(&plate)
                .is_some_and(|lease| lease.rests_until == until)
            {
                self.resting.remove(&plate);
                self.crowd[place(plate)] = self.crowd[place(plate)].saturating_sub(1);
            }
        }
    }
}

fn place(plate: Plate) -> usize {
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
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn empty() -> Nameplates {
        Nameplates::new([])
    }

    /// Threat model: ENR-23.
    #[test]
    fn they_are_random_and_lengthen_when_one_in_ten_is_taken() {
        let mut nameplates = empty();
        let first: Vec<_> = (0..16_001)
            .map(|socket| nameplates.assign(socket, START, &SystemRandom))
            .collect();
        assert!(first.iter().all(|plate| plate.len() == 4));
        let next = nameplates.assign(16_001, START, &SystemRandom);
        assert_eq!(next.len(), 5, "16,001 of 160,000 are more than one in ten");
        nameplates.free(first[7], 7, true, START);
        assert_eq!(
            nameplates.assign(7, START, &SystemRandom).len(),
            5,
            "a resting one is not free"
        );
        for (socket, plate) in (0..).zip(&first) {
            nameplates.free(*plate, socket, true, START);
        }
        assert_eq!(nameplates.assign(7, START.plus(REST), &SystemRandom).len(), 4);
    }

    #[test]
    fn a_freed_one_rests_and_its_device_may_come_back() {
        let mut nameplates = empty();
        let plate = nameplates.assign(1, START, &SystemRandom);
        nameplates.free(plate, 1, false, START.plus(5_000));
        assert_eq!(nameplates.find(&plate.into()), None);
        assert_eq!(
            nameplates.resume(plate, START.plus(1), 2, START.plus(6_000)),
            Resumed::Stale,
            "another's token"
        );
        assert_eq!(
            nameplates.resume(plate, START, 2, START.plus(6_000)),
            Resumed::Yes
        );
        assert_eq!(nameplates.find(&plate.into()), Some(2));
        nameplates.free(plate, 2, true, START.plus(7_000));
        assert_eq!(
            nameplates.resume(plate, START, 3, START.plus(8_000)),
            Resumed::Stale,
            "the code is spent"
        );
    }

    #[test]
    fn the_newer_of_two_sockets_wins() {
        let mut nameplates = empty();
        let plate = nameplates.assign(1, START, &SystemRandom);
        assert_eq!(
            nameplates.resume(plate, START, 2, START.plus(1)),
            Resumed::FromSocket(1)
        );
        nameplates.free(plate, 1, false, START.plus(2));
        assert_eq!(
            nameplates.find(&plate.into()),
            Some(2),
            "the older one frees nothing"
        );
    }

    #[test]
    fn a_restart_keeps_leases_and_lets_their_devices_resume() {
        let mut before = empty();
        let plate = before.assign(1, START, &SystemRandom);
        let leases = before.take_changes();
        assert!(before.take_changes().is_empty());
        let mut after = Nameplates::new(leases);
        assert_eq!(after.resume(plate, START, 9, START.plus(20_000)), Resumed::Yes);
        assert_eq!(after.resume(plate, START, 9, START.plus(LIFE)), Resumed::Stale);
        let mut lost = empty();
        assert_eq!(
            lost.resume(plate, START, 9, START.plus(20_000)),
            Resumed::Yes,
            "killed before the lease was written"
        );
    }

    #[test]
    fn the_crowd_is_counted_right_through_every_path() {
        let mut nameplates = empty();
        for round in 0..200_i64 {
            let now = START.plus(round * UnixMillis::MINUTE);
            let plate = nameplates.assign(1, now, &SystemRandom);
            nameplates.free(plate, 1, false, now);
            assert_eq!(nameplates.resume(plate, now, 2, now.plus(1)), Resumed::Yes);
            nameplates.free(plate, 2, round % 2 == 0, now.plus(2));
            assert_eq!(
                nameplates.crowd[0],
                nameplates.taken.len() + nameplates.resting.len()
            );
        }
        assert!(nameplates.resting.len() <= 16);
    }
}
