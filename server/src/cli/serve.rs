//! `gangway serve`: opens everything, listens, and ends in order when told to.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::clock::SystemClock;
use crate::config::{Config, Environment, Listen, ServeFlags};
use crate::db::{DbError, settings, write};
use crate::device_tls::{self, DeviceTls};
use crate::listen::{self, ConnectionLimit, Service, Shutdown, Tls, TlsHandshake};
use crate::people::links;
use crate::rng::SystemRandom;
use crate::router::{ca_router, device_router, idprov_router, router};
use crate::start_error::StartError;
use crate::state::Gangway;
use crate::{health, log, serve};

use super::CommandError;
use super::data_lock::DataLock;

/// Below this a fleet of a thousand devices does not fit.
const COMFORTABLE_DESCRIPTORS: u64 = 2048;

/// What telling everyone connected may take when the server stops, the last write of who was online with it.
const DRAIN_ALLOWANCE: Duration = Duration::from_secs(10);
/// How long the database may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Options of `gangway serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    flags: ServeFlags,
}

/// Runs `gangway serve` until SIGTERM or SIGINT, or until something ends without which it cannot go on.
///
/// # Errors
/// Why the server does not start, or why it cannot go on.
pub async fn run(args: ServeArgs) -> Result<(), CommandError> {
    let config = args.flags.load(&Environment::of_process())?;
    log::start(&config)?;
    let descriptors = listen::raise_limit();
    if descriptors.is_some_and(|limit| limit < COMFORTABLE_DESCRIPTORS) {
        tracing::warn!(
            limit = descriptors,
            "few files may be open, and each connection is one: raise the limit (LimitNOFILE=)"
        );
    }
    // What is wrong with the files shows before anything is made.
    let tls = load_tls(&config)?;
    let random = Arc::new(SystemRandom);
    let lock = DataLock::take(&config, &*random).await?;
    let gangway = Gangway::open(config, Arc::new(SystemClock), random).await?;
    let locked = lock.watch(&gangway).await?;
    let shutdown = Shutdown::default();
    if let Err(error) = start_listeners(&gangway, tls, &shutdown) {
        // What ends now is no failure of its own.
        gangway.begin_stopping();
        return Err(error.into());
    }
    serve::start_jobs(&gangway);
    remember_public_url(&gangway).await?;
    show_setup_link(&gangway).await?;
    announce_ready();
    let failure = tokio::select! {
        () = wait_for_signal() => None,
        failure = gangway.supervisor.failed() => Some(failure),
    };
    stop(&gangway, &shutdown).await;
    drop(locked);
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

fn start_listeners(
    gangway: &Arc<Gangway>,
    tls: Option<Arc<Tls>>,
    shutdown: &Shutdown,
) -> Result<(), StartError> {
    let (config, supervisor) = (&gangway.config, &gangway.supervisor);
    let address = config.listen_address();
    let listener = listen::bind(address).map_err(|error| unusable(address, "--listen", error))?;
    let bound = listener.local_addr();
    let panel = service(
        gangway,
        router(gangway.clone()),
        tls.as_ref().map(|tls| tls.handshake()),
    );
    supervisor.spawn("listener", listen::serve(listener, panel, shutdown.clone()));
    if let Some(tls) = tls {
        let (shutdown, gangway) = (shutdown.clone(), gangway.clone());
        supervisor.spawn("TLS files", async move {
            let host = gangway.config.public_url.host_str().unwrap_or_default();
            tls.watch(&shutdown, host, &*gangway.clock).await;
        });
    }
    if let Some(metrics) = config.metrics_listen {
        let listener =
            listen::bind_own(metrics.0).map_err(|error| unusable(metrics.0, "--metrics-listen", error))?;
        let bound = listener.local_addr().unwrap_or(metrics.0);
        tracing::info!(listen = %bound, "serving metrics");
        let handle = health::collect_metrics()?;
        supervisor.spawn(
            "metrics",
            health::keep_metrics(handle.clone(), supervisor.clone()),
        );
        let figures = service(gangway, health::metrics_router(handle), None);
        supervisor.spawn(
            "metrics listener",
            listen::serve(listener, figures, shutdown.clone()),
        );
    }
    if let Some(plain) = config.ca_listen {
        let listener = listen::bind_own(plain.0).map_err(|error| unusable(plain.0, "--ca-listen", error))?;
        let bound = listener.local_addr().unwrap_or(plain.0);
        tracing::info!(listen = %bound, "serving revocation lists");
        let lists = service(gangway, ca_router(gangway.clone()), None);
        supervisor.spawn(
            "revocation lists listener",
            listen::serve(listener, lists, shutdown.clone()),
        );
    }
    start_device_listeners(gangway, shutdown)?;
    let address = bound.map_or_else(|_| address.to_string(), |bound| bound.to_string());
    tracing::info!(url = %config.public_url, listen = address, "serving");
    Ok(())
}

/// What a listener for devices answers.
type Routes = fn(Arc<Gangway>) -> Router;

/// The listeners with a certificate of the built-in CA.
fn start_device_listeners(gangway: &Arc<Gangway>, shutdown: &Shutdown) -> Result<(), StartError> {
    let (config, supervisor) = (&gangway.config, &gangway.supervisor);
    let wanted: [(Option<Listen>, &str, &'static str, Routes); 2] = [
        (
            config.mtls_listen,
            "--mtls-listen",
            "devices listener",
            device_router,
        ),
        (
            config.idprov_listen,
            "--idprov-listen",
            "idprov listener",
            idprov_router,
        ),
    ];
    let mut bound = Vec::new();
    for (address, option, name, router) in wanted {
        let Some(Listen(address)) = address else { continue };
        let listener = listen::bind_own(address).map_err(|error| unusable(address, option, error))?;
        bound.push((listener.local_addr().unwrap_or(address), name, listener, router));
    }
    if bound.is_empty() {
        return Ok(());
    }
    let addresses: Vec<SocketAddr> = bound.iter().map(|(address, ..)| *address).collect();
    let tls = DeviceTls::new(gangway, &addresses)?;
    for (address, name, listener, router) in bound {
        tracing::info!(listen = %address, "serving devices: {name}");
        let devices = service(gangway, router(gangway.clone()), Some(tls.handshake()));
        supervisor.spawn(name, listen::serve(listener, devices, shutdown.clone()));
    }
    let shutdown = shutdown.clone();
    supervisor.spawn("TLS for devices", async move { tls.keep(&shutdown).await });
    Ok(())
}

/// Why nobody can be heard at an address, and by which option another is chosen.
fn unusable(address: SocketAddr, option: &str, error: std::io::Error) -> StartError {
    match error.kind() {
        ErrorKind::AddrInUse => StartError::Refused(format!(
            "another program listens on {address} already: stop it, or choose another address with {option}"
        )),
        _ => StartError::File {
            what: format!("cannot listen on {address} ({option})"),
            error,
        },
    }
}

fn load_tls(config: &Config) -> Result<Option<Arc<Tls>>, StartError> {
    let Some(files) = config.tls() else {
        return Ok(None);
    };
    let tls = Tls::load(files).map_err(|error| StartError::Refused(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

fn service(gangway: &Arc<Gangway>, router: Router, tls: Option<Arc<TlsHandshake>>) -> Service {
    let config = &gangway.config;
    let places = usize::try_from(config.caps.connections).unwrap_or(Semaphore::MAX_PERMITS);
    Service {
        router,
        tls,
        screen: device_tls::screen(gangway),
        certificate_proxies: config.client_certificate_proxies.as_slice().into(),
        trusted_proxies: config.trusted_proxies.as_slice().into(),
        places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
        connection_limit: ConnectionLimit::new(config.caps.connections_per_address),
    }
}

/// Tells systemd that the service is up (`Type=notify`); without systemd there is nobody to tell.
fn announce_ready() {
    if let Err(error) = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "systemd could not be told that the server is ready");
    }
}

/// So that the command line beside the server makes links that lead to it.
async fn remember_public_url(gangway: &Arc<Gangway>) -> Result<(), DbError> {
    let url = gangway.config.public_url.to_string();
    let mut reader = gangway.db.reader().await?;
    let last = settings::get(&mut reader.conn(), settings::PUBLIC_URL).await?;
    if last.as_ref() == Some(&url) {
        return Ok(());
    }
    write!(gangway.db, |tx| {
        settings::put(tx, settings::PUBLIC_URL, &url).await
    })
}

/// The first run's link, on standard output and not in the log. Nothing once somebody has an account.
async fn show_setup_link(gangway: &Arc<Gangway>) -> Result<(), DbError> {
    if let Some(link) =
        links::setup_link(&gangway.db, &gangway.config, &*gangway.clock, &*gangway.random).await?
    {
        // Where nobody reads it, `gangway admin setup-link` makes another.
        let _ = writeln!(
            std::io::stdout(),
            "\nNobody has an account here yet. Open this link within an hour to make the first; it works once:\n\n    {}\n",
            link.expose()
        );
    }
    Ok(())
}

async fn wait_for_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received: the server will have to be killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Stops accepting, tells everyone connected, waits for what is under way, closes the database.
async fn stop(gangway: &Arc<Gangway>, shutdown: &Shutdown) {
    tracing::info!("stopping");
    gangway.begin_stopping();
    shutdown.begin();
    let grace = Duration::from_secs(gangway.config.shutdown_grace_secs.into());
    let ended = tokio::time::timeout(grace + DRAIN_ALLOWANCE, async {
        gangway.relay.drain().await;
        tokio::time::timeout(grace, async {
            shutdown.finished().await;
            gangway.supervisor.finished().await;
        })
        .await
    });
    if !matches!(ended.await, Ok(Ok(()))) {
        tracing::warn!("some requests did not end in time");
    }
    if tokio::time::timeout(CLOSE_TIMEOUT, gangway.measurements.close())
        .await
        .is_err()
    {
        tracing::warn!("the measurements were not closed in time");
    }
    // A database that does not answer any more holds nobody up.
    if tokio::time::timeout(CLOSE_TIMEOUT, gangway.db.close())
        .await
        .is_err()
    {
        tracing::warn!("the database did not close in time");
    }
    tracing::info!("stopped");
}
