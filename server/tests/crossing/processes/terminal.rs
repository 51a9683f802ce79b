//! A device before which a person sits at a terminal.

use std::num::NonZero;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{PATIENCE, Place, device_binary};

const ROWS: NonZero<u16> = NonZero::new(24).expect("not nought");
const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not nought");

/// A `gangway-device run` on a terminal of 80 columns and 24 lines.
pub(crate) struct Terminal {
    child: Child,
    output: tokio::process::ChildStdout,
    screen: vt100::Parser,
}

impl Terminal {
    /// script(1) gives a program a terminal and passes its pipes on.
    pub(crate) fn open(place: &Place) -> Self {
        let run = format!(
            "stty cols 80 rows 24; exec {} run --server {} --state-dir {}",
            device_binary().display(),
            place.url(),
            place.device_state().display()
        );
        let mut child = Command::new("script")
            .args(["-qefc", &run, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("script is part of every Debian");
        let output = child.stdout.take().expect("it is a pipe");
        Self {
            child,
            output,
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
        }
    }

    /// Waits until `find` finds what it looks for on the page.
    pub(crate) async fn shows<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let found = async {
            loop {
                let page = self.screen.screen().contents();
                if let Some(found) = find(&page) {
                    return found;
                }
                let mut written = Vec::new();
                let read = self.output.read_buf(&mut written).await.expect("it is read");
                assert_ne!(read, 0, "it ended; its page was {page}");
                self.screen.process(&written);
            }
        };
        timeout(PATIENCE, found).await.expect("the page shows it in time")
    }

    pub(crate) async fn press(&mut self, key: &str) {
        let input = self.child.stdin.as_mut().expect("it is a pipe");
        input.write_all(key.as_bytes()).await.expect("it listens");
        input.flush().await.expect("it listens");
    }
}
