//! The certificate authority of a plgd hub: SignIdentityCertificate with the person's own access token (hub 2025-07,
//! `certificate-authority/pb/service.proto`).
//!
//! Requests and answers hold PEM in base64. The chain ends with the hub's self-signed root and goes on unchanged: clients of plgd
//! rely on it. A certificate whose reply was lost stands in the hub's signing records.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gangway_protocol::certificate::{Csr, KeyKind, leaf_key};
use gangway_protocol::json;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::backend::{Look, Reply, Search, Signed};
use crate::ending::Shown;
use crate::sign_in::shown;
use crate::wallet::Tokens;
use crate::{NoAnswer, Request, Response, SigningError, malformed};

/// How far back a certificate may have been signed to be the one whose reply was lost: clocks differ.
const LOOK_BACK: i64 = 2 * UnixMillis::MINUTE;

/// SignIdentityCertificate.
pub(crate) const SIGN: &str = "/api/v1/sign/identity-csr";

/// A hub.
#[derive(Clone, Debug)]
pub(crate) struct PlgdHub(signer::PlgdHub);

#[derive(Deserialize)]
struct SignedIdentity {
    certificate: String,
}

/// One item of the stream of records.
#[derive(Deserialize)]
struct Item {
    result: Record,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    credential: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    certificate_pem: String,
    /// When it was signed, in nanoseconds since 1970.
    date: Option<String>,
}

/// google.rpc.Status.
#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

impl PlgdHub {
    pub(crate) fn new(configured: signer::PlgdHub) -> Self {
        Self(configured)
    }

    /// Where the hub's records of what it signed are.
    pub(crate) fn records(&self) -> String {
        format!(
            "{}/certificate-authority/api/v1/signing/records",
            self.0.certificate_authority
        )
    }

    pub(crate) fn check(csr: &Csr) -> Result<(), SigningError> {
        match csr.key().kind() {
            KeyKind::Ed25519 => Err(SigningError::KeyKind {
                signer: "A plgd hub",
                key: csr.key().kind().to_string(),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn ask(&self, csr: &Csr, tokens: Option<&Tokens>) -> Result<Option<Request>, SigningError> {
        let csr = BASE64_STANDARD.encode(csr.to_pem());
        tokens.map(|tokens| self.ask_as_it_is(&csr, tokens)).transpose()
    }

    /// The same for a request that goes on as it came: base64 of PEM.
    pub(crate) fn ask_as_it_is(&self, csr: &str, tokens: &Tokens) -> Result<Request, SigningError> {
        http::Request::post(format!("{}{SIGN}", self.0.certificate_authority))
            .header(AUTHORIZATION, bearer(tokens)?)
            .header(CONTENT_TYPE, "application/json")
            .body(asking(csr))
            .map_err(malformed)
    }

    pub(crate) fn read(response: &Response) -> Reply {
        if response.status().is_success() {
            return match chain(response.body()) {
                Ok(chain) => Reply::Signed(Signed {
                    chain,
                    external_id: None,
                }),
                Err(detail) => Reply::Unclear(NoAnswer { detail }),
            };
        }
        let (status, detail) = (response.status(), message(response));
        if status.is_server_error() {
            // A gateway that gave up waiting says nothing about what stands behind it.
            return Reply::Unclear(NoAnswer { detail });
        }
        if status == StatusCode::UNAUTHORIZED {
            return Reply::Unaccepted(detail);
        }
        Reply::Refused(SigningError::Hub {
            detail,
            status: status.as_u16(),
        })
    }

    pub(crate) fn look(
        &self,
        csr: &Csr,
        seen: Option<(Search, Option<Response>)>,
        since: UnixMillis,
        tokens: Option<&Tokens>,
    ) -> Result<Look, SigningError> {
        let Some((_, response)) = seen else {
            let request = self.list(tokens)?;
            return Ok(request.map_or(Look::Nothing, |request| {
                Look::Ask(Box::new(request), Search::Listing)
            }));
        };
        let body = response.map(Response::into_body).unwrap_or_default();
        let from = since.plus(-LOOK_BACK);
        let ours = records(&body)
            .filter(|record| record.at.is_some_and(|at| at >= from))
            .find(|record| leaf_key(&record.chain) == Some(csr.spki_sha256()))
            .map(|record| Signed {
                chain: record.chain,
                external_id: Some(record.id),
            });
        Ok(ours.map_or(Look::Nothing, Look::Found))
    }

    /// GetSigningRecords of the person.
    pub(crate) fn list(&self, tokens: Option<&Tokens>) -> Result<Option<Request>, SigningError> {
        let Some(tokens) = tokens else {
            return Ok(None);
        };
        http::Request::get(self.records())
            .header(AUTHORIZATION, bearer(tokens)?)
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map(Some)
            .map_err(malformed)
    }

    /// What the hub says to that.
    pub(crate) fn shown(response: &Response) -> Shown {
        match response.status() {
            status if status.is_success() => Shown::These {
                shown: records(response.body())
                    .map(|record| (record.id, record.chain))
                    .collect(),
                lists: true,
            },
            StatusCode::UNAUTHORIZED => Shown::Unaccepted(message(response)),
            status => Shown::Refused(SigningError::Hub {
                detail: message(response),
                status: status.as_u16(),
            }),
        }
    }

    /// DeleteSigningRecords of one record. Without a filter the hub would remove all of them.
    pub(crate) fn remove(
        &self,
        record: &str,
        tokens: Option<&Tokens>,
    ) -> Result<Option<Request>, SigningError> {
        if record.is_empty() {
            return Err(malformed("the hub’s id of a record is empty"));
        }
        let Some(tokens) = tokens else {
            return Ok(None);
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("idFilter", record)
            .finish();
        http::Request::delete(format!("{}?{query}", self.records()))
            .header(AUTHORIZATION, bearer(tokens)?)
            .body(Vec::new())
            .map(Some)
            .map_err(malformed)
    }
}

/// SignCertificateRequest.
pub(crate) fn asking(csr: &str) -> Vec<u8> {
    serde_json::json!({ "certificateSigningRequest": csr })
        .to_string()
        .into_bytes()
}

/// SignCertificateResponse: the chain as it came, base64 of PEM.
pub(crate) fn signed(body: &[u8]) -> Result<String, String> {
    let signed: SignedIdentity =
        json::read(body).map_err(|error| format!("the hub’s answer could not be read: {error}"))?;
    Ok(signed.certificate)
}

pub(crate) fn bearer(tokens: &Tokens) -> Result<HeaderValue, SigningError> {
    let mut value: HeaderValue = format!("Bearer {}", tokens.access_token.expose())
        .parse()
        .map_err(malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A certificate that the hub has signed.
struct Kept {
    id: String,
    chain: String,
    at: Option<UnixMillis>,
}

/// The records of a stream: items stand one behind the other, with a blank line between them.
fn records(body: &[u8]) -> impl Iterator<Item = Kept> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    serde_json::Deserializer::from_str(text)
        .into_iter::<Item>()
        .map_while(Result::ok)
        .filter_map(|item| {
            let Credential {
                certificate_pem,
                date,
            } = item.result.credential?;
            Some(Kept {
                id: item.result.id,
                chain: certificate_pem,
                at: date
                    .and_then(|nanos| nanos.parse::<i64>().ok())
                    .map(|nanos| UnixMillis(nanos / 1_000_000)),
            })
        })
}

/// What a refusal says, fit to be shown.
pub(crate) fn message(response: &Response) -> String {
    let told: Status = json::read(response.body()).unwrap_or_default();
    let message = shown(&told.message);
    match message.as_str() {
        "" => format!("HTTP status {}", response.status().as_u16()),
        _ => message,
    }
}

/// The chain of an answer, PEM.
fn chain(body: &[u8]) -> Result<String, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("the hub’s answer could not be read: {error}");
    let pem = BASE64_STANDARD
        .decode(signed(body)?)
        .map_err(|error| unreadable(&error))?;
    String::from_utf8(pem).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests;
