//! Actions on many devices: each with how far it is, followed until it is over.

pub(crate) mod line;

use gangway_protocol::bulk::BulkJob;
use leptos::prelude::*;

use line::JobLine;

/// The list.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn BulkJobs(
    /// As the server read them, newest first.
    jobs: Vec<BulkJob>,
    /// Whether the visitor may confirm and stop them.
    may_operate: bool,
) -> impl IntoView {
    view! {
        <ul class="lines jobs">
            {jobs
                .into_iter()
                .map(|job| {
                    view! {
                        <li>
                            <JobLine job=RwSignal::new(job) may_operate />
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}
