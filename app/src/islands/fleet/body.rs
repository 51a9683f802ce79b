//! What stands below the controls: the table with its pages, or what it means that there is none.

use gangway_protocol::path::page as paths;
use leptos::children::TypedChildren;
use leptos::either::EitherOf5;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::listing::Total;
use super::state::{Entry, Fleet};
use super::table::{Skeleton, Table};
use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::components::notice::Blank;
use crate::components::run_command::RunCommand;
use crate::fleet_view::FleetView;
use crate::format;
use crate::islands::panels::SEARCH_ID;
use crate::visit::language;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    Table,
    NothingFound,
    /// Nobody has enrolled anything yet.
    Empty,
    /// Nothing has been read, and it is being asked for.
    Loading,
    /// Nothing has been read; the notice above says why.
    Nothing,
}

/// The table, or what stands in its place. It is drawn anew only when that changes, not with each answer.
#[component]
pub(super) fn Body(
    /// The page.
    fleet: Fleet,
    /// Whether the visitor may add devices.
    may_enrol: bool,
    /// Whether devices can be chosen.
    may_choose: bool,
) -> impl IntoView {
    let drawn = Memo::new(move |_| {
        fleet.listing.with(|listing| match listing {
            None if fleet.busy.get() => Drawn::Loading,
            None => Drawn::Nothing,
            Some(listing) if !listing.rows.is_empty() => Drawn::Table,
            Some(listing) if listing.of.is_narrowed() => Drawn::NothingFound,
            Some(listing) if listing.of.after.is_empty() => Drawn::Empty,
            // A page behind the last one: its links lead back.
            Some(_) => Drawn::Table,
        })
    });
    move || match drawn.get() {
        Drawn::Table => EitherOf5::A(view! {
            <Table fleet may_choose />
            <Pages fleet />
        }),
        Drawn::NothingFound => EitherOf5::B(view! { <NothingFound fleet /> }),
        Drawn::Empty => EitherOf5::C(view! { <Empty may_enrol /> }),
        Drawn::Loading => EitherOf5::D(view! { <Skeleton /> }),
        Drawn::Nothing => EitherOf5::E(()),
    }
}

#[component]
fn NothingFound(fleet: Fleet) -> impl IntoView {
    let t = language();
    let widened = Signal::derive(move || fleet.view.read().widened());
    view! {
        <Blank title=t.nothing_found() text=t.nothing_found_text()>
            // The link goes with what it stands in, so that the focus goes on to where the next search begins.
            <ViewLink fleet to=widened class="button" then=|| page::focus(SEARCH_ID)>
                {t.clear_filters()}
            </ViewLink>
        </Blank>
    }
}

/// What to do, with the one command that the device needs, for those who may.
#[component]
fn Empty(may_enrol: bool) -> impl IntoView {
    let t = language();
    let text = if may_enrol {
        t.fleet_empty_text()
    } else {
        t.fleet_empty_viewer()
    };
    view! {
        <Blank title=t.fleet_empty() text>
            {may_enrol
                .then(|| {
                    view! {
                        <RunCommand />
                        <a class="button primary" href=paths::LINK>
                            <Icon glyph=Glyph::Add />
                            " "
                            {t.enter_code()}
                        </a>
                    }
                })}
        </Blank>
    }
}

/// How many there are, and the way to the next ones. They belong to the rows, which may be of an earlier view than the
/// controls when the last question failed.
#[component]
fn Pages(fleet: Fleet) -> impl IntoView {
    let t = language();
    let count = move || {
        fleet.listing.with(|listing| {
            let listing = listing.as_ref()?;
            let shown = u64::try_from(listing.rows.len()).unwrap_or(u64::MAX);
            Some(match listing.total {
                Some(Total {
                    counted,
                    is_more: true,
                }) => t.shown_of(&format::number(t, shown), &t.more_than(&t.devices(counted))),
                Some(Total { counted, .. }) if counted > shown => {
                    t.shown_of(&format::number(t, shown), &t.devices(counted))
                }
                _ => t.devices(shown),
            })
        })
    };
    let first = Memo::new(move |_| {
        fleet.listing.with(|listing| {
            Some(&listing.as_ref()?.of)
                .filter(|of| !of.after.is_empty())
                .map(FleetView::begun)
        })
    });
    let next = Memo::new(move |_| {
        fleet.listing.with(|listing| {
            let listing = listing.as_ref()?;
            let after = listing.next.clone()?;
            Some(listing.of.with(|view| view.after = after))
        })
    });
    let turn = move || fleet.to_the_top();
    view! {
        <nav class="pages" aria-label=t.pages()>
            <span class="soft" aria-live="polite">{count}</span>
            {move || {
                first
                    .get()
                    .map(|first| {
                        view! {
                            <ViewLink fleet to=first class="button" then=turn>
                                <Icon glyph=Glyph::Back />
                                " "
                                {t.first_page()}
                            </ViewLink>
                        }
                    })
            }}
            {move || {
                next
                    .get()
                    .map(|next| {
                        view! {
                            <ViewLink fleet to=next class="button" then=turn>
                                {t.next_page()}
                                " "
                                <Icon glyph=Glyph::Next />
                            </ViewLink>
                        }
                    })
            }}
        </nav>
    }
}

/// A link to another view. Alive, the page goes there by itself; a click that wants a window of its own stays the browser's.
#[component]
pub(super) fn ViewLink<C: IntoView + 'static>(
    /// The page.
    fleet: Fleet,
    /// The view.
    #[prop(into)]
    to: Signal<FleetView>,
    /// Its class in the style sheet.
    #[prop(optional)]
    class: &'static str,
    /// What happens after that, e.g. to the focus.
    then: impl Fn() + 'static,
    /// What stands on it.
    children: TypedChildren<C>,
) -> impl IntoView {
    let follow = move |event: MouseEvent| {
        if event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key() {
            return;
        }
        event.prevent_default();
        fleet.go(to.get_untracked(), Entry::Push);
        then();
    };
    view! {
        <a class=class href=move || to.read().address() on:click=follow>
            {children.into_inner()()}
        </a>
    }
}
