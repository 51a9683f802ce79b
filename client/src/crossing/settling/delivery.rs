//! The credential that is sealed for the device once its certificate is recorded.

use gangway_protocol::certificate::Certificate;
use gangway_protocol::enrolment::{ClaimantToDevice, Credential, Endpoint, Provisioned};
use gangway_protocol::path;
use gangway_protocol::signer::Signer;

/// The certificate with its endpoints. `provisioned` is what the device fetched itself: its name at AWS, and settings.
#[must_use]
pub fn credential(
    certificate: Certificate,
    provisioned: Option<Provisioned>,
    signer: &Signer,
    panel: &str,
) -> ClaimantToDevice {
    let mut endpoints = vec![Endpoint {
        name: "session".to_owned(),
        url: format!("{}{}", socket_origin(panel), path::SESSION_SOCKET),
        trust_anchors: None,
        client_id: None,
    }];
    let (thing, configuration) = provisioned
        .map(|provisioned| (provisioned.thing, provisioned.configuration))
        .unwrap_or_default();
    let client_id = thing.unwrap_or_else(|| certificate.device.to_string());
    endpoints.extend(signer.kind.device_endpoint(&certificate.chain, &client_id));
    ClaimantToDevice::Credential(Box::new(Credential::Certificate {
        chain: certificate.chain,
        trust_anchors: certificate.trust_anchors,
        endpoints,
        configuration,
    }))
}

/// `https://panel.example` as `wss://panel.example`.
fn socket_origin(origin: &str) -> String {
    match origin.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => origin.to_owned(),
    }
}
