//! Certificates for clients of plgd's signing API and for OCF devices: what they say, and the names by which that API knows
//! keys and issuers. Who may have one is not decided here.

use gangway_protocol::certificate::PublicKey;
use gangway_protocol::id::{IssuerId, OrganisationId};
use gangway_protocol::time::UnixMillis;
use uuid::Uuid;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Encode as _, Error};

use super::identity::distinguished_name;
use super::profile::Statement;
use super::{CaError, CertificateAuthority, Issuer, extension};
use crate::db::certificates::Draft;
use crate::rng::Random;

/// The purpose “identity certificate” (OCF Security Specification §9.4.2.2).
const OCF_IDENTITY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.44924.1.6");

const IDENTITY: &[ObjectIdentifier] = &[extension::CLIENT_AUTH, extension::SERVER_AUTH, OCF_IDENTITY];
const GENERAL: &[ObjectIdentifier] = &[extension::CLIENT_AUTH, extension::SERVER_AUTH];

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// An identity within OCF.
    Identity,
    /// A client and server of anything else.
    General,
}

/// Whom a certificate is about and what it is for.
#[derive(Clone, Debug)]
pub struct OcfSubject {
    /// For which organisation it is signed: plgd reads the common name alone, everybody else can tell ours apart.
    pub organisation: OrganisationId,
    /// The common name.
    pub common_name: String,
    /// What it is for.
    pub usage: Usage,
}

impl OcfSubject {
    fn statement(&self) -> Result<Statement, Error> {
        let purposes = match self.usage {
            Usage::Identity => IDENTITY,
            Usage::General => GENERAL,
        };
        Ok(Statement {
            subject: distinguished_name(self.organisation.as_str(), &self.common_name)?,
            key_usage: extension::identity_key_usage()?,
            extended_key_usage: extension::extended_usage(purposes)?,
            // Without an alternative name of ours it is no device of a fleet: no session takes it.
            alternative_name: None,
        })
    }
}

/// How plgd names a public key: by its SubjectPublicKeyInfo.
#[must_use]
pub fn key_uuid(spki_der: &[u8]) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_X500, spki_der)
}

/// How plgd names what it has signed: by common name and key together.
#[must_use]
pub fn record_uuid(common_name: &str, spki_der: &[u8]) -> Uuid {
    let both = [common_name.as_bytes(), spki_der].concat();
    Uuid::new_v5(&Uuid::NAMESPACE_X500, &both)
}

impl CertificateAuthority {
    /// Writes what a certificate for a plgd client or an OCF device will say.
    ///
    /// # Errors
    /// As [`Self::draft`].
    pub fn draft_ocf(
        &self,
        subject: &OcfSubject,
        key: &PublicKey,
        validity_days: u32,
        now: UnixMillis,
        random: &dyn Random,
    ) -> Result<Draft, CaError> {
        let issuers = self.issuers();
        issuers
            .signing
            .draft(subject.statement()?, key, validity_days, now, random)
    }

    /// A leaf of `issuer` and everything above it, the root last: plgd's clients take the last one for what they trust.
    #[must_use]
    pub fn chain_to_root(&self, issuer: &IssuerId, leaf_pem: &str) -> Option<String> {
        let chain = self.chain(issuer, leaf_pem)?;
        Some(format!("{}{}", chain.chain, chain.trust_anchors))
    }

    /// PEM of the root above what is signed now.
    #[must_use]
    pub fn trust_anchor(&self) -> String {
        self.issuers().signing.trust_anchor.clone()
    }

    /// How plgd names an issuer: by its key.
    #[must_use]
    pub fn issuer_uuid(&self, id: &IssuerId) -> Option<Uuid> {
        self.issuer(id).and_then(|issuer| uuid_of(&issuer))
    }

    /// The issuer that plgd names so.
    #[must_use]
    pub fn issuer_named(&self, uuid: Uuid) -> Option<IssuerId> {
        let issuers = self.issuers();
        // An issuer that was certified anew has the key of the one before; its newest list is the one that goes on.
        let mut named: Vec<&IssuerId> = issuers
            .all
            .iter()
            .filter(|(_, issuer)| uuid_of(issuer) == Some(uuid))
            .map(|(id, _)| id)
            .collect();
        named.sort_unstable();
        let signing = issuers.signing.certificate.id();
        let current = named.iter().find(|id| **id == signing).copied();
        current.or(named.last().copied()).cloned()
    }
}

fn uuid_of(issuer: &Issuer) -> Option<Uuid> {
    let key = &issuer
        .certificate
        .certificate()
        .tbs_certificate
        .subject_public_key_info;
    Some(key_uuid(&key.to_der().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names are what `uuid.uuid5(uuid.NAMESPACE_X500, …)` of Python makes of the same bytes.
    #[test]
    fn names_are_those_that_plgd_computes() {
        assert_eq!(
            key_uuid(b"key").to_string(),
            "25c3d6d9-4bba-5079-adec-6fe67a577afa"
        );
        assert_eq!(
            record_uuid("uuid:1", b"key").to_string(),
            "1fcb7387-456d-5262-b26b-ae860fa7acf4"
        );
    }
}
