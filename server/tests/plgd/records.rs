//! What stands: listed, deleted, ended with its owner's right.

use gangway_protocol::account::TokenScope;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use gangway_server::db::accounts::owner_uuid;
use http::{Method, StatusCode, header};
use serde_json::Value;

use super::{
    PUMP, RECORDS, VALVE, at, chain_of, elements, own_name, pem_of, refusal, serial_of, speaking_plgd,
};
use crate::support::member::Member;
use crate::support::{START, csr};

const CESSATION_OF_OPERATION: usize = 5;
const PRIVILEGE_WITHDRAWN: usize = 9;

speaking_plgd!(
    async fn records_are_streamed_with_an_empty_line_behind_each(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let records = at(&home, RECORDS);
        assert_eq!(server.get(&ada, &records).await.body, b"");
        let signed = server.identify(&ada, &csr::key(), PUMP).await;
        server.identify(&ada, &csr::key(), VALVE).await;
        server.identify(&ada, &csr::key(), &own_name(&ada)).await;

        let reply = server.get(&ada, &records).await;
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
        let text = String::from_utf8(reply.body.clone()).expect("text");
        assert_eq!(text.matches("}\n\n").count(), 3, "{text}");
        assert_eq!(text.matches('\n').count(), 6, "{text}");

        let device = PUMP.trim_start_matches("uuid:");
        let found = server
            .records_of(&ada, &format!("?DEVICEIDFILTER={}", device.to_uppercase()))
            .await;
        let [record] = &found[..] else {
            panic!("one record, not {found:?}")
        };
        assert_eq!(record["owner"], owner_uuid(&ada.account).to_string());
        assert_eq!(record["commonName"], PUMP);
        assert_eq!(record["deviceId"], device);
        assert_eq!(record["creationDate"], format!("{}000000", START.0));
        let credential = &record["credential"];
        assert_eq!(credential["certificatePem"], pem_of(&signed));
        let serial = u128::from_str_radix(&serial_of(&signed), 16).expect("a number");
        assert_eq!(credential["serial"], serial.to_string());
        let until = chain_of(&signed)[0].tbs_certificate.validity.not_after;
        let until = until.to_unix_duration().as_nanos().to_string();
        assert_eq!(credential["validUntilDate"], until);

        // Filters are read in whatever case, repeated, and each adds what it names.
        let id = record["id"].as_str().expect("an id");
        let both = format!("?idFilter={id}&commonnamefilter={VALVE}&commonNameFilter={PUMP}");
        assert_eq!(server.records_of(&ada, &both).await.len(), 2);
        assert_eq!(server.records_of(&ada, "?idFilter=x").await.len(), 0);
        let own: Vec<Value> = server
            .records_of(&ada, &format!("?commonNameFilter={}", own_name(&ada)))
            .await;
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].get("deviceId"), None, "what is empty is left out");
        let accept = [(header::ACCEPT, "application/protojson")];
        let reply = server.call_with(&ada, Method::GET, &records, None, &accept).await;
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/jsonpb");
        assert!(elements(&reply).iter().any(|one| one["result"]["deviceId"] == ""));
    }
);

speaking_plgd!(
    async fn more_records_than_are_read_at_a_time_come_whole(server: Server) {
        let home = server.organisation("Works").await;
        let program = server.program(&home, &[TokenScope::Enrol]).await;
        let key = csr::key();
        for number in 0..205 {
            let name = format!("uuid:5f3a1c2e-9d74-4b10-8f55-{number:012}");
            assert_eq!(
                server.identify(&program, &key, &name).await.status,
                StatusCode::OK
            );
        }
        let found = server.records_of(&program, "").await;
        let mut ids: Vec<&str> = found.iter().filter_map(|record| record["id"].as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 205);
        assert!(ids.is_sorted());
    }
);

speaking_plgd!(
    async fn deleting_revokes_and_forgets(server: Server) {
        let home = server.organisation("Works").await;
        let program = server.program(&home, &[TokenScope::Enrol]).await;
        let pump = serial_of(&server.identify(&program, &csr::key(), PUMP).await);
        let valve = serial_of(&server.identify(&program, &csr::key(), VALVE).await);
        server.identify(&program, &csr::key(), &own_name(&program)).await;
        let records = at(&home, RECORDS);
        let device = PUMP.trim_start_matches("uuid:");
        let found = server
            .records_of(&program, &format!("?commonNameFilter={VALVE}"))
            .await;
        let id = found[0]["id"].as_str().expect("an id");
        let place = format!("{records}?deviceIdFilter={device}&idFilter={id}&idFilter=unknown");
        let deleted: Value = server.delete(&program, &place).await.json();
        assert_eq!(deleted["count"], "2");
        let again: Value = server.delete(&program, &place).await.json();
        assert_eq!(again["count"], "0");
        assert_eq!(server.records_of(&program, "").await.len(), 1);
        let listed = server.listed().await;
        assert_eq!(listed[&pump], CESSATION_OF_OPERATION);
        assert_eq!(listed[&valve], CESSATION_OF_OPERATION);
        assert_eq!(listed.len(), 2);
        assert_eq!(server.records("plgd.certificate_revoked").await, 2);
    }
);

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn a_deletion_that_names_nothing_deletes_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        server.identify(&ada, &csr::key(), PUMP).await;
        for query in ["", "?idFilter=", "?commonNameFilter=x", "?idFilterr=x"] {
            let reply = server
                .delete(&ada, &format!("{}{query}", at(&home, RECORDS)))
                .await;
            let message = refusal(&reply, StatusCode::BAD_REQUEST, 3);
            assert!(
                message.starts_with("cannot delete signing records: name what"),
                "{message}"
            );
        }
        let many = format!("{}?{}", at(&home, RECORDS), "idFilter=x&".repeat(201));
        refusal(&server.delete(&ada, &many).await, StatusCode::BAD_REQUEST, 3);
        assert_eq!(server.records_of(&ada, "").await.len(), 1);
        assert!(server.listed().await.is_empty());
    }
);

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn everybody_sees_their_own_and_who_runs_the_devices_sees_all(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let olga = server.member(&home, Role::Operator, "Olga").await;
        let viewer = server.member(&home, Role::Viewer, "Vera").await;
        let program = server
            .program(&home, &[TokenScope::Enrol, TokenScope::FleetRead])
            .await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        server.identify(&ada, &csr::key(), PUMP).await;
        server.identify(&eve, &csr::key(), VALVE).await;
        let seen = async |member: &Member| server.records_of(member, "").await.len();
        assert_eq!(seen(&ada).await, 1);
        assert_eq!(seen(&ben).await, 0);
        assert_eq!(seen(&program).await, 0, "a token sees its account's own");
        assert_eq!(seen(&olga).await, 1);
        let records = at(&home, RECORDS);
        refusal(&server.get(&viewer, &records).await, StatusCode::FORBIDDEN, 7);
        refusal(&server.get(&eve, &records).await, StatusCode::NOT_FOUND, 5);

        let device = PUMP.trim_start_matches("uuid:");
        let place = format!("{records}?deviceIdFilter={device}");
        for stranger in [&ben, &program] {
            let deleted: Value = server.delete(stranger, &place).await.json();
            assert_eq!(deleted["count"], "0");
        }
        // What belongs to somebody else takes a passkey proved just now; one's own does not.
        server.clock.advance(6 * UnixMillis::MINUTE);
        refusal(&server.delete(&olga, &place).await, StatusCode::FORBIDDEN, 7);
        let deleted: Value = server.delete(&ada, &place).await.json();
        assert_eq!(deleted["count"], "1");
    }
);

speaking_plgd!(
    /// Threat model: ACC-12, ENR-30.
    async fn what_names_a_person_ends_with_their_right_to_it(server: Server) {
        let owner = server.owner().await;
        let home = owner.organisation();
        let ada = server.invited(&owner, Role::Installer).await;
        let own = serial_of(&server.identify(&ada, &csr::key(), &own_name(&ada)).await);
        server.identify(&ada, &csr::key(), PUMP).await;
        let removed = server.delete(&owner, &path::member(&home, &ada.account.id)).await;
        assert!(removed.status.is_success(), "{removed}");
        let listed = server.listed().await;
        assert_eq!(
            listed.into_iter().collect::<Vec<_>>(),
            [(own, PRIVILEGE_WITHDRAWN)]
        );
        let left = server.records_of(&owner, "").await;
        assert_eq!(left.len(), 1, "the device keeps its own, and somebody sees it");
        assert_eq!(left[0]["commonName"], PUMP);
        server.verify_audit().await.expect("the record holds");
    }
);
