//! What is done with a plgd client. The build puts the machine for it into a file of its own, which is loaded when it is needed.

use gangway_client::Api;
use gangway_protocol::id::SignerId;
use gangway_protocol::path::page as paths;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{
    ClientAccess, ClientAddress, ClientError, ClientStage, ClientStep, ClientTask, ClientWork, NoAnswer,
    Redirect, Response, Returned, SignInError,
};
use leptos::prelude::*;

use super::{clock, page, random, wallet};

/// What a person asks for; the rest of a task is added where it is made.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// As it is.
    Task(ClientTask),
    /// To have this device join the hub.
    Onboard(gangway_signing::ClientDevice),
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) stage: ClientStage,
    /// A challenge had expired, and a fresh one was asked for.
    pub(crate) had_expired: bool,
}

/// What a task wants, or what became of it.
pub(crate) type Stepped = (Box<ClientWork>, Result<ClientStep, ClientError>);

/// Begins a task. `None` where it takes a hub and there is none.
pub(crate) async fn begin(
    client: ClientAddress,
    access: Option<ClientAccess>,
    wanted: Wanted,
) -> Option<Box<ClientWork>> {
    match at_client(Task::Begin(client, access.map(Box::new), Box::new(wanted))).await {
        Outcome::Begun(work) => work,
        Outcome::Stepped(..) => None,
    }
}

/// Starts it, or starts it again once the wallet has what it wants. `at` is called with how far it is.
pub(crate) async fn start(api: &Api, work: Box<ClientWork>, at: impl Fn(Reached)) -> Stepped {
    go_on(api, Task::Start(work), at).await
}

/// Goes on with what an authority sent back with the person. `None` where it belongs to something else: `work` waits on.
pub(crate) async fn arrive(
    api: &Api,
    work: Box<ClientWork>,
    returned: String,
    at: impl Fn(Reached),
) -> Option<Stepped> {
    let stepped = go_on(api, Task::Return(work, returned), at).await;
    let is_foreign = matches!(stepped.1, Err(ClientError::Authority(SignInError::OtherSignIn)));
    (!is_foreign).then_some(stepped)
}

/// Sends what is to be sent and waits where it is to be waited, until a person is wanted or it has ended.
async fn go_on(api: &Api, mut task: Task, at: impl Fn(Reached)) -> Stepped {
    loop {
        let Outcome::Stepped(work, step) = at_client(task).await else {
            unreachable!("a step leads to a step");
        };
        // A task that has ended, or waits for a person, stays where it was.
        if matches!(step, Ok(ClientStep::Send(_) | ClientStep::Wait { .. })) {
            at(Reached {
                stage: work.stage(),
                had_expired: work.had_expired(),
            });
        }
        task = match step {
            Ok(ClientStep::Send(sending)) => {
                let answer = api.carry(*sending).await.map_err(|error| NoAnswer {
                    detail: error.cause(),
                });
                Task::Answer(work, answer)
            }
            Ok(ClientStep::Wait { millis }) => {
                clock::sleep(millis).await;
                Task::Waited(work)
            }
            step => return (work, step),
        };
    }
}

/// Where an authority sends people back to who get a code for a device.
fn redirect(signer: &SignerId) -> Redirect {
    Redirect {
        uri: format!("{}{}", page::origin(), paths::signed_in(signer)),
        reads_fragment: true,
    }
}

/// Work that takes the machine.
enum Task {
    Begin(ClientAddress, Option<Box<ClientAccess>>, Box<Wanted>),
    Start(Box<ClientWork>),
    Answer(Box<ClientWork>, Result<Response, NoAnswer>),
    Return(Box<ClientWork>, String),
    Waited(Box<ClientWork>),
}

/// What came of it.
enum Outcome {
    Begun(Option<Box<ClientWork>>),
    Stepped(Box<ClientWork>, Result<ClientStep, ClientError>),
}

#[lazy]
fn at_client(task: Task) -> Outcome {
    let now: UnixMillis = clock::now();
    wallet::with(|wallet| match task {
        Task::Begin(client, access, wanted) => {
            let task = match (*wanted, &access) {
                (Wanted::Task(task), _) => Some(task),
                (Wanted::Onboard(device), Some(access)) => {
                    let redirect = redirect(&access.signer.id);
                    Some(ClientTask::onboard(device.id, redirect, random::fill))
                }
                (Wanted::Onboard(_), None) => None,
            };
            let access = access.map(|access| *access);
            Outcome::Begun(
                task.and_then(|task| ClientWork::new(client, access, task))
                    .map(Box::new),
            )
        }
        Task::Start(mut work) => {
            let step = work.start(wallet, now);
            Outcome::Stepped(work, step)
        }
        Task::Answer(mut work, answer) => {
            let step = work.answer(answer, wallet, now);
            Outcome::Stepped(work, step)
        }
        Task::Return(mut work, text) => {
            let step = work.returned(&Returned::read(&text), wallet);
            Outcome::Stepped(work, step)
        }
        Task::Waited(mut work) => {
            let step = work.waited(wallet);
            Outcome::Stepped(work, step)
        }
    })
}
