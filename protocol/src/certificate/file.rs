//! PEM as tools write it: files that people hand to the command line and name in the configuration. Not what crosses a
//! wire; that is read by [`super::split_chain`], which takes one form only.
//!
//! 1. [`blocks`] finds the blocks of a file and reads what they hold. It reads at least what OpenSSL reads: text around
//!    blocks, any length of line, any end of line, headers of RFC 1421, a byte order mark, blocks that were joined
//!    without a line break.
//! 2. [`certificates`] and [`private_key`] want all of it in order; [`trust_anchors`] leaves out what it cannot use, and
//!    says so.
//!
//! What looks like a block and cannot be read is always told, with its line: a chain that silently lost a certificate
//! fails far away from the file.

mod scan;

use std::collections::BTreeSet;

use zeroize::Zeroizing;

pub use scan::{Block, blocks};

/// Labels of certificates: RFC 7468 §5, and what OpenSSL wrote before 1999 and still reads.
const CERTIFICATE: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
/// OpenSSL's certificate with settings behind it of whom to trust for what: `openssl x509 -trustout`.
const TRUSTED: &str = "TRUSTED CERTIFICATE";
/// Bundles of certificates in another structure: RFC 7468 §8 and its older name.
const BUNDLES: [&str; 2] = ["PKCS7", "CMS"];

/// Why a file cannot be used, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Text in two bytes a character, as some Windows programs save it.
    #[error("it is written in UTF-16; save it as UTF-8 or ASCII text")]
    Utf16,
    /// DER or PKCS#12.
    #[error(
        "it is binary (DER or PKCS#12), not PEM; `openssl x509 -inform DER -in FILE`, `openssl pkey -inform DER -in FILE` \
         or `openssl pkcs12 -nodes -in FILE` write PEM"
    )]
    Binary,
    /// No block that could serve.
    #[error("it holds no {wanted} in PEM{}", holding(.found))]
    Missing {
        /// What should be in it.
        wanted: &'static str,
        /// Labels of what is in it.
        found: BTreeSet<String>,
    },
    /// One block, or what looks like one.
    #[error("line {line}: {fault}")]
    At {
        /// The line of the file, from 1.
        line: usize,
        /// What is wrong there.
        fault: Fault,
    },
}

fn holding(labels: &BTreeSet<String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    format!(", only {}", labels.join(", "))
}

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first or last line of a block, but not quite.
    #[error(
        "this looks like the first or last line of a PEM block, which has to be exactly -----BEGIN CERTIFICATE----- or \
         -----END CERTIFICATE-----, with whatever the block holds, alone on its line"
    )]
    Boundary,
    /// A last line without a first one.
    #[error("a PEM block “{0}” ends here that has not begun")]
    NotBegun(String),
    /// A first line without a last one.
    #[error("the PEM block “{0}” that begins here has no -----END {0}-----")]
    Unfinished(String),
    /// The last line of another kind of block.
    #[error("the PEM block “{begun}” that begins here ends as “{ended}”")]
    EndsOtherwise {
        /// How it begins.
        begun: String,
        /// How it ends.
        ended: String,
    },
    /// A character that base64 does not have.
    #[error("“{}” cannot stand in a PEM block (base64)", .0.escape_default())]
    Character(char),
    /// The characters are base64's, but too few or too many.
    #[error("the PEM block that begins here is cut off or damaged: its base64 does not end as it has to")]
    Length,
    /// Nothing between first and last line.
    #[error("the PEM block that begins here is empty")]
    Empty,
    /// The base64 is whole, and holds something else than one whole DER value.
    #[error("the PEM block that begins here is damaged: what it holds is not whole (DER)")]
    NotDer,
    /// A block that needs a password.
    #[error("the private key is encrypted; `openssl pkey -in FILE -out OTHER` decrypts it")]
    Encrypted,
    /// A second private key.
    #[error("there is a second private key; leave only the one that is meant")]
    SecondKey,
    /// A private key in a format that is not read.
    #[error(
        "a private key in the format “{0}” is not read; `openssl pkey -in FILE -out OTHER` may convert it"
    )]
    KeyFormat(String),
    /// `DSA PRIVATE KEY`.
    #[error(
        "a DSA key cannot be used, in whatever format; make one with `openssl genpkey -algorithm EC -pkeyopt \
         ec_paramgen_curve:P-256 -out FILE`"
    )]
    Dsa,
    /// `TRUSTED CERTIFICATE`.
    #[error(
        "this certificate carries OpenSSL's own trust settings (TRUSTED CERTIFICATE), which would be ignored; \
         `openssl x509 -in FILE -out OTHER` writes it without them"
    )]
    Trusted,
    /// PKCS#7.
    #[error(
        "certificates in PKCS#7 are not read; `openssl pkcs7 -print_certs -in FILE -out OTHER` takes them out"
    )]
    Bundle,
    /// A certificate that its reader refused.
    #[error("this certificate cannot be used: {0}")]
    Unusable(String),
}

/// A certificate of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCertificate {
    /// Where its block begins, from 1.
    pub line: usize,
    /// DER.
    pub der: Vec<u8>,
}

/// Formats of private keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// `PRIVATE KEY`: PKCS#8 (RFC 5958).
    Pkcs8,
    /// `RSA PRIVATE KEY`: PKCS#1 (RFC 8017 §A.1.2).
    Pkcs1,
    /// `EC PRIVATE KEY`: SEC 1 (RFC 5915).
    Sec1,
}

/// A private key of a file.
pub struct FileKey {
    /// Where its block begins, from 1.
    pub line: usize,
    /// In which structure.
    pub format: KeyFormat,
    /// DER.
    pub der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileKey({:?})", self.format)
    }
}

/// Trust anchors of a file, and what in it is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustAnchors {
    /// The certificates that were taken, in the order of the file.
    pub certificates: Vec<FileCertificate>,
    /// What was left out, each with its line.
    pub skipped: Vec<FileError>,
}

/// All certificates of a file, in its order. Private keys and parameters beside them are passed over, as OpenSSL does.
///
/// # Errors
/// The first thing in it that cannot be read, or that there is no certificate.
pub fn certificates(file: &[u8]) -> Result<Vec<FileCertificate>, FileError> {
    let mut found = Vec::new();
    let mut labels = BTreeSet::new();
    for block in blocks(file)? {
        let block = block?;
        if let Some(certificate) = certificate(block, &mut labels) {
            found.push(certificate?);
        }
    }
    if found.is_empty() {
        return Err(FileError::Missing {
            wanted: "certificate",
            found: labels,
        });
    }
    Ok(found)
}

/// The certificates of a file of trust anchors that `accept` takes. The others, and what cannot be read, are left out and
/// listed: bundles of operating systems and companies have single entries that no reader takes.
///
/// # Errors
/// When the file is no PEM file, or nothing in it can be used: then its first fault, if it has one.
pub fn trust_anchors(
    file: &[u8],
    mut accept: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<TrustAnchors, FileError> {
    let mut anchors = TrustAnchors::default();
    let mut labels = BTreeSet::new();
    for block in blocks(file)? {
        let certificate = match block {
            Ok(block) => certificate(block, &mut labels),
            Err(error) => Some(Err(error)),
        };
        let taken = certificate.map(|certificate| {
            let certificate = certificate?;
            accept(&certificate.der).map_err(|reason| FileError::At {
                line: certificate.line,
                fault: Fault::Unusable(reason),
            })?;
            Ok(certificate)
        });
        match taken {
            Some(Ok(certificate)) => anchors.certificates.push(certificate),
            Some(Err(error)) => anchors.skipped.push(error),
            None => {}
        }
    }
    if anchors.certificates.is_empty() {
        return Err(anchors.skipped.into_iter().next().unwrap_or(FileError::Missing {
            wanted: "certificate",
            found: labels,
        }));
    }
    Ok(anchors)
}

/// The one private key of a file. Certificates and parameters beside it are passed over.
///
/// # Errors
/// What cannot be read; a key that is encrypted; a second key; or that there is none.
pub fn private_key(file: &[u8]) -> Result<FileKey, FileError> {
    let mut found: Option<FileKey> = None;
    let mut labels = BTreeSet::new();
    for block in blocks(file)? {
        let Block {
            label,
            line,
            encrypted,
            der,
        } = block?;
        let at = |fault| FileError::At { line, fault };
        if !label.ends_with("PRIVATE KEY") {
            labels.insert(label);
            continue;
        }
        if encrypted || label == "ENCRYPTED PRIVATE KEY" {
            return Err(at(Fault::Encrypted));
        }
        let format = match label.as_str() {
            "PRIVATE KEY" => KeyFormat::Pkcs8,
            "RSA PRIVATE KEY" => KeyFormat::Pkcs1,
            "EC PRIVATE KEY" => KeyFormat::Sec1,
            "DSA PRIVATE KEY" => return Err(at(Fault::Dsa)),
            _ => return Err(at(Fault::KeyFormat(label))),
        };
        if found.is_some() {
            return Err(at(Fault::SecondKey));
        }
        found = Some(FileKey { line, format, der });
    }
    found.ok_or(FileError::Missing {
        wanted: "private key",
        found: labels,
    })
}

/// The certificate of a block; `None` for other kinds, whose labels are noted.
fn certificate(block: Block, labels: &mut BTreeSet<String>) -> Option<Result<FileCertificate, FileError>> {
    let Block { label, line, der, .. } = block;
    let at = |fault| Some(Err(FileError::At { line, fault }));
    match label.as_str() {
        TRUSTED => return at(Fault::Trusted),
        bundle if BUNDLES.contains(&bundle) => return at(Fault::Bundle),
        certificate if CERTIFICATE.contains(&certificate) => {}
        _ => {
            labels.insert(label);
            return None;
        }
    }
    if !scan::is_one_value(&der) {
        return at(Fault::NotDer);
    }
    Some(Ok(FileCertificate {
        line,
        der: der.to_vec(),
    }))
}
