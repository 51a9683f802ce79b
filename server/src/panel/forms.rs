//! Forms of the panel that work before and without any script. Each does its work through the API and sends the browser back to
//! a page.

use std::sync::Arc;

use app::{LANGUAGE_COOKIE, Language, THEME_COOKIE, Theme};
use axum::Form;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, SameSite};
use gangway_client::{Api, ApiError};
use gangway_protocol::account::Rename;
use gangway_protocol::path::page;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;

use super::Panel;
use super::visit::PageCaller;

/// What the person chose: one of the two, by the button that was pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Appearance {
    #[serde(default)]
    language: String,
    /// A theme's name; `system` forgets the choice.
    #[serde(default)]
    theme: String,
    #[serde(default)]
    back: String,
}

/// What to call the person.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    name: String,
    #[serde(default)]
    back: String,
}

/// Languages and themes are asked for again after a year.
const COOKIE_LIFE: time::Duration = time::Duration::days(365);
/// The name under which a page is told what was wrong with its form.
const TROUBLE: &str = "trouble";
/// W3C Clear Site Data §3.1: pages of the account that the browser kept to go back to are forgotten.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Keeps the choice in cookies, which the page reads.
pub(super) async fn set_appearance(State(panel): State<Panel>, Form(chosen): Form<Appearance>) -> Response {
    let cookie = |name: &'static str, value: &'static str| {
        Cookie::build((name, value))
            .path("/")
            .same_site(SameSite::Lax)
            .secure(panel.gangway.config.public_url.scheme() == "https")
    };
    let language = Language::from_tag(&chosen.language)
        .map(|language| cookie(LANGUAGE_COOKIE, language.tag()).max_age(COOKIE_LIFE));
    let theme = match Theme::from_name(&chosen.theme) {
        Some(theme) => Some(cookie(THEME_COOKIE, theme.name()).max_age(COOKIE_LIFE)),
        None if chosen.theme == "system" => Some(cookie(THEME_COOKIE, "").max_age(time::Duration::ZERO)),
        None => None,
    };
    let mut response = back_to(&chosen.back).into_response();
    for cookie in [language, theme].into_iter().flatten() {
        if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

/// Ends the sign-in of this browser.
pub(super) async fn sign_out(State(panel): State<Panel>, request: Request) -> Response {
    let caller = PageCaller::of(&panel, &request);
    let api = Api::new(Arc::new(caller.changing()));
    let mut response = match api.sign_out().await {
        Err(error) if !is_signed_out(&error) => back_with(page::ACCOUNT, &error),
        _ => Redirect::to(page::HOME).into_response(),
    };
    caller.hand_over_cookies(response.headers_mut());
    response
        .headers_mut()
        .insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    response
}

/// Renames the account.
pub(super) async fn rename_account(State(panel): State<Panel>, request: Request) -> Response {
    let caller = PageCaller::of(&panel, &request);
    let api = Api::new(Arc::new(caller.changing()));
    let Ok(Form(profile)) = axum::RequestExt::extract::<Form<Profile>, _>(request).await else {
        return Redirect::to(page::ACCOUNT).into_response();
    };
    let rename = Rename {
        name: profile.name.trim().to_owned(),
    };
    match api.rename_account(&rename).await {
        Ok(_) => back_to(&profile.back).into_response(),
        Err(error) => back_with(page::ACCOUNT, &error),
    }
}

fn is_signed_out(error: &ApiError) -> bool {
    error.code() == Some(gangway_protocol::error::ProblemCode::Unauthenticated)
}

/// Back to a page of ours, whatever the form says: another site's address leads to the start.
fn back_to(path: &str) -> Redirect {
    Redirect::to(if is_own_path(path) { path } else { page::HOME })
}

fn is_own_path(path: &str) -> bool {
    let mut rest = path.chars();
    rest.next() == Some('/')
        && !matches!(rest.next(), Some('/' | '\\'))
        && path.chars().all(|letter| letter.is_ascii_graphic())
}

/// Back to a page that says what went wrong.
fn back_with(path: &str, error: &ApiError) -> Response {
    let code = error.code().map_or("unavailable", |code| code.as_str());
    Redirect::to(&format!("{path}?{TROUBLE}={code}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn a_form_leads_back_to_own_pages_alone() {
        for own in ["/", "/fleet?state=active&query=a%20b", "/fleet/dev_1"] {
            assert!(is_own_path(own), "{own}");
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nX: y",
            "fleet",
        ] {
            assert!(!is_own_path(foreign), "{foreign:?}");
        }
    }
}
