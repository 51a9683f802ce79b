//! Asks a corporate CA: drives what `gangway_signing` says over the network, within a bounded time.

use std::time::Duration;

use gangway_client::{Outward, read_trust_anchors};
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_signing::{
    Corporate, CorporateCredential, CorporateError, CorporateOrder, CorporateRevocation, CorporateSigned,
    CorporateStep, Fresh, Sending, Silence,
};
use tokio::time::{Instant, timeout_at};

use super::{credential, provisioner};
use crate::authority::Result;
use crate::ca::KeyStore;
use crate::clock::Clock;
use crate::db::Db;
use crate::rng::Random;

/// All requests of one errand: less than a claimant waits for an answer, and much less than the lease of a signing.
const WITHIN: Duration = Duration::from_secs(15);

/// A corporate CA that can be asked.
pub struct CorporateCa<'a> {
    kind: SignerKind,
    credential: CorporateCredential,
    outward: Outward,
    clock: &'a dyn Clock,
    random: &'a dyn Random,
}

impl<'a> CorporateCa<'a> {
    /// The CA of this signer, with the credential that is kept for it.
    ///
    /// # Errors
    /// What the database says. Inside, why it cannot be asked.
    pub async fn open(
        db: &Db,
        key_store: &KeyStore,
        signer: &Signer,
        clock: &'a dyn Clock,
        random: &'a dyn Random,
    ) -> Result<std::result::Result<Self, CorporateError>> {
        let credential = {
            let mut reader = db.reader().await?;
            credential::open(&mut reader.conn(), key_store, signer).await?
        };
        Ok(credential.and_then(|credential| Self::new(&signer.kind, credential, clock, random)))
    }

    /// A CA of this kind with this credential.
    ///
    /// # Errors
    /// When its trust anchors or the credential cannot be used.
    pub fn new(
        kind: &SignerKind,
        credential: CorporateCredential,
        clock: &'a dyn Clock,
        random: &'a dyn Random,
    ) -> std::result::Result<Self, CorporateError> {
        let unusable = |error: &dyn std::fmt::Display| CorporateError::Credential {
            detail: error.to_string(),
        };
        let anchors = match kind {
            SignerKind::Est(est) => est.tls_trust_anchors.as_deref(),
            SignerKind::StepCa(ca) => ca.tls_trust_anchors.as_deref(),
            SignerKind::Vault(vault) => vault.tls_trust_anchors.as_deref(),
            SignerKind::Builtin | SignerKind::AwsIot(_) | SignerKind::PlgdHub(_) | SignerKind::Unknown => {
                None
            }
        };
        let anchors = anchors
            .map(|pem| read_trust_anchors(pem.as_bytes()))
            .transpose()
            .map_err(|error| unusable(&error))?;
        let outward = Outward::new(anchors.as_ref(), credential.tls_identity());
        Ok(Self {
            kind: kind.clone(),
            outward: outward.map_err(|error| unusable(&error))?,
            credential,
            clock,
            random,
        })
    }

    /// Has a request signed, once.
    ///
    /// # Errors
    /// Why there is no certificate, and whether that is sure.
    pub async fn sign(&self, order: CorporateOrder) -> std::result::Result<CorporateSigned, CorporateError> {
        let errand = Corporate::signing(&self.kind, &self.credential, order)?;
        match self.drive(errand.ok_or_else(of_another_kind)?).await? {
            CorporateStep::Signed(signed) => Ok(*signed),
            CorporateStep::Send(_) | CorporateStep::Revoked => Err(of_another_kind()),
        }
    }

    /// Whether it can be asked to revoke.
    #[must_use]
    pub fn revokes(&self) -> bool {
        !matches!(self.kind, SignerKind::Est(_))
    }

    /// Has a certificate revoked. Doing that twice is harmless.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn revoke(&self, revocation: CorporateRevocation) -> std::result::Result<(), CorporateError> {
        let errand = Corporate::revoking(&self.kind, &self.credential, revocation);
        self.drive(errand.ok_or_else(of_another_kind)?).await.map(drop)
    }

    async fn drive(&self, mut errand: Corporate) -> std::result::Result<CorporateStep, CorporateError> {
        let until = Instant::now() + WITHIN;
        let sign = |message: &[u8]| provisioner::sign(self.credential.provisioner_key()?, message);
        let fresh = || Fresh {
            now: self.clock.now(),
            nonce: self.random.bytes(),
            sign: &sign,
        };
        let mut step = errand.start(&fresh())?;
        loop {
            let sending = match step {
                CorporateStep::Send(sending) => sending,
                end => return Ok(end),
            };
            step = errand.answer(self.send(*sending, until).await, &fresh())?;
        }
    }

    async fn send(
        &self,
        sending: Sending,
        until: Instant,
    ) -> std::result::Result<gangway_signing::Response, Silence> {
        match timeout_at(until, self.outward.send(sending.request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Silence {
                was_sent: true,
                detail: format!("no answer within {} seconds in all", WITHIN.as_secs()),
            }),
        }
    }
}

fn of_another_kind() -> CorporateError {
    CorporateError::Credential {
        detail: "it is for a signer of another kind".to_owned(),
    }
}
