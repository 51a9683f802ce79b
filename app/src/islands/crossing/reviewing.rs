//! The scene of the decision: what the device says, what the server sees, and the person's yes or no. What decides stands
//! first, with the two answers; the rest is behind a disclosure.

mod approval;
mod obstacle;

use gangway_client::crossing::{Input, Obstacle, Review, Stage, Warning};
use gangway_protocol::account::Account;
use gangway_protocol::enrolment::NetworkComparison;
use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::signer::Signer;
use leptos::prelude::*;

use self::approval::{Form, Place, approval};
use self::obstacle::ObstacleNotice;
use super::state::CrossingState;
use crate::branches::branches;
use crate::browser::page;
use crate::components::facts::{Fact, FactList};
use crate::components::icon::{Glyph, Icon};
use crate::components::labels::{LabelsField, NameField};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Complaint, Notice, Tone};
use crate::components::signer_kind::kind_name;
use crate::format;
use crate::visit::language;

const TITLE_ID: &str = "review-title";

/// The scene, while there is something to review.
#[component]
pub(super) fn Reviewing(
    /// What the scenes share.
    state: CrossingState,
    /// Whose decision it is.
    account: StoredValue<Account>,
) -> impl IntoView {
    let review = state.view.with_untracked(|view| view.as_ref()?.review.clone())?;
    let homes: Vec<Organisation> =
        account.with_value(|account| account.organisations_where(Role::may_enrol).cloned().collect());
    let form = account.with_value(|account| Form::new(account, homes.first(), review.network));
    Some(view! { <ReviewForm state review=*review homes form /> })
}

#[component]
fn ReviewForm(state: CrossingState, review: Review, homes: Vec<Organisation>, form: Form) -> impl IntoView {
    let t = language();
    let approving = Memo::new(move |_| {
        state
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stage == Stage::Approving))
    });
    let busy = Signal::derive(move || approving.get() || form.waiting.get());
    let approve = approval(state, form);
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() {
            approve.run(false);
        }
    };
    // It asks a question of its own, with answers of its own.
    let key_known = Memo::new(move |_| {
        state.view.with(|view| {
            view.as_ref()
                .is_some_and(|view| matches!(view.obstacle, Some(Obstacle::KeyKnown(_))))
        })
    });
    Effect::new(move |_| page::focus(TITLE_ID));
    let hostname = review.facts.hostname.clone();
    view! {
        <form class="review" on:submit=on_submit>
            <div>
                <h1 id=TITLE_ID tabindex="-1">{t.review_title()}</h1>
                <p class="lede">{t.review_lede()}</p>
            </div>
            <Warnings warnings=review.warnings.clone() />
            <Deciding review=review.clone() homes=homes.clone() />
            <HomeField homes form />
            <SignerField form />
            <NameField name=form.name placeholder=hostname />
            <PlaceQuestion form />
            <details class="fold">
                <summary class="textual">{t.review_more()}</summary>
                <LabelsField labels=form.labels />
                <Details review />
            </details>
            <ObstacleNotice state approve />
            <Complaint message=form.message />
            <div class="decision" hidden=key_known>
                <button class="button primary large" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                    <Icon glyph=Glyph::Check />
                    {t.approve()}
                </button>
                <button class="button strong large" type="button" on:click=move |_| state.say(Input::NotMine)>
                    <Icon glyph=Glyph::Cross />
                    {t.not_mine()}
                </button>
            </div>
            <p class="hint" hidden=key_known>{t.decision_hint()}</p>
        </form>
    }
}

#[component]
fn Warnings(warnings: Vec<Warning>) -> impl IntoView {
    let t = language();
    warnings
        .into_iter()
        .map(|warning| {
            let words = match warning {
                Warning::OtherPanel { link } => t.warning_other_panel(&link),
                Warning::OtherNetwork => t.warning_other_network().to_owned(),
            };
            view! { <Notice tone=Tone::Warn><p>{words}</p></Notice> }
        })
        .collect_view()
}

/// What decides: what the device calls itself, where it is, and whose it will be.
#[component]
fn Deciding(review: Review, homes: Vec<Organisation>) -> impl IntoView {
    let t = language();
    let (network, class) = match review.network {
        NetworkComparison::Same => (t.network_same(), "chip"),
        NetworkComparison::Different => (t.network_different(), "chip warn"),
        NetworkComparison::NotComparable | NetworkComparison::Unknown => (t.network_unknown(), "chip"),
    };
    let serial = review
        .facts
        .entries()
        .into_iter()
        .find(|(name, value)| *name == "serial" && !value.is_empty())
        .map(|(_, value)| value.to_owned());
    let home = match homes.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    view! {
        <dl class="facts">
            <Fact name=t.fact_hostname()>
                {review.facts.hostname} " " <span class="chip warn">{t.unverified()}</span>
            </Fact>
            {serial.map(|serial| view! { <Fact name=t.fact_serial()><span class="mono">{serial}</span></Fact> })}
            <Fact name=t.network()>
                <span class=class>{network}</span>
            </Fact>
            {home.map(|home| view! { <Fact name=t.organisation()><strong>{home}</strong></Fact> })}
        </dl>
    }
}

/// The rest of what the device says and the panel sees.
#[component]
fn Details(review: Review) -> impl IntoView {
    let t = language();
    view! {
        <section aria-labelledby="stated-title">
            <div class="section-head">
                <h2 id="stated-title">{t.review_stated()}</h2>
                <span class="chip warn">{t.unverified()}</span>
            </div>
            <FactList facts=review.facts />
        </section>
        <section aria-labelledby="seen-title">
            <div class="section-head">
                <h2 id="seen-title">{t.review_seen()}</h2>
            </div>
            <dl class="facts">
                <Fact name=t.first_seen()><Moment at=review.first_seen show=TimeFormat::Distance /></Fact>
                <Fact name=t.key()>{review.key}</Fact>
                <Fact name=t.key_fingerprint()>
                    <span class="fingerprint mono small">{format::grouped(&review.spki_sha256.to_string())}</span>
                </Fact>
            </dl>
        </section>
    }
}

/// The choice between several organisations; a single one is told by [`Deciding`].
#[component]
fn HomeField(homes: Vec<Organisation>, form: Form) -> impl IntoView {
    let t = language();
    (homes.len() != 1).then(|| {
        let options = branches(&homes)
            .into_iter()
            .map(|branch| view! { <option value=branch.organisation.id.to_string()>{branch.path}</option> })
            .collect_view();
        view! {
            <div class="field">
                <label for="home">{t.organisation()}</label>
                <select id="home" on:change:target=move |event| form.organisation.set(event.target().value())>
                    {options}
                </select>
            </div>
        }
    })
}

/// The choice between several signers; a corporate CA is named also where there is no other.
#[component]
fn SignerField(form: Form) -> impl IntoView {
    let t = language();
    move || {
        let is_told = |signers: &Vec<Signer>| {
            signers.len() > 1 || signers.iter().any(|signer| signer.kind.is_corporate())
        };
        let signers = form.signers.get()?.ok().filter(is_told)?;
        let options = signers
            .into_iter()
            .map(|signer| {
                let name = match signer.kind.is_corporate() {
                    true => format!("{} · {}", signer.name, kind_name(t, &signer.kind)),
                    false => signer.name,
                };
                view! { <option value=signer.id.to_string()>{name}</option> }
            })
            .collect_view();
        Some(view! {
            <div class="field">
                <label for="signer">{t.signer()}</label>
                <select id="signer" on:change:target=move |event| form.signer.set(event.target().value())>
                    {options}
                </select>
            </div>
        })
    }
}

/// Asks whether the device is in front of the person: whoever was sent a code enrols somebody else's device (threat model, ENR-9).
#[component]
fn PlaceQuestion(form: Form) -> impl IntoView {
    let t = language();
    let choices = [
        (Place::Here, t.place_here()),
        (Place::Elsewhere, t.place_elsewhere()),
    ]
    .map(|(place, words)| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="place"
                    prop:checked=move || form.place.get() == place
                    on:change=move |_| form.place.set(place)
                />
                <span>{words}</span>
            </label>
        }
    });
    view! {
        <fieldset id=approval::PLACE_ID tabindex="-1">
            <legend>{t.place_question()}</legend>
            {choices.collect_view()}
            {move || (form.place.get() == Place::Elsewhere).then(|| view! { <Notice tone=Tone::Warn><p>{t.place_warning()}</p></Notice> })}
        </fieldset>
    }
}
