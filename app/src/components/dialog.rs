//! Dialogs: the browser's own `<dialog>`, which keeps the focus inside and gives it back.

use gangway_client::ApiError;
use leptos::ev::Event;
use leptos::prelude::*;
use web_sys::HtmlDialogElement;

use super::notice::{Tone, notice};
use crate::browser::page;
use crate::view::{NodeRef, View, view};
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// A dialog that shows while `open` holds; its content is made anew each time.
pub(crate) fn dialog(
    open: RwSignal<bool>,
    class: &'static str,
    label: &'static str,
    content: impl Fn() -> View + Send + Sync + 'static,
) -> View {
    let node = NodeRef::<HtmlDialogElement>::new();
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
        <dialog node_ref=node class=class aria-label=label on:close=move |_: Event| open.set(false)>
            {move || open.get().then(&content)}
        </dialog>
    }
}

/// The end of a form in a dialog: the way out, and what the form does.
pub(crate) fn form_end(open: RwSignal<bool>, verb: &'static str) -> View {
    let t = language();
    view! {
        <div class="dialog-end">
            <button class="button" type="button" on:click=move |_| open.set(false)>{t.cancel()}</button>
            <button class="button primary" type="submit">{verb}</button>
        </div>
    }
}

/// A question before something that cannot easily be taken back: what it is, what will happen, and the answer's verb.
pub(crate) struct Question {
    pub(crate) title: String,
    /// What happens, one sentence each.
    pub(crate) says: Vec<&'static str>,
    pub(crate) verb: &'static str,
    pub(crate) dangerous: bool,
}

/// Asks a question. Yes calls `answer` and holds the button meanwhile; when the server wants a fresh proof of a passkey, the
/// browser asks for it and `answer` is called once more. Then the dialog closes, or shows what went wrong.
pub(crate) fn ask(
    open: RwSignal<bool>,
    label: &'static str,
    question: impl Fn() -> Question + Send + Sync + 'static,
    more: impl Fn() -> View + Send + Sync + 'static,
    answer: impl AsyncFn() -> Result<(), ApiError> + Clone + Send + Sync + 'static,
) -> View {
    let t = language();
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<String>);
    let api = api();
    let yes = Callback::new(move |()| {
        busy.set(true);
        let (api, answer) = (api.clone(), answer.clone());
        leptos::task::spawn_local(async move {
            match with_fresh_proof(&api, answer).await {
                Ok(()) => open.set(false),
                Err(error) => trouble.set(error.words(t)),
            }
            busy.set(false);
        });
    });
    dialog(open, "", label, move || {
        trouble.set(None);
        let Question {
            title,
            says,
            verb,
            dangerous,
        } = question();
        view! {
            <h2>{title}</h2>
            <ul class="says">{says.into_iter().map(|line| view! { <li>{line}</li> }).collect::<View>()}</ul>
            {more()}
            {move || trouble.get().map(|words| notice(Tone::Bad, view! { <p role="alert">{words}</p> }))}
            <div class="dialog-end">
                <button class="button" type="button" autofocus on:click=move |_| open.set(false)>
                    {t.cancel()}
                </button>
                <button
                    class="button"
                    class:danger=dangerous
                    class:primary=!dangerous
                    type="button"
                    disabled=move || busy.get()
                    aria-busy=move || busy.get().to_string()
                    on:click=move |_| yes.run(())
                >
                    {verb}
                </button>
            </div>
        }
    })
}
