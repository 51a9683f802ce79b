//! Labels of a device: drawn, and typed.

use gangway_protocol::device::{MAX_LABEL_LEN, MAX_LABELS, MAX_NAME_LEN};
use leptos::prelude::*;

use crate::visit::language;

/// The labels as chips.
#[component]
pub(crate) fn Labels(
    /// In the order in which they were given.
    labels: Vec<String>,
) -> impl IntoView {
    labels
        .into_iter()
        .map(|label| view! { <span class="chip">{label}</span> })
        .collect_view()
}

/// Fields for a device's name and labels; labels are separated by commas.
#[component]
pub(crate) fn NameAndLabels(
    /// The name.
    name: RwSignal<String>,
    /// The labels as they are typed.
    labels: RwSignal<String>,
    /// What the device is called as long as nobody names it.
    placeholder: String,
) -> impl IntoView {
    view! {
        <NameField name placeholder />
        <LabelsField labels />
    }
}

/// The field for a device's name.
#[component]
pub(crate) fn NameField(
    /// The name.
    name: RwSignal<String>,
    /// What the device is called as long as nobody names it.
    placeholder: String,
) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for="device-name">{t.device_name()}</label>
            <input id="device-name" type="text" maxlength=MAX_NAME_LEN.to_string() autocomplete="off" placeholder=placeholder bind:value=name />
        </div>
    }
}

/// The field for a device's labels, separated by commas.
#[component]
pub(crate) fn LabelsField(
    /// The labels as they are typed.
    labels: RwSignal<String>,
) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for="device-labels">{t.labels()}</label>
            <input id="device-labels" type="text" autocomplete="off" placeholder=t.labels_example() aria-describedby="labels-hint" bind:value=labels />
            <p class="hint" id="labels-hint">{t.labels_hint()}</p>
        </div>
    }
}

/// Reads typed labels: separated by commas, each once, without empty ones.
pub(crate) fn read_labels(text: &str) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    for label in text.split(',').map(str::trim).filter(|label| !label.is_empty()) {
        let label: String = label.chars().take(MAX_LABEL_LEN).collect();
        if read.len() < MAX_LABELS && !read.contains(&label) {
            read.push(label);
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::read_labels;

    #[test]
    fn labels_are_read_once_each() {
        assert_eq!(read_labels(" hall 3, ,roof,hall 3"), ["hall 3", "roof"]);
        assert!(read_labels("  ").is_empty());
    }
}
