//! What a page has to say besides its content: notices, complaints, and that a list has nothing to show.

use leptos::children::TypedChildren;
use leptos::either::Either;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::trouble::Trouble;
use crate::visit::language;

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Warn,
    Bad,
}

/// A notice with whatever it has to say and offer.
#[component]
pub(crate) fn Notice<C: IntoView + 'static>(
    /// How serious it is.
    tone: Tone,
    /// What it says.
    children: TypedChildren<C>,
) -> impl IntoView {
    let (class, glyph) = match tone {
        Tone::Plain => ("notice", Glyph::Help),
        Tone::Warn => ("notice warn", Glyph::Warning),
        Tone::Bad => ("notice bad", Glyph::Warning),
    };
    view! {
        <div class=class>
            <Icon glyph />
            <div>{children.into_inner()()}</div>
        </div>
    }
}

/// What went wrong, with a way to try again.
#[component]
pub(crate) fn TroubleNotice(
    /// What went wrong.
    trouble: Trouble,
    /// Tries again. Without it a link loads the page anew, which needs no script.
    #[prop(optional, into)]
    retry: Option<Callback<()>>,
) -> impl IntoView {
    let t = language();
    let again = move || view! { <Icon glyph=Glyph::Refresh /> {t.try_again()} };
    view! {
        <Notice tone=Tone::Bad>
            <p role="alert">{trouble.words(t)}</p>
            <div class="row">
                {match retry {
                    Some(retry) => Either::Left(view! { <button class="button" type="button" on:click=move |_| retry.run(())>{again()}</button> }),
                    None => Either::Right(view! { <a class="button" href="">{again()}</a> }),
                }}
            </div>
        </Notice>
    }
}

/// What is wrong with what was filled in or asked for, beside it; nothing shows until there is something to say.
#[component]
pub(crate) fn Complaint(
    /// What to say.
    #[prop(into)]
    message: Signal<Option<String>>,
) -> impl IntoView {
    view! { <p class="hint bad" role="alert">{move || message.get()}</p> }
}

/// In place of a list: what it means that nothing is there, and what to do.
#[component]
pub(crate) fn Blank<C: IntoView + 'static>(
    /// What it means.
    title: &'static str,
    /// What to do about it.
    text: &'static str,
    /// Ways to do that.
    children: TypedChildren<C>,
) -> impl IntoView {
    view! {
        <div class="blank">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.into_inner()()}
        </div>
    }
}

/// In place of a page: why its visitor finds nothing there.
#[component]
pub(crate) fn Instead(
    /// What the page is called.
    title: &'static str,
    /// Why, and whom to ask.
    words: &'static str,
) -> impl IntoView {
    view! {
        <h1>{title}</h1>
        <div class="gate">
            <Notice tone=Tone::Warn>
                <p>{words}</p>
            </Notice>
        </div>
    }
}
