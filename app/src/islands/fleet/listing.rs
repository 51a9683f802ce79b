//! A page of the fleet as it is shown: its rows keep their place and their signals while what they show changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gangway_protocol::device::{Device, Presence};
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::Page;
use leptos::prelude::*;

use crate::fleet_view::FleetView;

/// A device in its row. Its signal lives as long as anything holds it: a row that is drawn again after an error still has it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: DeviceId,
    pub(super) device: ArcRwSignal<Device>,
    told: Arc<AtomicU32>,
}

impl Row {
    fn new(device: Device) -> Self {
        Self {
            id: device.id.clone(),
            device: ArcRwSignal::new(device),
            told: Arc::default(),
        }
    }

    /// Shows the device as it was read; what has not changed is not drawn again.
    pub(super) fn put(&self, device: Device) {
        if self.device.with_untracked(|shown| *shown != device) {
            self.device.set(device);
        }
    }

    /// Shows another presence.
    pub(super) fn put_presence(&self, presence: Presence) {
        self.told.fetch_add(1, Ordering::Relaxed);
        self.device.update(|device| device.presence = presence);
    }

    /// Counts that something was told about the device.
    pub(super) fn tell(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// How often something was told: what was read before the last time may be older than what is shown.
    pub(super) fn told(&self) -> u32 {
        self.told.load(Ordering::Relaxed)
    }
}

/// The rows that are shown, and the view that they belong to.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) of: FleetView,
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<String>,
    pub(super) total: Option<u64>,
}

/// What a page that was read again has besides the rows that are shown.
pub(super) struct Compared {
    /// Devices without a row.
    pub(super) unknown: Vec<DeviceId>,
    /// Rows that are not on the page any more.
    pub(super) gone: Vec<Row>,
}

impl Listing {
    /// The listing of a page. Devices that `former` shows keep their rows.
    pub(super) fn new(of: FleetView, page: Page<Device>, former: Option<&Self>) -> Self {
        let row = |device: Device| match former.and_then(|former| former.find(&device.id)) {
            Some(row) => {
                row.put(device);
                row.clone()
            }
            None => Row::new(device),
        };
        Self {
            of,
            rows: page.items.into_iter().map(row).collect(),
            next: page.next,
            total: page.total,
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

    /// Puts what was read again into the rows that are there, each at its place.
    pub(super) fn compare(&self, items: Vec<Device>) -> Compared {
        let gone = self
            .rows
            .iter()
            .filter(|row| !items.iter().any(|device| device.id == row.id))
            .cloned()
            .collect();
        let mut unknown = Vec::new();
        for device in items {
            match self.find(&device.id) {
                Some(row) => row.put(device),
                None => unknown.push(device.id),
            }
        }
        Compared { unknown, gone }
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
        let page = Page {
            items: devices,
            next: None,
            total: None,
        };
        Listing::new(FleetView::default(), page, former)
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
        let Compared { unknown, gone } = shown.compare(vec![device(3, "three"), device(2, "second")]);
        assert_eq!(names(&shown), ["one", "second"]);
        assert_eq!(unknown, [device(3, "").id]);
        assert_eq!(
            gone.iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
            [device(1, "").id]
        );
    }
}
