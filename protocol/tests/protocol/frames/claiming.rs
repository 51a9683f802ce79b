//! Between a claimant and the server, and sealed between claimant and device.

use gangway_protocol::enrolment::{
    ClaimantToDevice, ClaimantToServer, Credential, CredentialKind, DeviceToClaimant, Endpoint,
    NetworkComparison, Provisioned, ProvisioningClaim, ServerToClaimant,
};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::secret::SecretString;
use serde_json::json;

use super::{CHAIN, CSR, NOW, Pinned, base64, claim, digest, map, text};
use crate::device::facts_of_the_document as facts;

pub(super) fn claimant_to_server() -> Pinned<ClaimantToServer> {
    vec![
        (
            ClaimantToServer::Claim {
                pake: base64("QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"),
            },
            r#"{"type":"claim","pake":"QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"}"#,
        ),
        (
            ClaimantToServer::Confirm {
                claim: claim(),
                confirm: base64("gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="),
            },
            r#"{"type":"confirm","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","confirm":"gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="}"#,
        ),
        (
            ClaimantToServer::Sealed {
                claim: claim(),
                sealed: base64(
                    "mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD",
                ),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD"}"#,
        ),
    ]
}

pub(super) fn server_to_claimant() -> Pinned<ServerToClaimant> {
    vec![
        (
            ServerToClaimant::Accepted { claim: claim() },
            r#"{"type":"accepted","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z"}"#,
        ),
        (
            ServerToClaimant::Answer {
                claim: claim(),
                pake: base64("QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u"),
                confirm: base64("327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="),
            },
            r#"{"type":"answer","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","pake":"QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u","confirm":"327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="}"#,
        ),
        (
            ServerToClaimant::Sealed {
                claim: claim(),
                sealed: base64("xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="}"#,
        ),
        (
            ServerToClaimant::Context {
                network: NetworkComparison::Same,
                first_seen: NOW,
            },
            r#"{"type":"context","network":"same","first_seen":1790000000000}"#,
        ),
        (
            ServerToClaimant::Problem(Problem {
                code: ProblemCode::RateLimited,
                message: text("too many attempts; wait ten minutes"),
                retry_after_secs: Some(600),
            }),
            r#"{"type":"problem","code":"rate_limited","message":"too many attempts; wait ten minutes","retry_after_secs":600}"#,
        ),
    ]
}

pub(super) fn device_to_claimant() -> Pinned<DeviceToClaimant> {
    vec![
        (
            DeviceToClaimant::Introduction {
                csr: text(CSR),
                facts: facts(),
                link: text("https://panel.example/link"),
                accepts: vec![CredentialKind::Certificate],
            },
            r#"{"type":"introduction","csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","facts":{"hostname":"thermometer-7","os":"linux","os_version":"Debian GNU/Linux 12","arch":"aarch64","model":"Raspberry Pi 5 Model B","serial":"10000000abcdef01","machine_id":"8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e","software":"gangway-device","software_version":"0.1.0","addresses":"192.0.2.7 2001:db8::7"},"link":"https://panel.example/link","accepts":["certificate"]}"#,
        ),
        (
            DeviceToClaimant::Consent {
                accepted: true,
                reason: None,
            },
            r#"{"type":"consent","accepted":true}"#,
        ),
        (
            DeviceToClaimant::Consent {
                accepted: false,
                reason: Some(text("the person at the device said no")),
            },
            r#"{"type":"consent","accepted":false,"reason":"the person at the device said no"}"#,
        ),
        (
            DeviceToClaimant::Provisioned(Box::new(Provisioned {
                chain: text(CHAIN),
                certificate_id: digest().to_string(),
                thing: Some(text("thermometer-10000000abcdef01")),
                configuration: map(json!({"interval_secs": 60})),
            })),
            r#"{"type":"provisioned","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","certificate_id":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63","thing":"thermometer-10000000abcdef01","configuration":{"interval_secs":60}}"#,
        ),
        (
            DeviceToClaimant::Installed {
                certificate_sha256: digest(),
            },
            r#"{"type":"installed","certificate_sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"}"#,
        ),
        (
            DeviceToClaimant::Failed {
                code: text("chain_invalid"),
                message: text("the certificate is for another key; approve the device again"),
            },
            r#"{"type":"failed","code":"chain_invalid","message":"the certificate is for another key; approve the device again"}"#,
        ),
    ]
}

pub(super) fn claimant_to_device() -> Pinned<ClaimantToDevice> {
    vec![
        (
            ClaimantToDevice::Offer {
                organisation: text("Harbour Works"),
                approver: text("Ada Lindqvist"),
                panel: text("https://panel.example"),
            },
            r#"{"type":"offer","organisation":"Harbour Works","approver":"Ada Lindqvist","panel":"https://panel.example"}"#,
        ),
        (
            ClaimantToDevice::Credential(Box::new(Credential::Certificate {
                chain: text(CHAIN),
                trust_anchors: Some(text(CHAIN)),
                endpoints: vec![Endpoint {
                    name: text("session"),
                    url: text("wss://panel.example/api/v1/session"),
                    trust_anchors: None,
                    client_id: None,
                }],
                configuration: map(json!({"interval_secs": 60})),
            })),
            r#"{"type":"credential","kind":"certificate","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","trust_anchors":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","endpoints":[{"name":"session","url":"wss://panel.example/api/v1/session"}],"configuration":{"interval_secs":60}}"#,
        ),
        (
            ClaimantToDevice::Credential(Box::new(Credential::ProvisioningClaim(ProvisioningClaim {
                certificate: text(CHAIN),
                private_key: SecretString::new(text(
                    "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n",
                )),
                expires_at: NOW,
                endpoint: text("a1b2c3-ats.iot.eu-central-1.amazonaws.com"),
                template: text("gangway"),
                parameters: map(json!({"SerialNumber": "10000000abcdef01"})),
                trust_anchors: None,
            }))),
            r#"{"type":"credential","kind":"provisioning_claim","certificate":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","private_key":"-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n","expires_at":1790000000000,"endpoint":"a1b2c3-ats.iot.eu-central-1.amazonaws.com","template":"gangway","parameters":{"SerialNumber":"10000000abcdef01"}}"#,
        ),
        (
            ClaimantToDevice::Refusal {
                reason: text("this is not my device"),
            },
            r#"{"type":"refusal","reason":"this is not my device"}"#,
        ),
        (
            ClaimantToDevice::Wait {
                reason: text("this device waits in the lobby until a member decides"),
                retry_after_secs: 30,
            },
            r#"{"type":"wait","reason":"this device waits in the lobby until a member decides","retry_after_secs":30}"#,
        ),
    ]
}
