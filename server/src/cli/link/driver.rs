//! Drives a crossing: the socket, the calls, the person and the clock feed it, one thing after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use gangway_client::crossing::{Answer, Crossing, Decision, Effect, Input, Obstacle, Stage, View};
use gangway_client::{Api, ApiError, Native, NativeSocket, SocketEvent};
use gangway_protocol::certificate::{Approval, EnrolmentStage};
use gangway_protocol::code::UserCode;
use gangway_protocol::enrolment::CLAIM_SUBPROTOCOL;
use gangway_protocol::path;
use gangway_signing::Wallet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::exit::Exit;
use super::input::{Decided, Lines};
use super::report::Report;
use crate::ca::verify;
use crate::clock::{Clock as _, SystemClock};
use crate::rng::{Random as _, SystemRandom};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);
/// Between two questions whether the device is online: most are within milliseconds, so the first waits little, and each
/// further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long the server may take to hear of an end that the person knows already.
const FAREWELL: Duration = Duration::from_secs(10);

/// Everything that a claim from the terminal needs.
pub(super) struct Driver<'a> {
    pub(super) native: Native,
    pub(super) api: Api,
    pub(super) report: &'a Report,
    pub(super) lines: Lines,
    /// What is approved, once somebody says yes.
    pub(super) decision: Decision,
    /// What signers elsewhere ask for.
    pub(super) wallet: Wallet,
    /// Whether another certificate is wanted after a lost reply.
    pub(super) signs_again: bool,
    /// Whether the person is asked.
    pub(super) asks: bool,
    pub(super) wait_secs: u32,
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is going on besides the crossing itself.
#[derive(Default)]
struct Going {
    socket: Option<NativeSocket>,
    call: Option<Pending<Answer>>,
    /// Asks how far the enrolment has got, to see the device come online.
    watch: Option<Pending<Result<Approval, ApiError>>>,
    /// How long the next such question waits.
    pause: Duration,
    inputs: VecDeque<Input>,
    /// The person has been asked and has not answered.
    asked: bool,
    closed: bool,
    /// The person pressed Ctrl-C while a signer was being asked.
    interrupted: bool,
    /// When to stop waiting, once waiting has an end.
    deadline: Option<Instant>,
}

impl Driver<'_> {
    /// Crosses, up to the device's first session.
    pub(super) async fn run(mut self, code: &UserCode) -> Result<(), Exit> {
        let origin = self.native.origin();
        let (mut crossing, effects) =
            Crossing::start(code, &origin, SystemClock.now(), |bytes| SystemRandom.fill(bytes));
        let mut going = Going::default();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.carry_out(effects, &mut going).await;
        loop {
            if let Some(end) = self.end(crossing.view(), &going) {
                return end;
            }
            let input = match going.inputs.pop_front() {
                Some(input) => input,
                None => tokio::select! {
                    input = hear(&mut going.socket) => input,
                    answer = settle(&mut going.call) => Input::Answered(Box::new(answer)),
                    approval = settle(&mut going.watch) => match is_proven(&approval) {
                        true => Input::Online,
                        false => {
                            self.watch(crossing.view(), &mut going);
                            continue;
                        }
                    },
                    decided = self.lines.decision(), if going.asked => {
                        going.asked = false;
                        self.say(decided)
                    }
                    _ = tokio::signal::ctrl_c() => {
                        if crossing.view().can_cancel() {
                            Input::Cancel
                        } else if self.asks_elsewhere(crossing.view()) && !going.interrupted {
                            // What the signer says is recorded first.
                            going.interrupted = true;
                            self.report.note("Waiting for what the signer says. Press Ctrl-C once more to stop at once.");
                            Input::SocketClosed
                        } else {
                            return Err(interrupted(crossing.view()));
                        }
                    }
                    _ = ticks.tick() => Input::Tick,
                },
            };
            let before = crossing.view().clone();
            let effects = crossing.handle(input, SystemClock.now());
            self.report.changes(&before, crossing.view(), SystemClock.now());
            self.carry_out(effects, &mut going).await;
            self.attend(&before, crossing.view(), &mut going);
        }
    }

    async fn carry_out(&mut self, effects: Vec<Effect>, going: &mut Going) {
        for effect in effects {
            match effect {
                Effect::OpenSocket { path } => {
                    match self.native.open_socket(&path, CLAIM_SUBPROTOCOL).await {
                        Ok(socket) => {
                            going.socket = Some(socket);
                            going.inputs.push_back(Input::SocketOpened);
                        }
                        Err(error) => going.inputs.push_back(Input::SocketFailed {
                            detail: error.to_string(),
                        }),
                    }
                }
                Effect::Send(text) => {
                    if let Some(socket) = going.socket.as_mut()
                        && socket.send(text).await.is_err()
                    {
                        going.inputs.push_back(Input::SocketClosed);
                    }
                }
                Effect::CloseSocket => {
                    if let Some(socket) = going.socket.take() {
                        socket.close().await;
                    }
                    going.closed = true;
                }
                Effect::VerifyCsr(csr) => going.inputs.push_back(Input::CsrVerified {
                    good: verify::holds(csr.signature_check()),
                }),
                Effect::Call(call) => {
                    let api = self.api.clone();
                    going.call = Some(Box::pin(async move { api.perform(*call).await }));
                }
                Effect::Advance(advance) => {
                    let advanced = advance.take(&mut self.wallet, SystemClock.now());
                    going.inputs.push_back(Input::Advanced(Box::new(advanced)));
                }
            }
        }
    }

    /// Does what a new stage asks of whoever watches.
    fn attend(&mut self, before: &View, view: &View, going: &mut Going) {
        let entered = before.stage != view.stage;
        let hindered = view
            .obstacle
            .as_ref()
            .filter(|_| before.obstacle != view.obstacle);
        if let Some(obstacle) = hindered.filter(|obstacle| obstacle.is_of_signing()) {
            // Once: what is lost again is looked for again.
            let wants_another =
                matches!(obstacle, Obstacle::ReplyLost { .. }) && std::mem::take(&mut self.signs_again);
            going.inputs.push_back(match wants_another {
                true => Input::SignAgain,
                false => Input::Cancel,
            });
        }
        match &view.stage {
            Stage::Reviewing if entered => self.review(view, going),
            Stage::Installed if entered => {
                going.deadline = Some(Instant::now() + Duration::from_secs(self.wait_secs.into()));
                going.pause = FIRST_PAUSE;
                self.watch(view, going);
            }
            Stage::Failed(_) if entered => {
                going.asked = false;
                going.deadline = Some(Instant::now() + FAREWELL);
            }
            _ => {}
        }
    }

    /// Asks the server in a moment how far it has got, now that the device has its certificate.
    fn watch(&self, view: &View, going: &mut Going) {
        if view.stage == Stage::Installed
            && let Some(claim) = view.claim.clone()
        {
            let (api, pause) = (self.api.clone(), going.pause);
            going.pause = LONGEST_PAUSE.min(pause * 2);
            going.watch = Some(Box::pin(async move {
                sleep(pause).await;
                api.approval(&claim).await
            }));
        }
    }

    /// Decides, or asks the person to. With an obstacle there is nothing that this command could do but say so.
    fn review(&self, view: &View, going: &mut Going) {
        if view.obstacle.is_some() {
            going.inputs.push_back(Input::Cancel);
        } else if self.asks {
            self.report.ask(
                "Is this your device, and is it in front of you?\n[y] approve   [n] not mine   [Enter] cancel: ",
            );
            going.asked = true;
        } else {
            going
                .inputs
                .push_back(Input::Approve(Box::new(self.decision.clone())));
        }
    }

    fn say(&self, decided: Decided) -> Input {
        match decided {
            Decided::Yes => Input::Approve(Box::new(self.decision.clone())),
            Decided::NotMine => Input::NotMine,
            Decided::Cancel => Input::Cancel,
        }
    }

    /// Whether somebody else's signature is under way.
    fn asks_elsewhere(&self, view: &View) -> bool {
        matches!(view.stage, Stage::Signing | Stage::Provisioning)
            && !self.decision.signer.kind.signs_at_server()
    }

    /// How it ended, once it has.
    fn end(&self, view: &View, going: &Going) -> Option<Result<(), Exit>> {
        let is_late = going.deadline.is_some_and(|deadline| deadline <= Instant::now());
        match &view.stage {
            Stage::Online => {
                if let Some(device) = &view.device {
                    let url = format!("{}{}", self.native.origin(), path::page::fleet_device(&device.id));
                    self.report.arrived(&device.name, &url);
                }
                Some(Ok(()))
            }
            Stage::Installed if is_late => Some(Err(Exit::not_online(self.wait_secs))),
            Stage::Failed(_) if going.interrupted => Some(Err(interrupted(view))),
            Stage::Failed(failure) if going.closed || is_late => Some(Err(match &view.obstacle {
                Some(obstacle) => of_obstacle(obstacle),
                None => Exit::of_failure(failure),
            })),
            _ => None,
        }
    }
}

/// The socket's next event; never, without one.
async fn hear(socket: &mut Option<NativeSocket>) -> Input {
    let Some(open) = socket else {
        return std::future::pending().await;
    };
    match open.next().await {
        SocketEvent::Text(text) => Input::Frame(text),
        SocketEvent::Closed => {
            *socket = None;
            Input::SocketClosed
        }
    }
}

/// The outcome of something pending, which is over then; never, without one.
async fn settle<T>(pending: &mut Option<Pending<T>>) -> T {
    let Some(future) = pending else {
        return std::future::pending().await;
    };
    let outcome = future.await;
    *pending = None;
    outcome
}

/// An enrolment is proven by the device's first session with its certificate.
fn is_proven(approval: &Result<Approval, ApiError>) -> bool {
    approval
        .as_ref()
        .is_ok_and(|approval| approval.stage == EnrolmentStage::Proven)
}

fn of_obstacle(obstacle: &Obstacle) -> Exit {
    match obstacle {
        Obstacle::StepUp => Exit::unauthenticated(
            "The organisation asks for a passkey before a device is approved; approve it in the panel."
                .to_owned(),
        ),
        Obstacle::KeyKnown(device) => Exit::signing(format!(
            "The device’s key belongs to “{}” already. If it is the same device, use --replace; if not, its disk was copied: reset the device.",
            device.name
        )),
        Obstacle::NoProvisioning { signer } => Exit::signing(format!(
            "“{}” wants devices to fetch their certificates themselves, and the software of this device cannot. Choose another \
             signer with --signer, or update the device.",
            signer.name
        )),
        Obstacle::Refused(error) => Exit::of_api(error),
        Obstacle::Credentials { signer, refused } => Exit::signing(match refused {
            Some(refused) => format!("“{}” did not sign: {refused}.", signer.name),
            None => format!("“{}” needs credentials that have not expired.", signer.name),
        }),
        Obstacle::ReplyLost { signer, lost, find } => {
            let what = match lost {
                Some(lost) => format!("“{}” was asked, and its reply was lost ({lost}).", signer.name),
                None => format!("“{}” was asked before, and its reply was lost.", signer.name),
            };
            Exit::signing(format!(
                "{what} Look for a certificate that nobody holds at {find} and deactivate it; then run this command again with \
                 --sign-again."
            ))
        }
    }
}

fn interrupted(view: &View) -> Exit {
    Exit::interrupted(match view.stage {
        Stage::Installed => {
            "Interrupted. The device has its certificate and will come online by itself.".to_owned()
        }
        _ => {
            "Interrupted. Run this command again with the same code; nothing will be signed twice.".to_owned()
        }
    })
}
