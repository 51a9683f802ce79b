//! The scene of the decision: what the device says, what the server sees, and the person's yes or no.

use gangway_client::crossing::{Decision, Input, Obstacle, Review, Stage, Warning};
use gangway_protocol::account::Account;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::enrolment::NetworkComparison;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, Role, Signer};
use gangway_protocol::page::PageQuery;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::Crossing;
use crate::browser::{clock, page};
use crate::components::facts::{entry, facts};
use crate::components::icon::{Icon, icon};
use crate::components::labels::{name_and_labels, read_labels};
use crate::components::moment::{Show, moment};
use crate::components::notice::{Tone, complaint, notice, trouble_notice};
use crate::format;
use crate::trouble::{Outcome, Trouble};
use crate::view::{IntoView, View, view};
use crate::visit::Language;
use crate::visitor::{api, step_up};

/// Where the person says that the device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Unsaid,
    Here,
    Elsewhere,
}

/// What the person has filled in.
#[derive(Clone, Copy)]
struct Form {
    place: RwSignal<Place>,
    name: RwSignal<String>,
    labels: RwSignal<String>,
    organisation: RwSignal<String>,
    /// Who signs in the chosen organisation, once the server has said so.
    signers: RwSignal<Option<Outcome<Vec<Signer>>>>,
    message: RwSignal<Option<String>>,
    /// Until when an approval needs no new proof, as far as the page knows.
    verified_until: RwSignal<i64>,
}

pub(super) fn reviewing(t: Language, crossing: Crossing, account: &Account) -> View {
    let Some(review) = crossing.view.with_untracked(|view| view.as_ref()?.review.clone()) else {
        return View::Nothing;
    };
    let homes: Vec<Organisation> = account.organisations_where(Role::may_enrol).cloned().collect();
    let form = Form {
        // On the same network the device is very likely in front of the person; else they have to say so themselves.
        place: RwSignal::new(if review.network == NetworkComparison::Same {
            Place::Here
        } else {
            Place::Unsaid
        }),
        name: RwSignal::new(String::new()),
        labels: RwSignal::new(String::new()),
        organisation: RwSignal::new(
            homes
                .first()
                .map(|organisation| organisation.id.to_string())
                .unwrap_or_default(),
        ),
        signers: RwSignal::new(None),
        message: RwSignal::new(None),
        verified_until: RwSignal::new(account.verified_until.map_or(i64::MAX, |until| until.0)),
    };
    read_signers(form);
    let busy = Memo::new(move |_| {
        crossing
            .view
            .with(|view| view.as_ref().is_some_and(|view| view.stage == Stage::Approving))
    });
    Effect::new(move |_| page::focus("review-title"));
    let approve = approval(t, crossing, form);
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        approve.run(false);
    };
    view! {
        <form class="review" on:submit=on_submit>
            <h1 id="review-title" tabindex="-1">{t.review_title()}</h1>
            <p class="lede">{t.review_lede()}</p>
            {warnings(t, &review)}
            <div class="review-columns">
                <section aria-labelledby="stated-title">
                    <div class="section-head">
                        <h2 id="stated-title">{t.review_stated()}</h2>
                        <span class="chip warn">{t.unverified()}</span>
                    </div>
                    {facts(&review.facts)}
                </section>
                <section aria-labelledby="seen-title">
                    <div class="section-head"><h2 id="seen-title">{t.review_seen()}</h2></div>
                    {seen(t, &review)}
                </section>
            </div>
            <section class="section stack" aria-labelledby="give-title">
                <h2 id="give-title">{t.review_give()}</h2>
                {home_field(t, homes, form)}
                {name_and_labels(form.name, form.labels, review.facts.hostname.clone())}
            </section>
            {place_question(t, form)}
            {obstacle(t, crossing, approve)}
            {complaint(form.message)}
            <div class="decision">
                <button class="button primary large" type="submit" disabled=move || busy.get() aria-busy=move || busy.get().to_string()>
                    {icon(Icon::Check)}
                    {t.approve()}
                </button>
                <button class="button strong large" type="button" disabled=move || busy.get() on:click=move |_| crossing.say(Input::NotMine)>
                    {icon(Icon::Cross)}
                    {t.not_mine()}
                </button>
            </div>
            <p class="hint">{t.decision_hint()}</p>
        </form>
    }
}

fn warnings(t: Language, review: &Review) -> View {
    review
        .warnings
        .iter()
        .map(|warning| {
            let words = match warning {
                Warning::OtherPanel { link } => t.warning_other_panel(link),
                Warning::OtherNetwork => t.warning_other_network().to_owned(),
            };
            view! { <div class="gate">{notice(Tone::Warn, view! { <p>{words}</p> })}</div> }
        })
        .collect::<View>()
}

fn seen(t: Language, review: &Review) -> View {
    let (network, class) = match review.network {
        NetworkComparison::Same => (t.network_same(), "chip"),
        NetworkComparison::Different => (t.network_different(), "chip warn"),
        NetworkComparison::NotComparable | NetworkComparison::Unknown => (t.network_unknown(), "chip"),
    };
    view! {
        <dl class="facts">
            {entry(t.network(), view! { <span class=class>{network}</span> })}
            {entry(t.first_seen(), moment(review.first_seen, Show::Distance))}
            {entry(t.key(), review.key.clone().into_view())}
            {entry(
                t.key_fingerprint(),
                view! { <span class="fingerprint mono small">{format::grouped(&review.spki_sha256.to_string())}</span> },
            )}
        </dl>
    }
}

fn home_field(t: Language, homes: Vec<Organisation>, form: Form) -> View {
    if let [only] = homes.as_slice() {
        return view! { <p>{t.review_into()} " " <strong>{only.name.clone()}</strong></p> };
    }
    view! {
        <div class="field">
            <label for="home">{t.organisation()}</label>
            <select id="home" bind:value=form.organisation>
                {homes.into_iter().map(|home| view! { <option value=home.id.to_string()>{home.name}</option> }).collect::<View>()}
            </select>
        </div>
    }
}

/// Asks whether the device is in front of the person: whoever was sent a code enrols somebody else's device (threat model, ENR-9).
fn place_question(t: Language, form: Form) -> View {
    let choice = move |place: Place, words: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="place" checked=move || form.place.get() == place on:change=move |_| form.place.set(place) />
                <span>{words}</span>
            </label>
        }
    };
    view! {
        <fieldset class="section" id="place" tabindex="-1">
            <legend>{t.place_question()}</legend>
            {choice(Place::Here, t.place_here())}
            {choice(Place::Elsewhere, t.place_elsewhere())}
            {move || (form.place.get() == Place::Elsewhere).then(|| notice(Tone::Warn, view! { <p>{t.place_warning()}</p> }))}
        </fieldset>
    }
}

/// What hinders the approval, and what can be done about it.
fn obstacle(t: Language, crossing: Crossing, approve: Callback<bool>) -> View {
    let obstacle = Memo::new(move |_| {
        crossing
            .view
            .with(|view| view.as_ref().and_then(|view| view.obstacle.clone()))
    });
    view! {
        {move || match obstacle.get() {
            // Approving goes on by itself after the proof.
            None | Some(Obstacle::StepUp) => View::Nothing,
            Some(Obstacle::KeyKnown(device)) => key_known(t, crossing, &device, approve),
            Some(Obstacle::Refused(error)) => trouble_notice(&Trouble::from(error), None),
        }}
    }
}

fn key_known(t: Language, crossing: Crossing, device: &DeviceSummary, approve: Callback<bool>) -> View {
    notice(
        Tone::Warn,
        view! {
            <div role="alert">
                <p>{t.key_known(&device.name)}</p>
                <p class="soft small">{t.key_known_text(&device.name)}</p>
            </div>
            <div class="row">
                <button class="button" type="button" on:click=move |_| approve.run(true)>{t.key_known_replace()}</button>
                <button class="button" type="button" on:click=move |_| crossing.say(Input::Cancel)>{t.key_known_leave()}</button>
                <a href=paths::fleet_device(&device.id)>{t.key_known_look()}</a>
            </div>
        },
    )
}

/// Who signs in the chosen organisation.
fn read_signers(form: Form) {
    let api = api();
    Effect::new(move |_| {
        let Ok(organisation) = form.organisation.get().parse::<OrganisationId>() else {
            return;
        };
        form.signers.set(None);
        let api = api.clone();
        leptos::task::spawn_local(async move {
            let read = api.signers(&organisation, &PageQuery::default()).await;
            let _ = form
                .signers
                .try_set(Some(read.map(|page| page.items).map_err(Trouble::from)));
        });
    });
}

/// Approves; the flag is the answer to "this key is known": replace.
fn approval(t: Language, crossing: Crossing, form: Form) -> Callback<bool> {
    let api = api();
    // An approval that came before the server had said who signs: it goes on by itself then.
    let early = StoredValue::new(None::<bool>);
    let send = Callback::new(move |replace: bool| {
        if form.signers.with_untracked(Option::is_none) {
            early.set_value(Some(replace));
            return;
        }
        let Some(decision) = decision(form, replace) else {
            form.message
                .set(Some(form.signers.with_untracked(|signers| match signers {
                    Some(Err(trouble)) => trouble.words(t),
                    _ => t.no_signer().to_owned(),
                })));
            return;
        };
        crossing.say(Input::Approve(Box::new(decision)));
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
        let api = api.clone();
        leptos::task::spawn_local(async move {
            match step_up(&api).await {
                Ok(()) => {
                    form.verified_until.set(i64::MAX);
                    send.run(replace);
                }
                Err(trouble) => form.message.set(trouble.words(t)),
            }
        });
    });
    // The server decides what is fresh enough; where it does not agree with the page's clock, it says so here.
    let wants_proof = Memo::new(move |_| {
        crossing.view.with(|view| {
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
        form.message.set(None);
        last.set_value(replace);
        if form.place.get_untracked() == Place::Unsaid {
            form.message.set(Some(t.place_unsaid().to_owned()));
            page::focus("place");
        } else if clock::now().0 >= form.verified_until.get_untracked() {
            // Before the request, because browsers want the proof close to the click.
            prove_and_send.run(replace);
        } else {
            send.run(replace);
        }
    })
}

fn decision(form: Form, replace: bool) -> Option<Decision> {
    let name = form.name.get_untracked().trim().to_owned();
    Some(Decision {
        organisation: form.organisation.get_untracked().parse().ok()?,
        signer: form
            .signers
            .with_untracked(|signers| signers.as_ref()?.as_ref().ok()?.first().cloned())?,
        name: (!name.is_empty()).then_some(name),
        labels: read_labels(&form.labels.get_untracked()),
        replace,
    })
}
