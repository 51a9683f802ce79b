//! Channels as clients of ThingSpeak read them: golden answers of each form, every parameter, and who is refused.

use http::header;
use serde_json::{Value, json};

use super::{Channel, ask, post};
use crate::support::{Engine, Server, both_engines};

/// A channel with four entries, a quarter of an hour apart, the last at 07:45.
async fn measured(server: &Server) -> Channel {
    let channel = Channel::new(server).await;
    for (minute, query) in [
        (0, "field1=20.5&field2=40&status=begun"),
        (15, "field1=21.25&field2=41&lat=48.15&long=17.11&elevation=140"),
        (30, "field1=22.125"),
        (45, "field1=19&field2=44"),
    ] {
        let query = format!("{query}&created_at=2027-01-15T07:{minute:02}:00Z");
        assert_eq!(channel.update(server, &query).await.status, 200);
    }
    channel
}

both_engines!(
    async fn feeds_have_the_originals_forms(server: Server) {
        let channel = measured(&server).await;
        let id = channel.number;
        let json = channel.read(&server, "feeds.json?results=2").await;
        assert_eq!(
            json.headers[header::CONTENT_TYPE],
            "application/json; charset=utf-8"
        );
        assert_eq!(
            json.text,
            format!(
                "{{\"channel\":{{\"id\":{id},\"name\":\"Thermometer\",\"field1\":\"Field 1\",\"field2\":\"Field 2\",\
                 \"created_at\":\"2027-01-15T08:00:00Z\",\"updated_at\":\"2027-01-15T07:45:00Z\",\"last_entry_id\":4}},\
                 \"feeds\":[{{\"created_at\":\"2027-01-15T07:30:00Z\",\"entry_id\":3,\"field1\":\"22.125\",\"field2\":null}},\
                 {{\"created_at\":\"2027-01-15T07:45:00Z\",\"entry_id\":4,\"field1\":\"19\",\"field2\":\"44\"}}]}}"
            )
        );
        let csv = channel.read(&server, "feeds.csv?results=2").await;
        assert_eq!(
            csv.text,
            "created_at,entry_id,field1,field2\n2027-01-15 07:30:00 UTC,3,22.125,\n2027-01-15 07:45:00 UTC,4,19,44\n"
        );
        let xml = channel.read(&server, "feeds.xml?results=1").await;
        assert_eq!(
            xml.text,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel>\n  <id type=\"integer\">{id}</id>\n  \
                 <name>Thermometer</name>\n  <field1>Field 1</field1>\n  <field2>Field 2</field2>\n  \
                 <created-at type=\"dateTime\">2027-01-15T08:00:00Z</created-at>\n  \
                 <updated-at type=\"dateTime\">2027-01-15T07:45:00Z</updated-at>\n  \
                 <last-entry-id type=\"integer\">4</last-entry-id>\n  <feeds type=\"array\">\n    <feed>\n      \
                 <created-at type=\"dateTime\">2027-01-15T07:45:00Z</created-at>\n      \
                 <entry-id type=\"integer\">4</entry-id>\n      <field1>19</field1>\n      <field2>44</field2>\n    \
                 </feed>\n  </feeds>\n</channel>\n"
            )
        );
        // Older clients say it in the singular, and without an ending.
        for same in ["feed.json?results=2", "feeds?results=2"] {
            assert_eq!(channel.read(&server, same).await.text, json.text, "{same}");
        }
        let one = channel.read(&server, "fields/2.json?results=4").await.json();
        assert_eq!(one["channel"]["field1"], "Field 1");
        assert_eq!(
            one["feeds"][3],
            json!({"created_at": "2027-01-15T07:45:00Z", "entry_id": 4, "field2": "44"})
        );
        assert_eq!(
            channel.read(&server, "field/field2.json?results=4").await.json(),
            one
        );
    }
);

both_engines!(
    async fn last_entries_fields_and_statuses_are_found(server: Server) {
        let channel = measured(&server).await;
        channel.read(&server, "fields/2/last").await.is(200, "44");
        channel
            .read(&server, "fields/1/last.txt?prepend=%5B&append=%5D")
            .await
            .is(200, "[19]");
        channel
            .read(&server, "fields/1/last.txt?round=2")
            .await
            .is(200, "19.00");
        channel.read(&server, "fields/5/last").await.is(200, "-1");
        channel.read(&server, "fields/1/last.json").await.is(
            200,
            "{\"created_at\":\"2027-01-15T07:45:00Z\",\"entry_id\":4,\"field1\":\"19\"}",
        );
        let age = channel.read(&server, "fields/1/last_data_age.json").await.json();
        assert_eq!(age, json!({"last_data_age": "900", "last_data_age_units": "s"}));
        let last = channel.read(&server, "feeds/last.json").await.json();
        assert_eq!(last["entry_id"], 4);
        let second = channel.read(&server, "feeds/2.json?location=true").await.json();
        assert_eq!(
            second,
            json!({"created_at": "2027-01-15T07:15:00Z", "entry_id": 2, "field1": "21.25", "field2": "41",
                "latitude": "48.15", "longitude": "17.11", "elevation": "140"})
        );
        let status = channel.read(&server, "status.json").await.json();
        assert_eq!(status["channel"], json!({"name": "Thermometer"}));
        assert_eq!(
            status["feeds"][0],
            json!({"created_at": "2027-01-15T07:00:00Z", "entry_id": 1, "status": "begun"})
        );
        let last = channel.read(&server, "status/last.json").await.json();
        assert_eq!(last["status"], "begun");
        let whole = ask(
            &server,
            &format!(
                "/channels/{}.json?api_key={}",
                channel.number,
                channel.read.expose()
            ),
        )
        .await;
        assert_eq!(whole.json()["last_entry_id"], 4);
        let list = ask(
            &server,
            &format!("/channels.json?api_key={}", channel.read.expose()),
        )
        .await;
        assert_eq!(list.json()[0], whole.json());
    }
);

both_engines!(
    async fn spans_zones_bounds_rounding_and_slices_are_as_asked(server: Server) {
        let channel = measured(&server).await;
        let numbers = |said: Value| -> Vec<i64> {
            let feeds = said["feeds"].as_array().expect("entries").clone();
            feeds
                .iter()
                .map(|entry| entry["entry_id"].as_i64().expect("a number"))
                .collect()
        };
        for (query, expected) in [
            ("", vec![1, 2, 3, 4]),
            ("results=3", vec![2, 3, 4]),
            ("results=0", vec![]),
            ("minutes=31", vec![3, 4]),
            ("days=1", vec![1, 2, 3, 4]),
            (
                "start=2027-01-15%2007:15:00&end=2027-01-15%2007:30:00",
                vec![2, 3],
            ),
            (
                "start=2027-01-15%2008:15:00&end=2027-01-15%2008:30:00&timezone=Europe/Bratislava",
                vec![2, 3],
            ),
            ("start=2027-01-15T07:15:00Z&results=1", vec![4]),
            ("min=20", vec![1, 2, 3]),
            ("max=41", vec![1, 2, 3]),
            ("min=20&max=21", vec![]),
        ] {
            let said = channel.read(&server, &format!("feeds.json?{query}")).await;
            assert_eq!(numbers(said.json()), expected, "{query}");
        }
        let first = channel
            .read(&server, "feeds.json?results=4&offset=-5&round=1")
            .await
            .json()["feeds"][2]
            .clone();
        assert_eq!(
            first,
            json!({"created_at": "2027-01-15T02:30:00-05:00", "entry_id": 3, "field1": "22.1", "field2": null})
        );
        for (query, field1, field2) in [
            ("average=60&round=3", json!("20.719"), json!("41.667")),
            ("sum=60", json!("82.875"), json!("125")),
            ("median=60", json!("20.875"), json!("41")),
            ("timescale=60", json!("20.5"), json!("40")),
            ("average=daily&round=0", json!("21"), json!("42")),
        ] {
            let said = channel
                .read(&server, &format!("feeds.json?results=4&{query}"))
                .await
                .json();
            let slice = &said["feeds"][0];
            assert_eq!(
                (&slice["field1"], &slice["field2"]),
                (&field1, &field2),
                "{query}"
            );
            assert!(slice.get("entry_id").is_none(), "a slice has no number");
        }
        let odd = channel
            .read(&server, "feeds.json?results=4&average=7")
            .await
            .json();
        assert_eq!(
            odd["feeds"].as_array().map(Vec::len),
            Some(4),
            "no such slices: as they are"
        );
    }
);

#[tokio::test]
async fn whoever_has_no_key_that_fits_reads_nothing() {
    let server = Server::start(Engine::Sqlite).await;
    let channel = measured(&server).await;
    let other = Channel::of(&server, &server.organisation("Other").await).await;
    let (id, key, foreign) = (channel.number, channel.read.expose(), other.read.expose());
    for path in [
        format!("/channels/{id}/feeds.json"),
        format!("/channels/{id}/feeds.json?api_key=wrong"),
        format!("/channels/{id}/feeds.json?api_key={foreign}"),
        format!("/channels/{id}/fields/1/last?api_key={foreign}"),
        format!("/channels/{id}/charts/1?api_key={foreign}"),
        format!("/channels/{id}/status.json?api_key={foreign}"),
        format!("/channels/4711/feeds.json?api_key={key}"),
        format!("/channels/x/feeds.json?api_key={key}"),
    ] {
        ask(&server, &path).await.is(400, "-1");
    }
    let refused = ask(&server, "/channels.json?api_key=wrong").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["error_code"], "error_auth_required");
    for path in [
        "/talkbacks.json",
        &format!("/channels/{id}/weather?api_key={key}"),
        &format!("/channels/{id}/fields/9.json?api_key={key}"),
    ] {
        let refused = ask(&server, path).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["error_code"]),
            (404, &json!("error_resource_not_found")),
            "{path}"
        );
    }
    let refused = post(
        &server,
        &format!("/channels/{id}/feeds.json?api_key={key}"),
        "text/plain",
        String::new(),
    )
    .await;
    assert_eq!(refused.status, 405);
    let refused = channel.read(&server, "feeds.json?callback=steal").await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.json()["error"]["details"]
            .as_str()
            .is_some_and(|words| words.contains("CORS"))
    );
}
