//! Measurements: how many points and updates are stored durably in a second, what a point takes on the disk, and how long a chart
//! of a year takes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use gangway_protocol::measurement::ChannelNumber;
use gangway_protocol::time::UnixMillis;
use gangway_server::clock::SystemClock;
use gangway_server::config::{Config, Environment, Values};
use gangway_server::measurements::block::Values as Measured;
use gangway_server::measurements::operator::create_feed;
use gangway_server::measurements::{FILE, Incoming, When, packing};
use gangway_server::rng::SystemRandom;
use gangway_server::state::Gangway;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Options;
use crate::report::{Mark, Report, count, quantile};
use crate::server::Server;

/// Devices that send at a time.
const DEVICES: i64 = 256;
/// Points of a frame: ten minutes of one in a second.
const FRAME: i64 = 600;
/// Frames of each device.
const FRAMES: i64 = 8;
/// Connections that send updates one after the other, and feeds that they are of.
const WRITERS: usize = 128;
/// Updates of each.
const UPDATES: usize = 200;
/// Minutes of a year.
const YEAR: i64 = 525_600;
/// Charts that are drawn.
const CHARTS: usize = 200;

/// Takes `points_per_s`, `bytes_per_point`, `chart_year_p95_ms` and `updates_per_s`, on SQLite and on PostgreSQL.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    one_engine(options, report, None).await?;
    match &options.postgres {
        Some(url) => one_engine(options, report, Some(url)).await,
        None => {
            println!("points_per_s_postgres: left out, no PostgreSQL was named");
            Ok(())
        }
    }
}

async fn one_engine(options: &Options, report: &mut Report, url: Option<&String>) -> anyhow::Result<()> {
    let engine = url.map_or("", |_| "_postgres");
    let folder = tempfile::tempdir()?;
    let gangway = open(folder.path(), url).await?;
    let pace = points(&gangway).await?;
    report.figure(
        &format!("points_per_s{engine}"),
        pace,
        "/s",
        Mark::AtLeast(50_000.0),
    );
    let feed = ChannelNumber(DEVICES + 1);
    let before = bytes(&gangway, folder.path(), url).await?;
    year(&gangway, feed).await?;
    packing::run(&gangway, &gangway.measurements).await;
    let taken = bytes(&gangway, folder.path(), url).await? - before;
    let per_point = taken / f64::from(u32::try_from(YEAR)?);
    report.figure(
        &format!("bytes_per_point{engine}"),
        per_point,
        "B",
        Mark::AtMost(24.0),
    );
    let mut charts = Vec::with_capacity(CHARTS);
    let until = gangway.clock.now().0;
    for _ in 0..CHARTS {
        let started = Instant::now();
        let step = 6 * UnixMillis::HOUR;
        let found = gangway
            .measurements
            .summaries(feed, until - YEAR * UnixMillis::MINUTE, until, step)
            .await?;
        ensure!(found.len() > 1_400, "a year has 1,460 steps");
        charts.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    let p95 = quantile(&mut charts, 0.95);
    report.figure(
        &format!("chart_year_p95_ms{engine}"),
        p95,
        "ms",
        Mark::AtMost(20.0),
    );
    let mut keys = Vec::with_capacity(WRITERS);
    for _ in 0..WRITERS {
        let made = create_feed(&gangway.db, &*gangway.clock, &*gangway.random, "bench", None).await?;
        keys.push(
            made.keys
                .context("a feed has keys")?
                .write_key
                .expose()
                .to_owned(),
        );
    }
    gangway.begin_stopping();
    gangway.measurements.close().await;
    gangway.db.close().await;
    let server = match url {
        None => Server::start_in(options, folder).await?,
        Some(url) => Server::start_on_in(options, folder, url).await?,
    };
    let pace = updates(&server, keys).await?;
    report.figure(
        &format!("updates_per_s{engine}"),
        pace,
        "/s",
        Mark::AtLeast(5_000.0),
    );
    Ok(())
}

async fn open(folder: &Path, url: Option<&String>) -> anyhow::Result<Arc<Gangway>> {
    let mut flags = BTreeMap::from([
        ("data_dir".to_owned(), folder.display().to_string()),
        ("public_url".to_owned(), "http://localhost:8080".to_owned()),
    ]);
    flags.extend(url.map(|url| ("database_url".to_owned(), url.clone())));
    let config = Config::from_values(&Values::collect(&flags, None, &Environment::default())?)?;
    Ok(Gangway::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?)
}

fn entry(at: i64, value: i64) -> anyhow::Result<Incoming> {
    let mut values = Measured::default();
    values.set(1, 20.0 + f64::from(i32::try_from(value % 1_000)?) / 10.0);
    Ok(Incoming {
        at: When::At(UnixMillis(at)),
        values,
        remark: None,
        joins: true,
    })
}

/// Frames of many devices at once, each of which waits until the one before is durable.
async fn points(gangway: &Arc<Gangway>) -> anyhow::Result<f64> {
    let begin = gangway.clock.now().0 - FRAMES * FRAME * UnixMillis::SECOND;
    let mut frames = Vec::new();
    for frame in 0..FRAMES {
        let entries = (frame * FRAME..(frame + 1) * FRAME)
            .map(|second| entry(begin + second * UnixMillis::SECOND, second * 7_919));
        frames.push(entries.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let frames = Arc::new(frames);
    let started = Instant::now();
    let mut devices = JoinSet::new();
    for device in 1..=DEVICES {
        let (gangway, frames) = (gangway.clone(), frames.clone());
        devices.spawn(async move {
            for frame in frames.iter() {
                let now = gangway.clock.now();
                gangway
                    .measurements
                    .store(ChannelNumber(device), frame.clone(), now)
                    .await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = devices.join_next().await {
        done??;
    }
    let all = usize::try_from(DEVICES * FRAMES * FRAME)?;
    Ok(count(all) / started.elapsed().as_secs_f64())
}

/// A value in each minute of a year.
async fn year(gangway: &Gangway, feed: ChannelNumber) -> anyhow::Result<()> {
    let now = gangway.clock.now();
    let begin = now.0 - (YEAR + 120) * UnixMillis::MINUTE;
    for day in 0..YEAR / 1_440 {
        let minutes = day * 1_440..(day + 1) * 1_440;
        let entries = minutes.map(|minute| entry(begin + minute * UnixMillis::MINUTE, minute * 7_919));
        let entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
        gangway.measurements.store(feed, entries, now).await?;
    }
    for _ in 0..8 {
        packing::run(gangway, &gangway.measurements).await;
    }
    Ok(())
}

/// What the measurements take on the disk.
async fn bytes(gangway: &Gangway, folder: &Path, url: Option<&String>) -> anyhow::Result<f64> {
    if url.is_none() {
        let database = std::fs::metadata(folder.join(FILE))?.len();
        return Ok(f64::from(u32::try_from(database)?));
    }
    let mut reader = gangway.db.reader().await?;
    let (taken,): (i64,) = gangway_server::db::query(
        "SELECT CAST(SUM(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class
             WHERE relkind = 'r' AND (relname LIKE 'measurement_blocks%' OR relname LIKE 'measurement_hours%')",
    )
    .fetch_one(&mut reader.conn())
    .await?;
    Ok(f64::from(u32::try_from(taken)?))
}

/// `GET /update`, on connections that stay open, each for a feed of its own.
async fn updates(server: &Server, keys: Vec<String>) -> anyhow::Result<f64> {
    let address = server.address;
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for key in keys {
        writers.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut reply = vec![0; 4_096];
            for step in 0..UPDATES {
                let request = format!(
                    "GET /thingspeak/update?api_key={key}&field1={step} HTTP/1.1\r\nhost: localhost:{}\r\n\r\n",
                    address.port()
                );
                stream.write_all(request.as_bytes()).await?;
                let len = stream.read(&mut reply).await?;
                let answer = reply.get(..len).unwrap_or_default();
                ensure!(answer.starts_with(b"HTTP/1.1 200") && !answer.ends_with(b"\r\n0"), "an update was refused");
            }
            Ok(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    Ok(count(WRITERS * UPDATES) / started.elapsed().as_secs_f64())
}
