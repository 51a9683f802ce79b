//! What the hub remembers of one socket. A hundred thousand of these are in memory: the common case, a waiting device,
//! is held in place and small; claimants and sessions are boxed.

use std::net::IpAddr;

use gangway_protocol::enrolment::HELLO_DUE_SECS;
use gangway_protocol::session::NONCE_LEN;
use gangway_protocol::time::UnixMillis;

use super::driver::SessionPass;
use super::packed_nameplate::PackedNameplate;
use super::ticket::Ticket;
use crate::clock::{Monotonic, Now};
use crate::limits::Bucket;
use crate::rng::Random;

/// `protocol.md`, common rules: Pings every 45 s ± 20 %, and a Pong within 45 s.
const PING_EVERY: i64 = 45 * UnixMillis::SECOND;
const PING_JITTER: i64 = 9 * UnixMillis::SECOND;
const PONG_DUE: i64 = 45 * UnixMillis::SECOND;
/// How long after a nameplate's time a device may take to say `replace`: its clock started later than ours, and a
/// running claim delays it.
const REPLACE_DUE: i64 = UnixMillis::MINUTE;
/// How long a device has to answer the Ping that asks whether two of it are alive (`protocol.md` §3).
pub(super) const PROBE_DUE: i64 = 10 * UnixMillis::SECOND;

/// One socket.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) generation: u32,
    pub(super) liveness: Liveness,
    pub(super) role: Role,
}

/// Whose socket it is, and where it stands.
#[derive(Debug)]
pub(super) enum Role {
    /// Nobody's.
    Vacant,
    /// The hub is done with it; its connection is ending.
    Closing,
    /// A device that has not said `hello` yet.
    Greeting(Greeting),
    /// A device with a nameplate.
    Waiting(Waiting),
    /// A claimant.
    Claimant(Box<Claimant>),
    /// An enrolled device that waits to be challenged.
    Queued(Queued),
    /// An enrolled device that has been challenged.
    Proving(Box<Proving>),
    /// An enrolled device with a session.
    Session(Box<Session>),
}

/// A device that has not said `hello` yet.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) address: Option<IpAddr>,
    pub(super) due: Monotonic,
}

/// An enrolled device that waits to be challenged.
#[derive(Debug)]
pub(super) struct Queued {
    /// Of which address it waits for a place.
    pub(super) address: Option<IpAddr>,
    /// When it has waited for too long.
    pub(super) due: Monotonic,
}

/// A device with a nameplate.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) plate: PackedNameplate,
    /// When it was assigned, on the wall clock: the `resume` token says it.
    pub(super) epoch: UnixMillis,
    pub(super) first_seen: UnixMillis,
    pub(super) address: Option<IpAddr>,
    /// The claim that runs.
    pub(super) claim: Option<u32>,
    /// Guesses spent and not redeemed.
    pub(super) failures: u8,
    /// The code has done its work, or too much of it.
    pub(super) spent: bool,
    /// It has a permit and shows no code: the server alone may claim it.
    pub(super) unattended: bool,
    /// When `replace` should have come.
    pub(super) replace_due: Monotonic,
}

/// A claimant, before and during its claim.
#[derive(Debug)]
pub(super) struct Claimant {
    pub(super) ticket: Ticket,
    pub(super) stage: ClaimantStage,
}

#[derive(Debug)]
pub(super) enum ClaimantStage {
    /// `claim` is due.
    Greeting { due: Monotonic },
    /// It runs.
    Claiming(u32),
}

/// An enrolled device that has been challenged.
#[derive(Debug)]
pub(super) struct Proving {
    /// Whose place it takes.
    pub(super) address: Option<IpAddr>,
    pub(super) stage: ProvingStage,
}

#[derive(Debug)]
pub(super) enum ProvingStage {
    /// `proof` is due.
    Challenged { nonce: [u8; NONCE_LEN], due: Monotonic },
    /// Its proof is being checked; exclusions from this number on concern it.
    Checking { since: u64 },
}

/// An enrolled device with a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) pass: SessionPass,
    /// The Ping that asks whether it is alive beside a second session of its certificate.
    pub(super) probe: Option<Probe>,
    /// What it may still send.
    pub(super) allowance: Bucket,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) token: [u8; 8],
    pub(super) due: Monotonic,
}

impl Record {
    pub(super) fn vacant() -> Self {
        Self {
            generation: 0,
            liveness: Liveness {
                due: Monotonic::NEVER,
                pinged: false,
            },
            role: Role::Vacant,
        }
    }

    /// When something has to be done about it unless something happens before.
    pub(super) fn due(&self) -> Monotonic {
        self.role.due().min(self.liveness.due)
    }
}

impl Role {
    /// When its next message or answer is overdue.
    pub(super) fn due(&self) -> Monotonic {
        let never = Monotonic::NEVER;
        match self {
            Self::Vacant | Self::Closing => never,
            Self::Greeting(greeting) => greeting.due,
            Self::Queued(queued) => queued.due,
            Self::Waiting(waiting) => waiting.due(),
            Self::Claimant(claimant) => match claimant.stage {
                ClaimantStage::Greeting { due } => due,
                ClaimantStage::Claiming(_) => never,
            },
            Self::Proving(proving) => match proving.stage {
                ProvingStage::Challenged { due, .. } => due,
                ProvingStage::Checking { .. } => never,
            },
            Self::Session(session) => session.probe.map_or(never, |probe| probe.due),
        }
    }
}

impl Waiting {
    /// Whether the claim of a person makes sense: the device may have an older idea of the time, and declines by itself.
    pub(super) fn is_claimable(&self, now: Now) -> bool {
        !self.unattended && !self.spent && !now.is_past(self.replace_due)
    }

    /// When `replace` is due for a nameplate that expires then.
    pub(super) fn first_replace_due(expires: Monotonic) -> Monotonic {
        expires.plus(REPLACE_DUE)
    }

    /// A claim has ended: what it delayed is due a little later.
    pub(super) fn end_claim(&mut self, now: Now) {
        self.claim = None;
        self.replace_due = self.replace_due.max(now.plus(REPLACE_DUE));
    }

    /// `protocol.md` §2: expiry never interrupts a running claim.
    fn due(&self) -> Monotonic {
        match self.claim {
            Some(_) => Monotonic::NEVER,
            None => self.replace_due,
        }
    }
}

/// When `hello`, `claim` or `proof` is due.
pub(super) fn hello_due(now: Now) -> Monotonic {
    now.plus(i64::from(HELLO_DUE_SECS) * UnixMillis::SECOND)
}

/// Whether the other end still answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Liveness {
    /// When to ping, or when the Pong is overdue.
    due: Monotonic,
    pinged: bool,
}

/// What liveness asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    Fine,
    Ping,
    Dead,
}

impl Liveness {
    pub(super) fn new(now: Now, random: &dyn Random) -> Self {
        Self {
            due: now.plus(ping_interval(random)),
            pinged: false,
        }
    }

    pub(super) fn on_tick(&mut self, now: Now) -> Pulse {
        match (now.is_past(self.due), self.pinged) {
            (false, _) => Pulse::Fine,
            (true, true) => Pulse::Dead,
            (true, false) => {
                self.pinged = true;
                self.due = now.plus(PONG_DUE);
                Pulse::Ping
            }
        }
    }

    /// A Pong that nobody asked for changes nothing: it must not cost a random number, nor put the next Ping off.
    pub(super) fn on_pong(&mut self, now: Now, random: &dyn Random) {
        if self.pinged {
            *self = Self::new(now, random);
        }
    }
}

/// Jitter keeps sockets that were opened together from being pinged together.
fn ping_interval(random: &dyn Random) -> i64 {
    let draw = i64::from(u16::from_be_bytes(random.bytes()));
    PING_EVERY - PING_JITTER + draw * 2 * PING_JITTER / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn a_waiting_device_is_a_small_record() {
        assert!(size_of::<Record>() <= 120, "{} bytes", size_of::<Record>());
    }

    #[test]
    fn pings_come_every_45_s_give_or_take_a_fifth_and_pongs_are_due_in_45_s() {
        let at = |millis: i64| Now {
            wall: UnixMillis(1_800_000_000_000),
            monotonic: Monotonic::from_millis(millis),
        };
        for _ in 0..200 {
            let mut liveness = Liveness::new(at(0), &SystemRandom);
            assert_eq!(liveness.on_tick(at(35_999)), Pulse::Fine);
            assert_eq!(liveness.on_tick(at(54_000)), Pulse::Ping);
            assert_eq!(liveness.on_tick(at(98_999)), Pulse::Fine);
            assert_eq!(liveness.on_tick(at(99_000)), Pulse::Dead);
            liveness.on_pong(at(60_000), &SystemRandom);
            assert_eq!(liveness.on_tick(at(95_999)), Pulse::Fine);
        }
    }
}
