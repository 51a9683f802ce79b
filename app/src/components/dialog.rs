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
    label: &'static str,
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
        <dialog node_ref=node class=class aria-label=label on:close=move |_| open.set(false)>
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
            <button class="button" type="button" on:click=move |_| open.set(false)>{t.cancel()}</button>
            <button class="button primary" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>{verb}</button>
        </div>
    }
}
