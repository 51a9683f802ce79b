//! An exact count of events per key over a sliding span, with reservations for attempts that still run.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use gangway_protocol::time::UnixMillis;

use super::TooMany;

/// Most events that one window remembers; beyond it the oldest are forgotten. The breaker keeps failed codes far below
/// it, so that it only bounds attempts to sign in, of which 200,000 in ten minutes are a flood and no guessing.
const MAX_EVENTS: usize = 200_000;
/// What a caller is told to wait when only attempts that still run fill its book: they settle within 15 s.
const RUNNING_WAIT: i64 = 5 * UnixMillis::SECOND;

/// Events of the last `span` milliseconds, at most `cap` per key.
pub(super) struct Window<K> {
    span: i64,
    cap: usize,
    events: VecDeque<(UnixMillis, K)>,
    counts: HashMap<K, Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    events: usize,
    running: usize,
}

impl<K: Clone + Eq + Hash> Window<K> {
    pub(super) fn new(span: i64, cap: usize) -> Self {
        Self {
            span,
            cap,
            events: VecDeque::new(),
            counts: HashMap::new(),
        }
    }

    /// Milliseconds until there is room for `key`; 0 when there is.
    pub(super) fn wait(&mut self, key: &K, now: UnixMillis) -> i64 {
        self.wait_below(key, self.cap, now)
    }

    /// As [`Self::wait`], for another cap.
    pub(super) fn wait_below(&mut self, key: &K, cap: usize, now: UnixMillis) -> i64 {
        self.forget_old(now);
        let count = self.counts.get(key).copied().unwrap_or_default();
        if count.events + count.running < cap {
            return 0;
        }
        // So many of the key's oldest events have to leave the span before there is room.
        let Some(surplus) = count.events.checked_sub(cap) else {
            return RUNNING_WAIT;
        };
        let mut of_key = self.events.iter().filter(|(_, owner)| owner == key);
        let leaving = of_key.nth(surplus).map_or(now, |(at, _)| *at);
        leaving.plus(self.span).since(now).max(1)
    }

    /// Counts an event that has no duration, if there is room for it.
    pub(super) fn count_one(&mut self, key: &K, now: UnixMillis) -> Result<(), TooMany> {
        match self.wait(key, now) {
            0 => {
                self.reserve(key);
                self.settle(key, true, now);
                Ok(())
            }
            wait => Err(TooMany::after(wait)),
        }
    }

    /// Events of all keys within the span.
    pub(super) fn count(&mut self, now: UnixMillis) -> usize {
        self.forget_old(now);
        self.events.len()
    }

    /// Holds a place for an attempt that begins.
    pub(super) fn reserve(&mut self, key: &K) {
        self.counts.entry(key.clone()).or_default().running += 1;
    }

    /// Gives the place back, and counts the attempt if it is an event. True when `key` is full now.
    pub(super) fn settle(&mut self, key: &K, counted: bool, now: UnixMillis) -> bool {
        self.forget_old(now);
        let count = self.counts.entry(key.clone()).or_default();
        count.running = count.running.saturating_sub(1);
        if counted {
            count.events += 1;
            self.events.push_back((now, key.clone()));
        }
        let full = count.events >= self.cap;
        self.drop_if_empty(key);
        if self.events.len() > MAX_EVENTS {
            self.forget_first();
        }
        full
    }

    fn forget_old(&mut self, now: UnixMillis) {
        while self
            .events
            .front()
            .is_some_and(|(at, _)| now.since(*at) >= self.span)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.events.pop_front() {
            if let Some(count) = self.counts.get_mut(&key) {
                count.events = count.events.saturating_sub(1);
            }
            self.drop_if_empty(&key);
        }
    }

    fn drop_if_empty(&mut self, key: &K) {
        if self
            .counts
            .get(key)
            .is_some_and(|count| count.events == 0 && count.running == 0)
        {
            self.counts.remove(key);
        }
    }
}
