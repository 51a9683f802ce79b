//! The fleet's changes, as long as the page stands.

use leptos::prelude::*;

use super::state::Fleet;
use crate::browser::changes::{Changes, Told};
use crate::browser::clock;
use crate::browser::held::Held;
use crate::trouble::Trouble;

/// A page that is younger than this when its stream comes to stand for the first time is not read again. Its rows were read
/// within this time, so that hardly anything can have happened unheard; the list would be asked for twice by everybody, all
/// the time. An older one is: it waited for its code or its stream. The server ends each stream after 15 minutes, and every
/// later opening reads again, so that nothing stays unheard for longer than that.
const FRESH_MILLIS: f64 = 2_000.0;
/// A stream that breaks comes back by itself within some seconds. After this long the page looks what is the matter, and says
/// so; a stream that the server refused would not come back at all.
const BROKEN_MILLIS: u32 = 10_000;

/// The page's stream.
#[derive(Clone, Copy)]
struct Live {
    fleet: Fleet,
    changes: Held<Changes>,
    /// Whether what happened before the next opening is known to the page.
    complete: StoredValue<bool>,
    /// Whether the stream is broken, and somebody looks after it.
    broken: StoredValue<bool>,
}

/// Follows the fleet's changes, from when the page lives.
pub(super) fn follow(fleet: Fleet) {
    let live = Live {
        fleet,
        changes: Held::new(),
        complete: StoredValue::new(true),
        broken: StoredValue::new(false),
    };
    Effect::new(move |_| {
        live.open();
        // A browser keeps a page that was left for going back, if nothing of it is open, and it sleeps meanwhile.
        let left = window_event_listener(leptos::ev::pagehide, move |_| live.changes.clear());
        let back = window_event_listener(leptos::ev::pageshow, move |event| {
            if event.persisted() {
                live.complete.set_value(false);
                live.open();
            }
        });
        on_cleanup(move || {
            left.remove();
            back.remove();
        });
    });
}

impl Live {
    fn open(self) {
        if let Some(changes) = Changes::follow(move |told| self.hear(told)) {
            self.changes.hold(changes);
        }
    }

    fn hear(self, told: Told) {
        match told {
            Told::Change(change) => self.fleet.hear(change),
            Told::Resync => self.fleet.catch_up(),
            Told::Opened => {
                self.broken.set_value(false);
                let complete = self.complete.get_value() && clock::since_navigation() < FRESH_MILLIS;
                self.complete.set_value(false);
                if !complete {
                    self.fleet.catch_up();
                }
            }
            Told::Broken => {
                if !self.broken.get_value() {
                    self.broken.set_value(true);
                    leptos::task::spawn_local(self.mend());
                }
            }
        }
    }

    /// Asks what is the matter and opens the stream anew, until it stands or only signing in helps.
    async fn mend(self) {
        loop {
            clock::sleep(BROKEN_MILLIS).await;
            if !self.broken.get_value() {
                return;
            }
            self.fleet.catch_up();
            let signed_out = self
                .fleet
                .trouble
                .with_untracked(|trouble| trouble.as_ref().is_some_and(Trouble::is_signed_out));
            if signed_out {
                return;
            }
            self.open();
        }
    }
}
