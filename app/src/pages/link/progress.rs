//! The scene of the crossing itself: five steps, live, to the device's first session or to the cause of a failure.

use gangway_client::crossing::{Failure, Input, Retry, Stage, Step as Milestone, View as CrossingView};
use gangway_protocol::path::page as paths;
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::Crossing;
use super::failure::words;
use crate::browser::{clock, page};
use crate::components::copy::copying;
use crate::components::icon::{Icon, icon};
use crate::components::notice::{Tone, notice};
use crate::components::steps::{Progress, Step, steps};
use crate::view::{View, view};
use crate::visit::Language;

pub(super) fn following(t: Language, crossing: Crossing, sees_fleet: bool) -> View {
    let shown = Signal::derive(move || {
        crossing
            .view
            .with(|view| view.as_ref().map(|view| list(t, view)).unwrap_or_default())
    });
    let failure = Memo::new(move |_| {
        crossing
            .view
            .with(|view| match view.as_ref().map(|view| &view.stage) {
                Some(Stage::Failed(failure)) => Some(failure.clone()),
                _ => None,
            })
    });
    let online = Memo::new(move |_| {
        crossing
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stage == Stage::Online))
    });
    let can_cancel = Memo::new(move |_| {
        crossing
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stage.can_cancel()))
    });
    let name = Memo::new(move |_| {
        crossing.view.with(|view| {
            view.as_ref()
                .and_then(|view| view.device.as_ref())
                .map(|device| device.name.clone())
                .unwrap_or_default()
        })
    });
    Effect::new(move |_| page::focus("crossing-title"));
    view! {
        <h1 id="crossing-title" tabindex="-1">{move || if online.get() { t.crossing_done(&name.read()) } else { t.crossing_title(&name.read()) }}</h1>
        {steps(t.progress(), shown)}
        {move || failure.get().map(|failure| failed(t, crossing, &failure))}
        {move || can_cancel.get().then(|| view! { <button class="button" type="button" on:click=move |_| crossing.say(Input::Cancel)>{t.cancel()}</button> })}
        // Whoever sees the fleet is taken to the device; all others end here.
        {move || {
            (online.get() && !sees_fleet)
                .then(|| view! { <a class="button primary large" href=paths::LINK>{icon(Icon::Add)} {t.enrol_another()}</a> })
        }}
    }
}

/// The five steps as they stand.
fn list(t: Language, view: &CrossingView) -> Vec<Step> {
    let failed = matches!(view.stage, Stage::Failed(_));
    let current = view.progress.current();
    let mut before = view.progress.started_at;
    Milestone::ALL
        .into_iter()
        .map(|milestone| {
            let progress = match view.progress.done_at(milestone) {
                Some(at) => {
                    let took = at.since(before);
                    before = at;
                    Progress::Done(took)
                }
                None if current == Some(milestone) && failed => Progress::Failed,
                None if current == Some(milestone) => Progress::Running,
                None => Progress::Coming,
            };
            Step {
                label: label(t, milestone),
                note: note(t, view, milestone),
                progress,
            }
        })
        .collect()
}

fn label(t: Language, milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::CodeAccepted => t.step_code(),
        Milestone::IdentityChecked => t.step_identity(),
        Milestone::CertificateSigned => t.step_signed(),
        Milestone::Installed => t.step_installed(),
        Milestone::Online => t.step_online(),
    }
}

/// What a step waits for, or who did it.
fn note(t: Language, view: &CrossingView, milestone: Milestone) -> Option<String> {
    match (milestone, &view.stage) {
        (Milestone::IdentityChecked, Stage::AwaitingConsent) => Some(t.note_consent().to_owned()),
        (Milestone::CertificateSigned, Stage::Signing) => Some(t.note_signing().to_owned()),
        (Milestone::CertificateSigned, _) => view
            .certificate
            .as_ref()
            .map(|digest| t.note_signed(&digest.to_string()[..16])),
        (Milestone::Installed, Stage::Installing) => Some(t.note_installing().to_owned()),
        (Milestone::Online, Stage::Installed) => Some(t.note_online().to_owned()),
        _ => None,
    }
}

/// The cause, the remedy, and what can be done here.
fn failed(t: Language, crossing: Crossing, failure: &Failure) -> View {
    let (cause, remedy) = words(t, failure);
    let retry = failure.retry();
    let again = move |_| match retry {
        Retry::SameCode { .. } => {
            crossing.start_over(true);
            crossing.begin();
        }
        Retry::ReadCodeAgain | Retry::No => crossing.start_over(false),
    };
    let report = crossing.view.with_untracked(|view| {
        view.as_ref()
            .map(|view| diagnostics(view, failure))
            .unwrap_or_default()
    });
    notice(
        Tone::Bad,
        view! {
            <div role="alert">
                <p><strong>{cause}</strong></p>
                <p>{remedy}</p>
            </div>
            <div class="row">
                <button class="button primary" type="button" on:click=again>{icon(Icon::Refresh)} {t.try_again()}</button>
                <button class="button" type="button" on:click=copying(report)>{icon(Icon::Copy)} {t.copy_diagnostics()}</button>
            </div>
        },
    )
}

/// What helps whoever is asked for help. Nothing in it is secret; it is in English, because they may be anywhere.
fn diagnostics(view: &CrossingView, failure: &Failure) -> String {
    let mut lines = vec![
        format!(
            "Gangway panel {} at {}",
            env!("CARGO_PKG_VERSION"),
            page::origin()
        ),
        format!("Failed: {}", clock::now().rfc3339()),
        format!("Cause: {}", failure.cause()),
        format!("Remedy: {}", failure.remedy()),
    ];
    lines.extend(
        view.device
            .as_ref()
            .map(|device| format!("Device: {}", device.id)),
    );
    lines.extend(
        view.certificate
            .as_ref()
            .map(|digest| format!("Certificate: {digest}")),
    );
    lines.push(format!("Started: {}", view.progress.started_at.rfc3339()));
    for milestone in Milestone::ALL {
        let at = view
            .progress
            .done_at(milestone)
            .map_or_else(|| "not reached".to_owned(), UnixMillis::rfc3339);
        lines.push(format!("{}: {at}", label(Language::English, milestone)));
    }
    lines.join("\n")
}
