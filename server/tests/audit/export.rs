//! The record as a file: all of it, however long, and harmless to spreadsheets.

use axum::body::Body;
use gangway_protocol::audit::AuditEntry;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use http::{Request, header};
use http_body_util::BodyExt as _;

use super::{all_of, asked};
use crate::fleet::read_csv;
use crate::organisations::made;
use crate::support::visitor::Visitor as _;
use crate::support::{both_engines, csr};

both_engines!(
    /// Threat model: WEB-3.
    async fn a_long_record_is_written_while_it_is_sent(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        server.fill_record(&home, 20_000).await;
        for (path, kind, name) in [
            (
                path::audit_csv(&home),
                "text/csv; charset=utf-8; header=present",
                "audit.csv",
            ),
            (path::audit_jsonl(&home), "application/jsonl", "audit.jsonl"),
        ] {
            let mut request = Request::get(path).body(Body::empty()).expect("a request");
            request.headers_mut().extend(ada.headers());
            let response = server.send(request).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
            assert_eq!(
                response.headers()[header::CONTENT_DISPOSITION],
                format!("attachment; filename=\"{name}\"").as_str()
            );
            let mut body = response.into_body();
            let (mut text, mut largest) = (String::new(), 0);
            while let Some(frame) = body.frame().await {
                let data = frame.expect("it goes on").into_data().expect("data");
                largest = largest.max(data.len());
                text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
            }
            assert!(largest < 1024 * 1024, "a piece of {largest} bytes");
            let places: Vec<u64> = if kind == "application/jsonl" {
                let entry = |line| serde_json::from_str::<AuditEntry>(line).expect("an entry");
                text.lines().map(|line| entry(line).seq).collect()
            } else {
                let rows = read_csv(&text);
                assert_eq!(rows[1][9], "'=1+1", "no formula");
                rows[1..]
                    .iter()
                    .map(|row| row[1].parse().expect("a place"))
                    .collect()
            };
            assert!(places.iter().copied().eq((1..=20_000).rev()), "each once, {name}");
        }
    }
);

both_engines!(
    async fn the_export_has_the_filters_and_the_words_of_the_list(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let hall = made(&ada, &home, "Hall").await;
        for place in [&home, &hall] {
            server.at(&ada, place).enrol(&server, &csr::key()).await;
        }
        let devices = asked(|q| q.action = Some("device.".to_owned()));
        let mut listed = all_of(&ada, &home, &devices, 200).await;
        let bytes = ada.api.audit_jsonl(&home, &devices).await.expect("a file");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let mut written: Vec<AuditEntry> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an entry"))
            .collect();
        let place = |entry: &AuditEntry| (entry.organisation.clone(), std::cmp::Reverse(entry.seq));
        assert!(
            written
                .chunk_by(|one, next| one.organisation == next.organisation)
                .count()
                == 2,
            "one organisation after the other"
        );
        written.sort_by_key(place);
        listed.sort_by_key(place);
        assert_eq!(written, listed);
        let none = asked(|q| q.action = Some("token.".to_owned()));
        let bytes = ada.api.audit_csv(&home, &none).await.expect("a file");
        assert_eq!(
            read_csv(&String::from_utf8(bytes).expect("UTF-8")).len(),
            1,
            "the header alone"
        );
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn an_export_of_the_record_ends_with_the_right_to_it(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let bea = server.member(&home, Role::Admin, "Bea").await;
        server.fill_record(&home, 2_500).await;
        let mut request = Request::get(path::audit_csv(&home))
            .body(Body::empty())
            .expect("a request");
        request.headers_mut().extend(bea.headers());
        let mut body = server.send(request).await.into_body();
        body.frame().await.expect("it begins").expect("the first entries");
        let removed = owner.api.remove_member(&home, &bea.account).await;
        removed.expect("not a member any more");
        let next = body.frame().await.expect("the answer is not whole");
        assert!(next.is_err(), "it is cut off, and says so");
        assert!(body.frame().await.is_none(), "and ends there");
    }
);
