//! What one-time links lead to, and signing up without one. First run, customer, invitation, recovery:
//!
//! 1. the token is taken out of the address at once and kept in memory; who signs up gets one when the form is sent;
//! 2. the server says what the link is for;
//! 3. the person gives a name and makes a passkey, which signs in, or goes on with the account that is signed in;
//! 4. a second passkey or recovery codes are offered at once (threat model, ACC-1).

mod founding;
mod joining;
mod naming;
mod safety;

use gangway_client::{Api, ApiError};
use gangway_protocol::account::{LinkInspectionRequest, LinkPurpose};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::path::page as paths;
use gangway_protocol::secret::SecretString;
use leptos::either::{Either, EitherOf7};
use leptos::prelude::*;

use crate::browser::page;
use crate::components::notice::{Notice, Tone, TroubleNotice};
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;
use founding::Founding;
use joining::Joining;
use naming::Naming;

/// How far the person is.
#[derive(Clone)]
enum Stage {
    Reading,
    /// There was no token in the address.
    NoLink,
    /// Nothing is known of this token; it may be asked about again.
    Unread(SecretString, Trouble),
    Naming(Admission, LinkPurpose),
    /// The passkey is made and the person is signed in, as somebody who may see the fleet or not.
    Made {
        sees_fleet: bool,
        /// Draws what follows.
        draw: fn(bool) -> AnyView,
    },
    /// The passkey is made, but the browser did not keep the sign-in.
    Unkept,
}

/// By what somebody may become a member or a customer: the token of a link, or one that is fetched when it is needed.
#[derive(Clone, Copy)]
struct Admission(StoredValue<Option<SecretString>>);

impl Admission {
    fn of(token: Option<SecretString>) -> Self {
        Self(StoredValue::new(token))
    }

    /// The token. One that was fetched is kept for the next attempt.
    async fn token(self, api: &Api) -> Result<SecretString, ApiError> {
        if let Some(token) = self.0.get_value() {
            return Ok(token);
        }
        let token = api.sign_up().await?.token;
        self.0.set_value(Some(token.clone()));
        Ok(token)
    }
}

/// What has been typed. It outlives a second link and a failed attempt.
#[derive(Clone, Copy)]
struct Typed {
    name: RwSignal<String>,
    organisation: RwSignal<String>,
}

/// Everything on the page.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn Setup(
    /// The name of whoever is signed in already.
    signed_in: Option<String>,
    /// Whether somebody signs up, without a link.
    sign_up: bool,
) -> impl IntoView {
    let t = language();
    let signed_in = StoredValue::new(signed_in);
    let stage = RwSignal::new(if sign_up {
        let organisation = String::new();
        Stage::Naming(Admission::of(None), LinkPurpose::Customer { organisation })
    } else {
        Stage::Reading
    });
    let typed = Typed {
        name: RwSignal::new(page::typed(naming::NAME_ID)),
        organisation: RwSignal::new(page::typed(naming::ORGANISATION_ID)),
    };
    // Only what the latest link says counts.
    let latest = StoredValue::new(0_u32);
    let read = move |token: SecretString| {
        let own = latest.get_value().wrapping_add(1);
        latest.set_value(own);
        stage.set(Stage::Reading);
        leptos::task::spawn_local(async move {
            let request = LinkInspectionRequest { token };
            let read = api().inspect_link(&request).await;
            if latest.get_value() == own {
                stage.set(match read {
                    Ok(purpose) => {
                        if let LinkPurpose::Customer { organisation } = &purpose {
                            typed.organisation.set(organisation.clone());
                        }
                        Stage::Naming(Admission::of(Some(request.token)), purpose)
                    }
                    Err(error) => Stage::Unread(request.token, error.into()),
                });
            }
        });
    };
    Effect::new(move |_| {
        match page::take_fragment() {
            Some(token) => read(SecretString::new(token)),
            None if sign_up => {}
            None => stage.set(Stage::NoLink),
        }
        // Another link, opened in the tab that is here already, loads nothing.
        let handle = window_event_listener(leptos::ev::hashchange, move |_| {
            if let Some(token) = page::take_fragment() {
                read(SecretString::new(token));
            }
        });
        // The page that another language draws anew reads a link once more that has not been used yet.
        let sent = window_event_listener(leptos::ev::submit, move |event| {
            stage.with_untracked(|stage| {
                let token = match stage {
                    Stage::Naming(admission, _) if !sign_up => admission.0.get_value(),
                    Stage::Unread(token, _) => Some(token.clone()),
                    _ => None,
                };
                if let Some(token) = token {
                    page::carry_over(&event, token.expose());
                }
            });
        });
        on_cleanup(move || {
            handle.remove();
            sent.remove();
        });
    });
    move || match stage.get() {
        Stage::Reading => EitherOf7::A(view! {
            <h1>{t.setup_title()}</h1>
            <p class="lede reading" role="status">{t.setup_reading()}</p>
        }),
        Stage::NoLink => EitherOf7::B(view! {
            <h1>{t.setup_no_link()}</h1>
            <p class="lede">{t.setup_no_link_text()}</p>
            <ToStart />
        }),
        Stage::Unread(token, trouble) => {
            let retry = Callback::new(move |()| read(token.clone()));
            EitherOf7::C(view! {
                <h1>{t.setup_title()}</h1>
                <div class="gate">
                    <Unread trouble retry />
                </div>
            })
        }
        Stage::Naming(admission, purpose) => match (purpose, signed_in.get_value()) {
            (LinkPurpose::Invitation { organisation, role }, Some(name)) => EitherOf7::D(Either::Left(
                view! { <Joining admission organisation role name /> },
            )),
            (LinkPurpose::Customer { .. }, Some(name)) => {
                EitherOf7::D(Either::Right(view! { <Founding admission typed name /> }))
            }
            (purpose, _) => EitherOf7::E(view! { <Naming stage admission purpose typed sign_up /> }),
        },
        Stage::Made { sees_fleet, draw } => EitherOf7::F(draw(sees_fleet)),
        Stage::Unkept => EitherOf7::G(view! {
            <h1>{t.setup_unkept_title()}</h1>
            <div class="gate">
                <Notice tone=Tone::Warn>
                    <p role="alert">{t.sign_in_no_cookie()}</p>
                </Notice>
            </div>
            <ToStart />
        }),
    }
}

/// Why nothing is known of the link. Asking again helps unless the server does not know it.
#[component]
fn Unread(trouble: Trouble, retry: Callback<()>) -> impl IntoView {
    let t = language();
    if trouble.is(ProblemCode::LinkUnknown) {
        Either::Left(view! {
            <Notice tone=Tone::Bad>
                <p role="alert">{trouble.words(t)}</p>
            </Notice>
        })
    } else {
        Either::Right(view! { <TroubleNotice trouble retry /> })
    }
}

/// The name of an organisation that is made.
#[component]
fn OrganisationField(typed: Typed) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for=naming::ORGANISATION_ID>{t.organisation()}</label>
            <input
                id=naming::ORGANISATION_ID
                type="text"
                required
                maxlength="64"
                autocomplete="organization"
                aria-describedby="organisation-hint"
                bind:value=typed.organisation
            />
            <p class="hint" id="organisation-hint">{t.setup_organisation_hint()}</p>
        </div>
    }
}

#[component]
fn ToStart() -> impl IntoView {
    let t = language();
    view! {
        <p class="row gate">
            <a class="button" href=paths::HOME>{t.to_start()}</a>
        </p>
    }
}
