//! Fleet provisioning by trusted user: CreateProvisioningClaim, and what the device states with the claim (AWS IoT Developer
//! Guide, "Provisioning devices that don't have device certificates using fleet provisioning").

use gangway_protocol::enrolment::ProvisioningClaim;
use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::ParameterSource;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::AwsIot;
use crate::backend::Reply;
use crate::wallet::since_1970;
use crate::{Order, Response, SigningError, malformed};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    certificate_pem: String,
    key_pair: KeyPair,
    /// Seconds since 1970, with a fraction.
    expiration: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPair {
    private_key: SecretString,
}

impl AwsIot {
    /// The right that the request of [`Self::ask`] takes.
    pub(super) fn action(&self) -> &'static str {
        match self.0.provisioning {
            Some(_) => "iot:CreateProvisioningClaim",
            None => "iot:CreateCertificateFromCsr",
        }
    }

    /// What AWS says to CreateProvisioningClaim.
    pub(super) fn read_claim(&self, response: &Response) -> Reply {
        match self.claim(response) {
            Ok(claim) => Reply::Claim(Box::new(claim)),
            Err(error) => Reply::Refused(error),
        }
    }

    fn claim(&self, response: &Response) -> Result<ProvisioningClaim, SigningError> {
        let claim: Claim = json::read(response.body()).map_err(malformed)?;
        let (Some(provisioning), Some(endpoint)) = (&self.0.provisioning, &self.0.data_endpoint) else {
            return Err(SigningError::Unsupported);
        };
        Ok(ProvisioningClaim {
            certificate: claim.certificate_pem,
            private_key: claim.key_pair.private_key,
            expires_at: since_1970(claim.expiration)
                .ok_or_else(|| malformed("the claim’s end is no instant"))?,
            endpoint: endpoint.clone(),
            template: provisioning.template.clone(),
            parameters: Map::new(),
            trust_anchors: self.0.trust_anchors.clone(),
        })
    }

    /// What the device is to state: the template's parameters with their values.
    pub(crate) fn parameters(&self, order: &Order) -> Result<Map<String, Value>, SigningError> {
        let configured = self.0.provisioning.iter().flat_map(|it| &it.parameters);
        configured
            .map(|(name, source)| {
                let value = value(*source, order).map_err(|fact| SigningError::Unstated {
                    parameter: name.clone(),
                    fact,
                })?;
                Ok((name.clone(), Value::String(value)))
            })
            .collect()
    }
}

/// The value of a parameter, or the name of what is not stated.
fn value(source: ParameterSource, order: &Order) -> Result<String, &'static str> {
    let facts = &order.facts;
    let stated = |fact: Option<&String>, name| fact.filter(|text| !text.is_empty()).cloned().ok_or(name);
    match source {
        ParameterSource::Device => Ok(order.device.to_string()),
        ParameterSource::Organisation => Ok(order.organisation.to_string()),
        ParameterSource::Name => Ok(order.name.clone()),
        ParameterSource::Hostname => stated(Some(&facts.hostname), "host name"),
        ParameterSource::Serial => stated(facts.serial.as_ref(), "serial number"),
        ParameterSource::Model => stated(facts.model.as_ref(), "model"),
        ParameterSource::MachineId => stated(facts.machine_id.as_ref(), "machine id"),
        ParameterSource::Unknown => Err("something that this version of Gangway does not know"),
    }
}
