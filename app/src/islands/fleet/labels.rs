//! A device's labels in its row: the first ones, and how many more there are.

use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::fleet_view::FleetView;
use crate::visit::language;

/// A row keeps its height however many labels its device has; the device's page shows them all.
const SHOWN: usize = 3;

/// The address of the devices with a label.
fn filtered_by(label: &str) -> String {
    FleetView {
        label: label.to_owned(),
        ..FleetView::default()
    }
    .address()
}

/// The labels, behind what a person has to look at.
#[component]
pub(super) fn RowLabels(
    /// Whether a person has to look at the device.
    alarm: bool,
    /// In the order in which they were given.
    labels: Vec<String>,
) -> impl IntoView {
    let t = language();
    let more = labels.get(SHOWN..).unwrap_or_default().join(", ");
    let count = labels.len().saturating_sub(SHOWN);
    view! {
        <span class="row-labels">
            {alarm
                .then(|| {
                    view! {
                        <span class="chip bad">
                            <Icon glyph=Glyph::Warning />
                            " "
                            {t.alarm_short()}
                        </span>
                    }
                })}
            {labels
                .into_iter()
                .take(SHOWN)
                .map(|label| view! { <a class="chip" href=filtered_by(&label) title=t.filter_by_label(&label)>{label.clone()}</a> })
                .collect_view()}
            {(count > 0).then(|| view! { <span class="chip" title=more>{format!("+{count}")}</span> })}
        </span>
    }
}
