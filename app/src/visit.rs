//! What a page has to know about its visit before it draws anything: language and theme.

use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use crate::browser::{clock, page};

/// A language of the panel. Every text exists in each (`text.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::German];

    /// The BCP 47 tag, also the value of the cookie.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language's name in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language of a tag such as `de-AT`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.trim();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The best of ours for an `Accept-Language` header (RFC 9110 §12.5.4); the earlier of equals.
    fn from_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = parts
                .find_map(|parameter| parameter.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// Dark or light, where the person has chosen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Ink on paper.
    Light,
    /// Paper on ink.
    Dark,
}

impl Theme {
    /// The value of the cookie and of `<html data-theme>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark]
            .into_iter()
            .find(|theme| theme.name() == name)
    }
}

/// The cookie that holds the chosen language.
pub const LANGUAGE_COOKIE: &str = "lang";
/// The cookie that holds the chosen theme.
pub const THEME_COOKIE: &str = "theme";

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

/// The value of a cookie in a `Cookie` header or in `document.cookie`.
pub(crate) fn cookie_value<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    cookies.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
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
