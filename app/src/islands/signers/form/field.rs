//! One line to fill in.

use leptos::prelude::*;

/// A labelled line of text.
#[component]
pub(super) fn Field(
    /// Its id in the document.
    id: String,
    label: &'static str,
    value: RwSignal<String>,
    /// What stands in it while nothing does.
    #[prop(optional)]
    placeholder: &'static str,
    /// What to know about it.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// An address, an id: nothing that a browser corrects.
    #[prop(default = true)]
    is_code: bool,
    #[prop(optional)] is_required: bool,
    /// Most characters.
    #[prop(default = 256)]
    longest: u32,
) -> impl IntoView {
    let described = hint.map(|_| format!("{id}-hint"));
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                class=is_code.then_some("mono")
                type="text"
                required=is_required
                maxlength=longest.to_string()
                placeholder=placeholder
                autocomplete="off"
                autocapitalize=is_code.then_some("off")
                spellcheck=is_code.then_some("false")
                aria-describedby=described.clone()
                bind:value=value
            />
            {hint.map(|hint| view! { <p class="hint" id=described>{hint}</p> })}
        </div>
    }
}

/// What a field holds, unless that is nothing.
pub(super) fn filled(field: RwSignal<String>) -> Option<String> {
    let text = field.get_untracked().trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// What a field holds.
pub(super) fn text(field: RwSignal<String>) -> String {
    field.get_untracked().trim().to_owned()
}

/// A field that holds this.
pub(super) fn holding(value: Option<&str>) -> RwSignal<String> {
    RwSignal::new(value.unwrap_or_default().to_owned())
}
