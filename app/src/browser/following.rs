//! A page that follows the fleet's changes as long as it stands: the stream is opened anew when it breaks, and closed while the
//! browser keeps a page that was left.

use gangway_protocol::device::FleetChange;
use leptos::prelude::*;

use super::changes::{Changes, StreamEvent};
use super::clock;
use super::held::Held;

/// A stream that breaks comes back by itself within some seconds. After this long the page looks what is the matter, and says
/// so; a stream that the server refused would not come back at all.
const BROKEN_MILLIS: u32 = 10_000;

/// A page whose contents follow the fleet's changes.
pub(crate) trait Follower: Copy + Send + Sync + 'static {
    /// Takes a change in.
    fn hear(self, change: FleetChange);

    /// The stream stands for the first time. What happened since the page was drawn has not been told.
    fn begin(self) {
        self.catch_up();
    }

    /// Reads again, because changes may have been missed.
    fn catch_up(self);

    /// Whether reading again, or another stream, would be refused as the last one was.
    fn is_over(self) -> bool;
}

/// Follows the changes from when the page lives. `broken` holds while the stream is down, so that what is shown may be out of
/// date.
pub(crate) fn follow(page: impl Follower, broken: RwSignal<bool>) {
    let following = Following {
        page,
        changes: Held::new(),
        begun: StoredValue::new(false),
        broken,
    };
    Effect::new(move |_| {
        following.open();
        // A browser keeps a page that was left for going back, if nothing of it is open, and it sleeps meanwhile.
        let left = window_event_listener(leptos::ev::pagehide, move |_| following.changes.clear());
        let back = window_event_listener(leptos::ev::pageshow, move |event| {
            if event.persisted() {
                following.begun.set_value(true);
                following.open();
            }
        });
        on_cleanup(move || {
            left.remove();
            back.remove();
        });
    });
}

struct Following<P> {
    page: P,
    changes: Held<Changes>,
    /// Whether the page has begun, or its beginning is so long ago that it has to catch up.
    begun: StoredValue<bool>,
    /// Whether the stream is broken, and somebody looks after it.
    broken: RwSignal<bool>,
}

impl<P: Copy> Clone for Following<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Copy> Copy for Following<P> {}

impl<P: Follower> Following<P> {
    fn open(self) {
        if let Some(changes) = Changes::open(move |event| self.hear(event)) {
            self.changes.hold(changes);
        }
    }

    fn hear(self, event: StreamEvent) {
        match event {
            StreamEvent::Change(change) => self.page.hear(change),
            StreamEvent::Resync => self.page.catch_up(),
            StreamEvent::Opened => {
                if self.broken.get_untracked() {
                    self.broken.set(false);
                }
                if self.begun.get_value() {
                    self.page.catch_up();
                } else {
                    self.begun.set_value(true);
                    self.page.begin();
                }
            }
            StreamEvent::Broken => {
                if !self.broken.get_untracked() {
                    self.broken.set(true);
                    leptos::task::spawn_local(self.mend());
                }
            }
        }
    }

    /// Asks what is the matter and opens the stream anew, until it stands or nothing helps here.
    async fn mend(self) {
        loop {
            clock::sleep(BROKEN_MILLIS).await;
            if !self.broken.get_untracked() {
                return;
            }
            self.page.catch_up();
            if self.page.is_over() {
                return;
            }
            self.open();
        }
    }
}
