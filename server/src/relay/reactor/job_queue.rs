//! The jobs of sessions: a bounded number runs at a time, the others wait in the order in which they came. Whole fleets prove
//! themselves at once after a restart; without a queue they would wait for the database all together, run out of its time, and
//! try again.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use gangway_protocol::enrolment::HELLO_DUE_SECS;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::time::UnixMillis;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::super::Jobs;
use super::super::driver::{Done, Job, SocketKey};
use super::super::message::problem;
use super::super::unattended::Attendance;
use super::{Command, Inbox};
use crate::clock::Monotonic;

/// Jobs that run at a time: enough that a commit to disk serves many of them, few enough for the readers of the database.
const MAX_RUNNING: usize = 128;
/// How long a job may wait for its turn. A proof that waits longer than it may take to come is not checked any more: its device
/// gives up before it would be welcome, and comes again.
const QUEUED_DUE_SECS: u32 = HELLO_DUE_SECS;
/// What a device is told to wait whose job was not begun in time.
const OVERLOADED_RETRY_SECS: u32 = 10;
/// When a device whose job panicked tries again.
const PANICKED_RETRY_SECS: u32 = 30;

/// Runs jobs on the server's tasks. It owns them: none outlives the reactor.
pub(crate) struct JobQueue {
    jobs: Box<dyn Jobs>,
    runtime: Handle,
    tasks: JoinSet<()>,
    running: usize,
    queue: VecDeque<Queued>,
}

struct Queued {
    socket: SocketKey,
    job: Job,
    due: Monotonic,
}

/// A job whose turn has come.
pub(super) struct ReadyJob {
    pub(super) socket: SocketKey,
    pub(super) job: Job,
    /// It waited for too long, and ends in this way without being begun.
    pub(super) overdue: Option<Problem>,
}

impl JobQueue {
    /// Jobs are done by `jobs`, on this runtime.
    pub(crate) fn new(jobs: Box<dyn Jobs>, runtime: Handle) -> Self {
        Self {
            jobs,
            runtime,
            tasks: JoinSet::new(),
            running: 0,
            queue: VecDeque::new(),
        }
    }

    /// Leaves a job until its turn comes.
    pub(super) fn push(&mut self, socket: SocketKey, job: Job, now: Monotonic) {
        let due = now.plus(i64::from(QUEUED_DUE_SECS) * UnixMillis::SECOND);
        self.queue.push_back(Queued { socket, job, due });
    }

    /// The next job, if there is room for one to run.
    pub(super) fn next(&mut self, now: Monotonic) -> Option<ReadyJob> {
        if self.running >= MAX_RUNNING {
            return None;
        }
        let Queued { socket, job, due } = self.queue.pop_front()?;
        // A device whose proof comes too late gives up and comes again. Everything else is of a session that stands, which
        // would end without need, and come again to a server that is overloaded already.
        let is_overdue = due <= now && matches!(job, Job::Prove { .. });
        let overdue = is_overdue.then(overloaded);
        Some(ReadyJob { socket, job, overdue })
    }

    /// Begins a job.
    pub(super) fn start(&mut self, socket: SocketKey, job: Job, inbox: Arc<Inbox>) {
        while self.tasks.try_join_next().is_some() {}
        self.running += 1;
        let is_alarm = matches!(job, Job::RaiseCloneAlarm { .. });
        let running = self.jobs.run(job);
        let work = async move {
            // A job that panics must neither keep its socket waiting for ever nor its place among those that run.
            let done = AssertUnwindSafe(running).catch_unwind().await;
            let done = Box::new(match done {
                Ok(done) => done,
                Err(_) if is_alarm => Done::Alarmed,
                Err(_) => Done::Refused(panicked()),
            });
            inbox.push(Command::Done { socket, done });
        };
        self.tasks.spawn_on(work, &self.runtime);
    }

    /// Has the server claim a device. It takes as long as the device does, and no place among the jobs: a device waits for it that has
    /// its own place among those that wait.
    pub(super) fn attend(&mut self, attendance: Attendance) {
        while self.tasks.try_join_next().is_some() {}
        // The panic itself is in the log; the claim ends with whoever held it.
        let work = AssertUnwindSafe(self.jobs.attend(attendance)).catch_unwind();
        self.tasks.spawn_on(work.map(drop), &self.runtime);
    }

    /// A job has ended.
    pub(super) fn note_done(&mut self) {
        self.running = self.running.saturating_sub(1);
    }
}

/// The panic itself is in the log.
fn panicked() -> Problem {
    Problem {
        retry_after_secs: Some(PANICKED_RETRY_SECS),
        ..problem(
            ProblemCode::Busy,
            "The server failed at this, and has logged it. Try again in half a minute.",
        )
    }
}

fn overloaded() -> Problem {
    Problem {
        retry_after_secs: Some(OVERLOADED_RETRY_SECS),
        ..problem(
            ProblemCode::Busy,
            "Too many devices are connecting at the moment. Try again in ten seconds.",
        )
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use gangway_protocol::encoding::Base64;
    use gangway_protocol::id::DeviceId;
    use gangway_protocol::session::NONCE_LEN;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    struct Panicking;

    impl Jobs for Panicking {
        fn run(&self, _: Job) -> BoxFuture<'static, Done> {
            Box::pin(async { panic!("this test wants it") })
        }

        fn attend(&self, _: Attendance) -> BoxFuture<'static, ()> {
            Box::pin(async { panic!("this test wants it") })
        }
    }

    fn queue() -> (JobQueue, Runtime) {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        (
            JobQueue::new(Box::new(Panicking), runtime.handle().clone()),
            runtime,
        )
    }

    fn proof() -> Job {
        Job::Prove {
            chain: String::new(),
            signature: Base64(Vec::new()),
            nonce: [0; NONCE_LEN],
            counter: 1,
        }
    }

    fn alarm() -> Job {
        let device = DeviceId::new(UnixMillis(0), [1; 10]);
        Job::RaiseCloneAlarm { device }
    }

    fn push(queue: &mut JobQueue, index: u32, millis: i64, job: Job) {
        let socket = SocketKey { index, generation: 1 };
        queue.push(socket, job, Monotonic::from_millis(millis));
    }

    #[test]
    fn jobs_begin_in_their_order_and_proofs_that_waited_too_long_do_not_begin() {
        let (mut queue, _runtime) = queue();
        for index in 0..3 {
            push(&mut queue, index, 1_000 * i64::from(index), proof());
        }
        let mut next = |millis| {
            let ReadyJob { socket, overdue, .. } = queue.next(Monotonic::from_millis(millis))?;
            Some((socket.index, overdue.map(|problem| problem.code)))
        };
        assert_eq!(next(9_999), Some((0, None)));
        assert_eq!(next(11_000), Some((1, Some(ProblemCode::Busy))));
        assert_eq!(next(11_000), Some((2, None)));
        assert_eq!(next(11_000), None);
    }

    #[test]
    fn what_a_standing_session_asks_for_is_done_however_late() {
        let (mut queue, _runtime) = queue();
        push(&mut queue, 0, 0, alarm());
        let turn = queue.next(Monotonic::from_millis(60_000)).expect("its turn");
        assert!(turn.overdue.is_none());
    }

    /// How a job ends that panics.
    fn end_of(job: Job) -> Done {
        let poll = mio::Poll::new().expect("a queue");
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).expect("a waker");
        let inbox = Arc::new(Inbox::new(waker));
        let (mut queue, runtime) = queue();
        push(&mut queue, 7, 0, job);
        let ReadyJob { socket, job, .. } = queue.next(Monotonic::from_millis(0)).expect("a job");
        queue.start(socket, job, inbox.clone());
        runtime.block_on(async { while queue.tasks.join_next().await.is_some() {} });
        let mut commands = inbox.take().into_iter();
        let Some(Command::Done { socket, done }) = commands.next() else {
            panic!("one job has ended")
        };
        assert_eq!(socket.index, 7);
        *done
    }

    #[test]
    fn a_job_that_panics_ends_as_one_that_failed() {
        assert!(matches!(end_of(proof()), Done::Refused(problem) if problem.code == ProblemCode::Busy));
    }

    #[test]
    fn an_alarm_that_cannot_be_raised_ends_no_session() {
        assert!(matches!(end_of(alarm()), Done::Alarmed));
    }

    #[test]
    fn no_more_than_so_many_run_at_a_time() {
        let (mut queue, _runtime) = queue();
        push(&mut queue, 0, 0, proof());
        queue.running = MAX_RUNNING;
        assert!(queue.next(Monotonic::from_millis(0)).is_none());
        queue.note_done();
        assert!(queue.next(Monotonic::from_millis(0)).is_some());
    }
}
