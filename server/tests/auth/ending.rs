//! What ends with a right: at once, and again when it is used.

use gangway_protocol::account::{Ceremony, RecoveryCodes, RegistrationGrant, Token, TokenScope};
use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Invitation, Role};
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::device::SoftDevice;
use crate::support::person::{Person, token_of};
use crate::support::visitor::{Nobody, Program};
use crate::support::{Server, both_engines};

/// `owner` gives `person` another role.
async fn make(server: &Server, owner: &Person, person: &Person, role: Role) {
    let place = path::member(owner.organisation(), &person.account.id);
    let reply = server.patch(owner, &place, json!({ "role": role })).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

/// `owner` ends the membership of `person`.
async fn remove(server: &Server, owner: &Person, person: &Person) {
    let place = path::member(owner.organisation(), &person.account.id);
    let reply = server.delete(owner, &place).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply}");
}

/// The role of `person`, changed without a word to the server.
async fn make_secretly(server: &Server, person: &Person, role: Role) {
    let changed = server
        .execute(
            "UPDATE memberships SET role = $1 WHERE account = $2",
            &[role.as_str(), person.account.id.as_str()],
        )
        .await;
    assert_eq!(changed, 1);
}

#[track_caller]
fn assert_unknown(reply: &crate::support::visitor::Reply) {
    assert_eq!(reply.problem(), ProblemCode::LinkUnknown, "{reply}");
}

async fn inspect(server: &Server, token: &SecretString) -> crate::support::visitor::Reply {
    server
        .post(&Nobody, path::LINK_INSPECTION, json!({ "token": token }))
        .await
}

async fn waiting(server: &Server, owner: &Person) -> Vec<Role> {
    let place = path::invitations(owner.organisation());
    let page: Page<Invitation> = server.get(owner, &place).await.json();
    page.items.iter().map(|invitation| invitation.role).collect()
}

both_engines!(
    /// Threat model: ACC-12.
    async fn an_invitation_ends_when_its_maker_may_not_invite_any_more(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Owner).await;
        let (_, first) = server.invitation(&other, Role::Owner).await;
        make(&server, &owner, &other, Role::Viewer).await;
        assert_unknown(&inspect(&server, &first).await);
        let mut authenticator = Authenticator::new(&server.gangway.config.origin());
        assert_unknown(
            &server
                .try_register(&first, "Olga again", &mut authenticator)
                .await,
        );
        let join = server
            .post(&other, path::ACCOUNT_MEMBERSHIPS, json!({ "token": first }))
            .await;
        assert_unknown(&join);
        assert!(waiting(&server, &owner).await.is_empty());
        assert_eq!(server.records("invitation.voided").await, 1);
        make(&server, &owner, &other, Role::Owner).await;
        assert_unknown(&inspect(&server, &first).await);

        let (_, second) = server.invitation(&other, Role::Viewer).await;
        remove(&server, &owner, &other).await;
        assert_unknown(&inspect(&server, &second).await);
        assert_eq!(server.records("invitation.voided").await, 2);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn of_invitations_only_those_above_the_remaining_role_end(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Owner).await;
        let (_, above) = server.invitation(&other, Role::Owner).await;
        let (_, within) = server.invitation(&other, Role::Operator).await;
        let (_, foreign) = server.invitation(&owner, Role::Owner).await;
        make(&server, &owner, &other, Role::Admin).await;
        assert_unknown(&inspect(&server, &above).await);
        server.register(&within, "Otto").await;
        server.register(&foreign, "Oda").await;
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn an_invitation_gives_no_more_than_its_maker_may_give_when_it_is_used(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Owner).await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let (_, token) = server.invitation(&other, Role::Owner).await;

        // Somebody has begun when the role is lowered, and ends too late.
        let ceremony: Ceremony = server.start_registration(&token).await;
        make_secretly(&server, &other, Role::Admin).await;
        let mut authenticator = Authenticator::new(&server.gangway.config.origin());
        let reply =
            json!({ "credential": authenticator.create(&ceremony.public_key), "passkey_name": "Late" });
        let late = server
            .post(&Nobody, &path::registration(&ceremony.id), reply)
            .await;
        assert_unknown(&late);
        assert!(late.cookie().is_none());
        assert_unknown(&inspect(&server, &token).await);
        let place = path::ACCOUNT_MEMBERSHIPS;
        assert_unknown(&server.post(&viewer, place, json!({ "token": token })).await);
        make_secretly(&server, &other, Role::Owner).await;
        let joined = server.post(&viewer, place, json!({ "token": token })).await;
        assert_eq!(joined.status, StatusCode::OK, "what was refused was not used up");
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn a_token_loses_what_its_account_may_not_do_any_more(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Operator).await;
        let order = |scopes: &[&str]| json!({ "name": "Robot", "scopes": scopes, "organisation": owner.organisation(), "valid_days": 30 });
        let mint = async |scopes: &[&str]| -> Program {
            let made: Token = server.post(&other, path::TOKENS, order(scopes)).await.json();
            Program(made.secret.expect("it is shown this once"))
        };
        let both = mint(&["enrol", "read"]).await;
        let enrolling = mint(&["enrol"]).await;
        make(&server, &owner, &other, Role::Viewer).await;
        assert_eq!(server.get(&both, path::DEVICES).await.status, StatusCode::OK);
        assert_eq!(
            server.get(&enrolling, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        // What was lost does not come back with the role.
        make(&server, &owner, &other, Role::Operator).await;
        let page: Page<Token> = server.get(&other, path::TOKENS).await.json();
        let scopes: Vec<_> = page.items.iter().map(|token| token.scopes.clone()).collect();
        assert_eq!(scopes, [vec![TokenScope::FleetRead]]);
        assert_eq!(server.records("token.narrowed").await, 1);
        assert_eq!(server.records("token.voided").await, 1);

        remove(&server, &owner, &other).await;
        assert_eq!(
            server.get(&both, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn no_reply_is_kept_for_whoever_lost_the_right_to_it(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Admin).await;
        let key = [(
            HeaderName::from_static("idempotency-key"),
            "0123456789abcdef0123456789abcdef",
        )];
        let place = path::invitations(owner.organisation());
        let body: Option<Value> = Some(json!({ "role": "admin" }));
        let made: Invitation = server
            .call_with(&other, Method::POST, &place, body.clone(), &key)
            .await
            .json();
        let kept = "SELECT CAST(COUNT(*) AS TEXT) FROM idempotency_keys";
        assert_eq!(server.text(kept).await, "1");
        make(&server, &owner, &other, Role::Operator).await;
        assert_eq!(server.text(kept).await, "0");
        let again = server.call_with(&other, Method::POST, &place, body, &key).await;
        assert_eq!(again.problem(), ProblemCode::Forbidden);
        let link = made.link.expect("a new invitation shows its link");
        assert_unknown(&inspect(&server, &token_of(&link)).await);
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn an_approval_that_led_to_nothing_ends_with_its_givers_right(server: Server) {
        let owner = server.owner().await;
        let other = server.invited(&owner, Role::Operator).await;
        let (device, ready) = (SoftDevice::new(), SoftDevice::new());
        let approval = other.approve(&server, &device.key).await;
        let issued = other.enrol(&server, &ready.key).await;
        make(&server, &owner, &other, Role::Viewer).await;
        let stage = server
            .text(&format!(
                "SELECT stage FROM approvals WHERE claim = '{}'",
                approval.claim
            ))
            .await;
        assert_eq!(stage, EnrolmentStage::Withdrawn.as_str());
        let shown = owner.api.device(&approval.device.id).await.expect("the device");
        assert!(matches!(shown.device.state, DeviceState::Retired { .. }));
        assert_eq!(server.records("device.approval_withdrawn").await, 1);
        // What has been issued is no matter of its giver's word any more: an operator revokes it, in bulk if need be.
        ready.prove(&server, &issued.chain, 1).await.expect("a session");
    }
);

both_engines!(
    /// Threat model: ACC-14.
    async fn a_recovery_that_was_begun_ends_with_the_codes_and_with_another_recovery(server: Server) {
        let owner = server.owner().await;
        let codes: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        let redeem = async |codes: &RecoveryCodes, number: usize| -> SecretString {
            let code = json!({ "code": codes.codes[number] });
            let grant: RegistrationGrant = server.post(&Nobody, path::RECOVERIES, code).await.json();
            grant.token
        };
        let stolen = redeem(&codes, 0).await;
        let codes: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        assert_unknown(&inspect(&server, &stolen).await);

        let (one, other) = (redeem(&codes, 0).await, redeem(&codes, 1).await);
        server.register(&one, "ignored").await;
        assert_unknown(&inspect(&server, &other).await);
    }
);
