//! What every handler, socket and task of one server works on.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::auth::passkeys::Passkeys;
use crate::auth::sweep::Sweeper;
use crate::ca::Authority;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::db::{Db, MigrationError};
use crate::enrolment::sweep::Schedule;
use crate::limits::Limits;
use crate::relay::Relay;
use crate::rng::Random;

/// One server: shared as `Arc<Gangway>`, the state of every router.
pub struct Gangway {
    /// What it was started with.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The database.
    pub db: Db,
    /// The relying party of WebAuthn.
    pub passkeys: Passkeys,
    /// What expired sign-ins, links and ceremonies leave behind is removed by this.
    pub sweeper: Sweeper,
    /// The built-in CA.
    pub authority: Authority,
    /// Waiting devices, claims and sessions of this node.
    pub relay: Relay,
    /// Changes of the fleet, for those who watch.
    pub changes: Changes,
    /// Limits on attempts.
    pub limits: Limits,
    /// When to look next for enrolments that stand still.
    pub sweep: Schedule,
    stopping: CancellationToken,
}

impl Gangway {
    /// Opens the database and everything that lives in it.
    ///
    /// # Errors
    /// Says what an operator has to put right.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<Self>, StartError> {
        let db = open_database(&config).await?;
        let passkeys = Passkeys::new(&config.public_url)?;
        if config.ca_key.is_none() {
            // Beside PostgreSQL the folder holds the CA's encryption key alone.
            config.make_data_dir()?;
        }
        let authority = Authority::open(&config, &db, &*clock, &*random).await?;
        let limits = Limits::new(&config.caps);
        let relay = Relay::open(&config, &db, &clock, &random, &limits).await?;
        let changes = Changes::default();
        let stopping = CancellationToken::new();
        let gangway = Arc::new(Self {
            config,
            clock,
            random,
            db,
            passkeys,
            sweeper: Sweeper::default(),
            authority,
            relay,
            changes,
            limits,
            sweep: Schedule::default(),
            stopping,
        });
        gangway.relay.attach(&gangway);
        Ok(gangway)
    }

    /// From now on the server says that it is not ready, so that balancers look elsewhere, and replies without end do end.
    pub fn begin_stopping(&self) {
        self.stopping.cancel();
    }

    /// Whether the server is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Resolves when the server is about to end: for replies that go on and on.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }
}

/// Opens the database that the configuration names, migrated. The command line uses it beside a running server.
///
/// # Errors
/// When it cannot be reached, migrated, or belongs to a newer version.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    Ok(match config.database() {
        Database::Sqlite(file) => {
            config.make_data_dir()?;
            Db::open_sqlite(&file).await?
        }
        Database::Postgres(url) => Db::open_postgres(url.expose()).await?,
    })
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is not usable.
    #[error(transparent)]
    Database(#[from] MigrationError),
    /// A query at start failed.
    #[error("the database failed at start: {0}")]
    Db(#[from] crate::db::DbError),
    /// A file or folder is not usable; the text names it and says what to do.
    #[error("{what}: {error}")]
    File {
        /// Which one, and for what.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Anything else that an operator has to put right, told in a sentence.
    #[error("{0}")]
    Refused(String),
}
