//! Permits of an organisation: keys and tickets made, replaced, revoked; devices entered before they appear.

mod devices;
mod form;

use gangway_protocol::organisation::Organisation;
use gangway_protocol::page::MAX_PAGE_LIMIT;
use gangway_protocol::permit::{Permit, PermitKind, PermitMode, PermitQuery, PermitReplacement, PermitState};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::devices::DevicesForm;
use self::form::PermitForm;
use super::lists::{List, ListTrouble, ended, focus_heading};
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::shown_once::StillShown;
use crate::preference::Language;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::api;

/// For how long a key that was replaced works beside the new one, in hours.
const OVERLAP_HOURS: u32 = 24;

/// The permits of an organisation as the server read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lists {
    pub(crate) keys: Outcome<Vec<Permit>>,
    pub(crate) tickets: Outcome<Vec<Permit>>,
    pub(crate) devices: Outcome<Vec<Permit>>,
}

/// Which permits a list shows.
pub(crate) fn query(kind: PermitKind) -> PermitQuery {
    PermitQuery {
        kind,
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    }
}

/// All three lists.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn Permits(
    /// Whose they are.
    organisation: Organisation,
    /// As the server read them.
    lists: Lists,
) -> impl IntoView {
    let organisation = StoredValue::new(organisation);
    view! {
        <Section kind=PermitKind::RegistrationKey first=lists.keys organisation />
        <Section kind=PermitKind::Ticket first=lists.tickets organisation />
        <Section kind=PermitKind::Preapproval first=lists.devices organisation />
    }
}

#[component]
fn Section(
    kind: PermitKind,
    first: Outcome<Vec<Permit>>,
    organisation: StoredValue<Organisation>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let made = RwSignal::new(None::<String>);
    let retry = Callback::new(move |()| read(list, organisation, kind));
    let Words { title, hint, make } = words(t, kind);
    view! {
        <section class="section" aria-labelledby=heading(kind)>
            <div class="section-head">
                <h2 id=heading(kind) tabindex="-1">{title}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    <Icon glyph=Glyph::Add />
                    {make}
                </button>
            </div>
            <p class="soft small wrap">{hint}</p>
            <StillShown says=t.permit_shown_once() made open />
            <ListTrouble trouble=list.trouble retry />
            {move || {
                let is_empty = list.items.read().is_empty() && list.trouble.read().is_none();
                is_empty.then(|| view! { <p class="soft">{t.permit_none()}</p> })
            }}
            <ul class="lines">
                <For each=move || list.items.get() key=|permit| format!("{permit:?}") let:permit>
                    <Line permit list organisation made />
                </For>
            </ul>
            <Dialog open label=make>
                {match kind {
                    PermitKind::Preapproval => view! { <DevicesForm list organisation open /> }.into_any(),
                    _ => view! { <PermitForm kind list organisation open made /> }.into_any(),
                }}
            </Dialog>
        </section>
    }
}

struct Words {
    title: &'static str,
    hint: &'static str,
    make: &'static str,
}

fn words(t: Language, kind: PermitKind) -> Words {
    match kind {
        PermitKind::RegistrationKey => Words {
            title: t.permit_keys(),
            hint: t.permit_keys_hint(),
            make: t.permit_make_key(),
        },
        PermitKind::Ticket => Words {
            title: t.permit_tickets(),
            hint: t.permit_tickets_hint(),
            make: t.permit_make_ticket(),
        },
        PermitKind::Preapproval => Words {
            title: t.permit_devices(),
            hint: t.permit_devices_hint(),
            make: t.permit_add_devices(),
        },
    }
}

#[component]
fn Line(
    permit: Permit,
    list: List<Permit>,
    organisation: StoredValue<Organisation>,
    /// A key, as long as it is shown.
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let revoking = RwSignal::new(false);
    let replacing = RwSignal::new(false);
    let kind = permit.kind;
    let id = StoredValue::new(permit.id.clone());
    let name = permit.name.clone();
    let revoke_question = Question {
        title: t.permit_revoke_title(&name),
        says: vec![t.permit_revoke_says()],
        verb: t.permit_revoke(),
        dangerous: true,
    };
    // Two at a time would let in twice as many.
    let is_bounded = permit.max_uses.is_some() || permit.mode == PermitMode::List;
    let overlap_hours = if is_bounded { 0 } else { OVERLAP_HOURS };
    let replace_question = Question {
        title: t.permit_replace_title(&name),
        says: vec![
            t.permit_replace_says_1(),
            if overlap_hours > 0 {
                t.permit_replace_says_2()
            } else {
                t.permit_replace_says_at_once()
            },
        ],
        verb: t.permit_replace(),
        dangerous: false,
    };
    let revoke = async move || {
        let home = organisation.get_value();
        ended(api().revoke_permit(&home.id, &id.get_value()).await)?;
        read(list, organisation, kind);
        focus_heading(heading(kind).to_owned());
        Ok(())
    };
    let replace = async move || {
        let home = organisation.get_value();
        let request = PermitReplacement { overlap_hours };
        let another = api().replace_permit(&home.id, &id.get_value(), &request).await?;
        made.set(Some(another.key.expose().to_owned()));
        read(list, organisation, kind);
        Ok(())
    };
    let is_open = permit.state == PermitState::Open;
    let may_replace = is_open && kind != PermitKind::Preapproval;
    let may_revoke = permit.state != PermitState::Revoked;
    let glyph = match kind {
        PermitKind::Preapproval => Glyph::Device,
        _ => Glyph::Key,
    };
    view! {
        <li>
            <Icon glyph />
            <div>
                <p>{name.clone()} " " <code class="wrap">{permit.lookup.clone()}</code> " " <Mark state=permit.state /></p>
                <p class="soft small">{about(t, &permit)}</p>
                <Times permit=permit.clone() />
            </div>
            <div class="row">
                {may_replace
                    .then(|| {
                        view! {
                            <IconButton
                                glyph=Glyph::Refresh
                                label=t.permit_replace_label(&name)
                                on_press=move || replacing.set(true)
                            />
                        }
                    })}
                {may_revoke
                    .then(|| {
                        view! {
                            <IconButton
                                glyph=Glyph::Trash
                                label=t.permit_revoke_label(&name)
                                on_press=move || revoking.set(true)
                            />
                        }
                    })}
            </div>
            <Confirm open=revoking question=Signal::stored(revoke_question) answer=revoke />
            <Confirm open=replacing question=Signal::stored(replace_question) answer=replace />
        </li>
    }
}

/// Who may come by it, and how many did.
fn about(t: Language, permit: &Permit) -> String {
    let mut parts = vec![match permit.max_uses {
        Some(most) => t.permit_uses_of(permit.uses, most),
        None => t.permit_uses(permit.uses),
    }];
    if permit.kind != PermitKind::Preapproval {
        parts.push(mode_words(t, permit.mode).to_owned());
    }
    parts.extend(permit.networks.iter().cloned());
    parts.extend(permit.labels.iter().cloned());
    parts.push(t.permit_by(&permit.created_by));
    parts.join(" · ")
}

/// What happened to it, and until when it works.
#[component]
fn Times(permit: Permit) -> impl IntoView {
    let t = language();
    let expires = permit.expires_at.filter(|_| permit.state == PermitState::Open);
    let failed = permit
        .last_failed_at
        .map(|at| (t.permit_failures(permit.failures), at));
    view! {
        <p class="soft small">
            {permit
                .last_used_at
                .map(|at| view! { {t.permit_last_used()} " " <Moment at show=TimeFormat::Minute /> " " })}
            {expires.map(|at| view! { {t.permit_until()} " " <Moment at show=TimeFormat::Minute /> " " })}
        </p>
        {failed
            .map(|(words, at)| {
                view! { <p class="hint bad">{words} " " <Moment at show=TimeFormat::Minute /></p> }
            })}
    }
}

fn mode_words(t: Language, mode: PermitMode) -> &'static str {
    match mode {
        PermitMode::Auto => t.permit_mode_auto(),
        PermitMode::Lobby => t.permit_mode_lobby(),
        PermitMode::List => t.permit_mode_list(),
    }
}

/// Why it lets nobody in; nothing where it does.
#[component]
fn Mark(state: PermitState) -> impl IntoView {
    let t = language();
    let word = match state {
        PermitState::Open => None,
        PermitState::Used => Some(t.permit_state_used()),
        PermitState::Expired => Some(t.permit_state_expired()),
        PermitState::Revoked => Some(t.permit_state_revoked()),
    };
    word.map(|word| view! { <span class="chip">{word}</span> })
}

/// Reads a list anew.
fn read(list: List<Permit>, organisation: StoredValue<Organisation>, kind: PermitKind) {
    list.read(async move || api().permits(&organisation.get_value().id, &query(kind)).await);
}

fn heading(kind: PermitKind) -> &'static str {
    match kind {
        PermitKind::RegistrationKey => "permit-keys",
        PermitKind::Ticket => "permit-tickets",
        PermitKind::Preapproval => "permit-devices",
    }
}
