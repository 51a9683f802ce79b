//! What a page has to know about its visit before it draws anything.

use gangway_protocol::path::page::CLIENT_ADDRESS;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{ClientAddress, UnfitClientAddress};
use leptos::prelude::*;

use crate::browser::{clock, page};
use crate::preference::{LANGUAGE_COOKIE, Language, THEME_COOKIE, Theme, cookie_value};

/// What the server knows about a visit before the page is drawn. It provides it as context; in the browser there is none.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The language to answer in.
    pub language: Language,
    /// The chosen theme; without one the browser's preference decides.
    pub theme: Option<Theme>,
    /// Where devices and people reach the panel, e.g. `https://panel.example`.
    pub origin: String,
    /// The server's clock.
    pub now: UnixMillis,
}

/// Where the page may connect to beside the panel: origins of the signers of the visitor's organisations, on the pages that ask
/// signers. The server provides it with the page's content security policy.
#[derive(Clone, Debug, Default)]
pub struct SignerOrigins {
    /// The origins.
    pub origins: Vec<String>,
    /// Whether one of the signers is a plgd hub.
    pub has_hub: bool,
    /// Whether our own CA signs for plgd's clients.
    pub signs_for_plgd: bool,
}

/// The plgd client that a page's address names: the page may connect to it too. The server reads it once, so that what the page
/// shows is what its policy admits.
#[derive(Clone, Debug, Default)]
pub struct AskedClient {
    /// What was typed.
    pub typed: String,
    /// The client, or why there is none; nothing where nothing was typed.
    pub read: Option<Result<ClientAddress, UnfitClientAddress>>,
}

impl AskedClient {
    /// Reads the query of a page. `panel` is the origin of Gangway.
    #[must_use]
    pub fn of(query: Option<&str>, panel: &str) -> Self {
        let typed = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name == CLIENT_ADDRESS)
            .map(|(_, typed)| typed.into_owned())
            .unwrap_or_default();
        Self {
            read: Some(&typed)
                .filter(|typed| !typed.trim().is_empty())
                .map(|typed| ClientAddress::read(typed, panel)),
            typed,
        }
    }

    /// The client, where one may be asked.
    #[must_use]
    pub fn client(&self) -> Option<&ClientAddress> {
        self.read.as_ref()?.as_ref().ok()
    }
}

impl Visit {
    /// Reads the request's `Cookie` and `Accept-Language` headers.
    #[must_use]
    pub fn new(cookie: Option<&str>, accept_language: Option<&str>, origin: String, now: UnixMillis) -> Self {
        let cookie = cookie.unwrap_or_default();
        Self {
            language: cookie_value(cookie, LANGUAGE_COOKIE)
                .and_then(Language::from_tag)
                .or_else(|| accept_language.and_then(Language::from_accept_language))
                .unwrap_or_default(),
            theme: cookie_value(cookie, THEME_COOKIE).and_then(Theme::from_name),
            origin,
            now,
        }
    }
}

/// The language of the present page: of the visit on the server, of the document in the browser.
pub(crate) fn language() -> Language {
    use_context::<Visit>()
        .map(|visit| visit.language)
        .or_else(|| Language::from_tag(&page::root()?.get_attribute("lang")?))
        .unwrap_or_default()
}

/// The present instant.
pub(crate) fn now() -> UnixMillis {
    use_context::<Visit>().map_or_else(clock::now, |visit| visit.now)
}

/// Where devices and people reach the panel, e.g. `https://panel.example`.
pub(crate) fn origin() -> String {
    use_context::<Visit>().map_or_else(page::origin, |visit| visit.origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(cookie: Option<&str>, accept_language: Option<&str>) -> Visit {
        Visit::new(cookie, accept_language, String::new(), UnixMillis(0))
    }

    #[test]
    fn the_cookie_goes_before_the_header() {
        let visit = visit(Some("a=b; lang=de; theme=dark"), Some("en"));
        assert_eq!(visit.language, Language::German);
        assert_eq!(visit.theme, Some(Theme::Dark));
    }

    #[test]
    fn the_heaviest_language_that_we_have_wins() {
        let read = |header| visit(None, Some(header)).language;
        assert_eq!(read("fr, de-AT;q=0.8, en;q=0.5"), Language::German);
        assert_eq!(read("en-GB, de"), Language::English);
        assert_eq!(read("de;q=0, fr"), Language::English);
        assert_eq!(read("nonsense;;q=x"), Language::English);
    }

    #[test]
    fn an_unknown_theme_is_none() {
        assert_eq!(visit(Some("theme=mauve"), None).theme, None);
    }
}
