//! The table itself: one row for each device, drawn as cards where the room is narrow.

use gangway_protocol::device::Device;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::Row;
use crate::components::device_state::device_state;
use crate::components::icon::{Icon, icon};
use crate::components::labels::labels;
use crate::components::moment::{Show, moment};
use crate::components::presence::presence;
use crate::fleet_view::{Column, FleetView};
use crate::view::{IntoView, View, view};
use crate::visit::{Language, language};

/// Rows drawn while the first page is on its way: the height of a screen, so that nothing jumps.
const SKELETON_ROWS: usize = 8;

/// The table of these rows. Its cells keep their roles where the style draws them as cards.
pub(super) fn table(t: Language, shown: Memo<FleetView>, rows: Vec<Row>) -> View {
    frame(t, head(t, shown), rows.into_iter().map(row).collect::<View>())
}

/// The table before there is anything to show, of the same height.
pub(super) fn skeleton(t: Language) -> View {
    let line = |_| {
        view! {
            <tr role="row">
                {(0..6).map(|_| view! { <td role="cell"><div class="skeleton"></div></td> }).collect::<View>()}
            </tr>
        }
    };
    let columns = [
        t.device_name(),
        t.column_presence(),
        t.column_state(),
        t.column_system(),
        t.column_certificate(),
        t.column_added(),
    ];
    let head = columns
        .into_iter()
        .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
        .collect::<View>();
    view! {
        <p class="hidden-text" role="status">{t.loading()}</p>
        {frame(t, head, (0..SKELETON_ROWS).map(line).collect::<View>())}
    }
}

fn frame(t: Language, head: View, body: View) -> View {
    view! {
        <div class="table" role="region" aria-label=t.fleet() tabindex="0">
            <table role="table" aria-label=t.fleet()>
                <thead role="rowgroup">
                    <tr role="row">{head}</tr>
                </thead>
                <tbody role="rowgroup">{body}</tbody>
            </table>
        </div>
    }
}

fn head(t: Language, shown: Memo<FleetView>) -> View {
    let sortable = |name: &'static str, column: Column| {
        view! {
            <th role="columnheader" scope="col" aria-sort=move || shown.read().direction(column)>
                <a href=move || shown.read().sorted_by(column).address()>
                    {name}
                    {icon(Icon::Down)}
                </a>
            </th>
        }
    };
    let plain = |name: &'static str| view! { <th role="columnheader" scope="col">{name}</th> };
    view! {
        {sortable(t.device_name(), Column::Name)}
        {sortable(t.column_presence(), Column::LastSeen)}
        {plain(t.column_state())}
        {plain(t.column_system())}
        {plain(t.column_certificate())}
        {sortable(t.column_added(), Column::Added)}
    }
}

fn row(row: Row) -> View {
    let t = language();
    view! {
        <tr role="row">
            <th role="rowheader" scope="row">
                {move || row.with(|device| name(t, device))}
            </th>
            <td role="cell" class="cell-presence">{move || row.with(|device| presence(&device.presence))}</td>
            <td role="cell" class="cell-state">{move || row.with(|device| device_state(&device.state))}</td>
            <td role="cell" class="cell-system soft">{move || row.with(|device| format!("{} {}", device.facts.os_version, device.facts.arch))}</td>
            <td role="cell" class="cell-certificate soft">{move || row.with(certificate)}</td>
            <td role="cell" class="cell-added soft">{move || row.with(|device| moment(device.created_at, Show::Day))}</td>
        </tr>
    }
}

fn name(t: Language, device: &Device) -> View {
    let alarm = device
        .alarm
        .as_ref()
        .map(|_| view! { <span class="chip bad">{icon(Icon::Warning)} {t.alarm_short()}</span> });
    view! {
        <a href=paths::fleet_device(&device.id)>{device.name.clone()}</a>
        <span class="row-labels">{alarm} {labels(&device.labels)}</span>
    }
}

/// When the newest certificate ends.
fn certificate(device: &Device) -> View {
    match device.certificate_expires_at {
        Some(at) => moment(at, Show::Distance),
        None => "–".into_view(),
    }
}
