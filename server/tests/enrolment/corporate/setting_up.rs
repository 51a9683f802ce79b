//! Who may give the server an address to connect to, and what becomes of the credential.

use gangway_client::IdempotencyKey;
use gangway_protocol::page::PageQuery;
use gangway_protocol::signer::SignerRequest;

use super::*;

both_engines!(
    /// Threat model: ENR-33.
    async fn only_the_operator_says_where_the_server_connects_to(server: Server) {
        for dialect in DIALECTS {
            let works = Works::new(&server, dialect).await;
            let own = server.member(&works.home, Role::Owner, "Olga").await;
            let request = SignerRequest {
                name: "Mine".to_owned(),
                kind: works.ca.kind(),
                least_role: Role::Installer,
            };
            let key = IdempotencyKey::new([7; 16]);
            let added = own.api.add_signer(&works.home, &request, &key).await;
            let said = added.as_ref().expect_err("refused").to_string();
            assert!(said.contains("gangway admin signer add"), "{said}");
            assert_eq!(problem(added), ProblemCode::Invalid);
            let moved = SignerUpdate {
                configuration: Some(works.ca.kind()),
                ..SignerUpdate::default()
            };
            let changed = own.api.change_signer(&works.home, &works.signer.id, &moved).await;
            assert_eq!(problem(changed), ProblemCode::Invalid);
            let renamed = SignerUpdate {
                name: Some("Works CA, Hall 3".to_owned()),
                position: Some(0),
                least_role: Some(Role::Operator),
                ..SignerUpdate::default()
            };
            let changed = own
                .api
                .change_signer(&works.home, &works.signer.id, &renamed)
                .await;
            assert_eq!(changed.expect("that is theirs").name, "Works CA, Hall 3");
            assert_eq!(works.ca.asked(), Vec::<String>::new());
            own.api
                .remove_signer(&works.home, &works.signer.id)
                .await
                .expect("it was never used");
        }
        let left = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM signer_credentials")
            .await;
        assert_eq!(left, "0", "credentials go with their signer");
    }
);

both_engines!(
    /// Threat model: ENR-33.
    async fn a_credential_is_told_to_nobody_and_kept_sealed(server: Server) {
        for dialect in DIALECTS {
            let works = Works::new(&server, dialect).await;
            let secret = match dialect {
                Dialect::StepCa => "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
                Dialect::Est | Dialect::Vault => "hunter2",
            };
            assert!(works.ca.credential().to_string().contains(secret));
            works.in_fleet(&server).await;
            let shown = works.ada.api.signers(&works.home, &PageQuery::default()).await;
            let shown = serde_json::to_string(&shown.expect("signers")).expect("JSON");
            assert!(shown.contains("Works CA") && !shown.contains(secret));
            for table in ["signer_credentials", "signers", "audit"] {
                let column = match table {
                    "signer_credentials" => "sealed",
                    "signers" => "kind",
                    _ => "detail",
                };
                let rows: Vec<(String,)> = server
                    .query(match table {
                        "signer_credentials" => "SELECT sealed FROM signer_credentials",
                        "signers" => "SELECT kind FROM signers",
                        _ => "SELECT detail FROM audit",
                    })
                    .await;
                assert!(!rows.is_empty(), "{table}.{column}");
                assert!(
                    rows.iter().all(|(text,)| !text.contains(secret)),
                    "{table}.{column}"
                );
            }
        }
    }
);

both_engines!(
    async fn a_client_certificate_serves_for_est(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let ca = FakeCa::start_with(&server, Dialect::Est, true).await;
        let signer = ca.add_to(&server, &home).await;
        let works = Works {
            home,
            ada,
            ca,
            signer,
        };
        works.in_fleet(&server).await;
        assert_eq!(works.ca.signed(), 1);
    }
);
