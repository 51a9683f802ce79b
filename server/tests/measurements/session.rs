//! What a device sends in its session is in its feed; of more than eight series the first eight are kept.

use gangway_protocol::id::DeviceId;
use gangway_protocol::measurement::{MeasurementQuery, Measurements};
use gangway_protocol::organisation::Role;
use gangway_protocol::session::Series;
use gangway_protocol::time::UnixMillis;
use gangway_server::measurements::session::record;
use serde_json::json;

use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{START, Server, both_engines};

fn series(name: &str, points: &[(i64, f64)]) -> Series {
    let points = points
        .iter()
        .map(|(minute, value)| (START.plus(minute * UnixMillis::MINUTE), *value));
    Series {
        name: name.to_owned(),
        points: points.collect(),
    }
}

async fn keep(server: &Server, device: &DeviceId, series: &[Series]) {
    let gangway = &server.gangway;
    let kept = record(gangway, &gangway.measurements, device, series).await;
    kept.expect("they are stored");
}

async fn measured(ada: &Member, device: &DeviceId) -> Measurements {
    let query = MeasurementQuery {
        resolution_secs: Some(0),
        ..MeasurementQuery::default()
    };
    ada.api.device_measurements(device, &query).await.expect("values")
}

both_engines!(
    async fn the_first_measurement_makes_the_devices_feed(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let device = certificate.device.clone();
        assert!(measured(&ada, &device).await.series.is_empty());
        // A device that has lost the date says nothing that could be kept.
        let lost = Series {
            name: "temperature".to_owned(),
            points: vec![(UnixMillis(1), 20.5)],
        };
        keep(&server, &device, &[lost]).await;
        assert!(measured(&ada, &device).await.series.is_empty());
        let first = series("temperature", &[(-2, 21.5), (-1, 21.75)]);
        keep(&server, &device, std::slice::from_ref(&first)).await;
        // Sent again after a lost connection.
        keep(
            &server,
            &device,
            &[first, series("humidity", &[(-1, 40.0), (0, 41.0)])],
        )
        .await;
        let found = measured(&ada, &device).await;
        let shown: Vec<_> = found
            .series
            .iter()
            .map(|one| {
                (
                    one.field,
                    one.name.as_str(),
                    one.points.iter().map(|point| point.mean).collect::<Vec<_>>(),
                )
            })
            .collect();
        // Series of the same times come together, in whatever frames.
        assert_eq!(
            shown,
            [
                (1, "temperature", vec![21.5, 21.75]),
                (2, "humidity", vec![40.0, 41.0])
            ]
        );
        let page = ada.api.feeds(&home, &Default::default()).await.expect("feeds");
        assert_eq!(
            (page.items.len(), page.items[0].device.as_ref()),
            (1, Some(&device))
        );

        let csv = ada
            .api
            .device_measurements_csv(
                &device,
                &MeasurementQuery {
                    resolution_secs: Some(0),
                    ..MeasurementQuery::default()
                },
            )
            .await;
        let csv = String::from_utf8(csv.expect("a file")).expect("text");
        let at = START.0;
        assert_eq!(
            csv,
            format!(
                "field,name,unit,at,mean,low,high,count\r\n1,temperature,,{},21.5,21.5,21.5,1\r\n1,temperature,,{},21.75,21.75,21.75,1\r\n\
                 2,humidity,,{},40,40,40,1\r\n2,humidity,,{at},41,41,41,1\r\n",
                at - 120_000,
                at - 60_000,
                at - 60_000
            )
        );
    }
);

both_engines!(
    async fn of_more_than_eight_series_the_first_eight_are_kept(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let device = certificate.device.clone();
        let names: Vec<String> = (1..=10).map(|number| format!("s{number}")).collect();
        let ten: Vec<Series> = names.iter().map(|name| series(name, &[(0, 1.0)])).collect();
        keep(&server, &device, &ten).await;
        let found = measured(&ada, &device).await;
        let kept: Vec<&str> = found.series.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(kept, ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"]);
        assert!(found.series.iter().all(|one| one.points.len() == 1));
        keep(
            &server,
            &device,
            &[series("s9", &[(1, 2.0)]), series("s8", &[(1, 2.0)])],
        )
        .await;
        assert_eq!(measured(&ada, &device).await.series[7].points.len(), 2);
    }
);

both_engines!(
    async fn a_feed_goes_where_its_device_goes(server: Server) {
        let home = server.organisation("Works").await;
        let [hall, _] = server.grow_tree(&home).await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let device = certificate.device.clone();
        keep(&server, &device, &[series("t", &[(0, 1.0)])]).await;
        ada.api
            .move_device(
                &device,
                &serde_json::from_value(json!({"organisation": hall})).expect("a request"),
            )
            .await
            .expect("it moves");
        assert!(
            ada.api
                .feeds(&home, &Default::default())
                .await
                .expect("feeds")
                .items
                .is_empty()
        );
        assert_eq!(
            ada.api
                .feeds(&hall, &Default::default())
                .await
                .expect("feeds")
                .items
                .len(),
            1
        );
        assert_eq!(measured(&ada, &device).await.series.len(), 1);
    }
);

both_engines!(
    async fn what_cannot_be_answered_is_named(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let device = certificate.device.clone();
        keep(&server, &device, &[series("t", &[(0, 1.0)])]).await;
        let ask = MeasurementQuery::default;
        let year = START.plus(-366 * UnixMillis::DAY);
        for (field, query) in [
            (
                "field",
                MeasurementQuery {
                    field: Some(9),
                    ..ask()
                },
            ),
            (
                "field",
                MeasurementQuery {
                    field: Some(0),
                    ..ask()
                },
            ),
            (
                "from",
                MeasurementQuery {
                    from: Some(START),
                    until: Some(START),
                    ..ask()
                },
            ),
            (
                "resolution_secs",
                MeasurementQuery {
                    resolution_secs: Some(90),
                    ..ask()
                },
            ),
            (
                "resolution_secs",
                MeasurementQuery {
                    from: Some(year),
                    resolution_secs: Some(0),
                    ..ask()
                },
            ),
            (
                "resolution_secs",
                MeasurementQuery {
                    from: Some(year),
                    resolution_secs: Some(60),
                    ..ask()
                },
            ),
        ] {
            let refused = ada
                .api
                .device_measurements(&device, &query)
                .await
                .expect_err(field);
            assert_eq!(refused.field(), Some(field), "{query:?}");
        }
        let chart = ada
            .api
            .device_measurements(
                &device,
                &MeasurementQuery {
                    from: Some(year),
                    ..ask()
                },
            )
            .await;
        let chart = chart.expect("a year");
        assert_eq!((chart.resolution_secs, chart.series[0].points.len()), (21_600, 1));
    }
);

both_engines!(
    async fn a_series_that_comes_later_joins_the_entries_that_were_packed(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let device = certificate.device.clone();
        let minutes = |value: f64| -> Vec<(i64, f64)> { (0..60).map(|minute| (minute, value)).collect() };
        server.clock.advance(3 * UnixMillis::HOUR);
        keep(&server, &device, &[series("t", &minutes(20.0))]).await;
        server.tick().await;
        for packed in [false, true, true] {
            // Once more, and then again after it was packed: nothing is counted twice.
            keep(
                &server,
                &device,
                &[series("h", &minutes(40.0)), series("t", &minutes(99.0))],
            )
            .await;
            if packed {
                server.tick().await;
            }
            let query = MeasurementQuery {
                resolution_secs: Some(3_600),
                ..MeasurementQuery::default()
            };
            let hours = ada
                .api
                .device_measurements(&device, &query)
                .await
                .expect("values");
            let shown: Vec<(f64, u64)> = hours
                .series
                .iter()
                .map(|one| (one.points[0].mean, one.points[0].count))
                .collect();
            assert_eq!(shown, [(20.0, 60), (40.0, 60)]);
        }
        let raw = measured(&ada, &device).await;
        assert!(raw.series.iter().all(|one| one.points.len() == 60));
        assert_eq!(
            server
                .gangway
                .measurements
                .latest(raw.channel)
                .await
                .expect("an answer")
                .map(|(number, _)| number),
            Some(60)
        );
    }
);
