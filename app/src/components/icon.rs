//! Icons and the logo as inline SVG: strokes of one width on a grid of 20, in the colour of the text around them.

use leptos::prelude::*;

/// What an icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    Add,
    Back,
    Bell,
    Camera,
    Certificate,
    Check,
    Close,
    Copy,
    Cross,
    Device,
    Down,
    Download,
    Edit,
    Fleet,
    Help,
    Key,
    Moon,
    Network,
    Next,
    Pause,
    Play,
    Person,
    Record,
    Refresh,
    Search,
    SignOut,
    Sun,
    Trash,
    Up,
    Warning,
}

impl Glyph {
    fn path(self) -> &'static str {
        match self {
            Self::Add => "M10 4v12M4 10h12",
            Self::Back => "M12 4l-6 6 6 6",
            Self::Bell => "M5 8a5 5 0 0 1 10 0c0 4 1.5 5 1.5 5h-13S5 12 5 8M8.5 16.5a1.7 1.7 0 0 0 3 0",
            Self::Camera => {
                "M3 6V3h3M14 3h3v3M17 14v3h-3M6 17H3v-3M6.5 6.5h2.5v2.5H6.5zM11 6.5h2.5v2.5H11zM6.5 11h2.5v2.5H6.5zM11.5 11.5v2h2"
            }
            Self::Certificate => {
                "M3 4h14v9h-4M3 13h4M3 4v9M6 7.5h8M6 10h3M10 11a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6M8.7 15.2v3l1.3-.8 1.3.8v-3"
            }
            Self::Check => "M4 10.5l4 4 8-9",
            Self::Close | Self::Cross => "M5 5l10 10M15 5L5 15",
            Self::Copy => "M7 7h9v9H7zM13 7V4H4v9h3",
            Self::Device => {
                "M4 4h12v12H4zM8 8h4v4H8zM7 4V2M13 4V2M7 18v-2M13 18v-2M4 7H2M4 13H2M18 7h-2M18 13h-2"
            }
            Self::Down => "M5 8l5 5 5-5",
            Self::Download => "M10 3v10M6 9.5l4 4 4-4M4 17h12",
            Self::Edit => "M4 16l.8-3.5L13.5 4 16 6.5 7.5 15.2zM12 5.5L14.5 8",
            Self::Fleet => "M3 5h14M3 10h14M3 15h14",
            Self::Help => {
                "M7.5 7.5a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1 .9-1 1.9M10 14.5v.1M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15"
            }
            Self::Key => "M12.5 3a4.5 4.5 0 1 1-3.7 7L3 15.5V17h3v-2h2v-2h1.5l1-1.2M13.5 6.5v.1",
            Self::Moon => "M16 12.2A6.5 6.5 0 0 1 7.8 4a6.5 6.5 0 1 0 8.2 8.2z",
            Self::Network => {
                "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15M2.5 10h15M10 2.5c4 4 4 11 0 15M10 2.5c-4 4-4 11 0 15"
            }
            Self::Next => "M8 4l6 6-6 6",
            Self::Pause => "M7 4v12M13 4v12",
            Self::Play => "M6 4l9 6-9 6z",
            Self::Person => "M10 3.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6M4 17c0-3 2.5-5 6-5s6 2 6 5",
            Self::Record => "M5 3h10v14H5zM8 7h4M8 10h4M8 13h2",
            Self::Refresh => "M16 7a6.5 6.5 0 1 0 .5 4M16.5 3v4h-4",
            Self::Search => "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M13 13l4 4",
            Self::SignOut => "M8 3H4v14h4M8 10h9M13.5 6.5L17 10l-3.5 3.5",
            Self::Sun => {
                "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1"
            }
            Self::Trash => "M4 6h12M8 6V3.5h4V6M5.5 6l.7 11h7.6l.7-11M8.5 9v5M11.5 9v5",
            Self::Up => "M5 12l5-5 5 5",
            Self::Warning => "M10 3l8 14H2zM10 8v4.5M10 14.8v.1",
        }
    }
}

/// An icon, 20 pixels square. Decorative: what it says stands in text or in the label of its button.
#[component]
pub(crate) fn Icon(
    /// What it says.
    glyph: Glyph,
) -> impl IntoView {
    view! {
        <svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d=glyph.path() />
        </svg>
    }
}

/// The mark of Gangway: a plank from the quay up to the deck.
#[component]
pub(crate) fn Logo(
    /// Its width and height in pixels.
    size: &'static str,
) -> impl IntoView {
    view! {
        <svg width=size height=size viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d="M2 18h6L16 7h6" />
            <path d="M10.5 14.6v-4M14 9.8v-4" stroke-width="1.6" />
            <path d="M2 22h20" stroke-opacity=".35" stroke-width="1.6" />
        </svg>
    }
}
