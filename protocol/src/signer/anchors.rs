//! Certificates of issuers in the configuration of a signer.

use super::UnfitSigner;
use super::address::unfit;
use crate::certificate::split_chain;

/// Longest text: anchors may go to devices beside a chain, in one sealed box.
const MAX_TRUST_ANCHORS_LEN: usize = 8192;

/// One to ten certificates in PEM, where there are any.
pub(super) fn check_anchors(field: &'static str, pem: Option<&str>) -> Result<(), UnfitSigner> {
    let fits = |pem: &str| pem.len() <= MAX_TRUST_ANCHORS_LEN && split_chain(pem).is_ok();
    if pem.is_none_or(fits) {
        return Ok(());
    }
    unfit(field, "is one to ten certificates in PEM, of 8192 bytes at most")
}
