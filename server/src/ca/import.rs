//! An intermediate that another CA has made: whether what it signs can be verified, by devices and by others. This is path
//! validation (RFC 5280 §6.1), as far as it can be judged before there is a leaf.
//!
//! 1. [`import`] reads the files and checks each certificate of the chain for what an issuer has to be ([`fitness`]).
//! 2. Each must be issued by the next: name, key identifier, signature ([`signature`]).
//! 3. The last is the trust anchor. Nobody verifies its own signature (§6.1.1 (d)), so that one with SHA-1 or by a kind of
//!    key that is not known here serves as well.
//!
//! Certificates are kept as they came, byte for byte: encoded again, one with a superfluous `critical FALSE` would lose its
//! issuer's signature.

mod fitness;
mod signature;

use gangway_protocol::certificate::file::{self, FileError, KeyFormat};
use gangway_protocol::certificate::same_name;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, oid::AssociatedOid};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use zeroize::Zeroizing;

use super::key::{IssuerKey, KeyError};
use super::moment;
use fitness::Place;

/// An intermediate made elsewhere, checked. Certificates are DER.
pub struct Imported {
    /// The intermediate.
    pub intermediate: Vec<u8>,
    /// What stands between it and the root, nearest first.
    pub above: Vec<Vec<u8>>,
    /// The root: the devices' trust anchor.
    pub root: Vec<u8>,
    /// The intermediate's private key, PKCS#8.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// Why an intermediate cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file of the chain.
    #[error("the file of the chain cannot be used: {0}")]
    ChainFile(FileError),
    /// The file of the key.
    #[error("the file of the private key cannot be used: {0}")]
    KeyFile(FileError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not the key of the intermediate.
    #[error("the private key is not the key of the first certificate, which has to be the intermediate")]
    OtherKey,
    /// A certificate alone.
    #[error("the file must hold the whole chain: the intermediate first, its self-signed root last")]
    Incomplete,
    /// A certificate of the chain.
    #[error("the certificate on line {line} ({subject}) cannot be in the built-in CA's chain: {unfit}")]
    Unfit {
        /// Where it begins in the file.
        line: usize,
        /// Its subject, RFC 4514.
        subject: String,
        /// Why.
        unfit: Unfit,
    },
}

/// Why a certificate cannot be in the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not DER of a certificate.
    #[error("it cannot be read ({0})")]
    Unreadable(String),
    /// No basicConstraints with CA.
    #[error("it is not a CA (basicConstraints)")]
    NotACa,
    /// More intermediates below it than it allows.
    #[error("it allows {allowed} intermediates below it (pathLenConstraint), and there are {below}")]
    PathLength {
        /// What it says.
        allowed: u8,
        /// How many there are.
        below: usize,
    },
    /// The root in the intermediate's place.
    #[error(
        "it has issued itself: give the certificate of an intermediate first, and keep the root's key offline"
    )]
    SelfIssued,
    /// An empty subject, which RFC 5280 §4.1.2.6 forbids a CA.
    #[error("its subject is empty, and strict verifiers refuse what such a CA signs")]
    NoSubject,
    /// No keyUsage.
    #[error(
        "it does not say what its key is for: a CA's certificate has to carry keyUsage, with keyCertSign and, where it signs \
         revocation lists as this one will, cRLSign (RFC 5280 §4.2.1.3)"
    )]
    NoKeyUsage,
    /// keyUsage without keyCertSign.
    #[error("it may not sign certificates (keyUsage without keyCertSign)")]
    NoCertSign,
    /// keyUsage without cRLSign.
    #[error("it may not sign revocation lists (keyUsage without cRLSign)")]
    NoCrlSign,
    /// extendedKeyUsage without clientAuth.
    #[error(
        "it is limited to other purposes than clientAuth (extendedKeyUsage {0}): nobody could verify a device's certificate below it"
    )]
    Purposes(String),
    /// Past its end.
    #[error("it expired at {0}")]
    Expired(String),
    /// Before its start.
    #[error("it is not valid before {0}")]
    NotYetValid(String),
    /// nameConstraints that no certificate of a device satisfies.
    #[error("its name constraints exclude the names of devices ({0})")]
    Names(&'static str),
    /// policyConstraints.
    #[error(
        "it requires certificate policies (policyConstraints), which certificates of devices do not state"
    )]
    Policies,
    /// An extension that verifiers must know and that is not known here.
    #[error("it has a critical extension that is not known here ({0})")]
    Critical(ObjectIdentifier),
    /// The next one has another name.
    #[error("it was issued by {issuer}, but the next certificate in the file is {next}")]
    OtherIssuer {
        /// Its issuer.
        issuer: String,
        /// Subject of the next.
        next: String,
    },
    /// The next one has the name, but another key.
    #[error(
        "it was issued with another key of {0} than that of the next certificate in the file (authorityKeyIdentifier)"
    )]
    OtherIssuerKey(String),
    /// The two algorithm fields differ.
    #[error("it names two different signature algorithms")]
    TwoAlgorithms,
    /// A broken hash.
    #[error("it is signed with {0}, which is no longer safe")]
    Weak(&'static str),
    /// An algorithm that devices cannot verify.
    #[error(
        "it is signed with {0}, which devices cannot verify; ECDSA on P-256 or P-384 with SHA-256 or SHA-384, Ed25519, and RSA \
         (2048 to 8192 bits) with SHA-256, SHA-384 or SHA-512 they can"
    )]
    Unverifiable(String),
    /// A signature that does not verify.
    #[error(
        "its signature is not by the key of the next certificate in the file, or the certificate was changed"
    )]
    BadSignature,
    /// The last one is no root.
    #[error("it is the last of the file, but no root: it was issued by {0}, whose certificate has to follow")]
    NotARoot(String),
}

/// A certificate of the chain with all that is asked about it.
struct Link {
    line: usize,
    der: Vec<u8>,
    certificate: Certificate,
    /// DER of the TBSCertificate as it stands in `der`.
    signed: Vec<u8>,
}

/// Checks that `chain` (a file of PEM: the intermediate first, its self-signed root last) and `private_key` (a file of PEM
/// with PKCS#8) can serve as the intermediate.
///
/// # Errors
/// What is wrong with them.
pub fn import(chain: &[u8], private_key: &[u8], now: UnixMillis) -> Result<Imported, ImportError> {
    let links = file::certificates(chain)
        .map_err(ImportError::ChainFile)?
        .into_iter()
        .map(Link::read)
        .collect::<Result<Vec<_>, _>>()?;
    let file = file::private_key(private_key).map_err(ImportError::KeyFile)?;
    if file.format != KeyFormat::Pkcs8 {
        return Err(KeyError::Unreadable.into());
    }
    let key = IssuerKey::from_pkcs8(&file.der)?;
    let [intermediate, .., root] = links.as_slice() else {
        return Err(ImportError::Incomplete);
    };
    for pair in links.windows(2) {
        let [link, next] = pair else { continue };
        link.check_issuer(next).map_err(|unfit| link.unfit(unfit))?;
    }
    if !root.is_issued_in_name_of(root) {
        let issuer = root.certificate.tbs_certificate.issuer.to_string();
        return Err(root.unfit(Unfit::NotARoot(issuer)));
    }
    if intermediate.is_issued_in_name_of(intermediate) {
        return Err(intermediate.unfit(Unfit::SelfIssued));
    }
    for (place, link) in links.iter().enumerate() {
        let is_self_issued = |link: &&Link| link.is_issued_in_name_of(link);
        let below = links[..place].iter().filter(|link| !is_self_issued(link)).count();
        let place = match place {
            0 => Place::Intermediate,
            last if last + 1 == links.len() => Place::Root,
            _ => Place::Between,
        };
        fitness::check(&link.certificate, place, below, now).map_err(|unfit| link.unfit(unfit))?;
    }
    let stated = &intermediate.certificate.tbs_certificate.subject_public_key_info;
    let held = key
        .public_key()
        .map_err(|error| intermediate.unfit(error.into()))?;
    // The parameters of RSA may be NULL or absent (RFC 3279 §2.3.1); the key is the same.
    if stated.algorithm.oid != held.algorithm.oid || stated.subject_public_key != held.subject_public_key {
        return Err(ImportError::OtherKey);
    }
    let mut ders = links.into_iter().map(|link| link.der);
    let (Some(intermediate), Some(root)) = (ders.next(), ders.next_back()) else {
        return Err(ImportError::Incomplete);
    };
    Ok(Imported {
        intermediate,
        above: ders.collect(),
        root,
        pkcs8: file.der,
    })
}

impl Link {
    fn read(block: file::FileCertificate) -> Result<Self, ImportError> {
        let file::FileCertificate { line, der } = block;
        let read = || {
            let certificate = Certificate::from_der(&der)?;
            let signed = SliceReader::new(&der)?.sequence(|parts| {
                let signed = parts.tlv_bytes()?.to_vec();
                // The algorithm and the signature are read above.
                parts.tlv_bytes()?;
                parts.tlv_bytes()?;
                Ok(signed)
            })?;
            Ok((certificate, signed))
        };
        match read() {
            Ok((certificate, signed)) => Ok(Self {
                line,
                certificate,
                signed,
                der,
            }),
            Err(error) => Err(ImportError::Unfit {
                line,
                subject: "unknown".to_owned(),
                unfit: x509_cert::der::Error::into(error),
            }),
        }
    }

    fn unfit(&self, unfit: Unfit) -> ImportError {
        ImportError::Unfit {
            line: self.line,
            subject: self.certificate.tbs_certificate.subject.to_string(),
            unfit,
        }
    }

    fn is_issued_in_name_of(&self, next: &Self) -> bool {
        let issuer = self.certificate.tbs_certificate.issuer.to_der();
        let subject = next.certificate.tbs_certificate.subject.to_der();
        matches!((issuer, subject), (Ok(issuer), Ok(subject)) if same_name(&issuer, &subject))
    }

    /// Whether the next certificate issued this one.
    fn check_issuer(&self, next: &Self) -> Result<(), Unfit> {
        let (certificate, above) = (&self.certificate, &next.certificate);
        let next_name = above.tbs_certificate.subject.to_string();
        if !self.is_issued_in_name_of(next) {
            return Err(Unfit::OtherIssuer {
                issuer: certificate.tbs_certificate.issuer.to_string(),
                next: next_name,
            });
        }
        let named: Option<AuthorityKeyIdentifier> = extension(certificate)?;
        let own: Option<SubjectKeyIdentifier> = extension(above)?;
        if let (Some(named), Some(own)) = (named.and_then(|named| named.key_identifier), own)
            && named != own.0
        {
            return Err(Unfit::OtherIssuerKey(next_name));
        }
        // RFC 5280 §4.1.1.2: both algorithm fields MUST be the same.
        if certificate.signature_algorithm != certificate.tbs_certificate.signature {
            return Err(Unfit::TwoAlgorithms);
        }
        signature::check(
            certificate,
            &self.signed,
            &above.tbs_certificate.subject_public_key_info,
        )
    }
}

impl From<x509_cert::der::Error> for Unfit {
    fn from(error: x509_cert::der::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The extension of this kind, if the certificate has it.
fn extension<T: AssociatedOid + for<'a> x509_cert::der::Decode<'a>>(
    certificate: &Certificate,
) -> x509_cert::der::Result<Option<T>> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    extensions
        .iter()
        .find(|extension| extension.extn_id == T::OID)
        .map(|extension| T::from_der(extension.extn_value.as_bytes()))
        .transpose()
}

/// An instant of a certificate, for people.
fn shown(at: UnixMillis) -> String {
    moment::shown(at)
}
