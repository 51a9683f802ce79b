//! Views that are kept under a name: gone to, kept, removed.

use gangway_protocol::saved_view::{SavedView, SavedViewRequest};
use leptos::prelude::*;

use super::super::lists::Once;
use super::body::ViewLink;
use super::bulk::BulkReach;
use super::state::Fleet;
use crate::components::dialog::{Dialog, FormEnd};
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::notice::Complaint;
use crate::fleet_view::FleetView;
use crate::messages::messages;
use crate::trouble::Trouble;
use crate::visit::language;
use crate::visitor::api;

/// The disclosure in the page's head.
#[component]
pub(super) fn Views(
    /// The page.
    fleet: Fleet,
    /// Those that are kept, by name.
    views: Vec<SavedView>,
    /// Where the visitor may share one.
    reach: BulkReach,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let views = RwSignal::new(views);
    let open = RwSignal::new(false);
    let remove = move |view: SavedView| {
        leptos::task::spawn_local(async move {
            match api().remove_saved_view(&view.id).await {
                Ok(()) => views.update(|views| views.retain(|other| other.id != view.id)),
                Err(error) => messages.show_trouble(t, error),
            }
        });
    };
    view! {
        <details class="menu">
            <summary class="button quiet">
                {t.views()}
                <Icon glyph=Glyph::Down />
            </summary>
            <div class="menu-body">
                <Show when=move || views.read().is_empty()>
                    <p class="soft small">{t.views_none()}</p>
                </Show>
                <ul>
                    <For each=move || views.get() key=|view| view.id.clone() let(view)>
                        <li>
                            <Kept fleet view=view.clone() />
                            {view
                                .removable
                                .then(|| {
                                    let label = t.view_remove(&view.name);
                                    let view = view.clone();
                                    view! { <IconButton glyph=Glyph::Trash label on_press=move || remove(view.clone()) /> }
                                })}
                        </li>
                    </For>
                </ul>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    {t.view_keep()}
                </button>
            </div>
        </details>
        <Dialog open label=t.view_keep()>
            <KeepForm fleet views reach=reach.clone() open />
        </Dialog>
    }
}

/// The way to a view that is kept.
#[component]
fn Kept(fleet: Fleet, view: SavedView) -> impl IntoView {
    let t = language();
    let shared = view.shared_in.is_some();
    let name = view.name.clone();
    let to = FleetView::of(&view);
    view! {
        <ViewLink fleet to=to then=|| ()>{name}</ViewLink>
        {shared.then(|| view! { <span class="soft small">{t.view_shared()}</span> })}
    }
}

/// What a view is called, and whose it is.
#[component]
fn KeepForm(
    fleet: Fleet,
    views: RwSignal<Vec<SavedView>>,
    reach: BulkReach,
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let name = RwSignal::new(String::new());
    let shared = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let message = RwSignal::new(None::<String>);
    let once = Once::new();
    // It is shared where it looks: in the organisation that is filtered by, or in the one above all others.
    let filtered = fleet.view.with_untracked(|view| view.organisation.clone());
    let place = Some(filtered).filter(|id| !id.is_empty()).or(reach.top);
    let place = reach.homes.into_iter().find(|(id, _)| Some(id) == place.as_ref());
    let share_in = place.as_ref().and_then(|(id, _)| id.parse().ok());
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let request = SavedViewRequest {
            name: name.get_untracked(),
            shared_in: share_in.clone().filter(|_| shared.get_untracked()),
            ..fleet.view.with_untracked(FleetView::to_request)
        };
        let key = once.key(&request);
        leptos::task::spawn_local(async move {
            match api().keep_view(&request, &key).await {
                Ok(view) => {
                    once.end();
                    views.update(|views| {
                        views.push(view);
                        views.sort_by(|one, other| one.name.cmp(&other.name));
                    });
                    open.set(false);
                }
                Err(error) => message.set(Some(Trouble::from(error).words(t))),
            }
            busy.set(false);
        });
    };
    view! {
        <form class="stack" on:submit=save>
            <h2>{t.view_keep()}</h2>
            <div class="field">
                <label for="view-name">{t.view_name()}</label>
                <input id="view-name" class="input" required maxlength="64" autocomplete="off" bind:value=name />
            </div>
            {place
                .map(|(_, name)| {
                    view! {
                        <label class="choice">
                            <input type="checkbox" bind:checked=shared />
                            {t.view_share(&name)}
                        </label>
                    }
                })}
            <Complaint message />
            <FormEnd open verb=t.save() busy />
        </form>
    }
}
