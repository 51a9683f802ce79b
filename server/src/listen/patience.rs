//! For how long a connection may be at what it is at. Not who closes it: the accept loop does, when [`Watch::run_out`] says so.
//!
//! 1. From the accept to the end of the first request's head: [`HEAD_TIMEOUT`], a TLS handshake included.
//! 2. While requests are answered: as long as that takes, unless the client stops reading ([`WRITE_TIMEOUT`]). Over HTTP/2
//!    it can do so for one request while the connection goes on: by a window that stays shut.
//! 3. Between requests: [`IDLE_TIMEOUT`]; once a byte of the next HTTP/1 head has come, [`HEAD_TIMEOUT`] for the rest.
//! 4. After a friendly close: [`CLOSE_TIMEOUT`].
//!
//! hyper's own timers do not do it: its limit for a head begins only when the version of HTTP is known, which a client that
//! sends nothing never tells, and HTTP/2 has no limit for a client that asks nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// From the accept to the first request, and for the rest of a head that has begun. A handshake and a head take five
/// round trips: three seconds by satellite.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Between requests on one connection. Longer than proxies keep idle connections (nginx: 60 s), so that the proxy closes
/// them, not we in the moment in which it sends the next request.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// For how long a client may take nothing of what is sent to it: longer than a phone is without a network in a tunnel.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// For the client's part in closing a connection: it has nothing to lose.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a watch looks whether its deadline has come nearer: they are told in many seconds.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Who has asked nothing for this long may be closed for somebody else ([`Watch::evict`]): in a storm of devices each
/// has asked within two seconds.
const QUIET: Duration = Duration::from_secs(5);

/// Watches one connection.
pub(super) struct Watch {
    state: Mutex<State>,
    evicted: Notify,
}

struct State {
    phase: Phase,
    since: Instant,
    in_flight: u32,
    /// HTTP/2 has traffic of its own between requests; bytes there begin no head.
    is_http2: bool,
    /// Since when the client takes nothing.
    blocked_since: Option<Instant>,
    /// The number of the next request.
    next: u32,
    /// Requests over HTTP/2 whose answer lies ready, and since when nobody fetches it.
    unfetched: Vec<(u32, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Answering,
    Idle,
    Head,
    Closing,
    Evicted,
}

/// Why a connection is closed by us, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunOut {
    /// It lay idle: a request that is on its way is still answered.
    Friendly,
    /// It kept us waiting in the middle of something.
    AtOnce,
}

impl Watch {
    /// Begins with the accept.
    pub(super) fn begin() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Opening,
                since: Instant::now(),
                in_flight: 0,
                is_http2: false,
                blocked_since: None,
                next: 0,
                unfetched: Vec::new(),
            }),
            evicted: Notify::new(),
        })
    }

    /// A request's head has come whole. It is answered when what this gives is dropped.
    pub(super) fn answer(self: &Arc<Self>, version: Version) -> Answering {
        let mut state = self.state();
        state.phase = Phase::Answering;
        state.in_flight += 1;
        state.is_http2 = version == Version::HTTP_2;
        state.next = state.next.wrapping_add(1);
        Answering {
            request: state.next,
            watch: Arc::clone(self),
        }
    }

    /// Something was read from the client.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle && !state.is_http2 {
            state.enter(Phase::Head);
        }
    }

    /// The client took something of what is sent to it, or did not.
    pub(super) fn wrote(&self, is_blocked: bool) {
        let mut state = self.state();
        if !is_blocked {
            state.blocked_since = None;
        } else if state.blocked_since.is_none() {
            state.blocked_since = Some(Instant::now());
        }
    }

    /// The connection is being closed.
    pub(super) fn close(&self) {
        let mut state = self.state();
        if state.phase != Phase::Answering {
            state.enter(Phase::Closing);
        }
    }

    /// Since when the client asks nothing, if it may be closed for that.
    pub(super) fn quiet_since(&self, now: Instant) -> Option<Instant> {
        let state = self.state();
        let is_quiet = state.in_flight == 0 && now.duration_since(state.since) >= QUIET;
        is_quiet.then_some(state.since)
    }

    /// Closes the connection for the sake of another, unless it has been asked something in the meantime.
    pub(super) fn evict(&self) {
        let mut state = self.state();
        if state.in_flight == 0 {
            state.enter(Phase::Evicted);
            self.evicted.notify_one();
        }
    }

    /// Resolves when the client has been waited for long enough.
    pub(super) async fn run_out(&self) -> RunOut {
        loop {
            let now = Instant::now();
            let (deadline, run_out) = self.state().deadline();
            match deadline {
                Some(deadline) if deadline <= now => return run_out,
                _ => {}
            }
            let look = now + LOOK_EVERY;
            let next = deadline.map_or(look, |deadline| deadline.min(look));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.evicted.notified() => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }

    fn deadline(&self) -> (Option<Instant>, RunOut) {
        let (deadline, run_out) = match self.phase {
            Phase::Opening | Phase::Head => (Some(self.since + HEAD_TIMEOUT), RunOut::AtOnce),
            Phase::Idle => (Some(self.since + IDLE_TIMEOUT), RunOut::Friendly),
            Phase::Closing => (Some(self.since + CLOSE_TIMEOUT), RunOut::AtOnce),
            Phase::Evicted => (Some(self.since), RunOut::AtOnce),
            Phase::Answering => (None, RunOut::AtOnce),
        };
        let unfetched_since = self.unfetched.iter().map(|(_, since)| *since).min();
        let stuck_since = [self.blocked_since, unfetched_since].into_iter().flatten().min();
        match stuck_since.map(|since| since + WRITE_TIMEOUT) {
            Some(blocked) if deadline.is_none_or(|deadline| blocked < deadline) => {
                (Some(blocked), RunOut::AtOnce)
            }
            _ => (deadline, run_out),
        }
    }
}

/// A request that is being answered, until this is dropped.
pub(super) struct Answering {
    request: u32,
    watch: Arc<Watch>,
}

impl Answering {
    /// Something of the answer lies ready for the client, or nothing does.
    fn lies_ready(&self, is_ready: bool) {
        let mut state = self.watch.state();
        if state.is_http2 {
            state.unfetched.retain(|(request, _)| *request != self.request);
            if is_ready {
                state.unfetched.push((self.request, Instant::now()));
            }
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.watch.state();
        state.unfetched.retain(|(request, _)| *request != self.request);
        state.in_flight -= 1;
        if state.in_flight == 0 {
            state.enter(Phase::Idle);
        }
    }
}

/// The body of an answer: the request is answered when this has been sent or given up.
pub(super) struct AnswerBody {
    body: axum::body::Body,
    answering: Answering,
}

impl AnswerBody {
    pub(super) fn new(body: axum::body::Body, answering: Answering) -> Self {
        answering.lies_ready(true);
        Self { body, answering }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        // Whoever asks for more has sent what was before; whoever is told to wait waits for us.
        this.answering.lies_ready(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
