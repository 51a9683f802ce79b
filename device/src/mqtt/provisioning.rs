//! Fleet provisioning (AWS IoT Developer Guide, "Device provisioning MQTT API"): with a claim the device has its own CSR signed,
//! and registers itself by the organisation's template. A private key that was made elsewhere is never taken.

use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::enrolment::{PROVISIONING_REFUSED, Provisioned, ProvisioningClaim};
use gangway_protocol::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::client::{Client, Hello};
use super::{MqttError, MqttSettings, ProvisioningFormat, alpn, broker};
use crate::transport::{Dialer, Identified};

/// How long a goodbye may take.
const GOODBYE_DUE: Duration = Duration::from_secs(2);
/// A claim is good for five minutes, by AWS's clock.
const LONGEST: i64 = 5 * UnixMillis::MINUTE;

/// The second step, as people are told of it.
const REGISTRATION: &str = "registration";

/// Why there is no certificate. `Display` is for people, on both screens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotProvisioned {
    /// The claim cannot be used.
    #[error("the provisioning claim cannot be used: {0}")]
    Claim(String),
    /// The broker.
    #[error("AWS’s endpoint {endpoint}: {error}")]
    Mqtt {
        /// Which.
        endpoint: String,
        /// What went wrong.
        error: MqttError,
    },
    /// AWS says why.
    #[error("AWS refuses the {step}: {code}: {message}")]
    Rejected {
        /// Of what.
        step: &'static str,
        /// AWS's code.
        code: String,
        /// AWS's words.
        message: String,
    },
    /// The request for a certificate stays without an answer.
    #[error(
        "AWS’s endpoint does not answer to {topic}. The policy of the template’s claims has to allow it (iot:Publish, \
         iot:Subscribe and iot:Receive). A private key that is made elsewhere is never taken"
    )]
    NoAnswer {
        /// To what.
        topic: String,
    },
    /// The registration stays without an answer: the certificate may be active.
    #[error("AWS does not say whether it has registered the device ({topic})")]
    NotToldRegistered {
        /// To what.
        topic: String,
    },
    /// The answer is none.
    #[error("AWS’s answer could not be read: {0}")]
    Unreadable(String),
    /// Five minutes are over.
    #[error(
        "the provisioning claim has ended before the device had its certificate; approve the device again"
    )]
    TooLate,
}

impl NotProvisioned {
    /// The stable name that goes into `failed`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim_unusable",
            Self::Mqtt { .. } => "broker_unusable",
            Self::Rejected { .. } => PROVISIONING_REFUSED,
            Self::NoAnswer { .. } | Self::NotToldRegistered { .. } => "provisioning_unanswered",
            Self::Unreadable(_) => "provisioning_unreadable",
            Self::TooLate => "claim_expired",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SigningRequest<'a> {
    certificate_signing_request: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    certificate_ownership_token: String,
    certificate_id: String,
    certificate_pem: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Registration<'a> {
    certificate_ownership_token: &'a str,
    parameters: &'a Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    #[serde(default)]
    thing_name: Option<String>,
    #[serde(default)]
    device_configuration: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rejection {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    error_message: String,
}

/// Has `csr` signed with `claim`, at `now` by the server's clock.
pub(crate) async fn provision(
    dialer: Arc<Dialer>,
    settings: MqttSettings,
    claim: ProvisioningClaim,
    csr: String,
    client_id: String,
    now: UnixMillis,
) -> Result<Provisioned, NotProvisioned> {
    let left = claim.expires_at.since(now).min(LONGEST);
    let Ok(left @ 1..) = u64::try_from(left) else {
        return Err(NotProvisioned::TooLate);
    };
    let provisioning = with_claim(&dialer, &settings, &claim, &csr, &client_id);
    let within = timeout(Duration::from_millis(left), provisioning).await;
    let (provisioned, client) = within.unwrap_or(Err(NotProvisioned::TooLate))?;
    // Nobody waits for the goodbye.
    tokio::spawn(timeout(GOODBYE_DUE, client.close()));
    Ok(provisioned)
}

async fn with_claim(
    dialer: &Dialer,
    settings: &MqttSettings,
    claim: &ProvisioningClaim,
    csr: &str,
    client_id: &str,
) -> Result<(Provisioned, Client), NotProvisioned> {
    let port = if claim.endpoint.contains(':') { "" } else { ":8883" };
    let endpoint = format!("{}{port}", claim.endpoint);
    let broker = broker(&format!("mqtts://{endpoint}"))
        .ok_or_else(|| NotProvisioned::Claim("its endpoint is no host".to_owned()))?;
    let identified = Identified::by_claim(&claim.certificate, &claim.private_key)
        .map_err(|error| NotProvisioned::Claim(error.to_string()))?;
    let failed = |error| NotProvisioned::Mqtt {
        endpoint: endpoint.clone(),
        error,
    };
    let stream = dialer
        .open_identified(&broker, identified, claim.trust_anchors.as_deref(), alpn(&broker))
        .await
        .map_err(|error| failed(MqttError::Transport(error)))?;
    let hello = Hello {
        settings,
        client_id,
        will: None,
    };
    let mut client = Client::open(stream, &hello).await.map_err(failed)?;
    let mut exchange = Exchange {
        client: &mut client,
        settings,
        endpoint: &endpoint,
    };
    let signing = SigningRequest {
        certificate_signing_request: csr,
    };
    let signed: Signed = exchange
        .ask("certificate", "$aws/certificates/create-from-csr", &signing)
        .await?;
    let registration = Registration {
        certificate_ownership_token: &signed.certificate_ownership_token,
        parameters: &claim.parameters,
    };
    let topic = format!("$aws/provisioning-templates/{}/provision", claim.template);
    let registered: Registered = exchange.ask(REGISTRATION, &topic, &registration).await?;
    let provisioned = Provisioned {
        chain: signed.certificate_pem,
        certificate_id: signed.certificate_id,
        thing: registered.thing_name,
        configuration: registered.device_configuration.unwrap_or_default(),
    };
    Ok((provisioned, client))
}

/// A request by one topic, and its answer by another.
struct Exchange<'a> {
    client: &'a mut Client,
    settings: &'a MqttSettings,
    endpoint: &'a str,
}

impl Exchange<'_> {
    async fn ask<T: DeserializeOwned>(
        &mut self,
        step: &'static str,
        topic: &str,
        request: &impl Serialize,
    ) -> Result<T, NotProvisioned> {
        let format = self.settings.provisioning_format;
        let topic = format!("{topic}/{}", format.as_str());
        let (accepted, rejected) = (format!("{topic}/accepted"), format!("{topic}/rejected"));
        let failed = |error| NotProvisioned::Mqtt {
            endpoint: self.endpoint.to_owned(),
            error,
        };
        self.client
            .subscribe(&[accepted.clone(), rejected.clone()])
            .await
            .map_err(failed)?;
        let request = write(format, request)?;
        self.client
            .publish(&topic, &request, false)
            .await
            .map_err(failed)?;
        let answer = timeout(self.settings.answer_due, async {
            loop {
                let message = self.client.next().await.map_err(failed)?;
                if message.topic == accepted {
                    return read(format, &message.payload);
                }
                if message.topic == rejected {
                    let rejection: Rejection = read(format, &message.payload)?;
                    return Err(NotProvisioned::Rejected {
                        step,
                        code: rejection.error_code,
                        message: rejection.error_message,
                    });
                }
            }
        });
        answer.await.unwrap_or(Err(if step == REGISTRATION {
            NotProvisioned::NotToldRegistered { topic }
        } else {
            NotProvisioned::NoAnswer { topic }
        }))
    }
}

fn write(format: ProvisioningFormat, message: &impl Serialize) -> Result<Vec<u8>, NotProvisioned> {
    match format {
        ProvisioningFormat::Json => {
            serde_json::to_vec(message).map_err(|error| NotProvisioned::Unreadable(error.to_string()))
        }
        ProvisioningFormat::Cbor => {
            let mut bytes = Vec::new();
            ciborium::into_writer(message, &mut bytes)
                .map_err(|error| NotProvisioned::Unreadable(error.to_string()))?;
            Ok(bytes)
        }
    }
}

fn read<T: DeserializeOwned>(format: ProvisioningFormat, bytes: &[u8]) -> Result<T, NotProvisioned> {
    match format {
        ProvisioningFormat::Json => {
            serde_json::from_slice(bytes).map_err(|error| NotProvisioned::Unreadable(error.to_string()))
        }
        ProvisioningFormat::Cbor => {
            ciborium::from_reader(bytes).map_err(|error| NotProvisioned::Unreadable(error.to_string()))
        }
    }
}
