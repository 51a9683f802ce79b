//! The scene of the crossing itself: five steps, live, to the device's first session or to the cause of a failure.

use gangway_client::crossing::{Failure, Input, Retry, Stage, Step as Milestone, View};
use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::failure::words;
use super::signing::SigningObstacle;
use super::state::CrossingState;
use crate::browser::{clock, page};
use crate::components::copy::copying;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::{Notice, Tone};
use crate::components::steps::{Progress, Step, Steps};
use crate::preference::Language;
use crate::visit::language;

const TITLE_ID: &str = "crossing-title";
/// A device opens its first session within seconds of the certificate. After so long the page says that it need not be waited
/// for.
const OVERDUE_MILLIS: u32 = 45_000;

/// The scene.
#[component]
pub(super) fn Following(
    /// What the scenes share.
    state: CrossingState,
    /// Whoever sees the fleet is taken to the device; all others end here.
    account: StoredValue<Account>,
) -> impl IntoView {
    let t = language();
    let sees_fleet = account.with_value(|account| account.may(Role::may_see_fleet));
    let steps = Memo::new(move |_| {
        state
            .view
            .with(|view| view.as_ref().map(|view| list(t, view)).unwrap_or_default())
    });
    let title = Memo::new(move |_| {
        state
            .view
            .with(|view| view.as_ref().map(|view| title(t, view)).unwrap_or_default())
    });
    let failure = Memo::new(move |_| {
        state
            .view
            .with(|view| match view.as_ref().map(|view| &view.stage) {
                Some(Stage::Failed(failure)) => Some(failure.clone()),
                _ => None,
            })
    });
    // What the signer waits for has this answer beside its own.
    let can_cancel = Memo::new(move |_| {
        state.view.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.can_cancel() && view.stage != Stage::Signing)
        })
    });
    let ends_here = Memo::new(move |_| {
        !sees_fleet
            && state
                .view
                .with(|view| view.as_ref().is_some_and(|view| view.stage == Stage::Online))
    });
    let installed = Memo::new(move |_| {
        state
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stage == Stage::Installed))
    });
    let overdue = RwSignal::new(false);
    Effect::new(move |_| {
        if installed.get() {
            leptos::task::spawn_local(async move {
                clock::sleep(OVERDUE_MILLIS).await;
                overdue.try_set(true);
            });
        }
    });
    Effect::new(move |_| page::focus(TITLE_ID));
    view! {
        <h1 id=TITLE_ID tabindex="-1">{title}</h1>
        <Steps label=t.progress() steps />
        {move || failure.get().map(|failure| view! { <Failed state failure /> })}
        <SigningObstacle state />
        {move || {
            can_cancel
                .get()
                .then(|| view! { <button class="button" type="button" on:click=move |_| state.say(Input::Cancel)>{t.cancel()}</button> })
        }}
        {move || (installed.get() && overdue.get()).then(|| view! { <Overdue state sees_fleet /> })}
        {move || ends_here.get().then(|| view! { <EnrolAnother state /> })}
    }
}

/// The device has its certificate and does not come: nothing here has to wait for it.
#[component]
fn Overdue(state: CrossingState, sees_fleet: bool) -> impl IntoView {
    let t = language();
    let device = state
        .view
        .with_untracked(|view| Some(view.as_ref()?.device.as_ref()?.id.clone()))
        .filter(|_| sees_fleet);
    view! {
        <Notice tone=Tone::Plain>
            <p role="status">{t.crossing_overdue()}</p>
            <div class="row">
                {device.map(|device| view! { <a class="button" href=paths::fleet_device(&device)>{t.crossing_to_device()}</a> })}
                <EnrolAnother state />
            </div>
        </Notice>
    }
}

/// Back to the field on the same page, which still holds what a signer elsewhere takes.
#[component]
fn EnrolAnother(state: CrossingState) -> impl IntoView {
    view! {
        <button class="button primary" type="button" on:click=move |_| state.start_over(false)>
            <Icon glyph=Glyph::Add />
            {language().enrol_another()}
        </button>
    }
}

/// The cause, the remedy, and what can be done here.
#[component]
fn Failed(state: CrossingState, failure: Failure) -> impl IntoView {
    let t = language();
    let (cause, remedy) = words(t, &failure);
    let retry = failure.retry();
    let again = move |_| match retry {
        Retry::SameCode { .. } => {
            state.start_over(true);
            state.begin();
        }
        Retry::ReadCodeAgain | Retry::No => state.start_over(false),
    };
    let report = state.view.with_untracked(|view| {
        view.as_ref()
            .map(|view| diagnostics(view, &failure))
            .unwrap_or_default()
    });
    let copy = copying(report);
    view! {
        <Notice tone=Tone::Bad>
            <div role="alert">
                <p>
                    <strong>{cause}</strong>
                </p>
                <p>{remedy}</p>
            </div>
            <div class="row">
                <button class="button primary" type="button" on:click=again>
                    <Icon glyph=Glyph::Refresh />
                    {if retry == Retry::No { t.start_again() } else { t.try_again() }}
                </button>
                <button class="button" type="button" on:click=move |_| copy()>
                    <Icon glyph=Glyph::Copy />
                    {t.copy_diagnostics()}
                </button>
            </div>
        </Notice>
    }
}

/// What becomes of whom.
fn title(t: Language, view: &View) -> String {
    let approved = view.device.as_ref().map(|device| device.name.as_str());
    let stated = view.review.as_ref().map(|review| review.facts.hostname.as_str());
    let name = approved
        .or(stated)
        .filter(|name| !name.is_empty())
        .unwrap_or(t.nameless());
    match view.stage {
        Stage::Online => t.crossing_done(name),
        Stage::Failed(_) => t.crossing_failed(name),
        _ => t.crossing_title(name),
    }
}

/// The five steps as they stand.
fn list(t: Language, view: &View) -> Vec<Step> {
    let failed = matches!(view.stage, Stage::Failed(_));
    // The identity was in order; somebody, or the device itself, did not want to.
    let refused = matches!(view.stage, Stage::Failed(Failure::DeviceRefused { .. }));
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
                label: match (milestone, progress) {
                    (_, Progress::Failed) if refused => t.step_refused(),
                    (Milestone::IdentityChecked, Progress::Failed) => t.step_not_confirmed(),
                    _ => label(t, milestone),
                },
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
fn note(t: Language, view: &View, milestone: Milestone) -> Option<String> {
    match (milestone, &view.stage) {
        (Milestone::IdentityChecked, Stage::AwaitingConsent) => Some(t.note_consent().to_owned()),
        (Milestone::CertificateSigned, Stage::Signing) if view.obstacle.is_some() => {
            Some(t.note_signing_waits().to_owned())
        }
        (Milestone::CertificateSigned, Stage::Signing) => Some(t.note_signing().to_owned()),
        (Milestone::CertificateSigned, Stage::Provisioning) => Some(t.note_provisioning().to_owned()),
        (Milestone::CertificateSigned, _) => view.certificate.as_ref().map(|digest| {
            let digest = digest.to_string();
            t.note_signed(digest.get(..16).unwrap_or_default())
        }),
        (Milestone::Installed, Stage::Installing) => Some(t.note_installing().to_owned()),
        (Milestone::Online, Stage::Installed) => Some(t.note_online().to_owned()),
        _ => None,
    }
}

/// What helps whoever is asked for help. Nothing in it is secret; it is in English, because they may be anywhere.
fn diagnostics(view: &View, failure: &Failure) -> String {
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
