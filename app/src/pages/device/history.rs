//! What happened to the device, newest first.

use gangway_protocol::history::DeviceEvent;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::{MAX_PAGE_LIMIT, Page, PageQuery};
use leptos::prelude::*;

use crate::components::frame::loading;
use crate::components::moment::{Show, moment};
use crate::components::notice::trouble_notice;
use crate::remote::Remote;
use crate::trouble::Outcome;
use crate::view::{View, view};
use crate::visit::Language;
use crate::visitor::{api, visitor};

/// Lines shown at first; more on request.
const LINES: u32 = 20;

/// What the section shows, and how much of it. Asked for by the page, beside the device itself.
#[derive(Clone, Copy)]
pub(super) struct History {
    events: Remote<Page<DeviceEvent>>,
    limit: RwSignal<u32>,
}

impl History {
    /// The history of the device in the address; read anew whenever `turn` changes.
    pub(super) fn new(id: Outcome<DeviceId>, turn: RwSignal<u32>) -> Self {
        let (api, visitor) = (api(), visitor());
        let limit = RwSignal::new(LINES);
        let events = Remote::new(move || {
            visitor.track();
            turn.track();
            let (api, id) = (api.clone(), id.clone());
            let page = PageQuery {
                limit: Some(limit.get()),
                after: None,
            };
            async move { Ok(api.device_events(&id?, &page).await?) }
        });
        Self { events, limit }
    }
}

/// The section. Until lines that were asked anew are there, the former ones stay.
pub(super) fn history(t: Language, History { events, limit }: History) -> View {
    view! {
        <section class="section" aria-labelledby="history-title">
            <div class="section-head"><h2 id="history-title">{t.history()}</h2></div>
            {events.show(move || loading(t), move |answer| match answer {
                Ok(page) => {
                    let more = page.next.is_some();
                    view! {
                        <ol class="history">{page.items.into_iter().map(|event| line(t, event)).collect::<View>()}</ol>
                        {more
                            .then(|| {
                                view! { <button class="button" type="button" on:click=move |_| limit.update(|limit| *limit = (*limit * 4).min(MAX_PAGE_LIMIT))>{t.show_more()}</button> }
                            })}
                    }
                }
                Err(trouble) => trouble_notice(&trouble, Some(events.again())),
            })}
        </section>
    }
}

fn line(t: Language, event: DeviceEvent) -> View {
    view! {
        <li>
            <span class="soft small">{moment(event.at, Show::Minute)}</span>
            <div>
                <p>{t.event_name(&event.action)}</p>
                <p class="soft small">{[event.actor, event.detail].into_iter().flatten().collect::<Vec<_>>().join(" · ")}</p>
            </div>
        </li>
    }
}
