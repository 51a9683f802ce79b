//! Becoming a customer: by signing up, by a link of the operator, with a new account or the one somebody has.

use gangway_protocol::account::{
    Account, Ceremony, LinkPurpose, RegistrationGrant, SignUpMode, SignUps, TokenScope,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::people::customers::{self, set_device_quota};
use gangway_server::people::invitations;
use http::{StatusCode, header};
use serde_json::json;

use crate::support::authenticator::Authenticator;
use crate::support::csr;
use crate::support::person::token_of;
use crate::support::visitor::{Nobody, Reply, Visitor};
use crate::support::{Server, both_engines};

async fn with_mode(server: Server, mode: SignUpMode) -> Server {
    server.restart_with(|config| config.sign_up = mode).await
}

async fn try_sign_up(server: &Server) -> Reply {
    server.act(&Nobody, path::SIGN_UPS).await
}

/// The token of a sign-up that somebody begins.
async fn sign_up(server: &Server) -> SecretString {
    let grant: RegistrationGrant = try_sign_up(server).await.json();
    grant.token
}

/// The token of a link of the operator.
async fn invite(server: &Server, name: &str) -> SecretString {
    let gangway = &server.gangway;
    let link = customers::invite(
        &gangway.db,
        &gangway.config,
        &*gangway.clock,
        &*gangway.random,
        name,
    );
    token_of(&link.await.expect("a link"))
}

/// Registers by this token, with this name for the organisation.
async fn found(server: &Server, token: &SecretString, organisation: Option<&str>) -> Reply {
    let request = json!({ "token": token, "name": "Grace", "organisation": organisation });
    let reply = server.post(&Nobody, path::REGISTRATIONS, request).await;
    if !reply.status.is_success() {
        return reply;
    }
    let ceremony: Ceremony = reply.json();
    let mut authenticator = Authenticator::new(&server.gangway.config.origin());
    let credential = authenticator.create(&ceremony.public_key);
    let reply = json!({ "credential": credential });
    server
        .post(&Nobody, &path::registration(&ceremony.id), reply)
        .await
}

async fn join(
    server: &Server,
    who: &impl Visitor,
    token: &SecretString,
    organisation: Option<&str>,
) -> Reply {
    let request = json!({ "token": token, "organisation": organisation });
    server.post(who, path::ACCOUNT_MEMBERSHIPS, request).await
}

both_engines!(
    async fn everybody_signs_up_where_the_operator_lets_them(server: Server) {
        let olga = server.owner().await;
        let server = with_mode(server, SignUpMode::Open).await;
        let sign_ups: SignUps = server.get(&Nobody, path::SIGN_UPS).await.json();
        assert_eq!(sign_ups.mode, SignUpMode::Open);

        let token = sign_up(&server).await;
        assert!(token.expose().starts_with("gw_cus_"));
        let purpose = json!({ "token": token });
        let purpose: LinkPurpose = server.post(&Nobody, path::LINK_INSPECTION, purpose).await.json();
        let organisation = String::new();
        assert_eq!(purpose, LinkPurpose::Customer { organisation });
        let nameless = found(&server, &token, None).await;
        assert_eq!(nameless.problem(), ProblemCode::Invalid);

        let grace: Account = found(&server, &token, Some(" Mark I ")).await.json();
        let [organisation] = grace.organisations.as_slice() else {
            panic!("she has one organisation");
        };
        assert_eq!(
            (
                organisation.name.as_str(),
                organisation.role,
                &organisation.parent
            ),
            ("Mark I", Role::Owner, &None)
        );
        let others: Account = server.get(&olga, path::ACCOUNT).await.json();
        assert_eq!(others.organisations.len(), 1, "nobody else sees it");
        let recorded = server.records("organisation.set_up").await;
        assert_eq!(recorded, 3, "Olga's, Grace's, and Grace's among the server's");
        let used = found(&server, &token, Some("Mark II")).await;
        assert_eq!(used.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    /// Threat model: ACC-20.
    async fn nobody_signs_up_where_the_operator_does_not_let_them(server: Server) {
        server.owner().await;
        assert_eq!(try_sign_up(&server).await.problem(), ProblemCode::Forbidden);
        let server = with_mode(server, SignUpMode::Open).await;
        let begun = sign_up(&server).await;
        let (one, two) = (invite(&server, "Mark I").await, invite(&server, "Mark II").await);

        let server = with_mode(server, SignUpMode::Invitation).await;
        assert_eq!(try_sign_up(&server).await.problem(), ProblemCode::Forbidden);
        let late = found(&server, &begun, Some("Mark I")).await;
        assert_eq!(late.problem(), ProblemCode::LinkUnknown);
        let invited: Account = found(&server, &one, None).await.json();
        assert_eq!(
            invited.organisations[0].name, "Mark I",
            "as the operator called it"
        );

        let server = with_mode(server, SignUpMode::Closed).await;
        assert_eq!(try_sign_up(&server).await.problem(), ProblemCode::Forbidden);
        let late = found(&server, &two, None).await;
        assert_eq!(late.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    /// Threat model: ACC-20.
    async fn sign_ups_are_bounded_by_address_and_by_hour(server: Server) {
        server.owner().await;
        let server = server
            .restart_with(|config| {
                config.sign_up = SignUpMode::Open;
                config.caps.sign_ups_per_address = 3;
                config.caps.sign_ups = 2;
            })
            .await;
        server.clock.advance(UnixMillis::HOUR);
        let (one, two) = (sign_up(&server).await, sign_up(&server).await);
        let three = sign_up(&server).await;
        let refused = try_sign_up(&server).await;
        assert_eq!(
            refused.problem(),
            ProblemCode::RateLimited,
            "the fourth of an address"
        );

        for token in [&one, &two] {
            assert_eq!(found(&server, token, Some("Mark I")).await.status, StatusCode::OK);
        }
        server.clock.advance(50 * UnixMillis::MINUTE);
        let refused = found(&server, &three, Some("Mark III")).await;
        assert_eq!(
            refused.problem(),
            ProblemCode::RateLimited,
            "the third of an hour"
        );
        assert_eq!(refused.headers[header::RETRY_AFTER], "601");
        // Whom the operator invites is not kept out.
        let invited = invite(&server, "Mark IV").await;
        assert_eq!(found(&server, &invited, None).await.status, StatusCode::OK);
        server.clock.advance(UnixMillis::DAY);
        assert_eq!(try_sign_up(&server).await.status, StatusCode::OK);
    }
);

both_engines!(
    async fn somebody_with_an_account_becomes_a_customer_with_it(server: Server) {
        let olga = server.owner().await;
        let token = invite(&server, "Mark I").await;
        let unfit = join(&server, &olga, &token, Some("a\u{202e}b")).await;
        assert_eq!(unfit.problem(), ProblemCode::Invalid);
        let account: Account = join(&server, &olga, &token, Some("Mark II")).await.json();
        let mut names: Vec<&str> = account
            .organisations
            .iter()
            .map(|organisation| organisation.name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["Harbour", "Mark II"]);
        assert!(
            account
                .organisations
                .iter()
                .all(|one| one.role == Role::Owner && one.parent.is_none())
        );
        let used = join(&server, &olga, &token, Some("Mark III")).await;
        assert_eq!(used.problem(), ProblemCode::LinkUnknown);
        let program = server.terminal(&[TokenScope::Enrol]).await;
        let token = invite(&server, "Mark I").await;
        let refused = join(&server, &program, &token, None).await;
        assert_eq!(
            refused.problem(),
            ProblemCode::Forbidden,
            "a token is nobody's customer"
        );
    }
);

both_engines!(
    /// Threat model: ACC-20.
    async fn a_customer_has_as_many_devices_as_it_may_have(server: Server) {
        server.owner().await;
        let server = server
            .restart_with(|config| {
                config.sign_up = SignUpMode::Open;
                config.sign_up_devices = 2;
            })
            .await;
        let token = sign_up(&server).await;
        let grace = server.register(&token, "Grace").await;
        let customer = grace.organisation();
        let [below, _] = server.grow_tree(&customer).await;
        let (key, other) = (csr::key(), csr::key());
        let first = grace.approve(&server, &key).await;
        server.at(&grace, &below).approve(&server, &other).await;
        let third = grace.approval_request(&csr::csr(&csr::key())).await;
        let refused = grace.api.approve(&server.claim(&grace), &third).await;
        let error = refused.expect_err("two are enough");
        assert_eq!(error.code(), Some(ProblemCode::Conflict));
        assert!(
            error.to_string().contains("as many devices as it may have"),
            "{error}"
        );
        // Those it has come again, and a retired one makes room.
        let again = grace.approval_request(&csr::csr(&key)).await;
        grace
            .api
            .approve(&server.claim(&grace), &again)
            .await
            .expect("it is there already");
        grace.api.retire_device(&first.device.id).await.expect("it goes");
        grace
            .api
            .approve(&server.claim(&grace), &third)
            .await
            .expect("there is room");

        let gangway = &server.gangway;
        let fourth = grace.approval_request(&csr::csr(&csr::key())).await;
        set_device_quota(&gangway.db, &*gangway.clock, customer.clone(), None)
            .await
            .expect("the operator gives more");
        grace
            .api
            .approve(&server.claim(&grace), &fourth)
            .await
            .expect("as many as she likes");
        let listed = customers::list(&gangway.db).await.expect("a list");
        let hers = listed.iter().find(|one| one.id == customer).expect("hers");
        assert_eq!(
            (hers.organisations, hers.devices, hers.device_quota),
            (3, 3, None)
        );
        let refused = set_device_quota(&gangway.db, &*gangway.clock, below, None).await;
        assert!(refused.is_err(), "what is below is no customer");
    }
);

both_engines!(
    async fn the_operator_invites_an_owner_where_nobody_can(server: Server) {
        let olga = server.owner().await;
        let gangway = &server.gangway;
        let link = invitations::by_operator(
            &gangway.db,
            &gangway.config,
            &*gangway.clock,
            &*gangway.random,
            olga.organisation(),
            Role::Owner,
        )
        .await
        .expect("a link");
        let zoe = server.register(&token_of(&link), "Zoe").await;
        assert_eq!(zoe.account.organisations[0].role, Role::Owner);
        assert_eq!(server.records("invitation.created").await, 1);
    }
);
