//! The browser's clock, and instants in the reader's own terms (ECMA-402).

use gangway_protocol::time::UnixMillis;
use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::page;
use crate::preference::Language;

/// The present instant by the browser's clock.
#[expect(
    clippy::as_conversions,
    reason = "an integral double far below 2^53: there is no lossless From for it"
)]
pub(crate) fn now() -> UnixMillis {
    UnixMillis(Date::now() as i64)
}

/// The instant that a text such as `2026-11-27T08:00:00.000Z` names (RFC 3339).
#[expect(
    clippy::as_conversions,
    reason = "an integral double far below 2^53: there is no lossless From for it"
)]
pub(crate) fn read(text: &str) -> Option<UnixMillis> {
    let millis = Date::parse(text);
    millis.is_finite().then_some(UnixMillis(millis as i64))
}

/// Waits.
pub(crate) async fn sleep(millis: u32) {
    gloo_timers::future::TimeoutFuture::new(millis).await;
}

/// How much of an instant to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The day, `22 Nov 2026`.
    Day,
    /// Day and minute.
    Minute,
    /// The time of day.
    Clock,
}

/// An instant by the reader's language and time zone.
pub(crate) fn local(language: Language, at: UnixMillis, detail: Detail) -> String {
    let options = Object::new();
    let (day, time) = match detail {
        Detail::Day => (Some("medium"), None),
        Detail::Minute => (Some("medium"), Some("short")),
        Detail::Clock => (None, Some("short")),
    };
    for (key, value) in [("dateStyle", day), ("timeStyle", time)] {
        if let Some(value) = value {
            // Setting a plain property of a fresh object cannot fail.
            let _ = Reflect::set(&options, &key.into(), &value.into());
        }
    }
    date(at).to_locale_string(&locale(language), &options).into()
}

/// How long ago, or in how long, in the reader's words: `3 minutes ago`, `in 89 days`.
pub(crate) fn relative(language: Language, at: UnixMillis, now: UnixMillis) -> String {
    let seconds = at.since(now) / UnixMillis::SECOND;
    let (value, unit) = match seconds.abs() {
        0..10 => (0, "second"),
        10..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let options = Object::new();
    let _ = Reflect::set(&options, &"numeric".into(), &"auto".into());
    RelativeTimeFormat::new(&locale(language), &options).format(to_double(value), unit)
}

fn date(at: UnixMillis) -> Date {
    Date::new(&JsValue::from_f64(to_double(at.0)))
}

#[expect(
    clippy::as_conversions,
    reason = "instants are far below 2^53: there is no lossless From for them"
)]
fn to_double(value: i64) -> f64 {
    value as f64
}

/// The reader's own locale where it is of the page's language (`en-GB` for `en`), else the page's language.
fn locale(language: Language) -> String {
    page::window()
        .and_then(|window| window.navigator().language())
        .filter(|tag| Language::from_tag(tag) == Some(language))
        .unwrap_or_else(|| language.tag().to_owned())
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Intl)]
    type RelativeTimeFormat;
    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &Object) -> RelativeTimeFormat;
    #[wasm_bindgen(method)]
    fn format(this: &RelativeTimeFormat, value: f64, unit: &str) -> String;
}
