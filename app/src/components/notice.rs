//! What a page has to say besides its content: notices, complaints, and that a list has nothing to show.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::trouble::Trouble;
use crate::view::{View, view};
use crate::visit::language;

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Warn,
    Bad,
}

/// A notice with whatever it has to say and offer.
pub(crate) fn notice(tone: Tone, content: View) -> View {
    let (class, sign) = match tone {
        Tone::Plain => ("notice", Icon::Help),
        Tone::Warn => ("notice warn", Icon::Warning),
        Tone::Bad => ("notice bad", Icon::Warning),
    };
    view! { <div class=class>{icon(sign)} <div>{content}</div></div> }
}

/// What went wrong, with a way to try again.
pub(crate) fn trouble_notice(trouble: &Trouble, retry: Option<Callback<()>>) -> View {
    let t = language();
    let words = trouble.words(t);
    notice(
        Tone::Bad,
        view! {
            <p role="alert">{words}</p>
            {retry
                .map(|retry| {
                    view! {
                        <div class="row">
                            <button class="button" type="button" on:click=move |_| retry.run(())>
                                {icon(Icon::Refresh)}
                                {t.try_again()}
                            </button>
                        </div>
                    }
                })}
        },
    )
}

/// What is wrong with what was filled in or asked for, beside it; nothing shows until there is something to say.
pub(crate) fn complaint(message: RwSignal<Option<String>>) -> View {
    view! { <p class="hint bad" role="alert">{move || message.get()}</p> }
}

/// In place of a list: what it means that nothing is there, and what to do.
pub(crate) fn blank(title: String, text: Option<&'static str>, content: View) -> View {
    view! {
        <div class="blank">
            <h2>{title}</h2>
            {text.map(|text| view! { <p>{text}</p> })}
            {content}
        </div>
    }
}
