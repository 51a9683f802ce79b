//! What comes after the code: the conversation with the device and its scenes. The build puts it into a file of its own, which
//! is loaded while the person types.

use std::rc::Rc;

use gangway_client::crossing::{Failure, Input, Stage, Told, View};
use gangway_protocol::account::Account;
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::failure;
use super::progress::Following;
use super::reviewing::Reviewing;
use super::state::{Attempt, CrossingState, Farewell, Machine, Scene};
use crate::browser::clock;
use crate::browser::crossing::Driver;
use crate::visitor::api;

/// A device that was reached under a code is probably coming back to it for as long as a code is valid.
const COMES_BACK_MILLIS: i64 = 10 * UnixMillis::MINUTE;

/// The ways into it.
#[derive(Clone, Copy)]
pub(super) struct Conversation {
    /// Starts an attempt.
    pub(super) start: fn(CrossingState, Attempt),
    /// Draws a scene of it.
    pub(super) draw: fn(Scene, CrossingState, StoredValue<Account>) -> AnyView,
}

/// Loads it.
#[lazy]
pub(super) fn conversation() -> Conversation {
    Conversation {
        start: CrossingState::start,
        draw,
    }
}

fn draw(scene: Scene, state: CrossingState, account: StoredValue<Account>) -> AnyView {
    match scene {
        Scene::Entering => ().into_any(),
        Scene::Reviewing => view! { <Reviewing state account /> }.into_any(),
        Scene::Following => view! { <Following state account /> }.into_any(),
    }
}

impl Machine for Driver {
    fn say(&self, input: Input) {
        Driver::say(self, input);
    }
}

impl CrossingState {
    fn start(self, Attempt { number, code, text }: Attempt) {
        let ended = StoredValue::new(false);
        let show = move |view: &View| self.show(number, &text, ended, view);
        self.machine.hold(Rc::new(Driver::start(api(), &code, show)));
    }

    /// Tells the machine what the person decided.
    pub(super) fn say(self, input: Input) {
        if let Some(machine) = self.machine.get() {
            machine.say(input);
        }
    }

    fn show(self, attempt: u32, code: &str, ended: StoredValue<bool>, view: &View) {
        if let Stage::Failed(failure @ (Failure::NotMine | Failure::Cancelled)) = &view.stage {
            let told = view.told;
            let farewell = Farewell::Ended {
                attempt,
                not_mine: *failure == Failure::NotMine,
                reached: view.claim.is_some(),
                told,
            };
            self.end(farewell, attempt, ended, told);
            return;
        }
        if self.attempts.get_value() != attempt {
            return;
        }
        if view.claim.is_some() && view.stage == Stage::Connecting {
            self.note_there(code);
        }
        match &view.stage {
            // Before the device has introduced itself, all that can be wrong is the code or the way to it.
            Stage::Failed(failure) if view.review.is_none() => {
                let (cause, remedy) = if *failure == Failure::CodeUnknown && self.was_there(code) {
                    (
                        self.t.failure_coming_back().to_owned(),
                        self.t.failure_coming_back_remedy().to_owned(),
                    )
                } else {
                    failure::words(self.t, failure)
                };
                if failure::is_interruption(failure) {
                    self.note_there(code);
                }
                self.entry
                    .error
                    .set(Some(format!("{cause} {remedy}").trim_end().to_owned()));
                self.start_over(true);
            }
            _ => {
                // Each tick of the machine's clock shows its view again.
                if self.view.with_untracked(|shown| shown.as_ref() != Some(view)) {
                    self.view.set(Some(view.clone()));
                }
            }
        }
    }

    /// The person ended an attempt: nothing went wrong, so nothing is shown as wrong. It says so until the next one begins,
    /// and what the server could not be told it says in any case.
    fn end(self, farewell: Farewell, attempt: u32, ended: StoredValue<bool>, told: Told) {
        if !ended.get_value() {
            ended.set_value(true);
            self.untold
                .update_value(|untold| *untold = untold.saturating_add(1));
            self.start_over(false);
            self.farewell.set(Some(farewell));
        }
        let shown = self.farewell.with_untracked(
            |shown| matches!(shown, Some(Farewell::Ended { attempt: of, .. }) if *of == attempt),
        );
        if shown {
            // Screen readers say it again when it changes, so only then.
            if self.farewell.get_untracked() != Some(farewell) {
                self.farewell.set(Some(farewell));
            }
        } else if told == Told::NotAll {
            self.messages.warn(farewell.words(self.t));
        }
        if told != Told::Open {
            self.untold
                .update_value(|untold| *untold = untold.saturating_sub(1));
        }
    }

    fn note_there(self, code: &str) {
        self.last_there.set_value(Some((code.to_owned(), clock::now())));
    }

    fn was_there(self, code: &str) -> bool {
        self.last_there.with_value(|last| {
            last.as_ref()
                .is_some_and(|(of, at)| of == code && clock::now().since(*at) < COMES_BACK_MILLIS)
        })
    }
}
