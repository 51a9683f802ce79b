//! What stands in the way of the database's work at present: remembered when it happens, forgotten when it is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::DbError;

/// Shared by all connections of a database. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Trouble(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Why nothing may be written: another server may have taken our place.
    fenced: bool,
    /// A transaction failed for want of disk, rights or a connection, and none has succeeded since.
    failing: bool,
    /// When a connection was last found broken: those that were used before may be as well.
    broken_at: Option<Instant>,
}

impl Trouble {
    /// Takes note of how a statement or a transaction failed.
    pub(super) fn note(&self, error: &DbError) {
        let broken = match error {
            DbError::Away(_) | DbError::ReadOnly => true,
            DbError::Full(_) => false,
            _ => return,
        };
        let mut state = self.state();
        state.failing = true;
        if broken {
            state.broken_at = Some(Instant::now());
        }
    }

    /// A transaction has succeeded.
    pub(super) fn clear(&self) {
        self.state().failing = false;
    }

    /// Whether the last transaction that tells failed.
    pub(super) fn is_failing(&self) -> bool {
        self.state().failing
    }

    /// Whether a connection that has been idle for so long was last used before one was found broken.
    pub(super) fn doubts(&self, idle_for: Duration) -> bool {
        let broken_at = self.state().broken_at;
        broken_at.is_some_and(|broken_at| broken_at.elapsed() <= idle_for)
    }

    /// Lets nothing be written from now on, or again.
    pub(super) fn fence(&self, fenced: bool) {
        self.state().fenced = fenced;
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.state().fenced
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
