//! One action on many devices: what it is, how far, and what can be done about it.

use gangway_client::ApiError;
use gangway_protocol::bulk::{BulkFailure, BulkJob, BulkJobState};
use gangway_protocol::id::{BulkJobId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use crate::browser::clock;
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Complaint, TroubleNotice};
use crate::format;
use crate::preference::Language;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// Between two looks at a job that goes on.
const LOOK_EVERY_MILLIS: u32 = 1_000;

/// The line. It looks again and again until the job is over.
#[component]
pub(crate) fn JobLine(
    /// The job, as it was read last.
    job: RwSignal<BulkJob>,
    /// Whether the visitor may confirm and stop it.
    may_operate: bool,
) -> impl IntoView {
    let t = language();
    Effect::new(move |_| follow(job));
    let title =
        move || job.with(|job| t.job_with(action_words(t, job.action.name()), &t.devices(job.devices)));
    let goes_on = Memo::new(move |_| job.with(|job| job.state == BulkJobState::Running));
    let gone = move || job.with(|job| job.done + job.unchanged + job.failed);
    view! {
        <div class="job">
            <p class="job-title">{title}</p>
            <p class="soft small" aria-live="polite">{move || job.with(|job| stands(t, job))}</p>
            <Show when=move || goes_on.get()>
                <progress
                    max=move || job.with(|job| job.devices.max(1)).to_string()
                    value=move || gone().to_string()
                    aria-label=title
                ></progress>
            </Show>
            <p class="job-author soft small">
                {t.job_by()} " " {job.with_untracked(|job| job.author.clone())} " · "
                <Moment at=job.with_untracked(|job| job.created_at) show=TimeFormat::Minute />
            </p>
            {may_operate.then(|| view! { <Ways job /> })}
            <Show when=move || job.with(|job| job.failed > 0)>
                <Failures job />
            </Show>
        </div>
    }
}

/// What a job does, by the name of its action, as the choice of one says it.
pub(crate) fn action_words(t: Language, name: &str) -> &'static str {
    match name {
        "add_labels" => t.bulk_add_labels(),
        "remove_labels" => t.bulk_remove_labels(),
        "move" => t.bulk_move(),
        "renew" => t.bulk_renew(),
        "suspend" => t.bulk_suspend(),
        "resume" => t.bulk_resume(),
        "revoke" => t.bulk_revoke(),
        "retire" => t.bulk_retire(),
        _ => t.bulk_unknown(),
    }
}

/// How far it is, in words.
fn stands(t: Language, job: &BulkJob) -> String {
    let counts = [
        (job.done, t.job_count_done(job.done)),
        (job.unchanged, t.job_count_unchanged(job.unchanged)),
        (job.failed, t.job_count_failed(job.failed)),
    ];
    let counted = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, words)| words);
    let state = match job.state {
        BulkJobState::Unconfirmed if job.own => t.job_unconfirmed_own(),
        BulkJobState::Unconfirmed => t.job_unconfirmed(),
        BulkJobState::Waiting => t.job_waiting(),
        BulkJobState::Running => t.job_running(),
        BulkJobState::Done => t.job_done(),
        BulkJobState::Cancelled => t.job_cancelled(),
        BulkJobState::Stopped => t.job_stopped(),
        BulkJobState::Unknown => t.bulk_unknown(),
    };
    let gone = job.done + job.unchanged + job.failed;
    let progress = (job.state == BulkJobState::Running)
        .then(|| t.job_progress(&format::number(t, gone), &format::number(t, job.devices)));
    let ended_by = job.ended_by.as_deref().map(|who| match job.state {
        BulkJobState::Cancelled => t.job_ended_by(who),
        _ => who.to_owned(),
    });
    std::iter::once(state.to_owned())
        .chain(progress)
        .chain(counted)
        .chain(ended_by)
        .collect::<Vec<_>>()
        .join(" · ")
}

fn follow(job: RwSignal<BulkJob>) {
    leptos::task::spawn_local(async move {
        // The signal goes with the line.
        while let Some(false) = job.try_with_untracked(BulkJob::is_over) {
            clock::sleep(LOOK_EVERY_MILLIS).await;
            let Some((home, id)) = job.try_with_untracked(names) else {
                return;
            };
            match api().bulk_job(&home, &id).await {
                Ok(now) => put(job, now),
                Err(error) if Trouble::from(error.clone()).is_exclusion() => return,
                // It goes on without being looked at; the next look may get through.
                Err(_) => {}
            }
        }
    });
}

/// Where a job is, and which it is.
fn names(job: &BulkJob) -> (OrganisationId, BulkJobId) {
    (job.organisation.clone(), job.id.clone())
}

fn put(job: RwSignal<BulkJob>, now: BulkJob) {
    if job.try_with_untracked(|job| *job != now) == Some(true) {
        job.set(now);
    }
}

/// Confirming, taking back, stopping.
#[component]
fn Ways(job: RwSignal<BulkJob>) -> impl IntoView {
    let t = language();
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let state = Memo::new(move |_| job.with(|job| (job.state, job.own)));
    let act = move |confirms: bool| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let (home, id) = job.with_untracked(names);
        leptos::task::spawn_local(async move {
            let api = api();
            let call = async || -> Result<BulkJob, ApiError> {
                if confirms {
                    api.confirm_bulk_job(&home, &id).await
                } else {
                    api.cancel_bulk_job(&home, &id).await
                }
            };
            match with_fresh_proof(&api, call).await {
                Ok(now) => put(job, now),
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let confirms = move || state.get() == (BulkJobState::Unconfirmed, false);
    let end = move || match state.get().0 {
        BulkJobState::Waiting | BulkJobState::Unconfirmed => Some(t.job_undo()),
        BulkJobState::Running => Some(t.job_cancel()),
        _ => None,
    };
    view! {
        <div class="row">
            <Show when=confirms>
                <button class="button primary" type="button" aria-busy=move || busy.get().to_string() on:click=move |_| act(true)>
                    <Icon glyph=Glyph::Check />
                    {t.job_confirm()}
                </button>
            </Show>
            {move || {
                end()
                    .map(|verb| {
                        view! {
                            <button class="button" type="button" aria-busy=move || busy.get().to_string() on:click=move |_| act(false)>
                                {verb}
                            </button>
                        }
                    })
            }}
        </div>
        <Complaint message />
    }
}

/// The devices for which it failed, read when somebody wants to see them.
#[component]
fn Failures(job: RwSignal<BulkJob>) -> impl IntoView {
    let t = language();
    let found = RwSignal::new(Vec::<BulkFailure>::new());
    let next = RwSignal::new(None::<String>);
    let trouble = RwSignal::new(None::<Trouble>);
    let read = move |after: Option<String>| {
        let (home, id) = job.with_untracked(names);
        leptos::task::spawn_local(async move {
            let begins = after.is_none();
            let query = PageQuery { limit: None, after };
            match api().bulk_failures(&home, &id, &query).await {
                Ok(Page {
                    items, next: more, ..
                }) => {
                    trouble.set(None);
                    next.set(more);
                    found.update(|found| {
                        if begins {
                            found.clear();
                        }
                        found.extend(items);
                    });
                }
                Err(error) => trouble.set(Some(error.into())),
            }
        });
    };
    let opened = move |_| {
        if found.with_untracked(Vec::is_empty) {
            read(None);
        }
    };
    view! {
        <details on:toggle=opened>
            <summary>{t.job_failures()}</summary>
            {move || trouble.get().map(|trouble| view! { <TroubleNotice trouble retry=Callback::new(move |()| read(None)) /> })}
            <ul class="failures">
                <For each=move || found.get() key=|failure| failure.device.clone() let(failure)>
                    <li>
                        <a href=paths::fleet_device(&failure.device)>
                            {failure.name.clone().unwrap_or_else(|| failure.device.to_string())}
                        </a>
                        " "
                        <span class="soft small">{Trouble::told(failure.code, failure.detail.clone()).words(t)}</span>
                    </li>
                </For>
            </ul>
            {move || {
                next.get()
                    .map(|after| {
                        view! {
                            <button class="button" type="button" on:click=move |_| read(Some(after.clone()))>
                                {t.next_page()}
                            </button>
                        }
                    })
            }}
        </details>
    }
}
