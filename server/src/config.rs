//! Configuration: defaults, then a TOML file, then `GANGWAY_*` variables, then flags; read once, at start.
//!
//! Every option is declared once, below. Its flag, its variable, its TOML key and its paragraph in
//! `docs/configuration.md` all follow from that line (`options!`), so that none can be forgotten.

mod database_url;
mod document;
mod encryption_key;
mod flags;
mod network;
mod options;
mod public_url;
mod sources;
mod value;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use gangway_protocol::account::SignUpMode;
use gangway_protocol::secret::SecretString;
use url::Url;

pub use document::document;
pub use encryption_key::{EncryptionKey, KEY_LEN};
pub use flags::{DataFlags, ServeFlags};
pub use network::Network;
pub use options::{OptionSpec, Scope};
pub use sources::{Environment, Given, Source, Values};
pub use value::{KeyReaders, Listen, LogFormat};

use crate::start_error::StartError;
use options::options;

options! {
    /// Everything an operator can choose.
    Config in "" {
        /// Folder of the embedded database, the keys and the backups. Made with permissions for its owner alone.
        data_dir: PathBuf = Some("gangway-data"), Everywhere;
        /// PostgreSQL instead of the embedded SQLite database, e.g. `postgres://gangway@db.example/gangway`, or by a socket:
        /// `postgres:///gangway?host=/run/postgresql`. It is read as PostgreSQL's own programs read it. Give Gangway
        /// a database of its own; one server at a time works on it. It may hold a password: prefer the variable or a file
        /// to the flag.
        database_url: Option<SecretString> = None, Everywhere;
        /// The address of the HTTP listener. `:8080` stands for all addresses, `localhost:8080` for loopback. When
        /// systemd passes a socket (`LISTEN_FDS`), that socket is used instead.
        listen: Listen = Some("127.0.0.1:8080"), Serve;
        /// The URL under which browsers and devices reach this server: `https://` and a host name, because passkeys belong
        /// to a name; an IP address is refused. Plain `http://` is allowed for `localhost` alone. The default is
        /// `http://localhost` with the port of `listen`.
        public_url: Url = Some("http://localhost:8080"), Everywhere;
        /// File with the TLS certificate and its chain (PEM). Together with `tls_key` it makes the listener speak TLS; both
        /// are read again when they change.
        tls_certificate: Option<PathBuf> = None, Serve;
        /// File with the private key of `tls_certificate` (PEM).
        tls_key: Option<PathBuf> = None, Serve;
        /// Addresses and networks (`10.0.0.0/8`) of the proxies in front, separated by commas. Only from them is
        /// `X-Forwarded-For` believed.
        trusted_proxies: Vec<Network> = None, Serve;
        /// The address of the listener for `/metrics` (Prometheus), e.g. `127.0.0.1:9464`. There is none without it.
        metrics_listen: Option<Listen> = None, Serve;
        /// Further origins that devices may have been configured with, besides that of `public_url`, separated by commas:
        /// a device signs the origin it was given, and the server accepts only these.
        device_origins: Vec<String> = None, Serve;
        /// Whether browsers are told to use nothing but TLS for all names below that of `public_url` too (HSTS with
        /// `includeSubDomains`). A name such as `panel.example.com` speaks for what is below itself alone. Say `false` where
        /// `public_url` is the name of a whole domain (`example.com`) and something below it is served without TLS: browsers
        /// keep to what they were told for two years.
        hsts_subdomains: bool = Some("true"), Serve;
        /// Whom to tell about a weakness of this installation, for `/.well-known/security.txt` (RFC 9116): addresses such as
        /// `mailto:security@example.com` or `https://example.com/security`, separated by commas, the best one first. Without
        /// any there is no such file.
        security_contact: Vec<String> = None, Serve;
        /// The key that encrypts the keys of the built-in CA at rest: 32 bytes in base64, as `openssl rand -base64 32` makes
        /// them. Without it a key is made and kept in the data directory, in a file for its owner alone.
        ca_key: Option<EncryptionKey> = None, Everywhere;
        /// Who may be able to read that file: `owner` alone, its `group` too, or `everybody`. Kubernetes gives files of a volume
        /// with `fsGroup` to a group, and some file systems (vfat, network shares) have no permissions: say so here where only
        /// the server can reach the volume. Otherwise the server refuses a key that others can read.
        ca_key_readers: KeyReaders = Some("owner"), Everywhere;
        /// The URL before `/ca/` in the certificates of the built-in CA: there verifiers fetch revocation lists and issuers. Best
        /// plain `http://`, since many verifiers fetch nothing over TLS (RFC 5280 §8), e.g. `http://pki.example.com`; a proxy or
        /// `ca_listen` has to serve it. Absent: `public_url`. Certificates keep the URL that they were made with.
        ca_url: Option<Url> = None, Everywhere;
        /// The address of a listener without TLS that serves `/ca/` and nothing else, e.g. `:80`. There is none without it.
        ca_listen: Option<Listen> = None, Serve;
        /// The address of a listener for devices that speaks TLS with a certificate of the built-in CA and takes theirs, e.g. `:8443`:
        /// sessions, enrolment, EST, idprov, and the CA's own certificates and lists. There is none without it.
        mtls_listen: Option<Listen> = None, Serve;
        /// The address of a listener that serves idprov (`/idprov/`) in the same way, and nothing else, e.g. `:43776`. There is none
        /// without it.
        idprov_listen: Option<Listen> = None, Serve;
        /// Addresses and networks of proxies that end TLS for devices and pass their certificates on as `Client-Cert` (RFC 9440),
        /// separated by commas. Name only those that remove this header from what clients send: certificates are public, and whoever may
        /// say whose they are is that device. `trusted_proxies` says nothing of it.
        client_certificate_proxies: Vec<Network> = None, Serve;
        /// Further names and addresses by which devices reach `mtls_listen` and `idprov_listen`, separated by commas, for the
        /// certificate there. The host of `public_url` and the address that they listen on stand in it anyway.
        device_names: Vec<String> = None, Serve;
        /// Whether our CA speaks plgd's signing API below `/plgd/`, for every organisation: see `docs/plgd.md`. Whoever may enrol
        /// devices may then have identities for OCF signed, and web pages of other origins may ask for them with a token.
        plgd_api: bool = Some("false"), Serve;
        /// Who may become a customer with organisations of their own: `closed`, nobody but whoever sets the server up; `invitation`,
        /// whoever gets a link from `gangway admin customer invite`; `open`, everybody, on the page `/sign-up`.
        sign_up: SignUpMode = Some("invitation"), Everywhere;
        /// How many devices a customer may have who signed up on that page; `gangway admin customer change` gives more.
        sign_up_devices: u32 = Some("25"), Serve;
        /// Networks (`10.0.0.0/8`) and addresses that are not public and that webhooks may be sent to all the same, separated by
        /// commas; there by plain `http://` too, where the URL names the address itself. The same holds for identity providers. Whoever administers an organisation chooses
        /// where its webhooks go: name nothing that trusts this server's address. Where `public_url` is `localhost`, loopback is
        /// allowed as well.
        webhook_networks: Vec<Network> = None, Serve;
        /// What to log: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,gangway_server::relay=debug`.
        log: String = Some("info"), Serve;
        /// How to log: `text` for people, `json` for machines. Never a secret, a code, a token, a cookie or a query.
        log_format: LogFormat = Some("text"), Serve;
        /// For how many seconds a stopping server waits for requests that are being answered.
        shutdown_grace_secs: u32 = Some("10"), Serve;
    }
    nested {
        /// Bounds on what anyone can use up.
        caps: Caps
    }
}

options! {
    /// Bounds on what anyone can use up. A bench on loopback raises them.
    Caps in "caps." {
        /// Connections that speak HTTP at one time; waiting devices and sessions are counted by themselves. Further ones wait
        /// in the system's backlog.
        connections: u32 = Some("200000"), Serve;
        /// Connections that speak HTTP at one time, per address (/64 for IPv6). Beyond it the one that has been quiet for
        /// longest is closed, or the new one when all are busy. Half a head takes 16 KB, and of 64 KiB bodies 64 are read at a
        /// time, so one address can make the server keep 68 MB; a fleet of some thousands behind one address still comes back at once. Trusted proxies are not
        /// counted: their connections are those of many.
        connections_per_address: u32 = Some("4096"), Serve;
        /// Devices that wait for a claim.
        waiting_devices: u32 = Some("100000"), Serve;
        /// Devices that wait for a claim, per address (/64 for IPv6).
        waiting_devices_per_address: u32 = Some("256"), Serve;
        /// Devices that prove who they are at one time, per address (/64 for IPv6). Twenty times as many may wait for their
        /// turn, ten seconds at most; a proof takes about a millisecond, so that a fleet of thousands behind one address comes
        /// back in one go after a restart. Further ones are told to come again after 5 to 10 s.
        unproven_sessions_per_address: u32 = Some("512"), Serve;
        /// Frames that the WebSockets of one address (/64 for IPv6) may send in a second on average; ten seconds' worth of them
        /// may come at once. Each KiB counts as a further frame.
        frames_per_second_per_address: u32 = Some("20000"), Serve;
        /// Requests over HTTP that one address (/64 for IPv6) may make in a second on average; twenty seconds' worth of them may
        /// come at once. A page costs as much as ten. Who exceeds it gets 429 and is closed.
        requests_per_second_per_address: u32 = Some("1000"), Serve;
        /// Updates that a measurement feed takes in a second on average, however many entries each holds; ten seconds' worth of
        /// them may come at once.
        measurement_updates_per_second_per_feed: u32 = Some("10"), Serve;
        /// Entries that a measurement feed takes in a day.
        measurements_per_day_per_feed: u32 = Some("1000000"), Serve;
        /// Failed codes per account in ten minutes; after that the waits double.
        failed_codes_per_account: u32 = Some("5"), Serve;
        /// Failed codes per address (/64 for IPv6) in ten minutes.
        failed_codes_per_address: u32 = Some("30"), Serve;
        /// Failed codes per organisation in ten minutes.
        failed_codes_per_organisation: u32 = Some("100"), Serve;
        /// Failed codes on the whole server in ten minutes, after which young accounts are slowed.
        failed_codes_total: u32 = Some("1000"), Serve;
        /// Sign-ins, one-time links and recovery codes that one address (/64 for IPv6) may try in ten minutes.
        sign_in_attempts_per_address: u32 = Some("60"), Serve;
        /// Sign-ups that one address (/64 for IPv6) may begin in a day.
        sign_ups_per_address: u32 = Some("20"), Serve;
        /// While so many customers have been made within an hour, in whatever way, nobody signs up.
        sign_ups: u32 = Some("60"), Serve;
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self::read(&Values::defaults(), &mut Vec::new()).expect("every default of the table can be read")
    }
}

/// The configuration does not hold together; every problem is one line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Which database the configuration names.
#[derive(Clone, Debug)]
pub enum Database {
    /// The embedded one, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(SecretString),
}

/// The two files of a TLS listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

impl Config {
    /// The options of all tables, in the order of the documentation.
    pub fn options() -> impl Iterator<Item = &'static OptionSpec> {
        Self::SPECS.iter().chain(Caps::SPECS)
    }

    /// Reads and checks what the sources give.
    ///
    /// # Errors
    /// Every problem at once, each in a sentence.
    pub fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let config = Self::read(values, &mut problems);
        // What one option says by itself is told even where another cannot be read.
        let public_url = values.read::<Url>("public_url", &mut Vec::new());
        problems.extend(public_url.as_ref().and_then(public_url::problem));
        if let Some(config) = &config {
            problems.extend(config.problems());
        }
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError(problems)),
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let database_url = self.database_url.as_ref();
        problems.extend(database_url.and_then(|url| database_url::driver_url(url.expose()).err()));
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            problems.push("tls_certificate and tls_key belong together: give both, or neither".to_owned());
        }
        problems.extend(self.ca_url.as_ref().and_then(public_url::ca_problem));
        if self.ca_listen.is_some() && self.ca_url.is_none() {
            problems.push("ca_listen serves what ca_url names: give ca_url as well".to_owned());
        }
        problems.extend(
            self.security_contact
                .iter()
                .filter_map(|contact| public_url::contact_problem(contact)),
        );
        problems.extend(
            self.device_origins
                .iter()
                .filter_map(|origin| public_url::origin_problem(origin)),
        );
        problems
    }

    /// Which database to use.
    #[must_use]
    pub fn database(&self) -> Database {
        match &self.database_url {
            Some(url) => Database::Postgres(
                // A configuration made by hand was not checked: then the driver says what it thinks of it.
                database_url::driver_url(url.expose()).map_or_else(|_| url.clone(), SecretString::new),
            ),
            None => Database::Sqlite(self.data_dir.join("gangway.sqlite3")),
        }
    }

    /// The files of the TLS listener, when it speaks TLS.
    #[must_use]
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.tls_certificate.clone().zip(self.tls_key.clone())?;
        Some(TlsFiles { certificate, key })
    }

    /// The origin of `public_url` (RFC 6454 §6.2): what browsers and devices sign and send.
    #[must_use]
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// What stands before `/ca/` in the certificates of the built-in CA.
    #[must_use]
    pub fn ca_url(&self) -> &Url {
        self.ca_url.as_ref().unwrap_or(&self.public_url)
    }

    /// Whether webhooks may be sent to an address although it is not public.
    #[must_use]
    pub fn allows_webhooks_at(&self, address: IpAddr) -> bool {
        // Whoever runs a server for themselves alone tries webhooks on the same machine.
        let is_own = self.public_url.host_str() == Some("localhost") && address.to_canonical().is_loopback();
        is_own
            || self
                .webhook_networks
                .iter()
                .any(|network| network.contains(address))
    }

    /// The address to listen on.
    #[must_use]
    pub fn listen_address(&self) -> SocketAddr {
        self.listen.0
    }

    /// Makes the data directory, for its owner's eyes only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_data_dir(&self) -> Result<(), StartError> {
        let mut builder = std::fs::DirBuilder::new();
        if self.data_dir.is_dir() {
            return Ok(());
        }
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.data_dir)
            .and_then(|()| crate::ownership::follow_folder(&self.data_dir))
            .map_err(|error| StartError::File {
                what: format!("the data directory {} cannot be made", self.data_dir.display()),
                error,
            })
    }
}
