//! The device as it changes. Three things say that it may look different by now:
//!
//! - The stream tells a change. Presence comes with it and is shown at once; for anything else device and history are read.
//! - The stream comes to stand for the first time. The page was drawn a moment before, so one read of the device decides:
//!   is it as it is shown, nothing else happens. Changes from then on are told by the stream, so nothing is missed.
//! - The stream comes back, or says that it had too much to tell: device and history are read.
//!
//! There is one reading at a time. What comes up meanwhile has it done once more. A read that fails leaves what is shown, and
//! is said and tried again.

use gangway_client::ApiError;
use gangway_protocol::device::{DeviceDetail, FleetChange, FleetChangeKind};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::page::PageQuery;
use leptos::prelude::*;

use super::Shown;
use crate::browser::following::Follower;
use crate::browser::reading::Reading;
use crate::browser::{clock, page};
use crate::trouble::Trouble;
use crate::visitor::api;

/// Newest lines of the history that are read: more than happens to a device while nobody looks.
const NEWEST_LINES: u32 = 20;
/// Between a read that failed and the next: a server that is away comes back in seconds, or not soon.
const TRY_AGAIN_MILLIS: u32 = 10_000;

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

impl Follower for Shown {
    fn hear(self, change: FleetChange) {
        if change.device != self.id() {
            return;
        }
        // An answer that is on its way may have been given before this change.
        let idle = self.reading.with_value(|reading| reading.is_idle());
        match (change.kind, change.presence) {
            (FleetChangeKind::Presence, Some(presence)) if idle => {
                self.detail.update(|detail| detail.device.presence = presence);
            }
            _ => self.catch_up(),
        }
    }

    fn begin(self) {
        read(self, Scope::WhatDiffers);
    }

    fn catch_up(self) {
        read(self, Scope::All);
    }

    fn is_over(self) -> bool {
        self.trouble
            .with_untracked(|trouble| trouble.as_ref().is_some_and(is_final))
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
    if !shown.reading.try_update_value(Reading::begin).unwrap_or(false) {
        return;
    }
    leptos::task::spawn_local(async move {
        let mut scope = scope;
        loop {
            if shown.reading.with_value(|reading| reading.is_outdated()) {
                scope = Scope::All;
            }
            shown.reading.update_value(Reading::ask);
            let trouble = read_once(shown, scope).await.err().map(Trouble::from);
            let (failed, refused) = (trouble.is_some(), trouble.as_ref().is_some_and(is_final));
            // A notice that is drawn again is read out again.
            if shown.trouble.with_untracked(|said| *said != trouble) {
                shown.trouble.set(trouble);
            }
            if refused {
                break;
            } else if failed {
                clock::sleep(TRY_AGAIN_MILLIS).await;
            } else if !shown.reading.with_value(|reading| reading.is_outdated()) {
                break;
            }
        }
        shown.reading.update_value(Reading::end);
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
    if shown.reading.with_value(|reading| reading.is_outdated()) {
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
pub(super) fn is_final(trouble: &Trouble) -> bool {
    [
        ProblemCode::Unauthenticated,
        ProblemCode::Forbidden,
        ProblemCode::NotFound,
    ]
    .into_iter()
    .any(|code| trouble.is(code))
}
