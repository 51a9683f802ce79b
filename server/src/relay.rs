//! The relay: waiting devices, claims and sessions.

pub mod frame;

use std::sync::Arc;

use axum::Router;

use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::rng::Random;
use crate::state::{Gangway, StartError};

/// Waiting devices, claims and sessions of this node.
pub struct Relay {}

impl Relay {
    /// A relay without connections.
    ///
    /// # Errors
    /// When what it keeps in the database cannot be read or made.
    pub async fn open(
        _config: &Config,
        _db: &Db,
        _clock: &dyn Clock,
        _random: &dyn Random,
    ) -> Result<Self, StartError> {
        Ok(Self {})
    }
}

/// The WebSocket endpoints.
pub fn router() -> Router<Arc<Gangway>> {
    Router::new()
}

/// Acts on every deadline that has passed; called once a second by one task.
pub async fn tick(_gangway: &Arc<Gangway>) {}

/// Tells everyone connected that the server goes down, and closes their connections.
pub async fn drain(_gangway: &Arc<Gangway>) {}
