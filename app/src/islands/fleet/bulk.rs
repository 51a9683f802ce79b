//! What can be done with the devices that were chosen: a bar while any are, a question before it begins, and how far it is.

use gangway_protocol::bulk::{BulkAction, BulkJob, BulkJobRequest};
use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::jobs::line::{JobLine, action_words};
use super::super::lists::Once;
use super::listing::Total;
use super::state::Fleet;
use crate::components::confirm::{ConfirmWith, Question};
use crate::components::icon::{Glyph, Icon};
use crate::components::reason_field::ReasonField;
use crate::preference::Language;
use crate::visit::language;
use crate::visitor::api;

/// Where the visitor may do something with many devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BulkReach {
    /// Ids and names of the organisations whose devices they run.
    pub(crate) homes: Vec<(String, String)>,
    /// The one that all others are below, if there is one.
    pub(crate) top: Option<String>,
}

/// Kinds of actions, as they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AddLabels,
    RemoveLabels,
    Move,
    Renew,
    Suspend,
    Resume,
    Retire,
    Revoke,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::AddLabels,
        Self::RemoveLabels,
        Self::Move,
        Self::Renew,
        Self::Suspend,
        Self::Resume,
        Self::Retire,
        Self::Revoke,
    ];

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name of its actions, as on the wire.
    fn name(self) -> &'static str {
        match self {
            Self::AddLabels => "add_labels",
            Self::RemoveLabels => "remove_labels",
            Self::Move => "move",
            Self::Renew => "renew",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Retire => "retire",
            Self::Revoke => "revoke",
        }
    }

    /// The action with what was filled in; `None` while something is missing.
    fn action(self, fields: &Fields) -> Option<BulkAction> {
        Some(match self {
            Self::AddLabels => BulkAction::AddLabels {
                labels: fields.labels.clone(),
            },
            Self::RemoveLabels => BulkAction::RemoveLabels {
                labels: fields.labels.clone(),
            },
            Self::Move => BulkAction::Move {
                organisation: fields.target.parse().ok()?,
            },
            Self::Renew => BulkAction::Renew,
            Self::Suspend => BulkAction::Suspend,
            Self::Resume => BulkAction::Resume,
            Self::Retire => BulkAction::Retire,
            Self::Revoke => BulkAction::Revoke {
                reason: fields.reason,
            },
        })
    }

    fn says(self, t: Language) -> &'static str {
        match self {
            Self::AddLabels | Self::RemoveLabels => t.bulk_says_labels(),
            Self::Move => t.bulk_says_move(),
            Self::Renew => t.bulk_says_renew(),
            Self::Suspend => t.bulk_says_suspend(),
            Self::Resume => t.bulk_says_resume(),
            Self::Retire => t.bulk_says_retire(),
            Self::Revoke => t.bulk_says_revoke(),
        }
    }

    fn is_dangerous(self) -> bool {
        matches!(self, Self::Suspend | Self::Retire | Self::Revoke)
    }
}

/// What an action needs besides the devices.
#[derive(Clone, Debug)]
struct Fields {
    labels: Vec<String>,
    target: String,
    reason: RevocationReason,
}

/// What the bar and the question share.
#[derive(Clone, Copy)]
struct Asking {
    fleet: Fleet,
    /// Name of the action that is picked.
    picked: RwSignal<String>,
    /// Whether it is being asked about.
    open: RwSignal<bool>,
    /// Ids and names of the organisations whose devices the visitor runs.
    homes: StoredValue<Vec<(String, String)>>,
    top: StoredValue<Option<String>>,
    /// What was asked for last.
    job: RwSignal<Option<RwSignal<BulkJob>>>,
}

impl Asking {
    fn kind(self) -> Option<Kind> {
        Kind::of(&self.picked.read())
    }

    /// The organisation that is filtered by, or the one above all others, where the visitor may do something there.
    fn place(self) -> Option<String> {
        let filtered = self.fleet.view.read().organisation.clone();
        let place = Some(filtered)
            .filter(|id| !id.is_empty())
            .or_else(|| self.top.get_value())?;
        let runs = self
            .homes
            .with_value(|homes| homes.iter().any(|(id, _)| *id == place));
        runs.then_some(place)
    }

    fn total(self) -> Option<Total> {
        self.fleet.listing.read().as_ref()?.total
    }

    /// All that match, in words.
    fn all(self) -> String {
        let t = language();
        match self.total() {
            Some(Total {
                counted,
                is_more: true,
            }) => t.more_than(&t.devices(counted)),
            Some(Total { counted, .. }) => t.devices(counted),
            None => String::new(),
        }
    }

    fn count(self) -> u64 {
        let chosen = self.fleet.chosen.read().devices.len();
        u64::try_from(chosen).unwrap_or(u64::MAX)
    }

    /// The devices that are chosen, in words.
    fn devices(self) -> String {
        if self.fleet.chosen.read().all {
            self.all()
        } else {
            language().devices(self.count())
        }
    }
}

/// The bar, the question, and what was asked for last.
#[component]
pub(super) fn Bulk(
    /// The page.
    fleet: Fleet,
    /// Where the visitor may.
    reach: BulkReach,
) -> impl IntoView {
    let asking = Asking {
        fleet,
        picked: RwSignal::new(String::new()),
        open: RwSignal::new(false),
        homes: StoredValue::new(reach.homes),
        top: StoredValue::new(reach.top),
        job: RwSignal::new(None),
    };
    view! {
        {move || asking.job.get().map(|job| view! { <Asked job /> })}
        <Show when=move || !fleet.chosen.read().is_empty()>
            <Bar asking />
        </Show>
        <Ask asking />
    }
}

/// How far it is with what was asked for last.
#[component]
fn Asked(job: RwSignal<BulkJob>) -> impl IntoView {
    let t = language();
    let all = format!(
        "{}?{}={}",
        paths::FLEET_JOBS,
        paths::ORGANISATION_ID,
        job.with_untracked(|job| job.organisation.to_string())
    );
    view! {
        <section class="asked" aria-label=t.jobs()>
            <JobLine job may_operate=true />
            <a href=all>{t.job_all()}</a>
        </section>
    }
}

#[component]
fn Bar(asking: Asking) -> impl IntoView {
    let t = language();
    let fleet = asking.fleet;
    let count = move || {
        if fleet.chosen.read().all {
            t.chosen_all(&asking.all())
        } else {
            t.chosen(asking.count())
        }
    };
    let more_match = move || {
        let more = asking.total().is_some_and(|total| total.counted > asking.count());
        more && !fleet.chosen.read().all
    };
    let ready = move || asking.kind().is_some() && asking.place().is_some();
    view! {
        <div class="bulk-bar" role="region" aria-label=t.bulk_action()>
            <span aria-live="polite">{count}</span>
            <Show when=more_match>
                <button class="button quiet" type="button" on:click=move |_| fleet.chosen.update(|chosen| chosen.all = true)>
                    {move || t.choose_all(&asking.all())}
                </button>
            </Show>
            <button class="button quiet" type="button" on:click=move |_| fleet.choose_none()>
                <Icon glyph=Glyph::Close />
                {t.choose_none()}
            </button>
            <span class="bulk-do">
                <select class="input" aria-label=t.bulk_action() bind:value=asking.picked>
                    <option value="">{t.bulk_pick()}</option>
                    {Kind::ALL
                        .into_iter()
                        .map(|kind| view! { <option value=kind.name()>{action_words(t, kind.name())}</option> })
                        .collect_view()}
                </select>
                <button
                    class="button primary"
                    type="button"
                    disabled=move || !ready()
                    on:click=move |_| asking.open.set(true)
                >
                    {t.bulk_go()}
                </button>
            </span>
            <Show when=move || asking.place().is_none()>
                <p class="hint">{t.bulk_organisation_first()}</p>
            </Show>
        </div>
    }
}

/// The question, with what the action needs.
#[component]
fn Ask(asking: Asking) -> impl IntoView {
    let t = language();
    let labels = RwSignal::new(String::new());
    let target = RwSignal::new(String::new());
    let reason = RwSignal::new(RevocationReason::Unspecified);
    let once = Once::new();
    let question = Signal::derive(move || {
        let kind = asking.kind().unwrap_or(Kind::Renew);
        let verb = action_words(t, kind.name());
        Question {
            title: t.bulk_title(verb, &untrack(|| asking.devices())),
            says: vec![kind.says(t), t.bulk_says_undo()],
            verb,
            dangerous: kind.is_dangerous(),
        }
    });
    let answer = async move || {
        let fields = Fields {
            labels: labels
                .get_untracked()
                .split(',')
                .map(|label| label.trim().to_owned())
                .filter(|label| !label.is_empty())
                .collect(),
            target: target.get_untracked(),
            reason: reason.get_untracked(),
        };
        let action = untrack(|| asking.kind()).and_then(|kind| kind.action(&fields));
        let home = untrack(|| asking.place()).and_then(|place| place.parse().ok());
        if let (Some(action), Some(home)) = (action, home) {
            let request = BulkJobRequest {
                selection: asking.fleet.selection(),
                action,
            };
            let key = once.key(&request);
            let asked = api().request_bulk_job(&home, &request, &key).await?;
            once.end();
            asking.job.set(Some(RwSignal::new(asked)));
            asking.picked.set(String::new());
            asking.fleet.choose_none();
        }
        Ok(())
    };
    view! {
        <ConfirmWith open=asking.open question answer>
            {move || match asking.kind() {
                Some(Kind::AddLabels | Kind::RemoveLabels) => view! { <LabelsField labels /> }.into_any(),
                Some(Kind::Move) => view! { <TargetField target homes=asking.homes /> }.into_any(),
                Some(Kind::Revoke) => view! { <ReasonField reason /> }.into_any(),
                _ => ().into_any(),
            }}
        </ConfirmWith>
    }
}

#[component]
fn LabelsField(labels: RwSignal<String>) -> impl IntoView {
    let t = language();
    view! {
        <div class="field dialog-field">
            <label for="bulk-labels">{t.bulk_labels()}</label>
            <input id="bulk-labels" class="input" autocomplete="off" bind:value=labels />
        </div>
    }
}

#[component]
fn TargetField(target: RwSignal<String>, homes: StoredValue<Vec<(String, String)>>) -> impl IntoView {
    let t = language();
    let homes = homes.get_value();
    target.set(homes.first().map(|(id, _)| id.clone()).unwrap_or_default());
    view! {
        <div class="field dialog-field">
            <label for="bulk-target">{t.device_target()}</label>
            <select id="bulk-target" bind:value=target>
                {homes.into_iter().map(|(id, path)| view! { <option value=id>{path}</option> }).collect_view()}
            </select>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_called_as_its_actions_are() {
        let fields = Fields {
            labels: Vec::new(),
            target: "org_00000000000000000000000000".to_owned(),
            reason: RevocationReason::Unspecified,
        };
        for kind in Kind::ALL {
            let action = kind.action(&fields).expect("nothing is missing");
            assert_eq!((action.name(), Kind::of(kind.name())), (kind.name(), Some(kind)));
        }
    }
}
