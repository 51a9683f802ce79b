//! What is stored stays what it was: packed, rolled up, after a restart, with what comes late; and goes when its time is over.

use gangway_protocol::measurement::{FeedUpdate, MeasuredPoint, MeasurementQuery, Retention};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::measurements::block::Values;
use gangway_server::measurements::{Incoming, When};

use super::Channel;
use crate::support::member::Member;
use crate::support::{START, Server, both_engines};

/// A value of field 1, so many minutes after the start.
async fn store(server: &Server, channel: &Channel, values: impl IntoIterator<Item = (i64, f64)>) -> usize {
    let entries = values.into_iter().map(|(minute, value)| {
        let mut values = Values::default();
        values.set(1, value);
        Incoming {
            at: When::At(START.plus(minute * UnixMillis::MINUTE)),
            values,
            remark: None,
            joins: false,
        }
    });
    let (gangway, entries) = (&server.gangway, entries.collect());
    let stored = gangway
        .measurements
        .store(channel.number, entries, gangway.clock.now())
        .await;
    stored.expect("they are stored").into_iter().flatten().count()
}

async fn points(ada: &Member, channel: &Channel, from: i64, until: i64, secs: u32) -> Vec<MeasuredPoint> {
    let query = MeasurementQuery {
        field: Some(1),
        from: Some(START.plus(from * UnixMillis::MINUTE)),
        until: Some(START.plus(until * UnixMillis::MINUTE)),
        resolution_secs: Some(secs),
    };
    let found = ada
        .api
        .feed_measurements(&ada.organisation, channel.number, &query)
        .await;
    found.expect("values").series.remove(0).points
}

/// What the values of a stretch have in common, reckoned here.
fn reckoned(values: &[(i64, f64)], start: i64, len: i64) -> Option<MeasuredPoint> {
    let of = values
        .iter()
        .filter(|(minute, _)| (start..start + len).contains(minute));
    let of: Vec<f64> = of.map(|(_, value)| *value).collect();
    let count = u32::try_from(of.len()).expect("few");
    (count > 0).then(|| MeasuredPoint {
        at: START.plus(start * UnixMillis::MINUTE),
        mean: of.iter().sum::<f64>() / f64::from(count),
        low: of.iter().copied().fold(f64::INFINITY, f64::min),
        high: of.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        count: count.into(),
    })
}

fn same(found: &[MeasuredPoint], expected: &[MeasuredPoint]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(
            (found.at, found.low, found.high, found.count),
            (expected.at, expected.low, expected.high, expected.count)
        );
        assert!(
            (found.mean - expected.mean).abs() < 1e-9,
            "{found:?} {expected:?}"
        );
    }
}

/// Values of three days, one in ten minutes, with a hole; START is 08:00.
fn three_days() -> Vec<(i64, f64)> {
    let minutes = (0..3 * 24 * 60)
        .step_by(10)
        .filter(|minute| !(600..900).contains(minute));
    minutes
        .map(|minute| {
            (
                minute,
                f64::from(i32::try_from(minute * 7919 % 1000).expect("small")) / 10.0,
            )
        })
        .collect()
}

both_engines!(
    async fn roll_ups_are_those_of_the_raw_values_across_restarts_and_late_arrivals(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        channel
            .update(&server, "field1=0&created_at=2027-01-01T00:00:00Z")
            .await;
        server.clock.advance(3 * UnixMillis::DAY);
        let values = three_days();
        // Every third comes late, in two parts, and the middle part twice.
        let (late, first): (Vec<_>, Vec<_>) = values
            .iter()
            .copied()
            .partition(|(minute, _)| minute / 10 % 3 == 0);
        assert_eq!(store(&server, &channel, first.clone()).await, first.len());
        server.tick().await;
        let server = server.restart().await;
        let ada = server.refresh(&ada).await;
        let (one, other) = late.split_at(late.len() / 2);
        assert_eq!(store(&server, &channel, one.to_vec()).await, one.len());
        assert_eq!(
            store(&server, &channel, one.to_vec()).await,
            0,
            "what is there is there"
        );
        server.tick().await;
        assert_eq!(
            store(&server, &channel, one.to_vec()).await,
            0,
            "in a block as well"
        );
        assert_eq!(store(&server, &channel, other.to_vec()).await, other.len());
        for packed_now in [false, true] {
            if packed_now {
                server.tick().await;
            }
            let end = 3 * 24 * 60;
            for (len, secs) in [(60, 3_600), (120, 7_200), (20, 1_200)] {
                let expected: Vec<_> = (0..end)
                    .step_by(usize::try_from(len).expect("small"))
                    .filter_map(|start| reckoned(&values, start, len))
                    .collect();
                same(&points(&ada, &channel, 0, end, secs).await, &expected);
            }
            let raw = points(&ada, &channel, 0, end, 0).await;
            assert_eq!(raw.len(), values.len());
            for (found, (minute, value)) in raw.iter().zip(&values) {
                assert_eq!(
                    (found.at, found.mean),
                    (START.plus(minute * UnixMillis::MINUTE), *value)
                );
            }
        }
        let kept = channel.read(&server, "feeds.json?results=8000").await.json();
        assert_eq!(kept["feeds"].as_array().map(Vec::len), Some(values.len() + 1));
        assert_eq!(kept["channel"]["last_entry_id"], values.len() + 1);
    }
);

both_engines!(
    async fn values_become_minutes_then_hours_and_then_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        let retention = Retention {
            raw_days: Some(2),
            minute_days: Some(10),
            hour_days: Some(30),
        };
        let update = FeedUpdate {
            retention: Some(retention),
            ..FeedUpdate::default()
        };
        ada.api
            .change_feed(&home, channel.number, &update)
            .await
            .expect("it is changed");
        channel
            .update(&server, "field1=5&status=gone+with+its+value")
            .await;
        let values: Vec<(i64, f64)> = (1..120)
            .map(|minute| (minute, f64::from(i32::try_from(minute % 7).expect("small"))))
            .collect();
        server.clock.advance(UnixMillis::DAY);
        store(&server, &channel, values.clone()).await;
        let all: Vec<(i64, f64)> = std::iter::once((0, 5.0)).chain(values).collect();
        let expect = |len: i64| -> Vec<_> {
            (0..120)
                .step_by(usize::try_from(len).expect("small"))
                .filter_map(|start| reckoned(&all, start, len))
                .collect()
        };
        server.tick().await;
        same(&points(&ada, &channel, 0, 120, 60).await, &expect(1));

        // Values are gone, minutes stay.
        server.clock.advance(3 * UnixMillis::DAY);
        let ada = server.refresh(&ada).await;
        server.tick().await;
        assert!(points(&ada, &channel, 0, 120, 0).await.is_empty());
        same(&points(&ada, &channel, 0, 120, 60).await, &expect(1));
        same(&points(&ada, &channel, 0, 120, 600).await, &expect(10));
        assert_eq!(
            channel
                .read(&server, "feeds.json?results=10&status=true")
                .await
                .json()["feeds"],
            serde_json::json!([])
        );

        // What comes late joins them.
        store(&server, &channel, [(30, 100.0)]).await;
        server.tick().await;
        let hour = points(&ada, &channel, 0, 60, 3_600).await;
        assert_eq!((hour[0].count, hour[0].high), (61, 100.0));

        // Minutes are gone, hours stay; then everything is gone.
        server.clock.advance(10 * UnixMillis::DAY);
        let ada = server.refresh(&ada).await;
        server.tick().await;
        assert!(points(&ada, &channel, 0, 120, 60).await.is_empty());
        assert_eq!(points(&ada, &channel, 0, 120, 3_600).await.len(), 2);
        server.clock.advance(30 * UnixMillis::DAY);
        let ada = server.refresh(&ada).await;
        server.tick().await;
        assert!(points(&ada, &channel, 0, 120, 3_600).await.is_empty());
        channel.update(&server, "field1=1").await.is(200, "122");
    }
);

both_engines!(
    async fn clocks_that_jump_lose_nothing_and_invent_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        for entry in 1..=3 {
            // The clock stands still: each has its own millisecond.
            channel
                .update(&server, "field1=1")
                .await
                .is(200, &entry.to_string());
        }
        server.clock.shift_wall(-2);
        for entry in 4..=7 {
            channel
                .update(&server, "field1=1")
                .await
                .is(200, &entry.to_string());
        }
        server.clock.shift_wall(-UnixMillis::HOUR);
        channel.update(&server, "field1=1").await.is(200, "8");
        server.clock.shift_wall(6 * UnixMillis::HOUR);
        server.tick().await;
        channel.update(&server, "field1=1").await.is(200, "9");
        let raw = points(&ada, &channel, -120, 600, 0).await;
        assert_eq!(raw.len(), 9);
        assert!(
            raw.windows(2).all(|pair| pair[0].at < pair[1].at),
            "no two at one time"
        );
    }
);

both_engines!(
    async fn removing_a_feed_while_values_come_leaves_nothing_behind(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        store(&server, &channel, (0..10).map(|minute| (minute, 1.0))).await;
        ada.api
            .remove_feed(&home, channel.number)
            .await
            .expect("it is removed");
        // One that was on its way.
        store(&server, &channel, [(10, 1.0)]).await;
        server.clock.advance(2 * UnixMillis::DAY);
        server.tick().await;
        let latest = server
            .gangway
            .measurements
            .latest(channel.number)
            .await
            .expect("an answer");
        assert_eq!(latest, None);
    }
);
