//! What the device has measured and not sent yet: kept beside its state, so that other processes can add to it, in bounded size.
//!
//! | file | what it is |
//! | --- | --- |
//! | `measurements` | what came last, one JSON object on each line |
//! | `measurements.older` | what came before; replaced when there is too much, so that the oldest are lost |
//! | `measurements.sending` | what a session is sending; it goes when all of it has arrived |
//! | `measurements.lock` | held for as long as one of them is read, written or renamed |
//!
//! After a crash what was being sent is sent again, with the same times: the server keeps one value for each.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gangway_protocol::device::check_text;
use gangway_protocol::session::{MAX_SERIES, MAX_SERIES_NAME_LEN, Series};
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::disk::own_file;
use super::ownership::follow_folder;

const NEWEST: &str = "measurements";
const OLDER: &str = "measurements.older";
const SENDING: &str = "measurements.sending";
const LOCK: &str = "measurements.lock";
/// How long each of the first two files may grow: some ten thousand points.
const MAX_FILE_LEN: u64 = 512 * 1024;
/// As many points are kept where there is no folder.
const MAX_IN_MEMORY: usize = 20_000;
/// Points of a frame: with the longest numbers and names it has less than 32 KiB.
const FRAME_POINTS: usize = 400;

/// One value of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name of its series.
    pub name: String,
    /// When it was measured.
    pub at: UnixMillis,
    /// What was measured.
    pub value: f64,
}

/// Why a point is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// Its name cannot be one.
    #[error(
        "“{0}” is no name of a series: 1 to {MAX_SERIES_NAME_LEN} characters, none of them a control character"
    )]
    Name(String),
    /// It is no number.
    #[error("the value of {0} is not a finite number")]
    Value(String),
    /// It could not be written.
    #[error("the measurements cannot be kept: {0}")]
    Io(#[from] io::Error),
}

/// Where points wait for a session. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Spool(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Memory(Arc<InMemory>),
}

#[derive(Debug, Default)]
struct InMemory {
    points: Mutex<Points>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Points {
    waiting: VecDeque<Point>,
    sending: Vec<Point>,
}

impl Spool {
    /// In the state directory `path`.
    #[must_use]
    pub fn in_folder(path: &Path) -> Self {
        Self(Place::Folder(path.to_owned()))
    }

    /// For as long as the process lives.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Place::Memory(Arc::default()))
    }

    /// Keeps points until a session takes them. Where too many wait, the oldest are lost.
    ///
    /// # Errors
    /// [`NotKept`]; then none of them is kept.
    pub fn keep(&self, points: &[Point]) -> Result<(), NotKept> {
        points.iter().try_for_each(check)?;
        match &self.0 {
            Place::Folder(path) => Ok(keep_in(path, points)?),
            Place::Memory(memory) => {
                let waiting = &mut memory.points().waiting;
                waiting.extend(points.iter().cloned());
                let surplus = waiting.len().saturating_sub(MAX_IN_MEMORY);
                waiting.drain(..surplus);
                memory.added.notify_one();
                Ok(())
            }
        }
    }

    /// Resolves when something was kept by this process since the last time; never where other processes may add to it, and it has to be
    /// looked.
    pub(crate) async fn added(&self) {
        match &self.0 {
            Place::Folder(_) => std::future::pending().await,
            Place::Memory(memory) => memory.added.notified().await,
        }
    }

    /// Whether other processes may add to it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0, Place::Folder(_))
    }

    /// What waits, as frames; nothing where nothing does. It is kept until [`Self::sent`].
    ///
    /// # Errors
    /// What the file system says; [`ErrorKind::WouldBlock`] while another process is at it.
    pub(crate) fn take(&self) -> io::Result<Vec<Vec<Series>>> {
        let points = match &self.0 {
            Place::Folder(path) => take_from(path)?,
            Place::Memory(memory) => {
                let Points { waiting, sending } = &mut *memory.points();
                if sending.is_empty() {
                    sending.extend(waiting.drain(..));
                }
                sending.clone()
            }
        };
        Ok(frames(points))
    }

    /// What was taken last has arrived.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(crate) fn sent(&self) -> io::Result<()> {
        match &self.0 {
            Place::Folder(path) => {
                let _lock = try_lock(path)?;
                remove(&path.join(SENDING))
            }
            Place::Memory(memory) => {
                memory.points().sending.clear();
                Ok(())
            }
        }
    }
}

impl InMemory {
    fn points(&self) -> MutexGuard<'_, Points> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file of this name in a state directory is one of these.
pub(super) fn is_one(name: &str) -> bool {
    [NEWEST, OLDER, SENDING, LOCK].contains(&name)
}

/// Makes sure that the server takes it: it ends a session that sends what it does not take.
fn check(point: &Point) -> Result<(), NotKept> {
    if point.name.is_empty() || check_text("name", &point.name, MAX_SERIES_NAME_LEN).is_err() {
        return Err(NotKept::Name(point.name.clone()));
    }
    if !point.value.is_finite() {
        return Err(NotKept::Value(point.name.clone()));
    }
    Ok(())
}

fn keep_in(path: &Path, points: &[Point]) -> io::Result<()> {
    let _lock = lock(path)?;
    // A line that a crash cut off must not take the next one with it.
    let mut lines = vec![b'\n'];
    for point in points {
        serde_json::to_writer(&mut lines, point)?;
        lines.push(b'\n');
    }
    let newest = path.join(NEWEST);
    let mut file = own_file().create(true).append(true).open(&newest)?;
    follow_folder(&file, path)?;
    file.write_all(&lines)?;
    if file.metadata()?.len() >= MAX_FILE_LEN {
        std::fs::rename(&newest, path.join(OLDER))?;
    }
    Ok(())
}

fn take_from(path: &Path) -> io::Result<Vec<Point>> {
    // Most looks find nothing and touch nothing.
    if ![SENDING, OLDER, NEWEST]
        .iter()
        .any(|name| path.join(name).exists())
    {
        return Ok(Vec::new());
    }
    let _lock = try_lock(path)?;
    let sending = path.join(SENDING);
    for name in [OLDER, NEWEST] {
        if !sending.exists() && path.join(name).exists() {
            std::fs::rename(path.join(name), &sending)?;
        }
    }
    let text = std::fs::read(&sending)?;
    let lines = text.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

fn lock(path: &Path) -> io::Result<File> {
    let lock = lock_file(path)?;
    lock.lock()?;
    Ok(lock)
}

/// A session has more to do than to wait for another process, which may have been stopped in the middle.
fn try_lock(path: &Path) -> io::Result<File> {
    let lock = lock_file(path)?;
    lock.try_lock()?;
    Ok(lock)
}

fn lock_file(path: &Path) -> io::Result<File> {
    let lock = own_file().create(true).truncate(false).open(path.join(LOCK))?;
    follow_folder(&lock, path)?;
    Ok(lock)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Points as frames of the session: so many series and points in each as it may have. Those of one series stand together, because a
/// frame has room for few series.
fn frames(mut points: Vec<Point>) -> Vec<Vec<Series>> {
    points.sort_by(|one, other| one.name.cmp(&other.name));
    let mut frames = Vec::new();
    let (mut frame, mut count) = (BTreeMap::<String, Vec<(UnixMillis, f64)>>::new(), 0);
    for Point { name, at, value } in points {
        let is_full = count >= FRAME_POINTS || (frame.len() >= MAX_SERIES && !frame.contains_key(&name));
        if is_full {
            frames.push(std::mem::take(&mut frame));
            count = 0;
        }
        frame.entry(name).or_default().push((at, value));
        count += 1;
    }
    frames.push(frame);
    let series = |frame: BTreeMap<String, Vec<(UnixMillis, f64)>>| -> Vec<Series> {
        let all = frame.into_iter();
        all.map(|(name, points)| Series { name, points }).collect()
    };
    frames
        .into_iter()
        .filter(|frame| !frame.is_empty())
        .map(series)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, at: i64) -> Point {
        Point {
            name: name.to_owned(),
            at: UnixMillis(at),
            value: 21.5,
        }
    }

    fn count(frames: &[Vec<Series>]) -> usize {
        frames.iter().flatten().map(|series| series.points.len()).sum()
    }

    fn both() -> [(Option<tempfile::TempDir>, Spool); 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::in_folder(folder.path());
        [(Some(folder), spool), (None, Spool::in_memory())]
    }

    #[test]
    fn what_was_kept_is_taken_until_it_was_sent() {
        for (_folder, spool) in both() {
            assert_eq!(
                spool.take().expect("it can be looked at"),
                Vec::<Vec<Series>>::new()
            );
            spool
                .keep(&[point("temperature", 1), point("humidity", 1)])
                .expect("kept");
            for _ in 0..2 {
                let taken = spool.take().expect("taken");
                assert_eq!(taken.len(), 1, "one frame");
                assert_eq!(count(&taken), 2, "until it was sent");
            }
            // What comes meanwhile is not lost with what was sent.
            spool.keep(&[point("temperature", 2)]).expect("kept");
            spool.sent().expect("noted");
            let taken = spool.take().expect("taken");
            assert_eq!(taken[0][0].points, [(UnixMillis(2), 21.5)]);
        }
    }

    #[test]
    fn too_much_loses_the_oldest_and_never_grows_beyond_its_bound() {
        for (folder, spool) in both() {
            let many: Vec<Point> = (0..1000).map(|at| point("temperature", at)).collect();
            for _ in 0..60 {
                spool.keep(&many).expect("kept");
            }
            spool.keep(&[point("last", 7)]).expect("kept");
            if let Some(folder) = &folder {
                let files = std::fs::read_dir(folder.path()).expect("a folder");
                let bytes: u64 = files
                    .map(|file| file.and_then(|file| file.metadata()).expect("a file").len())
                    .sum();
                assert!(bytes < 3 * MAX_FILE_LEN, "{bytes}");
            }
            let mut all = Vec::new();
            loop {
                let taken = spool.take().expect("taken");
                if taken.is_empty() {
                    break;
                }
                spool.sent().expect("noted");
                all.extend(taken);
            }
            assert!(
                all.iter()
                    .all(|frame| count(std::slice::from_ref(frame)) <= FRAME_POINTS)
            );
            assert!(
                all.iter().flatten().any(|series| series.name == "last"),
                "the newest is there"
            );
            assert!(count(&all) < 60_000);
        }
    }

    #[test]
    fn what_is_no_measurement_is_refused_whole() {
        for (_folder, spool) in both() {
            for bad in [
                point("", 1),
                point(&"x".repeat(65), 1),
                point("a\nb", 1),
                point("temp\u{202e}", 1),
            ] {
                assert!(matches!(
                    spool.keep(&[point("good", 1), bad]),
                    Err(NotKept::Name(_))
                ));
            }
            let mut infinite = point("good", 1);
            infinite.value = f64::INFINITY;
            assert!(matches!(spool.keep(&[infinite]), Err(NotKept::Value(_))));
            assert!(spool.take().expect("taken").is_empty());
        }
    }

    #[test]
    fn a_line_that_a_crash_cut_off_costs_itself_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::in_folder(folder.path());
        spool.keep(&[point("temperature", 1)]).expect("kept");
        let mut text = std::fs::read(folder.path().join(NEWEST)).expect("a file");
        text.extend_from_slice(b"{\"name\":\"temp");
        std::fs::write(folder.path().join(NEWEST), text).expect("written");
        spool.keep(&[point("temperature", 2)]).expect("kept");
        assert_eq!(count(&spool.take().expect("taken")), 2);
    }

    #[test]
    fn a_frame_holds_as_many_series_as_it_may() {
        let many = (0..200).map(|number| point(&format!("s{number}"), 1)).collect();
        let frames = frames(many);
        assert!(frames.iter().all(|frame| frame.len() <= MAX_SERIES));
        assert_eq!(count(&frames), 200);
    }
}
