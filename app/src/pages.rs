//! The pages. Each fetches and arranges what its components show.
//!
//! The browser loads the code of a page apart from what all pages need, so that the sign-in does not wait for the fleet
//! (docs/decisions/0012).

mod account;
mod device;
mod fleet;
mod home;
mod link;
mod not_found;
mod setup;

use crate::address::Address;
use crate::view::View;

/// A page by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Home,
    Setup,
    Link,
    Fleet,
    /// With the id as it stands in the address.
    Device(String),
    Account,
    NotFound,
}

/// A part of the panel's code. The browser loads what every page needs, and beside that at most one other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What every page needs; enough for the pages that anybody may see.
    Common,
    Setup,
    Link,
    Fleet,
}

/// Draws a page.
pub(crate) type Draw = fn(&Page) -> View;

impl Page {
    pub(crate) fn at(address: Address) -> Self {
        let segments = address.segments();
        match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Self::Home,
            ["setup"] => Self::Setup,
            ["link"] => Self::Link,
            ["fleet"] => Self::Fleet,
            ["fleet", device] => Self::Device((*device).to_owned()),
            ["account"] => Self::Account,
            _ => Self::NotFound,
        }
    }

    /// The part that has its code.
    pub(crate) fn part(&self) -> Part {
        match self {
            Self::Home | Self::NotFound => Part::Common,
            Self::Setup => Part::Setup,
            Self::Link => Part::Link,
            Self::Fleet | Self::Device(_) | Self::Account => Part::Fleet,
        }
    }
}

impl Part {
    /// Its name in the build's list of files; none for what is loaded anyway.
    #[cfg(feature = "ssr")]
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Common => None,
            Self::Setup => Some("setup"),
            Self::Link => Some("link"),
            Self::Fleet => Some("fleet"),
        }
    }

    /// The code that draws its pages, loaded where it is not there yet.
    #[cfg(feature = "hydrate")]
    pub(crate) async fn code(self) -> Draw {
        match self {
            Self::Common => draw_common,
            Self::Setup => setup_code().await,
            Self::Link => link_code().await,
            Self::Fleet => fleet_code().await,
        }
    }

    /// The code that draws its pages: on the server all of it is there.
    #[cfg(feature = "ssr")]
    pub(crate) fn code(self) -> Draw {
        match self {
            Self::Common => draw_common,
            Self::Setup => draw_setup,
            Self::Link => draw_link,
            Self::Fleet => draw_fleet,
        }
    }
}

fn draw_common(page: &Page) -> View {
    match page {
        Page::Home => home::home_page(),
        _ => not_found::not_found_page(),
    }
}

fn draw_setup(_: &Page) -> View {
    setup::setup_page()
}

fn draw_link(_: &Page) -> View {
    link::link_page()
}

fn draw_fleet(page: &Page) -> View {
    match page {
        Page::Device(id) => device::device_page(id),
        Page::Account => account::account_page(),
        _ => fleet::fleet_page(),
    }
}

/// What the build cuts out of the panel's WebAssembly: everything that only one of these functions leads to.
#[cfg(feature = "hydrate")]
mod code {
    use wasm_split_helpers::wasm_split;

    use super::Draw;

    #[wasm_split(setup)]
    pub(super) fn setup_code() -> Draw {
        super::draw_setup
    }

    #[wasm_split(link)]
    pub(super) fn link_code() -> Draw {
        super::draw_link
    }

    #[wasm_split(fleet)]
    pub(super) fn fleet_code() -> Draw {
        super::draw_fleet
    }
}
#[cfg(feature = "hydrate")]
use code::{fleet_code, link_code, setup_code};

#[cfg(test)]
mod tests {
    use gangway_protocol::path::page as paths;

    #[test]
    fn the_pages_are_the_ones_of_the_protocol() {
        assert_eq!(
            [
                paths::HOME,
                paths::SETUP,
                paths::LINK,
                paths::FLEET,
                paths::FLEET_DEVICE,
                paths::ACCOUNT
            ],
            ["/", "/setup", "/link", "/fleet", "/fleet/{device}", "/account"]
        );
    }
}
