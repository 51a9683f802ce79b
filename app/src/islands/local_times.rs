//! Instants in the reader's own terms, on the whole page.

use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, MutationObserver, MutationObserverInit};

use crate::browser::clock::{self, Detail};
use crate::browser::page;
use crate::components::moment::{SHOW, TimeFormat};
use crate::preference::Language;
use crate::visit::language;

/// Distances are shown in seconds only below a minute; renewing them more often would only spend battery.
const TICK_MILLIS: u32 = 10_000;
/// What happened less than this ago has happened just now.
const JUST_NOW_MILLIS: i64 = 10_000;
/// The attribute with the instant that the text of a `<time>` tells already.
const SHOWN: &str = "data-shown";

/// Puts every instant of the page into the reader's language and time zone: those that are there, those that come, and
/// distances again as time goes by. It draws nothing itself.
#[island]
pub(crate) fn LocalTimes() -> impl IntoView {
    let t = language();
    Effect::new(move |_| {
        show_all(t, false);
        observe(t);
        leptos::task::spawn_local(async move {
            loop {
                clock::sleep(TICK_MILLIS).await;
                show_all(t, true);
            }
        });
    });
}

/// Looks again whenever something on the page changes, until the page goes.
fn observe(t: Language) {
    let changed = Closure::<dyn FnMut()>::new(move || show_all(t, false));
    let Ok(observer) = MutationObserver::new(changed.as_ref().unchecked_ref()) else {
        return;
    };
    changed.forget();
    let what = MutationObserverInit::new();
    what.set_child_list(true);
    what.set_subtree(true);
    what.set_attribute_filter(&js_sys::Array::of1(&"datetime".into()));
    if let Some(body) = page::document().and_then(|document| document.body()) {
        let _ = observer.observe_with_options(&body, &what);
    }
}

/// Shows what is not shown yet, and with `distances` also what changes with time.
fn show_all(t: Language, distances: bool) {
    let times = page::document().and_then(|document| document.query_selector_all("time[data-show]").ok());
    let Some(times) = times else { return };
    for place in 0..times.length() {
        let time = times.get(place).and_then(|time| time.dyn_into::<Element>().ok());
        if let Some(time) = time {
            show(t, &time, distances);
        }
    }
}

fn show(t: Language, time: &Element, distances: bool) -> Option<()> {
    let show = TimeFormat::from_name(&time.get_attribute(SHOW)?)?;
    let instant = time.get_attribute("datetime")?;
    let stale = time.get_attribute(SHOWN).as_ref() != Some(&instant);
    if stale || (distances && show.ages()) {
        let at = clock::read(&instant)?;
        // The text node stays: it belongs to whoever drew it, and is changed by them when the instant changes.
        time.first_child()?.set_node_value(Some(&text(t, at, show)));
        if stale {
            time.set_attribute("title", &clock::local(t, at, Detail::Minute))
                .ok()?;
            time.set_attribute(SHOWN, &instant).ok()?;
        }
    }
    Some(())
}

fn text(t: Language, at: UnixMillis, show: TimeFormat) -> String {
    match show {
        TimeFormat::Day => clock::local(t, at, Detail::Day),
        TimeFormat::Minute => clock::local(t, at, Detail::Minute),
        TimeFormat::Distance => clock::relative(t, at, clock::now()),
        TimeFormat::Past if at.since(clock::now()) > -JUST_NOW_MILLIS => t.just_now().to_owned(),
        TimeFormat::Past => clock::relative(t, at, clock::now()),
        TimeFormat::Since => {
            let day = clock::local(t, at, Detail::Day);
            if day == clock::local(t, clock::now(), Detail::Day) {
                clock::local(t, at, Detail::Clock)
            } else {
                day
            }
        }
    }
}
