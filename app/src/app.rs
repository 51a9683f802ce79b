//! The application: contexts, the frame, and which page stands under which address.

use crate::address::Address;
use crate::components::frame::frame;
use crate::components::moment::PageClock;
use crate::components::toast::{Toasts, toast_list};
use crate::pages::account::account_page;
use crate::pages::device::device_page;
use crate::pages::fleet::fleet_page;
use crate::pages::home::home_page;
use crate::pages::link::link_page;
use crate::pages::not_found::not_found_page;
use crate::pages::setup::setup_page;
use crate::view::{View, view};
use crate::visitor::Visitor;

/// The whole panel at this address (path and query): what stands in the document's body.
pub(crate) fn panel(address: &str) -> View {
    let address = Address::provide(address);
    PageClock::provide();
    Toasts::provide();
    Visitor::provide();
    view! {
        {frame(page(address))}
        {toast_list()}
    }
}

fn page(address: Address) -> View {
    let segments = address.segments();
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => home_page(),
        ["setup"] => setup_page(),
        ["link"] => link_page(),
        ["fleet"] => fleet_page(),
        ["fleet", device] => device_page(device),
        ["account"] => account_page(),
        _ => not_found_page(),
    }
}

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
