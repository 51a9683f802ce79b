//! What a person at the device can do about a problem that the server names.

use gangway_protocol::error::ProblemCode;

/// In one sentence.
pub(crate) fn remedy(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Busy | ProblemCode::RateLimited | ProblemCode::ShuttingDown | ProblemCode::Timeout => {
            "Nothing: the device tries again by itself."
        }
        ProblemCode::CertificateUnknown => {
            "If the server lost its records, its operator can restore them; otherwise run `gangway-device reset` and \
             enrol the device again."
        }
        ProblemCode::CertificateRevoked | ProblemCode::KeyInUse => {
            "Enrol the device again with the code that follows."
        }
        ProblemCode::GraceOver => "Enrol the device again with the code that follows; it keeps its key.",
        ProblemCode::ProofInvalid => {
            "Give the server's public address with --server; behind another name, its operator has to add that to \
             device_origins."
        }
        ProblemCode::Suspended => {
            "A member of the organisation can resume the device in the panel; it asks every hour."
        }
        ProblemCode::Retired => "To use the device again, run `gangway-device reset` and enrol it.",
        ProblemCode::Malformed | ProblemCode::UnknownType | ProblemCode::TooLarge => {
            "Update the device software and the server to versions that understand each other."
        }
        _ => "The device tries again; if this goes on, ask the operator of the server.",
    }
}
