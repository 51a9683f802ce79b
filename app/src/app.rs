//! The application: contexts, the frame, and which page stands under which address.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

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
use crate::visitor::Visitor;

/// The whole panel: what stands in the document's body.
#[must_use]
pub fn panel() -> AnyView {
    provide_meta_context();
    PageClock::provide();
    Toasts::provide();
    Visitor::provide();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Gangway".to_owned() } else { format!("{title} · Gangway") } />
        <Router>
            {frame(
                view! {
                    <FlatRoutes fallback=not_found_page>
                        <Route path=path!("/") view=home_page ssr=SsrMode::Async />
                        <Route path=path!("/setup") view=setup_page ssr=SsrMode::Async />
                        <Route path=path!("/link") view=link_page ssr=SsrMode::Async />
                        <Route path=path!("/fleet") view=fleet_page ssr=SsrMode::Async />
                        <Route path=path!("/fleet/:device") view=device_page ssr=SsrMode::Async />
                        <Route path=path!("/account") view=account_page ssr=SsrMode::Async />
                    </FlatRoutes>
                }
                    .into_any(),
            )}
        </Router>
        {toast_list()}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use gangway_protocol::path::page as paths;

    #[test]
    fn the_routes_are_the_ones_of_the_protocol() {
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
