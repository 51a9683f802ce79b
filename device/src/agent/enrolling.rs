//! Runs the enrolment machine over connections, until a certificate is installed.

use std::sync::Arc;
use std::time::Instant;

use gangway_protocol::enrolment::{ENROLMENT_SUBPROTOCOL, Provisioned, ProvisioningClaim, ServerToDevice};
use gangway_protocol::error::Problem;
use gangway_protocol::id::ClaimId;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use tokio::task::{JoinError, JoinSet};

use super::driver::{Driver, Retry, Stopped, until};
use super::handle::Command;
use crate::enrolment::{Effect, Enrolment, Fault};
use crate::mqtt;
use crate::session::not_renewed;
use crate::transport::{Lost, Socket, TransportError};

/// Why a connection is over.
enum Over {
    Enrolled,
    Pause(Instant),
    Refused(Problem),
    Lost(Lost),
}

/// What woke the device up.
enum Wake {
    Frame(Result<ServerToDevice, Lost>),
    Tick,
    Command(Command),
    Provisioned(ClaimId, Result<Provisioned, Fault>),
}

/// A connection, and what is under way while it stands.
#[derive(Default)]
struct Conversation {
    socket: Option<Socket>,
    /// The device fetches its certificate. Dropping this ends it.
    provisioning: JoinSet<(ClaimId, Result<Provisioned, Fault>)>,
}

impl Driver {
    /// Waits under a code until a certificate is installed.
    pub(super) async fn enrol(&mut self) -> Result<(), Stopped> {
        let resume = self.store.look(|store| store.record().resume.clone());
        let resume = resume.map(|token| token.expose().to_owned());
        let identity = self.identity.clone();
        let mut machine = Enrolment::new(identity, self.settings.accept, resume, self.random.clone())
            .with_code_life(self.settings.code_life)
            .with_permit(self.settings.permit.clone());
        loop {
            let wait = match self.connect(&mut machine).await? {
                Err(error) => self.unreachable(error).await?,
                Ok(socket) => match self.attend(&mut machine, socket).await? {
                    Over::Enrolled => {
                        self.enrol_again = false;
                        return Ok(());
                    }
                    Over::Pause(until) => until.saturating_duration_since(Instant::now()),
                    Over::Lost(lost) => self.lost(lost).await?,
                    Over::Refused(problem) => {
                        let secs = problem.retry_after_secs.map(u64::from);
                        let retry = secs.map_or(Retry::Backoff, |secs| {
                            Retry::NotBefore(std::time::Duration::from_secs(secs.min(3600)))
                        });
                        self.refused(problem, retry).await?
                    }
                },
            };
            self.idle(&mut machine, Instant::now() + wait).await?;
        }
    }

    /// Opens a connection, while the code on the screen grows old.
    async fn connect(&mut self, machine: &mut Enrolment) -> Result<Result<Socket, TransportError>, Stopped> {
        let dialer = self.dialer.clone();
        let opening = dialer.open(path::ENROLMENT_SOCKET, ENROLMENT_SUBPROTOCOL);
        tokio::pin!(opening);
        loop {
            let wake = tokio::select! {
                opened = &mut opening => return Ok(opened),
                () = until(machine.due()) => Wake::Tick,
                command = self.command() => Wake::Command(command?),
            };
            self.without_connection(machine, wake).await?;
        }
    }

    /// Waits without a connection.
    async fn idle(&mut self, machine: &mut Enrolment, end: Instant) -> Result<(), Stopped> {
        loop {
            let wake = tokio::select! {
                () = until(Some(end)) => return Ok(()),
                () = until(machine.due()) => Wake::Tick,
                command = self.command() => Wake::Command(command?),
            };
            self.without_connection(machine, wake).await?;
        }
    }

    async fn without_connection(&mut self, machine: &mut Enrolment, wake: Wake) -> Result<(), Stopped> {
        let effects = act(machine, wake);
        self.carry_out(effects, machine, &mut Conversation::default())
            .await
            .map(drop)
    }

    /// Runs the machine over one connection.
    async fn attend(&mut self, machine: &mut Enrolment, socket: Socket) -> Result<Over, Stopped> {
        let effects = machine.connected();
        let mut conversation = Conversation {
            socket: Some(socket),
            ..Conversation::default()
        };
        let mut over = self.carry_out(effects, machine, &mut conversation).await?;
        while let (None, Some(open)) = (&over, &mut conversation.socket) {
            let wake = tokio::select! {
                frame = open.next() => Ok(Wake::Frame(frame)),
                () = until(machine.due()) => Ok(Wake::Tick),
                command = self.command() => command.map(Wake::Command),
                Some(fetched) = conversation.provisioning.join_next() => match fetched {
                    Ok((claim, outcome)) => Ok(Wake::Provisioned(claim, outcome)),
                    Err(ended) => match machine.provisions().cloned() {
                        Some(claim) => Ok(Wake::Provisioned(claim, Err(failed(&ended)))),
                        // Nobody waits for it any more.
                        None => continue,
                    },
                },
            };
            let wake = match wake {
                Ok(wake) => wake,
                Err(stopped) => {
                    if let Some(open) = conversation.socket {
                        open.close().await;
                    }
                    return Err(stopped);
                }
            };
            if let Wake::Frame(Ok(ServerToDevice::Nameplate { server_time, .. })) = &wake {
                self.reached();
                self.learn_time(*server_time, open.expires_at()).await?;
            }
            over = match wake {
                Wake::Frame(Err(lost)) => Some(Over::Lost(lost)),
                wake => {
                    let effects = act(machine, wake);
                    self.carry_out(effects, machine, &mut conversation).await?
                }
            };
            if machine.provisions().is_none() {
                conversation.provisioning.abort_all();
            }
        }
        if let Some(open) = conversation.socket.take() {
            open.close().await;
        }
        let effects = machine.disconnected(Instant::now());
        let later = self.carry_out(effects, machine, &mut conversation).await?;
        // What the machine decides when it learns of the loss (a pause) outweighs the loss.
        Ok(later
            .or(over)
            .unwrap_or(Over::Lost(Lost::Broken("it ended".to_owned()))))
    }

    /// Carries effects out in order. A frame that cannot be sent means that the connection is lost; what concerns the
    /// device itself is done all the same.
    async fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        machine: &mut Enrolment,
        conversation: &mut Conversation,
    ) -> Result<Option<Over>, Stopped> {
        let mut queue = std::collections::VecDeque::from(effects);
        let mut over = None;
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Send(frame) => {
                    if let Some(open) = &mut conversation.socket
                        && let Err(lost) = open.send(&frame).await
                    {
                        conversation.socket = None;
                        over.get_or_insert(Over::Lost(lost));
                    }
                }
                Effect::Tell(event) => self.tell(event).await?,
                Effect::KeepResume(resume) => {
                    let kept = self.store.change(move |store| store.keep_resume(resume)).await;
                    self.stored(kept).await?;
                }
                Effect::Install(installation) => {
                    let written = self.store.change(move |store| store.install(*installation)).await;
                    let written = written.map_err(|error| error.to_string());
                    queue.extend(machine.installed(written, Instant::now()));
                }
                Effect::Provision(claim) => {
                    if let Some(id) = machine.provisions().cloned() {
                        let fetching = self.fetching(*claim, machine);
                        conversation
                            .provisioning
                            .spawn(async move { (id, fetching.await) });
                    }
                }
                Effect::Enrolled => over = Some(Over::Enrolled),
                Effect::Pause(until) => over = Some(Over::Pause(until)),
                Effect::Refused(problem) => over = Some(Over::Refused(problem)),
            }
        }
        Ok(over)
    }

    /// Fetches a certificate with a claim.
    fn fetching(
        &self,
        claim: ProvisioningClaim,
        machine: &Enrolment,
    ) -> impl Future<Output = Result<Provisioned, Fault>> + use<> {
        let now = machine
            .server_clock()
            .map_or(UnixMillis(0), |clock| clock.at(Instant::now()));
        // The name is for AWS's log alone: nothing else is known of the device there yet.
        let name: String = self.key.id().to_string().chars().take(16).collect();
        let fetching = mqtt::provision(
            Arc::clone(&self.dialer),
            self.settings.mqtt.clone(),
            claim,
            self.identity.csr.pem.clone(),
            format!("gangway-{name}"),
            now,
        );
        async move {
            fetching.await.map_err(|error| Fault {
                code: error.code(),
                message: error.to_string(),
            })
        }
    }
}

/// The software itself broke while it fetched a certificate.
fn failed(ended: &JoinError) -> Fault {
    Fault {
        code: "failed",
        message: format!("the device software failed: {ended}"),
    }
}

fn act(machine: &mut Enrolment, wake: Wake) -> Vec<Effect> {
    let now = Instant::now();
    match wake {
        Wake::Frame(Ok(frame)) => machine.frame(frame, now),
        Wake::Command(Command::Answer { question, accepted }) => machine.decide(&question, accepted, now),
        Wake::Command(Command::Renew) => vec![Effect::Tell(not_renewed())],
        Wake::Command(Command::ReplaceCode) => machine.replace_code(),
        Wake::Provisioned(claim, outcome) => machine.provisioned(&claim, outcome, now),
        Wake::Frame(Err(_)) | Wake::Command(Command::Stop) | Wake::Tick => machine.tick(now),
    }
}
