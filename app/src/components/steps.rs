//! A list of steps that are taken one after another, live: what is done and how long it took, what runs, what is to come.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::format;
use crate::visit::language;

/// One step, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) label: &'static str,
    /// What it waits for, or who did it.
    pub(crate) note: Option<String>,
    pub(crate) progress: Progress,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Coming,
    Running,
    /// It took this many milliseconds.
    Done(i64),
    Failed,
}

/// The steps. Screen readers hear each change, with the step's name.
#[component]
pub(crate) fn Steps(
    /// What the list is called.
    label: &'static str,
    /// The steps, in their order.
    #[prop(into)]
    steps: Signal<Vec<Step>>,
) -> impl IntoView {
    view! {
        <ol class="steps" aria-label=label aria-live="polite">
            {move || steps.get().into_iter().map(|step| view! { <StepLine step /> }).collect_view()}
        </ol>
    }
}

#[component]
fn StepLine(step: Step) -> impl IntoView {
    let t = language();
    let (class, said, time) = match step.progress {
        Progress::Coming => ("step", t.step_coming(), None),
        Progress::Running => ("step running", t.step_running(), None),
        Progress::Done(millis) => ("step done", t.step_done(), Some(format::span(t, millis))),
        Progress::Failed => ("step failed", t.step_failed(), None),
    };
    let mark = match step.progress {
        Progress::Done(_) => Some(Glyph::Check),
        Progress::Failed => Some(Glyph::Cross),
        Progress::Coming | Progress::Running => None,
    };
    // Said as a whole whenever any of it changes: "Done" alone would not tell what.
    view! {
        <li class=class aria-atomic="true">
            <span class="mark">{mark.map(|glyph| view! { <Icon glyph /> })}</span>
            <div>
                {step.label}
                <span class="hidden-text">": " {said}</span>
                {step.note.map(|note| view! { <p class="soft small">{note}</p> })}
            </div>
            <span class="soft mono">{time}</span>
        </li>
    }
}
