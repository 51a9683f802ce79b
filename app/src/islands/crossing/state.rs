//! What the scenes of a crossing share, and which of them is on.

use std::rc::Rc;

use gangway_client::crossing::{Input, Stage, Told, View};
use gangway_protocol::code::UserCode;
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::conversation::{Conversation, conversation};
use crate::browser::held::Held;
use crate::components::code_field::CodeEntry;
use crate::messages::{Messages, messages};
use crate::preference::Language;
use crate::visit::language;

/// What the scenes of the page share.
#[derive(Clone, Copy)]
pub(super) struct CrossingState {
    pub(super) t: Language,
    pub(super) entry: CodeEntry,
    /// The code came by a link: the person has to say that the device shows it.
    pub(super) prefilled: RwSignal<bool>,
    /// What the machine shows, while there is a crossing.
    pub(super) view: RwSignal<Option<View>>,
    /// Said in place of an attempt that did not go on.
    pub(super) farewell: RwSignal<Option<Farewell>>,
    /// The code of everything that comes after the code, once it has been loaded.
    pub(super) conversation: RwSignal<Option<Conversation>>,
    /// An attempt waits for it.
    pub(super) starting: RwSignal<bool>,
    /// The machine, while there is a crossing.
    pub(super) machine: Held<Rc<dyn Machine>>,
    pub(super) messages: Messages,
    /// Origins of signers to which the page may connect: those that there were when it was loaded.
    pub(super) reachable: StoredValue<Vec<String>>,
    /// How many attempts there have been: what an earlier one shows does not belong to the present one.
    pub(super) attempts: StoredValue<u32>,
    /// How many ended attempts the server still has to hear of.
    pub(super) untold: StoredValue<u32>,
    /// The code under which a device was there last, or the server could not be reached, and when that was.
    pub(super) last_there: StoredValue<Option<(String, UnixMillis)>>,
}

/// What drives an attempt. The scene of the code holds it without knowing more of it, which would have to be loaded first.
pub(super) trait Machine {
    /// Takes what the person decided.
    fn say(&self, input: Input);
}

/// An attempt that is to begin.
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) code: UserCode,
    /// The code as it was typed.
    pub(super) text: String,
}

/// Which scene is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    Entering,
    Reviewing,
    Following,
}

/// What is said in place of an attempt that did not go on, without that anything went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Codes from links are not taken.
    PrefillOff,
    /// The person ended this attempt.
    Ended {
        attempt: u32,
        not_mine: bool,
        /// Whether the device had been reached, so that there is somebody to tell.
        reached: bool,
        told: Told,
    },
}

impl Farewell {
    pub(super) fn words(self, t: Language) -> String {
        let Self::Ended {
            not_mine,
            reached,
            told,
            ..
        } = self
        else {
            return t.prefill_off().to_owned();
        };
        let ended = if not_mine {
            t.ended_not_mine()
        } else {
            t.ended_cancelled()
        };
        if !reached {
            return ended.to_owned();
        }
        let told = match (told, not_mine) {
            (Told::Open, _) => t.ended_telling(),
            (Told::All, true) => t.ended_not_mine_told(),
            (Told::All, false) => t.ended_told(),
            (Told::NotAll, true) => t.ended_not_mine_untold(),
            (Told::NotAll, false) => t.ended_cancelled_untold(),
        };
        format!("{ended} {told}")
    }
}

impl CrossingState {
    pub(super) fn new(reachable: Vec<String>) -> Self {
        Self {
            reachable: StoredValue::new(reachable),
            t: language(),
            entry: CodeEntry::new(),
            prefilled: RwSignal::new(false),
            view: RwSignal::new(None),
            farewell: RwSignal::new(None),
            conversation: RwSignal::new(None),
            starting: RwSignal::new(false),
            machine: Held::new(),
            messages: messages(),
            attempts: StoredValue::new(0),
            untold: StoredValue::new(0),
            last_there: StoredValue::new(None),
        }
    }

    /// Starts an attempt with the code in the field, as soon as there is the code for it.
    pub(super) fn begin(self) {
        if self.is_under_way() || self.starting.get_untracked() {
            return;
        }
        let text = self.entry.text.get_untracked();
        let code = match UserCode::read(&text) {
            Ok(code) => code,
            Err(error) => {
                self.entry.error.set(Some(self.t.code_error(&error)));
                return;
            }
        };
        self.prefilled.set(false);
        self.farewell.set(None);
        self.entry.error.set(None);
        let attempt = self.next_attempt();
        self.starting.set(true);
        leptos::task::spawn_local(async move {
            let conversation = conversation().await;
            self.conversation.set(Some(conversation));
            if self.attempts.get_value() == attempt {
                self.starting.set(false);
                (conversation.start)(
                    self,
                    Attempt {
                        number: attempt,
                        code,
                        text,
                    },
                );
            }
        });
    }

    /// Ends an attempt that is still connecting.
    pub(super) fn cancel(self) {
        match self.machine.get() {
            Some(machine) => machine.say(Input::Cancel),
            // Its code has not been loaded yet, so nobody has heard of it.
            None => self.start_over(true),
        }
    }

    /// Back to the field. What was typed stays when it may be of use again.
    pub(super) fn start_over(self, keep_code: bool) {
        self.next_attempt();
        self.starting.set(false);
        self.machine.clear();
        self.view.set(None);
        if !keep_code {
            self.entry.text.set(String::new());
        }
    }

    /// Whether an attempt goes on.
    pub(super) fn is_under_way(self) -> bool {
        self.view.with_untracked(|view| {
            view.as_ref()
                .is_some_and(|view| !matches!(view.stage, Stage::Failed(_) | Stage::Online))
        })
    }

    /// Whether something would be lost with the page: a conversation from the code on, or the server's hearing of its end. A
    /// device that has its certificate comes online by itself.
    pub(super) fn would_be_lost(self) -> bool {
        let talking = self.view.with_untracked(|view| {
            view.as_ref().is_some_and(|view| {
                matches!(
                    view.stage,
                    Stage::Connecting
                        | Stage::Reviewing
                        | Stage::Approving
                        | Stage::AwaitingConsent
                        | Stage::Signing
                        | Stage::Provisioning
                        | Stage::Installing
                )
            })
        });
        talking || self.untold.get_value() > 0
    }

    pub(super) fn scene(self) -> Scene {
        self.view.with(|view| match view {
            None => Scene::Entering,
            Some(view) => match view.stage {
                Stage::Connecting => Scene::Entering,
                Stage::Reviewing | Stage::Approving => Scene::Reviewing,
                _ => Scene::Following,
            },
        })
    }

    fn next_attempt(self) -> u32 {
        let attempt = self.attempts.get_value().wrapping_add(1);
        self.attempts.set_value(attempt);
        attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_farewell_does_not_claim_what_the_server_has_not_heard() {
        let words = |not_mine, told| {
            Farewell::Ended {
                attempt: 1,
                not_mine,
                reached: true,
                told,
            }
            .words(Language::English)
        };
        assert!(words(false, Told::All).ends_with("know."));
        assert!(words(false, Told::Open).ends_with("being told."));
        for not_mine in [true, false] {
            assert!(words(not_mine, Told::NotAll).contains("could not be told"));
        }
        let unreached = Farewell::Ended {
            attempt: 1,
            not_mine: false,
            reached: false,
            told: Told::All,
        };
        assert_eq!(
            unreached.words(Language::English),
            Language::English.ended_cancelled()
        );
    }
}
