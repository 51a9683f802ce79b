//! What happened to the device, newest first.

use gangway_client::Api;
use gangway_protocol::device::DeviceEvent;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::{Page, PageQuery};
use leptos::prelude::*;

use crate::components::moment::{Show, moment};
use crate::components::notice::trouble_notice;
use crate::trouble::{Outcome, Trouble};
use crate::visit::Language;
use crate::visitor::{api, visitor};

/// Lines shown at first; more on request.
const LINES: u32 = 20;

/// What the section shows, and how much of it. Made by the page before anything is drawn: resources are counted, and the server
/// and the browser have to count alike.
#[derive(Clone, Copy)]
pub(super) struct History {
    events: Resource<Outcome<Page<DeviceEvent>>>,
    limit: RwSignal<u32>,
}

impl History {
    /// The history of the device in the address; read anew whenever `turn` changes.
    pub(super) fn new(id: Memo<String>, turn: RwSignal<u32>) -> Self {
        let (api, visitor) = (api(), visitor());
        let limit = RwSignal::new(LINES);
        let events = Resource::new(
            move || (id.get(), turn.get(), limit.get(), visitor.turn()),
            move |(id, _, limit, _)| {
                let api = api.clone();
                async move { read(&api, &id, limit).await }
            },
        );
        Self { events, limit }
    }
}

async fn read(api: &Api, id: &str, limit: u32) -> Outcome<Page<DeviceEvent>> {
    let id: DeviceId = id.parse().map_err(|_| Trouble::code(ProblemCode::NotFound))?;
    let page = PageQuery {
        limit: Some(limit),
        after: None,
    };
    Ok(api.device_events(&id, &page).await?)
}

/// The section. Until lines that were asked anew are there, the former ones stay.
pub(super) fn history(t: Language, History { events, limit }: History) -> AnyView {
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
