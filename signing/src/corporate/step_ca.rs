//! step-ca by its API (`/roots`, `/1.0/sign`, `/1.0/revoke`), with one-time tokens that a JWK provisioner's key signs (step-ca 0.19 to
//! 0.28, `api/sign.go`, `authority/provisioner/jwk.go`).
//!
//! The token says what the certificate may say: the common name that the request has, or else the device's id, and as the only
//! alternative name the device's URN. Its roots are asked for first, so that nothing is left to be asked once it has signed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gangway_protocol::certificate::split_chain;
use gangway_protocol::json;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{retry_after_secs, unexplained};
use super::{
    CorporateError, CorporateOrder, CorporateRevocation, CorporateStep, Errand, Fresh, ProvisionerKey,
    Silence, asks, chain, requested, signs,
};
use crate::sign_in::shown;
use crate::{Request, Response};

/// How long a token is good.
const TOKEN_SECS: i64 = 300;
/// Where it gives no time.
const RETRY_SECS: u32 = 60;

/// One conversation with a step-ca.
#[derive(Clone, Debug)]
pub(super) struct StepCa {
    configured: signer::StepCa,
    key: ProvisionerKey,
    /// Its roots, once it has told them.
    roots: Option<Vec<Vec<u8>>>,
}

#[derive(Deserialize)]
struct Roots {
    crts: Vec<String>,
}

#[derive(Deserialize)]
struct Signed {
    crt: String,
    ca: Option<String>,
    #[serde(rename = "certChain")]
    chain: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl StepCa {
    pub(super) fn new(configured: signer::StepCa, key: ProvisionerKey) -> Self {
        Self {
            configured,
            key,
            roots: None,
        }
    }

    pub(super) fn start(
        &mut self,
        errand: &Errand,
        fresh: &Fresh<'_>,
    ) -> Result<CorporateStep, CorporateError> {
        self.roots = None;
        match errand {
            Errand::Sign(_) => http::Request::get(format!("{}/roots", self.configured.url))
                .body(Vec::new())
                .map_err(CorporateError::unmade)
                .map(asks),
            Errand::Revoke(revocation) => self.revoke(revocation, fresh).map(asks),
        }
    }

    pub(super) fn answer(
        &mut self,
        errand: &Errand,
        answer: Result<Response, Silence>,
        fresh: &Fresh<'_>,
    ) -> Result<CorporateStep, CorporateError> {
        match (errand, self.roots.take()) {
            (Errand::Revoke(_), _) => {
                let response = answer.map_err(CorporateError::before_signing)?;
                match accepted(&response) {
                    // What was revoked there already needs nothing more.
                    Err(CorporateError::Refused { detail } | CorporateError::Unaccepted { detail })
                        if detail.contains("already revoked") =>
                    {
                        Ok(CorporateStep::Revoked)
                    }
                    Err(error) => Err(error.where_nothing_is_signed()),
                    Ok(_) => Ok(CorporateStep::Revoked),
                }
            }
            (Errand::Sign(order), None) => {
                let response = answer.map_err(CorporateError::before_signing)?;
                let roots: Roots = accepted(&response)
                    .and_then(|told| json::read(told).map_err(CorporateError::unreadable))
                    .map_err(CorporateError::where_nothing_is_signed)?;
                self.roots = Some(blocks(roots.crts));
                self.sign(order, fresh).map(signs)
            }
            (Errand::Sign(_), Some(roots)) => {
                let response = answer.map_err(CorporateError::of_silence)?;
                let Signed { crt, ca, chain } =
                    json::read(accepted(&response)?).map_err(CorporateError::unreadable)?;
                let mut pool = blocks(chain.unwrap_or_default());
                pool.extend(blocks(ca));
                pool.extend(roots);
                blocks([crt])
                    .into_iter()
                    .next()
                    .and_then(|leaf| {
                        pool.retain(|other| *other != leaf);
                        chain::of(leaf, pool, None)
                    })
                    .map(|signed| CorporateStep::Signed(Box::new(signed)))
                    .ok_or_else(|| CorporateError::unreadable("crt is no certificate"))
            }
        }
    }

    fn sign(&self, order: &CorporateOrder, fresh: &Fresh<'_>) -> Result<Request, CorporateError> {
        let subject = requested::common_name(&order.csr)?.unwrap_or_else(|| order.device.to_string());
        let ott = self.token("/1.0/sign", &subject, &[&order.urn], fresh)?;
        self.post("/1.0/sign", &json!({ "csr": order.csr.to_pem(), "ott": ott }))
    }

    fn revoke(&self, revocation: &CorporateRevocation, fresh: &Fresh<'_>) -> Result<Request, CorporateError> {
        let serial = decimal(&revocation.serial)
            .ok_or_else(|| CorporateError::unmade("the serial number is not hexadecimal"))?;
        let ott = self.token("/1.0/revoke", &serial, &[], fresh)?;
        let body = json!({
            "serial": serial, "ott": ott, "passive": true,
            "reasonCode": revocation.reason.number(), "reason": revocation.reason.as_str(),
        });
        self.post("/1.0/revoke", &body)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Request, CorporateError> {
        http::Request::post(format!("{}{path}", self.configured.url))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes())
            .map_err(CorporateError::unmade)
    }

    /// RFC 7519, signed as RFC 7515 §3.1 writes it.
    fn token(
        &self,
        path: &str,
        subject: &str,
        names: &[&str],
        fresh: &Fresh<'_>,
    ) -> Result<String, CorporateError> {
        let unusable = || CorporateError::unmade("the provisioner’s key does not sign");
        let algorithm = self.key.algorithm().ok_or_else(unusable)?;
        let now = fresh.now.0 / UnixMillis::SECOND;
        let header = json!({ "alg": algorithm, "kid": self.key.kid, "typ": "JWT" });
        let mut claims = json!({
            "iss": self.configured.provisioner,
            "aud": format!("{}{path}", self.configured.url),
            "sub": subject,
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_SECS,
            "jti": BASE64_URL_SAFE_NO_PAD.encode(fresh.nonce),
        });
        if !names.is_empty() {
            claims["sans"] = json!(names);
        }
        let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = (fresh.sign)(signed.as_bytes()).ok_or_else(unusable)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The body of a success. What it refuses, it refuses in JSON of its own; a server error without that may be a proxy's.
fn accepted(response: &Response) -> Result<&[u8], CorporateError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.body());
    }
    let said = json::read::<Refusal>(response.body())
        .ok()
        .map(|refusal| shown(&refusal.message));
    let is_its_own = said.is_some();
    let detail = said.unwrap_or_else(|| unexplained(response));
    Err(match status {
        StatusCode::UNAUTHORIZED => CorporateError::Unaccepted { detail },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if is_its_own => {
            CorporateError::Later {
                retry_after_secs: retry_after_secs(response).unwrap_or(RETRY_SECS),
                detail,
            }
        }
        _ if status.is_server_error() && !is_its_own => CorporateError::Unclear { detail },
        _ => CorporateError::Refused { detail },
    })
}

/// DER of every certificate in these texts.
fn blocks(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    texts
        .into_iter()
        .flat_map(|text| split_chain(&text).unwrap_or_default())
        .collect()
}

/// step-ca writes serial numbers in decimal.
fn decimal(hex: &str) -> Option<String> {
    let mut digits = vec![0_u32];
    for nibble in hex.chars() {
        let mut carry = nibble.to_digit(16)?;
        for digit in &mut digits {
            let value = *digit * 16 + carry;
            *digit = value % 10;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    let text: String = digits
        .iter()
        .rev()
        .filter_map(|digit| char::from_digit(*digit, 10))
        .collect();
    (!hex.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serial_numbers_are_written_in_decimal() {
        for (hex, expected) in [
            ("00", "0"),
            ("ff", "255"),
            ("00ff", "255"),
            ("0de0b6b3a7640000", "1000000000000000000"),
            (
                "ffffffffffffffffffffffffffffffff",
                "340282366920938463463374607431768211455",
            ),
        ] {
            assert_eq!(decimal(hex).as_deref(), Some(expected), "{hex}");
        }
        assert_eq!(decimal(""), None);
        assert_eq!(decimal("0g"), None);
    }

    proptest! {
        #[test]
        fn whatever_fits_a_machine_word_is_as_the_machine_writes_it(number in any::<u128>()) {
            prop_assert_eq!(decimal(&format!("{number:032x}")), Some(number.to_string()));
        }
    }
}
