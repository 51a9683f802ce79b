//! How a person or a program answers: keys on the page, lines on standard input, and wherever a device runs a file that
//! `gangway-device answer` leaves.

use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossterm::event::{Event as Happening, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use gangway_device::store::write_private;
use gangway_protocol::id::ClaimId;
use tokio::sync::mpsc;
use tokio::time::Interval;

use super::question::{About, Answer};

/// Answers that wait to be heard; more would be noise.
const LINES: usize = 16;
/// How often a device looks for an answer that another process left.
const LOOK: Duration = Duration::from_secs(1);
pub(super) const ANSWER: &str = "answer";
/// Longest piece of a line that is repeated to whoever typed it.
const MAX_QUOTE_LEN: usize = 40;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The answer to the question who may have the device.
    Answer(Answer),
    /// Another code than this one.
    AnotherCode,
    /// The end.
    Quit,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Wish(Wish),
    /// The window has another size.
    Resized,
    /// A line that means nothing.
    Nonsense(String),
    /// Standard input has ended; answers can still be left as a file.
    Closed,
}

/// Where answers come from.
pub(crate) struct Inputs {
    here: Here,
    file: PathBuf,
    /// An interval goes on where whoever waits is called away; a sleep would begin anew each time.
    look: Interval,
}

/// What answers where the device runs.
enum Here {
    Nobody,
    /// Standard input. `None` once it has ended.
    Lines(Option<mpsc::Receiver<String>>),
    /// The keyboard, key by key.
    Keys(Box<EventStream>),
}

impl Inputs {
    /// Nobody stands before the device.
    pub(crate) fn nobody(state_dir: &Path) -> Self {
        Self::new(Here::Nobody, state_dir)
    }

    /// Reads standard input on a thread of its own: reading cannot be cancelled, so the thread ends with the input or
    /// with the process, and nothing waits for it.
    pub(crate) fn lines(state_dir: &Path) -> Self {
        let (sender, receiver) = mpsc::channel(LINES);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if line.map_or(true, |line| sender.blocking_send(line).is_err()) {
                    return;
                }
            }
        });
        Self::new(Here::Lines(Some(receiver)), state_dir)
    }

    pub(crate) fn keys(state_dir: &Path) -> Self {
        Self::new(Here::Keys(Box::new(EventStream::new())), state_dir)
    }

    fn new(here: Here, state_dir: &Path) -> Self {
        let file = state_dir.join(ANSWER);
        // An answer from before the question is none.
        let _none = std::fs::remove_file(&file);
        Self {
            here,
            file,
            look: tokio::time::interval(LOOK),
        }
    }

    /// Whether a question can be answered where the device runs.
    pub(crate) fn somebody_is_there(&self) -> bool {
        !matches!(self.here, Here::Nobody | Here::Lines(None))
    }

    /// The next input. Cancel safe: nothing is lost when it is dropped and called again.
    pub(crate) async fn next(&mut self) -> Input {
        loop {
            let input = tokio::select! {
                input = self.here.next() => input,
                _ = self.look.tick() => take_answer(&self.file),
            };
            if let Some(input) = input {
                return input;
            }
        }
    }
}

impl Here {
    /// What comes in here; waits for ever where nothing does.
    async fn next(&mut self) -> Option<Input> {
        match self {
            Self::Nobody | Self::Lines(None) => std::future::pending().await,
            Self::Lines(Some(lines)) => match lines.recv().await {
                Some(line) => read_line(&line),
                None => {
                    *self = Self::Lines(None);
                    Some(Input::Closed)
                }
            },
            Self::Keys(keys) => match keys.next().await {
                Some(Ok(Happening::Key(key))) if key.kind != KeyEventKind::Release => read_key(key),
                Some(Ok(Happening::Resize(..))) => Some(Input::Resized),
                Some(Ok(_)) => None,
                // A terminal that has gone away takes its device with it.
                Some(Err(_)) | None => Some(Input::Wish(Wish::Quit)),
            },
        }
    }
}

/// Leaves the answer to the question of `claim` for the device that runs on `state_dir`.
pub(crate) fn leave_answer(state_dir: &Path, claim: &ClaimId, accepted: bool) -> io::Result<()> {
    let line = format!("{} {claim}", if accepted { "y" } else { "n" });
    write_private(&state_dir.join(ANSWER), line.as_bytes())
}

fn take_answer(path: &Path) -> Option<Input> {
    let text = std::fs::read_to_string(path).ok()?;
    std::fs::remove_file(path).ok()?;
    read_line(&text)
}

fn read_line(line: &str) -> Option<Input> {
    let mut words = line.split_whitespace();
    let word = words.next()?.to_ascii_lowercase();
    let (named, rest) = (words.next(), words.next());
    let answer = |accepted| {
        let about = named.map_or(About::Unsaid, |name| About::Named(quoted(name)));
        Input::Wish(Wish::Answer(Answer { accepted, about }))
    };
    Some(match (word.as_str(), named, rest) {
        ("y" | "yes", _, None) => answer(true),
        ("n" | "no", _, None) => answer(false),
        ("c" | "code", None, None) => Input::Wish(Wish::AnotherCode),
        _ => Input::Nonsense(quoted(line.trim())),
    })
}

fn quoted(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_QUOTE_LEN)
        .collect()
}

fn read_key(key: KeyEvent) -> Option<Input> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let answer = |accepted| {
        let about = About::WhatIsShown;
        Wish::Answer(Answer { accepted, about })
    };
    let wish = match key.code {
        KeyCode::Char('c' | 'd') if control => Wish::Quit,
        _ if control => return None,
        KeyCode::Char('y' | 'Y') => answer(true),
        KeyCode::Char('n' | 'N') => answer(false),
        KeyCode::Char('c' | 'C') => Wish::AnotherCode,
        KeyCode::Char('q' | 'Q') => Wish::Quit,
        _ => return None,
    };
    Some(Input::Wish(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accepted: bool, about: About) -> Input {
        Input::Wish(Wish::Answer(Answer { accepted, about }))
    }

    #[test]
    fn answers_are_read_as_people_and_programs_write_them() {
        for line in ["y 9v1z", " Yes  9v1z\r", "YES 9v1z"] {
            let read = answer(true, About::Named("9v1z".to_owned()));
            assert_eq!(read_line(line), Some(read), "{line}");
        }
        assert_eq!(read_line("n"), Some(answer(false, About::Unsaid)));
        assert_eq!(read_line(" "), None, "an empty line is neither");
        assert_eq!(
            read_line("perhaps\x1b"),
            Some(Input::Nonsense("perhaps".to_owned()))
        );
        assert_eq!(
            read_line("y or n"),
            Some(Input::Nonsense("y or n".to_owned())),
            "a sentence is no answer"
        );
    }

    #[tokio::test]
    async fn a_device_takes_an_answer_once() {
        let (directory, claim) = (
            tempfile::tempdir().expect("a directory"),
            ClaimId::new(gangway_protocol::time::UnixMillis(0), [7; 10]),
        );
        leave_answer(directory.path(), &claim, true).expect("left");
        let Inputs { file, .. } = Inputs::nobody(directory.path());
        assert_eq!(
            take_answer(&file),
            None,
            "what lay there before the start is not taken"
        );
        leave_answer(directory.path(), &claim, false).expect("left");
        let about = About::Named(claim.to_string());
        assert_eq!(take_answer(&file), Some(answer(false, about)));
        assert_eq!(take_answer(&file), None);
    }

    /// The first version slept anew each time: a screen that counted seconds called it away before it had looked.
    #[tokio::test(start_paused = true)]
    async fn a_service_hears_an_answer_while_its_screen_counts_seconds() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut inputs = Inputs::nobody(directory.path());
        let claim = ClaimId::new(gangway_protocol::time::UnixMillis(0), [7; 10]);
        leave_answer(directory.path(), &claim, true).expect("left");
        for _ in 0..3 {
            let heard = tokio::time::timeout(LOOK / 2, inputs.next()).await;
            if let Ok(heard) = heard {
                assert_eq!(heard, answer(true, About::Named(claim.to_string())));
                return;
            }
        }
        panic!("nobody looked for an answer");
    }

    #[test]
    fn control_c_quits_and_plain_c_asks_for_a_code() {
        let key = |code, modifiers| read_key(KeyEvent::new(code, modifiers));
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Input::Wish(Wish::Quit))
        );
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::NONE),
            Some(Input::Wish(Wish::AnotherCode))
        );
        assert_eq!(
            key(KeyCode::Enter, KeyModifiers::NONE),
            None,
            "a question is not answered by accident"
        );
    }
}
