//! The frame around every page: the bar with the way to everywhere, and the footer.

use gangway_protocol::account::Account;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::{form, page as paths};
use leptos::prelude::*;
use leptos_router::hooks::use_url;

use crate::components::icon::{Glyph, Icon, Logo};
use crate::components::notice::{Notice, Tone, TroubleNotice};
use crate::islands::panels::{KeysButton, PaletteButton};
use crate::islands::sign_in::SignIn;
use crate::islands::theme::ThemeSwitch;
use crate::preference::Language;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::account;

/// What a page says that does not come to life: always without scripts, else when `public/watch.js` finds that it failed.
#[component]
pub(crate) fn Lifeless() -> impl IntoView {
    let t = language();
    view! {
        <noscript>
            <Notice tone=Tone::Warn>
                <p>{t.no_script()}</p>
            </Notice>
        </noscript>
        <div id="lifeless" role="alert" hidden>
            <Notice tone=Tone::Warn>
                <p>{t.lifeless()}</p>
                <div class="row">
                    <a class="button" href=page_address()>
                        <Icon glyph=Glyph::Refresh />
                        {t.reload()}
                    </a>
                </div>
            </Notice>
        </div>
    }
}

/// The bar above every page.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let t = language();
    view! {
        <a class="skip" href="#main">{t.skip_to_content()}</a>
        <header class="bar">
            <a class="brand" href=paths::HOME>
                <Logo size="26" />
                <span class="brand-name">"Gangway"</span>
            </a>
            {account().ok().map(|account| view! { <MemberBar account /> })}
        </header>
    }
}

#[component]
fn MemberBar(account: Account) -> impl IntoView {
    let t = language();
    let url = use_url();
    let sees_fleet = account.may(Role::may_see_fleet);
    let may_enrol = account.may(Role::may_enrol);
    let administers = account.may(Role::may_administer);
    let initials: String = account
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect();
    // On a device's page the fleet is what it belongs to, not the page itself.
    let current = move |wanted: &'static str| match url.read_untracked().path().strip_prefix(wanted) {
        Some("") => Some("page"),
        Some(below) if below.starts_with('/') => Some("true"),
        _ => None,
    };
    view! {
        <nav aria-label=t.main_navigation()>
            {sees_fleet.then(|| view! { <a href=paths::FLEET aria-current=current(paths::FLEET)>{t.fleet()}</a> })}
            {administers
                .then(|| {
                    view! {
                        <a href=paths::ORGANISATION aria-current=current(paths::ORGANISATION).filter(|current| *current == "page")>{t.organisation()}</a>
                        <a href=paths::ORGANISATION_SIGNERS aria-current=current(paths::ORGANISATION_SIGNERS)>{t.signers()}</a>
                    }
                })}
        </nav>
        <div class="bar-end">
            <PaletteButton />
            {may_enrol
                .then(|| {
                    view! {
                        <a class="button primary" href=paths::LINK aria-label=t.add_device()>
                            <Icon glyph=Glyph::Add />
                            <span class="wide-only">{t.add_device()}</span>
                        </a>
                    }
                })}
            <a class="avatar" href=paths::ACCOUNT title=account.name.clone() aria-current=current(paths::ACCOUNT)>
                <span aria-hidden="true">{initials}</span>
                <span class="hidden-text">{t.account()}</span>
            </a>
        </div>
    }
}

/// The end of every page. Theme and language are forms, which work before and without any script.
#[component]
pub(crate) fn Footer() -> impl IntoView {
    let t = language();
    let back = page_address();
    view! {
        <footer class="foot">
            <span>{t.footer()}</span>
            <ThemeSwitch back=back.clone() />
            {Language::ALL
                .into_iter()
                .filter(|other| *other != t)
                .map(|other| {
                    view! {
                        <form method="post" action=form::APPEARANCE>
                            <input type="hidden" name="back" value=back.clone() />
                            <button type="submit" name="language" value=other.tag() lang=other.tag()>{other.name()}</button>
                        </form>
                    }
                })
                .collect_view()}
            <KeysButton />
        </footer>
    }
}

/// Path and query of the present page, for what comes back to it. It begins with one slash, whatever was asked for: two would
/// begin another site's address (RFC 3986 §4.2).
fn page_address() -> String {
    let url = use_url();
    let url = url.read_untracked();
    let path = url.path().trim_start_matches(['/', '\\']);
    match url.search() {
        "" => format!("/{path}"),
        // What an authority sent back is for the window that waits for it alone.
        _ if url.path().starts_with(paths::SIGNED_IN_BASE) => format!("/{path}"),
        search => format!("/{path}?{search}"),
    }
}

/// In place of a page that is for members: the sign-in. The address stays, so that people arrive where they wanted to be.
#[component]
pub(crate) fn WithoutAccount(
    /// Why there is no account.
    trouble: Trouble,
) -> impl IntoView {
    let t = language();
    if !trouble.is_signed_out() {
        return view! { <TroubleNotice trouble /> }.into_any();
    }
    view! {
        <section class="stack gate">
            <h1>{t.sign_in_title()}</h1>
            <p class="lede">{t.sign_in_first()}</p>
            <SignIn />
        </section>
    }
    .into_any()
}
