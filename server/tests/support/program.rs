//! The binary `gangway` as operators type it, run to its end.

use std::path::Path;
use std::process::{Command, Output};

/// The binary with these arguments, and nothing of this process's environment.
pub(crate) fn gangway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangway"));
    command.args(arguments).env_clear();
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    gangway(arguments).output().expect("the binary runs")
}

/// Runs it on this data directory.
pub(crate) fn on(data_dir: &Path, arguments: &[&str]) -> Output {
    run(&[arguments, &["--data-dir", text(data_dir)]].concat())
}

/// What it said on standard output, of a success.
#[track_caller]
pub(crate) fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes sure that it failed, and said these words about it.
#[track_caller]
pub(crate) fn refuses(output: &Output, words: &str) {
    let said = stderr(output);
    assert!(
        !output.status.success() && said.contains(words),
        "{words}: {said}"
    );
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}
