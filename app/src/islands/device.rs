//! One device, live: what matters first, what it says, what happened to it, and what can be done with it.

mod actions;
mod alarm;
mod certificates;
mod head;
mod history;
mod lines;
mod live;
mod membership;
mod removal;
mod rename;
mod stated;

use gangway_protocol::device::DeviceDetail;
use gangway_protocol::history::DeviceEvent;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::Page;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use actions::Actions;
use alarm::Alarm;
use certificates::Certificates;
use head::{Arrival, Head};
use history::History;
use lines::Lines;
use membership::Membership;
use removal::{Removal, Weighty, WeightyDialog};
use stated::Stated;

use crate::browser::following::{Follower as _, follow};
use crate::browser::reading::Reading;
use crate::browser::{clock, page};
use crate::components::notice::TroubleNotice;
use crate::trouble::Trouble;

/// What whoever looks may do here. The API decides again; this keeps buttons away that would only be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rights {
    /// Change the device.
    pub(crate) operate: bool,
    /// Enrol another.
    pub(crate) enrol: bool,
}

/// The id of the heading, on which the focus lies after something was done whose button has gone.
const TITLE_ID: &str = "device-title";

/// What the parts of the view share.
#[derive(Clone, Copy)]
struct Shown {
    /// The device as it is known at present.
    detail: RwSignal<DeviceDetail>,
    /// Its history as far as it is known.
    lines: RwSignal<Lines>,
    /// How far the reading of both is.
    reading: StoredValue<Reading>,
    /// Whether the stream of changes is down, so that presence may be out of date.
    stale: RwSignal<bool>,
    /// Why the last reading failed.
    trouble: RwSignal<Option<Trouble>>,
    /// The action that its dialog asks about, or asked about last.
    weighty: RwSignal<Weighty>,
    /// Whether that dialog is open.
    asking: RwSignal<bool>,
}

impl Shown {
    fn id(self) -> DeviceId {
        self.detail.with_untracked(|detail| detail.device.id.clone())
    }

    /// Takes what an action gave back, and reads what it wrote into the history.
    fn take(self, detail: DeviceDetail) {
        self.detail.set(detail);
        self.catch_up();
    }

    /// Asks before doing something weighty.
    fn consider(self, action: Weighty) {
        self.weighty.set(action);
        self.asking.set(true);
    }

    /// Puts the focus on the heading: the button that was pressed has gone, and none beside it shall get the next press.
    fn rest() {
        leptos::task::spawn_local(async {
            // The dialog closes first, and gives the focus back to where it came from.
            clock::sleep(0).await;
            page::focus(TITLE_ID);
        });
    }
}

/// The device. The server draws it with what it knows; in the browser it follows the fleet's changes.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn DeviceView(
    /// The device.
    detail: DeviceDetail,
    /// The newest lines of its history.
    history: Page<DeviceEvent>,
    /// What may be done.
    rights: Rights,
    /// Where it may be moved: id and path of the organisations.
    homes: Vec<(String, String)>,
    /// Whether the code page has just led here.
    arrived: bool,
) -> impl IntoView {
    let shown = Shown {
        detail: RwSignal::new(detail),
        lines: RwSignal::new(Lines::new(history)),
        reading: StoredValue::new(Reading::Idle),
        stale: RwSignal::new(false),
        trouble: RwSignal::new(None),
        weighty: RwSignal::new(Weighty::Suspend),
        asking: RwSignal::new(false),
    };
    follow(shown, shown.stale);
    live::keep_title(shown);
    let operate = rights.operate;
    // What the visitor may not see any more does not stay on the page.
    let excluded = Memo::new(move |_| {
        shown
            .trouble
            .with(|trouble| trouble.as_ref().is_some_and(live::is_final))
    });
    view! {
        {arrived.then(|| view! { <Arrival shown enrol=rights.enrol /> })}
        {move || shown.trouble.get().map(|trouble| view! { <TroubleNotice trouble /> })}
        <Alarm shown operate />
        <div class="device-head" hidden=excluded>
            <Head shown />
            {operate.then(|| view! { <Actions shown /> })}
        </div>
        <div class="device-body" hidden=excluded>
            <div>
                <Certificates shown />
                <History shown />
            </div>
            <aside>
                <Stated shown />
                <Membership shown homes />
                {operate.then(|| view! { <Removal shown /> })}
            </aside>
        </div>
        {operate.then(|| view! { <WeightyDialog shown /> })}
    }
}
