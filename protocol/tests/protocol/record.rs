//! What is told of a record, pinned by its literal JSON. `docs/protocol.md` shows these very lines.

use gangway_protocol::audit::{AuditActorKind, AuditEntry, AuditVerification, Confirmation};

use super::bodies::survives;

const ENTRY: &str = r#"{"organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","seq":7,"at":1790000000000,"actor":{"kind":"account","id":"acc_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Ada Lindqvist"},"action":"device.approved","subject":{"id":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"thermometer-7"},"detail":"thermometer-7, key ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63","confirmed_by":{"kind":"passkey","name":"Blue key","user_verified":true},"hash":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"}"#;
const HOLDS: &str = r#"{"state":"holds","entries":7,"hash":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63","at":1790000000000}"#;
const BROKEN: &str = r#"{"state":"broken","seq":7,"detail":"entry 7 of org_01jd8r3k5m7n9p1q3s5t7v9x1z was changed, or one before it is missing","at":1790000000000}"#;

/// Every line that the document must show.
pub(crate) const LITERALS: [&str; 3] = [ENTRY, HOLDS, BROKEN];

#[test]
fn entries_and_verifications_are_pinned() {
    let entry: AuditEntry = survives(ENTRY);
    assert_eq!(entry.actor.kind, AuditActorKind::Account);
    assert!(matches!(
        entry.confirmed_by,
        Some(Confirmation::Passkey {
            user_verified: Some(true),
            ..
        })
    ));
    let holds: AuditVerification = survives(HOLDS);
    assert!(matches!(holds, AuditVerification::Holds { entries: 7, .. }));
    let broken: AuditVerification = survives(BROKEN);
    assert!(matches!(broken, AuditVerification::Broken { seq: 7, .. }));
}
