//! `/fleet`: the fleet table. The view lives in the address; the server searches, filters, sorts and pages.

mod controls;
mod table;

use gangway_protocol::device::{Device, FleetChangeKind};
use gangway_protocol::page::Page;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use crate::address::address;
use crate::browser::changes::Changes;
use crate::browser::held::Held;
use crate::components::copy::run_command;
use crate::components::frame::gate;
use crate::components::icon::{Icon, icon};
use crate::components::notice::{blank, trouble_notice};
use crate::fleet_view::FleetView;
use crate::head::set_title;
use crate::remote::Remote;
use crate::trouble::{Outcome, Trouble};
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::{api, visitor};

/// A device as a row shows it: changes arrive while the row stays where it is.
type Row = RwSignal<Device>;

/// The page.
pub(crate) fn fleet_page() -> View {
    let t = language();
    let api = api();
    let visitor = visitor();
    let address = address();
    set_title(t.fleet());
    let shown = Memo::new(move |_| FleetView::read(|name| address.value(name)));
    let devices = Remote::new(move || {
        visitor.track();
        let (api, query) = (api.clone(), shown.read().to_query());
        async move { api.devices(&query).await.map_err(Trouble::from) }
    });
    let reload = devices.again();
    let rows = RwSignal::new(Vec::<Row>::new());
    // Devices that came in since the page was read. They wait for the person, because rows must not move under the pointer.
    let fresh = RwSignal::new(0_u64);
    listen(rows, fresh, reload);

    view! {
        <main id="main" class="wide" tabindex="-1">
            {gate(move |account| {
                view! {
                    <div class="page-head">
                        <h1>{t.fleet()}</h1>
                        {fresh_pill(t, fresh, reload)}
                    </div>
                    {controls::controls(t, shown, account.organisations)}
                    {devices.show(move || table::skeleton(t), move |devices| list(t, devices, shown, rows, fresh, reload))}
                }
            })}
        </main>
    }
}

fn list(
    t: Language,
    devices: Outcome<Page<Device>>,
    shown: Memo<FleetView>,
    rows: RwSignal<Vec<Row>>,
    fresh: RwSignal<u64>,
    reload: Callback<()>,
) -> View {
    let page = match devices {
        Ok(page) => page,
        // What was there before the error stays, below it.
        Err(trouble) => {
            let kept = rows.get_untracked();
            return view! {
                {trouble_notice(&trouble, Some(reload))}
                {(!kept.is_empty()).then(|| table::table(t, shown, kept))}
            };
        }
    };
    let read: Vec<Row> = page.items.into_iter().map(RwSignal::new).collect();
    rows.set(read.clone());
    fresh.set(0);
    let now = shown.get_untracked();
    if read.is_empty() && now.is_narrowed() {
        let clear = view! { <a class="button" href=now.widened().address()>{t.clear_filters()}</a> };
        return blank(t.nothing_found().to_owned(), Some(t.nothing_found_text()), clear);
    }
    if read.is_empty() && now.after.is_empty() {
        return empty(t);
    }
    view! {
        {table::table(t, shown, read.clone())}
        {controls::pages(t, &now, read.len(), page.next, page.total)}
    }
}

/// Nobody has enrolled anything yet: what to do, with the one command that the device needs.
fn empty(t: Language) -> View {
    blank(
        t.fleet_empty().to_owned(),
        Some(t.fleet_empty_text()),
        view! {
            {run_command()}
            <a class="button primary" href=paths::LINK>{icon(Icon::Add)} {t.enter_code()}</a>
        },
    )
}

fn fresh_pill(t: Language, fresh: RwSignal<u64>, reload: Callback<()>) -> View {
    view! {
        <div role="status" aria-live="polite">
            {move || {
                (fresh.get() > 0)
                    .then(|| view! { <button class="button primary" type="button" on:click=move |_| reload.run(())>{icon(Icon::Refresh)} {t.fleet_fresh(fresh.get())}</button> })
            }}
        </div>
    }
}

/// Follows the fleet's changes: presence is put into its row, a changed device is read again, new ones are counted.
fn listen(rows: RwSignal<Vec<Row>>, fresh: RwSignal<u64>, reload: Callback<()>) {
    let api = api();
    let changes = Held::<Changes>::new();
    let on_change = move |change: gangway_protocol::device::FleetChange| {
        let row = rows.with_untracked(|rows| {
            rows.iter()
                .copied()
                .find(|row| row.with_untracked(|device| device.id == change.device))
        });
        match (change.kind, row) {
            (FleetChangeKind::Presence, Some(row)) => {
                if let Some(presence) = change.presence {
                    row.update(|device| device.presence = presence);
                }
            }
            // What this page does not know may be anything: it is read again.
            (FleetChangeKind::Added | FleetChangeKind::Changed | FleetChangeKind::Unknown, Some(row)) => {
                let api = api.clone();
                leptos::task::spawn_local(async move {
                    if let Ok(detail) = api.device(&change.device).await {
                        let _ = row.try_set(detail.device);
                    }
                });
            }
            (FleetChangeKind::Added, None) => fresh.update(|fresh| *fresh += 1),
            (FleetChangeKind::Changed | FleetChangeKind::Presence | FleetChangeKind::Unknown, None) => {}
        }
    };
    Effect::new(move |_| {
        let visitor = visitor();
        // Only members are told; whoever signs in on this page is connected then.
        if matches!(visitor.account.get(), Some(Ok(_))) {
            changes.set(Changes::open(on_change.clone(), move || reload.run(())));
        }
    });
}
