//! Updates as clients of ThingSpeak send them: every form, every refusal, and what numbers and words become.

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};

use super::{Channel, ask, post, say};
use crate::support::{Engine, Server, both_engines};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

both_engines!(
    async fn every_form_of_an_update_is_an_entry_and_is_answered_in_its_form(server: Server) {
        let channel = Channel::new(&server).await;
        let key = channel.write.expose().to_owned();
        channel.update(&server, "field1=21.5").await.is(200, "1");
        post(&server, "/update", FORM, format!("api_key={key}&field1=22"))
            .await
            .is(200, "2");
        let body = json!({"api_key": key, "field1": 23, "status": "warm"}).to_string();
        post(&server, "/update", JSON, body).await.is(200, "3");
        // A sketch for Arduino: the key in a header, and numbers as names.
        let sketch = Request::post("/thingspeak/update")
            .header("X-THINGSPEAKAPIKEY", &key)
            .header(header::CONTENT_TYPE, FORM)
            .body(Body::from("1=24&headers=false"));
        say(&server, sketch.expect("a request")).await.is(200, "4");
        // The client for Python posts with everything in the URL.
        let answer = post(
            &server,
            &format!("/update.json?api_key={key}&field2=7"),
            FORM,
            String::new(),
        )
        .await;
        assert_eq!(
            answer.text,
            format!(
                "{{\"channel_id\":{},\"created_at\":\"2027-01-15T08:00:00Z\",\"entry_id\":5,\"field1\":null,\"field2\":\"7\",\
                 \"field3\":null,\"field4\":null,\"field5\":null,\"field6\":null,\"field7\":null,\"field8\":null,\"status\":null,\
                 \"latitude\":null,\"longitude\":null,\"elevation\":null}}",
                channel.number
            )
        );
        let xml = ask(
            &server,
            &format!("/update.xml?api_key={key}&field1=1&lat=48.1&long=17.1&status=a%26b"),
        )
        .await;
        assert!(
            xml.text
                .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed>\n"),
            "{xml:?}"
        );
        for line in [
            "  <entry-id type=\"integer\">6</entry-id>\n",
            "  <field1>1</field1>\n",
            "  <field2 nil=\"true\"/>\n",
            "  <latitude>48.1</latitude>\n",
            "  <status>a&amp;b</status>\n",
        ] {
            assert!(xml.text.contains(line), "{line}: {xml:?}");
        }
        let csv = ask(
            &server,
            &format!("/update.csv?api_key={key}&field1=2&created_at=2027-01-15%2007:00:00"),
        )
        .await;
        assert_eq!(
            csv.text.lines().next_back(),
            Some("2027-01-15 07:00:00 UTC,7,2,,,,,,,,,,,")
        );
    }
);

both_engines!(
    async fn what_is_refused_is_answered_with_nought(server: Server) {
        let channel = Channel::new(&server).await;
        let read = channel.read.expose().to_owned();
        for query in [
            "field1=1".to_owned(),
            "api_key=wrong&field1=1".to_owned(),
            format!("api_key={read}&field1=1"),
        ] {
            ask(&server, &format!("/update?{query}")).await.is(400, "0");
            ask(&server, &format!("/update.json?{query}")).await.is(400, "0");
        }
        channel.update(&server, "").await.is(400, "0");
        channel.update(&server, "field9=1").await.is(400, "0");
        channel
            .update(&server, "field1=1&callback=run")
            .await
            .is(400, "0");
        channel
            .update(&server, &format!("status={}", "x".repeat(256)))
            .await
            .is(400, "0");
        channel
            .update(&server, &format!("status={}", "ü".repeat(255)))
            .await
            .is(200, "1");
        // A time that cannot be read is now; one that cannot be is none; one that is taken stays.
        channel
            .update(&server, "field1=1&created_at=yesterday")
            .await
            .is(200, "2");
        channel
            .update(&server, "field1=1&created_at=1970-01-01T00:00:01Z")
            .await
            .is(400, "0");
        channel
            .update(&server, "field1=1&created_at=2027-02-01T00:00:00Z")
            .await
            .is(400, "0");
        channel
            .update(&server, "field1=1&created_at=2027-01-15T07:00:00Z")
            .await
            .is(200, "3");
        channel
            .update(&server, "field1=2&created_at=2027-01-15T07:00:00Z")
            .await
            .is(400, "0");
        let kept = channel.read(&server, "feeds.json?results=10").await.json();
        assert_eq!(kept["feeds"].as_array().expect("entries").len(), 3);
    }
);

both_engines!(
    async fn numbers_are_values_and_everything_else_is_words(server: Server) {
        let channel = Channel::new(&server).await;
        for text in ["1e308", "-1e308", "NaN", "inf", "0x10", "warm", "-0", "007"] {
            let said = channel.update(&server, &format!("field1={text}")).await;
            assert_eq!(said.status, 200, "{text}");
        }
        let kept = channel.read(&server, "feeds.json?results=8").await.json();
        let fields: Vec<&str> = kept["feeds"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| entry["field1"].as_str().expect("a text"))
            .collect();
        assert_eq!(fields[0].parse(), Ok(1e308));
        assert_eq!(fields[1].parse(), Ok(-1e308));
        assert_eq!(fields[2..], ["NaN", "inf", "0x10", "warm", "-0", "7"]);
        // No curve is spoiled by them.
        let chart = channel.read(&server, "charts/1?results=8").await;
        assert!(
            chart.text.contains("<svg") && !chart.text.contains("NaN"),
            "{chart:?}"
        );
        let sum = channel.read(&server, "feeds.json?results=8&sum=60").await.json();
        assert_eq!(sum["feeds"][0]["field1"], "7");
    }
);

both_engines!(
    async fn a_feed_takes_so_many_updates_and_no_more(server: Server) {
        let server = server
            .restart_with(|config| {
                config.caps.measurement_updates_per_second_per_feed = 1;
                config.caps.measurements_per_day_per_feed = 12;
            })
            .await;
        let channel = Channel::new(&server).await;
        let (number, key) = (channel.number, channel.write.expose().to_owned());
        for entry in 1..=10 {
            channel
                .update(&server, "field1=1")
                .await
                .is(200, &entry.to_string());
        }
        // As the original: nought, and the status of a success.
        let refused = channel.update(&server, "field1=1").await;
        refused.is(200, "0");
        assert_eq!(refused.headers[header::RETRY_AFTER], "2");
        let bulk = json!({"write_api_key": key, "updates": [{"delta_t": 0, "field1": 1}]}).to_string();
        let place = format!("/channels/{number}/bulk_update.json");
        let refused = post(&server, &place, JSON, bulk.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["error_code"]),
            (429, &json!("error_too_many_requests"))
        );
        server.clock.advance(2_000);
        channel.update(&server, "field1=1").await.is(200, "11");
        let three: Vec<Value> = (0..3)
            .map(|second| json!({"delta_t": second, "field1": 1}))
            .collect();
        let too_many = json!({"write_api_key": key, "updates": three}).to_string();
        let refused = post(&server, &place, JSON, too_many).await;
        assert_eq!(refused.status, 429, "the day's share: {refused:?}");
        server.clock.advance(24 * 3_600_000);
        let taken = post(&server, &place, JSON, bulk).await;
        taken.is(202, "{\"success\":true}");
    }
);

both_engines!(
    async fn many_entries_at_once_are_all_there_or_none(server: Server) {
        let channel = Channel::new(&server).await;
        let (number, key) = (channel.number, channel.write.expose().to_owned());
        let place = format!("/channels/{number}/bulk_update.json");
        let updates = json!([
            {"created_at": "2027-01-15 07:00:00 +0100", "field1": 1, "status": "well done"},
            {"created_at": "2027-01-15T06:30:00Z", "field1": "2", "latitude": 48.5, "longitude": 17.5, "elevation": "130"},
            {"created_at": 1_799_998_200, "field2": 3},
        ]);
        let whole = json!({"write_api_key": key, "updates": updates}).to_string();
        post(&server, &place, JSON, whole.clone())
            .await
            .is(202, "{\"success\":true}");
        // Its answer was lost: sent again, it adds nothing.
        post(&server, &place, JSON, whole)
            .await
            .is(202, "{\"success\":true}");
        let kept = channel
            .read(&server, "feeds.json?results=10&status=true&location=true")
            .await
            .json();
        let feeds = kept["feeds"].as_array().expect("entries");
        assert_eq!(feeds.len(), 3);
        assert_eq!(
            feeds[0],
            json!({"created_at": "2027-01-15T06:00:00Z", "entry_id": 1, "field1": "1", "field2": null, "latitude": null,
                "longitude": null, "elevation": null, "status": "well done"})
        );
        assert_eq!(
            (&feeds[1]["latitude"], &feeds[1]["elevation"]),
            (&json!("48.5"), &json!("130"))
        );
        assert_eq!(feeds[2]["created_at"], "2027-01-15T07:30:00Z");

        let csv = format!(
            "write_api_key={key}&time_format=relative&updates=0,1,2,,,,,,,48,17,130,first|15,3|15,4,,,,,,,,,,,a,b"
        );
        let place = format!("/channels/{number}/bulk_update.csv");
        post(&server, &place, FORM, csv)
            .await
            .is(202, "{\"success\":true}");
        let kept = channel.read(&server, "feeds.csv?results=3&status=true").await;
        assert_eq!(
            kept.text,
            "created_at,entry_id,field1,field2,status\n2027-01-15 07:59:30 UTC,4,1,2,first\n\
             2027-01-15 07:59:45 UTC,5,3,,\n2027-01-15 08:00:00 UTC,6,4,,\"a,b\"\n"
        );
    }
);

#[tokio::test]
async fn a_bulk_that_is_too_large_or_makes_no_sense_is_refused_with_words() {
    let server = Server::start(Engine::Sqlite).await;
    let channel = Channel::new(&server).await;
    let other = Channel::of(&server, &server.organisation("Other").await).await;
    let (number, key) = (channel.number, channel.write.expose().to_owned());
    let place = format!("/channels/{number}/bulk_update.json");
    let bulk = |updates: Value| json!({"write_api_key": key, "updates": updates}).to_string();
    let many: Vec<Value> = (0..14_401).map(|_| json!({"delta_t": 1, "field1": 1})).collect();
    let foreign =
        json!({"write_api_key": other.write.expose(), "updates": [{"delta_t": 0, "field1": 1}]}).to_string();
    let million = format!(
        "{{\"write_api_key\":\"{key}\",\"updates\":[{}]}}",
        "{\"delta_t\":1,\"field1\":1},".repeat(1_000_000)
    );
    for (body, status, words) in [
        (bulk(Value::Array(many)), 413, "at most 14400 updates"),
        (million, 413, "larger than 1048576 bytes"),
        (bulk(json!([])), 400, "no update"),
        (
            bulk(json!([{"field1": 1}])),
            400,
            "neither created_at nor delta_t",
        ),
        (
            bulk(json!([{"delta_t": -1, "field1": 1}])),
            400,
            "number of seconds",
        ),
        (
            bulk(json!([{"created_at": "soon", "field1": 1}])),
            400,
            "ISO 8601",
        ),
        (
            bulk(json!([{"delta_t": 0, "status": "x".repeat(256)}])),
            400,
            "255 characters",
        ),
        (bulk(json!([{"delta_t": 0}])), 400, "says nothing"),
        (
            bulk(json!([{"created_at": "1999-01-01", "field1": 1}])),
            400,
            "after 1999",
        ),
        ("[]".to_owned(), 400, "JSON"),
        (foreign, 401, "does not open this channel"),
    ] {
        let refused = post(&server, &place, JSON, body).await;
        assert_eq!(refused.status, status, "{words}: {refused:?}");
        let error = &refused.json()["error"];
        assert!(
            error["details"]
                .as_str()
                .is_some_and(|details| details.contains(words)),
            "{words}: {error}"
        );
    }
    channel.read(&server, "feeds/last.json").await.is(200, "-1");
}
