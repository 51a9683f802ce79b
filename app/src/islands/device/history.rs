//! What happened to the device, newest first.

use gangway_protocol::history::DeviceEvent;
use gangway_protocol::page::PageQuery;
use leptos::prelude::*;

use super::Shown;
use crate::browser::page;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::Complaint;
use crate::format::shortened;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;

/// Lines that are asked for at once: a few screens of them.
const MORE_LINES: u32 = 50;
/// The id of the heading, on which the focus lies when there is no more to show.
const HISTORY_ID: &str = "history-title";

/// The section.
#[component]
pub(super) fn History(shown: Shown) -> impl IntoView {
    let t = language();
    let lines = shown.lines;
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let show_more = move |_| {
        let after = lines.with_untracked(|lines| lines.next.clone());
        if after.is_none() || busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        leptos::task::spawn_local(async move {
            let query = PageQuery {
                limit: Some(MORE_LINES),
                after: after.clone(),
            };
            match api().device_events(&shown.id(), &query).await {
                // Unless the newest page has taken the place of what this continues.
                Ok(page) => lines.update(|lines| {
                    if lines.next == after {
                        lines.append(page);
                    }
                }),
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
            busy.set(false);
            if lines.with_untracked(|lines| lines.next.is_none()) {
                page::focus(HISTORY_ID);
            }
        });
    };
    view! {
        <section class="section" aria-labelledby=HISTORY_ID>
            <div class="section-head"><h2 id=HISTORY_ID tabindex="-1">{t.history()}</h2></div>
            <ol class="history">
                <For each=move || lines.with(|lines| lines.lines.clone()) key=|line| line.number let(line)>
                    <EventLine event=line.event />
                </For>
            </ol>
            <Complaint message />
            <Show when=move || lines.with(|lines| lines.next.is_some())>
                <button class="button" type="button" aria-busy=move || busy.get().to_string() on:click=show_more>
                    {t.show_more()}
                </button>
            </Show>
        </section>
    }
}

#[component]
fn EventLine(event: DeviceEvent) -> impl IntoView {
    let t = language();
    let detail = event.detail.map(|detail| t.event_detail(&event.action, &detail));
    let parts: Vec<String> = [event.actor, detail].into_iter().flatten().collect();
    let whole = Some(parts.join(" · ")).filter(|whole| !whole.is_empty());
    view! {
        <li>
            <span class="soft small">
                <Moment at=event.at show=TimeFormat::Minute />
            </span>
            <div>
                <p>{t.deed(&event.action)}</p>
                {whole.map(|whole| view! { <p class="soft small" title=whole.clone()>{shortened(&whole)}</p> })}
            </div>
        </li>
    }
}
