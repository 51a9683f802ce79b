//! The table itself: one row for each device, drawn as cards where the room is narrow.

use gangway_protocol::device::Device;
use gangway_protocol::path::page as paths;
use leptos::either::Either;
use leptos::prelude::*;

use super::body::ViewLink;
use super::labels::RowLabels;
use super::listing::Row;
use super::selection::{ChooseDevice, ChoosePage};
use super::state::{Fleet, TITLE_ID};
use crate::components::device_state::DeviceStateMark;
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::presence::PresenceMark;
use crate::fleet_view::Column;
use crate::preference::Language;
use crate::visit::language;

/// The element that scrolls the rows.
pub(super) const TABLE_ID: &str = "fleet-table";
/// Rows drawn while the first page is on its way: the height of a screen, so that nothing jumps.
const SKELETON_ROWS: usize = 8;
const COLUMNS: usize = 6;
/// Of the heads, whose widths are their columns'.
const CLASSES: [&str; COLUMNS] = [
    "column-name",
    "column-presence",
    "column-state",
    "column-system",
    "column-certificate",
    "column-added",
];

/// The table. Its cells keep their roles where the style draws them as cards.
#[component]
pub(super) fn Table(
    /// The page.
    fleet: Fleet,
    /// Whether devices can be chosen.
    may_choose: bool,
) -> impl IntoView {
    let t = language();
    let rows = move || {
        fleet.listing.with(|listing| {
            listing
                .as_ref()
                .map(|listing| listing.rows.clone())
                .unwrap_or_default()
        })
    };
    view! {
        <div
            id=TABLE_ID
            class="table"
            role="region"
            aria-labelledby=TITLE_ID
            aria-busy=move || fleet.busy.get().to_string()
            tabindex="0"
        >
            <table role="table" aria-label=t.devices_listed()>
                <thead role="rowgroup">
                    <tr role="row">
                        {may_choose
                            .then(|| {
                                view! {
                                    <th role="columnheader" scope="col" class="cell-choose">
                                        <ChoosePage fleet />
                                    </th>
                                }
                            })}
                        {columns(t)
                            .into_iter()
                            .zip(CLASSES)
                            .map(|((name, column), class)| match column {
                                Some(column) => Either::Left(view! { <SortHead fleet name column class /> }),
                                None => Either::Right(view! { <th role="columnheader" scope="col" class=class>{name}</th> }),
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For each=rows key=|row| row.id.clone() let(row)>
                        <DeviceRow row fleet may_choose />
                    </For>
                </tbody>
            </table>
        </div>
    }
}

/// The table before there is anything to show, of the same height.
#[component]
pub(super) fn Skeleton() -> impl IntoView {
    let t = language();
    let line = |_| {
        let cells = (0..COLUMNS).map(|_| view! { <td role="cell"><div class="skeleton"></div></td> });
        view! { <tr role="row">{cells.collect_view()}</tr> }
    };
    view! {
        <p class="hidden-text" role="status">{t.loading()}</p>
        <div class="table" role="region" aria-label=t.fleet() aria-busy="true" tabindex="0">
            <table role="table" aria-label=t.fleet()>
                <thead role="rowgroup">
                    <tr role="row">
                        {columns(t)
                            .into_iter()
                            .zip(CLASSES)
                            .map(|((name, _), class)| view! { <th role="columnheader" scope="col" class=class>{name}</th> })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody role="rowgroup">{(0..SKELETON_ROWS).map(line).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn columns(t: Language) -> [(&'static str, Option<Column>); COLUMNS] {
    [
        (t.device_name(), Some(Column::Name)),
        (t.column_presence(), Some(Column::LastSeen)),
        (t.column_state(), None),
        (t.column_system(), None),
        (t.column_certificate(), None),
        (t.column_added(), Some(Column::Added)),
    ]
}

#[component]
fn SortHead(fleet: Fleet, name: &'static str, column: Column, class: &'static str) -> impl IntoView {
    let sorted = Signal::derive(move || fleet.view.read().sorted_by(column));
    view! {
        <th role="columnheader" scope="col" class=class aria-sort=move || fleet.view.read().direction(column)>
            <ViewLink fleet to=sorted then=|| ()>
                {name}
                <Icon glyph=Glyph::Down />
            </ViewLink>
        </th>
    }
}

#[component]
fn DeviceRow(row: Row, fleet: Fleet, may_choose: bool) -> impl IntoView {
    let stale = fleet.stale;
    let id = row.id;
    // The handle goes with the row, the signal behind it with the listing.
    let device = RwSignal::from(row.device);
    view! {
        <tr role="row">
            {may_choose
                .then(|| {
                    let name = Signal::derive(move || device.with(|device| device.name.clone()));
                    view! {
                        <td role="cell" class="cell-choose">
                            <ChooseDevice fleet id name />
                        </td>
                    }
                })}
            <th role="rowheader" scope="row">{cell(device, name)}</th>
            <td role="cell" class="cell-presence">
                {move || view! { <PresenceMark presence=device.with(|device| device.presence.clone()) stale=stale.get() /> }}
            </td>
            <td role="cell" class="cell-state">
                {cell(device, state)}
            </td>
            <td role="cell" class="cell-system soft">
                {move || device.with(|device| format!("{} {}", device.facts.os_version, device.facts.arch))}
            </td>
            <td role="cell" class="cell-certificate soft">{cell(device, certificate)}</td>
            <td role="cell" class="cell-added soft">
                {cell(device, |device| view! { <Moment at=device.created_at show=TimeFormat::Day /> })}
            </td>
        </tr>
    }
}

/// What a cell shows, drawn again as the device changes.
fn cell<V: IntoView + 'static>(device: RwSignal<Device>, of: fn(&Device) -> V) -> impl Fn() -> V {
    move || device.with(of)
}

fn name(device: &Device) -> impl IntoView + use<> {
    view! {
        <a href=paths::fleet_device(&device.id)>{device.name.clone()}</a>
        " "
        <RowLabels alarm=device.alarm.is_some() labels=device.labels.clone() />
    }
}

fn state(device: &Device) -> impl IntoView + use<> {
    view! { <DeviceStateMark state=device.state.clone() revoked=device.revoked presence=device.presence.clone() /> }
}

/// When the newest certificate ends.
fn certificate(device: &Device) -> impl IntoView + use<> {
    match device.certificate_expires_at {
        Some(at) => Either::Left(view! { <Moment at show=TimeFormat::Distance /> }),
        None => Either::Right("–"),
    }
}
