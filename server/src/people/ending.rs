//! What ends with a right: everything that somebody made or began by a right which they have no more.
//!
//! 1. [`end_what_exceeds`], in the transaction that lowers a role or ends a membership: approvals that have led to no
//!    certificate, invitations to more than the remaining role may give, scopes of tokens beyond it, what was signed for its
//!    clients of plgd, replies kept for repetitions.
//! 2. [`look_again`], after the commit: claims under way, and streams of whoever watches.
//!
//! What is used later looks at the rights of that moment besides: whatever slipped through is worth nothing.

use std::collections::HashMap;

use gangway_protocol::account::TokenScope;
use gangway_protocol::audit::Action;
use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::links::may_invite;
use crate::authority::Result;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::Revoked;
use crate::db::{
    CallerCredential, Conn, DbError, approvals, audit, devices, idempotency, links, memberships,
    organisations, plgd, sign_ins, tokens,
};
use crate::enrolment::{approval, tell};
use crate::plgd::REVOKED;
use crate::relay::{ClaimInfo, Relay};

/// Most organisations of an account that are asked whether it may still enrol there.
const MAX_ORGANISATIONS: i64 = 200;

/// Something that ended, for the record.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whose record.
    pub organisation: OrganisationId,
    /// What happened.
    pub action: Action,
    /// To what.
    pub subject: String,
    /// More, for people.
    pub detail: String,
    /// A device that is to be read again.
    pub device: Option<DeviceId>,
}

/// Ends what `account` made by rights that it does not have any more. The caller records what comes back, with
/// [`record`].
///
/// # Errors
/// Only faults.
pub async fn end_what_exceeds(tx: &mut Conn<'_>, account: &AccountId, now: UnixMillis) -> Result<Vec<Ended>> {
    let mut roles = Roles::of(account);
    // Devices first, as everywhere.
    let mut ended = end_approvals(tx, &mut roles, now).await?;
    ended.extend(void_invitations(tx, &mut roles, now).await?);
    ended.extend(narrow_tokens(tx, &mut roles).await?);
    ended.extend(end_identities(tx, &mut roles, now).await?);
    idempotency::forget(tx, account).await?;
    Ok(ended)
}

/// Records what ended.
///
/// # Errors
/// What the database says.
pub async fn record(
    tx: &mut Conn<'_>,
    ended: &[Ended],
    actor: Actor<'_>,
    now: UnixMillis,
) -> Result<(), DbError> {
    for one in ended {
        let entry = Entry {
            scope: Scope::Organisation(&one.organisation),
            at: now,
            actor,
            action: one.action,
            subject: &one.subject,
            detail: &one.detail,
        };
        audit::append(tx, &entry).await?;
    }
    Ok(())
}

/// Tells whoever watches the fleet of the devices among what ended.
pub fn tell_devices(context: &Context, ended: &[Ended]) {
    for one in ended {
        if let Some(device) = &one.device {
            tell(context, &one.organisation, device, FleetChangeKind::Changed);
        }
    }
}

/// The rights of `account`, or what it identifies itself with, have changed: its claims under way end when that was ended or
/// it may enrol nowhere any more, and its streams look at its rights.
pub async fn look_again(context: &Context, relay: &Relay, account: &AccountId) {
    context.changes.tell_rights(account);
    for claim in relay.claims_of(account) {
        match may_go_on(context, &claim).await {
            Ok(true) => {}
            Ok(false) => relay.end_claim(&claim.claim),
            Err(error) => tracing::warn!(%error, "a claim goes on whose rights could not be looked up"),
        }
    }
}

/// Whether the claimant is still signed in, or its token still enrols, and its account may enrol somewhere.
async fn may_go_on(context: &Context, claim: &ClaimInfo) -> Result<bool, DbError> {
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let identified = match &claim.credential {
        CallerCredential::SignIn(id) => sign_ins::lives(conn, id, now).await?,
        CallerCredential::Token(id) => tokens::scopes_of(conn, id, now)
            .await?
            .is_some_and(|scopes| scopes.contains(&TokenScope::Enrol)),
    };
    if !identified {
        return Ok(false);
    }
    let held = memberships::of_account(conn, &claim.account, MAX_ORGANISATIONS).await?;
    Ok(held.iter().any(|(_, role)| role.may_enrol()))
}

async fn end_approvals(tx: &mut Conn<'_>, roles: &mut Roles<'_>, now: UnixMillis) -> Result<Vec<Ended>> {
    let mut lost = Vec::new();
    for record in approvals::waiting_by(tx, roles.account).await? {
        let role = roles.at(tx, &record.organisation).await?;
        if !role.is_some_and(Role::may_enrol) {
            lost.push(record);
        }
    }
    // They come in the order of their devices, in which every transaction locks several.
    for record in &lost {
        devices::lock(tx, &record.device).await?;
    }
    let mut ended = Vec::new();
    for record in lost {
        if approval::end_unrecorded(tx, &record, now).await? {
            ended.push(Ended {
                organisation: record.organisation,
                action: DeviceAction::ApprovalWithdrawn.into(),
                subject: record.device.to_string(),
                detail: format!("{} may not enrol here any more", record.approver),
                device: Some(record.device),
            });
        }
    }
    Ok(ended)
}

async fn void_invitations(tx: &mut Conn<'_>, roles: &mut Roles<'_>, now: UnixMillis) -> Result<Vec<Ended>> {
    let mut ended = Vec::new();
    for (link, organisation, role) in links::invitations_by(tx, roles.account, now).await? {
        let own = roles.at(tx, &organisation).await?;
        if own.is_some_and(|own| may_invite(own, role))
            || !links::withdraw(tx, &organisation, &link, now).await?
        {
            continue;
        }
        ended.push(Ended {
            organisation,
            action: Action::InvitationVoided,
            subject: link.to_string(),
            detail: format!("as {}: its maker may not invite to this any more", role.as_str()),
            device: None,
        });
    }
    Ok(ended)
}

async fn narrow_tokens(tx: &mut Conn<'_>, roles: &mut Roles<'_>) -> Result<Vec<Ended>> {
    let mut ended = Vec::new();
    for (token, organisation, scopes) in tokens::reach(tx, roles.account).await? {
        let own = roles.at(tx, &organisation).await?;
        let left: Vec<TokenScope> = scopes
            .iter()
            .copied()
            .filter(|scope| own.is_some_and(|own| scope.is_given_by(own)))
            .collect();
        if left.len() == scopes.len() && own.is_some() {
            continue;
        }
        let action = if left.is_empty() {
            tokens::delete(tx, roles.account, &token).await?;
            Action::TokenVoided
        } else {
            tokens::narrow(tx, &token, &left).await?;
            Action::TokenNarrowed
        };
        ended.push(Ended {
            organisation,
            action,
            subject: token.to_string(),
            detail: "its account may not do all this any more".to_owned(),
            device: None,
        });
    }
    Ok(ended)
}

/// What was signed for the clients of the account itself; what it had signed for OCF devices stays theirs.
async fn end_identities(tx: &mut Conn<'_>, roles: &mut Roles<'_>, now: UnixMillis) -> Result<Vec<Ended>> {
    let mut ended = Vec::new();
    let revoked = Revoked {
        at: now,
        reason: RevocationReason::PrivilegeWithdrawn,
    };
    for organisation in plgd::organisations_of_person(tx, roles.account).await? {
        let role = roles.at(tx, &organisation).await?;
        if role.is_some_and(Role::may_enrol) {
            continue;
        }
        let count = plgd::revoke_of_person(tx, &organisation, roles.account, revoked).await?;
        ended.push(Ended {
            organisation,
            action: REVOKED,
            subject: roles.account.to_string(),
            detail: format!("{count} of the account itself: it may not enrol here any more"),
            device: None,
        });
    }
    Ok(ended)
}

/// The present roles of an account, each looked up once.
struct Roles<'a> {
    account: &'a AccountId,
    known: HashMap<OrganisationId, Option<Role>>,
}

impl<'a> Roles<'a> {
    fn of(account: &'a AccountId) -> Self {
        Self {
            account,
            known: HashMap::new(),
        }
    }

    async fn at(
        &mut self,
        tx: &mut Conn<'_>,
        organisation: &OrganisationId,
    ) -> Result<Option<Role>, DbError> {
        if let Some(known) = self.known.get(organisation) {
            return Ok(*known);
        }
        let role = organisations::role_at(tx, organisation, self.account).await?;
        self.known.insert(organisation.clone(), role);
        Ok(role)
    }
}
