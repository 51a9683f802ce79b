//! The application: what every page shares, and which page stands at which address.

use gangway_protocol::organisation::Role;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{ParamSegment, SsrMode, StaticSegment};

use crate::islands::local_times::LocalTimes;
use crate::islands::panels::{OverPage, Reach};
use crate::islands::toasts::Toasts;
use crate::pages::account::AccountPage;
use crate::pages::audit::AuditPage;
use crate::pages::device::DevicePage;
use crate::pages::expiring::ExpiringPage;
use crate::pages::fleet::FleetPage;
use crate::pages::frame::{Footer, Header, Lifeless};
use crate::pages::home::HomePage;
use crate::pages::identity_providers::IdentityProvidersPage;
use crate::pages::jobs::JobsPage;
use crate::pages::link::LinkPage;
use crate::pages::lobby::LobbyPage;
use crate::pages::not_found::NotFoundPage;
use crate::pages::organisation::OrganisationPage;
use crate::pages::overview::OverviewPage;
use crate::pages::permits::PermitsPage;
use crate::pages::plgd_client::PlgdClientPage;
use crate::pages::setup::SetupPage;
use crate::pages::sign_up::SignUpPage;
use crate::pages::signed_in::SignedInPage;
use crate::pages::signers::SignersPage;
use crate::pages::single_sign_on::{SignInAtPage, SingleSignOnPage};
use crate::pages::webhooks::WebhooksPage;
use crate::visitor::account;

/// The body of every document. Documents are whole when they are sent: what a page shows is asked within the process, which
/// takes less time than the browser needs for a second look.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=title text="" />
        <Router>
            // Small islands stand before the pages: the loader wakes them one after the other, and heavy ones take a while.
            <LocalTimes />
            <Header />
            <Lifeless />
            <FlatRoutes fallback=NotFoundPage>
                <Route path=StaticSegment("") view=HomePage ssr=SsrMode::Async />
                <Route path=StaticSegment("setup") view=SetupPage ssr=SsrMode::Async />
                <Route path=StaticSegment("sign-up") view=SignUpPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("sign-in"), ParamSegment("organisation")) view=SignInAtPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("single-sign-on"), ParamSegment("provider")) view=SingleSignOnPage ssr=SsrMode::Async />
                <Route path=StaticSegment("link") view=LinkPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("link"), StaticSegment("signed-in"), ParamSegment("signer")) view=SignedInPage ssr=SsrMode::Async />
                <Route path=StaticSegment("fleet") view=FleetPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("fleet"), StaticSegment("overview")) view=OverviewPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("fleet"), StaticSegment("jobs")) view=JobsPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("fleet"), StaticSegment("lobby")) view=LobbyPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("fleet"), ParamSegment("device")) view=DevicePage ssr=SsrMode::Async />
                <Route path=StaticSegment("organisation") view=OrganisationPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("audit")) view=AuditPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("signers")) view=SignersPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("webhooks")) view=WebhooksPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("permits")) view=PermitsPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("identity-providers")) view=IdentityProvidersPage ssr=SsrMode::Async />
                <Route path=(StaticSegment("organisation"), StaticSegment("expiring")) view=ExpiringPage ssr=SsrMode::Async />
                <Route path=StaticSegment("plgd-client") view=PlgdClientPage ssr=SsrMode::Async />
                <Route path=StaticSegment("account") view=AccountPage ssr=SsrMode::Async />
            </FlatRoutes>
            <Footer />
            <OverPage reach=reach() />
            // The last island: once it lives, all do.
            <Toasts />
        </Router>
    }
}

/// Where the visitor may go.
fn reach() -> Reach {
    account().map_or_else(
        |_| Reach::default(),
        |account| Reach {
            account: true,
            fleet: account.may(Role::may_see_fleet),
            enrol: account.may(Role::may_enrol),
            administer: account.may(Role::may_administer),
        },
    )
}

/// What the browser's tab says. leptos_meta writes it into the document as it is, and devices name themselves (threat model, WEB-1).
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that leptos_meta wants"
)]
fn title(of: String) -> String {
    if of.is_empty() {
        return "Gangway".to_owned();
    }
    let text = of.replace('&', "&amp;").replace('<', "&lt;");
    format!("{text} · Gangway")
}
