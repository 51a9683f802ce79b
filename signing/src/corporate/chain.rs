//! A chain put together from what a CA gives beside a certificate: in any order, with or without its root.

use gangway_protocol::certificate::{MAX_CHAIN_CERTIFICATES, join_chain, same_name};
use x509_cert::Certificate;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};

use super::CorporateSigned;

/// A certificate, with its names in DER and the identifiers of its key and its issuer's (RFC 5280 §4.2.1.1, §4.2.1.2).
struct Candidate {
    der: Vec<u8>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
}

impl Candidate {
    fn of(der: Vec<u8>) -> Option<Self> {
        let tbs = Certificate::from_der(&der).ok()?.tbs_certificate;
        let key = tbs.get::<SubjectKeyIdentifier>().ok().flatten();
        let issuer_key = tbs.get::<AuthorityKeyIdentifier>().ok().flatten();
        Some(Self {
            key: key.map(|(_, identifier)| identifier.0.into_bytes()),
            issuer_key: issuer_key
                .and_then(|(_, identifier)| identifier.key_identifier)
                .map(OctetString::into_bytes),
            subject: tbs.subject.to_der().ok()?,
            issuer: tbs.issuer.to_der().ok()?,
            der,
        })
    }

    fn is_root(&self) -> bool {
        same_name(&self.subject, &self.issuer)
    }

    /// Whether `issuer` is named as the one of this certificate. Of two with one name the key tells which, as far as they say it.
    fn names(&self, issuer: &Self) -> bool {
        let is_its_key = match (&self.issuer_key, &issuer.key) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        is_its_key && same_name(&self.issuer, &issuer.subject)
    }
}

/// The leaf with the issuers that are found for it by name, up to self-signed ones, which become the anchors and are no part of the
/// chain. Where none is found, the last one of the chain is the anchor. Signatures are not looked at here: the server and the device
/// verify them. `None` where the leaf cannot be read.
pub(super) fn of(leaf: Vec<u8>, pool: Vec<Vec<u8>>, external_id: Option<String>) -> Option<CorporateSigned> {
    let all = pool.into_iter().filter_map(Candidate::of);
    let (roots, mut pool): (Vec<Candidate>, Vec<Candidate>) = all.partition(Candidate::is_root);
    let mut chain = vec![Candidate::of(leaf)?];
    while chain.len() < MAX_CHAIN_CERTIFICATES {
        let found = chain
            .last()
            .and_then(|last| pool.iter().position(|candidate| last.names(candidate)));
        let Some(at) = found else { break };
        chain.push(pool.swap_remove(at));
    }
    let mut anchors: Vec<Vec<u8>> = Vec::new();
    if let Some(last) = chain.last() {
        let above = roots
            .into_iter()
            .filter(|root| last.names(root))
            .map(|root| root.der);
        anchors.extend(above.take(MAX_CHAIN_CERTIFICATES));
    }
    if anchors.is_empty() {
        anchors.extend(chain.iter().skip(1).next_back().map(|last| last.der.clone()));
    }
    Some(CorporateSigned {
        chain: join_chain(chain.iter().map(|candidate| &candidate.der)),
        trust_anchors: (!anchors.is_empty()).then(|| join_chain(anchors)),
        external_id,
    })
}
