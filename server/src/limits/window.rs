//! An exact count of events per key over a sliding span, with reservations for attempts that still run. Every operation takes
//! constant time, apart from forgetting, which takes it once for each event.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use gangway_protocol::time::UnixMillis;

use super::TooMany;
use crate::clock::Monotonic;

/// Most events that one window remembers; beyond it the oldest are forgotten. The breaker keeps failed codes far below
/// it, so that it only bounds attempts to sign in, of which 200,000 in ten minutes are a flood and no guessing.
const MAX_EVENTS: usize = 200_000;
/// What a caller is told to wait when attempts that still run fill its window: they settle within 15 s.
const RUNNING_WAIT: i64 = 5 * UnixMillis::SECOND;

/// Events of the last `span` milliseconds, at most `cap` per key.
pub(super) struct Window<K> {
    span: i64,
    cap: usize,
    max_events: usize,
    /// Whose events there are, oldest first.
    order: VecDeque<K>,
    keys: HashMap<K, Entry>,
}

#[derive(Default)]
struct Entry {
    /// Oldest first.
    events: VecDeque<Monotonic>,
    running: usize,
}

impl<K: Clone + Eq + Hash> Window<K> {
    pub(super) fn new(span: i64, cap: usize) -> Self {
        Self {
            span,
            cap,
            max_events: MAX_EVENTS,
            order: VecDeque::new(),
            keys: HashMap::new(),
        }
    }

    /// Milliseconds until there is room for `key`; 0 when there is.
    pub(super) fn wait(&mut self, key: &K, now: Monotonic) -> i64 {
        self.wait_below(key, self.cap, now)
    }

    /// As [`Self::wait`], for another cap.
    pub(super) fn wait_below(&mut self, key: &K, cap: usize, now: Monotonic) -> i64 {
        self.forget_old(now);
        let Some(entry) = self.keys.get(key) else {
            return if cap == 0 { RUNNING_WAIT } else { 0 };
        };
        if entry.events.len() + entry.running < cap {
            return 0;
        }
        // So many of the key's oldest events have to leave the span before there is room.
        let surplus = entry.events.len().checked_sub(cap);
        let leaving = surplus.and_then(|surplus| entry.events.get(surplus));
        leaving.map_or(RUNNING_WAIT, |at| at.plus(self.span).since(now).max(1))
    }

    /// Counts an event that has no duration, if there is room for it.
    pub(super) fn count_one(&mut self, key: &K, now: Monotonic) -> Result<(), TooMany> {
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
    pub(super) fn count(&mut self, now: Monotonic) -> usize {
        self.forget_old(now);
        self.order.len()
    }

    /// Reserves room for an attempt that begins.
    pub(super) fn reserve(&mut self, key: &K) {
        self.keys.entry(key.clone()).or_default().running += 1;
    }

    /// Gives the room back, and counts the attempt if it is an event. True when `key` is full now.
    pub(super) fn settle(&mut self, key: &K, counted: bool, now: Monotonic) -> bool {
        self.forget_old(now);
        let entry = self.keys.entry(key.clone()).or_default();
        entry.running = entry.running.saturating_sub(1);
        if counted {
            entry.events.push_back(now);
            self.order.push_back(key.clone());
        }
        let full = entry.events.len() >= self.cap;
        self.drop_if_empty(key);
        if self.order.len() > self.max_events {
            self.forget_first();
        }
        full
    }

    fn forget_old(&mut self, now: Monotonic) {
        while let Some(key) = self.order.front() {
            let oldest = self.keys.get(key).and_then(|entry| entry.events.front());
            if oldest.is_some_and(|at| now.since(*at) < self.span) {
                return;
            }
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(key) = self.order.pop_front() {
            if let Some(entry) = self.keys.get_mut(&key) {
                entry.events.pop_front();
            }
            self.drop_if_empty(&key);
        }
    }

    fn drop_if_empty(&mut self, key: &K) {
        if self
            .keys
            .get(key)
            .is_some_and(|entry| entry.events.is_empty() && entry.running == 0)
        {
            self.keys.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPAN: i64 = 1_000;
    const CAP: usize = 3;
    const MAX: usize = 12;

    /// The same, said simply: a list of events that is searched each time.
    #[derive(Default)]
    struct Model {
        events: Vec<(i64, u8)>,
        running: HashMap<u8, usize>,
    }

    impl Model {
        fn forget(&mut self, now: i64) {
            self.events.retain(|(at, _)| now - at < SPAN);
        }

        fn of(&self, key: u8) -> Vec<i64> {
            let of_key = self.events.iter().filter(|(_, owner)| *owner == key);
            of_key.map(|(at, _)| *at).collect()
        }

        fn wait(&self, key: u8, cap: usize, now: i64) -> i64 {
            let events = self.of(key);
            let running = self.running.get(&key).copied().unwrap_or_default();
            if events.len() + running < cap {
                return 0;
            }
            match events
                .len()
                .checked_sub(cap)
                .and_then(|surplus| events.get(surplus))
            {
                Some(at) => (at + SPAN - now).max(1),
                None => RUNNING_WAIT,
            }
        }

        fn settle(&mut self, key: u8, counted: bool, now: i64) -> bool {
            let running = self.running.entry(key).or_default();
            *running = running.saturating_sub(1);
            if counted {
                self.events.push((now, key));
            }
            let full = self.of(key).len() >= CAP;
            if self.events.len() > MAX {
                self.events.remove(0);
            }
            full
        }
    }

    proptest! {
        #[test]
        fn it_counts_as_the_simple_model_does(
            steps in prop::collection::vec((0..400_i64, 0..5_u8, 0..4_u8, 0..6_usize), 1..300),
        ) {
            let mut window = Window { max_events: MAX, ..Window::new(SPAN, CAP) };
            let mut model = Model::default();
            let mut millis = 0;
            for (later, key, action, cap) in steps {
                millis += later;
                let now = Monotonic::from_millis(millis);
                model.forget(millis);
                match action {
                    0 => {
                        window.reserve(&key);
                        *model.running.entry(key).or_default() += 1;
                    }
                    1 => prop_assert_eq!(window.settle(&key, true, now), model.settle(key, true, millis)),
                    2 => prop_assert_eq!(window.settle(&key, false, now), model.settle(key, false, millis)),
                    _ => prop_assert_eq!(window.wait_below(&key, cap, now), model.wait(key, cap, millis)),
                }
                prop_assert_eq!(window.count(now), model.events.len());
                prop_assert_eq!(window.wait(&key, now), model.wait(key, CAP, millis));
                let remembered = (0..5_u8).filter(|key| {
                    !model.of(*key).is_empty() || model.running.get(key).is_some_and(|running| *running > 0)
                });
                prop_assert_eq!(window.keys.len(), remembered.count(), "nothing else is remembered");
            }
        }
    }
}
