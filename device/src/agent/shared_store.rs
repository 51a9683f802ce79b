//! The store, used from async code: writes that end in fsync run where they may block.

use std::sync::{Arc, Mutex, PoisonError};

use crate::store::{Store, StoreError};

#[derive(Clone)]
pub(super) struct SharedStore {
    store: Arc<Mutex<Store>>,
}

impl SharedStore {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store: Arc::new(Mutex::new(store)),
        }
    }

    /// Looks at what is kept. Memory only; never waits for a disk unless a change is under way.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is kept; durable when it returns.
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        if !self.look(Store::is_durable) {
            return change(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let store = Arc::clone(&self.store);
        let work = move || change(&mut store.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Io(std::io::Error::other(error))),
        }
    }
}
