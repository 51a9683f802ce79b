//! Limits on guessing: failed codes per account, address and organisation, a global breaker, and attempts to sign in
//! (threat model, ENR-1 to ENR-3, threat C).
//!
//! 1. [`Limits::begin`] asks for room in every window and reserves it, so that parallel attempts cannot slip through.
//! 2. The claim runs.
//! 3. [`Limits::settle`] gives the room back, and counts the failure where there was one.
//!
//! A success takes nothing off any window: otherwise an attacker would clear them with a device of their own. Keys are
//! normalised by their types: [`Nameplate`] and [`AddressKey`] have one spelling each. What an address may hold at one time is
//! [`Places`]; what a connection may send is a [`Bucket`].

mod address;
mod bucket;
mod failures;
mod penalty;
mod permits;
mod places;
mod requests;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use gangway_protocol::code::Nameplate;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::time::UnixMillis;

pub use address::{AddressKey, ClientAddress};
pub use bucket::{Bucket, Rate};
pub use failures::{Attempt, Failures, Tally, Who};
pub use permits::{PermitAttempt, PermitEnd};
pub use places::Places;
pub use requests::{ReadingBody, RequestLimits};

use crate::clock::{Monotonic, Now};
use crate::config::Caps;
use penalty::Penalties;
use window::Window;

/// The span over which failures and attempts are counted.
const SPAN: i64 = 10 * UnixMillis::MINUTE;
/// threat model, ENR-2: one account may fail twice per nameplate. A mistyped code is worth a second try; a third
/// would leave the device one guess short of destroying its secret.
const FAILURES_PER_NAMEPLATE: usize = 2;
/// How long a nameplate means the same device: ten minutes of life and fifteen of rest.
const NAMEPLATE_SPAN: i64 = 25 * UnixMillis::MINUTE;
/// The breaker slows accounts younger than this first: an attacker's accounts are made for the attack.
const YOUNG: i64 = 30 * UnixMillis::DAY;
/// New nameplates per waiting device that an address may have, in ten minutes. A code lives ten minutes or three failures.
const NAMEPLATES_PER_DEVICE: usize = 4;
/// How often a device that has a permit may ask in ten minutes, per waiting device that an address may have: in the lobby one asks every
/// half minute.
const ASKS_PER_DEVICE: usize = 20;
/// At this multiple of the breaker's cap old accounts are slowed as well. It also bounds every window's memory.
const BREAKER_FOR_ALL: usize = 4;

/// One attempt to open a device with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeAttempt {
    /// Who tries.
    pub account: AccountId,
    /// Since when that account exists.
    pub account_since: UnixMillis,
    /// The organisations it belongs to.
    pub organisations: Vec<OrganisationId>,
    /// From where; `None` where the socket has no address.
    pub address: Option<AddressKey>,
    /// What it typed, as far as the server sees it.
    pub nameplate: Nameplate,
}

/// There were too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {retry_after_secs} s")]
pub struct TooMany {
    /// When trying again makes sense.
    pub retry_after_secs: u32,
}

impl TooMany {
    /// After so many milliseconds.
    #[must_use]
    pub fn after(millis: i64) -> Self {
        let secs = millis.max(0).div_euclid(UnixMillis::SECOND) + 1;
        Self {
            retry_after_secs: u32::try_from(secs).unwrap_or(u32::MAX),
        }
    }
}

/// The counters of one node. Cheap to clone; every clone is the same counters.
#[derive(Clone)]
pub struct Limits(Arc<Mutex<Windows>>);

struct Windows {
    accounts: Window<AccountId>,
    penalties: Penalties<AccountId>,
    nameplates: Window<(AccountId, Nameplate)>,
    addresses: Window<AddressKey>,
    organisations: Window<OrganisationId>,
    /// All failures of the node under one key.
    total: Window<()>,
    breaker: usize,
    sign_ins: Window<AddressKey>,
    sign_ups: Window<AddressKey>,
    assigned: Window<AddressKey>,
    unattended: Window<AddressKey>,
    permits: permits::PermitWindows,
}

impl Limits {
    /// Empty counters with these caps.
    #[must_use]
    pub fn new(caps: &Caps) -> Self {
        let cap = |cap: u32| usize::try_from(cap).unwrap_or(usize::MAX);
        let breaker = cap(caps.failed_codes_total);
        Self(Arc::new(Mutex::new(Windows {
            accounts: Window::new(SPAN, cap(caps.failed_codes_per_account)),
            penalties: Penalties::new(),
            nameplates: Window::new(NAMEPLATE_SPAN, FAILURES_PER_NAMEPLATE),
            addresses: Window::new(SPAN, cap(caps.failed_codes_per_address)),
            organisations: Window::new(SPAN, cap(caps.failed_codes_per_organisation)),
            total: Window::new(SPAN, breaker.saturating_mul(BREAKER_FOR_ALL)),
            breaker,
            sign_ins: Window::new(SPAN, cap(caps.sign_in_attempts_per_address)),
            sign_ups: Window::new(UnixMillis::DAY, cap(caps.sign_ups_per_address)),
            assigned: Window::new(
                SPAN,
                cap(caps.waiting_devices_per_address).saturating_mul(NAMEPLATES_PER_DEVICE),
            ),
            unattended: Window::new(
                SPAN,
                cap(caps.waiting_devices_per_address).saturating_mul(ASKS_PER_DEVICE),
            ),
            permits: permits::PermitWindows::new(caps),
        })))
    }

    /// Reserves a place for an attempt. Every `Ok` is followed by one [`Self::settle`].
    ///
    /// # Errors
    /// When a window is full, with the longest wait of all full ones.
    pub fn begin(&self, attempt: &CodeAttempt, now: Now) -> Result<(), TooMany> {
        let mut windows = self.windows();
        let wait = windows.wait(attempt, now);
        if wait > 0 {
            return Err(TooMany::after(wait));
        }
        windows.accounts.reserve(&attempt.account);
        windows.nameplates.reserve(&attempt.nameplate_key());
        if let Some(address) = &attempt.address {
            windows.addresses.reserve(address);
        }
        for organisation in &attempt.organisations {
            windows.organisations.reserve(organisation);
        }
        windows.total.reserve(&());
        Ok(())
    }

    /// Ends an attempt that [`Self::begin`] let pass.
    pub fn settle(&self, attempt: &CodeAttempt, failed: bool, now: Now) {
        let now = now.monotonic;
        let mut windows = self.windows();
        let full = windows.accounts.settle(&attempt.account, failed, now);
        if failed && full {
            windows.penalties.add(attempt.account.clone(), now);
        }
        windows.nameplates.settle(&attempt.nameplate_key(), failed, now);
        if let Some(address) = attempt.address {
            windows.addresses.settle(&address, failed, now);
        }
        for organisation in &attempt.organisations {
            windows.organisations.settle(organisation, failed, now);
        }
        windows.total.settle(&(), failed, now);
    }

    /// Counts an attempt to sign in, to open a one-time link or to use a recovery code.
    ///
    /// # Errors
    /// When this address has tried too often.
    pub fn sign_in(&self, address: AddressKey, now: Monotonic) -> Result<(), TooMany> {
        self.windows().sign_ins.count_one(&address, now)
    }

    /// Counts a sign-up that somebody begins.
    ///
    /// # Errors
    /// When this address has begun too many.
    pub fn sign_up(&self, address: AddressKey, now: Monotonic) -> Result<(), TooMany> {
        self.windows().sign_ups.count_one(&address, now)
    }

    /// Counts a nameplate that is about to be assigned to a device at this address (threat model, ENR-23).
    ///
    /// # Errors
    /// When its devices have used up too many.
    pub fn nameplate(&self, address: AddressKey, now: Monotonic) -> Result<(), TooMany> {
        self.windows().assigned.count_one(&address, now)
    }

    /// Counts a device at this address that says it has a permit: they take nothing from the codes of others there.
    ///
    /// # Errors
    /// When its devices have asked too often.
    pub fn unattended(&self, address: AddressKey, now: Monotonic) -> Result<(), TooMany> {
        self.windows().unattended.count_one(&address, now)
    }

    /// Whether so many secrets of an organisation's devices did not fit that none of them is let in for a while.
    #[must_use]
    pub fn is_guessed_at(&self, organisation: &OrganisationId, now: Monotonic) -> bool {
        self.windows().permits.is_guessed_at(organisation, now)
    }

    /// Reserves a place for a device that says it has a permit. Every `Ok` is followed by one [`Self::settle_permit`].
    ///
    /// # Errors
    /// When too many failed.
    pub fn begin_permit(&self, attempt: &PermitAttempt, now: Monotonic) -> Result<(), TooMany> {
        self.windows().permits.begin(attempt, now)
    }

    /// Ends an attempt that [`Self::begin_permit`] let pass.
    pub fn settle_permit(&self, attempt: &PermitAttempt, end: PermitEnd, now: Monotonic) {
        self.windows().permits.settle(attempt, end, now);
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, Windows> {
        // Counters stay usable after a panic elsewhere; refusing everybody would be worse.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Windows {
    /// How long this attempt has to wait; 0 when there is room everywhere.
    fn wait(&mut self, attempt: &CodeAttempt, now: Now) -> i64 {
        let Now { wall, monotonic: now } = now;
        let breaker = match self.total.count(now) {
            failures if failures >= self.breaker && wall.since(attempt.account_since) < YOUNG => {
                self.total.wait_below(&(), self.breaker, now)
            }
            _ => self.total.wait(&(), now),
        };
        let organisations = attempt.organisations.iter();
        [
            breaker,
            self.penalties.wait(&attempt.account, now),
            self.accounts.wait(&attempt.account, now),
            self.nameplates.wait(&attempt.nameplate_key(), now),
            attempt
                .address
                .map_or(0, |address| self.addresses.wait(&address, now)),
            organisations
                .map(|organisation| self.organisations.wait(organisation, now))
                .max()
                .unwrap_or(0),
        ]
        .into_iter()
        .max()
        .unwrap_or(0)
    }
}

impl CodeAttempt {
    fn nameplate_key(&self) -> (AccountId, Nameplate) {
        (self.account.clone(), self.nameplate.clone())
    }
}

#[cfg(test)]
mod tests;
