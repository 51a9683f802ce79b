//! Runs the session machine over one connection, and does what its end demands.

use std::time::{Duration, Instant};

use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::path;
use gangway_protocol::session::{DeviceToServer, SESSION_SUBPROTOCOL, ServerToDevice};

use super::driver::{Driver, Retry, Stopped, until};
use super::handle::Command;
use super::measuring::Measuring;
use crate::credential::Credential;
use crate::event::{Event, Trouble};
use crate::session::{Effect, Ending, Proof, RENEWAL_REPEAT, Session, Standing, Verdict, verdict};
use crate::store::Store;
use crate::transport::{Lost, Socket};

/// Why a session is over.
enum Over {
    Ended(Ending),
    Lost(Lost),
}

/// What woke the device up.
enum Wake {
    Frame(ServerToDevice),
    Tick,
    Renew,
}

impl Driver {
    /// Opens a session with `credential` and holds it.
    pub(super) async fn hold_session(
        &mut self,
        credential: Credential,
        standing: Standing,
    ) -> Result<(), Stopped> {
        let dialer = self.dialer.clone();
        let socket = tokio::select! {
            opened = dialer.open(path::SESSION_SOCKET, SESSION_SUBPROTOCOL) => opened,
            stopped = self.stopped() => return Err(stopped),
        };
        let wait = match socket {
            Err(error) => self.unreachable(error).await?,
            Ok(socket) => match self.converse(socket, credential, standing).await? {
                Over::Lost(lost) => self.lost(lost).await?,
                Over::Ended(Ending::Switch) => Duration::ZERO,
                Over::Ended(Ending::Broken(trouble)) => {
                    let reason = trouble.message.clone();
                    self.tell_trouble(trouble).await?;
                    self.offline(reason, Retry::Backoff).await?
                }
                Over::Ended(Ending::Revoked { .. }) => {
                    self.set_key_aside().await?;
                    Duration::ZERO
                }
                Over::Ended(Ending::Refused(problem)) => self.after_refusal(problem, standing).await?,
            },
        };
        self.sleep(wait).await
    }

    async fn after_refusal(&mut self, problem: Problem, standing: Standing) -> Result<Duration, Stopped> {
        if problem.code == ProblemCode::CsrRefused {
            // The device stays online with what it has; asking at once again would only be refused again.
            self.renewal_not_before = Some(Instant::now() + RENEWAL_REPEAT);
        }
        match verdict(&problem, standing) {
            Verdict::Again => self.refused(problem, Retry::Backoff).await,
            Verdict::NotBefore(due) => self.refused(problem, Retry::NotBefore(due)).await,
            Verdict::Forget => {
                let message =
                    "The new certificate was not accepted and is forgotten: ".to_owned() + &problem.message;
                let remedy = "The device goes on with its old certificate, or shows a new code.";
                self.tell(Event::Error(Trouble::new(problem.code.as_str(), message, remedy)))
                    .await?;
                let forgotten = self.store.change(Store::forget_fresh).await;
                let done = self.stored(forgotten).await?;
                Ok(if done {
                    Duration::ZERO
                } else {
                    Duration::from_secs(60)
                })
            }
            Verdict::EnrolAgain => {
                self.enrol_again = true;
                let remedy = "Enter the code that follows: the device keeps its key.";
                self.tell(Event::Error(Trouble::new(
                    problem.code.as_str(),
                    problem.message,
                    remedy,
                )))
                .await?;
                Ok(Duration::ZERO)
            }
            Verdict::SetKeyAside => {
                self.tell(Event::Revoked {
                    reason: problem.message,
                })
                .await?;
                self.set_key_aside().await?;
                Ok(Duration::ZERO)
            }
        }
    }

    /// Runs the machine over one connection.
    async fn converse(
        &mut self,
        mut socket: Socket,
        credential: Credential,
        standing: Standing,
    ) -> Result<Over, Stopped> {
        let proof = Proof {
            key: self.key.clone(),
            csr: self.identity.csr.clone(),
            credential,
            standing,
            origin: self.settings.server.origin().to_owned(),
            agent: self.settings.agent.clone(),
            facts: self.settings.facts.clone(),
            counter: self.store.look(Store::counter),
            renewal_not_before: self.renewal_not_before,
        };
        let is_slow = self.key.is_slow();
        let mut machine = Session::new(proof, self.random.clone(), Instant::now());
        let mut measuring = Measuring::new(self.spool.clone());
        loop {
            let wake = tokio::select! {
                frame = socket.next() => match frame {
                    Err(lost) => return Ok(Over::Lost(lost)),
                    Ok(frame) => Wake::Frame(frame),
                },
                () = until(machine.due()) => Wake::Tick,
                () = measuring.due(), if machine.takes_measurements() => {
                    if let Some(over) = self.send_measurements(&mut measuring, &mut socket).await? {
                        return Ok(over);
                    }
                    continue;
                }
                command = self.command() => match command {
                    Ok(Command::Renew) => Wake::Renew,
                    Ok(other) => {
                        self.decline(other).await?;
                        continue;
                    }
                    Err(stopped) => {
                        socket.close().await;
                        return Err(stopped);
                    }
                },
            };
            if let Wake::Frame(ServerToDevice::Welcome { server_time, .. }) = &wake {
                self.reached();
                self.learn_time(*server_time, socket.expires_at()).await?;
            }
            let effects;
            (machine, effects) = act(machine, wake, is_slow).await;
            if let Some(over) = self.do_in_session(effects, &mut machine, &mut socket).await? {
                if let Over::Ended(Ending::Refused(problem)) = &over
                    && let Err(error) = measuring.refused(problem)
                {
                    self.tell_trouble(not_kept(&error)).await?;
                }
                if !matches!(over, Over::Lost(_)) {
                    socket.close().await;
                }
                return Ok(over);
            }
        }
    }

    async fn send_measurements(
        &mut self,
        measuring: &mut Measuring,
        socket: &mut Socket,
    ) -> Result<Option<Over>, Stopped> {
        let frame = match measuring.next_frame(socket.is_answered()) {
            Ok(frame) => frame,
            Err(error) => {
                self.tell_trouble(not_kept(&error)).await?;
                return Ok(None);
            }
        };
        let Some(series) = frame else { return Ok(None) };
        let sent = match socket.send(&DeviceToServer::Measurements { series }).await {
            Ok(()) => socket.ping().await,
            lost => lost,
        };
        Ok(sent.err().map(Over::Lost))
    }

    async fn do_in_session(
        &mut self,
        effects: Vec<Effect>,
        machine: &mut Session,
        socket: &mut Socket,
    ) -> Result<Option<Over>, Stopped> {
        let mut queue = std::collections::VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::SaveCounter(counter) => {
                    // What cannot be saved must not be sent: the next session would repeat it and look like a clone.
                    if let Err(error) = self.store.change(move |store| store.save_counter(counter)).await {
                        let remedy = "Make room or mend the permissions of the state directory.";
                        let trouble = Trouble::new("not_stored", error.to_string(), remedy);
                        return Ok(Some(Over::Ended(Ending::Broken(trouble))));
                    }
                }
                Effect::Send(frame) => {
                    if let Err(lost) = socket.send(&frame).await {
                        return Ok(Some(Over::Lost(lost)));
                    }
                }
                Effect::Tell(event) => self.tell(event).await?,
                Effect::Proved {
                    certificate_sha256,
                    device,
                    organisation,
                } => {
                    let prove =
                        move |store: &mut Store| store.prove(&certificate_sha256, &device, &organisation);
                    let proved = self.store.change(prove).await;
                    self.stored(proved).await?;
                }
                Effect::KeepConfiguration(configuration) => {
                    let kept = self
                        .store
                        .change(move |store| store.keep_configuration(configuration))
                        .await;
                    self.stored(kept).await?;
                }
                Effect::Install(installation) => {
                    let credential = installation.credential.clone();
                    let written = self.store.change(move |store| store.install(*installation)).await;
                    let written = written.map_err(|error| error.to_string());
                    queue.extend(machine.installed(&credential, written));
                }
                Effect::End(ending) => return Ok(Some(Over::Ended(ending))),
            }
        }
        Ok(None)
    }

    /// Resolves when the agent is to end. Other wishes mean nothing before a session stands, and that is told.
    async fn stopped(&mut self) -> Stopped {
        loop {
            let declined = match self.command().await {
                Ok(command) => self.decline(command).await,
                Err(stopped) => return stopped,
            };
            if let Err(stopped) = declined {
                return stopped;
            }
        }
    }
}

fn not_kept(error: &std::io::Error) -> Trouble {
    let remedy = "Make room or mend the permissions of the state directory; what was measured waits there.";
    Trouble::new("not_stored", error.to_string(), remedy)
}

/// Lets the machine act. It may sign, which takes a slow key so long that it is done where it may block.
async fn act(machine: Session, wake: Wake, is_slow: bool) -> (Session, Vec<Effect>) {
    let act = move || {
        let (mut machine, now) = (machine, Instant::now());
        let effects = match wake {
            Wake::Frame(frame) => machine.frame(frame, now),
            Wake::Tick => machine.tick(now),
            Wake::Renew => machine.renew_now(now),
        };
        (machine, effects)
    };
    if !is_slow {
        return act();
    }
    match tokio::task::spawn_blocking(act).await {
        Ok(acted) => acted,
        // Blocking tasks are not cancelled: it panicked, and the agent's end says so.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
