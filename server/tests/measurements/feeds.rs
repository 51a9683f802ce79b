//! Feeds of an organisation: who makes, changes and removes them, and what becomes of what was measured.

use gangway_client::IdempotencyKey;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::measurement::{
    ChannelNumber, FeedField, FeedRequest, FeedUpdate, Location, MeasurementQuery, Retention,
};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;

use super::{Channel, ask};
use crate::support::both_engines;

fn request(name: &str) -> FeedRequest {
    FeedRequest {
        name: name.to_owned(),
        description: "In the hall".to_owned(),
        fields: vec![FeedField {
            name: "Temperature".to_owned(),
            unit: "°C".to_owned(),
        }],
        location: Some(Location {
            latitude: 48.15,
            longitude: 17.11,
            elevation: Some(140.0),
        }),
        metadata: "{\"rack\":7}".to_owned(),
        retention: Retention {
            raw_days: Some(7),
            ..Retention::default()
        },
    }
}

both_engines!(
    async fn a_feed_is_made_once_changed_and_removed_with_its_values(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let key = IdempotencyKey::new([7; 16]);
        let made = ada
            .api
            .add_feed(&home, &request("Hall"), &key)
            .await
            .expect("a feed");
        assert_eq!(
            ada.api
                .add_feed(&home, &request("Hall"), &key)
                .await
                .expect("the same"),
            made
        );
        let keys = made.keys.clone().expect("they are shown once");
        let shown = ada.api.feed(&home, made.channel).await.expect("the feed");
        assert_eq!((&shown.name, shown.keys), (&"Hall".to_owned(), None));
        let write = keys.write_key.expose();
        ask(&server, &format!("/update?api_key={write}&field1=21.5&field3=7"))
            .await
            .is(200, "1");
        let fields = vec![
            FeedField {
                name: "Air".to_owned(),
                unit: "°C".to_owned(),
            },
            FeedField {
                name: "Unused".to_owned(),
                unit: String::new(),
            },
            FeedField {
                name: "Soil".to_owned(),
                unit: "%".to_owned(),
            },
        ];
        let update = FeedUpdate {
            name: Some("Hall 3".to_owned()),
            fields: Some(fields),
            ..FeedUpdate::default()
        };
        let changed = ada
            .api
            .change_feed(&home, made.channel, &update)
            .await
            .expect("it is changed");
        assert_eq!(
            (changed.name.as_str(), changed.location),
            ("Hall 3", made.location)
        );
        let found = ada
            .api
            .feed_measurements(&home, made.channel, &MeasurementQuery::default())
            .await;
        let found = found.expect("values").series;
        let named: Vec<(&str, usize)> = found
            .iter()
            .map(|one| (one.name.as_str(), one.points.len()))
            .collect();
        assert_eq!(named, [("Air", 1), ("Unused", 0), ("Soil", 1)]);

        ada.api
            .remove_feed(&home, made.channel)
            .await
            .expect("it is removed");
        assert_eq!(
            ask(&server, &format!("/update?api_key={write}&field1=1"))
                .await
                .text,
            "0"
        );
        let gone = ada.api.feed(&home, made.channel).await.expect_err("it is gone");
        assert_eq!(gone.code(), Some(ProblemCode::NotFound));
        let next = ada
            .api
            .add_feed(&home, &request("Hall"), &IdempotencyKey::new([8; 16]))
            .await
            .expect("a feed");
        assert!(next.channel > made.channel, "no number is given twice");
        for (action, times) in [("feed.added", 2), ("feed.changed", 1), ("feed.removed", 1)] {
            assert_eq!(server.records(action).await, times, "{action}");
        }
    }
);

both_engines!(
    async fn feeds_are_listed_in_pages_and_what_is_wrong_is_named(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        for _ in 0..3 {
            Channel::of(&server, &home).await;
        }
        let page = PageQuery {
            limit: Some(2),
            after: None,
        };
        let first = ada.api.feeds(&home, &page).await.expect("a page");
        let rest = PageQuery {
            after: first.next.clone(),
            ..page
        };
        let rest = ada.api.feeds(&home, &rest).await.expect("a page");
        let numbers: Vec<i64> = first
            .items
            .iter()
            .chain(&rest.items)
            .map(|feed| feed.channel.0)
            .collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers.is_sorted() && rest.next.is_none());
        let vera = server.member(&home, Role::Viewer, "Vera").await;
        let refused = vera
            .api
            .add_feed(&home, &request("Hall"), &IdempotencyKey::new([1; 16]))
            .await;
        assert_eq!(
            refused.expect_err("she only looks").code(),
            Some(ProblemCode::Forbidden)
        );
        let nine = vec![FeedField::default(); 9];
        let far = Location {
            latitude: 91.0,
            longitude: 0.0,
            elevation: None,
        };
        let never = Retention {
            hour_days: Some(0),
            ..Retention::default()
        };
        for (field, wrong) in [
            ("name", request(" ")),
            (
                "fields",
                FeedRequest {
                    fields: nine,
                    ..request("Hall")
                },
            ),
            (
                "location",
                FeedRequest {
                    location: Some(far),
                    ..request("Hall")
                },
            ),
            (
                "retention",
                FeedRequest {
                    retention: never,
                    ..request("Hall")
                },
            ),
            (
                "description",
                FeedRequest {
                    description: "x".repeat(256),
                    ..request("Hall")
                },
            ),
        ] {
            let refused = ada
                .api
                .add_feed(&home, &wrong, &IdempotencyKey::new([2; 16]))
                .await
                .expect_err(field);
            assert_eq!(
                (refused.code(), refused.field()),
                (Some(ProblemCode::Invalid), Some(field))
            );
        }
        let foreign = server.organisation("Foreign").await;
        let other = server.member(&foreign, Role::Owner, "Olga").await;
        let refused = other
            .api
            .feed(&foreign, ChannelNumber(numbers[0]))
            .await
            .expect_err("not hers");
        assert_eq!(refused.code(), Some(ProblemCode::NotFound));
    }
);

both_engines!(
    async fn prometheus_reads_the_last_values_of_an_organisation(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        Channel::of(&server, &home).await;
        for value in ["20", "21.5"] {
            channel.update(&server, &format!("field1={value}")).await;
        }
        let text = ada.api.feed_metrics(&home).await.expect("an answer");
        assert_eq!(
            String::from_utf8_lossy(&text),
            format!(
                "# HELP gangway_measurement The last value of a field of a measurement feed.\n# TYPE gangway_measurement gauge\n\
                 gangway_measurement{{channel=\"{}\",feed=\"Thermometer\",device=\"\",field=\"1\",name=\"Field 1\",unit=\"\"}} 21.5 \
                 1800000000.001\n# EOF\n",
                channel.number
            )
        );
    }
);
