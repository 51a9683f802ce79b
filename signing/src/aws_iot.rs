//! AWS IoT Core: CreateCertificateFromCsr with the person's own credentials (AWS IoT API Reference, 2015-05-28).
//!
//! 1. Our server is told that AWS is going to be asked; its answer's date corrects the clock here.
//! 2. AWS is asked, once: the same CSR sent twice would make two certificates.
//! 3. The certificate is recorded at our server with AWS's id for it. One that was recorded in an earlier attempt, and never
//!    came to the device, is taken in place of a new one.
//!
//! When no answer comes, the newest certificates of the account are looked at, as far as the credentials allow that: one for
//! this key is the one whose reply was lost. Otherwise the server is told that the reply is lost, and the person decides. A
//! browser hides why a request across origins failed, so that a refusal may look like that too.

mod refusal;
mod sign;

use std::time::{Duration, UNIX_EPOCH};

use gangway_protocol::certificate::{Approval, EnrolmentStage, KeyKind, SigningUpdate, leaf_key};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::SignerId;
use gangway_protocol::json;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use http::Method;
use http::header::DATE;
use serde::Deserialize;

pub use refusal::AwsRefusal;

use crate::{
    AwsCredentials, NoAnswer, Order, Response, Sending, SigningError, Step, Target, Wallet, malformed, panel,
};
use sign::Plain;

/// How far back a certificate may have been made to be the one whose reply was lost: clocks differ.
const LOOK_BACK: i64 = 2 * UnixMillis::MINUTE;
/// Most certificates of the account that are looked at for it.
const MAX_LOOKED_AT: usize = 10;

/// One signing by AWS IoT Core.
#[derive(Clone, Debug)]
pub struct AwsIot {
    signer: SignerId,
    endpoint: signer::AwsIot,
    order: Order,
    /// What the server's clock is ahead of ours, in milliseconds.
    ahead: i64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing has been asked, or nothing is under way any more.
    Idle,
    /// Our server is told that AWS is going to be asked.
    Beginning,
    /// AWS is asked.
    Asking { since: UnixMillis },
    /// No answer came: the newest certificates of the account are listed.
    Listing { since: UnixMillis, lost: NoAnswer },
    /// Each of them is looked at.
    Looking { ids: Vec<String>, lost: NoAnswer },
    /// The certificate is being recorded.
    Recording,
    /// It was recorded in an earlier attempt, and is asked for.
    Fetching,
    /// Our server is told how it ended.
    Ending(End),
}

/// How a request to AWS ended without a certificate.
#[derive(Clone, Debug)]
enum End {
    /// AWS refused.
    Refused(SigningError),
    /// AWS did not accept the credentials.
    Credentials(AwsRefusal),
    /// Nobody knows.
    Lost(NoAnswer),
}

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
    certificate_description: Created,
}

impl AwsIot {
    pub(crate) fn new(signer: SignerId, endpoint: signer::AwsIot, order: Order) -> Self {
        Self {
            signer,
            endpoint,
            order,
            ahead: 0,
            state: State::Idle,
        }
    }

    /// The person knows that a reply was lost and wants another certificate all the same.
    pub(crate) fn allow_another(&mut self) {
        self.order.again = true;
    }

    /// Where in AWS's console a person finds a certificate that nobody holds.
    fn console(&self) -> String {
        let region = &self.endpoint.region;
        let domain = if region.starts_with("cn-") {
            "amazonaws.cn"
        } else {
            "aws.amazon.com"
        };
        format!("https://{region}.console.{domain}/iot/home?region={region}#/certificatehub")
    }

    pub(crate) fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<Step, SigningError> {
        if matches!(self.order.csr.key().kind(), KeyKind::Ed25519) {
            return Err(SigningError::KeyKind {
                signer: "AWS IoT Core",
                key: self.order.csr.key().kind().to_string(),
            });
        }
        if wallet.aws(&self.signer, now).is_none() {
            return Ok(Step::NeedCredentials { refused: None });
        }
        self.state = State::Beginning;
        panel::update(
            &self.order,
            SigningUpdate::Begun {
                again: self.order.again,
            },
        )
    }

    pub(crate) fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Err(malformed("an answer without a request")),
            State::Beginning => self.begun(answer, wallet, now),
            State::Asking { since } => self.asked(answer, wallet, since, now),
            State::Listing { since, lost } => self.listed(answer, wallet, since, lost, now),
            State::Looking { ids, lost } => self.looked(answer, wallet, ids, lost, now),
            State::Recording => panel::certificate(&self.order, answer),
            State::Fetching => panel::first_certificate(&self.order, answer),
            // The lease ends by itself where our server did not hear of it.
            State::Ending(end) => self.ended(end, wallet),
        }
    }

    fn begun(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let response = match panel::accepted(answer) {
            Err(SigningError::Problem(problem)) if problem.code == ProblemCode::ReplyLost => {
                return Ok(Step::ReplyLost {
                    lost: None,
                    find: self.console(),
                });
            }
            other => other?,
        };
        let approval: Approval = json::read(response.body()).map_err(malformed)?;
        if approval.stage == EnrolmentStage::Issued {
            self.state = State::Fetching;
            return panel::newest_certificate(&self.order);
        }
        self.ahead = server_time(&response).map_or(0, |server| server.since(now));
        let Some(credentials) = wallet.aws(&self.signer, now) else {
            return Ok(Step::NeedCredentials { refused: None });
        };
        let body = serde_json::json!({ "certificateSigningRequest": self.order.csr.to_pem() });
        let path = format!("/certificates?setAsActive={}", self.endpoint.activate);
        let step = self.send(
            credentials,
            Method::POST,
            path,
            body.to_string().into_bytes(),
            now,
        )?;
        self.state = State::Asking { since: now };
        Ok(step)
    }

    fn asked(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
        since: UnixMillis,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let response = match answer {
            Ok(response) => response,
            Err(lost) => return self.look(wallet, since, lost, now),
        };
        if response.status().is_success() {
            return match json::read::<Created>(response.body()) {
                Ok(created) => self.record(created),
                // It has signed, and what it says about that cannot be read.
                Err(error) => {
                    let detail = format!("AWS’s answer could not be read: {error}");
                    self.look(wallet, since, NoAnswer { detail }, now)
                }
            };
        }
        let refusal = AwsRefusal::of(&response, "iot:CreateCertificateFromCsr");
        if response.status().is_server_error() {
            // A gateway that gave up waiting says nothing about what stands behind it.
            return self.look(
                wallet,
                since,
                NoAnswer {
                    detail: refusal.to_string(),
                },
                now,
            );
        }
        self.end(if refusal.wants_credentials() {
            End::Credentials(refusal)
        } else {
            End::Refused(SigningError::Aws(refusal))
        })
    }

    /// Looks for the certificate whose reply was lost.
    fn look(
        &mut self,
        wallet: &Wallet,
        since: UnixMillis,
        lost: NoAnswer,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let Some(credentials) = wallet.aws(&self.signer, now) else {
            return self.end(End::Lost(lost));
        };
        let path = "/certificates?isAscendingOrder=false&pageSize=50".to_owned();
        let step = self.send(credentials, Method::GET, path, Vec::new(), now)?;
        self.state = State::Listing { since, lost };
        Ok(step)
    }

    fn listed(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
        since: UnixMillis,
        lost: NoAnswer,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let listed = answer
            .ok()
            .filter(|response| response.status().is_success())
            .and_then(|response| json::read::<Listed>(response.body()).ok());
        let Some(listed) = listed else {
            return self.end(End::Lost(lost));
        };
        let from = since.plus(self.ahead - LOOK_BACK);
        let is_new = |listed: &ListedCertificate| {
            let age = Duration::try_from_secs_f64(listed.creation_date).ok();
            age.and_then(|age| i64::try_from(age.as_millis()).ok())
                .is_some_and(|at| UnixMillis(at) >= from)
        };
        let mut ids: Vec<String> = listed
            .certificates
            .into_iter()
            .filter(is_new)
            .map(|listed| listed.certificate_id)
            .filter(|id| is_id(id))
            .take(MAX_LOOKED_AT)
            .collect();
        // The last one is looked at first.
        ids.reverse();
        self.look_at_next(wallet, ids, lost, now)
    }

    fn look_at_next(
        &mut self,
        wallet: &Wallet,
        mut ids: Vec<String>,
        lost: NoAnswer,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let next = ids.pop().zip(wallet.aws(&self.signer, now));
        let Some((id, credentials)) = next else {
            return self.end(End::Lost(lost));
        };
        let step = self.send(
            credentials,
            Method::GET,
            format!("/certificates/{id}"),
            Vec::new(),
            now,
        )?;
        self.state = State::Looking { ids, lost };
        Ok(step)
    }

    fn looked(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
        ids: Vec<String>,
        lost: NoAnswer,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let described = answer
            .ok()
            .filter(|response| response.status().is_success())
            .and_then(|response| json::read::<Described>(response.body()).ok())
            .map(|described| described.certificate_description)
            .filter(|found| leaf_key(&found.certificate_pem) == Some(self.order.csr.spki_sha256()));
        match described {
            Some(found) => self.record(found),
            None => self.look_at_next(wallet, ids, lost, now),
        }
    }

    fn record(&mut self, created: Created) -> Result<Step, SigningError> {
        self.state = State::Recording;
        panel::record(
            &self.order,
            &self.signer,
            created.certificate_pem,
            Some(created.certificate_id),
        )
    }

    /// Tells our server how it ended, then the person.
    fn end(&mut self, end: End) -> Result<Step, SigningError> {
        let update = match &end {
            End::Refused(_) | End::Credentials(_) => SigningUpdate::Refused,
            End::Lost(_) => SigningUpdate::ReplyLost,
        };
        self.state = State::Ending(end);
        panel::update(&self.order, update)
    }

    fn ended(&mut self, end: End, wallet: &mut Wallet) -> Result<Step, SigningError> {
        match end {
            End::Refused(error) => Err(error),
            End::Credentials(refusal) => {
                wallet.forget(&self.signer);
                Ok(Step::NeedCredentials {
                    refused: Some(refusal),
                })
            }
            End::Lost(lost) => Ok(Step::ReplyLost {
                lost: Some(lost),
                find: self.console(),
            }),
        }
    }

    fn send(
        &self,
        credentials: &AwsCredentials,
        method: Method,
        path: String,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let is_idempotent = method == Method::GET;
        let plain = Plain {
            method,
            origin: &self.endpoint.origin(),
            region: &self.endpoint.region,
            path,
            body,
        };
        Ok(Step::Send(Box::new(Sending {
            request: plain.signed(credentials, now.plus(self.ahead))?,
            target: Target::Elsewhere,
            is_idempotent,
        })))
    }
}

/// AWS's ids are digests; what is put into a path is nothing else.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// When our server sent this, by its own clock (RFC 9110 §6.6.1).
fn server_time(response: &Response) -> Option<UnixMillis> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    let since = httpdate::parse_http_date(text)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests;
