//! A page of the fleet as it is shown: its rows keep their place and their signals while what they show changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gangway_protocol::device::{Device, Presence};
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::Page;
use leptos::prelude::*;

use crate::fleet_view::FleetView;
use crate::trouble::Trouble;
use crate::visitor::api;

/// A device that keeps changing while it is read is shown as it was read now and then: once in so many times.
const READS: u32 = 4;

/// A device in its row. Its signal lives as long as anything holds it: a row that is drawn again after an error still has it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: DeviceId,
    pub(super) device: ArcRwSignal<Device>,
    /// How often something was told about the device: an answer that was asked for before the last time may be older than
    /// what is shown.
    told: Arc<AtomicU32>,
    /// Whether somebody reads the device, and will go on until the answer is newer than what was told.
    read: Arc<AtomicBool>,
}

impl Row {
    fn new(device: Device) -> Self {
        Self {
            id: device.id.clone(),
            device: ArcRwSignal::new(device),
            told: Arc::default(),
            read: Arc::default(),
        }
    }

    /// Shows the device as it was read; what has not changed is not drawn again.
    fn put(&self, device: Device) {
        if self.device.with_untracked(|shown| *shown != device) {
            self.device.set(device);
        }
    }

    /// Shows another presence.
    pub(super) fn put_presence(&self, presence: Presence) {
        self.tell();
        self.device.update(|device| device.presence = presence);
    }

    fn tell(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    fn told(&self) -> u32 {
        self.told.load(Ordering::Relaxed)
    }

    /// Reads the device again, because something about it has changed. One reading at a time; what is told meanwhile has it
    /// done once more.
    pub(super) fn read_again(&self, failed: impl Fn(&DeviceId, Trouble) + 'static) {
        self.tell();
        if self.read.swap(true, Ordering::Relaxed) {
            return;
        }
        let row = self.clone();
        leptos::task::spawn_local(async move {
            let mut reads = 0;
            loop {
                let told = row.told();
                let device = match api().device_row(&row.id).await {
                    Ok(device) => device,
                    Err(error) => {
                        failed(&row.id, error.into());
                        break;
                    }
                };
                reads += 1;
                let is_newest = row.told() == told;
                if is_newest || reads % READS == 0 {
                    row.put(device);
                }
                if is_newest {
                    break;
                }
            }
            row.read.store(false, Ordering::Relaxed);
        });
    }
}

/// What was known of the rows when a question was sent.
pub(super) struct Asked(Vec<(DeviceId, u32)>);

impl Asked {
    /// Whether an answer to that question may stand in a row: nothing has been told of its device since.
    fn is_newest_for(&self, row: &Row) -> bool {
        self.0
            .iter()
            .all(|(id, told)| *id != row.id || *told == row.told())
    }
}

/// The rows that are shown, and the view that they belong to.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) of: FleetView,
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<String>,
    pub(super) total: Option<Total>,
}

/// How many devices match in all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) counted: u64,
    /// There are more: they were counted no further.
    pub(super) is_more: bool,
}

impl Total {
    pub(super) fn of(page: &Page<Device>) -> Option<Self> {
        let is_more = page.total_is_more;
        page.total.map(|counted| Self { counted, is_more })
    }
}

/// What a page that was read again has besides the rows that are shown.
pub(super) struct Compared {
    /// Whether it has other devices than the rows, or the same in another order.
    pub(super) differs: bool,
    /// Rows that are not on the page any more.
    pub(super) gone: Vec<Row>,
}

impl Listing {
    /// The listing that the server drew.
    pub(super) fn new(of: FleetView, page: Page<Device>) -> Self {
        Self::after(None, &Asked(Vec::new()), of, page)
    }

    /// The listing of a page that was asked for. Devices that `former` shows keep their rows.
    pub(super) fn after(former: Option<&Self>, asked: &Asked, of: FleetView, page: Page<Device>) -> Self {
        let row = |device: Device| match former.and_then(|former| former.find(&device.id)) {
            Some(row) => {
                if asked.is_newest_for(row) {
                    row.put(device);
                }
                row.clone()
            }
            None => Row::new(device),
        };
        let total = Total::of(&page);
        Self {
            of,
            rows: page.items.into_iter().map(row).collect(),
            next: page.next,
            total,
        }
    }

    /// Whether an answer for this view can go into the rows that are there: they are its rows, and there are some.
    pub(super) fn keeps(&self, view: &FleetView) -> bool {
        self.of == *view && !self.rows.is_empty()
    }

    /// The row of a device.
    pub(super) fn find(&self, id: &DeviceId) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == *id)
    }

    /// Takes a device's row out.
    pub(super) fn forget(&mut self, id: &DeviceId) {
        self.rows.retain(|row| row.id != *id);
    }

    /// Before a question is sent.
    pub(super) fn asked(&self) -> Asked {
        Asked(self.rows.iter().map(|row| (row.id.clone(), row.told())).collect())
    }

    /// Puts what was read again into the rows that are there, each at its place.
    pub(super) fn compare(&self, asked: &Asked, items: Vec<Device>) -> Compared {
        let gone = self
            .rows
            .iter()
            .filter(|row| !items.iter().any(|device| device.id == row.id))
            .cloned()
            .collect();
        let differs = !self
            .rows
            .iter()
            .map(|row| &row.id)
            .eq(items.iter().map(|device| &device.id));
        for device in items {
            if let Some(row) = self.find(&device.id)
                && asked.is_newest_for(row)
            {
                row.put(device);
            }
        }
        Compared { differs, gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangway_protocol::time::UnixMillis;

    fn device(number: u8, name: &str) -> Device {
        let value = serde_json::json!({
            "id": DeviceId::new(UnixMillis(1), [number; 10]),
            "organisation": gangway_protocol::id::OrganisationId::new(UnixMillis(1), [0; 10]),
            "name": name,
            "labels": [],
            "state": {"name": "active", "since": 1},
            "presence": {"name": "never"},
            "facts": gangway_protocol::device::Facts::default(),
            "created_at": 1,
        });
        serde_json::from_value(value).expect("a device")
    }

    fn listing(devices: Vec<Device>, former: Option<&Listing>) -> Listing {
        let page = Page::new(devices, None);
        let asked = former.map_or(Asked(Vec::new()), Listing::asked);
        Listing::after(former, &asked, FleetView::default(), page)
    }

    fn names(listing: &Listing) -> Vec<String> {
        let name = |row: &Row| row.device.with_untracked(|device| device.name.clone());
        listing.rows.iter().map(name).collect()
    }

    #[test]
    fn a_page_read_again_keeps_the_rows_of_the_devices_that_stay() {
        let before = listing(vec![device(1, "one"), device(2, "two")], None);
        let after = listing(vec![device(3, "three"), device(1, "first")], Some(&before));
        assert_eq!(names(&after), ["three", "first"]);
        assert_eq!(
            names(&before),
            ["first", "two"],
            "the row of the device that stays is the same"
        );
    }

    #[test]
    fn comparing_moves_no_row() {
        let shown = listing(vec![device(1, "one"), device(2, "two")], None);
        let Compared { differs, gone } =
            shown.compare(&shown.asked(), vec![device(3, "three"), device(2, "second")]);
        assert_eq!(names(&shown), ["one", "second"]);
        assert!(differs);
        assert_eq!(
            gone.iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
            [device(1, "").id]
        );
    }

    #[test]
    fn a_device_that_is_forgotten_takes_only_its_own_row_along() {
        let mut shown = listing(vec![device(1, "one"), device(2, "two")], None);
        shown.forget(&device(1, "").id);
        assert_eq!(names(&shown), ["two"]);
    }

    #[test]
    fn an_answer_from_before_a_change_leaves_what_the_change_told() {
        let shown = listing(vec![device(1, "one")], None);
        let asked = shown.asked();
        let row = shown.find(&device(1, "").id).expect("the row");
        row.put_presence(Presence::Online { since: UnixMillis(2) });
        let online = || {
            row.device
                .with_untracked(|device| matches!(device.presence, Presence::Online { .. }))
        };
        shown.compare(&asked, vec![device(1, "one")]);
        assert!(online(), "compared with an older answer");
        let page = Page::new(vec![device(1, "one")], None);
        Listing::after(Some(&shown), &asked, FleetView::default(), page);
        assert!(online(), "drawn anew with an older answer");
        shown.compare(&shown.asked(), vec![device(1, "one")]);
        assert!(!online(), "a newer answer counts");
    }
}
