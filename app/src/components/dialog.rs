//! Dialogs: the browser's own `<dialog>`, which keeps the focus inside and gives it back.

use leptos::children::TypedChildrenFn;
use leptos::prelude::*;

use crate::browser::page;
use crate::visit::language;

/// A dialog that shows while `open` holds; its content is made anew each time.
#[component]
pub(crate) fn Dialog<C: IntoView + 'static>(
    /// Whether it shows; the browser closes it on Escape, and then so is this.
    open: RwSignal<bool>,
    /// Its class in the style sheet.
    #[prop(optional)]
    class: &'static str,
    /// What screen readers call it.
    #[prop(into)]
    label: Signal<String>,
    /// The id of what screen readers read out besides its name.
    #[prop(optional)]
    described_by: Option<&'static str>,
    /// Whether it has to stay: what was asked for is being done. Some browsers close it all the same at a second Escape.
    #[prop(optional, into)]
    held: Signal<bool>,
    /// Its content.
    children: TypedChildrenFn<C>,
) -> impl IntoView {
    let children = children.into_inner();
    let node = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            if open.get() {
                page::open_dialog(&dialog);
            } else {
                dialog.close();
            }
        }
    });
    view! {
        <dialog
            node_ref=node
            class=class
            aria-label=label
            aria-describedby=described_by
            on:cancel=move |event: leptos::ev::Event| {
                if held.get_untracked() {
                    event.prevent_default();
                }
            }
            on:close=move |_| open.set(false)
        >
            {move || open.get().then(|| children())}
        </dialog>
    }
}

/// The end of a form in a dialog: the way out, and what the form does.
#[component]
pub(crate) fn FormEnd(
    /// Whether the dialog shows.
    open: RwSignal<bool>,
    /// What the form does.
    verb: &'static str,
    /// Whether it is being done.
    #[prop(into)]
    busy: Signal<bool>,
) -> impl IntoView {
    let t = language();
    view! {
        <div class="dialog-end">
            <button class="button" type="button" disabled=busy on:click=move |_| open.set(false)>{t.cancel()}</button>
            <button class="button primary" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>{verb}</button>
        </div>
    }
}
