//! Hands what an authority sent back to the window that waits for it, and closes this one.

use leptos::prelude::*;

use crate::browser::{channel, page};

/// The channel of what authorities send back.
pub(crate) const CHANNEL: &str = "gangway-signed-in";

/// It draws nothing itself.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn SignedIn() -> impl IntoView {
    Effect::new(move |_| {
        if let Some(returned) = page::take_return() {
            channel::say(CHANNEL, &returned);
            page::close();
        }
    });
}
