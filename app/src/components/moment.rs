//! Instants. The server writes them in UTC; once the page lives in the browser they are put into the reader's own terms.

use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use crate::browser::clock::{self, Detail};
use crate::view::{View, view};
use crate::visit::{Language, language};

/// How to show an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// The day.
    Day,
    /// Day and minute.
    Minute,
    /// Distance from now: `3 minutes ago`.
    Distance,
    /// The minute when it is today, else the day.
    Since,
}

/// The clock of the page: nothing on the server and during hydration, then the present instant, renewed now and then.
#[derive(Clone, Copy)]
pub(crate) struct PageClock {
    lives: RwSignal<bool>,
    now: RwSignal<UnixMillis>,
}

/// Distances are shown in seconds only below a minute; renewing them more often would only spend battery.
const TICK_MILLIS: u32 = 10_000;

impl PageClock {
    /// Provides the clock and, in the browser, keeps it going.
    pub(crate) fn provide() {
        let clock = Self {
            lives: RwSignal::new(false),
            now: RwSignal::new(UnixMillis(0)),
        };
        provide_context(clock);
        Effect::new(move |_| {
            clock.now.set(clock::now());
            clock.lives.set(true);
            leptos::task::spawn_local(async move {
                loop {
                    clock::sleep(TICK_MILLIS).await;
                    clock.now.set(clock::now());
                }
            });
        });
    }

    /// The present instant; nothing on the server and during hydration.
    pub(crate) fn now(self) -> Option<UnixMillis> {
        self.lives.get().then(|| self.now.get())
    }

    fn text(self, t: Language, at: UnixMillis, show: Show) -> String {
        if !self.lives.get() {
            return at.to_the_minute();
        }
        match show {
            Show::Day => clock::local(t, at, Detail::Day),
            Show::Minute => clock::local(t, at, Detail::Minute),
            Show::Distance => clock::relative(t, at, self.now.get()),
            Show::Since => {
                let day = clock::local(t, at, Detail::Day);
                if day == clock::local(t, self.now.get_untracked(), Detail::Day) {
                    clock::local(t, at, Detail::Clock)
                } else {
                    day
                }
            }
        }
    }
}

/// The instant as a `<time>`; the whole of it stands in the tooltip.
pub(crate) fn moment(at: UnixMillis, show: Show) -> View {
    let t = language();
    let clock = expect_context::<PageClock>();
    view! {
        <time datetime=at.rfc3339() title=move || clock.text(t, at, Show::Minute)>
            {move || clock.text(t, at, show)}
        </time>
    }
}
