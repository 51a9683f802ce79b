//! What is asked of each kind of signer elsewhere, and how its answers are read.

use gangway_protocol::certificate::Csr;
use gangway_protocol::enrolment::ProvisioningClaim;
use gangway_protocol::signer::{self, SignerKind};
use gangway_protocol::time::UnixMillis;
use serde_json::{Map, Value};

use crate::ending::Shown;
use crate::{
    AwsIot, AwsRefusal, NoAnswer, Order, PlgdHub, Request, Response, SigningError, Wallet, plgd_hub,
};

/// One kind.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    AwsIot(AwsIot),
    PlgdHub(PlgdHub),
}

/// What a signer's answer says.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It signed.
    Signed(Signed),
    /// It made a claim for the device.
    Claim(Box<ProvisioningClaim>),
    /// It refused.
    Refused(SigningError),
    /// It does not accept the credentials, and says why.
    Unaccepted(String),
    /// Whether it signed is not to be seen.
    Unclear(NoAnswer),
}

/// What was signed.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// PEM blocks, leaf first.
    pub(crate) chain: String,
    /// The signer's own name for it.
    pub(crate) external_id: Option<String>,
}

/// How far the search for a certificate is.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// The newest ones are listed.
    Listing,
    /// These are looked at, the last one first.
    Candidates(Vec<String>),
}

/// What a search comes to.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// This is asked next.
    Ask(Box<Request>, Search),
    /// The certificate.
    Found(Signed),
    /// It cannot be found.
    Nothing,
}

impl Backend {
    /// That of a kind which signs elsewhere.
    pub(crate) fn of(kind: &SignerKind) -> Option<Self> {
        match kind {
            SignerKind::AwsIot(aws) => Some(Self::AwsIot(AwsIot::new(aws.clone()))),
            SignerKind::PlgdHub(hub) => Some(Self::PlgdHub(PlgdHub::new(hub.clone()))),
            SignerKind::Builtin
            | SignerKind::Est(_)
            | SignerKind::StepCa(_)
            | SignerKind::Vault(_)
            | SignerKind::Unknown => None,
        }
    }

    pub(crate) fn check(&self, order: &Order) -> Result<(), SigningError> {
        match self {
            Self::AwsIot(aws) => aws.check(order),
            Self::PlgdHub(_) => PlgdHub::check(&order.csr),
        }
    }

    /// What the device is to state with a claim.
    pub(crate) fn parameters(&self, order: &Order) -> Result<Map<String, Value>, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.parameters(order),
            Self::PlgdHub(_) => Ok(Map::new()),
        }
    }

    pub(crate) fn has_credentials(&self, signer: &signer::Signer, wallet: &Wallet, now: UnixMillis) -> bool {
        match self {
            Self::AwsIot(_) => wallet.aws(&signer.id, now).is_some(),
            Self::PlgdHub(_) => wallet.tokens(&signer.id, now).is_some(),
        }
    }

    /// The request that has the CSR signed; none without credentials.
    pub(crate) fn ask(
        &self,
        signer: &signer::Signer,
        csr: &Csr,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.ask(csr, wallet.aws(&signer.id, now), now),
            Self::PlgdHub(hub) => hub.ask(csr, wallet.tokens(&signer.id, now)),
        }
    }

    pub(crate) fn read(&self, response: &Response) -> Reply {
        match self {
            Self::AwsIot(aws) => aws.read(response),
            Self::PlgdHub(_) => PlgdHub::read(response),
        }
    }

    /// What it means that no answer came.
    pub(crate) fn unanswered(&self, lost: NoAnswer) -> Reply {
        match self {
            Self::AwsIot(aws) => aws.unanswered(lost),
            Self::PlgdHub(_) => Reply::Unclear(lost),
        }
    }

    pub(crate) fn look(
        &self,
        signer: &signer::Signer,
        csr: &Csr,
        seen: Option<(Search, Option<Response>)>,
        since: UnixMillis,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Look, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.look(csr, seen, since, wallet.aws(&signer.id, now), now),
            Self::PlgdHub(hub) => hub.look(csr, seen, since, wallet.tokens(&signer.id, now)),
        }
    }

    /// The request that removes a certificate by the signer's own name for it; none without credentials.
    pub(crate) fn remove(
        &self,
        signer: &signer::Signer,
        id: &str,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.remove(id, wallet.aws(&signer.id, now), now),
            Self::PlgdHub(hub) => hub.remove(id, wallet.tokens(&signer.id, now)),
        }
    }

    /// Whether that is done, or why not, for people.
    pub(crate) fn removed(&self, response: &Response) -> Result<(), String> {
        self.done(response, "iot:DeleteCertificate")
    }

    fn done(&self, response: &Response, aws_right: &'static str) -> Result<(), String> {
        if response.status().is_success() {
            return Ok(());
        }
        Err(match self {
            Self::AwsIot(_) => AwsRefusal::of(response, aws_right).to_string(),
            Self::PlgdHub(_) => plgd_hub::message(response),
        })
    }

    /// The request that shows a certificate by the signer's own name for it, or all that may be it; none without credentials.
    pub(crate) fn show(
        &self,
        signer: &signer::Signer,
        name: Option<&str>,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.show(name, wallet.aws(&signer.id, now), now),
            Self::PlgdHub(hub) => hub.list(wallet.tokens(&signer.id, now)),
        }
    }

    /// What its answer shows.
    pub(crate) fn shown(&self, response: &Response) -> Shown {
        match self {
            Self::AwsIot(_) => AwsIot::shown(response),
            Self::PlgdHub(_) => PlgdHub::shown(response),
        }
    }

    /// The request that ends a certificate there; none without credentials.
    pub(crate) fn end(
        &self,
        signer: &signer::Signer,
        name: &str,
        wallet: &Wallet,
        now: UnixMillis,
    ) -> Result<Option<Request>, SigningError> {
        match self {
            Self::AwsIot(aws) => aws.deactivate(name, wallet.aws(&signer.id, now), now),
            Self::PlgdHub(hub) => hub.remove(name, wallet.tokens(&signer.id, now)),
        }
    }

    /// Whether that is done, or why not, for people.
    pub(crate) fn ended(&self, response: &Response) -> Result<(), String> {
        self.done(response, "iot:UpdateCertificate")
    }

    /// Where a person finds a certificate that nobody holds.
    pub(crate) fn find(&self) -> String {
        match self {
            Self::AwsIot(aws) => aws.console(),
            Self::PlgdHub(hub) => hub.records(),
        }
    }
}
