//! The fleet table. It is drawn by the server for the view in the address; its controls are a form and its heads and pages
//! links, so that all of it works before and without any script. Alive, it does the same within the page and follows the
//! fleet's changes.

mod body;
mod bulk;
mod controls;
mod further;
mod labels;
mod listing;
mod news;
mod selection;
mod state;
mod table;
mod views;

use gangway_protocol::device::Device;
use gangway_protocol::page::Page;
use gangway_protocol::path::page as paths;
use gangway_protocol::saved_view::SavedView;
use leptos::either::Either;
use leptos::prelude::*;

use crate::browser::following::follow;
use crate::components::notice::TroubleNotice;
use crate::fleet_view::FleetView;
use crate::trouble::Outcome;
use crate::visit::language;
use body::Body;
use bulk::Bulk;
pub(crate) use bulk::BulkReach;
use controls::Controls;
use news::NewsButton;
use state::{Fleet, TITLE_ID};
use views::Views;

/// The fleet page below the bar.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn FleetTable(
    /// The page of the list that the address asks for, or why there is none.
    devices: Outcome<Page<Device>>,
    /// What the address asks for.
    shown: FleetView,
    /// Ids and names of the visitor's organisations.
    organisations: Vec<(String, String)>,
    /// Whether the visitor may add devices.
    may_enrol: bool,
    /// Where the visitor may do something with many devices.
    bulk: BulkReach,
    /// Ids and names of signers.
    signers: Vec<(String, String)>,
    /// Views that are kept, by name.
    views: Vec<SavedView>,
) -> impl IntoView {
    let t = language();
    let may_choose = !bulk.homes.is_empty();
    let fleet = Fleet::new(devices, shown);
    fleet.follow_address();
    follow(fleet, fleet.stale);
    view! {
        <div class="page-head">
            <h1 id=TITLE_ID tabindex="-1">{t.fleet()}</h1>
            <NewsButton fleet />
            <Views fleet views reach=bulk.clone() />
            <a class="button quiet" href=move || of_organisation(paths::FLEET_LOBBY, &fleet.view.read())>{t.lobby()}</a>
            <a class="button quiet" href=move || of_organisation(paths::FLEET_OVERVIEW, &fleet.view.read())>{t.overview()}</a>
        </div>
        <Controls fleet organisations signers />
        {move || {
            fleet
                .trouble
                .get()
                .map(|trouble| match fleet.retry(&trouble) {
                    Some(retry) => Either::Left(view! { <TroubleNotice trouble retry /> }),
                    None => Either::Right(view! { <TroubleNotice trouble /> }),
                })
        }}
        {may_choose.then(|| view! { <Bulk fleet reach=bulk /> })}
        <Body fleet may_enrol may_choose />
    }
}

/// A page, of the organisation that is filtered by.
fn of_organisation(page: &str, view: &FleetView) -> String {
    match view.organisation.as_str() {
        "" => page.to_owned(),
        id => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair(paths::ORGANISATION_ID, id);
            format!("{page}?{}", query.finish())
        }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::trouble::Trouble;
    use crate::visit::Visit;
    use gangway_protocol::error::ProblemCode;
    use gangway_protocol::time::UnixMillis;

    fn drawn(devices: Outcome<Page<Device>>, shown: FleetView) -> String {
        Owner::new_root(None).with(|| {
            provide_context(Visit::new(None, Some("en"), String::new(), UnixMillis(0)));
            crate::islands::provide_page();
            view! { <FleetTable devices shown organisations=Vec::new() may_enrol=true bulk=BulkReach::default() signers=Vec::new() views=Vec::new() /> }.to_html()
        })
    }

    #[test]
    fn a_list_that_cannot_be_read_leaves_the_controls_and_a_link_to_try_again() {
        let html = drawn(Err(Trouble::code(ProblemCode::Internal)), FleetView::default());
        assert!(html.contains(r#"role="alert""#), "{html}");
        assert!(html.contains(r#"<a href="" class="button">"#), "{html}");
        assert!(html.contains(r#"method="get" action="/fleet""#), "{html}");
        assert!(!html.contains("<table"), "{html}");
    }

    #[test]
    fn the_document_shows_and_sends_the_view_without_any_script() {
        let page = Page {
            total: Some(0),
            ..Page::new(Vec::new(), None)
        };
        let shown = FleetView {
            query: "hall 3".into(),
            state: "active".into(),
            ..FleetView::default()
        };
        let html = drawn(Ok(page), shown);
        assert!(html.contains(r#"<option value="active" selected>"#), "{html}");
        assert!(html.contains(r#"value="hall 3""#), "{html}");
        // Nothing fits: the way out is a link.
        assert!(html.contains(r#"href="/fleet""#), "{html}");
    }
}
