//! AWS IoT Core with the person's own credentials (AWS IoT API Reference, 2015-05-28): CreateCertificateFromCsr, or, where the
//! organisation has a provisioning template, CreateProvisioningClaim, with which the device has its CSR signed itself.
//!
//! A certificate whose reply was lost is looked for among the newest ones of the account: one for this key is it.

mod provisioning;
mod refusal;
mod sign;

use gangway_protocol::certificate::{Csr, KeyKind, leaf_key};
use gangway_protocol::json;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use http::Method;
use serde::Deserialize;

pub use refusal::AwsRefusal;

use crate::backend::{Look, Reply, Search, Signed};
use crate::ending::Shown;
use crate::wallet::since_1970;
use crate::{AwsCredentials, NoAnswer, Order, Request, Response, SigningError, malformed};
use sign::Plain;

/// How far back a certificate may have been made to be the one whose reply was lost: clocks differ.
const LOOK_BACK: i64 = 2 * UnixMillis::MINUTE;
/// Most certificates of the account that are looked at for it.
const MAX_LOOKED_AT: usize = 10;

/// AWS IoT Core in one account and region.
#[derive(Clone, Debug)]
pub(crate) struct AwsIot(signer::AwsIot);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    certificate_id: String,
    certificate_pem: String,
}

#[derive(Deserialize)]
struct Listed {
    certificates: Vec<ListedCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedCertificate {
    certificate_id: String,
    /// Seconds since 1970, with a fraction.
    creation_date: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    certificate_description: Description,
}

#[derive(Deserialize)]
struct Description {
    #[serde(flatten)]
    created: Created,
    /// `ACTIVE`, `INACTIVE`, `REVOKED`, `PENDING_ACTIVATION`, …
    #[serde(default)]
    status: String,
}

impl From<Created> for Signed {
    fn from(created: Created) -> Self {
        Self {
            chain: created.certificate_pem,
            external_id: Some(created.certificate_id),
        }
    }
}

impl AwsIot {
    pub(crate) fn new(configured: signer::AwsIot) -> Self {
        Self(configured)
    }

    /// Where in AWS's console certificates are.
    pub(crate) fn console(&self) -> String {
        let region = &self.0.region;
        let domain = if region.starts_with("cn-") {
            "amazonaws.cn"
        } else {
            "aws.amazon.com"
        };
        format!("https://{region}.console.{domain}/iot/home?region={region}#/certificatehub")
    }

    pub(crate) fn check(&self, order: &Order) -> Result<(), SigningError> {
        match order.csr.key().kind() {
            key @ KeyKind::Ed25519 => Err(SigningError::KeyKind {
                signer: "AWS IoT Core",
                key: key.to_string(),
            }),
            _ => self.parameters(order).map(drop),
        }
    }

    pub(crate) fn ask(
        &self,
        csr: &Csr,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        let (path, body) = match &self.0.provisioning {
            Some(provisioning) => {
                let template = &provisioning.template;
                (
                    format!("/provisioning-templates/{template}/provisioning-claim"),
                    Vec::new(),
                )
            }
            None => {
                let body = serde_json::json!({ "certificateSigningRequest": csr.to_pem() }).to_string();
                let path = format!("/certificates?setAsActive={}", self.0.activate);
                (path, body.into_bytes())
            }
        };
        credentials
            .map(|credentials| self.signed(credentials, Method::POST, path, body, now))
            .transpose()
    }

    /// What AWS says to the request of [`Self::ask`].
    pub(crate) fn read(&self, response: &Response) -> Reply {
        if response.status().is_success() {
            if self.0.provisioning.is_some() {
                return self.read_claim(response);
            }
            return match json::read::<Created>(response.body()) {
                Ok(created) => Reply::Signed(created.into()),
                // It has signed, and what it says about that cannot be read.
                Err(error) => Reply::Unclear(NoAnswer {
                    detail: format!("AWS’s answer could not be read: {error}"),
                }),
            };
        }
        let refusal = AwsRefusal::of(response, self.action());
        if response.status().is_server_error() {
            // A gateway that gave up waiting says nothing about what stands behind it.
            return self.unanswered(NoAnswer {
                detail: refusal.to_string(),
            });
        }
        if refusal.wants_credentials() {
            Reply::Unaccepted(refusal.to_string())
        } else {
            Reply::Refused(SigningError::Aws(refusal))
        }
    }

    /// A certificate may have been made that nobody knows of. A claim that nobody has ends by itself.
    pub(crate) fn unanswered(&self, lost: NoAnswer) -> Reply {
        match self.0.provisioning {
            Some(_) => Reply::Refused(SigningError::NoReply { detail: lost.detail }),
            None => Reply::Unclear(lost),
        }
    }

    pub(crate) fn look(
        &self,
        csr: &Csr,
        seen: Option<(Search, Option<Response>)>,
        since: UnixMillis,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Look, SigningError> {
        let Some(credentials) = credentials else {
            return Ok(Look::Nothing);
        };
        let mut ids = match seen {
            None => {
                let path = "/certificates?isAscendingOrder=false&pageSize=50".to_owned();
                let request = self.signed(credentials, Method::GET, path, Vec::new(), now)?;
                return Ok(Look::Ask(Box::new(request), Search::Listing));
            }
            Some((Search::Listing, response)) => response.map_or(Vec::new(), |list| candidates(&list, since)),
            Some((Search::Candidates(ids), response)) => {
                let described = response
                    .and_then(|response| json::read::<Described>(response.body()).ok())
                    .map(|described| described.certificate_description)
                    // One that a device has not provisioned itself with is deleted by AWS.
                    .filter(|found| found.status != "PENDING_ACTIVATION")
                    .map(|found| found.created)
                    .filter(|found| leaf_key(&found.certificate_pem) == Some(csr.spki_sha256()));
                if let Some(found) = described {
                    return Ok(Look::Found(found.into()));
                }
                ids
            }
        };
        let Some(id) = ids.pop() else {
            return Ok(Look::Nothing);
        };
        let path = format!("/certificates/{id}");
        let request = self.signed(credentials, Method::GET, path, Vec::new(), now)?;
        Ok(Look::Ask(Box::new(request), Search::Candidates(ids)))
    }

    /// DescribeCertificate.
    pub(crate) fn show(
        &self,
        name: Option<&str>,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        let id = name.ok_or_else(|| malformed("AWS’s id of this certificate is not on record"))?;
        self.of_certificate(Method::GET, id, "", credentials, now)
    }

    /// What AWS says to DescribeCertificate.
    pub(crate) fn shown(response: &Response) -> Shown {
        if response.status().is_success() {
            return match json::read::<Described>(response.body()) {
                Ok(Described {
                    certificate_description: Description { created, .. },
                }) => Shown::These {
                    shown: vec![(created.certificate_id, created.certificate_pem)],
                    lists: false,
                },
                Err(error) => Shown::Refused(malformed(error)),
            };
        }
        let refusal = AwsRefusal::of(response, "iot:DescribeCertificate");
        if refusal.is_not_found() {
            Shown::Gone
        } else if refusal.wants_credentials() {
            Shown::Unaccepted(refusal.to_string())
        } else {
            Shown::Refused(SigningError::Aws(refusal))
        }
    }

    /// UpdateCertificate. AWS ends the sessions of the device within minutes.
    pub(crate) fn deactivate(
        &self,
        id: &str,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        self.of_certificate(Method::PUT, id, "?newStatus=INACTIVE", credentials, now)
    }

    /// DeleteCertificate, which takes an inactive one.
    pub(crate) fn remove(
        &self,
        id: &str,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        self.of_certificate(Method::DELETE, id, "", credentials, now)
    }

    fn of_certificate(
        &self,
        method: Method,
        id: &str,
        query: &str,
        credentials: Option<&AwsCredentials>,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        if !is_id(id) {
            return Err(malformed("AWS’s id of a certificate is no digest"));
        }
        let path = format!("/certificates/{id}{query}");
        credentials
            .map(|credentials| self.signed(credentials, method, path, Vec::new(), now))
            .transpose()
    }

    fn signed(
        &self,
        credentials: &AwsCredentials,
        method: Method,
        path: String,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<Request, SigningError> {
        let plain = Plain {
            method,
            origin: &self.0.origin(),
            region: &self.0.region,
            path,
            body,
        };
        plain.signed(credentials, now)
    }
}

/// The ids of the certificates that may be the one whose reply was lost, the newest one last.
fn candidates(list: &Response, since: UnixMillis) -> Vec<String> {
    let from = since.plus(-LOOK_BACK);
    let is_new = |listed: &ListedCertificate| since_1970(listed.creation_date).is_some_and(|at| at >= from);
    let listed = json::read::<Listed>(list.body()).map_or(Vec::new(), |list| list.certificates);
    let mut ids: Vec<String> = listed
        .into_iter()
        .filter(is_new)
        .map(|listed| listed.certificate_id)
        .filter(|id| is_id(id))
        .take(MAX_LOOKED_AT)
        .collect();
    ids.reverse();
    ids
}

/// AWS's ids are digests; what is put into a path is nothing else.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
