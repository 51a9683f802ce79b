//! PEM as it crosses the wires: blocks of one kind, nothing around them (RFC 7468 §3 without explanatory text).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Label of certificates (RFC 7468 §5).
const CERTIFICATE: &str = "CERTIFICATE";
/// Most certificates in a chain or a list of trust anchors. Public hierarchies have three or four.
pub const MAX_CHAIN_CERTIFICATES: usize = 10;
/// Longest text of a chain or a list of trust anchors: what fits into one frame.
pub const MAX_CHAIN_LEN: usize = crate::enrolment::MAX_FRAME_LEN;

/// Why a text is not the PEM that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Longer than any such text has reason to be.
    #[error("this is too long: {len} bytes, where at most {max} are accepted")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// No block at all.
    #[error("there is no PEM block (-----BEGIN {expected}-----) in the text")]
    Empty {
        /// The label that should be there.
        expected: &'static str,
    },
    /// More blocks than are wanted.
    #[error("there are more PEM blocks than the {max} accepted here")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// A block of another kind.
    #[error("a PEM block “{expected}” should be here, not “{found}”")]
    Label {
        /// The label that should be there.
        expected: &'static str,
        /// The label that is there, shortened and cleaned for showing.
        found: String,
    },
    /// Text before, between or after the blocks.
    #[error("there is text outside of the PEM block; send the block alone")]
    Outside,
    /// A block that has no end, or an end of another kind.
    #[error("the PEM block is cut off: its -----END {expected}----- is missing")]
    Unfinished {
        /// The label of the block.
        expected: &'static str,
    },
    /// The body is not base64.
    #[error("the PEM block is damaged: its body is not base64")]
    Base64,
}

/// The DER of each certificate of `chain`, in its order (leaf first).
///
/// # Errors
/// What is wrong with the text; one without any block is an error too.
pub fn split_chain(chain: &str) -> Result<Vec<Vec<u8>>, PemError> {
    if chain.len() > MAX_CHAIN_LEN {
        return Err(PemError::TooLarge {
            len: chain.len(),
            max: MAX_CHAIN_LEN,
        });
    }
    decode(CERTIFICATE, chain, MAX_CHAIN_CERTIFICATES)
}

/// The inverse of [`split_chain`]: one block for each DER certificate, lines of 64 characters, each ended by a newline.
pub fn join_chain<D: AsRef<[u8]>>(certificates: impl IntoIterator<Item = D>) -> String {
    certificates
        .into_iter()
        .map(|der| encode(CERTIFICATE, der.as_ref()))
        .collect()
}

/// The bodies of one to `max` blocks labelled `expected`, between which only white space may stand.
pub(super) fn decode(expected: &'static str, text: &str, max: usize) -> Result<Vec<Vec<u8>>, PemError> {
    let mut blocks = Vec::new();
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        if blocks.len() == max && rest.starts_with("-----BEGIN ") {
            return Err(PemError::TooMany { max });
        }
        let (der, after) = decode_first(expected, rest)?;
        blocks.push(der);
        rest = after.trim_ascii_start();
    }
    if blocks.is_empty() {
        return Err(PemError::Empty { expected });
    }
    Ok(blocks)
}

fn decode_first<'a>(expected: &'static str, text: &'a str) -> Result<(Vec<u8>, &'a str), PemError> {
    let (label, body) = text
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(PemError::Outside)?;
    if label != expected {
        let found = label.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(PemError::Label { expected, found });
    }
    let unfinished = PemError::Unfinished { expected };
    let (body, after) = body.split_once("-----END ").ok_or_else(|| unfinished.clone())?;
    let after = after
        .strip_prefix(expected)
        .and_then(|rest| rest.strip_prefix("-----"))
        .ok_or(unfinished)?;
    let base64: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(base64).map_err(|_| PemError::Base64)?;
    Ok((der, after))
}

/// One block. RFC 7468 §2: generators wrap the base64 at exactly 64 characters.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    // 48 bytes make 64 characters of base64.
    let lines: String = der.chunks(48).map(|line| STANDARD.encode(line) + "\n").collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}
