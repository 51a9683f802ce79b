//! Every rule by which a credential is accepted, broken once each.

use gangway_protocol::time::UnixMillis;

use super::{CredentialError, verify};
use crate::key::{DeviceKey as _, FileKey, KeyType};
use crate::testing::{NOW, TestCa};

fn key() -> FileKey {
    FileKey::generate(KeyType::P256).expect("a key")
}

#[test]
fn a_chain_for_our_key_is_accepted_with_and_without_anchors() {
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        let (ca, key) = (TestCa::new(), FileKey::generate(kind).expect("a key"));
        let chain = ca.chain_for(&key, "one");
        let bare = verify(&chain, None, Vec::new(), &key.spki(), NOW).expect("accepted");
        let anchored = verify(&chain, Some(&ca.root_pem()), Vec::new(), &key.spki(), NOW).expect("accepted");
        assert_eq!(bare.sha256, anchored.sha256);
        assert_eq!(anchored.key, key.id());
        assert_eq!(anchored.subject, r"CN=one,O=Harbour\, Works", "RFC 4514");
    }
}

#[test]
fn an_anchor_may_be_the_end_of_the_chain_itself() {
    let (ca, key) = (TestCa::new(), key());
    let whole = format!("{}{}", ca.chain_for(&key, "one"), ca.root_pem());
    assert!(verify(&whole, Some(&ca.root_pem()), Vec::new(), &key.spki(), NOW).is_ok());
}

#[test]
fn another_key_is_refused() {
    let (ca, ours, theirs) = (TestCa::new(), key(), key());
    let chain = ca.chain_for(&theirs, "one");
    let refused = verify(&chain, None, Vec::new(), &ours.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::ForeignKey));
}

#[test]
fn a_broken_chain_is_refused() {
    let (ca, other, key) = (TestCa::new(), TestCa::new(), key());
    let leaf = ca.leaf_for(&key, "one");
    for wrong in [other.intermediate_pem(), ca.root_pem()] {
        let refused = verify(&format!("{leaf}{wrong}"), None, Vec::new(), &key.spki(), NOW);
        assert_eq!(refused, Err(CredentialError::ChainBroken { place: 0 }));
    }
    let upside_down = format!("{leaf}{}{}", ca.intermediate_pem(), other.root_pem());
    let refused = verify(&upside_down, None, Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::ChainBroken { place: 1 }));
}

#[test]
fn a_foreign_anchor_is_refused() {
    let (ca, other, key) = (TestCa::new(), TestCa::new(), key());
    let chain = ca.chain_for(&key, "one");
    let refused = verify(&chain, Some(&other.root_pem()), Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::ForeignAnchor));
    let both = format!("{}{}", other.root_pem(), ca.root_pem());
    assert!(verify(&chain, Some(&both), Vec::new(), &key.spki(), NOW).is_ok());
    let refused = verify(&chain, Some("not PEM"), Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::AnchorsUnreadable));
}

#[test]
fn validity_is_judged_by_the_servers_time_with_ten_minutes_of_grace() {
    let (ca, key) = (TestCa::new(), key());
    let chain = ca.chain_for(&key, "one");
    let good = verify(&chain, None, Vec::new(), &key.spki(), NOW).expect("accepted");
    let at = |now: UnixMillis| verify(&chain, None, Vec::new(), &key.spki(), now).err();
    let ten = 10 * UnixMillis::MINUTE;
    assert_eq!(at(good.not_before.plus(-ten)), None);
    assert_eq!(at(good.not_after.plus(ten)), None);
    let (early, late) = (good.not_before.plus(-ten - 1), good.not_after.plus(ten + 1));
    assert_eq!(
        at(early),
        Some(CredentialError::NotYetValid {
            not_before: good.not_before,
            now: early
        })
    );
    assert_eq!(
        at(late),
        Some(CredentialError::Expired {
            not_after: good.not_after,
            now: late
        })
    );
}

#[test]
fn what_is_no_chain_is_refused() {
    let (ca, key) = (TestCa::new(), key());
    let long = ca.chain_for(&key, "one").repeat(6);
    for text in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &long,
    ] {
        let refused = verify(text, None, Vec::new(), &key.spki(), NOW);
        assert_eq!(refused, Err(CredentialError::ChainUnreadable), "{text}");
    }
    let wrong_label = ca.chain_for(&key, "one").replace("CERTIFICATE", "PKCS7");
    let refused = verify(&wrong_label, None, Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::ChainUnreadable));
}

/// protocol.md, PEM: at most 10 blocks, and 32768 bytes.
#[test]
fn a_chain_has_at_most_the_ten_blocks_of_the_protocol() {
    let (ca, key) = (TestCa::new(), key());
    let chain = ca.chain_for(&key, "one");
    let of = |roots: usize| {
        let chain = format!("{chain}{}", ca.root_pem().repeat(roots));
        verify(&chain, Some(&ca.root_pem()), Vec::new(), &key.spki(), NOW).map(drop)
    };
    assert_eq!(of(8), Ok(()));
    assert_eq!(of(9), Err(CredentialError::ChainUnreadable));
    let padded = format!("{chain}{}", "\n".repeat(32_768));
    let refused = verify(&padded, None, Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::ChainUnreadable));
    let anchors = ca.root_pem().repeat(11);
    let refused = verify(&chain, Some(&anchors), Vec::new(), &key.spki(), NOW);
    assert_eq!(refused, Err(CredentialError::AnchorsUnreadable));
}

/// Bits of the envelope that nobody signed count too: the server knows certificates by the digest of all bytes.
#[test]
fn no_flipped_bit_is_ever_accepted() {
    let (ca, key) = (TestCa::new(), key());
    let der = ca.leaf_der(&key, "one");
    for place in 0..der.len() {
        for bit in 0..8 {
            let mut changed = der.clone();
            changed[place] ^= 1 << bit;
            let chain = format!("{}{}", crate::testing::to_pem(&changed), ca.intermediate_pem());
            let refused = verify(&chain, None, Vec::new(), &key.spki(), NOW);
            assert!(refused.is_err(), "byte {place}, bit {bit}");
        }
    }
}
