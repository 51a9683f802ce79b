//! Changes of the fleet, from where they happen to whoever watches. A hint to read again, never the truth itself.

use gangway_protocol::device::FleetChange;
use gangway_protocol::id::AccountId;
use tokio::sync::broadcast;

/// Changes that a slow watcher may fall behind before it is told to read everything again. A burst of thousands
/// (a node that restarts) is cheaper read once than told one by one.
const CAPACITY: usize = 1024;

/// Changes of rights that a watcher may fall behind before it looks at its own.
const RIGHTS_CAPACITY: usize = 64;

/// Passes changes of the fleet on to those who watch it. Cheap to clone.
#[derive(Clone)]
pub struct Changes {
    sender: broadcast::Sender<FleetChange>,
    rights: broadcast::Sender<AccountId>,
}

impl Changes {
    /// Tells whoever watches; never waits.
    pub fn tell(&self, change: FleetChange) {
        // Nobody watching is the usual case, not a failure.
        let _ = self.sender.send(change);
    }

    /// Whether anybody would hear a change of the fleet.
    #[must_use]
    pub fn are_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Everything that is told from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<FleetChange> {
        self.sender.subscribe()
    }
}

impl Changes {
    /// Says that the rights of an account have changed: its streams look at them before anything else is told.
    pub fn tell_rights(&self, account: &AccountId) {
        // Nobody watching is the usual case, not a failure.
        let _ = self.rights.send(account.clone());
    }

    /// Whose rights change from now on.
    #[must_use]
    pub fn watch_rights(&self) -> broadcast::Receiver<AccountId> {
        self.rights.subscribe()
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(CAPACITY),
            rights: broadcast::Sender::new(RIGHTS_CAPACITY),
        }
    }
}
