//! The question that stands on the screen, and which answers count for it. No terminal and no file in sight: events,
//! answers and instants go in.
//!
//! An answer is bound to its question: a key to the question that the person has had time to read, a line or a file to
//! the claim that it names. The agent compares once more, so that what was meant for an earlier claim consents to nothing.

use std::time::{Duration, Instant};

use gangway_device::event::Event;
use gangway_protocol::id::ClaimId;

/// How long the approver's name stays readable before keys count. Nobody reads a name and decides faster; keys that were
/// typed ahead, or for the question before, arrive within it.
pub(crate) const READABLE: Duration = Duration::from_secs(2);
/// Characters of a claim's id by which people name its question: enough to tell questions of one device apart.
const TAG_LEN: usize = 4;

/// An answer of a person or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) accepted: bool,
    pub(crate) about: About,
}

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The question on the screen: a key was pressed.
    WhatIsShown,
    /// The question that is named so: by the id of its claim, or the end of that.
    Named(String),
    /// The answer does not say.
    Unsaid,
}

/// The question that stands, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking {
    standing: Option<Standing>,
}

#[derive(Clone, Debug)]
struct Standing {
    claim: ClaimId,
    /// From when on keys count.
    readable_at: Instant,
}

impl Asking {
    /// Takes in what happened, once it is on the screen.
    pub(crate) fn shown(&mut self, event: &Event, now: Instant) {
        match event {
            Event::ApprovalAsked { claim, .. } => {
                self.standing = Some(Standing {
                    claim: claim.clone(),
                    readable_at: now + READABLE,
                });
            }
            Event::Accepted { .. }
            | Event::Refused { .. }
            | Event::ClaimEnded { .. }
            | Event::Claimed { .. }
            | Event::CodeWithdrawn { .. }
            | Event::Waiting { .. } => self.standing = None,
            _ => {}
        }
    }

    /// The claim of the question that stands.
    pub(crate) fn claim(&self) -> Option<&ClaimId> {
        self.standing.as_ref().map(|standing| &standing.claim)
    }

    /// From when on keys count for the question that stands.
    pub(crate) fn readable_at(&self) -> Option<Instant> {
        self.standing.as_ref().map(|standing| standing.readable_at)
    }

    /// The claim that an answer is about, or a sentence that says why it does not count.
    pub(crate) fn hear(&mut self, about: &About, now: Instant) -> Result<ClaimId, String> {
        let Some(standing) = &mut self.standing else {
            return match about {
                About::Named(name) => whole(name),
                About::WhatIsShown | About::Unsaid => Err("There is no question to answer.".to_owned()),
            };
        };
        match about {
            About::WhatIsShown if now < standing.readable_at => {
                // A key that is held down, or text that is pasted, never comes to an end within the time.
                standing.readable_at = now + READABLE;
                Err("Read first who wants this device; keys count after a moment.".to_owned())
            }
            About::WhatIsShown => Ok(standing.claim.clone()),
            About::Named(name) if is_named(&standing.claim, name) => Ok(standing.claim.clone()),
            About::Named(name) => whole(name),
            About::Unsaid => {
                let tag = tag(&standing.claim);
                Err(format!("Say which question you answer: y {tag}, or n {tag}."))
            }
        }
    }
}

/// By what people name the question of `claim`.
pub(crate) fn tag(claim: &ClaimId) -> &str {
    let text = claim.as_str();
    text.get(text.len().saturating_sub(TAG_LEN)..).unwrap_or(text)
}

/// Whether `name` is the id of `claim`, or at least a tag of it.
pub(crate) fn is_named(claim: &ClaimId, name: &str) -> bool {
    name.len() >= TAG_LEN && claim.as_str().ends_with(&name.to_ascii_lowercase())
}

/// An id in full goes to the agent, which knows whether its question stands.
fn whole(name: &str) -> Result<ClaimId, String> {
    name.parse().map_err(|_| {
        format!("The answer was not taken: “{name}” is not the question that stands on the screen.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangway_protocol::time::UnixMillis;

    fn claim(number: u8) -> ClaimId {
        ClaimId::new(UnixMillis(0), [number; 10])
    }

    fn asked(number: u8) -> Event {
        serde_json::from_value(serde_json::json!({
            "event": "approval_asked",
            "claim": claim(number),
            "organisation": "Harbour Works",
            "approver": "Ada",
            "panel": "https://panel.example",
        }))
        .expect("an event")
    }

    /// Threat model: ENR-24.
    #[test]
    fn keys_typed_ahead_or_for_the_question_before_do_not_count() {
        let (mut asking, start) = (Asking::default(), Instant::now());
        let key = About::WhatIsShown;
        assert!(asking.hear(&key, start).is_err(), "nothing is asked");
        asking.shown(&asked(1), start);
        assert!(asking.hear(&key, start + READABLE / 2).is_err(), "typed ahead");
        let read = start + READABLE;
        assert!(
            asking
                .hear(&key, read)
                .is_err_and(|said| said.contains("Read first")),
            "the dropped key started the time anew"
        );
        assert_eq!(asking.hear(&key, read + READABLE), Ok(claim(1)));

        asking.shown(&asked(2), read + READABLE);
        assert!(asking.hear(&key, read + READABLE).is_err(), "meant for the first");
        assert_eq!(asking.hear(&key, read + 3 * READABLE), Ok(claim(2)));
    }

    #[test]
    fn a_key_that_is_held_down_never_counts() {
        let (mut asking, start) = (Asking::default(), Instant::now());
        asking.shown(&asked(1), start);
        for tenth in 1..100 {
            let now = start + Duration::from_millis(100) * tenth;
            assert!(asking.hear(&About::WhatIsShown, now).is_err());
        }
    }

    #[test]
    fn a_line_names_its_question() {
        let (mut asking, now) = (Asking::default(), Instant::now());
        asking.shown(&asked(1), now);
        let named = |text: &str| About::Named(text.to_owned());
        let id = claim(1);
        assert_eq!(asking.hear(&named(tag(&id)), now), Ok(id.clone()));
        assert_eq!(
            asking.hear(&named(&tag(&id).to_ascii_uppercase()), now),
            Ok(id.clone())
        );
        assert_eq!(asking.hear(&named(id.as_str()), now), Ok(id.clone()));
        for other in ["", "1", "zzzz"] {
            assert!(asking.hear(&named(other), now).is_err(), "{other}");
        }
        let unsaid = asking.hear(&About::Unsaid, now).expect_err("which question?");
        assert!(unsaid.contains(tag(&id)), "{unsaid}");
        assert_eq!(
            asking.hear(&named(claim(2).as_str()), now),
            Ok(claim(2)),
            "the agent judges an id in full, and tells"
        );
    }
}
