//! A fleet at full size: 100,000 devices in 2,000 organisations of 20 customers, read as the panel reads it, on both engines.
//!
//! Whoever reads sees all of them, which no real member does: nobody waits longer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use gangway_protocol::device::{Device, Facts, Presence};
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::authority::identify;
use gangway_server::clock::{Clock as _, SystemClock};
use gangway_server::config::{Config, Environment, Values};
use gangway_server::db::{Db, DbError, SecretHash, assembled, presence};
use gangway_server::limits::ClientAddress;
use gangway_server::state::open_database;
use http::{HeaderMap, HeaderValue, header};
use tokio::process::Command;

use crate::Options;
use crate::http::get_as;
use crate::report::{Mark, Report, bytes, quantile};
use crate::server::Server;

/// Customers; each has a tree of 1, 9 and 90 organisations with 50 devices each.
const CUSTOMERS: u32 = 20;
/// Organisations of each.
const ORGANISATIONS: u32 = 100;
/// Devices in all.
const DEVICES: u32 = 100_000;
/// Pages that are timed of each kind.
const PAGES: u32 = 100;
/// Rows before the page that lies deep in the fleet.
const DEEP: usize = 50_000;
/// Presence changes in a second: 19,000 in a minute.
const CHANGES_PER_SECOND: usize = 317;

/// Somebody who is signed in, by a secret that is known.
struct Reader {
    account: String,
    secret: SecretString,
}

impl Reader {
    fn new(number: u32) -> Self {
        Self {
            account: id("acc", number),
            secret: SecretString::new(format!("gw_sin_{number:052}")),
        }
    }

    fn cookie(&self) -> String {
        format!("__Host-gangway={}", self.secret.expose())
    }
}

/// A seeded server.
struct Scene {
    server: Server,
    db: Db,
    /// Sees everything.
    all: Reader,
    /// Has 50 memberships over 550 organisations.
    many: Reader,
    on_postgres: bool,
}

/// Takes `fleet_first_page_p95_ms`, `fleet_filter_p95_ms`, `fleet_deep_page_p95_ms`, `fleet_search_p95_ms`, `fleet_overview_p95_ms`,
/// `fleet_export_more_mb`, `fleet_presence_ratio` and `rights_p95_ms`.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let database = ("data_dir", server.folder().display().to_string());
    Scene::open(server, database, false)
        .await?
        .measure(report)
        .await?;
    let Some(url) = &options.postgres else {
        println!("fleet_…_postgres: left out, no PostgreSQL was named");
        return Ok(());
    };
    let server = Server::start_on(options, url).await?;
    let database = ("database_url", url.clone());
    Scene::open(server, database, true).await?.measure(report).await
}

impl Scene {
    async fn open(server: Server, database: (&str, String), on_postgres: bool) -> anyhow::Result<Self> {
        // The server has made tables and signers; this process fills them beside it.
        server.token().await?;
        let (option, value) = database;
        let mut flags = BTreeMap::from([(option.to_owned(), value.clone())]);
        flags.insert("public_url".to_owned(), server.url());
        let config = Config::from_values(&Values::collect(&flags, None, &Environment::default())?)?;
        let db = open_database(&config).await?;
        let (all, many) = (Reader::new(1), Reader::new(2));
        for statement in seeds(on_postgres, &all, &many)? {
            let done: Result<u64, DbError> = db
                .write(move |mut conn| Box::pin(async move { assembled(statement).execute(&mut conn).await }))
                .await;
            done?;
        }
        if on_postgres {
            // As autovacuum leaves it behind a fleet that grew over months.
            let vacuum = Command::new("psql")
                .args([&value, "-qc", "VACUUM ANALYZE"])
                .status()
                .await?;
            ensure!(vacuum.success(), "psql ended with {vacuum}");
        }
        Ok(Self {
            server,
            db,
            all,
            many,
            on_postgres,
        })
    }

    fn key(&self, name: &str) -> String {
        let engine = if self.on_postgres { "_postgres" } else { "" };
        format!("{name}{engine}")
    }

    async fn measure(self, report: &mut Report) -> anyhow::Result<()> {
        let first = self.p95("").await?;
        report.figure(
            &self.key("fleet_first_page_p95_ms"),
            first,
            "ms",
            Mark::AtMost(10.0),
        );
        let mut worst = (0.0, String::new());
        for query in filters() {
            let time = self.p95(&query).await?;
            if time > worst.0 {
                worst = (time, query);
            }
        }
        report.figure(
            &self.key("fleet_filter_p95_ms"),
            worst.0,
            "ms",
            Mark::AtMost(10.0),
        );
        println!("  the slowest of them: {}", worst.1);
        let deep = self.p95(&format!("after={}", self.deep().await?)).await?;
        report.figure(
            &self.key("fleet_deep_page_p95_ms"),
            deep,
            "ms",
            Mark::AtMost(10.0),
        );
        let rare = self.p95("query=boiler-77777").await?;
        report.figure(&self.key("fleet_search_p95_ms"), rare, "ms", Mark::AtMost(30.0));
        let overview = self.p95_of(path::FLEET_OVERVIEW).await?;
        report.figure(&self.key("fleet_overview_p95_ms"), overview, "ms", Mark::None);
        self.rights(report).await?;
        self.presence(report).await?;
        self.export(report).await?;
        self.db.close().await;
        Ok(())
    }

    async fn page(&self, query: &str) -> anyhow::Result<Page<Device>> {
        let path = format!("{}?{query}", path::DEVICES);
        let body = get_as(self.server.address, &path, &self.all.cookie()).await?;
        serde_json::from_slice(&body).context("a page of devices")
    }

    async fn p95(&self, query: &str) -> anyhow::Result<f64> {
        self.p95_of(&format!("{}?{query}", path::DEVICES)).await
    }

    async fn p95_of(&self, path: &str) -> anyhow::Result<f64> {
        // What a connection compiles and reads for the first time is not what pages cost.
        get_as(self.server.address, path, &self.all.cookie()).await?;
        let mut times = Vec::new();
        for _ in 0..PAGES {
            let started = Instant::now();
            get_as(self.server.address, path, &self.all.cookie()).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(quantile(&mut times, 0.95))
    }

    /// The place behind so many rows.
    async fn deep(&self) -> anyhow::Result<String> {
        let mut after = String::new();
        let mut passed = 0;
        while passed < DEEP {
            let page = self.page(&format!("limit=200{after}")).await?;
            passed += page.items.len();
            after = format!("&after={}", page.next.context("the fleet ends early")?);
        }
        Ok(after.trim_start_matches("&after=").to_owned())
    }

    /// Who asks and what they may see, as every request works it out.
    async fn rights(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&self.many.cookie())?);
        let address = ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut times = Vec::new();
        for _ in 0..PAGES * 5 {
            let started = Instant::now();
            let caller = identify::caller(&self.db, now(), &headers, address).await?;
            let fleets = caller.chosen_fleets(&self.db, None).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            ensure!(
                fleets.organisations.len() == 550,
                "{} organisations",
                fleets.organisations.len()
            );
        }
        let p95 = quantile(&mut times, 0.95);
        report.figure(&self.key("rights_p95_ms"), p95, "ms", Mark::AtMost(1.0));
        Ok(())
    }

    /// The first page while devices come and go, against the same page without.
    async fn presence(&self, report: &mut Report) -> anyhow::Result<()> {
        let quiet = self.p95("").await?;
        let (db, over) = (self.db.clone(), Arc::new(AtomicBool::new(false)));
        let until = over.clone();
        let coming_and_going = tokio::spawn(async move {
            let mut round = 0_usize;
            let mut beat = tokio::time::interval(Duration::from_secs(1));
            while !until.load(Ordering::Relaxed) {
                beat.tick().await;
                let since = UnixMillis(i64::try_from(round)?);
                let changes = (0..CHANGES_PER_SECOND)
                    .map(|one| {
                        let number = u32::try_from((round * CHANGES_PER_SECOND + one) * 7_919 % 99_999)?;
                        Ok((
                            id("dev", number + 1).parse::<DeviceId>()?,
                            Presence::Online { since },
                        ))
                    })
                    .collect::<anyhow::Result<Vec<_>>>()?;
                let put: Result<(), DbError> = db
                    .write(move |mut conn| {
                        let changes = changes.clone();
                        Box::pin(async move { presence::put(&mut conn, &changes).await })
                    })
                    .await;
                put?;
                round += 1;
            }
            anyhow::Ok(())
        });
        let mut times = Vec::new();
        for _ in 0..10 {
            times.push(self.p95("").await?);
        }
        over.store(true, Ordering::Relaxed);
        coming_and_going.await??;
        let busy = quantile(&mut times, 0.5);
        report.figure(
            &self.key("fleet_presence_ratio"),
            busy / quiet,
            "",
            Mark::AtMost(1.1),
        );
        Ok(())
    }

    /// The server's memory while it exports everything.
    async fn export(&self, report: &mut Report) -> anyhow::Result<()> {
        let before = self.server.rss()?;
        let (address, cookie) = (self.server.address, self.all.cookie());
        let exporting = tokio::spawn(async move { get_as(address, path::DEVICES_CSV, &cookie).await });
        let mut most = before;
        while !exporting.is_finished() {
            most = most.max(self.server.rss()?);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let lines = exporting.await??.split(|byte| *byte == b'\n').count();
        ensure!(lines > 90_000, "{lines} lines were exported");
        let more = bytes(most.saturating_sub(before)) / 1e6;
        report.figure(&self.key("fleet_export_more_mb"), more, "MB", Mark::AtMost(20.0));
        Ok(())
    }
}

/// Every order, and filters that let many through, few, or those of a part.
fn filters() -> Vec<String> {
    let mut all: Vec<String> = [
        "name",
        "-name",
        "created_at",
        "-created_at",
        "last_seen_at",
        "-last_seen_at",
    ]
    .iter()
    .map(|sort| format!("sort={sort}"))
    .collect();
    all.extend(
        [
            "state=suspended",
            "presence=online",
            "presence=offline",
            "presence=online&sort=name",
            "presence=offline&sort=last_seen_at",
            "state=active&presence=online&sort=-name",
            "query=boiler",
            "label=hall",
            "label=rare",
            "label=hall&sort=last_seen_at",
            "software_version=1.1",
            "software_version=1.9",
            "expires_within_days=30&sort=name",
            "query=0123456789abcdef",
        ]
        .map(str::to_owned),
    );
    // A customer, a part of one, and a single organisation below.
    all.extend([0, 1, 10].map(|number| format!("organisation={}", id("org", number))));
    all
}

fn now() -> UnixMillis {
    SystemClock.now()
}

fn id(prefix: &str, number: u32) -> String {
    format!("{prefix}_{number:026}")
}

/// Statements that fill the tables.
fn seeds(on_postgres: bool, all: &Reader, many: &Reader) -> anyhow::Result<Vec<String>> {
    let numbers = |from: u32, below: u32| {
        if on_postgres {
            format!(
                "WITH s AS (SELECT n FROM generate_series({from}, {}) n)",
                below - 1
            )
        } else {
            format!(
                "WITH RECURSIVE s (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM s WHERE n < {})",
                below - 1
            )
        }
    };
    let padded = |what: &str, len: u32| {
        if on_postgres {
            format!("LPAD(CAST({what} AS TEXT), {len}, '0')")
        } else {
            format!("PRINTF('%0{len}d', {what})")
        }
    };
    let organisations = CUSTOMERS * ORGANISATIONS;
    let org = |what: &str| format!("'org_' || {}", padded(&format!("({what})"), 26));
    let facts = serde_json::to_string(&Facts {
        hostname: "boiler".to_owned(),
        os: "Debian GNU/Linux".to_owned(),
        software: "gangway-device".to_owned(),
        ..Facts::default()
    })?;
    let at = now().0;
    let mut statements = vec![
        // Of each hundred the first is the customer, the next nine are below it, and ten each below these.
        format!(
            "{} INSERT INTO organisations (id, parent, root, name, policy, own_policy, created_at)
             SELECT {}, CASE WHEN n % 100 = 0 THEN NULL WHEN n % 100 < 10 THEN {} ELSE {} END,
                 CASE WHEN n % 100 = 0 THEN NULL ELSE {} END, 'Works ' || n, '{{}}',
                 CASE WHEN n % 100 = 0 THEN NULL ELSE '{{}}' END, {at} FROM s ORDER BY n",
            numbers(0, organisations),
            org("n"),
            org("n - n % 100"),
            org("n - n % 100 + 1 + (n % 100 - 10) / 10"),
            org("n - n % 100"),
        ),
        format!(
            "{} INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search, approver,
                 created_at, certificate_expires_at)
             SELECT 'dev_' || {}, {}, {}, 'Boiler-' || n, 'boiler-' || n,
                 CASE WHEN n % 5000 = 0 THEN '[\"hall\",\"rare\"]' WHEN n % 3 = 0 THEN '[\"hall\"]' ELSE '[]' END,
                 CASE WHEN n % 10 = 0 THEN 'suspended' WHEN n % 50 = 1 THEN 'retired' ELSE 'active' END, {at},
                 REPLACE('{facts}', '\"software_version\":\"\"', '\"software_version\":\"1.' || (n % 4) || '\"'),
                 'boiler-' || n || ' debian gnu/linux serial-' || (n * 7919), '{}', {at} - n * 1000, {at} + n % 90 * 86400000 FROM s",
            numbers(1, DEVICES + 1),
            padded("n", 26),
            org(&format!("n % {organisations}")),
            org(&format!("n % {organisations} - n % 100")),
            all.account,
        ),
        format!(
            "UPDATE presence SET recency = d.created_at + CASE WHEN d.created_at % 5000 < 1000 THEN 4503599627370496 ELSE 0 END,
                 last_seen_at = d.created_at, online_since = CASE WHEN d.created_at % 5000 < 1000 THEN d.created_at END
             FROM devices d WHERE d.id = presence.device AND d.state <> 'retired'"
        ),
    ];
    for reader in [all, many] {
        let (account, hash) = (&reader.account, SecretHash::of(&reader.secret));
        statements.push(format!(
            "INSERT INTO accounts (id, user_handle, name, kind, created_at) VALUES ('{account}', '{account}', 'Ada', 'person', 1)"
        ));
        statements.push(format!(
            "INSERT INTO sign_ins (id, token_hash, account, browser, address, created_at, last_used_at, verified_at, assertion)
             VALUES ('{}', '{}', '{account}', 'b', 'a', {at}, {at}, {at}, '')",
            account.replace("acc", "sin"),
            hash.as_str(),
        ));
    }
    statements.push(format!(
        "{} INSERT INTO memberships (organisation, account, role, created_at) SELECT {}, '{}', 'viewer', 1 FROM s",
        numbers(0, CUSTOMERS),
        org("n * 100"),
        all.account
    ));
    // Of each of the first customers nine parts of eleven organisations, fifty in all.
    statements.push(format!(
        "{} INSERT INTO memberships (organisation, account, role, created_at) SELECT {}, '{}', 'viewer', 1 FROM s",
        numbers(0, 50),
        org("n / 9 * 100 + 1 + n % 9"),
        many.account
    ));
    Ok(statements)
}
