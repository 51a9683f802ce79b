//! Who stands behind a claim, and what the API may know of one.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gangway_protocol::code::Nameplate;
use gangway_protocol::id::{AccountId, ClaimId};
use gangway_protocol::time::UnixMillis;

use crate::clock::{Monotonic, Now};
use crate::db::CallerCredential;
use crate::limits::CodeAttempt;

/// How long an ended claim can still be looked up: a claimant reports "not mine" or approves a moment too late, and
/// shall be told so properly.
const KEPT_AFTER_END: i64 = 10 * UnixMillis::MINUTE;

/// A signed-in claimant who may try one nameplate once.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// What is counted.
    pub(crate) attempt: CodeAttempt,
    /// The account's name.
    pub(crate) name: String,
    /// What it has identified itself with: the claim ends with that.
    pub(crate) credential: CallerCredential,
    /// Where it comes from.
    pub(crate) address: IpAddr,
}

/// A claim as the API sees it.
#[derive(Clone, Debug)]
pub struct ClaimInfo {
    /// Its id.
    pub claim: ClaimId,
    /// The nameplate under which the device was found.
    pub nameplate: Nameplate,
    /// Who claims.
    pub account: AccountId,
    /// That account's name.
    pub account_name: String,
    /// What they identified themselves with.
    pub credential: CallerCredential,
    /// Where the claimant's socket comes from.
    pub claimant_address: IpAddr,
    /// Where the device's socket comes from.
    pub device_address: Option<IpAddr>,
    /// When the device's connection, or the one it resumed, was first seen.
    pub first_seen: UnixMillis,
    /// When the claim was opened.
    pub opened_at: UnixMillis,
    /// When the device's first sealed message came: the claimant knew the code.
    pub redeemed_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
}

/// The claims of this node for the API: written by the hub when one begins, is redeemed or ends, never for a frame.
#[derive(Default)]
pub(crate) struct Claims(Mutex<Book>);

#[derive(Default)]
struct Book {
    claims: HashMap<ClaimId, ClaimInfo>,
    /// Ended claims, in the order in which they are forgotten.
    ended: VecDeque<(Monotonic, ClaimId)>,
}

impl Claims {
    pub(crate) fn get(&self, claim: &ClaimId) -> Option<ClaimInfo> {
        self.book().claims.get(claim).cloned()
    }

    /// The claims of an account that go on.
    pub(crate) fn of_account(&self, account: &AccountId) -> Vec<ClaimInfo> {
        let book = self.book();
        let own = book
            .claims
            .values()
            .filter(|info| info.account == *account && info.ended_at.is_none());
        own.cloned().collect()
    }

    pub(crate) fn insert(&self, info: ClaimInfo) {
        self.book().claims.insert(info.claim.clone(), info);
    }

    pub(crate) fn redeemed(&self, claim: &ClaimId, now: UnixMillis) {
        if let Some(info) = self.book().claims.get_mut(claim) {
            info.redeemed_at = Some(now);
        }
    }

    /// An ended claim stays for a while if it was redeemed; nobody has business with another.
    pub(crate) fn ended(&self, claim: &ClaimId, now: Now) {
        let mut book = self.book();
        match book.claims.get_mut(claim) {
            Some(info) if info.redeemed_at.is_some() => {
                info.ended_at = Some(now.wall);
                book.ended.push_back((now.plus(KEPT_AFTER_END), claim.clone()));
            }
            _ => {
                book.claims.remove(claim);
            }
        }
    }

    pub(crate) fn forget_old(&self, now: Now) {
        let mut book = self.book();
        while book.ended.front().is_some_and(|(due, _)| now.is_past(*due)) {
            if let Some((_, claim)) = book.ended.pop_front() {
                book.claims.remove(&claim);
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
