//! Links to one page as it is of each organisation.

use gangway_protocol::id::OrganisationId;
use leptos::prelude::*;

use crate::branches::Branch;
use crate::visit::language;

/// A link for each organisation, with the chosen one marked; nothing, where there is only one.
pub(crate) fn organisation_links(
    places: &[Branch],
    chosen: Option<&Branch>,
    address: impl Fn(&OrganisationId) -> String,
) -> Option<AnyView> {
    let t = language();
    let links = places
        .iter()
        .map(|branch| {
            let href = address(&branch.organisation.id);
            let current = (chosen == Some(branch)).then_some("page");
            view! { <a href=href aria-current=current>{branch.path.clone()}</a> }
        })
        .collect_view();
    (places.len() > 1)
        .then(|| view! { <nav class="row spans" aria-label=t.organisation()>{links}</nav> }.into_any())
}
