//! Drives the crossing machine of `gangway_client`: it decides, this does.
//!
//! 1. Every event (a frame, an answer of the API, a tick, the person's decision) is fed to the machine.
//! 2. Its effects are carried out in order; what takes time reports back as an event.
//! 3. After each event the view is handed to the page.
//! 4. An end that the server has to hear of keeps the driver until that is done, also when the page has let go of it.
//! 5. Once the device has installed its certificate, the approval is asked for until its first session is on record.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gangway_client::Api;
use gangway_client::crossing::{Call, Crossing, Effect, Input, Stage, Told, View};
use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::code::UserCode;
use gangway_protocol::enrolment::CLAIM_SUBPROTOCOL;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::ClaimId;

use super::socket::{Socket, SocketEvent};
use super::{clock, page, random, signature, signers};

const TICK_MILLIS: u32 = 1_000;
/// Between looks for the first session. The page should follow it within two seconds;
const LOOK_EVERY_MILLIS: u32 = 500;
/// after so many looks, about a minute, the device is not just coming, and the page has said so;
const SOON_LOOKS: u32 = 120;
/// then it looks this seldom.
const LOOK_LATER_MILLIS: u32 = 10_000;

/// A crossing under way. Dropping the last handle ends it, after an end once that has been told: the socket closes, which the
/// device is told.
#[derive(Clone)]
pub(crate) struct Driver(Rc<Inner>);

struct Inner {
    api: Api,
    crossing: RefCell<Crossing>,
    socket: RefCell<Option<Socket>>,
    /// The claim that was approved.
    claim: RefCell<Option<ClaimId>>,
    /// Itself, from an end on until the server has heard of it.
    kept: RefCell<Option<Rc<Inner>>>,
    show: Box<dyn Fn(&View)>,
}

impl Driver {
    /// Starts a crossing with this code. `show` is called with the view after everything that happens.
    pub(crate) fn start(api: Api, code: &UserCode, show: impl Fn(&View) + 'static) -> Self {
        let (crossing, effects) = Crossing::start(code, &page::origin(), clock::now(), random::fill);
        show(crossing.view());
        let inner = Rc::new(Inner {
            api,
            crossing: RefCell::new(crossing),
            socket: RefCell::new(None),
            claim: RefCell::new(None),
            kept: RefCell::new(None),
            show: Box::new(show),
        });
        carry_out(&inner, effects);
        tick(Rc::downgrade(&inner));
        Self(inner)
    }

    /// Says what the person decided.
    pub(crate) fn say(&self, input: Input) {
        feed(&self.0, input);
    }
}

fn feed(inner: &Rc<Inner>, input: Input) {
    let before = inner.crossing.borrow().view().stage.clone();
    let effects = inner.crossing.borrow_mut().handle(input, clock::now());
    carry_out(inner, effects);
    let view = inner.crossing.borrow().view().clone();
    let untold = matches!(view.stage, Stage::Failed(_)) && view.told == Told::Open;
    drop(inner.kept.replace(untold.then(|| Rc::clone(inner))));
    (inner.show)(&view);
    if view.stage == Stage::Installed && before != Stage::Installed {
        watch(Rc::downgrade(inner));
    }
}

fn carry_out(inner: &Rc<Inner>, effects: Vec<Effect>) {
    for effect in effects {
        match effect {
            Effect::OpenSocket { path } => open_socket(inner, &path),
            Effect::Send(text) => {
                // A socket that takes nothing any more reports that it is closed.
                let _ = inner.socket.borrow().as_ref().map(|socket| socket.send(&text));
            }
            Effect::CloseSocket => drop(inner.socket.borrow_mut().take()),
            Effect::VerifyCsr(csr) => later(inner, async move {
                let good = signature::is_good(csr.signature_check()).await;
                Input::CsrVerified { good }
            }),
            Effect::Advance(advance) => later(inner, async move {
                Input::Advanced(Box::new(signers::advance(advance).await))
            }),
            Effect::Call(call) => {
                if let Call::Approve { claim, .. } = &*call {
                    inner.claim.replace(Some(claim.clone()));
                }
                let api = inner.api.clone();
                later(inner, async move {
                    Input::Answered(Box::new(api.perform(*call).await))
                });
            }
        }
    }
}

fn open_socket(inner: &Rc<Inner>, path: &str) {
    let weak = Rc::downgrade(inner);
    let opened = Rc::new(Cell::new(false));
    let socket = Socket::open(path, CLAIM_SUBPROTOCOL, move |event| {
        let Some(inner) = weak.upgrade() else { return };
        let input = match event {
            SocketEvent::Opened => {
                opened.set(true);
                Input::SocketOpened
            }
            SocketEvent::Frame(text) => Input::Frame(text),
            SocketEvent::Closed if opened.get() => Input::SocketClosed,
            SocketEvent::Closed => Input::SocketFailed {
                detail: CANNOT_OPEN.to_owned(),
            },
        };
        feed(&inner, input);
    });
    match socket {
        Some(socket) => drop(inner.socket.borrow_mut().replace(socket)),
        None => later(inner, async {
            Input::SocketFailed {
                detail: CANNOT_OPEN.to_owned(),
            }
        }),
    }
}

/// All that browsers tell about it.
const CANNOT_OPEN: &str = "the WebSocket could not be opened";

/// Feeds what a task gives, if anybody still waits for it.
fn later(inner: &Rc<Inner>, task: impl Future<Output = Input> + 'static) {
    let weak = Rc::downgrade(inner);
    leptos::task::spawn_local(async move {
        let input = task.await;
        if let Some(inner) = weak.upgrade() {
            feed(&inner, input);
        }
    });
}

fn tick(weak: Weak<Inner>) {
    leptos::task::spawn_local(async move {
        loop {
            clock::sleep(TICK_MILLIS).await;
            let Some(inner) = weak.upgrade() else { return };
            feed(&inner, Input::Tick);
        }
    });
}

/// Looks for the device's first session until it is there, nobody watches any more, or the server will not tell.
fn watch(weak: Weak<Inner>) {
    leptos::task::spawn_local(async move {
        let mut looks = 0;
        while let Some(inner) = weak.upgrade() {
            let (api, claim) = (inner.api.clone(), inner.claim.borrow().clone());
            drop(inner);
            let Some(claim) = claim else { return };
            let wait_secs = match api.approval(&claim).await {
                Ok(approval) if approval.stage == EnrolmentStage::Proven => {
                    if let Some(inner) = weak.upgrade() {
                        feed(&inner, Input::Online);
                    }
                    return;
                }
                Ok(_) => 0,
                Err(error)
                    if matches!(
                        error.code(),
                        Some(ProblemCode::Unauthenticated | ProblemCode::NotFound)
                    ) =>
                {
                    return;
                }
                Err(error) => error.retry_after_secs().unwrap_or_default(),
            };
            looks += 1;
            let pause = if looks < SOON_LOOKS {
                LOOK_EVERY_MILLIS
            } else {
                LOOK_LATER_MILLIS
            };
            clock::sleep(pause.max(wait_secs.saturating_mul(1_000))).await;
        }
    });
}
