//! `docs/protocol.md` against the code: frames, vectors, limits, paths and codes are the same in both.

use std::collections::BTreeSet;

use gangway_protocol::certificate::{
    MAX_CHAIN_CERTIFICATES, MAX_CHAIN_LEN, MAX_CSR_LEN, MAX_RSA_BITS, MIN_RSA_BITS,
};
use gangway_protocol::code::{ALPHABET, MAX_NAMEPLATE_LEN, MIN_NAMEPLATE_LEN, SECRET_LEN};
use gangway_protocol::device::MAX_FACT_LEN;
use gangway_protocol::seal::{CONFIRM_LEN, MAX_BOX_LEN, PAKE_LEN};
use gangway_protocol::session::{
    MAX_POINTS, MAX_SERIES, MAX_SERIES_NAME_LEN, NONCE_LEN, SESSION_SUBPROTOCOL,
};
use gangway_protocol::{enrolment, path};
use serde_json::Value;

use crate::{bodies, frames, record, vectors};

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

fn assert_shows(what: &str) {
    assert!(DOCUMENT.contains(what), "docs/protocol.md does not show: {what}");
}

#[test]
fn it_shows_every_frame_and_body_and_no_other() {
    let mut shown = BTreeSet::new();
    let mut inside = false;
    for line in DOCUMENT.lines() {
        match line {
            "```json" => inside = true,
            "```" => inside = false,
            json if inside => {
                shown.insert(json);
            }
            _ => {}
        }
    }
    let pinned: BTreeSet<&str> = frames::literals()
        .into_iter()
        .chain(bodies::LITERALS)
        .chain(record::LITERALS)
        .collect();
    let missing: Vec<_> = pinned.difference(&shown).collect();
    let foreign: Vec<_> = shown.difference(&pinned).collect();
    assert!(
        missing.is_empty() && foreign.is_empty(),
        "missing: {missing:#?}\nforeign: {foreign:#?}"
    );
}

#[test]
fn its_worked_examples_are_the_vectors() {
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(members) => members.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
    for vectors in [vectors::SEAL, vectors::SIGNATURES] {
        let vectors: Value = serde_json::from_str(vectors).expect("JSON");
        for text in texts(&vectors) {
            assert_shows(text);
        }
    }
}

#[test]
fn its_limits_are_those_of_the_code() {
    let limits = [
        format!("| a WebSocket message | {} bytes |", enrolment::MAX_FRAME_LEN),
        format!("| a box | {MAX_BOX_LEN} bytes,"),
        format!(
            "| sealed frames of a claim, each direction | {} |",
            enrolment::MAX_SEALED_FRAMES
        ),
        format!(
            "| sealed base64 text of a claim, each direction | {} bytes |",
            enrolment::MAX_SEALED_BYTES
        ),
        format!(
            "| `hello`, and `proof` after `challenge` | {} s |",
            enrolment::HELLO_DUE_SECS
        ),
        format!(
            "| from `claim` to the device's first `sealed` | {} s |",
            enrolment::CLAIM_OPENING_SECS
        ),
        format!(
            "| from then to the end of the claim | {} s |",
            enrolment::CLAIM_OPEN_SECS
        ),
        format!(
            "| life of a secret on the device | {} s |",
            enrolment::CODE_LIFE_SECS
        ),
        format!(
            "| failures that destroy a secret | {} |",
            enrolment::MAX_CODE_FAILURES
        ),
        format!(
            "after which a device pauses | {} |",
            enrolment::MAX_UNREDEEMED_ANSWERS_PER_HOUR
        ),
        format!("| `agent`, every fact | {MAX_FACT_LEN} characters |"),
        format!(
            "{MAX_SERIES} series, {MAX_POINTS} points in all of them, names of {MAX_SERIES_NAME_LEN} characters"
        ),
        format!("At most {MAX_CHAIN_CERTIFICATES} blocks and {MAX_CHAIN_LEN} bytes each."),
        format!("`CERTIFICATE REQUEST` block, at most {MAX_CSR_LEN} bytes."),
        format!(
            "A code is a **nameplate** of {MIN_NAMEPLATE_LEN} to {MAX_NAMEPLATE_LEN} symbols followed by a **secret** of exactly {SECRET_LEN}"
        ),
        format!("| `pake` | binary, {PAKE_LEN} bytes |"),
        format!("| `confirm` | binary, {CONFIRM_LEN} bytes |"),
        format!("| `nonce` | binary, {NONCE_LEN} bytes |"),
        format!("| RSA, {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, e = 65537 |"),
        format!("`{}`", String::from_utf8_lossy(ALPHABET)),
    ];
    for limit in limits {
        assert_shows(&limit);
    }
}

#[test]
fn its_paths_and_sub_protocols_are_those_of_the_code() {
    let paths = [
        path::ENROLMENT_SOCKET,
        path::CLAIM_SOCKET,
        path::SESSION_SOCKET,
        path::ORGANISATIONS,
        path::SIGNERS,
        path::APPROVAL,
        path::CONSENT,
        path::CLAIM_REPORT,
        path::DEVICE_CERTIFICATES,
        path::CERTIFICATE_DELIVERY,
    ];
    for path in paths {
        assert!(
            DOCUMENT.contains(&format!(" {path}`")),
            "docs/protocol.md does not name {path}"
        );
    }
    for name in [
        enrolment::ENROLMENT_SUBPROTOCOL,
        enrolment::CLAIM_SUBPROTOCOL,
        SESSION_SUBPROTOCOL,
    ] {
        assert_shows(&format!("`{name}`"));
    }
}

#[test]
fn it_names_every_problem_code() {
    for code in frames::PROBLEM_CODES {
        assert_shows(&format!("`{code}`"));
    }
}
