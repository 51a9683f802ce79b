//! Against another implementation: `interop/peer.py`, on python-spake2 and Python's cryptography package.
//!
//! It needs a Python that has both: `GANGWAY_PYTHON`, or the one that `scripts/setup test` installs. Without it the tests
//! fail, unless `GANGWAY_SKIP_INTEROP` is set: then they say so and pass.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use gangway_protocol::encoding::Base64;
use gangway_protocol::seal::{Answer, Channel, Claimant, Device, HandshakeError};
use serde_json::{Value, json};

use crate::seal::{claim, code, random};
use crate::vectors;

const CODE: &str = "BCDF-GHJKLM";
const PASSWORD: &str = "BCDFGHJKLM";

/// The other implementation as a process, one JSON object a line in both directions.
struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// `None` where it may be left out.
    fn start(role: &str) -> Option<Self> {
        let mut process = command(role)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let to = process.stdin.take().expect("piped");
        let from = BufReader::new(process.stdout.take().expect("piped"));
        Some(Self { process, to, from })
    }

    fn tell(&mut self, line: &Value) {
        writeln!(self.to, "{line}").expect("the peer reads");
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the peer writes");
        serde_json::from_str(&line).expect("one JSON object a line")
    }

    fn ask(&mut self, line: &Value) -> Value {
        self.tell(line);
        self.hear()
    }

    /// Messages in both directions, several times, with text that is not ASCII.
    fn converse(&mut self, channel: &mut Channel) {
        for round in 0..4 {
            let message = json!({"type": "offer", "organisation": "Zoë’s Füße ✓", "round": round});
            let sealed = channel.seal(&message).expect("sealed");
            let reply: Base64 = field(&self.ask(&json!({"box": sealed})), "box");
            let echo = json!({"type": "echo", "of": message});
            assert_eq!(channel.open(&reply), Ok(echo));
        }
        let unasked: Base64 = field(&self.ask(&json!({"seal": {"type": "refusal"}})), "box");
        assert_eq!(channel.open(&unasked), Ok(json!({"type": "refusal"})));
        let mut forged = channel.seal(&json!({"type": "offer"})).expect("sealed");
        forged.0[0] ^= 1;
        assert_eq!(self.ask(&json!({"box": forged})), json!({"error": "forged"}));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Ended already, unless an assertion failed half-way.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn field<T: serde::de::DeserializeOwned>(line: &Value, name: &str) -> T {
    serde_json::from_value(line[name].clone()).unwrap_or_else(|_| panic!("no {name} in {line}"))
}

/// The peer's command line, or `None` where this machine lacks it and was told to do without.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration but its environment"
)]
fn command(role: &str) -> Option<Command> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/protocol/interop/peer.py");
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let python = variable("GANGWAY_PYTHON").or_else(|| {
        let cache = variable("GANGWAY_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("gangway")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/gangway")))?;
        Some(cache.join("tools/python/bin/python"))
    });
    let usable = |python: &PathBuf| {
        Command::new(python)
            .args(["-c", "import spake2, cryptography"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if let Some(python) = python.as_ref().filter(|python| usable(python)) {
        let mut command = Command::new(python);
        command.arg(script).arg(role);
        return Some(command);
    }
    let reason = format!(
        "{} has no spake2 and cryptography; run scripts/setup test",
        python.unwrap_or_else(|| "python".into()).display()
    );
    assert!(variable("GANGWAY_SKIP_INTEROP").is_some(), "{reason}");
    // Written past the test runner, which would swallow it.
    drop(writeln!(std::io::stderr(), "skipped: {reason}"));
    None
}

/// Threat model: SEA-1.
#[test]
fn python_as_the_browser_opens_a_channel_to_our_device() {
    let Some(mut peer) = Peer::start("browser") else {
        return;
    };
    let claim = claim(1);
    let pake = field(&peer.ask(&json!({"code": PASSWORD})), "pake");
    let (device, answer) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
    let reply = peer.ask(&json!({"claim": claim, "pake": answer.pake, "confirm": answer.confirm}));
    let mut channel = device
        .on_confirm(&field(&reply, "confirm"))
        .expect("the same code");
    peer.converse(&mut channel);
}

/// Threat model: SEA-1.
#[test]
fn python_as_the_device_opens_a_channel_to_our_claimant() {
    let Some(mut peer) = Peer::start("device") else {
        return;
    };
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code(CODE), random);
    let reply = peer.ask(&json!({"code": PASSWORD, "claim": claim, "pake": pake}));
    let answer = Answer {
        pake: field(&reply, "pake"),
        confirm: field(&reply, "confirm"),
    };
    let (mut channel, confirm) = claimant.on_answer(&claim, &answer).expect("the same code");
    assert_eq!(peer.ask(&json!({"confirm": confirm})), json!({"redeemed": true}));
    peer.converse(&mut channel);
}

#[test]
fn python_as_the_browser_notices_another_code() {
    let Some(mut peer) = Peer::start("browser") else {
        return;
    };
    let claim = claim(1);
    let pake = field(&peer.ask(&json!({"code": "BCDFGHJKLN"})), "pake");
    let (_, answer) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
    let reply = peer.ask(&json!({"claim": claim, "pake": answer.pake, "confirm": answer.confirm}));
    assert_eq!(reply, json!({"error": "mismatch"}));
}

#[test]
fn our_claimant_notices_that_python_as_the_device_has_another_code() {
    let Some(mut peer) = Peer::start("device") else {
        return;
    };
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code(CODE), random);
    let reply = peer.ask(&json!({"code": "BCDFGHJKLN", "claim": claim, "pake": pake}));
    let answer = Answer {
        pake: field(&reply, "pake"),
        confirm: field(&reply, "confirm"),
    };
    assert_eq!(
        claimant.on_answer(&claim, &answer).err(),
        Some(HandshakeError::Mismatch)
    );
}

/// Threat model: SEA-1.
#[test]
fn the_vectors_are_those_that_python_computes() {
    for (role, stored) in [("vectors", vectors::SEAL), ("signatures", vectors::SIGNATURES)] {
        let Some(mut command) = command(role) else { return };
        let output = command.output().expect("python starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let computed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let stored: Value = serde_json::from_str(stored).expect("JSON");
        assert_eq!(computed, stored);
    }
}
