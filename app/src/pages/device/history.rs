//! What happened to the device, newest first.

use gangway_protocol::device::DeviceEvent;
use gangway_protocol::page::PageQuery;
use leptos::prelude::*;

use super::Shown;
use crate::components::moment::{Show, moment};
use crate::components::notice::trouble_notice;
use crate::trouble::Trouble;
use crate::visit::Language;
use crate::visitor::api;

/// Lines shown at first; more on request.
const LINES: u32 = 20;

/// The section. Its lines are read anew whenever the device changes; until they are there, the former ones stay.
pub(super) fn history(t: Language, shown: Shown) -> AnyView {
    let api = api();
    let limit = RwSignal::new(LINES);
    let id = shown.detail.with_untracked(|detail| detail.device.id.clone());
    let events = Resource::new(
        move || (shown.turn.get(), limit.get()),
        move |(_, limit)| {
            let (api, id) = (api.clone(), id.clone());
            async move {
                api.device_events(
                    &id,
                    &PageQuery {
                        limit: Some(limit),
                        after: None,
                    },
                )
                .await
                .map_err(Trouble::from)
            }
        },
    );
    view! {
        <section class="section" aria-labelledby="history-title">
            <div class="section-head"><h2 id="history-title">{t.history()}</h2></div>
            <Transition fallback=move || view! { <p class="soft">{t.loading()}</p> }>
                {move || Suspend::new(async move {
                    match events.await {
                        Ok(page) => {
                            let more = page.next.is_some();
                            view! {
                                <ol class="history">{page.items.into_iter().map(|event| line(t, event)).collect_view()}</ol>
                                {more
                                    .then(|| {
                                        view! { <button class="button" type="button" on:click=move |_| limit.update(|limit| *limit = (*limit * 4).min(gangway_protocol::page::MAX_PAGE_LIMIT))>{t.show_more()}</button> }
                                    })}
                            }
                                .into_any()
                        }
                        Err(trouble) => trouble_notice(&trouble, Some(Callback::new(move |()| events.refetch()))),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

fn line(t: Language, event: DeviceEvent) -> AnyView {
    view! {
        <li>
            <span class="soft small">{moment(event.at, Show::Minute)}</span>
            <div>
                <p>{t.event_name(&event.action)}</p>
                <p class="soft small">{[event.actor, event.detail].into_iter().flatten().collect::<Vec<_>>().join(" · ")}</p>
            </div>
        </li>
    }
    .into_any()
}
