//! What `gangway link` tells: lines for people, or one JSON object per line for programs. Questions go to standard error,
//! so that what is told can be piped.

use std::io::Write as _;

use gangway_client::crossing::{Progress, Review, Stage, Step, View};
use gangway_protocol::enrolment::NetworkComparison;
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use super::exit::Exit;

/// Where and how to tell.
pub(super) struct Report {
    json: bool,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Tells what is new in `view` against `before`.
    pub(super) fn changes(&self, before: &View, view: &View, now: UnixMillis) {
        if before.review.is_none()
            && let Some(review) = &view.review
        {
            self.review(review, now);
        }
        for step in Step::ALL {
            if before.progress.done_at(step).is_none() {
                self.step(step, &view.progress, view);
            }
        }
        if before.stage != view.stage {
            self.stage(&view.stage);
        }
    }

    /// Asks a person for a line.
    pub(super) fn ask(&self, question: &str) {
        if !self.json {
            eprint!("{question}");
            // A question that cannot be shown is answered by nobody; there is nothing better to do about it.
            let _ = std::io::stderr().flush();
        }
    }

    /// Sends the person to a page where they sign in for a signer.
    pub(super) fn visit(&self, signer: &str, url: &str) {
        if self.json {
            self.object(&json!({"event": "sign_in", "signer": signer, "url": url}));
        } else {
            self.ask(&format!(
                "“{signer}” signs for whoever is signed in there. Open this address in a browser on this machine:\n{url}\n"
            ));
        }
    }

    /// Says something by the way.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    /// Tells how it ended, if not well.
    pub(super) fn failed(&self, exit: &Exit) {
        if self.json {
            self.object(
                &json!({"event": "error", "code": exit.name, "message": exit.message, "remedy": exit.remedy}),
            );
        } else {
            eprintln!("✗ {}", exit.message);
            if let Some(remedy) = exit.remedy {
                eprintln!("  {remedy}");
            }
        }
    }

    /// Tells where the device can be seen now.
    pub(super) fn arrived(&self, name: &str, url: &str) {
        if !self.json {
            self.line(&format!("{name} has joined the fleet: {url}"));
        }
    }

    fn review(&self, review: &Review, now: UnixMillis) {
        let warnings: Vec<String> = review.warnings.iter().map(ToString::to_string).collect();
        if self.json {
            self.object(&json!({
                "event": "review",
                "verified": false,
                "facts": review.facts,
                "key": review.key,
                "spki_sha256": review.spki_sha256,
                "network": review.network,
                "first_seen": review.first_seen,
                "warnings": warnings,
            }));
            return;
        }
        self.line("The device says about itself (nobody has verified this):");
        for (name, value) in review.facts.entries() {
            self.line(&format!("  {:<17} {value}", name.replace('_', " ")));
        }
        self.line("Seen from here:");
        let network = match review.network {
            NetworkComparison::Same => "the same as yours",
            NetworkComparison::Different => "another than yours",
            NetworkComparison::NotComparable | NetworkComparison::Unknown => "cannot be compared with yours",
        };
        self.line(&format!("  {:<17} {network}", "network"));
        let seen = ago(now.since(review.first_seen));
        self.line(&format!("  {:<17} {seen}", "first seen"));
        self.line(&format!("  {:<17} {} {}", "key", review.key, review.spki_sha256));
        for warning in warnings {
            self.line(&format!("! {warning}"));
        }
    }

    fn step(&self, step: Step, progress: &Progress, view: &View) {
        let Some(at) = progress.done_at(step) else { return };
        if self.json {
            self.object(&json!({
                "event": step.name(),
                "at": at,
                "device": view.device.as_ref().map(|device| &device.id),
                "certificate_sha256": view.certificate,
            }));
            return;
        }
        let words = match step {
            Step::CodeAccepted => "code accepted",
            Step::IdentityChecked => "identity checked",
            Step::CertificateSigned => "certificate signed",
            Step::Installed => "installed on the device",
            Step::Online => "online",
        };
        let millis = at.since(progress.started_at).max(0);
        self.line(&format!(
            "✓ {words:<24} {}.{} s",
            millis / 1_000,
            millis % 1_000 / 100
        ));
    }

    fn stage(&self, stage: &Stage) {
        let words = match stage {
            Stage::AwaitingConsent => "… waiting for the device to agree",
            Stage::Signing => "… waiting for the signer",
            Stage::Provisioning => "… waiting for the device to fetch its certificate",
            Stage::Installing => "… waiting for the device to install the certificate",
            Stage::Installed => "… waiting for the device’s first session",
            Stage::Connecting | Stage::Reviewing | Stage::Approving | Stage::Online | Stage::Failed(_) => {
                return;
            }
        };
        self.note(words);
    }

    fn object(&self, object: &serde_json::Value) {
        self.line(&object.to_string());
    }

    /// Writes a line and does not mind when nobody reads it any more: the crossing goes on.
    fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

/// How long ago something was, in the largest unit that says enough.
fn ago(millis: i64) -> String {
    let (count, unit) = match millis.max(0) {
        millis if millis < UnixMillis::MINUTE => (millis / UnixMillis::SECOND, "second"),
        millis if millis < UnixMillis::HOUR => (millis / UnixMillis::MINUTE, "minute"),
        millis if millis < UnixMillis::DAY => (millis / UnixMillis::HOUR, "hour"),
        millis => (millis / UnixMillis::DAY, "day"),
    };
    match count {
        0 => "just now".to_owned(),
        1 => format!("1 {unit} ago"),
        _ => format!("{count} {unit}s ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words() {
        let told = [
            (-5, "just now"),
            (1_999, "1 second ago"),
            (59_000, "59 seconds ago"),
        ];
        for (millis, words) in told {
            assert_eq!(ago(millis), words);
        }
        assert_eq!(ago(90 * UnixMillis::MINUTE), "1 hour ago");
        assert_eq!(ago(3 * UnixMillis::DAY), "3 days ago");
    }
}
