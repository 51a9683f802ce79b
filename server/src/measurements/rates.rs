//! How often a feed takes something at present. What it takes in a day is counted where it is stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gangway_protocol::measurement::ChannelNumber;

use crate::clock::Monotonic;
use crate::config::Caps;
use crate::limits::{Bucket, Rate, TooMany};

/// Seconds' worth of updates that may come at once: what a device sends after a short absence.
const BURST_SECS: u64 = 10;
/// Feeds that are remembered before those that have rested are forgotten.
const REMEMBERED: usize = 50_000;

/// What each feed may still take.
pub struct Rates {
    rate: Rate,
    buckets: Mutex<HashMap<ChannelNumber, Bucket>>,
}

impl Rates {
    pub(super) fn new(caps: &Caps) -> Self {
        let per_second = u64::from(caps.measurement_updates_per_second_per_feed);
        Self {
            rate: Rate::per_second(per_second, per_second.saturating_mul(BURST_SECS)),
            buckets: Mutex::default(),
        }
    }

    /// Counts an update of a feed, however many entries it holds.
    ///
    /// # Errors
    /// When they come too often.
    pub fn spend(&self, channel: ChannelNumber, now: Monotonic) -> Result<(), TooMany> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        buckets.entry(channel).or_default().spend(1, self.rate, now)
    }
}
