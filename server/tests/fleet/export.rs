//! The export: the same devices as the list, as CSV that spreadsheets read and cannot be harmed by.

use axum::body::Body;
use gangway_protocol::device::DeviceQuery;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use http::{Request, header};
use http_body_util::BodyExt as _;

use super::{approved, named, query};
use crate::support::both_engines;
use crate::support::member::Member;
use crate::support::visitor::Visitor as _;

/// Fields of the header that these tests look at.
const NAME: usize = 2;
const LABELS: usize = 3;
const HOSTNAME: usize = 8;

/// Reads CSV as RFC 4180 says, and nothing more lenient.
pub(crate) fn read_csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut rest) = (false, text.chars().peekable());
    while let Some(character) = rest.next() {
        let row = rows.last_mut().expect("there is a row");
        let field = row.last_mut().expect("there is a field");
        match (character, quoted) {
            ('"', true) if rest.next_if_eq(&'"').is_some() => field.push('"'),
            ('"', true) => quoted = false,
            ('"', false) => {
                assert!(field.is_empty(), "a quote inside a field: {row:?}");
                quoted = true;
            }
            (',', false) => row.push(String::new()),
            ('\r', false) => {
                assert_eq!(rest.next(), Some('\n'), "lines end with CRLF");
                rows.push(vec![String::new()]);
            }
            (other, _) => field.push(other),
        }
    }
    assert_eq!(
        rows.pop(),
        Some(vec![String::new()]),
        "the last line ends like every other"
    );
    rows
}

async fn export(member: &Member, query: &DeviceQuery) -> Vec<Vec<String>> {
    let bytes = member.api.devices_csv(query).await.expect("a file");
    let rows = read_csv(&String::from_utf8(bytes).expect("UTF-8"));
    assert!(
        rows.iter().all(|row| row.len() == rows[0].len()),
        "as many fields as names"
    );
    rows
}

both_engines!(
    /// Threat model: WEB-3.
    async fn fields_come_through_as_they_are_and_never_as_formulas(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let awkward = [
            ("plain", "plain"),
            ("a, \"b\"", "a, \"b\""),
            ("Größe 7 °C; 50 %", "Größe 7 °C; 50 %"),
            (
                "=HYPERLINK(\"https://evil.example\")",
                "'=HYPERLINK(\"https://evil.example\")",
            ),
            ("+1+1", "'+1+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1+1", "'＝1+1"),
        ];
        for (name, _) in awkward {
            approved(&server, &ada, |request| {
                request.name = Some(name.to_owned());
                request.labels = vec![name.to_owned()];
                request.facts.hostname = name.to_owned();
            })
            .await;
        }
        let rows = export(&ada, &query(|q| q.sort = Some("created_at".to_owned()))).await;
        assert_eq!(
            rows[0][..5],
            ["id", "organisation", "name", "labels", "state"].map(str::to_owned)
        );
        assert_eq!(rows.len(), awkward.len() + 1);
        for (row, (_, expected)) in rows[1..].iter().zip(awkward) {
            for field in [NAME, LABELS, HOSTNAME] {
                assert_eq!(row[field], expected);
            }
        }
    }
);

both_engines!(
    async fn the_export_has_the_filters_and_the_order_of_the_list(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let operator = server.member(&home, Role::Operator, "Olga").await;
        for name in ["gate b", "door", "gate a"] {
            named(&server, &operator, name).await;
        }
        let gates = query(|q| (q.query, q.sort) = (Some("gate".to_owned()), Some("name".to_owned())));
        let rows = export(&ada, &gates).await;
        let names: Vec<&str> = rows[1..].iter().map(|row| row[NAME].as_str()).collect();
        assert_eq!(names, ["gate a", "gate b"]);
        let none = export(&ada, &query(|q| q.query = Some("window".to_owned()))).await;
        assert_eq!(none.len(), 1, "the header alone");
        let odd = ada
            .api
            .devices_csv(&query(|q| q.sort = Some("age".to_owned())))
            .await;
        assert_eq!(odd.expect_err("no such order").code(), Some(ProblemCode::Invalid));
    }
);

both_engines!(
    async fn a_large_fleet_is_written_while_it_is_sent(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let first = named(&server, &ada, "gate").await;
        server.multiply(&first.id, 2_499).await;

        let mut request = Request::get(path::DEVICES_CSV)
            .body(Body::empty())
            .expect("a request");
        request.headers_mut().extend(ada.headers());
        let response = server.send(request).await;
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/csv; charset=utf-8; header=present"
        );
        assert_eq!(
            response.headers()[header::CONTENT_DISPOSITION],
            "attachment; filename=\"devices.csv\""
        );
        let mut body = response.into_body();
        let (mut text, mut largest, mut parts) = (String::new(), 0, 0);
        while let Some(frame) = body.frame().await {
            let data = frame.expect("it goes on").into_data().expect("data");
            (largest, parts) = (largest.max(data.len()), parts + 1);
            text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
        }
        let rows = read_csv(&text);
        let ids: std::collections::BTreeSet<&String> = rows[1..].iter().map(|row| &row[0]).collect();
        assert_eq!((rows.len(), ids.len()), (2_501, 2_500), "each device once");
        assert!(
            parts >= 3 && largest < 512 * 1024,
            "{parts} parts, the largest of {largest} bytes"
        );
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn an_export_ends_with_the_right_to_it(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let bea = server.member(&home, Role::Viewer, "Bea").await;
        let first = named(&server, &owner, "gate").await;
        server.multiply(&first.id, 2_499).await;
        let mut request = Request::get(path::DEVICES_CSV)
            .body(Body::empty())
            .expect("a request");
        request.headers_mut().extend(bea.headers());
        let mut body = server.send(request).await.into_body();
        body.frame().await.expect("it begins").expect("the first devices");
        let removed = owner.api.remove_member(&home, &bea.account).await;
        removed.expect("not a member any more");
        let next = body.frame().await.expect("the answer is not whole");
        assert!(next.is_err(), "it is cut off, and says so");
    }
);

both_engines!(
    async fn json_lines_are_the_devices_of_the_list(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let pump = named(&server, &ada, "Pump").await;
        server.multiply(&pump.id, 1_500).await;
        named(&server, &ada, "Gate").await;
        let bytes = ada
            .api
            .devices_jsonl(&DeviceQuery::default())
            .await
            .expect("a file");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let devices: Vec<gangway_protocol::device::Device> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a device on each line"))
            .collect();
        assert_eq!(devices.len(), 1_502);
        assert_eq!(devices[0].name, "Gate", "in the order of the list");
        let gates = query(|q| q.query = Some("gate".to_owned()));
        let bytes = ada.api.devices_jsonl(&gates).await.expect("a file");
        assert_eq!(String::from_utf8(bytes).expect("UTF-8").lines().count(), 1);
    }
);
