//! What an attacker gets out of these limits, by simulation, and what an honest person does not lose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;

const START: UnixMillis = UnixMillis(1_800_000_000_000);

/// So long after the beginning.
fn at(millis: i64) -> Now {
    Now {
        wall: START.plus(millis),
        monotonic: Monotonic::from_millis(millis),
    }
}
const OLD: UnixMillis = UnixMillis(1_600_000_000_000);

fn account(number: u8) -> AccountId {
    AccountId::new(OLD, [number; 10])
}

fn organisation(number: u8) -> OrganisationId {
    OrganisationId::new(OLD, [number; 10])
}

fn nameplate(number: usize) -> Nameplate {
    let alphabet = gangway_protocol::code::ALPHABET;
    let text: String = (0..6_u32)
        .map(|place| char::from(alphabet[number / 20_usize.pow(place) % 20]))
        .collect();
    text.parse().expect("six symbols are a nameplate")
}

fn attempt(who: u8, from: IpAddr, at: usize) -> CodeAttempt {
    CodeAttempt {
        account: account(who),
        account_since: OLD,
        organisations: vec![organisation(who)],
        address: Some(from.into()),
        nameplate: nameplate(at),
    }
}

fn home(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

/// Fails as often as it is let, once a second, and returns how often that was.
fn failures(limits: &Limits, seconds: i64, mut next: impl FnMut(i64) -> CodeAttempt) -> usize {
    let mut count = 0;
    for second in 0..seconds {
        let now = at(second * UnixMillis::SECOND);
        let attempt = next(second);
        if limits.begin(&attempt, now).is_ok() {
            limits.settle(&attempt, true, now);
            count += 1;
        }
    }
    count
}

fn index(number: i64) -> usize {
    usize::try_from(number).expect("tests count from nought")
}

fn byte(number: i64) -> u8 {
    u8::try_from(number).expect("it was kept below 256")
}

/// Threat model: ENR-3.
#[test]
fn one_account_guesses_five_times_in_ten_minutes_then_ever_more_rarely() {
    let limits = Limits::new(&Caps::default());
    let ten_minutes = failures(&limits, 600, |second| attempt(1, home(1), index(second)));
    assert_eq!(ten_minutes, 5);
    let limits = Limits::new(&Caps::default());
    let a_day = failures(&limits, 24 * 3600, |second| {
        attempt(1, home(byte(second % 250)), index(second))
    });
    // Waits of 10, 20, 40, … minutes: eight rounds fit into a day.
    assert!((35..=40).contains(&a_day), "{a_day} guesses in a day");
}

/// Threat model: ENR-3.
#[test]
fn many_accounts_at_one_address_share_its_thirty() {
    let limits = Limits::new(&Caps::default());
    let slash_64 = |host: u8| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, u16::from(host)));
    let count = failures(&limits, 599, |second| {
        let who = byte(second % 200);
        attempt(who, slash_64(who), index(second))
    });
    assert_eq!(count, 30, "every host of the /64 counts as one");
}

/// Threat model: ENR-3.
#[test]
fn many_addresses_of_one_organisation_share_its_hundred() {
    let limits = Limits::new(&Caps::default());
    let count = failures(&limits, 599, |second| {
        let who = byte(second % 200);
        CodeAttempt {
            organisations: vec![organisation(1)],
            ..attempt(who, home(who), index(second))
        }
    });
    assert_eq!(count, 100);
}

/// Threat model: ENR-2.
#[test]
fn one_account_fails_twice_per_nameplate_however_it_is_spelt() {
    let limits = Limits::new(&Caps::default());
    let spell = |text: &str| CodeAttempt {
        nameplate: text.parse().expect("a nameplate"),
        ..attempt(1, home(1), 0)
    };
    for spelling in ["bcdf", "BC-DF"] {
        limits
            .begin(&spell(spelling), at(0))
            .expect("two failures are let");
        limits.settle(&spell(spelling), true, at(0));
    }
    assert!(limits.begin(&spell(" b c d f "), at(0)).is_err());
    assert!(limits.begin(&spell("BCDG"), at(0)).is_ok());
}

/// Threat model: ENR-3.
#[test]
fn the_breaker_slows_young_accounts_first() {
    let caps = Caps {
        failed_codes_total: 50,
        failed_codes_per_address: 1_000,
        ..Caps::default()
    };
    let limits = Limits::new(&caps);
    let flood = failures(&limits, 60, |second| {
        attempt(byte(second), home(1), index(second))
    });
    assert_eq!(flood, 60, "old accounts go on for now");
    let now = at(UnixMillis::MINUTE);
    let young = CodeAttempt {
        account_since: START,
        ..attempt(200, home(9), 999)
    };
    let refused = limits.begin(&young, now).expect_err("a young account waits");
    assert!((1..=600).contains(&refused.retry_after_secs));
    assert!(limits.begin(&attempt(201, home(9), 998), now).is_ok());
    let more = failures(&limits, 599, |second| {
        attempt(byte(second % 250), home(1), index(second))
    });
    assert!(
        (130..=200 - 60).contains(&more),
        "at four times the cap nobody goes on ({more})"
    );
    assert!(
        limits.begin(&young, at(21 * UnixMillis::MINUTE)).is_ok(),
        "it closes again by itself"
    );
}

/// Threat model: ENR-3.
#[test]
fn parallel_attempts_do_not_slip_through() {
    let limits = Limits::new(&Caps::default());
    let running: Vec<_> = (0..20)
        .map(|at| attempt(1, home(1), at))
        .filter(|attempt| limits.begin(attempt, at(0)).is_ok())
        .collect();
    assert_eq!(running.len(), 5);
    for attempt in &running {
        limits.settle(attempt, false, at(0));
    }
    assert!(
        limits.begin(&attempt(1, home(1), 99), at(0)).is_ok(),
        "they redeemed their codes"
    );
}

/// Threat model: ENR-3.
#[test]
fn success_takes_nothing_off_any_window() {
    let limits = Limits::new(&Caps::default());
    let ends = |index: usize, failed: bool| {
        let attempt = attempt(1, home(1), index);
        limits.begin(&attempt, at(0)).expect("fewer than five failed");
        limits.settle(&attempt, failed, at(0));
    };
    for at in 0..4 {
        ends(at, true);
        ends(100 + at, false);
    }
    ends(5, true);
    let refused = limits
        .begin(&attempt(1, home(1), 6), at(0))
        .expect_err("five failed");
    assert_eq!(refused.retry_after_secs, 601);
}

/// Threat model: ENR-4.
#[test]
fn a_whole_botnet_gets_six_thousand_guesses_an_hour() {
    // A new account of a new organisation at a new address for every guess: only the breaker is left.
    let limits = Limits::new(&Caps::default());
    let mut guesses = 0_u32;
    for second in 0..3600_u32 {
        for burst in 0..10_u32 {
            let now = at(i64::from(second) * UnixMillis::SECOND);
            let number = second * 10 + burst;
            let mut id = [0; 10];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let attempt = CodeAttempt {
                account: AccountId::new(now.wall, id),
                account_since: now.wall,
                organisations: vec![OrganisationId::new(now.wall, id)],
                address: Some(AddressKey::V4(number)),
                nameplate: nameplate(index(number.into())),
            };
            if limits.begin(&attempt, now).is_ok() {
                limits.settle(&attempt, true, now);
                guesses += 1;
            }
        }
    }
    // Each guess is right with 1 in 20^6; 6,000 an hour take more than ten thousand hours on average.
    assert!((5_900..=6_100).contains(&guesses), "{guesses} guesses in an hour");
}

#[test]
fn sign_ins_are_counted_per_address() {
    let limits = Limits::new(&Caps::default());
    let tries = (0..100)
        .filter(|_| limits.sign_in(home(1).into(), at(0).monotonic).is_ok())
        .count();
    assert_eq!(tries, 60);
    assert!(limits.sign_in(home(2).into(), at(0).monotonic).is_ok());
    assert!(limits.sign_in(home(1).into(), at(SPAN).monotonic).is_ok());
}

#[test]
fn a_jump_of_the_wall_clock_lets_nobody_guess_again() {
    let limits = Limits::new(&Caps::default());
    assert_eq!(
        failures(&limits, 5, |second| attempt(1, home(1), index(second))),
        5
    );
    for jump in [-UnixMillis::DAY, UnixMillis::DAY] {
        let jumped = Now {
            wall: START.plus(jump),
            ..at(6_000)
        };
        assert!(limits.begin(&attempt(1, home(1), 9), jumped).is_err(), "{jump}");
    }
    assert!(
        limits
            .begin(&attempt(1, home(1), 9), at(11 * UnixMillis::MINUTE))
            .is_ok()
    );
}
