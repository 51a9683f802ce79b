//! Corporate CAs: EST, step-ca, the PKI of Vault and OpenBao, which Gangway's server asks with a credential that an operator gave.
//!
//! 1. [`Corporate::signing`], or [`Corporate::revoking`], takes the configured CA, its credential, and what is wanted.
//! 2. [`Corporate::start`] gives the first request.
//! 3. [`Corporate::answer`] takes what came of a request and gives the next one or, in the end, what came of it.
//!
//! A request whose `is_idempotent` is false is the one that signs. It is sent once: what became of it when no answer came is for
//! the caller to write down.

mod ber;
mod chain;
mod credential;
mod error;
mod est;
mod requested;
mod step_ca;
mod vault;

use gangway_protocol::certificate::{Csr, RevocationReason, leaf_key};
use gangway_protocol::id::DeviceId;
use gangway_protocol::signer::SignerKind;
use gangway_protocol::time::UnixMillis;

use crate::{Request, Response, Sending, Target};

pub use credential::{CorporateCredential, ProvisionerKey, TlsIdentity, UnfitCredential};
pub use error::{CorporateError, Silence};

use est::Est;
use step_ca::StepCa;
use vault::Vault;

/// What is to be signed for a device.
#[derive(Clone, Debug)]
pub struct CorporateOrder {
    /// Its CSR, which goes out as it is: the proof that the device has the key needs it unchanged.
    pub csr: Csr,
    /// The device, by which a CA may name it.
    pub device: DeviceId,
    /// Its URN, for an alternative name where we decide on it.
    pub urn: String,
    /// The certificate that it renews, PEM.
    pub renews: Option<String>,
}

/// What is to be revoked.
#[derive(Clone, Debug)]
pub struct CorporateRevocation {
    /// Its serial number, hex.
    pub serial: String,
    /// The CA's own name for it, where it told one.
    pub external_id: Option<String>,
    /// Why.
    pub reason: RevocationReason,
}

/// What a request needs beside what is configured.
pub struct Fresh<'a> {
    /// The time.
    pub now: UnixMillis,
    /// Random bytes, others for each request.
    pub nonce: [u8; 16],
    /// Signs with the provisioner's key of the credential, as JWS has it (RFC 7518 §3.4, RFC 8037 §3.1).
    pub sign: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum CorporateStep {
    /// Send this, and hand what came of it to [`Corporate::answer`].
    Send(Box<Sending>),
    /// It signed.
    Signed(Box<CorporateSigned>),
    /// It revoked.
    Revoked,
}

/// What a corporate CA signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorporateSigned {
    /// PEM blocks, leaf first, without a self-signed root.
    pub chain: String,
    /// PEM blocks of the issuers at which the chain ends, as far as the CA tells.
    pub trust_anchors: Option<String>,
    /// The CA's own name for it.
    pub external_id: Option<String>,
}

/// One errand at one CA.
#[derive(Clone, Debug)]
pub struct Corporate {
    ca: Ca,
    errand: Errand,
}

#[derive(Clone, Debug)]
enum Ca {
    Est(Est),
    StepCa(StepCa),
    Vault(Vault),
}

#[derive(Clone, Debug)]
enum Errand {
    Sign(Box<CorporateOrder>),
    Revoke(CorporateRevocation),
}

impl Corporate {
    /// A signing. `None` where the kind is not that of a corporate CA, or the credential is for another one.
    ///
    /// # Errors
    /// When the device's request asks for what is not passed on.
    pub fn signing(
        kind: &SignerKind,
        credential: &CorporateCredential,
        order: CorporateOrder,
    ) -> Result<Option<Self>, CorporateError> {
        requested::check(&order.csr)?;
        let Some(ca) = Ca::of(kind, credential) else {
            return Ok(None);
        };
        let errand = Errand::Sign(Box::new(order));
        Ok(Some(Self { ca, errand }))
    }

    /// A revocation. `None` as for [`Self::signing`], and where the CA cannot be asked for it (EST).
    #[must_use]
    pub fn revoking(
        kind: &SignerKind,
        credential: &CorporateCredential,
        revocation: CorporateRevocation,
    ) -> Option<Self> {
        let ca = Ca::of(kind, credential).filter(|ca| !matches!(ca, Ca::Est(_)))?;
        let errand = Errand::Revoke(revocation);
        Some(Self { ca, errand })
    }

    /// The first step.
    ///
    /// # Errors
    /// When the request cannot be made.
    pub fn start(&mut self, fresh: &Fresh<'_>) -> Result<CorporateStep, CorporateError> {
        let Self { ca, errand } = self;
        match ca {
            Ca::Est(est) => est.start(),
            Ca::StepCa(ca) => ca.start(errand, fresh),
            Ca::Vault(vault) => vault.start(errand),
        }
    }

    /// Takes what came of the last request.
    ///
    /// # Errors
    /// Why it is not done. [`CorporateError::Unclear`] alone leaves open whether it signed.
    pub fn answer(
        &mut self,
        answer: Result<Response, Silence>,
        fresh: &Fresh<'_>,
    ) -> Result<CorporateStep, CorporateError> {
        let Self { ca, errand } = self;
        let step = match ca {
            Ca::Est(est) => est.answer(errand, answer)?,
            Ca::StepCa(ca) => ca.answer(errand, answer, fresh)?,
            Ca::Vault(vault) => vault.answer(errand, answer)?,
        };
        match (&step, &self.errand) {
            (CorporateStep::Signed(signed), Errand::Sign(order))
                if leaf_key(&signed.chain) != Some(order.csr.spki_sha256()) =>
            {
                Err(CorporateError::OtherKey)
            }
            _ => Ok(step),
        }
    }
}

impl Ca {
    fn of(kind: &SignerKind, credential: &CorporateCredential) -> Option<Self> {
        match (kind, credential) {
            (SignerKind::Est(est), CorporateCredential::Est(credential)) => {
                Some(Self::Est(Est::new(est.clone(), credential.clone())))
            }
            (SignerKind::StepCa(ca), CorporateCredential::StepCa(key)) => {
                Some(Self::StepCa(StepCa::new(ca.clone(), key.clone())))
            }
            (SignerKind::Vault(vault), CorporateCredential::Vault(credential)) => {
                Some(Self::Vault(Vault::new(vault.clone(), credential.clone())))
            }
            _ => None,
        }
    }
}

/// A request that may be repeated: it signs nothing.
fn asks(request: Request) -> CorporateStep {
    to_ca(request, true)
}

/// The request that signs.
fn signs(request: Request) -> CorporateStep {
    to_ca(request, false)
}

fn to_ca(request: Request, is_idempotent: bool) -> CorporateStep {
    CorporateStep::Send(Box::new(Sending {
        request,
        target: Target::Elsewhere,
        is_idempotent,
    }))
}

#[cfg(test)]
mod tests;
