//! The device as it changes. Three things say that it may look different by now:
//!
//! - The stream tells a change. Presence comes with it and is shown at once; for anything else device and history are read.
//! - The stream comes to stand for the first time. The page was drawn a moment before, so one read of the device decides:
//!   is it as it is shown, nothing else happens. Changes from then on are told by the stream, so nothing is missed.
//! - The stream comes back, or says that it had too much to tell: device and history are read.
//!
//! There is one reading at a time. What comes up meanwhile has it done once more. A read that fails leaves what is shown, and
//! is tried again.

use gangway_client::ApiError;
use gangway_protocol::device::{DeviceDetail, FleetChange, FleetChangeKind};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::page::PageQuery;
use leptos::prelude::*;

use super::Shown;
use crate::browser::changes::Changes;
use crate::browser::held::Held;
use crate::browser::{clock, page};
use crate::visitor::api;

/// Newest lines of the history that are read: more than happens to a device while nobody looks.
const NEWEST_LINES: u32 = 20;
/// Between a read that failed and the next: a server that is away comes back in seconds, or not soon.
const TRY_AGAIN_MILLIS: u32 = 10_000;

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    #[default]
    Idle,
    /// An answer is on its way.
    UnderWay,
    /// An answer is on its way that is out of date already.
    Outdated,
}

/// Follows the changes of the device.
pub(super) fn listen(shown: Shown) {
    let changes = Held::<Changes>::new();
    let opened = StoredValue::new(false);
    Effect::new(move |_| {
        let on_change = move |change: FleetChange| {
            if change.device == shown.id() {
                take_change(shown, change);
            }
        };
        let on_gap = move || {
            let scope = if opened.get_value() {
                Scope::All
            } else {
                Scope::WhatDiffers
            };
            opened.set_value(true);
            read(shown, scope);
        };
        if let Some(open) = Changes::open(on_change, on_gap) {
            changes.hold(open);
        }
    });
}

/// Names the document as the device is named, when that changes.
pub(super) fn keep_title(shown: Shown) {
    let name = Memo::new(move |_| shown.detail.with(|detail| detail.device.name.clone()));
    Effect::new(move |before: Option<()>| {
        let name = name.get();
        if let (Some(()), Some(document)) = (before, page::document()) {
            document.set_title(&format!("{name} · Gangway"));
        }
    });
}

/// Reads device and history.
pub(super) fn read_again(shown: Shown) {
    read(shown, Scope::All);
}

fn take_change(shown: Shown, change: FleetChange) {
    // An answer that is on its way may have been given before this change.
    let idle = shown.reading.get_value() == Reading::Idle;
    match (change.kind, change.presence) {
        (FleetChangeKind::Presence, Some(presence)) if idle => {
            shown.detail.update(|detail| detail.device.presence = presence);
        }
        _ => read_again(shown),
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Device and history.
    All,
    /// The device; its history where the device is not as it is shown.
    WhatDiffers,
}

fn read(shown: Shown, scope: Scope) {
    if shown.reading.get_value() != Reading::Idle {
        shown.reading.set_value(Reading::Outdated);
        return;
    }
    leptos::task::spawn_local(async move {
        let mut scope = scope;
        loop {
            if shown.reading.get_value() == Reading::Outdated {
                scope = Scope::All;
            }
            shown.reading.set_value(Reading::UnderWay);
            match read_once(shown, scope).await {
                Err(error) if is_final(&error) => break,
                Err(_) => clock::sleep(TRY_AGAIN_MILLIS).await,
                Ok(()) if shown.reading.get_value() != Reading::Outdated => break,
                Ok(()) => {}
            }
        }
        shown.reading.set_value(Reading::Idle);
    });
}

/// Reads once, and shows what is not out of date when it comes.
async fn read_once(shown: Shown, scope: Scope) -> Result<(), ApiError> {
    let (api, id) = (api(), shown.id());
    let detail: DeviceDetail = api.device(&id).await?;
    let differs = shown.detail.with_untracked(|known| *known != detail);
    let history = if scope == Scope::All || differs {
        let page = PageQuery {
            limit: Some(NEWEST_LINES),
            after: None,
        };
        Some(api.device_events(&id, &page).await?)
    } else {
        None
    };
    if shown.reading.get_value() == Reading::Outdated {
        return Ok(());
    }
    if differs {
        shown.detail.set(detail);
    }
    if let Some(history) = history {
        shown.lines.update(|lines| lines.renew(history));
    }
    Ok(())
}

/// Whether asking again would be told the same: signed out, or no longer one's to see.
fn is_final(error: &ApiError) -> bool {
    matches!(
        error.code(),
        Some(ProblemCode::Unauthenticated | ProblemCode::Forbidden | ProblemCode::NotFound)
    )
}
