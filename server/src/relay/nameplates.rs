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
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    /// So long after the beginning.
    fn at(millis: i64) -> Now {
        Now {
            wall: UnixMillis(1_800_000_000_000).plus(millis),
            monotonic: Monotonic::from_millis(millis),
        }
    }

    fn epoch(millis: i64) -> UnixMillis {
        at(millis).wall
    }

    fn is_back(resumed: Resumed) -> bool {
        matches!(resumed, Resumed::Yes { .. })
    }

    fn empty() -> Nameplates {
        Nameplates::new([], at(0))
    }

    fn assign(nameplates: &mut Nameplates, socket: u32, now: Now) -> PackedNameplate {
        nameplates.assign(socket, now, &SystemRandom).plate
    }

    /// Threat model: ENR-23.
    #[test]
    fn they_are_random_and_lengthen_when_one_in_ten_is_taken() {
        let mut nameplates = empty();
        let first: Vec<_> = (0..16_001)
            .map(|socket| assign(&mut nameplates, socket, at(0)))
            .collect();
        assert!(first.iter().all(|plate| plate.len() == 4));
        // 400 pairs of symbols, each about forty times at either end.
        for pair in [0..2, 2..4] {
            let mut often = HashMap::<String, usize>::new();
            for plate in &first {
                let plate = Nameplate::from(*plate);
                *often.entry(plate.as_str()[pair.clone()].to_owned()).or_default() += 1;
            }
            assert_eq!(often.len(), 400);
            assert!(often.values().all(|count| (4..=120).contains(count)), "{often:?}");
        }
        let next = assign(&mut nameplates, 16_001, at(0));
        assert_eq!(next.len(), 5, "16,001 of 160,000 are more than one in ten");
        nameplates.free(first[7], 7, true, at(0));
        assert_eq!(
            assign(&mut nameplates, 7, at(0)).len(),
            5,
            "a resting one is not free"
        );
        for (socket, plate) in (0..).zip(&first) {
            nameplates.free(*plate, socket, true, at(0));
        }
        assert_eq!(assign(&mut nameplates, 7, at(REST)).len(), 4);
    }

    #[test]
    fn a_freed_one_rests_and_its_device_may_come_back() {
        let mut nameplates = empty();
        let plate = assign(&mut nameplates, 1, at(0));
        nameplates.free(plate, 1, false, at(5_000));
        assert_eq!(nameplates.find(&plate.into()), None);
        assert_eq!(
            nameplates.resume(plate, epoch(1), 2, at(6_000)),
            Resumed::Stale,
            "another's token"
        );
        assert!(is_back(nameplates.resume(plate, epoch(0), 2, at(6_000))));
        assert_eq!(nameplates.find(&plate.into()), Some(2));
        nameplates.free(plate, 2, true, at(7_000));
        assert_eq!(
            nameplates.resume(plate, epoch(0), 3, at(8_000)),
            Resumed::Stale,
            "the code is spent"
        );
    }

    #[test]
    fn the_newer_of_two_sockets_wins() {
        let mut nameplates = empty();
        let plate = assign(&mut nameplates, 1, at(0));
        assert_eq!(
            nameplates.resume(plate, epoch(0), 2, at(1)),
            Resumed::FromSocket {
                older: 1,
                expires: at(LIFE).monotonic
            }
        );
        nameplates.free(plate, 1, false, at(2));
        assert_eq!(
            nameplates.find(&plate.into()),
            Some(2),
            "the older one frees nothing"
        );
    }

    #[test]
    fn a_restart_keeps_leases_and_lets_their_devices_resume() {
        let mut before = empty();
        let plate = assign(&mut before, 1, at(0));
        let leases = before.take_changes();
        assert!(before.take_changes().is_empty());
        let mut after = Nameplates::new(leases, at(10_000));
        assert!(is_back(after.resume(plate, epoch(0), 9, at(20_000))));
        assert_eq!(after.resume(plate, epoch(0), 9, at(LIFE)), Resumed::Stale);
        let mut lost = empty();
        assert!(
            is_back(lost.resume(plate, epoch(0), 9, at(20_000))),
            "killed before the lease was written"
        );
    }

    /// Bytes that count on, the same for every new one.
    #[derive(Default)]
    struct Counting(std::sync::atomic::AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn after_a_restart_nobody_gets_what_another_has_on_its_screen() {
        let draw = |nameplates: &mut Nameplates| nameplates.assign(1, at(1), &Counting::default()).plate;
        let mut before = empty();
        let plate = draw(&mut before);
        assert_eq!(draw(&mut empty()), plate, "the next one, were it free");
        let mut after = Nameplates::new(before.take_changes(), at(1));
        assert_ne!(draw(&mut after), plate);

        let mut crowded = empty();
        for socket in 0..16_001 {
            assign(&mut crowded, socket, at(1));
        }
        let mut after = Nameplates::new(crowded.take_changes(), at(1));
        assert_eq!(assign(&mut after, 1, at(1)).len(), 5, "leases count as taken");
    }

    #[test]
    fn a_jump_of_the_wall_clock_ends_no_code_and_prolongs_none() {
        for jump in [-UnixMillis::DAY, UnixMillis::DAY] {
            let jumped = |millis: i64| Now {
                wall: epoch(millis).plus(jump),
                ..at(millis)
            };
            let mut nameplates = empty();
            let plate = assign(&mut nameplates, 1, at(0));
            nameplates.free(plate, 1, false, jumped(1_000));
            assert!(
                is_back(nameplates.resume(plate, epoch(0), 2, jumped(2_000))),
                "{jump}"
            );
            nameplates.free(plate, 2, false, jumped(3_000));
            assert_eq!(
                nameplates.resume(plate, epoch(0), 3, jumped(LIFE)),
                Resumed::Stale,
                "{jump}"
            );
            nameplates.end_rests(jumped(3_000 + REST));
            assert!(nameplates.resting.is_empty(), "{jump}");
        }
    }

    #[test]
    fn what_is_taken_is_counted_right_through_every_path() {
        let mut nameplates = empty();
        for round in 0..200_i64 {
            let millis = round * UnixMillis::MINUTE;
            let now = at(millis);
            let plate = assign(&mut nameplates, 1, now);
            nameplates.free(plate, 1, false, now);
            assert!(is_back(nameplates.resume(plate, now.wall, 2, at(millis + 1))));
            nameplates.free(plate, 2, round % 2 == 0, at(millis + 2));
            assert_eq!(
                nameplates.taken_of_len[0],
                nameplates.taken.len() + nameplates.resting.len()
            );
        }
        assert!(nameplates.resting.len() <= 16);
    }
}
