//! What nearly every service works with. A service that needs more, such as the relay, takes that beside it.

use std::sync::Arc;

use crate::ca::CertificateAuthority;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::limits::Failures;
use crate::rng::Random;

/// Configuration, time, randomness, the database, and the two engines that services share.
pub struct Context {
    /// What the server was started with.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The database.
    pub db: Db,
    /// The built-in CA.
    pub ca: CertificateAuthority,
    /// Changes of the fleet, for those who watch.
    pub changes: Changes,
    /// Failed attempts to come in, counted for the record.
    pub failures: Failures,
}
