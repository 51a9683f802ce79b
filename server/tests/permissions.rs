//! Who may do what: every operation under the paths that name an organisation, a device or a certificate, asked by every role at that
//! organisation, above it, beside it, below it, and of another customer. What comes of it is `docs/permissions.md`.

use std::collections::BTreeMap;

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_server::router::description;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::visitor::Reply;
use crate::support::{Server, both_engines, csr};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.md");
/// Set to have the table written instead of compared.
const REWRITE: &str = "GANGWAY_WRITE_PERMISSIONS";

/// What an operation is about, by what its path begins with.
const ABOUT: [&str; 3] = [
    "/api/v1/organisations/{id}",
    "/api/v1/devices/{id}",
    "/api/v1/certificates/{sha256}",
];

/// An operation with its path filled in.
#[derive(Clone)]
struct Call {
    /// As the description names it.
    name: String,
    method: Method,
    path: String,
    body: Option<Value>,
}

/// What is asked about.
struct Scene {
    organisation: OrganisationId,
    device: String,
    certificate: String,
    key: String,
}

impl Scene {
    /// Every operation about it, or the same about what there is not.
    fn calls(&self) -> Vec<Call> {
        let mut calls = vec![Call {
            name: "POST /api/v1/organisations".to_owned(),
            method: Method::POST,
            path: "/api/v1/organisations".to_owned(),
            body: Some(json!({"parent": self.organisation, "name": "Below"})),
        }];
        let described = serde_json::to_value(description()).expect("JSON");
        for (path, operations) in described["paths"].as_object().expect("paths") {
            let Some(about) = ABOUT.iter().find(|about| path.starts_with(*about)) else {
                continue;
            };
            for (method, operation) in operations.as_object().expect("operations") {
                let Ok(method) = method.to_uppercase().parse::<Method>() else {
                    continue;
                };
                let name = format!("{method} {path}");
                let takes_body = operation.get("requestBody").is_some();
                calls.push(Call {
                    body: takes_body.then(|| self.body(&name)),
                    path: self.fill(about, path),
                    method,
                    name,
                });
            }
        }
        calls
    }

    fn fill(&self, about: &str, path: &str) -> String {
        let id = match about {
            _ if about == ABOUT[0] => self.organisation.as_str(),
            _ if about == ABOUT[1] => &self.device,
            _ => &self.certificate,
        };
        path.replace("{id}", id)
            .replace("{sha256}", id)
            .replace("{spki_sha256}", &self.key)
            .replace("{seq}", "1")
            .replace("{account}", "acc_00000000000000000000000000")
            .replace("{link}", "lnk_00000000000000000000000000")
            .replace("{signer}", "sgn_00000000000000000000000000")
            .replace("{webhook}", "whk_00000000000000000000000000")
            .replace("{permit}", "prm_00000000000000000000000000")
            .replace("{job}", "job_00000000000000000000000000")
            .replace("{provider}", "idp_00000000000000000000000000")
            .replace("{channel}", "4711")
            .replace("{key}", "fky_00000000000000000000000000")
            .replace("{event}", "evt_00000000000000000000000000")
    }

    /// A body that its reader takes. What it asks for changes nothing that another call needs.
    fn body(&self, name: &str) -> Value {
        match name {
            "PATCH /api/v1/organisations/{id}"
            | "PATCH /api/v1/organisations/{id}/policy"
            | "PATCH /api/v1/organisations/{id}/signers/{signer}"
            | "PATCH /api/v1/organisations/{id}/webhooks/{webhook}"
            | "PATCH /api/v1/organisations/{id}/identity-providers/{provider}"
            | "PATCH /api/v1/organisations/{id}/feeds/{channel}"
            | "POST /api/v1/organisations/{id}/feeds/{channel}/keys/{key}/replacement"
            | "PATCH /api/v1/devices/{id}" => json!({}),
            "POST /api/v1/organisations/{id}/feeds"
            | "POST /api/v1/organisations/{id}/feeds/{channel}/keys" => {
                json!({"name": "Thermometer"})
            }
            "POST /api/v1/organisations/{id}/invitations" => json!({"role": "viewer"}),
            "PATCH /api/v1/organisations/{id}/members/{account}"
            | "PUT /api/v1/organisations/{id}/members/{account}" => json!({"role": "viewer"}),
            "POST /api/v1/organisations/{id}/revocations" => {
                json!({"from": 0, "until": 1, "reason": "unspecified", "dry_run": true, "address": "192.0.2.1"})
            }
            "POST /api/v1/organisations/{id}/signers" => json!({"name": "CA", "kind": "builtin"}),
            "POST /api/v1/organisations/{id}/bulk-jobs" => {
                json!({"selection": {"kind": "matching", "filter": {}}, "action": {"kind": "renew"}})
            }
            "POST /api/v1/organisations/{id}/identity-providers" => {
                json!({"name": "Login", "issuer": "https://login.example", "client_id": "gangway"})
            }
            "POST /api/v1/organisations/{id}/webhooks" => {
                json!({"name": "Hook", "url": "https://hooks.example/"})
            }
            "POST /api/v1/organisations/{id}/permits" => {
                json!({"kind": "registration_key", "name": "Hall 3"})
            }
            "POST /api/v1/organisations/{id}/permits/{permit}/replacement" => json!({"overlap_hours": 1}),
            "POST /api/v1/organisations/{id}/permits/{permit}/serials" => json!({"serials": []}),
            "POST /api/v1/organisations/{id}/preapprovals" => json!({"devices": []}),
            "POST /api/v1/devices/{id}/admission" => json!({"admit": false}),
            "POST /api/v1/organisations/{id}/webhooks/{webhook}/replays" => json!({"since": 0}),
            "POST /api/v1/devices/{id}/certificates" => json!({"csr": csr::csr(&csr::key())}),
            "PUT /api/v1/devices/{id}/organisation" => json!({"organisation": self.organisation}),
            "POST /api/v1/devices/{id}/revocation" | "POST /api/v1/certificates/{sha256}/revocation" => {
                json!({"reason": "superseded"})
            }
            other => panic!("{other} is new: say here with which body it is asked"),
        }
    }
}

async fn ask(server: &Server, who: &Member, call: &Call) -> Reply {
    server
        .call(who, call.method.clone(), &call.path, call.body.clone())
        .await
}

/// What a reply tells, without what is a request's own.
fn told(reply: &Reply) -> (StatusCode, Vec<u8>) {
    (reply.status, reply.body.clone())
}

both_engines!(
    /// Threat model: ACC-19.
    async fn each_operation_is_for_the_roles_in_the_table_and_for_nobody_else(server: Server) {
        let customer = server.organisation("Customer").await;
        let admin = server.member(&customer, Role::Owner, "Olga").await;
        let foreign = server.organisation("Foreign").await;
        let organisation = crate::organisations::made(&admin, &customer, "Here").await;
        let beside = crate::organisations::made(&admin, &customer, "Beside").await;
        let below = crate::organisations::made(&admin, &organisation, "Below").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &server.at(&admin, &organisation)).await;
        let scene = Scene {
            organisation: organisation.clone(),
            device: certificate.device.to_string(),
            certificate: certificate.sha256.to_string(),
            key: certificate.spki_sha256.to_string(),
        };
        drop(device);
        let nothing = Scene {
            organisation: "org_00000000000000000000000000".parse().expect("an id"),
            device: "dev_00000000000000000000000000".to_owned(),
            certificate: "0".repeat(64),
            key: "0".repeat(64),
        };
        let mut table: BTreeMap<String, [&str; 5]> = BTreeMap::new();
        for (number, role) in Role::ALL.into_iter().enumerate() {
            let own = server.member(&organisation, role, "Own").await;
            let above = server.member(&customer, role, "Above").await;
            let strangers = [
                server.member(&beside, role, "Beside").await,
                server.member(&below, role, "Below").await,
                server.member(&foreign, role, "Foreign").await,
            ];
            for (call, unknown) in scene.calls().into_iter().zip(nothing.calls()) {
                let mut allowed = [false; 2];
                for (place, who) in [&own, &above].into_iter().enumerate() {
                    let reply = ask(&server, who, &call).await;
                    assert!(
                        !reply.status.is_server_error(),
                        "{} by {role:?}: {reply}",
                        call.name
                    );
                    allowed[place] = reply.status != StatusCode::FORBIDDEN;
                }
                let cell = match allowed {
                    [true, true] => "yes",
                    [false, true] => "from above",
                    [false, false] => "–",
                    [true, false] => panic!(
                        "{}: {role:?} may do here what they may not do from above",
                        call.name
                    ),
                };
                table.entry(call.name.clone()).or_insert(["–"; 5])[number] = cell;
                for stranger in &strangers {
                    let (real, none) = (
                        ask(&server, stranger, &call).await,
                        ask(&server, stranger, &unknown).await,
                    );
                    assert_eq!(
                        real.status,
                        StatusCode::NOT_FOUND,
                        "{} by {role:?}: {real}",
                        call.name
                    );
                    assert_eq!(told(&real), told(&none), "{} by {role:?}", call.name);
                }
            }
        }
        let written = written(&table);
        #[expect(
            clippy::disallowed_methods,
            reason = "a switch of the test, not of the server"
        )]
        let rewrite = std::env::var_os(REWRITE).is_some();
        if rewrite {
            std::fs::write(TABLE, &written).expect("the table is written");
        }
        let kept = std::fs::read_to_string(TABLE).unwrap_or_default();
        assert_eq!(
            kept, written,
            "docs/permissions.md says something else: run this test with {REWRITE}=1 and look"
        );
    }
);

fn written(table: &BTreeMap<String, [&str; 5]>) -> String {
    let mut text = "# Who may do what

What each role may do at an organisation, its devices and their certificates. A role holds at the organisation of the membership and
below it: *yes* means there and from every organisation above, *from above* only by a role in an organisation above. Everybody
else is answered as if there were no such thing. An installer also sees and may have certified what they enrolled themselves.

Written by the test `each_operation_is_for_the_roles_in_the_table_and_for_nobody_else`, which asks each of them.

| operation | viewer | installer | operator | admin | owner |
| --- | --- | --- | --- | --- | --- |
"
    .to_owned();
    for (operation, cells) in table {
        let operation = operation.replace("/api/v1", "");
        text.push_str(&format!("| `{operation}` | {} |\n", cells.join(" | ")));
    }
    text
}
