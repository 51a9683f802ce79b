//! The one task that writes entries: it takes what has queued up, decides on each, and commits all of it at once. Only then is
//! anybody answered, so that what was acknowledged survives whatever kills the server.
//!
//! Numbers of entries are given here, one after the other in each channel, and no time of a channel is taken twice.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use gangway_protocol::time::UnixMillis;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::block::{Values, pack_values, unpack_values};
use super::packing::{PACK_AFTER, read_block};
use super::remark::Remark;
use super::{Incoming, Stored, When};
use crate::authority::{Error, Result};
use crate::clock::Clock;
use crate::db::measurements::{self, Arrival, ChannelState, Level};
use crate::db::{Conn, Db, DbError, write};

/// Most submissions in one commit.
const MAX_SUBMISSIONS: usize = 1_024;
/// Entries after which a commit is full.
const MAX_ENTRIES: usize = 20_000;

/// What the task is told.
pub(super) enum Message {
    /// Store this.
    Store(Submission),
    /// Store what is queued, and end.
    Close,
}

/// Entries of a channel that somebody waits for.
pub(super) struct Submission {
    pub(super) channel: i64,
    pub(super) entries: Vec<Incoming>,
    pub(super) answer: oneshot::Sender<Result<Vec<Option<Stored>>>>,
}

/// The task.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: mpsc::Receiver<Message>,
    pub(super) writing: Arc<Mutex<()>>,
    pub(super) entries_per_day: i64,
}

/// What became of a submission, in a transaction that may still fail.
#[derive(Clone)]
enum Outcome {
    Stored(Vec<Option<Stored>>),
    /// The feed has had its share of the day.
    Exhausted {
        retry_after_secs: u32,
    },
}

impl Writer {
    pub(super) async fn run(mut self) {
        while let Some(Message::Store(first)) = self.queue.recv().await {
            let mut entries = first.entries.len();
            let mut batch = vec![first];
            let mut closes = false;
            while batch.len() < MAX_SUBMISSIONS && entries < MAX_ENTRIES {
                match self.queue.try_recv() {
                    Ok(Message::Store(next)) => {
                        entries += next.entries.len();
                        batch.push(next);
                    }
                    Ok(Message::Close) => {
                        closes = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.commit(batch).await;
            if closes {
                break;
            }
        }
    }

    async fn commit(&self, batch: Vec<Submission>) {
        let _writing = self.writing.lock().await;
        let (submitted, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|one| ((one.channel, one.entries), one.answer))
            .unzip();
        let (submitted, now, per_day) = (Arc::new(submitted), self.clock.now(), self.entries_per_day);
        let outcomes = write!(self.db, |tx| { store(tx, &submitted, now, per_day).await });
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, submissions = answers.len(), "measurements were not stored");
                for answer in answers {
                    // Whoever went away needs no answer.
                    let _ = answer.send(Err(error.clone().into()));
                }
                return;
            }
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _ = answer.send(match outcome {
                Outcome::Stored(stored) => Ok(stored),
                Outcome::Exhausted { retry_after_secs } => Err(Error::RateLimited { retry_after_secs }),
            });
        }
    }
}

/// Stores submissions in their order.
async fn store(
    tx: &mut Conn<'_>,
    submitted: &[(i64, Vec<Incoming>)],
    now: UnixMillis,
    per_day: i64,
) -> std::result::Result<Vec<Outcome>, DbError> {
    let channels: HashSet<i64> = submitted.iter().map(|(channel, _)| *channel).collect();
    let known = measurements::states(tx, channels.into_iter().collect()).await?;
    let mut states: BTreeMap<i64, ChannelState> =
        known.into_iter().map(|state| (state.channel, state)).collect();
    let mut present = Present::look(tx, submitted, now).await?;
    let mut outcomes = Vec::with_capacity(submitted.len());
    for (channel, entries) in submitted {
        let state = states.entry(*channel).or_insert_with(|| ChannelState {
            channel: *channel,
            ..ChannelState::default()
        });
        let day = now.0.div_euclid(UnixMillis::DAY);
        if state.day != day {
            (state.day, state.entries_of_day) = (day, 0);
        }
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        if state.entries_of_day.saturating_add(count) > per_day {
            outcomes.push(Outcome::Exhausted {
                retry_after_secs: until_tomorrow(now),
            });
            continue;
        }
        let mut stored = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(at) = present.place(state, entry, now)? else {
                stored.push(None);
                continue;
            };
            state.entries_of_day += 1;
            state.latest_at = state.latest_at.max(at);
            state.unpacked_since = Some(state.unpacked_since.map_or(at, |since| since.min(at)));
            stored.push(Some(Stored {
                number: present.number(*channel, at),
                at: UnixMillis(at),
            }));
        }
        outcomes.push(Outcome::Stored(stored));
    }
    let (inserted, updated) = present.changes();
    measurements::insert(tx, &inserted).await?;
    measurements::update(tx, updated).await?;
    let states: Vec<ChannelState> = states.into_values().collect();
    measurements::put_states(tx, &states, now.0).await?;
    Ok(outcomes)
}

fn until_tomorrow(now: UnixMillis) -> u32 {
    let left = UnixMillis::DAY - now.0.rem_euclid(UnixMillis::DAY);
    u32::try_from(left / UnixMillis::SECOND + 1).unwrap_or(u32::MAX)
}

/// An entry of a channel's time, as it is or will be.
struct Known {
    number: i64,
    values: Values,
    /// Those of them that are in a block: what is added arrives by itself, and is packed to them.
    packed: Values,
    /// Whether there is a row among the arrivals.
    has_arrived: bool,
    remark: Option<String>,
    changed: bool,
}

/// The entries at the times that are submitted.
struct Present(BTreeMap<(i64, i64), Known>);

impl Present {
    /// Looks for them: among the arrivals, and in the packed hours that they are of.
    async fn look(
        tx: &mut Conn<'_>,
        submitted: &[(i64, Vec<Incoming>)],
        now: UnixMillis,
    ) -> std::result::Result<Self, DbError> {
        let mut places = HashSet::new();
        let mut arriving: HashMap<i64, i64> = HashMap::new();
        for (channel, entries) in submitted {
            for entry in entries {
                match entry.at {
                    When::At(at) => {
                        places.insert((*channel, at.0));
                    }
                    When::Arrival => {
                        places.insert((*channel, now.0));
                        *arriving.entry(*channel).or_default() += 1;
                    }
                }
            }
        }
        let mut present = Self(BTreeMap::new());
        present.add_packed(tx, &places, now.0 - PACK_AFTER).await?;
        let places: Vec<(i64, i64)> = places.into_iter().collect();
        let found = measurements::arrived(tx, &places).await?;
        present.add_arrived(found)?;
        for (channel, count) in arriving {
            if count == 1 && !present.0.contains_key(&(channel, now.0)) {
                continue;
            }
            // Several within a millisecond: the next free ones are looked for.
            let times = measurements::times(tx, channel, now.0).await?;
            let places: Vec<(i64, i64)> = times.into_iter().map(|at| (channel, at)).collect();
            let found = measurements::arrived(tx, &places).await?;
            present.add_arrived(found)?;
        }
        Ok(present)
    }

    async fn add_packed(
        &mut self,
        tx: &mut Conn<'_>,
        places: &HashSet<(i64, i64)>,
        before: i64,
    ) -> std::result::Result<(), DbError> {
        let old = places.iter().filter(|(_, at)| *at < before);
        let hours: HashSet<(i64, i64)> = old
            .map(|(channel, at)| (*channel, at.div_euclid(UnixMillis::HOUR)))
            .collect();
        for (channel, hour) in hours {
            let Some(bytes) = measurements::piece(tx, Level::Blocks, channel, hour).await? else {
                continue;
            };
            for entry in read_block(hour * UnixMillis::HOUR, &bytes)? {
                let known = Known {
                    number: entry.number,
                    values: entry.values,
                    remark: None,
                    packed: entry.values,
                    has_arrived: false,
                    changed: false,
                };
                self.0.insert((channel, entry.at), known);
            }
        }
        Ok(())
    }

    fn add_arrived(&mut self, found: Vec<Arrival>) -> std::result::Result<(), DbError> {
        for arrival in found {
            let values =
                unpack_values(&arrival.data).map_err(|_| DbError::Corrupt("measurement_arrivals.data"))?;
            let known = Known {
                number: arrival.entry,
                values,
                remark: None,
                packed: Values::default(),
                has_arrived: true,
                changed: false,
            };
            // One that was packed and was joined since: what is in the block stays where it is.
            match self.0.entry((arrival.channel, arrival.at)) {
                Entry::Vacant(place) => {
                    place.insert(known);
                }
                Entry::Occupied(mut place) => {
                    let packed = place.get_mut();
                    packed.values.fill(&values);
                    packed.has_arrived = true;
                }
            }
        }
        Ok(())
    }

    /// Gives an entry its place, and says when that is; `None` where another one has it that it adds nothing to.
    fn place(
        &mut self,
        state: &mut ChannelState,
        entry: &Incoming,
        now: UnixMillis,
    ) -> std::result::Result<Option<i64>, DbError> {
        let channel = state.channel;
        let at = match entry.at {
            When::At(at) => at.0,
            When::Arrival => (now.0..)
                .find(|at| !self.0.contains_key(&(channel, *at)))
                .unwrap_or(now.0),
        };
        match self.0.entry((channel, at)) {
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                if !entry.joins || known.values.fill(&entry.values) == Values::default() {
                    return Ok(None);
                }
                known.changed = true;
            }
            Entry::Vacant(place) => {
                state.last_entry += 1;
                let remark = entry.remark.as_ref().map(Remark::written).transpose()?;
                place.insert(Known {
                    number: state.last_entry,
                    values: entry.values,
                    remark,
                    packed: Values::default(),
                    has_arrived: false,
                    changed: true,
                });
            }
        }
        Ok(Some(at))
    }

    fn number(&self, channel: i64, at: i64) -> i64 {
        self.0.get(&(channel, at)).map_or(0, |known| known.number)
    }

    /// Arrivals that are new, and those whose values have changed.
    fn changes(self) -> (Vec<Arrival>, Vec<Arrival>) {
        let (mut inserted, mut updated) = (Vec::new(), Vec::new());
        for ((channel, at), known) in self.0.into_iter().filter(|(_, known)| known.changed) {
            let mut packed = known.packed;
            let values = packed.fill(&known.values);
            let arrival = Arrival {
                channel,
                at,
                entry: known.number,
                data: pack_values(&values),
                remark: known.remark,
            };
            match known.has_arrived {
                true => updated.push(arrival),
                false => inserted.push(arrival),
            }
        }
        (inserted, updated)
    }
}
