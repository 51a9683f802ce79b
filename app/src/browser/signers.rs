//! What signers elsewhere take: their steps, signing in for them, trying them, ending certificates there. The build puts all of that into a file of its own, which is
//! loaded when it is needed.

use gangway_client::Api;
use gangway_protocol::id::SignerId;
use gangway_protocol::path::page as paths;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::Signer;
use gangway_signing::{
    Advance, Advanced, AwsCredentials, Ending, EndingStep, NoAnswer, Redirect, Response, Returned, Sending,
    SignIn, SignInError, SignInStep, SigningError, ThrowAway, Trial, TrialStage, TrialStep,
    UnreadableCredentials,
};
use leptos::prelude::*;

use super::throw_away::Key;
use super::{clock, page, random, wallet};

/// Takes a signer's step.
pub(crate) async fn advance(advance: Box<Advance>) -> Advanced {
    let advance = match advance.take_at_server() {
        Ok(advanced) => return advanced,
        Err(advance) => advance,
    };
    match elsewhere(Task::Advance(advance)).await {
        Outcome::Advanced(advanced) => *advanced,
        _ => unreachable!("a step leads to a step"),
    }
}

/// Puts pasted credentials of AWS into the wallet.
pub(crate) async fn paste(signer: SignerId, text: SecretString) -> Result<(), UnreadableCredentials> {
    match elsewhere(Task::Paste(signer, text)).await {
        Outcome::Pasted(pasted) => pasted,
        _ => unreachable!("credentials are read or not"),
    }
}

/// A sign-in that waits for the person.
#[derive(Clone)]
pub(crate) struct Waiting {
    sign_in: Box<SignIn>,
    /// Where the person goes.
    pub(crate) url: String,
}

/// What came of somebody's return.
pub(crate) enum Arrival {
    /// The wallet has what the signer takes.
    Done,
    /// It belongs to another sign-in; this one waits on.
    Foreign,
    /// It failed.
    Failed(SignInError),
}

/// Prepares to sign in for a signer. `None` where it has no sign-in.
pub(crate) async fn prepare(api: &Api, signer: Signer) -> Option<Result<Waiting, SignInError>> {
    let redirect = Redirect {
        uri: format!("{}{}", page::origin(), paths::signed_in(&signer.id)),
        reads_fragment: true,
    };
    let Outcome::Begun(begun) = elsewhere(Task::Begin(Box::new(signer), redirect)).await else {
        return None;
    };
    let (sign_in, step) = *begun?;
    Some(match go_on(api, Box::new(sign_in), Ok(step)).await {
        (sign_in, Ok(Some(url))) => Ok(Waiting { sign_in, url }),
        (_, Ok(None)) => Err(SignInError::OtherSignIn),
        (_, Err(error)) => Err(error),
    })
}

/// Goes on with what the authority sent back with the person: a query or a fragment.
pub(crate) async fn arrive(api: &Api, waiting: Waiting, returned: String) -> Arrival {
    let task = Task::Return(waiting.sign_in, returned);
    let Outcome::Stepped(sign_in, step) = elsewhere(task).await else {
        return Arrival::Foreign;
    };
    if matches!(step, Err(SignInError::OtherSignIn)) {
        return Arrival::Foreign;
    }
    match go_on(api, sign_in, step).await {
        (_, Ok(None)) => Arrival::Done,
        (_, Ok(Some(_))) => Arrival::Foreign,
        (_, Err(error)) => Arrival::Failed(error),
    }
}

/// Sends what the sign-in sends, until the person has to go somewhere or it is done.
async fn go_on(
    api: &Api,
    mut sign_in: Box<SignIn>,
    mut step: Result<SignInStep, SignInError>,
) -> (Box<SignIn>, Result<Option<String>, SignInError>) {
    loop {
        let sending = match step {
            Ok(SignInStep::Send(sending)) => sending,
            Ok(SignInStep::Visit { url }) => return (sign_in, Ok(Some(url))),
            Ok(SignInStep::Done) => return (sign_in, Ok(None)),
            Err(error) => return (sign_in, Err(error)),
        };
        let answer = carry(api, *sending).await;
        match elsewhere(Task::Answer(sign_in, answer)).await {
            Outcome::Stepped(next, outcome) => (sign_in, step) = (next, outcome),
            _ => unreachable!("an answer leads to a step"),
        }
    }
}

/// Begins a trial of a signer, with a key that nobody keeps. `None` where the browser makes none.
pub(crate) async fn begin_trial(signer: Signer) -> Option<Box<Trial>> {
    let key = Key::generate().await?;
    let Outcome::Drafted(Some(draft)) = elsewhere(Task::Draft(key.spki.clone())).await else {
        return None;
    };
    let signature = key.sign(draft.message()).await?;
    match elsewhere(Task::Try(Box::new(signer), draft, signature)).await {
        Outcome::Trial(trial) => trial,
        _ => None,
    }
}

/// Goes on with a trial until it wants something or has ended. `at` is called with each stage.
pub(crate) async fn go_on_with_trial(
    api: &Api,
    trial: Box<Trial>,
    at: impl Fn(TrialStage),
) -> (Box<Trial>, Result<TrialStep, SigningError>) {
    let mut task = Task::StartTrial(trial);
    loop {
        let Outcome::Tried(trial, step) = elsewhere(task).await else {
            unreachable!("a trial leads to a trial");
        };
        at(trial.stage());
        let sending = match step {
            Ok(TrialStep::Send(sending)) => sending,
            step => return (trial, step),
        };
        let answer = carry(api, *sending).await;
        task = Task::AnswerTrial(trial, answer);
    }
}

/// Goes on with the end of a certificate at its signer until it wants something or is done.
pub(crate) async fn go_on_with_ending(
    api: &Api,
    ending: Box<Ending>,
) -> (Box<Ending>, Result<EndingStep, SigningError>) {
    let mut task = Task::StartEnding(ending);
    loop {
        let Outcome::EndingWent(ending, step) = elsewhere(task).await else {
            unreachable!("an ending leads to an ending");
        };
        let sending = match step {
            Ok(EndingStep::Send(sending)) => sending,
            step => return (ending, step),
        };
        let answer = carry(api, *sending).await;
        task = Task::AnswerEnding(ending, answer);
    }
}

async fn carry(api: &Api, sending: Sending) -> Result<Response, NoAnswer> {
    api.carry(sending).await.map_err(|error| NoAnswer {
        detail: error.cause(),
    })
}

/// Work that takes the code of signers elsewhere.
enum Task {
    Advance(Box<Advance>),
    Paste(SignerId, SecretString),
    Begin(Box<Signer>, Redirect),
    Answer(Box<SignIn>, Result<Response, NoAnswer>),
    Return(Box<SignIn>, String),
    Draft(Vec<u8>),
    Try(Box<Signer>, Box<ThrowAway>, Vec<u8>),
    StartTrial(Box<Trial>),
    AnswerTrial(Box<Trial>, Result<Response, NoAnswer>),
    StartEnding(Box<Ending>),
    AnswerEnding(Box<Ending>, Result<Response, NoAnswer>),
}

/// What came of it.
enum Outcome {
    Advanced(Box<Advanced>),
    Pasted(Result<(), UnreadableCredentials>),
    Begun(Option<Box<(SignIn, SignInStep)>>),
    Stepped(Box<SignIn>, Result<SignInStep, SignInError>),
    Drafted(Option<Box<ThrowAway>>),
    Trial(Option<Box<Trial>>),
    Tried(Box<Trial>, Result<TrialStep, SigningError>),
    EndingWent(Box<Ending>, Result<EndingStep, SigningError>),
}

#[lazy]
fn elsewhere(task: Task) -> Outcome {
    wallet::with(|wallet| match task {
        Task::Advance(advance) => Outcome::Advanced(Box::new(advance.take(wallet, clock::now()))),
        Task::Paste(signer, text) => Outcome::Pasted(
            AwsCredentials::read(text.expose()).map(|credentials| wallet.put_aws(signer, credentials)),
        ),
        Task::Begin(signer, redirect) => {
            Outcome::Begun(SignIn::begin(&signer, redirect, random::fill).map(Box::new))
        }
        Task::Answer(mut sign_in, answer) => {
            let step = sign_in.answer(answer, wallet, clock::now());
            Outcome::Stepped(sign_in, step)
        }
        Task::Return(mut sign_in, text) => {
            let step = sign_in.returned(&Returned::read(&text));
            Outcome::Stepped(sign_in, step)
        }
        Task::Draft(spki) => Outcome::Drafted(ThrowAway::new(&spki).map(Box::new)),
        Task::Try(signer, draft, signature) => {
            let csr = draft.signed(&signature);
            Outcome::Trial(csr.and_then(|csr| Trial::of(&signer, csr)).map(Box::new))
        }
        Task::StartTrial(mut trial) => {
            let step = trial.start(wallet, clock::now());
            Outcome::Tried(trial, step)
        }
        Task::AnswerTrial(mut trial, answer) => {
            let step = trial.answer(answer, wallet, clock::now());
            Outcome::Tried(trial, step)
        }
        Task::StartEnding(mut ending) => {
            let step = ending.start(wallet, clock::now());
            Outcome::EndingWent(ending, step)
        }
        Task::AnswerEnding(mut ending, answer) => {
            let step = ending.answer(answer, wallet, clock::now());
            Outcome::EndingWent(ending, step)
        }
    })
}
