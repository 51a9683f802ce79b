//! The typed client and the router agree: every operation that the API describes has a method, every method an operation,
//! and what comes back is what the method says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use gangway_client::{Api, ApiError, ApiRequest, IdempotencyKey, InProcess, TransportError};
use gangway_protocol::account::TokenScope;
use gangway_protocol::audit::AuditQuery;
use gangway_protocol::certificate::CertificateQuery;
use gangway_protocol::device::DeviceQuery;
use gangway_protocol::measurement::{ChannelNumber, MeasurementQuery};
use gangway_protocol::overview::OverviewQuery;
use gangway_protocol::page::PageQuery;
use serde_json::{Value, json};

use http::header;

use crate::support::both_engines;
use crate::support::client::client;

/// What is not for the typed client: a stream of events.
const NOT_CALLED: [&str; 4] = [
    "GET /api/v1/fleet/changes",
    // Identity providers call it, with a form.
    "POST /api/v1/identity-providers/{}/logout",
    // What our own programs read in DER, others want in PEM.
    "GET /ca/{}/certificate.pem",
    "GET /ca/{}/crl.pem",
];

/// Every method of the client once, each with its name.
macro_rules! every_method {
    ($api:expr, $($call:ident($($argument:expr),*);)*) => {{
        let api = $api;
        vec![$((stringify!($call), api.$call($($argument),*).await.err()),)*]
    }};
}

/// A value from its JSON, for requests whose content does not matter here.
fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a request")
}

fn id<T: std::str::FromStr>(prefix: &str) -> T {
    format!("{prefix}_0000000001zzzzzzzzzzzzzzzz")
        .parse()
        .ok()
        .expect("an id")
}

async fn call_everything(api: &Api) -> Vec<(&'static str, Option<ApiError>)> {
    let page = &PageQuery::default();
    let key = &IdempotencyKey::new([7; 16]);
    let reply = &of(json!({"credential": {}}));
    let rename = &of(json!({"name": "Ada"}));
    let revoke = &of(json!({"reason": "superseded"}));
    let facts = json!({"hostname": "h", "os": "o", "os_version": "v", "arch": "a", "software": "s", "software_version": "1"});
    let approval = &of(
        json!({"organisation": id::<gangway_protocol::id::OrganisationId>("org"), "csr": "", "facts": facts, "signer": id::<gangway_protocol::id::SignerId>("sgn")}),
    );
    let token = &of(
        json!({"name": "ci", "scopes": ["enrol"], "organisation": id::<gangway_protocol::id::OrganisationId>("org"), "valid_days": 1}),
    );
    let sha256 = &gangway_protocol::encoding::Sha256Hex([1; 32]);
    every_method!(api,
        create_organisation(&of(json!({"parent": id::<gangway_protocol::id::OrganisationId>("org"), "name": "n"})), key);
        change_organisation(&id("org"), &of(json!({})));
        archive_organisation(&id("org"));
        open_organisation(&id("org"));
        policy(&id("org"));
        add_member(&id("org"), &id("acc"), &of(json!({"role": "viewer"})));
        suspend_member(&id("org"), &id("acc"));
        resume_member(&id("org"), &id("acc"));
        move_device(&id("dev"), &of(json!({"organisation": id::<gangway_protocol::id::OrganisationId>("org")})));
        sign_ups();
        sign_up();
        inspect_link(&of(json!({"token": "x"})));
        start_registration(&of(json!({"token": "x"})));
        finish_registration(&id("cer"), reply);
        start_sign_in();
        finish_sign_in(&id("cer"), reply);
        recover(&of(json!({"code": "x"})));
        account();
        rename_account(rename);
        join(&of(json!({"token": "x"})));
        passkeys(page);
        start_adding_passkey();
        finish_adding_passkey(&id("cer"), reply);
        rename_passkey(&id("psk"), rename);
        remove_passkey(&id("psk"));
        start_step_up();
        finish_step_up(&id("cer"), reply);
        renew_recovery_codes();
        sign_ins(page);
        end_sign_in(&id("sin"));
        sign_out();
        tokens(page);
        create_token(token, key);
        revoke_token(&id("tok"));
        organisations(page);
        change_policy(&id("org"), &of(json!({})));
        signers(&id("org"), page);
        add_signer(&id("org"), &of(json!({"name": "x", "kind": "builtin"})), key);
        change_signer(&id("org"), &id("sgn"), &of(json!({})));
        remove_signer(&id("org"), &id("sgn"));
        devices_jsonl(&DeviceQuery::default());
        fleet_overview(&OverviewQuery::default());
        saved_views();
        keep_view(&of(json!({"name": "x"})), key);
        remove_saved_view(&id("viw"));
        bulk_jobs(&id("org"), page);
        request_bulk_job(
            &id("org"),
            &of(json!({"selection": {"kind": "matching", "filter": {}}, "action": {"kind": "renew"}})),
            key
        );
        bulk_job(&id("org"), &id("job"));
        cancel_bulk_job(&id("org"), &id("job"));
        confirm_bulk_job(&id("org"), &id("job"));
        bulk_failures(&id("org"), &id("job"), page);
        identity_providers(&id("org"), page);
        add_identity_provider(&id("org"), &of(json!({"name": "x", "issuer": "https://login.example", "client_id": "x"})), key);
        change_identity_provider(&id("org"), &id("idp"), &of(json!({})));
        remove_identity_provider(&id("org"), &id("idp"));
        try_identity_provider(&id("org"), &id("idp"));
        sign_in_offers(&id("org"));
        begin_single_sign_on(&of(json!({"provider": id::<gangway_protocol::id::IdentityProviderId>("idp"), "purpose": "sign_in"})));
        finish_single_sign_on(
            &id("cer"),
            &of(json!({"provider": id::<gangway_protocol::id::IdentityProviderId>("idp"), "code": "x"}))
        );
        identities(page);
        unlink_identity(&id("idp"));
        permits(&id("org"), &of(json!({"kind": "ticket"})));
        make_permit(&id("org"), &of(json!({"kind": "ticket", "name": "x"})), key);
        revoke_permit(&id("org"), &id("prm"));
        replace_permit(&id("org"), &id("prm"), &of(json!({"overlap_hours": 1})));
        add_permit_serials(&id("org"), &id("prm"), &of(json!({"serials": []})));
        permit_devices(&id("org"), &id("prm"), page);
        preapprove_devices(&id("org"), &of(json!({"devices": []})));
        lobby(&id("org"), &of(json!({})));
        settle_device(&id("dev"), true);
        feeds(&id("org"), page);
        add_feed(&id("org"), &of(json!({"name": "x"})), key);
        feed(&id("org"), ChannelNumber(1));
        change_feed(&id("org"), ChannelNumber(1), &of(json!({})));
        remove_feed(&id("org"), ChannelNumber(1));
        feed_measurements(&id("org"), ChannelNumber(1), &MeasurementQuery::default());
        feed_metrics(&id("org"));
        feed_keys(&id("org"), ChannelNumber(1), page);
        add_feed_key(&id("org"), ChannelNumber(1), &of(json!({"name": "x"})), key);
        replace_feed_key(&id("org"), ChannelNumber(1), &id("fky"), &of(json!({})));
        remove_feed_key(&id("org"), ChannelNumber(1), &id("fky"));
        device_measurements(&id("dev"), &MeasurementQuery::default());
        device_measurements_csv(&id("dev"), &MeasurementQuery::default());
        webhooks(&id("org"), page);
        add_webhook(&id("org"), &of(json!({"name": "x", "url": "https://hooks.example/"})), key);
        change_webhook(&id("org"), &id("whk"), &of(json!({})));
        remove_webhook(&id("org"), &id("whk"));
        rotate_webhook_secret(&id("org"), &id("whk"));
        test_webhook(&id("org"), &id("whk"));
        webhook_deliveries(&id("org"), &id("whk"), page);
        replay_delivery(&id("org"), &id("whk"), &id("evt"));
        replay_failed(&id("org"), &id("whk"), &of(json!({"since": 0})));
        expiring_devices(&id("org"), &of(json!({})));
        members(&id("org"), page);
        change_role(&id("org"), &id("acc"), &of(json!({"role": "viewer"})));
        remove_member(&id("org"), &id("acc"));
        invitations(&id("org"), page);
        invite(&id("org"), &of(json!({"role": "viewer"})), key);
        withdraw_invitation(&id("org"), &id("lnk"));
        audit(&id("org"), &AuditQuery::default());
        audit_entry(&id("org"), 1);
        verify_audit(&id("org"));
        audit_checkpoint(&id("org"));
        audit_csv(&id("org"), &AuditQuery::default());
        audit_jsonl(&id("org"), &AuditQuery::default());
        revoke_in_bulk(&id("org"), &of(json!({"from": 0, "until": 1, "reason": "superseded", "dry_run": true})));
        approval(&id("clm"));
        approve(&id("clm"), approval);
        withdraw_approval(&id("clm"));
        record_consent(&id("clm"));
        update_signing(&id("clm"), &of(json!({"state": "refused"})));
        report_claim(&id("clm"), &of(json!({"reason": "not_mine"})));
        devices(&DeviceQuery::default());
        devices_csv(&DeviceQuery::default());
        device(&id("dev"));
        update_device(&id("dev"), &of(json!({"name": "x"})));
        device_events(&id("dev"), page);
        device_certificates(&id("dev"), page);
        request_certificate(&id("dev"), &of(json!({"csr": ""})));
        device_signing(&id("dev"), sha256);
        renew_device(&id("dev"));
        identify_device(&id("dev"));
        suspend_device(&id("dev"));
        resume_device(&id("dev"));
        revoke_device(&id("dev"), revoke);
        retire_device(&id("dev"));
        dismiss_alarm(&id("dev"));
        certificates(&CertificateQuery::default());
        certificate(sha256);
        record_delivery(sha256);
        endings_due(&id("org"), page);
        record_ending(sha256);
        revoke_certificate(sha256, revoke);
        held_certificates(page);
        readmit_certificate(sha256);
        issuer_certificate(&id("iss"));
        issuer_crl(&id("iss"));
    )
}

#[tokio::test]
async fn every_operation_has_a_method_and_every_method_an_operation() {
    let description = serde_json::to_value(gangway_server::router::description()).expect("JSON");
    let described: BTreeSet<String> = description["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().expect("operations").keys();
            methods
                .map(|method| format!("{} {}", method.to_uppercase(), without_names(path)))
                .collect::<Vec<_>>()
        })
        .collect();

    let sent = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = Arc::clone(&sent);
    let api = Api::new(Arc::new(InProcess::new(move |request: ApiRequest| {
        let path = request.path.split('?').next().unwrap_or_default();
        let operation = format!("{} {}", request.method, without_ids(path));
        kept.lock().expect("nobody panics with it").insert(operation);
        std::future::ready(Err(TransportError::TimedOut { secs: 0 }))
    })));
    call_everything(&api).await;
    let mut sent = sent.lock().expect("nobody panics with it").clone();
    sent.extend(NOT_CALLED.map(str::to_owned));

    let missing: Vec<_> = described.difference(&sent).collect();
    let invented: Vec<_> = sent.difference(&described).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "no method for {missing:?}; no operation for {invented:?}"
    );
}

both_engines!(
    async fn every_answer_is_understood(server: Server) {
        let token = server
            .new_token(None, &[TokenScope::Enrol, TokenScope::FleetRead])
            .await;
        let api = client(
            &server,
            Some((header::AUTHORIZATION, format!("Bearer {}", token.expose()))),
        );

        for (method, error) in call_everything(&api).await {
            match error {
                None | Some(ApiError::Problem(_)) => {}
                Some(other) => panic!("{method}: {other:?}"),
            }
        }

        let account = api.account().await.expect("whose token it is");
        let organisations = api
            .organisations(&PageQuery::default())
            .await
            .expect("where it holds")
            .items;
        assert_eq!(account.organisations, organisations);
        let signers = api
            .signers(&organisations[0].id, &PageQuery::default())
            .await
            .expect("signers")
            .items;
        assert_eq!(signers.len(), 1, "the built-in CA is there from the beginning");
        let devices = api.devices(&DeviceQuery::default()).await.expect("the fleet");
        assert!(devices.items.is_empty() && devices.next.is_none());
    }
);

/// `/api/v1/devices/{id}` as `/api/v1/devices/{}`.
fn without_names(path: &str) -> String {
    replace(path, |part| part.starts_with('{'))
}

/// The same for a path that is filled.
fn without_ids(path: &str) -> String {
    replace(path, |part| {
        part.ends_with("_0000000001zzzzzzzzzzzzzzzz") || part.len() == 64 || part == "current" || part == "1"
    })
}

fn replace(path: &str, is_place: impl Fn(&str) -> bool) -> String {
    let parts = path
        .split('/')
        .map(|part| if is_place(part) { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
