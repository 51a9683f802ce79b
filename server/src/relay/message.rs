//! JSON messages in and out of text frames. Sealed ones, the bulk of a crossing, are read in place and written again
//! without being decoded; everything else goes through the wire types.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::{enrolment, session};

/// A message that came in.
#[derive(Debug, PartialEq)]
pub(crate) enum Incoming<'a, M> {
    /// `sealed`: forwarded unread.
    Sealed {
        claim: &'a str,
        /// Base64 text.
        sealed: &'a str,
    },
    /// Anything else.
    Message(M),
}

/// What a socket sends.
pub(crate) trait Kind: DeserializeOwned {
    /// Every `type` of it, to tell an unknown message from a known one that is wrong.
    const TYPES: &'static [&'static str];
}

impl Kind for enrolment::DeviceToServer {
    const TYPES: &'static [&'static str] = &["hello", "decline", "answer", "sealed", "outcome", "replace"];
}

impl Kind for enrolment::ClaimantToServer {
    const TYPES: &'static [&'static str] = &["claim", "confirm", "sealed"];
}

impl Kind for session::DeviceToServer {
    const TYPES: &'static [&'static str] = &["proof", "facts", "measurements", "renew", "installed"];
}

#[derive(Deserialize)]
struct SealedInPlace<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    claim: &'a str,
    #[serde(rename = "box")]
    sealed: &'a str,
}

#[derive(Deserialize)]
struct TypeOnly {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a message.
///
/// # Errors
/// `malformed` or `unknown_type`, in words for whoever writes the client.
pub(crate) fn read<M: Kind>(text: &str) -> Result<Incoming<'_, M>, Problem> {
    if let Ok(message) = serde_json::from_str::<SealedInPlace>(text)
        && message.kind == "sealed"
        && M::TYPES.contains(&"sealed")
        && is_base64(message.sealed)
    {
        return Ok(Incoming::Sealed {
            claim: message.claim,
            sealed: message.sealed,
        });
    }
    serde_json::from_str(text)
        .map(Incoming::Message)
        .map_err(|error| match serde_json::from_str::<TypeOnly>(text) {
            Ok(TypeOnly { kind }) if !M::TYPES.contains(&kind.as_str()) => problem(
                ProblemCode::UnknownType,
                format!("This socket takes messages of type {}.", M::TYPES.join(", ")),
            ),
            _ => problem(
                ProblemCode::Malformed,
                format!("The message does not follow the protocol: {error}."),
            ),
        })
}

/// Writes a `sealed` message over `out`, whose parts [`read`] has checked: neither needs escaping.
pub(crate) fn write_sealed(claim: &str, sealed: &str, out: &mut String) {
    out.clear();
    for part in [
        r#"{"type":"sealed","claim":""#,
        claim,
        r#"","box":""#,
        sealed,
        r#""}"#,
    ] {
        out.push_str(part);
    }
}

/// A problem without a time.
pub(crate) fn problem(code: ProblemCode, message: impl Into<String>) -> Problem {
    Problem {
        code,
        message: message.into(),
        retry_after_secs: None,
    }
}

/// Whether `text` is base64 of the standard alphabet, padded (RFC 4648 §4), as far as that shows without decoding.
fn is_base64(text: &str) -> bool {
    let symbols = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - symbols.len() <= 2
        && symbols
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangway_protocol::encoding::Base64;
    use gangway_protocol::enrolment::{ClaimantToServer, DeviceToServer};
    use gangway_protocol::id::ClaimId;

    const CLAIM: &str = "clm_0000000001zzzzzzzzzzzzzzzz";

    fn claim() -> ClaimId {
        CLAIM.parse().expect("a claim's id")
    }

    #[test]
    fn sealed_messages_are_read_in_place_and_written_alike() {
        let text = format!(r#"{{"box":"AAEC","claim":"{CLAIM}","type":"sealed","later":1}}"#);
        let expected = Incoming::Sealed {
            claim: CLAIM,
            sealed: "AAEC",
        };
        assert_eq!(read::<DeviceToServer>(&text), Ok(expected));
        let mut out = "what was here".to_owned();
        write_sealed(CLAIM, "AAEC", &mut out);
        let typed = enrolment::ServerToClaimant::Sealed {
            claim: claim(),
            sealed: Base64(vec![0, 1, 2]),
        };
        assert_eq!(out, serde_json::to_string(&typed).expect("JSON"));
    }

    #[test]
    fn escapes_take_the_long_way_to_the_same_end() {
        let text = format!(r#"{{"type":"sealed","claim":"{CLAIM}","box":"\/\/\/\/"}}"#);
        let expected = DeviceToServer::Sealed {
            claim: claim(),
            sealed: Base64(vec![0xff; 3]),
        };
        assert_eq!(read(&text), Ok(Incoming::Message(expected)));
    }

    #[test]
    fn a_box_that_is_not_base64_is_malformed() {
        for sealed in ["AAE", "AA=C", "AAECA===", "AA\u{e9}C", "A-_C", "AAE\\u0043x"] {
            let text = format!(r#"{{"type":"sealed","claim":"{CLAIM}","box":"{sealed}"}}"#);
            let error = read::<DeviceToServer>(&text).expect_err(sealed);
            assert_eq!(error.code, ProblemCode::Malformed, "{sealed}");
        }
    }

    #[test]
    fn unknown_types_are_told_from_wrong_messages() {
        let code = |text: &str| read::<ClaimantToServer>(text).expect_err(text).code;
        assert_eq!(code(r#"{"type":"hello","agent":"x"}"#), ProblemCode::UnknownType);
        assert_eq!(code(r#"{"type":"claim"}"#), ProblemCode::Malformed);
        assert_eq!(code(r#"{"type":7}"#), ProblemCode::Malformed);
        assert_eq!(
            code(r#"{"type":"claim","type":"claim","pake":""}"#),
            ProblemCode::Malformed
        );
        assert_eq!(code("[]"), ProblemCode::Malformed);
        assert_eq!(code(""), ProblemCode::Malformed);
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let message = read::<DeviceToServer>(r#"{"type":"hello","agent":"x","colour":"green"}"#);
        assert_eq!(
            message,
            Ok(Incoming::Message(DeviceToServer::Hello {
                agent: "x".into(),
                resume: None,
                lookup: None,
            }))
        );
    }

    #[test]
    fn every_listed_type_is_one_that_the_wire_types_know() {
        fn check<M: Kind + std::fmt::Debug>() {
            for kind in M::TYPES {
                // A known type without its fields complains about a field, an unknown one about the type.
                if let Err(error) = serde_json::from_str::<M>(&format!(r#"{{"type":"{kind}"}}"#)) {
                    assert!(error.to_string().contains("missing field"), "{kind}: {error}");
                }
            }
            let error = serde_json::from_str::<M>(r#"{"type":"?"}"#)
                .expect_err("no type is called that")
                .to_string();
            assert_eq!(error.matches('`').count(), 2 * (M::TYPES.len() + 1), "{error}");
        }
        check::<DeviceToServer>();
        check::<ClaimantToServer>();
        check::<session::DeviceToServer>();
    }
}
