//! A signer is tried: a request for a key that nobody keeps is signed, then what was signed is removed.

use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{Trial, TrialEnd, TrialStage, TrialStep};
use leptos::either::EitherOf3;
use leptos::prelude::*;

use crate::browser::{clock, signers};
use crate::components::notice::{Notice, Tone};
use crate::components::steps::{Progress, Step, Steps};
use crate::islands::credentials::Credentials;
use crate::visit::language;
use crate::visitor::api;

/// How far it is.
#[derive(Clone, Copy)]
struct Course {
    stage: RwSignal<TrialStage>,
    /// When each stage was reached, and the end.
    reached: RwSignal<Vec<UnixMillis>>,
    outcome: RwSignal<Option<Outcome>>,
}

/// What it came to, for the time being.
#[derive(Clone, PartialEq)]
enum Outcome {
    /// Credentials are wanted; why the former ones were refused.
    Wanting(Option<String>),
    Ended(TrialEnd),
    Failed(String),
}

const STAGES: [TrialStage; 3] = [TrialStage::Credentials, TrialStage::Signing, TrialStage::Removing];

/// The dialog's content: it begins by itself.
#[component]
pub(super) fn SignerTrial(
    signer: Signer,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let course = Course {
        stage: RwSignal::new(TrialStage::Credentials),
        reached: RwSignal::new(vec![clock::now()]),
        outcome: RwSignal::new(None),
    };
    let trial = StoredValue::new(None::<Box<Trial>>);
    let title = t.trial_title(&signer.name);
    let signer = StoredValue::new(signer);
    let go_on = Callback::new(move |()| {
        course.outcome.set(None);
        let (kept, signer) = (trial.get_value(), signer.get_value());
        leptos::task::spawn_local(async move {
            let begun = match kept {
                Some(begun) => Some(begun),
                None => signers::begin_trial(signer).await,
            };
            let Some(begun) = begun else {
                course.end(Outcome::Failed(t.trial_no_key().to_owned()));
                return;
            };
            let (left, step) = signers::go_on_with_trial(&api(), begun, |stage| course.reach(stage)).await;
            course.end(match step {
                Ok(TrialStep::NeedCredentials { refused }) => {
                    let _ = trial.try_update_value(|kept| *kept = Some(left));
                    Outcome::Wanting(refused)
                }
                Ok(TrialStep::Done(end)) => Outcome::Ended(end),
                Ok(TrialStep::Send(_)) => return,
                Err(error) => Outcome::Failed(error.to_string()),
            });
        });
    });
    Effect::new(move |_| go_on.run(()));
    let steps = Signal::derive(move || {
        let labels = [t.trial_sign_in(), t.trial_sign(), t.trial_remove()];
        STAGES
            .into_iter()
            .zip(labels)
            .map(|(stage, label)| Step {
                label,
                note: None,
                progress: course.progress(stage),
            })
            .collect::<Vec<_>>()
    });
    let said = move || {
        course.outcome.get().map(|outcome| match outcome {
            Outcome::Wanting(refused) => {
                EitherOf3::A(view! { <Credentials signer=signer.get_value() refused given=go_on /> })
            }
            Outcome::Ended(end) => EitherOf3::B(view! { <Ended end /> }),
            Outcome::Failed(why) => EitherOf3::C(view! {
                <Notice tone=Tone::Bad>
                    <p role="alert">{t.trial_failed(&why)}</p>
                </Notice>
            }),
        })
    };
    view! {
        <h2>{title}</h2>
        <div class="stack dialog-field">
            <p class="soft">{t.trial_says()}</p>
            <Steps label=t.trial() steps />
            {said}
            <div class="dialog-end">
                <button class="button" type="button" on:click=move |_| open.set(false)>
                    {t.close()}
                </button>
            </div>
        </div>
    }
}

#[component]
fn Ended(end: TrialEnd) -> impl IntoView {
    let t = language();
    match end {
        TrialEnd::Claim => view! {
            <Notice tone=Tone::Plain>
                <p role="status">{t.trial_claim()}</p>
            </Notice>
        }
        .into_any(),
        TrialEnd::Gone => view! {
            <Notice tone=Tone::Plain>
                <p role="status">{t.trial_good()}</p>
            </Notice>
        }
        .into_any(),
        TrialEnd::Left { why, find } => view! {
            <Notice tone=Tone::Warn>
                <p role="status">{t.trial_good_but_left(&why)}</p>
                <div class="row">
                    <a class="button" href=find target="_blank" rel="noopener noreferrer">
                        {t.reply_lost_look()}
                    </a>
                </div>
            </Notice>
        }
        .into_any(),
    }
}

impl Course {
    fn reach(self, stage: TrialStage) {
        if self
            .stage
            .try_get_untracked()
            .is_some_and(|before| before < stage)
        {
            self.stage.set(stage);
            self.reached.update(|reached| reached.push(clock::now()));
        }
    }

    fn end(self, outcome: Outcome) {
        if matches!(outcome, Outcome::Ended(_)) {
            let _ = self.reached.try_update(|reached| reached.push(clock::now()));
        }
        let _ = self.outcome.try_set(Some(outcome));
    }

    fn progress(self, stage: TrialStage) -> Progress {
        let place = STAGES
            .iter()
            .position(|other| *other == stage)
            .unwrap_or_default();
        let took = self
            .reached
            .with(|reached| Some(reached.get(place + 1)?.since(*reached.get(place)?)));
        let failed = self
            .outcome
            .with(|outcome| matches!(outcome, Some(Outcome::Failed(_))));
        match (took, self.stage.get() == stage) {
            (Some(took), _) => Progress::Done(took),
            (None, true) if failed => Progress::Failed,
            (None, true) => Progress::Running,
            (None, false) => Progress::Coming,
        }
    }
}
