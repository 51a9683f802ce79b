//! A request is signed, in the transaction that records it.
//!
//! 1. Who asks may enrol devices here, through the built-in CA, and is there now: as for approving a device.
//! 2. Of the request only key and common name are taken (threat model, ENR-14). Names of persons are those persons' alone.
//! 3. What stood for the same name and key is revoked, and the new certificate recorded; then it is told.

use gangway_protocol::certificate::{Csr, RevocationReason};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Policy, Role};
use gangway_protocol::time::UnixMillis;
use gangway_signing::common_name;
use uuid::Uuid;

use super::names::CommonName;
use super::{ISSUED, REVOKED, hub_uuid, note};
use crate::authority::{Caller, Error, Member, Proof, Result, Right};
use crate::ca::ocf::{OcfSubject, Usage, key_uuid, record_uuid};
use crate::ca::{CaError, LeafIssuer};
use crate::context::Context;
use crate::db::accounts::{self, any_owner, owner_uuid};
use crate::db::certificates::{Draft, Revoked};
use crate::db::organisations::tree;
use crate::db::plgd::PlgdRecord;
use crate::db::{Conn, DbError, device_keys, organisations, plgd, rules, signers, write};
use crate::enrolment::check_csr;

/// Transactions that lose a race on a unique key are run again; each time somebody else has made progress.
const RACE_ATTEMPTS: usize = 4;

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// In which organisation.
    pub organisation: &'a OrganisationId,
    /// The request, PEM.
    pub csr: &'a str,
    /// What for.
    pub usage: Usage,
}

/// Signs a request. Returns the certificate and everything above it, PEM, the root last. Repeating it signs again, and what was
/// signed before is revoked.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] and [`Error::InsufficientScope`] as for every right; [`Error::StepUpRequired`];
/// [`Error::CsrRefused`] and [`Error::Conflict`] with the reason.
pub async fn sign(context: &Context, caller: &Caller, order: Order<'_>) -> Result<String> {
    let policy = require(context, caller, order.organisation).await?;
    let csr = check_csr(order.csr).map_err(|refusal| Error::CsrRefused(refusal.to_string()))?;
    let asked = common_name(&csr).map_err(|unfit| Error::CsrRefused(unfit.to_string()))?;
    let name = CommonName::settle(
        asked.as_deref(),
        owner_uuid(&caller.account),
        hub_uuid(order.organisation),
    )
    .map_err(|unfit| Error::CsrRefused(unfit.to_string()))?;
    for _ in 0..RACE_ATTEMPTS {
        let signing = draft(context, caller, order, &policy, &csr, &name)?;
        let outcome = write!(context.db, |tx| -> Result<PlgdRecord, NotSigned> {
            signing.record(tx).await
        });
        match outcome {
            // Somebody else had the same name signed meanwhile: look at what they left.
            Err(NotSigned::Raced) => {}
            Err(NotSigned::Refused(error)) => return Err(error),
            Ok(record) => {
                let chain = context.ca.chain_to_root(&record.issuer, &record.leaf);
                return chain.ok_or_else(|| CaError::Recorded("a certificate names no known issuer").into());
            }
        }
    }
    Err(DbError::Busy.into())
}

/// Makes sure that the caller may have certificates signed here, by the rules for approving a device for the built-in CA.
async fn require(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<Policy> {
    let role = caller.require(&context.db, organisation, Right::Enrol).await?;
    let proof = caller.fresh_proof(context.clock.now())?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let rules = rules::find(conn, organisation).await?.ok_or(Error::NotFound)?;
    if tree::find(conn, organisation)
        .await?
        .is_some_and(|place| !place.is_open())
    {
        return Err(Error::Forbidden(
            "this organisation is archived: nothing is signed in it until it is opened again",
        ));
    }
    if matches!(proof, Proof::Token(_)) && !rules.policy.token_may_approve {
        return Err(Error::Forbidden(
            "this organisation's policy lets only people with a passkey have certificates signed, not tokens",
        ));
    }
    let all = signers::usable_at(conn, organisation).await?;
    if !all
        .iter()
        .any(|signer| signer.kind.is_builtin() && signer.serves(role))
    {
        return Err(Error::Forbidden(
            "the built-in CA does not sign for your role in this organisation: ask one of its admins",
        ));
    }
    Ok(rules.policy)
}

/// What the certificate will say; made before the transaction, which should be short.
fn draft(
    context: &Context,
    caller: &Caller,
    order: Order<'_>,
    policy: &Policy,
    csr: &Csr,
    name: &CommonName,
) -> Result<Signing> {
    let now = context.clock.now();
    let subject = OcfSubject {
        organisation: order.organisation.clone(),
        common_name: name.text.clone(),
        usage: order.usage,
    };
    let days = policy.certificate_validity_days;
    let draft = context
        .ca
        .draft_ocf(&subject, csr.key(), days, now, &*context.random)?;
    Ok(Signing {
        issuer: context.ca.leaf_issuer(&draft.issuer)?,
        draft,
        organisation: order.organisation.clone(),
        csr: csr.clone(),
        name: name.clone(),
        member: caller.member(),
        now,
    })
}

/// Why a transaction has come to nothing.
enum NotSigned {
    /// Another one was a moment faster.
    Raced,
    /// It is not to be signed, or cannot be.
    Refused(Error),
}

impl From<Error> for NotSigned {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<DbError> for NotSigned {
    fn from(error: DbError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<CaError> for NotSigned {
    fn from(error: CaError) -> Self {
        Self::Refused(error.into())
    }
}

/// A certificate that only has to be signed and recorded.
#[derive(Clone)]
struct Signing {
    organisation: OrganisationId,
    csr: Csr,
    name: CommonName,
    member: Member,
    draft: Draft,
    issuer: LeafIssuer,
    now: UnixMillis,
}

impl Signing {
    async fn record(self, tx: &mut Conn<'_>) -> Result<PlgdRecord, NotSigned> {
        self.require_right(tx).await?;
        self.require_free_key(tx).await?;
        let record = record_uuid(&self.name.text, self.csr.key().spki_der());
        let replaced = match self.name.device {
            Some(device) => self.settle_device(tx, device).await?,
            None => plgd::standing(tx, &self.organisation, record).await?,
        };
        let created_at = match &replaced {
            Some(replaced) => {
                let revoked = Revoked {
                    at: self.now,
                    reason: RevocationReason::Superseded,
                };
                if !plgd::revoke(tx, &replaced.sha256, revoked).await? {
                    return Err(NotSigned::Raced);
                }
                plgd::tell_issuers(tx, [replaced.issuer.clone()]).await?;
                note(tx, replaced, &self.member, REVOKED, self.now).await?;
                Some(replaced.created_at).filter(|_| replaced.record == record)
            }
            None => None,
        };
        // Threat model: ENR-16. The key is in this process: signing takes less than a statement.
        let leaf = self.issuer.sign(&self.draft.to_be_signed)?;
        let new = PlgdRecord {
            sha256: leaf.sha256,
            issuer: self.draft.issuer,
            serial: self.draft.serial,
            organisation: self.organisation,
            account: self.member.account.clone(),
            record,
            common_name: self.name.text,
            device_id: self.name.device,
            public_key: key_uuid(self.csr.key().spki_der()),
            spki_sha256: self.csr.spki_sha256(),
            leaf: leaf.pem,
            not_before: self.draft.not_before,
            not_after: self.draft.not_after,
            created_at: created_at.unwrap_or(self.now),
            issued_at: self.now,
        };
        match plgd::insert(tx, &new).await {
            Err(DbError::Unique) => return Err(NotSigned::Raced),
            outcome => outcome?,
        }
        note(tx, &new, &self.member, ISSUED, self.now).await?;
        Ok(new)
    }

    /// The role may have changed since it was looked at; from here on it stays (threat model, ACC-12).
    async fn require_right(&self, tx: &mut Conn<'_>) -> Result<()> {
        accounts::lock(tx, &self.member.account).await?;
        let role = organisations::role_at(tx, &self.organisation, &self.member.account).await?;
        if role.is_some_and(Role::may_enrol) {
            return Ok(());
        }
        Err(Error::Forbidden(
            "your role in this organisation does not allow this any more",
        ))
    }

    /// Keys of the fleet are the fleet's: revoking a device has to end all that its key opens.
    async fn require_free_key(&self, tx: &mut Conn<'_>) -> Result<()> {
        let spki = self.csr.spki_sha256();
        let known = device_keys::find(tx, &self.organisation, &spki).await?;
        let refused_elsewhere = device_keys::is_refused_elsewhere(tx, &self.organisation, &spki).await?;
        if refused_elsewhere || known.as_ref().is_some_and(|key| key.refused) {
            return Err(Error::Conflict(
                "this key has been revoked and stays refused: make a new one".to_owned(),
            ));
        }
        if known.is_some() {
            return Err(Error::Conflict(
                "this key belongs to a device of the fleet: make another one for this".to_owned(),
            ));
        }
        Ok(())
    }

    /// What stands for the device that is named, if it may be replaced: one key for each, and one owner.
    async fn settle_device(&self, tx: &mut Conn<'_>, device: Uuid) -> Result<Option<PlgdRecord>> {
        // All organisations of a server share a root, by which OCF devices know their owner by name alone.
        if any_owner(tx, device).await? {
            return Err(Error::CsrRefused(
                "the common name is a person's: only they may ask for it".to_owned(),
            ));
        }
        let Some(standing) = plgd::standing_of_device(tx, &self.organisation, device).await? else {
            return Ok(None);
        };
        if standing.not_after > self.now {
            let name = &self.name.text;
            if standing.spki_sha256 != self.csr.spki_sha256() {
                return Err(Error::Conflict(format!(
                    "common name {name} with different public key fingerprint exists"
                )));
            }
            if standing.account != self.member.account {
                return Err(Error::Conflict(format!(
                    "common name {name} was signed for somebody else: its record has to be deleted first"
                )));
            }
        }
        Ok(Some(standing))
    }
}
