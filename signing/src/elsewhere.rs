//! Signing elsewhere: by AWS, by a plgd hub. What is the same for all of them.
//!
//! 1. A sign-in that has ended is renewed, where the authority gave what that takes; else the person is asked.
//! 2. Our server is told that the signer is going to be asked; its answer's date corrects the clock here.
//! 3. The signer is asked, once: the same CSR sent twice would make two certificates.
//!    Where the device fetches its certificate itself, a claim for it is made, and goes to the device.
//! 4. The certificate is recorded at our server. One that was recorded in an earlier attempt, and never came to the device, is
//!    taken in place of a new one.
//!
//! When no answer comes, the signer's newest certificates are looked at, as far as the credentials allow that: one for this key
//! is the one whose reply was lost. Otherwise the server is told that the reply is lost, and the person decides. A browser hides
//! why a request across origins failed, so that a refusal may look like that too.

use std::time::UNIX_EPOCH;

use gangway_protocol::certificate::{Approval, EnrolmentStage, SigningUpdate, leaf_key, split_chain};
use gangway_protocol::enrolment::ProvisioningClaim;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::json;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use http::header::DATE;

use crate::access::Access;
use crate::backend::{Backend, Look, Reply, Search, Signed};
use crate::ending::Shown;
use crate::sign_in::SignIn;
use crate::{HandedOver, NoAnswer, Order, Response, Sending, SigningError, Step, Wallet, malformed, panel};

/// One signing by a signer elsewhere.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    signer: signer::Signer,
    backend: Backend,
    order: Order,
    /// What the server's clock is ahead of ours, in milliseconds.
    ahead: i64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing has been asked, or nothing is under way any more.
    Idle,
    /// The sign-in is renewed.
    Renewing(Box<SignIn>),
    /// Our server is told that the signer is going to be asked.
    Beginning,
    /// The signer is asked.
    Asking { since: UnixMillis },
    /// The device has the claim.
    HandedOver { since: UnixMillis },
    /// The device says what it fetched: the signer is asked whether that is so.
    Confirming(Signed),
    /// No answer came: the certificate is looked for. This is how it ends where there is none.
    Looking {
        since: UnixMillis,
        search: Search,
        otherwise: End,
    },
    /// The certificate is being recorded; or it was in an earlier attempt, and is asked for.
    Recording,
    /// Our server is told how it ended.
    Telling(End),
}

/// How a request ended without a certificate.
#[derive(Clone, Debug)]
enum End {
    /// The signer refused.
    Refused(SigningError),
    /// It did not accept the credentials, and says why.
    Unaccepted(String),
    /// The credentials ended before it was asked.
    Wanting,
    /// Nobody knows.
    Lost(NoAnswer),
}

impl Elsewhere {
    pub(crate) fn new(signer: signer::Signer, backend: Backend, order: Order) -> Self {
        Self {
            signer,
            backend,
            order,
            ahead: 0,
            state: State::Idle,
        }
    }

    /// The person knows that a reply was lost and wants another certificate all the same.
    pub(crate) fn allow_another(&mut self) {
        self.order.again = true;
    }

    pub(crate) fn start(&mut self, wallet: &Wallet, now: UnixMillis) -> Result<Step, SigningError> {
        self.backend.check(&self.order)?;
        self.go_on(Access::of(&self.backend, &self.signer, wallet, now))
    }

    fn go_on(&mut self, access: Access) -> Result<Step, SigningError> {
        match access {
            Access::Good => self.begin(),
            Access::Renewing(renewal, sending) => {
                self.state = State::Renewing(renewal);
                Ok(Step::Send(sending))
            }
            Access::Wanted { refused } => Ok(Step::NeedCredentials { refused }),
        }
    }

    pub(crate) fn answer(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &mut Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::HandedOver { .. } => Err(malformed("an answer without a request")),
            State::Renewing(renewal) => {
                self.go_on(Access::renewed(renewal, answer, &self.signer.id, wallet, now))
            }
            State::Beginning => self.begun(answer, wallet, now),
            State::Asking { since } => self.asked(answer, wallet, since, now),
            State::Confirming(signed) => self.confirmed(signed, answer),
            State::Looking {
                since,
                search,
                otherwise,
            } => self.look(Some((search, answer)), wallet, since, otherwise, now),
            State::Recording => panel::certificate(&self.order, answer),
            // The lease ends by itself where our server did not hear of it.
            State::Telling(end) => self.ended(end, wallet),
        }
    }

    fn begin(&mut self) -> Result<Step, SigningError> {
        self.state = State::Beginning;
        panel::update(
            &self.order,
            SigningUpdate::Begun {
                again: self.order.again,
            },
        )
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
                    find: self.backend.find(),
                });
            }
            other => other?,
        };
        let approval: Approval = json::read(response.body()).map_err(malformed)?;
        if approval.stage == EnrolmentStage::Issued
            && let Some(certificate) = &approval.certificate
        {
            self.state = State::Recording;
            return panel::fetch(certificate);
        }
        self.ahead = server_time(&response).map_or(0, |server| server.since(now));
        let now = now.plus(self.ahead);
        let asked = self.backend.ask(&self.signer, &self.order.csr, wallet, now);
        let request = match asked {
            Ok(Some(request)) => request,
            // Nobody was asked: the server does not wait for an answer.
            Ok(None) => return self.end(End::Wanting),
            Err(error) => return self.end(End::Refused(error)),
        };
        self.state = State::Asking { since: now };
        Ok(Step::Send(Box::new(Sending::elsewhere(request))))
    }

    fn asked(
        &mut self,
        answer: Result<Response, NoAnswer>,
        wallet: &Wallet,
        since: UnixMillis,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let reply = match answer {
            Ok(response) => self.backend.read(&response),
            Err(lost) => self.backend.unanswered(lost),
        };
        match reply {
            Reply::Signed(signed) => self.record(signed),
            Reply::Claim(claim) => self.hand_over(*claim, since),
            Reply::Refused(error) => self.end(End::Refused(error)),
            Reply::Unaccepted(why) => self.end(End::Unaccepted(why)),
            Reply::Unclear(lost) => self.look(None, wallet, since, End::Lost(lost), now),
        }
    }

    fn hand_over(&mut self, mut claim: ProvisioningClaim, since: UnixMillis) -> Result<Step, SigningError> {
        claim.parameters = self.backend.parameters(&self.order)?;
        self.state = State::HandedOver { since };
        Ok(Step::HandOver(Box::new(claim)))
    }

    pub(crate) fn handed_over(
        &mut self,
        outcome: HandedOver,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        let State::HandedOver { since } = std::mem::replace(&mut self.state, State::Idle) else {
            return Err(malformed("nothing was handed over"));
        };
        match outcome {
            HandedOver::Provisioned(provisioned) => {
                let signed = Signed {
                    chain: provisioned.chain,
                    external_id: Some(provisioned.certificate_id),
                };
                self.confirm(signed, wallet, now)
            }
            // A device that lies about this would keep a certificate that nobody ends.
            HandedOver::Refused { detail } => {
                let refused = End::Refused(SigningError::NotProvisioned { detail });
                self.look(None, wallet, since, refused, now)
            }
            HandedOver::Unclear(lost) => self.look(None, wallet, since, End::Lost(lost), now),
            HandedOver::Kept => self.end(End::Wanting),
        }
    }

    /// Asks the signer for the certificate that the device says it has.
    fn confirm(&mut self, signed: Signed, wallet: &Wallet, now: UnixMillis) -> Result<Step, SigningError> {
        let now = now.plus(self.ahead);
        let name = signed.external_id.as_deref();
        match self.backend.show(&self.signer, name, wallet, now) {
            Ok(Some(request)) => {
                self.state = State::Confirming(signed);
                Ok(Step::Send(Box::new(Sending::elsewhere(request))))
            }
            Ok(None) => self.record(signed),
            Err(error) => self.end(End::Refused(error)),
        }
    }

    /// Whether it is so. Credentials that may not look leave it at the device's word.
    fn confirmed(
        &mut self,
        signed: Signed,
        answer: Result<Response, NoAnswer>,
    ) -> Result<Step, SigningError> {
        match answer.map(|response| self.backend.shown(&response)) {
            Ok(Shown::These { shown, .. })
                if !shown.iter().any(|(_, pem)| is_same_leaf(pem, &signed.chain)) =>
            {
                self.end(End::Refused(SigningError::OtherCertificate))
            }
            Ok(Shown::Gone) => self.end(End::Refused(SigningError::OtherCertificate)),
            Ok(Shown::These { .. } | Shown::Refused(_) | Shown::Unaccepted(_)) | Err(_) => {
                self.record(signed)
            }
        }
    }

    /// Looks for a certificate that may have been made.
    fn look(
        &mut self,
        seen: Option<(Search, Result<Response, NoAnswer>)>,
        wallet: &Wallet,
        since: UnixMillis,
        otherwise: End,
        now: UnixMillis,
    ) -> Result<Step, SigningError> {
        // What is answered with anything but success tells nothing.
        let seen = match seen {
            None => None,
            Some((search, Ok(response))) if response.status().is_success() => Some((search, Some(response))),
            Some((search, _)) => Some((search, None)),
        };
        let now = now.plus(self.ahead);
        let csr = &self.order.csr;
        match self.backend.look(&self.signer, csr, seen, since, wallet, now)? {
            Look::Ask(request, search) => {
                self.state = State::Looking {
                    since,
                    search,
                    otherwise,
                };
                Ok(Step::Send(Box::new(Sending::elsewhere(*request))))
            }
            Look::Found(signed) => self.record(signed),
            Look::Nothing => self.end(otherwise),
        }
    }

    fn record(&mut self, signed: Signed) -> Result<Step, SigningError> {
        if leaf_key(&signed.chain) != Some(self.order.csr.spki_sha256()) {
            return self.end(End::Refused(SigningError::OtherKey));
        }
        self.state = State::Recording;
        panel::record(&self.order, signed.chain, signed.external_id)
    }

    /// Tells our server how it ended, then the person.
    fn end(&mut self, end: End) -> Result<Step, SigningError> {
        let update = match &end {
            End::Refused(_) | End::Unaccepted(_) | End::Wanting => SigningUpdate::Refused,
            End::Lost(_) => SigningUpdate::ReplyLost,
        };
        self.state = State::Telling(end);
        panel::update(&self.order, update)
    }

    fn ended(&mut self, end: End, wallet: &mut Wallet) -> Result<Step, SigningError> {
        match end {
            End::Refused(error) => Err(error),
            End::Unaccepted(why) => self.go_on(Access::refused(why, &self.signer.id, wallet)),
            End::Wanting => Ok(Step::NeedCredentials { refused: None }),
            End::Lost(lost) => Ok(Step::ReplyLost {
                lost: Some(lost),
                find: self.backend.find(),
            }),
        }
    }
}

/// Whether two chains in PEM begin with the same certificate.
fn is_same_leaf(one: &str, other: &str) -> bool {
    let leaf = |pem: &str| split_chain(pem).ok()?.into_iter().next();
    leaf(one).is_some_and(|one| leaf(other) == Some(one))
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
