//! How a person or a program answers: keys on the page, lines on standard input, or a file where a service has neither.

use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossterm::event::{Event as Happening, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use gangway_device::store::write_private;
use tokio::sync::mpsc;
use tokio::time::Interval;

/// Answers that wait to be heard; more would be noise.
const LINES: usize = 16;
/// How often a service looks for an answer.
const LOOK: Duration = Duration::from_secs(1);
const ANSWER: &str = "answer";

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The answer to the question who may have the device.
    Answer(bool),
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
}

/// Where answers come from.
pub(crate) enum Inputs {
    /// Nowhere.
    Nobody,
    /// Standard input. `None` once it has ended.
    Lines(Option<mpsc::Receiver<String>>),
    /// A file that `gangway-device answer` leaves in the state directory.
    File(PathBuf, Interval),
    /// The keyboard, key by key.
    Keys(Box<EventStream>),
}

impl Inputs {
    pub(crate) fn nobody() -> Self {
        Self::Nobody
    }

    /// Reads standard input on a thread of its own: reading cannot be cancelled, so the thread ends with the input or
    /// with the process, and nothing waits for it.
    pub(crate) fn lines() -> Self {
        let (sender, receiver) = mpsc::channel(LINES);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if line.map_or(true, |line| sender.blocking_send(line).is_err()) {
                    return;
                }
            }
        });
        Self::Lines(Some(receiver))
    }

    pub(crate) fn file(state_dir: &Path) -> Self {
        let path = state_dir.join(ANSWER);
        // An answer from before the question is none.
        let _none = std::fs::remove_file(&path);
        Self::File(path, tokio::time::interval(LOOK))
    }

    pub(crate) fn keys() -> Self {
        Self::Keys(Box::new(EventStream::new()))
    }

    /// Whether a question can be answered.
    pub(crate) fn somebody_is_there(&self) -> bool {
        !matches!(self, Self::Nobody | Self::Lines(None))
    }

    /// The next input; waits for ever where there is none.
    pub(crate) async fn next(&mut self) -> Input {
        loop {
            let input = match self {
                Self::Nobody | Self::Lines(None) => std::future::pending().await,
                Self::Lines(Some(lines)) => match lines.recv().await {
                    Some(line) => read_line(&line),
                    None => {
                        *self = Self::Lines(None);
                        None
                    }
                },
                // An interval goes on where whoever waits here is called away; a sleep would begin anew each time.
                Self::File(path, look) => {
                    look.tick().await;
                    take_answer(path)
                }
                Self::Keys(keys) => match keys.next().await {
                    Some(Ok(Happening::Key(key))) if key.kind != KeyEventKind::Release => read_key(key),
                    Some(Ok(Happening::Resize(..))) => Some(Input::Resized),
                    Some(Ok(_)) => None,
                    // A terminal that has gone away takes its device with it.
                    Some(Err(_)) | None => Some(Input::Wish(Wish::Quit)),
                },
            };
            if let Some(input) = input {
                return input;
            }
        }
    }
}

/// Leaves an answer for the service that runs on `state_dir`.
pub(crate) fn leave_answer(state_dir: &Path, accepted: bool) -> io::Result<()> {
    write_private(&state_dir.join(ANSWER), if accepted { b"y" } else { b"n" })
}

fn take_answer(path: &Path) -> Option<Input> {
    let text = std::fs::read_to_string(path).ok()?;
    std::fs::remove_file(path).ok()?;
    read_line(&text)
}

fn read_line(line: &str) -> Option<Input> {
    match line.trim().to_ascii_lowercase().as_str() {
        "" => None,
        "y" | "yes" => Some(Input::Wish(Wish::Answer(true))),
        "n" | "no" => Some(Input::Wish(Wish::Answer(false))),
        "c" | "code" => Some(Input::Wish(Wish::AnotherCode)),
        other => Some(Input::Nonsense(
            other.chars().filter(|c| !c.is_control()).take(20).collect(),
        )),
    }
}

fn read_key(key: KeyEvent) -> Option<Input> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let wish = match key.code {
        KeyCode::Char('c' | 'd') if control => Wish::Quit,
        _ if control => return None,
        KeyCode::Char('y' | 'Y') => Wish::Answer(true),
        KeyCode::Char('n' | 'N') => Wish::Answer(false),
        KeyCode::Char('c' | 'C') => Wish::AnotherCode,
        KeyCode::Char('q' | 'Q') => Wish::Quit,
        _ => return None,
    };
    Some(Input::Wish(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_people_and_programs_write_them() {
        for line in ["y", " Yes\r", "YES"] {
            assert_eq!(read_line(line), Some(Input::Wish(Wish::Answer(true))), "{line}");
        }
        assert_eq!(read_line("n"), Some(Input::Wish(Wish::Answer(false))));
        assert_eq!(read_line(""), None, "an empty line is neither");
        assert_eq!(
            read_line("perhaps\x1b"),
            Some(Input::Nonsense("perhaps".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_service_takes_an_answer_once() {
        let directory = tempfile::tempdir().expect("a directory");
        leave_answer(directory.path(), true).expect("left");
        let Inputs::File(path, _) = Inputs::file(directory.path()) else {
            panic!("a file")
        };
        assert_eq!(
            take_answer(&path),
            None,
            "what lay there before the start is not taken"
        );
        leave_answer(directory.path(), false).expect("left");
        assert_eq!(take_answer(&path), Some(Input::Wish(Wish::Answer(false))));
        assert_eq!(take_answer(&path), None);
    }

    /// The first version slept anew each time: a screen that counted seconds called it away before it had looked.
    #[tokio::test(start_paused = true)]
    async fn a_service_hears_an_answer_while_its_screen_counts_seconds() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut inputs = Inputs::file(directory.path());
        leave_answer(directory.path(), true).expect("left");
        for _ in 0..3 {
            let heard = tokio::time::timeout(LOOK / 2, inputs.next()).await;
            if let Ok(heard) = heard {
                assert_eq!(heard, Input::Wish(Wish::Answer(true)));
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
