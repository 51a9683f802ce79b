//! Nameplates are given, rest, and come again.

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
