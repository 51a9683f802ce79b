//! The code on the screen: how long it lives, how many failures it takes, and the brake on answers per hour
//! (protocol.md §1). The device counts by itself, whatever the server says.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use gangway_protocol::code::{Nameplate, UserCode, draw_secret};
use gangway_protocol::enrolment::{CODE_LIFE_SECS, MAX_CODE_FAILURES, MAX_UNREDEEMED_ANSWERS_PER_HOUR};
use gangway_protocol::permit::DevicePermit;
use gangway_protocol::seal::SharedSecret;
use zeroize::Zeroizing;

use crate::event::CodeShown;
use crate::rng::Random;

/// A server that says "expired already" must not make the device spin.
const SHORTEST_LIFE: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

/// What the device can be claimed with now: a code that a person can type, or the permit that the server knows too. Dropping it
/// erases the secret.
#[derive(Debug)]
pub(super) struct LiveCode {
    nameplate: Nameplate,
    secret: Secret,
    verification_uri: String,
    expires_at: Instant,
    failures: u32,
}

#[derive(Debug)]
enum Secret {
    Code(UserCode),
    Permit(DevicePermit),
}

impl SharedSecret for LiveCode {
    fn password(&self) -> Zeroizing<Vec<u8>> {
        match &self.secret {
            Secret::Code(code) => SharedSecret::password(code),
            Secret::Permit(permit) => permit.password(),
        }
    }
}

impl LiveCode {
    /// What a device with a permit is claimed with, under the nameplate that it has for the time being.
    pub(super) fn of_permit(
        permit: DevicePermit,
        nameplate: Nameplate,
        verification_uri: String,
        life: Duration,
        now: Instant,
    ) -> Self {
        Self {
            nameplate,
            secret: Secret::Permit(permit),
            verification_uri,
            expires_at: now + life.max(SHORTEST_LIFE),
            failures: 0,
        }
    }

    /// Draws a new secret for `nameplate`. It lives at most ten minutes, whatever `life` says.
    pub(super) fn draw(
        nameplate: &Nameplate,
        verification_uri: String,
        life: Duration,
        now: Instant,
        random: &dyn Random,
    ) -> Self {
        let secret = draw_secret(|bytes| random.fill(bytes));
        let life = life.clamp(SHORTEST_LIFE, Duration::from_secs(u64::from(CODE_LIFE_SECS)));
        Self {
            nameplate: nameplate.clone(),
            secret: Secret::Code(UserCode::from_parts(nameplate, &secret)),
            verification_uri,
            expires_at: now + life,
            failures: 0,
        }
    }

    pub(super) fn nameplate(&self) -> &Nameplate {
        &self.nameplate
    }

    pub(super) fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    pub(super) fn expires_at(&self) -> Instant {
        self.expires_at
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        now >= self.expires_at
    }

    /// The server said again how long it keeps the nameplate: it can shorten the code's life, never lengthen it.
    pub(super) fn shorten(&mut self, life: Duration, now: Instant) {
        self.expires_at = self.expires_at.min(now + life.max(SHORTEST_LIFE));
    }

    /// Counts a failure: how many there were, and how many are left.
    pub(super) fn fail(&mut self) -> (u32, u32) {
        self.failures = self.failures.saturating_add(1);
        (self.failures, MAX_CODE_FAILURES.saturating_sub(self.failures))
    }

    /// What a person is to see; nothing where there is nobody.
    pub(super) fn shown(&self, now: Instant) -> Option<CodeShown> {
        match &self.secret {
            Secret::Code(code) => Some(CodeShown::new(
                code,
                &self.verification_uri,
                self.remaining_secs(now),
            )),
            Secret::Permit(_) => None,
        }
    }

    pub(super) fn remaining_secs(&self, now: Instant) -> u64 {
        self.expires_at.saturating_duration_since(now).as_secs()
    }
}

/// Answers that nobody has redeemed, within the last hour. It outlives codes and connections.
#[derive(Debug, Default)]
pub(super) struct UnredeemedAnswers(VecDeque<Instant>);

impl UnredeemedAnswers {
    /// An answer goes out: it counts as unredeemed until [`Self::redeem`].
    pub(super) fn count(&mut self, now: Instant) {
        self.forget_old(now);
        self.0.push_back(now);
    }

    /// The latest answer was redeemed by a valid `confirm`.
    pub(super) fn redeem(&mut self) {
        self.0.pop_back();
    }

    /// Until when no further answer may be given, if that is so.
    pub(super) fn paused_until(&mut self, now: Instant) -> Option<Instant> {
        self.forget_old(now);
        let limit = usize::try_from(MAX_UNREDEEMED_ANSWERS_PER_HOUR).unwrap_or(usize::MAX);
        if self.0.len() < limit {
            return None;
        }
        self.0.front().map(|oldest| *oldest + HOUR)
    }

    fn forget_old(&mut self, now: Instant) {
        while self
            .0
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= HOUR)
        {
            self.0.pop_front();
        }
    }
}
