//! The real server as a child process, with caps raised for a load that comes from one address.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use gangway_protocol::path;
use tokio::process::{Child, Command};

use crate::Options;
use crate::http;
use crate::tls::Tls;

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    gangway: std::path::PathBuf,
    folder: tempfile::TempDir,
    /// Where its data are: the folder, or a PostgreSQL database.
    data: Vec<OsString>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// With what, if it speaks TLS.
    pub(crate) tls: Option<Tls>,
    /// From the start of the process to the first good answer on `/readyz`.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts a server on an empty data directory.
    pub(crate) async fn start(options: &Options) -> anyhow::Result<Self> {
        Self::start_in(options, data_dir()?).await
    }

    /// Starts a server on a data directory that exists.
    pub(crate) async fn start_in(options: &Options, folder: tempfile::TempDir) -> anyhow::Result<Self> {
        let data = vec!["--data-dir".into(), folder.path().into()];
        Self::start_with(options, folder, data).await
    }

    /// Starts a server on an empty PostgreSQL database.
    pub(crate) async fn start_on(options: &Options, url: &str) -> anyhow::Result<Self> {
        Self::start_on_in(options, data_dir()?, url).await
    }

    /// Starts a server on a PostgreSQL database whose CA's key is in this folder.
    pub(crate) async fn start_on_in(
        options: &Options,
        folder: tempfile::TempDir,
        url: &str,
    ) -> anyhow::Result<Self> {
        let data = vec![
            "--data-dir".into(),
            folder.path().into(),
            "--database-url".into(),
            url.into(),
        ];
        Self::start_with(options, folder, data).await
    }

    async fn start_with(
        options: &Options,
        folder: tempfile::TempDir,
        data: Vec<OsString>,
    ) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server = Self::spawn(options, folder, data, address, None)?;
        server.ready().await
    }

    /// Starts a server on a data directory where another has listened, and does not wait until it is ready: its clients do.
    pub(crate) fn spawn_in(
        options: &Options,
        folder: tempfile::TempDir,
        address: SocketAddr,
        tls: Option<Tls>,
    ) -> anyhow::Result<Self> {
        let data = vec!["--data-dir".into(), folder.path().into()];
        Self::spawn(options, folder, data, address, tls)
    }

    fn spawn(
        options: &Options,
        folder: tempfile::TempDir,
        data: Vec<OsString>,
        address: SocketAddr,
        tls: Option<Tls>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(options.gangway()?);
        command.arg("serve").args(&data);
        if let Some(Tls { certificate, key, .. }) = &tls {
            command.arg("--tls-certificate").arg(certificate);
            command.arg("--tls-key").arg(key);
        }
        let child = command
            .args([
                "--listen",
                &address.to_string(),
                "--public-url",
                &url(address, tls.as_ref()),
            ])
            .args(RAISED_CAPS)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting the server")?;
        Ok(Self {
            child,
            gangway: options.gangway()?,
            folder,
            data,
            address,
            tls,
            ready_after: Duration::ZERO,
        })
    }

    /// Waits until the server, which speaks no TLS, is ready.
    async fn ready(mut self) -> anyhow::Result<Self> {
        let started = Instant::now();
        while http::get(self.address, path::READYZ, "identity").await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if started.elapsed() > Duration::from_secs(30) {
                bail!("the server is not ready after 30 s");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.ready_after = started.elapsed();
        Ok(self)
    }

    /// Where its data are, unless they are in PostgreSQL.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `http://localhost:PORT`, or `https://`.
    pub(crate) fn url(&self) -> String {
        url(self.address, self.tls.as_ref())
    }

    /// Kills the server, as a power cut would, and hands over what it leaves on disk.
    pub(crate) async fn kill(mut self) -> anyhow::Result<tempfile::TempDir> {
        self.child.kill().await?;
        Ok(self.folder)
    }

    /// A token that enrols and sees the fleet.
    pub(crate) async fn token(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.gangway)
            .args(["admin", "token", "create", "--scope", "enrol", "--scope", "read"])
            .args(&self.data)
            .output()
            .await?;
        let text = String::from_utf8(output.stdout)?;
        text.trim_end()
            .lines()
            .last()
            .map(str::to_owned)
            .context("no token was printed")
    }

    /// Stops the server in order and hands over what it leaves on disk.
    pub(crate) async fn stop(mut self) -> anyhow::Result<tempfile::TempDir> {
        let pid = self.child.id().context("the server has ended")?;
        Command::new("kill").arg(pid.to_string()).status().await?;
        self.child.wait().await?;
        Ok(self.folder)
    }

    /// Bytes of memory that are this process's share (PSS): what a further session makes it grow by.
    pub(crate) fn pss(&self) -> anyhow::Result<u64> {
        let pid = self.child.id().context("the server has ended")?;
        kilobytes(Path::new(&format!("/proc/{pid}/smaps_rollup")), "Pss:")
    }

    /// Resident bytes.
    pub(crate) fn rss(&self) -> anyhow::Result<u64> {
        let pid = self.child.id().context("the server has ended")?;
        kilobytes(Path::new(&format!("/proc/{pid}/smaps_rollup")), "Rss:")
    }
}

fn url(address: SocketAddr, tls: Option<&Tls>) -> String {
    let scheme = if tls.is_some() { "https" } else { "http" };
    format!("{scheme}://localhost:{}", address.port())
}

fn kilobytes(path: &Path, field: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path)?;
    let line = text
        .lines()
        .find(|line| line.starts_with(field))
        .context("no such field in smaps_rollup")?;
    let number = line
        .split_whitespace()
        .nth(1)
        .context("no number in smaps_rollup")?;
    Ok(number.parse::<u64>()? * 1024)
}

/// An empty data directory on the disk that holds the build: where temporary files go may be memory, which syncs for nothing.
fn data_dir() -> anyhow::Result<tempfile::TempDir> {
    let beside = std::env::current_exe()?;
    let beside = beside.parent().context("this program is in no folder")?;
    Ok(tempfile::tempdir_in(beside)?)
}

/// The whole load comes from one address and one account; the caps that protect against that are options.
const RAISED_CAPS: [&str; 16] = [
    "--caps-measurement-updates-per-second-per-feed",
    "1000000",
    "--caps-requests-per-second-per-address",
    "1000000",
    "--caps-connections-per-address",
    "200000",
    "--caps-waiting-devices-per-address",
    "100000",
    "--caps-unproven-sessions-per-address",
    "100000",
    "--caps-failed-codes-per-account",
    "1000000",
    "--caps-failed-codes-per-address",
    "1000000",
    "--caps-failed-codes-per-organisation",
    "1000000",
];
