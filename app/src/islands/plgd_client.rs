//! One plgd client: connected to, initialised, and what is done with devices by it. Nothing is sent anywhere before the person has
//! pressed a button that names the client's host: a link may have preset the address (threat model, ENR-31).

mod choices;
mod devices;
mod initialising;
mod prompt;
mod state;

use gangway_protocol::path::page as paths;
use gangway_signing::{ClientAddress, ClientError, ClientState, ClientTask};
use leptos::either::Either;
use leptos::prelude::*;

pub(crate) use self::choices::ClientHub;
use self::devices::{Devices, Question};
use self::initialising::{Initialising, Progressing};
use self::prompt::Prompted;
use self::state::{Action, ClientPage, Said};
use crate::browser::plgd_client::Wanted;
use crate::browser::recent;
use crate::components::facts::Fact;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::notice::{Notice, Tone};
use crate::visit::language;

/// The client of the page's address; where it names none, those that were used in this browser lately.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn PlgdClient(
    /// Where it is.
    client: Option<ClientAddress>,
    /// Hubs where the visitor may sign in.
    hubs: Vec<ClientHub>,
    /// Origins of signers to which the page may connect.
    reachable: Vec<String>,
) -> impl IntoView {
    match client {
        Some(client) => {
            Either::Left(view! { <Client client_page=ClientPage::new(client, hubs, reachable) /> })
        }
        None => Either::Right(view! { <Recent /> }),
    }
}

#[component]
fn Recent() -> impl IntoView {
    let t = language();
    let kept = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| kept.set(recent::clients()));
    let link = |address: String| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(paths::CLIENT_ADDRESS, &address)
            .finish();
        view! {
            <li>
                <a href=format!("{}?{query}", paths::PLGD_CLIENT)>{address}</a>
            </li>
        }
    };
    let forget = move |_| {
        recent::forget_clients();
        kept.set(Vec::new());
    };
    move || {
        (!kept.read().is_empty()).then(|| {
            view! {
                <section class="section" aria-labelledby="recent-clients">
                    <div class="section-head">
                        <h2 id="recent-clients">{t.client_recent()}</h2>
                        <button class="button quiet" type="button" on:click=forget>
                            {t.client_forget()}
                        </button>
                    </div>
                    <ul class="stack">{kept.get().into_iter().map(link).collect_view()}</ul>
                </section>
            }
        })
    }
}

#[component]
fn Client(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let host = StoredValue::new(client_page.host());
    let is_known = Memo::new(move |_| client_page.state.with(Option::is_some));
    let is_ready = Memo::new(move |_| {
        client_page.state.with(|state| {
            state
                .as_ref()
                .is_some_and(|state| state.is_initialised && !state.is_occupied())
        })
    });
    let is_free = Memo::new(move |_| {
        client_page
            .state
            .with(|state| state.as_ref().is_some_and(|state| !state.is_initialised))
    });
    let waits_for_browser = move || {
        let works = client_page.doing.with(Option::is_some) && client_page.prompt.with(Option::is_none);
        works.then(|| host.with_value(|host| t.client_working(host)))
    };
    view! {
        <section class="section client" aria-labelledby="client">
            <div class="section-head">
                <h2 id="client" tabindex="-1">{host.get_value()}</h2>
                <div class="row">
                    <Status client_page />
                    {move || {
                        is_known
                            .get()
                            .then(|| view! { <IconButton glyph=Glyph::Refresh label=t.client_look_again() on_press=move || client_page.look() /> })
                    }}
                </div>
            </div>
            {move || (!is_known.get()).then(|| view! { <Connecting client_page /> })}
            {move || client_page.state.get().map(|state| view! { <Facts state /> })}
            {move || is_free.get().then(|| view! { <Initialising client_page /> })}
            <Progressing client_page />
            <p class="hint" role="status">{waits_for_browser}</p>
            <Prompted client_page />
            <Outcome client_page />
        </section>
        {move || is_ready.get().then(|| view! { <Devices client_page /> <Resetting client_page /> })}
    }
}

/// A word for how it stands.
#[component]
fn Status(client_page: ClientPage) -> impl IntoView {
    let t = language();
    move || {
        let failed = client_page.said.with(|said| match said {
            Some(Said::Bad(ClientError::Unreachable { .. })) => Some(("chip bad", t.client_is_unreachable())),
            Some(Said::Bad(ClientError::Occupied { .. })) => Some(("chip warn", t.client_is_occupied())),
            _ => None,
        });
        let stands = client_page.state.with(|state| {
            let state = state.as_ref()?;
            Some(if state.is_occupied() {
                ("chip warn", t.client_is_occupied())
            } else {
                ("chip good", t.client_reachable())
            })
        });
        failed
            .or(stands)
            .map(|(class, word)| view! { <span class=class>{word}</span> })
    }
}

/// Before anything is sent: whose client it is has to be the person's word.
#[component]
fn Connecting(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let host = client_page.host();
    let busy = client_page.is_busy();
    let is_it_yours = t.client_is_it_yours(&host);
    let untouched = move || !client_page.is_busy().get() && client_page.said.with(Option::is_none);
    view! {
        <div class="stack">
            <Notice tone=Tone::Warn>
                <p>{is_it_yours}</p>
                {move || untouched().then(|| view! { <p>{t.client_nothing_sent()}</p> })}
            </Notice>
            <div class="row">
                <button class="button primary" type="button" disabled=busy on:click=move |_| client_page.look()>
                    {t.client_connect(&host)}
                </button>
            </div>
        </div>
    }
}

#[component]
fn Facts(state: ClientState) -> impl IntoView {
    let t = language();
    let stands = match (state.is_initialised, state.is_yours) {
        (false, _) => t.client_state_none(),
        (true, Some(true)) => t.client_state_yours(),
        (true, _) => t.client_state_ready(),
    };
    let occupied = state.is_occupied().then(|| t.client_occupied(&state.owner));
    let version = Some(state.version).filter(|version| !version.is_empty());
    let owner = Some(state.owner).filter(|owner| state.is_initialised && !owner.is_empty());
    view! {
        <dl class="facts">
            <Fact name=t.client_state()>{stands}</Fact>
            {state.is_initialised.then(|| view! { <Fact name=t.client_proves()>{t.client_mode(state.mode)}</Fact> })}
            {owner.map(|owner| view! { <Fact name=t.client_owner()><span class="mono">{owner}</span></Fact> })}
            {version.map(|version| view! { <Fact name=t.client_version()><span class="mono">{version}</span></Fact> })}
        </dl>
        {occupied.map(|words| view! { <Notice tone=Tone::Warn><p>{words}</p></Notice> })}
    }
}

/// What came of it.
#[component]
fn Outcome(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let expired = move || {
        let goes_well = client_page.said.with(|said| !matches!(said, Some(Said::Bad(_))));
        (client_page.had_expired.get() && goes_well).then(|| {
            view! {
                <Notice tone=Tone::Plain>
                    <p role="status">{t.client_expired()}</p>
                </Notice>
            }
        })
    };
    let said = move || {
        client_page.said.get().map(|said| match said {
            Said::Good(words) => view! {
                <Notice tone=Tone::Plain>
                    <p role="status">{words}</p>
                </Notice>
            }
            .into_any(),
            Said::Bad(ClientError::Unreachable { detail }) => {
                view! { <Unreachable client_page detail /> }.into_any()
            }
            Said::Bad(error) => view! {
                <Notice tone=Tone::Bad>
                    <p role="alert">{t.client_failed(&error)}</p>
                </Notice>
            }
            .into_any(),
            Said::Trouble(words) => view! {
                <Notice tone=Tone::Bad>
                    <p role="alert">{words}</p>
                </Notice>
            }
            .into_any(),
        })
    };
    view! {
        {expired}
        {said}
    }
}

/// A browser cannot tell why: all of it is said.
#[component]
fn Unreachable(client_page: ClientPage, detail: String) -> impl IntoView {
    let t = language();
    view! {
        <Notice tone=Tone::Bad>
            <div class="stack">
                <p role="alert">{t.client_unreachable()}</p>
                <ul class="says">
                    <li>{t.client_unreachable_network()}</li>
                    <li>{t.client_unreachable_certificate()}</li>
                    <li>{t.client_unreachable_cors()}</li>
                </ul>
                <p class="soft small">{detail}</p>
                <div class="row">
                    <a class="button" href=client_page.origin() target="_blank" rel="noopener noreferrer">{t.client_open_address()}</a>
                    <button class="button" type="button" on:click=move |_| client_page.look()>
                        <Icon glyph=Glyph::Refresh />
                        {t.try_again()}
                    </button>
                </div>
            </div>
        </Notice>
    }
}

#[component]
fn Resetting(client_page: ClientPage) -> impl IntoView {
    let t = language();
    let open = RwSignal::new(false);
    let busy = client_page.is_busy();
    let title = t.client_reset(&client_page.host());
    let reset = Callback::new(move |()| client_page.begin(Action::Reset, Wanted::Task(ClientTask::Reset)));
    view! {
        <div class="row client-end">
            <button class="button danger" type="button" disabled=busy on:click=move |_| open.set(true)>
                {title.clone()}
            </button>
        </div>
        <Question open title says=t.client_reset_says() verb=t.client_reset_verb() yes=reset />
    }
}
