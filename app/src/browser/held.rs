//! Things of the browser (sockets, cameras, requests) that a page holds while it stands and lets go when it goes.

use leptos::prelude::{GetValue as _, SetValue as _, StoredValue, UpdateValue as _, on_cleanup};
use send_wrapper::SendWrapper;

/// A place for one of them. Empty on the server, whose threads they could not cross.
pub(crate) struct Held<T: 'static>(StoredValue<Option<SendWrapper<T>>>);

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Held<T> {}

impl<T: 'static> Held<T> {
    /// An empty place, emptied again when the page goes.
    pub(crate) fn new() -> Self {
        let held = Self(StoredValue::new(None));
        on_cleanup(move || held.clear());
        held
    }

    /// Holds another one in place of the former.
    pub(crate) fn hold(self, value: T) {
        self.0.set_value(Some(SendWrapper::new(value)));
    }

    /// Lets it go. Apart from [`Self::hold`], so that whoever only lets go does not load the code of what is held.
    pub(crate) fn clear(self) {
        self.0.update_value(|held| *held = None);
    }
}

impl<T: Clone + 'static> Held<T> {
    /// A copy of it.
    pub(crate) fn get(self) -> Option<T> {
        self.0.get_value().map(SendWrapper::take)
    }
}
