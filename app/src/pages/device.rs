//! `/fleet/{device}`: one device with all that is known about it and all that can be done with it.

mod actions;
mod alarm;
mod history;

use gangway_client::Api;
use gangway_protocol::account::Account;
use gangway_protocol::certificate::Certificate;
use gangway_protocol::device::{DeviceDetail, Presence};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::DeviceId;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use actions::Weighty;
use history::History;

use crate::address::address;
use crate::browser::changes::Changes;
use crate::browser::held::Held;
use crate::components::certificate::certificate;
use crate::components::device_state::device_state;
use crate::components::facts::{entry, facts};
use crate::components::frame::{gate, loading};
use crate::components::icon::{Icon, icon};
use crate::components::labels::labels;
use crate::components::moment::{Show, moment};
use crate::components::notice::{Tone, notice, trouble_notice};
use crate::components::presence::{offline_reason, presence};
use crate::head::set_title;
use crate::pages::not_found::nothing_here;
use crate::remote::Remote;
use crate::trouble::{Outcome, Trouble};
use crate::view::{IntoView, View, view};
use crate::visit::{Language, language};
use crate::visitor::{api, visitor};

/// The word in the address by which the code page says that the device has just come aboard.
pub(crate) const ARRIVED: &str = "arrived";

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shown {
    /// The device as it is known at present.
    detail: RwSignal<DeviceDetail>,
    /// Counts up when its history has to be read again.
    turn: RwSignal<u32>,
    /// What is being asked about,
    weighty: RwSignal<Weighty>,
    /// while it is.
    asking: RwSignal<bool>,
}

impl Shown {
    fn id(self) -> DeviceId {
        self.detail.with_untracked(|detail| detail.device.id.clone())
    }

    /// Takes what an action gave back.
    fn take(self, detail: DeviceDetail) {
        self.detail.set(detail);
        self.turn.update(|turn| *turn += 1);
    }

    /// Asks before doing something weighty.
    fn consider(self, action: Weighty) {
        self.weighty.set(action);
        self.asking.set(true);
    }

    fn reload(self, api: Api) {
        let id = self.id();
        leptos::task::spawn_local(async move {
            if let Ok(detail) = api.device(&id).await
                && self.detail.try_get_untracked().is_some()
            {
                self.take(detail);
            }
        });
    }
}

/// The page.
pub(crate) fn device_page(id: &str) -> View {
    let t = language();
    let visitor = visitor();
    let api = api();
    let id: Outcome<DeviceId> = id.parse().map_err(|_| Trouble::code(ProblemCode::NotFound));
    let turn = RwSignal::new(0);
    let history = History::new(id.clone(), turn);
    let device = Remote::new(move || {
        visitor.track();
        let (api, id) = (api.clone(), id.clone());
        async move { Ok(api.device(&id?).await?) }
    });
    view! {
        <main id="main" tabindex="-1">
            {gate(move |account| {
                device.show(
                    move || loading(t),
                    move |answer| match answer {
                        Ok(detail) => content(t, &account, detail, turn, history),
                        Err(trouble) if trouble.is(ProblemCode::NotFound) => nothing_here(t),
                        Err(trouble) => trouble_notice(&trouble, Some(device.again())),
                    },
                )
            })}
        </main>
    }
}

fn content(
    t: Language,
    account: &Account,
    detail: DeviceDetail,
    turn: RwSignal<u32>,
    history: History,
) -> View {
    let role = account
        .organisations
        .iter()
        .find(|organisation| organisation.id == detail.device.organisation)
        .map(|organisation| organisation.role);
    let shown = Shown {
        detail: RwSignal::new(detail),
        turn,
        weighty: RwSignal::new(Weighty::Revoke),
        asking: RwSignal::new(false),
    };
    let detail = shown.detail;
    listen(shown);
    let name = Memo::new(move |_| detail.with(|detail| detail.device.name.clone()));
    set_title(name.get_untracked());
    Effect::new(move |_| set_title(name.get()));
    let presence_now = Memo::new(move |_| detail.with(|detail| detail.device.presence.clone()));
    let state = Memo::new(move |_| detail.with(|detail| detail.device.state.clone()));
    let stated = Memo::new(move |_| detail.with(|detail| detail.device.facts.clone()));
    let labels_now = Memo::new(move |_| detail.with(|detail| detail.device.labels.clone()));
    let certificates = Memo::new(move |_| detail.with(|detail| detail.certificates.clone()));
    view! {
        <p class="crumb"><a href=paths::FLEET>{icon(Icon::Back)} {t.fleet()}</a></p>
        {arrival(t, name)}
        {alarm::alarm(t, shown)}
        <div class="device-head">
            <div>
                <h1>{move || name.get()}</h1>
                <p class="row">
                    {move || presence(&presence_now.read())}
                    {move || device_state(&state.read())}
                    {move || labels(&labels_now.read())}
                </p>
                {move || why_offline(t, &presence_now.read())}
            </div>
            {role.filter(|role: &Role| role.may_operate()).map(|_| actions::actions(t, shown))}
        </div>
        <div class="device-body">
            <div>
                <section class="section" aria-labelledby="certificate-title">
                    <div class="section-head"><h2 id="certificate-title">{t.certificate()}</h2></div>
                    {move || certificate_list(t, &certificates.read())}
                </section>
                {history::history(t, history)}
            </div>
            <aside>
                <section class="section" aria-labelledby="facts-title">
                    <div class="section-head">
                        <h2 id="facts-title">{t.facts()}</h2>
                        <span class="chip">{t.unverified()}</span>
                    </div>
                    {move || facts(&stated.read())}
                </section>
                <section class="section" aria-labelledby="membership-title">
                    <div class="section-head"><h2 id="membership-title">{t.membership()}</h2></div>
                    {move || detail.with(|detail| membership(t, detail))}
                </section>
            </aside>
        </div>
    }
}

/// Shown when the code page has just led here.
fn arrival(t: Language, name: Memo<String>) -> Option<View> {
    address().value(ARRIVED).is_some().then(|| {
        view! {
            <div class="arrival" role="status">
                {icon(Icon::Check)}
                <p>{move || t.arrived(&name.read())}</p>
                <a class="button" href=paths::LINK>{icon(Icon::Add)} {t.enrol_another()}</a>
            </div>
        }
    })
}

fn why_offline(t: Language, presence: &Presence) -> Option<View> {
    match presence {
        Presence::Offline { reason, .. } => {
            Some(view! { <p class="soft small">{offline_reason(t, *reason)}</p> })
        }
        Presence::Online { .. } | Presence::Never => None,
    }
}

/// The newest in full, the others folded.
fn certificate_list(t: Language, certificates: &[Certificate]) -> View {
    let Some((newest, older)) = certificates.split_first() else {
        return notice(Tone::Plain, view! { <p>{t.no_certificate()}</p> });
    };
    let older = older
        .iter()
        .map(|old| {
            view! {
                <details class="older">
                    <summary>{t.older_certificate()} " " {moment(old.not_before, Show::Day)}</summary>
                    {certificate(old)}
                </details>
            }
        })
        .collect::<View>();
    view! { {certificate(newest)} {older} }
}

fn membership(t: Language, detail: &DeviceDetail) -> View {
    view! {
        <dl class="facts">
            {entry(t.organisation(), detail.organisation_name.clone().into_view())}
            {detail.approved_by.clone().map(|approver| entry(t.approved_by(), approver.into_view()))}
            {entry(t.column_added(), moment(detail.device.created_at, Show::Minute))}
            {entry(t.device_id(), view! { <span class="mono small">{detail.device.id.to_string()}</span> })}
        </dl>
    }
}

/// Reads the device again whenever something about it changes.
fn listen(shown: Shown) {
    let api = api();
    let changes = Held::<Changes>::new();
    Effect::new(move |_| {
        let (api, again) = (api.clone(), api.clone());
        let on_change = move |change: gangway_protocol::device::FleetChange| {
            if shown
                .detail
                .with_untracked(|detail| detail.device.id == change.device)
            {
                shown.reload(api.clone());
            }
        };
        changes.set(Changes::open(on_change, move || shown.reload(again.clone())));
    });
}
