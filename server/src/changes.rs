//! Changes of the fleet, from where they happen to whoever watches. A hint to read again, never the truth itself.

use gangway_protocol::device::FleetChange;
use tokio::sync::{broadcast, watch};

/// Changes that a slow watcher may fall behind before it is told to read everything again. A burst of thousands
/// (a node that restarts) is cheaper read once than told one by one.
const CAPACITY: usize = 1024;

/// Passes changes of the fleet on to those who watch it. Cheap to clone.
#[derive(Clone)]
pub struct Changes {
    sender: broadcast::Sender<FleetChange>,
    rights: watch::Sender<()>,
}

impl Changes {
    /// Tells whoever watches; never waits.
    pub fn tell(&self, change: FleetChange) {
        // Nobody watching is the usual case, not a failure.
        let _ = self.sender.send(change);
    }

    /// Everything that is told from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<FleetChange> {
        self.sender.subscribe()
    }
}

impl Changes {
    /// Says that somebody's rights have changed: whoever watches looks at theirs before anything else is told.
    pub fn tell_rights(&self) {
        self.rights.send_replace(());
    }

    /// Sees every change of rights from now on.
    #[must_use]
    pub fn watch_rights(&self) -> watch::Receiver<()> {
        self.rights.subscribe()
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(CAPACITY),
            rights: watch::Sender::new(()),
        }
    }
}
