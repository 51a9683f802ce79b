//! The rules of an organisation, each with where it comes from. Below another organisation they can only be tightened.

use gangway_protocol::bulk::MAX_BULK_DEVICES;
use gangway_protocol::organisation::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS, Organisation, PolicyDetail,
    PolicyUpdate,
};
use leptos::prelude::*;

use crate::components::notice::Complaint;
use crate::messages::messages;
use crate::preference::Language;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// The section.
#[component]
pub(super) fn Rules(
    /// The organisation.
    home: StoredValue<Organisation>,
    /// Its rules, as the server read them.
    detail: PolicyDetail,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let is_open = home.with_value(Organisation::is_open);
    let detail = RwSignal::new(detail);
    let form = Form::of(&detail.read_untracked());
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let send = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let (id, update) = (home.get_value().id, form.update(&detail.read_untracked()));
        leptos::task::spawn_local(async move {
            let api = api();
            let saved = with_fresh_proof(&api, async || {
                api.change_policy(&id, &update).await?;
                api.policy(&id).await
            })
            .await;
            match saved {
                Ok(saved) => {
                    form.show(&saved);
                    detail.set(saved);
                    messages.show(t.rules_saved());
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let numbers = [
        Number {
            id: "rule-validity",
            label: t.rule_validity(),
            value: form.validity,
            least: 1,
            most: MAX_CERTIFICATE_VALIDITY_DAYS,
            above: |detail| detail.above.as_ref().map(|above| above.certificate_validity_days),
            own: |detail| detail.own.certificate_validity_days,
        },
        Number {
            id: "rule-grace",
            label: t.rule_grace(),
            value: form.grace,
            least: 0,
            most: MAX_GRACE_DAYS,
            above: |detail| detail.above.as_ref().map(|above| above.grace_days),
            own: |detail| detail.own.grace_days,
        },
        Number {
            id: "rule-superseded",
            label: t.rule_superseded_grace(),
            value: form.superseded_grace,
            least: 0,
            most: MAX_SUPERSEDED_GRACE_HOURS,
            above: |detail| detail.above.as_ref().map(|above| above.superseded_grace_hours),
            own: |detail| detail.own.superseded_grace_hours,
        },
        Number {
            id: "rule-second-person",
            label: t.rule_second_person(),
            value: form.second_person,
            least: 0,
            most: MAX_BULK_DEVICES,
            above: |detail| detail.above.as_ref().map(|above| above.second_person_above),
            own: |detail| detail.own.second_person_above,
        },
    ];
    let choices = [
        Choice {
            label: t.rule_in_crl(),
            value: form.in_crl,
            tight: true,
            above: |detail| detail.above.as_ref().map(|above| above.superseded_in_crl),
            own: |detail| detail.own.superseded_in_crl,
        },
        Choice {
            label: t.rule_prefill(),
            value: form.prefill,
            tight: false,
            above: |detail| detail.above.as_ref().map(|above| above.prefill_code),
            own: |detail| detail.own.prefill_code,
        },
        Choice {
            label: t.rule_tokens(),
            value: form.tokens,
            tight: false,
            above: |detail| detail.above.as_ref().map(|above| above.token_may_approve),
            own: |detail| detail.own.token_may_approve,
        },
        Choice {
            label: t.rule_single_sign_on(),
            value: form.single_sign_on,
            tight: true,
            above: |detail| detail.above.as_ref().map(|above| above.single_sign_on_required),
            own: |detail| detail.own.single_sign_on_required,
        },
    ];
    view! {
        <section class="section" aria-labelledby="rules">
            <div class="section-head">
                <h2 id="rules">{t.rules()}</h2>
            </div>
            <p class="soft small">
                {move || if detail.read().above.is_some() { t.rules_below_text() } else { t.rules_text() }}
            </p>
            <form class="stack rules" on:submit=send>
                <fieldset class="stack" disabled=!is_open>
                    <legend class="hidden-text">{t.rules()}</legend>
                    {numbers.map(|number| number.draw(t, detail)).into_iter().collect_view()}
                    {choices.map(|choice| choice.draw(t, detail)).into_iter().collect_view()}
                    <Complaint message />
                    <div class="row">
                        <button class="button primary" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                            {t.save()}
                        </button>
                    </div>
                </fieldset>
            </form>
        </section>
    }
}

/// What stands in the fields.
#[derive(Clone, Copy)]
struct Form {
    validity: RwSignal<String>,
    grace: RwSignal<String>,
    superseded_grace: RwSignal<String>,
    in_crl: RwSignal<bool>,
    prefill: RwSignal<bool>,
    tokens: RwSignal<bool>,
    second_person: RwSignal<String>,
    single_sign_on: RwSignal<bool>,
}

impl Form {
    fn of(detail: &PolicyDetail) -> Self {
        let form = Self {
            validity: RwSignal::default(),
            grace: RwSignal::default(),
            superseded_grace: RwSignal::default(),
            in_crl: RwSignal::default(),
            prefill: RwSignal::default(),
            tokens: RwSignal::default(),
            second_person: RwSignal::default(),
            single_sign_on: RwSignal::default(),
        };
        form.show(detail);
        form
    }

    fn show(self, PolicyDetail { policy, .. }: &PolicyDetail) {
        self.validity.set(policy.certificate_validity_days.to_string());
        self.grace.set(policy.grace_days.to_string());
        self.superseded_grace
            .set(policy.superseded_grace_hours.to_string());
        self.in_crl.set(policy.superseded_in_crl);
        self.prefill.set(policy.prefill_code);
        self.tokens.set(policy.token_may_approve);
        self.second_person.set(policy.second_person_above.to_string());
        self.single_sign_on.set(policy.single_sign_on_required);
    }

    /// What differs from what holds: what only comes from above is not set here by being saved.
    fn update(self, PolicyDetail { policy, .. }: &PolicyDetail) -> PolicyUpdate {
        let number = |field: RwSignal<String>, held: u32| {
            let typed = field.get_untracked().trim().parse().ok();
            typed.filter(|typed| *typed != held)
        };
        let choice =
            |field: RwSignal<bool>, held: bool| Some(field.get_untracked()).filter(|typed| *typed != held);
        PolicyUpdate {
            certificate_validity_days: number(self.validity, policy.certificate_validity_days),
            grace_days: number(self.grace, policy.grace_days),
            superseded_grace_hours: number(self.superseded_grace, policy.superseded_grace_hours),
            superseded_in_crl: choice(self.in_crl, policy.superseded_in_crl),
            prefill_code: choice(self.prefill, policy.prefill_code),
            token_may_approve: choice(self.tokens, policy.token_may_approve),
            second_person_above: number(self.second_person, policy.second_person_above),
            single_sign_on_required: choice(self.single_sign_on, policy.single_sign_on_required),
            // The rules of measurements are not on this page.
            ..PolicyUpdate::default()
        }
    }
}

/// A rule that is a number.
struct Number {
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    least: u32,
    most: u32,
    above: fn(&PolicyDetail) -> Option<u32>,
    own: fn(&PolicyDetail) -> Option<u32>,
}

impl Number {
    fn draw(self, t: Language, detail: RwSignal<PolicyDetail>) -> impl IntoView {
        let Self {
            id,
            label,
            value,
            least,
            most,
            above,
            own,
        } = self;
        let hint = format!("{id}-source");
        let described = hint.clone();
        let bound = move || detail.with(above).map_or(most, |above| above.min(most));
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <input id=id type="number" required min=least max=bound aria-describedby=described bind:value=value />
                <p class="hint" id=hint>
                    {move || {
                        let detail = detail.read();
                        above(&detail).map(|above| match own(&detail) {
                            Some(own) if own < above => t.rule_own_bound(above),
                            _ => t.rule_from_above().to_owned(),
                        })
                    }}
                </p>
            </div>
        }
    }
}

/// A rule that is on or off.
struct Choice {
    label: &'static str,
    value: RwSignal<bool>,
    /// Which one is the tighter: where that holds above, it cannot be changed here.
    tight: bool,
    above: fn(&PolicyDetail) -> Option<bool>,
    own: fn(&PolicyDetail) -> Option<bool>,
}

impl Choice {
    fn draw(self, t: Language, detail: RwSignal<PolicyDetail>) -> impl IntoView {
        let Self {
            label,
            value,
            tight,
            above,
            own,
        } = self;
        let is_decided = move || detail.with(above) == Some(tight);
        view! {
            <label class="choice">
                <input type="checkbox" disabled=is_decided bind:checked=value />
                <span>
                    {label} " "
                    <span class="soft small">
                        {move || {
                            let detail = detail.read();
                            above(&detail).map(|above| if above != tight && own(&detail) == Some(tight) { t.rule_own() } else { t.rule_from_above() })
                        }}
                    </span>
                </span>
            </label>
        }
    }
}
