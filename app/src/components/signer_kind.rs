//! What a signer is, in a word, and where.

use gangway_protocol::signer::SignerKind;

use crate::preference::Language;

/// The word for a kind.
pub(crate) fn kind_name(t: Language, kind: &SignerKind) -> &'static str {
    match kind {
        SignerKind::Builtin => t.signer_builtin(),
        SignerKind::AwsIot(_) => t.signer_aws_iot(),
        SignerKind::PlgdHub(_) => t.signer_plgd_hub(),
        SignerKind::Est(_) => t.signer_est(),
        SignerKind::StepCa(_) => t.signer_step_ca(),
        SignerKind::Vault(_) => t.signer_vault(),
        SignerKind::Unknown => t.signer_unknown(),
    }
}

/// Where it is, where that matters.
pub(crate) fn kind_place(kind: &SignerKind) -> Option<String> {
    match kind {
        SignerKind::Builtin | SignerKind::Unknown => None,
        SignerKind::AwsIot(aws) => Some(match &aws.data_endpoint {
            Some(host) => format!("{} · {host}", aws.region),
            None => aws.region.clone(),
        }),
        SignerKind::PlgdHub(hub) => Some(hub.certificate_authority.clone()),
        SignerKind::Est(_) | SignerKind::StepCa(_) | SignerKind::Vault(_) => kind.corporate_place(),
    }
}
