//! Instants. They are written in UTC; the page's `LocalTimes` puts them into the reader's own terms.

use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

/// How to show an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// The day.
    Day,
    /// Day and minute.
    Minute,
    /// Distance from now: `3 minutes ago`.
    Distance,
    /// Distance of something that has happened. A clock that is wrong does not move it into the future.
    Past,
    /// The minute when it is today, else the day.
    Since,
}

impl TimeFormat {
    const ALL: [Self; 5] = [Self::Day, Self::Minute, Self::Distance, Self::Past, Self::Since];

    /// The value of [`SHOW`].
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Distance => "distance",
            Self::Past => "past",
            Self::Since => "since",
        }
    }

    /// Whether it reads differently as time goes by.
    pub(crate) fn ages(self) -> bool {
        matches!(self, Self::Distance | Self::Past)
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// The attribute that says how a `<time>` wants to be shown.
pub(crate) const SHOW: &str = "data-show";

/// The instant as a `<time>`; the whole of it stands in the tooltip.
#[component]
pub(crate) fn Moment(
    /// The instant.
    at: UnixMillis,
    /// How to show it.
    show: TimeFormat,
) -> impl IntoView {
    view! { <time datetime=at.rfc3339() data-show=show.name()>{at.to_the_minute()}</time> }
}
