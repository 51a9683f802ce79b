//! From the press on "Approve" to the decision that the machine gets: where the device is, a fresh proof, who signs.

use gangway_client::crossing::{Decision, Input, Obstacle};
use gangway_protocol::account::Account;
use gangway_protocol::enrolment::NetworkComparison;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::page::PageQuery;
use gangway_protocol::signer::Signer;
use leptos::prelude::*;

use super::super::state::CrossingState;
use crate::browser::{clock, page};
use crate::components::labels::read_labels;
use crate::trouble::{Outcome, Trouble};
use crate::visit::language;
use crate::visitor::{api, step_up};

/// The question that has to be answered before anything is approved.
pub(super) const PLACE_ID: &str = "place";

/// Where the person says that the device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Unsaid,
    Here,
    Elsewhere,
}

/// What the person has filled in.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) place: RwSignal<Place>,
    pub(super) name: RwSignal<String>,
    pub(super) labels: RwSignal<String>,
    pub(super) organisation: RwSignal<String>,
    pub(super) message: RwSignal<Option<String>>,
    /// An approval was given and waits for a proof, or for the server to say who signs.
    pub(super) waiting: RwSignal<bool>,
    /// Who signs in the chosen organisation for this person, once the server has said so.
    pub(super) signers: RwSignal<Option<Outcome<Vec<Signer>>>>,
    /// The one that was chosen among several; empty: the first.
    pub(super) signer: RwSignal<String>,
    /// What the person is in each organisation.
    roles: StoredValue<Vec<(OrganisationId, Role)>>,
    /// Until when an approval needs no new proof, as far as the page knows.
    verified_until: RwSignal<i64>,
}

impl Form {
    pub(super) fn new(account: &Account, home: Option<&Organisation>, network: NetworkComparison) -> Self {
        Self {
            // On the same network the device is very likely in front of the person; else they have to say so themselves.
            place: RwSignal::new(if network == NetworkComparison::Same {
                Place::Here
            } else {
                Place::Unsaid
            }),
            name: RwSignal::new(String::new()),
            labels: RwSignal::new(String::new()),
            organisation: RwSignal::new(home.map(|home| home.id.to_string()).unwrap_or_default()),
            message: RwSignal::new(None),
            waiting: RwSignal::new(false),
            signers: RwSignal::new(None),
            signer: RwSignal::new(String::new()),
            roles: StoredValue::new(
                account
                    .organisations_where(Role::may_enrol)
                    .map(|organisation| (organisation.id.clone(), organisation.role))
                    .collect(),
            ),
            verified_until: RwSignal::new(account.verified_until.map_or(i64::MAX, |until| until.0)),
        }
    }

    fn decision(self, replace: bool) -> Option<Decision> {
        let name = self.name.get_untracked().trim().to_owned();
        Some(Decision {
            organisation: self.organisation.get_untracked().parse().ok()?,
            signer: self.chosen_signer()?,
            name: (!name.is_empty()).then_some(name),
            labels: read_labels(&self.labels.get_untracked()),
            replace,
        })
    }

    fn chosen_signer(self) -> Option<Signer> {
        let chosen = self.signer.get_untracked();
        self.signers.with_untracked(|signers| {
            let signers = signers.as_ref()?.as_ref().ok()?;
            let found = signers.iter().find(|signer| signer.id.as_str() == chosen);
            found.or_else(|| signers.first()).cloned()
        })
    }

    /// Reads who signs in the chosen organisation.
    fn read_signers(self) {
        let Ok(organisation) = self.organisation.get_untracked().parse::<OrganisationId>() else {
            return;
        };
        self.signers.set(None);
        self.signer.set(String::new());
        let role = self.roles.with_value(|roles| {
            roles
                .iter()
                .find(|(id, _)| *id == organisation)
                .map(|(_, role)| *role)
        });
        leptos::task::spawn_local(async move {
            let read = api().signers(&organisation, &PageQuery::default()).await;
            // Somebody who has chosen another one meanwhile waits for that one's.
            let chosen = self.organisation.try_get_untracked();
            if chosen.is_some_and(|chosen| chosen == organisation.to_string()) {
                let serving = read.map(|page| {
                    let signers = page.items.into_iter();
                    signers
                        .filter(|signer| role.is_some_and(|role| signer.serves(role)))
                        .collect()
                });
                let _ = self.signers.try_set(Some(serving.map_err(Trouble::from)));
            }
        });
    }
}

/// Approves; the flag is the answer to "this key is known": replace.
pub(super) fn approval(state: CrossingState, form: Form) -> Callback<bool> {
    let t = language();
    Effect::new(move |_| {
        form.organisation.track();
        form.read_signers();
    });
    // An approval that came before the server had said who signs: it goes on by itself then.
    let early = StoredValue::new(None::<bool>);
    let send = Callback::new(move |replace: bool| {
        if form.signers.with_untracked(Option::is_none) {
            early.set_value(Some(replace));
            return;
        }
        form.waiting.set(false);
        if let Some(decision) = form.decision(replace) {
            let is_reachable = state.reachable.with_value(|reachable| {
                let origins = decision.signer.kind.origins();
                origins.iter().all(|origin| reachable.contains(origin))
            });
            if is_reachable {
                state.say(Input::Approve(Box::new(decision)));
            } else {
                form.message.set(Some(t.signer_unreachable().to_owned()));
            }
            return;
        }
        let trouble = form.signers.with_untracked(|signers| match signers {
            Some(Err(trouble)) => Some(trouble.words(t)),
            _ => None,
        });
        if trouble.is_some() {
            // The next press finds a new answer.
            form.read_signers();
        }
        form.message
            .set(Some(trouble.unwrap_or_else(|| t.no_signer().to_owned())));
    });
    Effect::new(move |_| {
        if form.signers.with(Option::is_some)
            && let Some(replace) = early.get_value()
        {
            early.set_value(None);
            send.run(replace);
        }
    });
    let prove_and_send = Callback::new(move |replace: bool| {
        form.waiting.set(true);
        leptos::task::spawn_local(async move {
            match step_up(&api()).await {
                Ok(()) => {
                    let _ = form.verified_until.try_set(i64::MAX);
                    // The scene may be over by now.
                    let _ = send.try_run(replace);
                }
                Err(trouble) => {
                    let _ = form.waiting.try_set(false);
                    let _ = form.message.try_set(trouble.words(t));
                }
            }
        });
    });
    // The server decides what is fresh enough; where it does not agree with the page's clock, it says so here.
    let wants_proof = Memo::new(move |_| {
        state.view.with(|view| {
            view.as_ref()
                .is_some_and(|view| view.obstacle == Some(Obstacle::StepUp))
        })
    });
    let last = StoredValue::new(false);
    Effect::new(move |_| {
        if wants_proof.get() {
            prove_and_send.run(last.get_value());
        }
    });
    Callback::new(move |replace: bool| {
        if form.waiting.get_untracked() {
            return;
        }
        form.message.set(None);
        last.set_value(replace);
        if form.place.get_untracked() == Place::Unsaid {
            form.message.set(Some(t.place_unsaid().to_owned()));
            page::focus(PLACE_ID);
        } else if clock::now().0 >= form.verified_until.get_untracked() {
            // Before the request, because browsers want the proof close to the click.
            prove_and_send.run(replace);
        } else {
            form.waiting.set(true);
            send.run(replace);
        }
    })
}
