//! Members of organisations and their programs, signed in without ceremony, with the typed client in their hands; and the
//! crossings that they make with devices. Who has an authenticator besides is a [`Person`](super::person::Person).

use gangway_client::Api;
use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::{
    Approval, ApprovalRequest, Certificate, CertificateRequest, EnrolmentStage, Revocation, RevocationReason,
};
use gangway_protocol::device::{Device, DeviceQuery, Facts};
use gangway_protocol::id::{AccountId, ClaimId, OrganisationId, PasskeyId, SignInId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::authority::secret::SecretKind;
use gangway_server::db::accounts::{AccountKind, NewAccount};
use gangway_server::db::sign_ins::{NewSignIn, OpenedBy};
use gangway_server::db::{CallerCredential, SecretHash};
use gangway_server::db::{DbError, accounts, memberships, sign_ins, tokens};
use gangway_server::people::service::{TokenOrder, create_token};
use gangway_server::relay::ClaimInfo;
use http::{HeaderMap, HeaderName, header};
use rcgen::KeyPair;

use super::client::client;
use super::visitor::{Visitor, header_value};
use super::{Server, csr};

/// For how long the tokens of tests work: tests that advance the clock go on with theirs.
pub(crate) const TOKEN_DAYS: u32 = 365;

/// Somebody, or somebody's program, with a role in an organisation.
pub(crate) struct Member {
    pub(crate) api: Api,
    pub(crate) account: AccountId,
    pub(crate) organisation: OrganisationId,
    name: String,
    authorization: (header::HeaderName, String),
}

impl Visitor for Member {
    fn headers(&self) -> HeaderMap {
        let (name, value) = &self.authorization;
        let site = HeaderName::from_static("sec-fetch-site");
        [
            (name.clone(), header_value(value)),
            (site, header_value("same-origin")),
        ]
        .into_iter()
        .collect()
    }
}

impl Server {
    /// A person with this role, signed in with a passkey just now.
    pub(crate) async fn member(&self, organisation: &OrganisationId, role: Role, name: &str) -> Member {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let account = NewAccount {
            id: AccountId::new(now, random.for_id()),
            user_handle: data_encoding::HEXLOWER.encode(&random.bytes::<16>()),
            name: name.to_owned(),
            kind: AccountKind::Person,
        };
        let (id, home) = (account.id.clone(), organisation.clone());
        self.gangway
            .db
            .write::<(), DbError, _>(move |mut conn| {
                Box::pin(async move {
                    accounts::insert(&mut conn, &account, now).await?;
                    memberships::set(&mut conn, &home, &account.id, role, now).await
                })
            })
            .await
            .expect("a member is made");
        let authorization = self.cookie_of(&id).await;
        self.somebody(id, organisation, name, authorization)
    }

    async fn cookie_of(&self, account: &AccountId) -> (header::HeaderName, String) {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let sign_in = NewSignIn {
            id: SignInId::new(now, random.for_id()),
            account: account.clone(),
            browser: "a test".to_owned(),
            address: "127.0.0.1".to_owned(),
            opened_by: OpenedBy::Passkey(PasskeyId::new(now, random.for_id())),
            verified_at: now,
            assertion: "{\"assertion\":true}".to_owned(),
        };
        let secret = SecretKind::SignIn.mint(&**random);
        let hash = SecretHash::of(&secret);
        self.gangway
            .db
            .write::<(), DbError, _>(move |mut conn| {
                Box::pin(async move { sign_ins::insert(&mut conn, &hash, &sign_in, now).await })
            })
            .await
            .expect("a sign-in is made");
        (header::COOKIE, format!("__Host-gangway={}", secret.expose()))
    }

    /// A token of the command line with these scopes, confined to an organisation, the first one when none is named.
    pub(crate) async fn new_token(
        &self,
        organisation: Option<&OrganisationId>,
        scopes: &[TokenScope],
    ) -> SecretString {
        let order = TokenOrder {
            name: "a test".to_owned(),
            scopes: scopes.to_vec(),
            organisation: organisation.cloned(),
            valid_days: TOKEN_DAYS,
        };
        let gangway = &self.gangway;
        let token = create_token(&gangway.db, &*gangway.clock, &*gangway.random, order).await;
        token.expect("a token is made")
    }

    /// A program with a token of these scopes.
    pub(crate) async fn program(&self, organisation: &OrganisationId, scopes: &[TokenScope]) -> Member {
        let token = self.new_token(Some(organisation), scopes).await;
        self.with_token(organisation, token.expose()).await
    }

    /// The program that holds this token of the first organisation.
    pub(crate) async fn bearer(&self, token: String) -> Member {
        let organisation = self.first_organisation().await.parse().expect("an id");
        self.with_token(&organisation, &token).await
    }

    async fn with_token(&self, organisation: &OrganisationId, token: &str) -> Member {
        let authorization = (header::AUTHORIZATION, format!("Bearer {token}"));
        let (mut reader, hash) = (
            self.gangway.db.reader().await.expect("a reader"),
            SecretHash::of(&SecretString::new(token.to_owned())),
        );
        let bearer = tokens::by_secret(&mut reader.conn(), &hash, self.gangway.clock.now())
            .await
            .expect("a query");
        self.somebody(
            bearer.expect("a token").account,
            organisation,
            "Command line",
            authorization,
        )
    }

    /// The same person, at work in another organisation within reach.
    pub(crate) fn at(&self, member: &Member, organisation: &OrganisationId) -> Member {
        Member {
            organisation: organisation.clone(),
            ..self.again(member)
        }
    }

    /// The same person or program, after the server was restarted.
    pub(crate) fn again(&self, member: &Member) -> Member {
        self.somebody(
            member.account.clone(),
            &member.organisation,
            &member.name,
            member.authorization.clone(),
        )
    }

    /// The same person, after so long that they signed in anew.
    pub(crate) async fn refresh(&self, member: &Member) -> Member {
        let authorization = self.cookie_of(&member.account).await;
        self.somebody(
            member.account.clone(),
            &member.organisation,
            &member.name,
            authorization,
        )
    }

    /// Nobody in particular.
    pub(crate) fn anybody(&self) -> Api {
        client(self, None)
    }

    pub(super) fn somebody(
        &self,
        account: AccountId,
        organisation: &OrganisationId,
        name: &str,
        authorization: (header::HeaderName, String),
    ) -> Member {
        Member {
            api: client(self, Some(authorization.clone())),
            account,
            organisation: organisation.clone(),
            name: name.to_owned(),
            authorization,
        }
    }

    /// A claim of `member` that was redeemed: they knew the code of a device.
    pub(crate) fn claim(&self, member: &Member) -> ClaimId {
        self.claim_at(member, Some(self.gangway.clock.now()))
    }

    /// A claim of `member` that was redeemed then, or not yet.
    pub(crate) fn claim_at(&self, member: &Member, redeemed_at: Option<UnixMillis>) -> ClaimId {
        let now = self.gangway.clock.now();
        let claim = ClaimId::new(now, self.gangway.random.for_id());
        self.gangway.relay.note_claim(ClaimInfo {
            claim: claim.clone(),
            nameplate: "BCDF".parse().expect("a nameplate"),
            account: member.account.clone(),
            account_name: member.name.clone(),
            credential: CallerCredential::SignIn(SignInId::new(now, self.gangway.random.for_id())),
            claimant_address: [127, 0, 0, 1].into(),
            device_address: Some([192, 0, 2, 7].into()),
            first_seen: now,
            opened_at: now,
            redeemed_at,
            ended_at: None,
        });
        claim
    }
}

impl Member {
    /// The signer of the member's organisation.
    pub(crate) async fn signer(&self) -> SignerId {
        let signers = self
            .api
            .signers(&self.organisation, &PageQuery::default())
            .await
            .expect("signers");
        signers.items.into_iter().next().expect("the built-in CA").id
    }

    /// The fleet as the list shows it to a member who asks for nothing in particular.
    pub(crate) async fn fleet(&self) -> Vec<Device> {
        let page = self.api.devices(&DeviceQuery::default()).await;
        page.expect("the fleet").items
    }

    /// What to ask for to have a device with this CSR approved.
    pub(crate) async fn approval_request(&self, csr: &str) -> ApprovalRequest {
        ApprovalRequest {
            organisation: self.organisation.clone(),
            csr: csr.to_owned(),
            facts: facts("thermometer-7"),
            signer: self.signer().await,
            name: None,
            labels: Vec::new(),
            replace: false,
        }
    }

    /// Approves a device with this key in a fresh claim.
    pub(crate) async fn approve(&self, server: &Server, key: &KeyPair) -> Approval {
        let request = self.approval_request(&csr::csr(key)).await;
        self.api
            .approve(&server.claim(self), &request)
            .await
            .expect("an approval")
    }

    /// Approves a device with this key, has it consent, and has its certificate signed.
    pub(crate) async fn enrol(&self, server: &Server, key: &KeyPair) -> Certificate {
        let approval = self.approve(server, key).await;
        self.certify(&approval, key).await
    }

    /// The device that was approved consents, and its certificate is signed.
    pub(crate) async fn certify(&self, approval: &Approval, key: &KeyPair) -> Certificate {
        self.api.record_consent(&approval.claim).await.expect("consent");
        let request = CertificateRequest::sign(csr::csr(key));
        self.api
            .request_certificate(&approval.device.id, &request)
            .await
            .expect("a certificate")
    }

    /// How far the enrolment of this claim has come.
    pub(crate) async fn stage_of(&self, claim: &ClaimId) -> EnrolmentStage {
        let approval = self.api.approval(claim).await;
        approval.expect("the approval").stage
    }

    /// When and why a certificate was revoked, if it was.
    pub(crate) async fn revocation_of(&self, certificate: &Certificate) -> Option<Revocation> {
        let shown = self.api.certificate(&certificate.sha256).await;
        shown.expect("the certificate").revocation
    }

    /// Why a certificate was revoked, which it was.
    pub(crate) async fn reason_of(&self, certificate: &Certificate) -> RevocationReason {
        let revocation = self.revocation_of(certificate).await;
        revocation.expect("it is revoked").reason
    }
}

/// Facts of a device with this host name.
pub(crate) fn facts(hostname: &str) -> Facts {
    Facts {
        hostname: hostname.to_owned(),
        os: "linux".to_owned(),
        os_version: "Debian GNU/Linux 12".to_owned(),
        arch: "x86_64".to_owned(),
        serial: Some(format!("SN-{hostname}")),
        software: "gangway-device".to_owned(),
        software_version: "0.1.0".to_owned(),
        ..Facts::default()
    }
}
