//! The application: contexts, and the frame around the page.

use crate::address::Address;
use crate::components::frame::frame;
use crate::components::moment::PageClock;
use crate::components::toast::{Toasts, toast_list};
use crate::pages::{Draw, Page};
use crate::view::{View, view};
use crate::visitor::Visitor;

/// The whole panel with this page: what stands in the document's body.
pub(crate) fn panel(address: Address, page: &Page, draw: Draw) -> View {
    address.provide();
    PageClock::provide();
    Toasts::provide();
    Visitor::provide();
    view! {
        {frame(draw(page))}
        {toast_list()}
    }
}
