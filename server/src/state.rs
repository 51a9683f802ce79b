//! What every handler, socket and task of one server works on.

use std::ops::Deref;
use std::sync::Arc;

use crate::audit::verification::Verifications;
use crate::ca::CertificateAuthority;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::context::Context;
use crate::db::{Db, accounts};
use crate::limits::{Failures, Limits, RequestLimits};
use crate::measurements::Measurements;
use crate::people::passkeys::Passkeys;
use crate::relay::{self, Relay};
use crate::rng::Random;
use crate::session::SessionJobs;
use crate::single_sign_on::Directory;
use crate::start_error::StartError;
use crate::supervisor::Supervisor;
use crate::webhooks::Courier;

/// One server: shared as `Arc<Gangway>`, the state of every router.
pub struct Gangway {
    context: Arc<Context>,
    /// The relying party of WebAuthn.
    pub passkeys: Passkeys,
    /// Waiting devices, claims and sessions of this node.
    pub relay: Relay,
    /// Limits on attempts.
    pub limits: Limits,
    /// What requests of one address cost.
    pub requests: RequestLimits,
    /// The way to the receivers of webhooks.
    pub courier: Courier,
    /// What identity providers say of themselves, and the way to them.
    pub providers: Directory,
    /// The values of measurement feeds.
    pub measurements: Arc<Measurements>,
    /// Verifications of records that run on this node.
    pub verifications: Verifications,
    /// Watches over all that must not end before the server does.
    pub supervisor: Supervisor,
}

/// Handlers reach what services share as if it were the server's own: `gangway.db`, and `&gangway` for a `&Context`.
impl Deref for Gangway {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
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
        let supervisor = Supervisor::default();
        let db = open_database(&config).await?;
        let (stopping, ended) = (supervisor.clone(), db.writer_ended());
        supervisor.spawn("database writer", async move {
            tokio::select! {
                // It ends last, when all that writes has ended.
                () = stopping.stopping() => {}
                () = ended => {}
            }
        });
        let passkeys = Passkeys::new(&config.public_url)?;
        if config.ca_key.is_none() {
            // Beside PostgreSQL the folder holds the CA's encryption key alone.
            config.make_data_dir()?;
        }
        accounts::note_owner_uuids(&db).await?;
        let measurements = Measurements::open(&config, &db, clock.clone(), &supervisor).await?;
        let ca = CertificateAuthority::open(&config, &db, &*clock, &*random).await?;
        let limits = Limits::new(&config.caps);
        let courier = Courier::new(&config).map_err(|error| StartError::Refused(error.to_string()))?;
        let providers = Directory::new(&config).map_err(|error| StartError::Refused(error.to_string()))?;
        let context = Arc::new(Context {
            config,
            clock,
            random,
            db,
            ca,
            changes: Changes::default(),
            failures: Failures::default(),
        });
        let given = relay::Given {
            config: &context.config,
            db: &context.db,
            clock: &context.clock,
            random: &context.random,
            limits: &limits,
            changes: &context.changes,
            supervisor: &supervisor,
        };
        let jobs = SessionJobs {
            context: context.clone(),
            limits: limits.clone(),
            measurements: measurements.clone(),
        };
        let relay = Relay::open(given, jobs).await?;
        Ok(Arc::new(Self {
            passkeys,
            relay,
            requests: RequestLimits::new(context.config.caps.requests_per_second_per_address),
            limits,
            courier,
            providers,
            measurements,
            verifications: Verifications::default(),
            context,
            supervisor,
        }))
    }

    /// From now on the server says that it is not ready, so that balancers look elsewhere, and replies without end do end.
    pub fn begin_stopping(&self) {
        self.supervisor.begin_stopping();
    }

    /// Resolves when the server is about to end: for replies that go on and on.
    pub async fn stopping(&self) {
        self.supervisor.stopping().await;
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
