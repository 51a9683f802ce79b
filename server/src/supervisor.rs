//! Watches over everything that must run as long as the server does: threads and endless tasks. None of them may end by
//! itself; the first that does is the server's failure, which fails `/readyz` and ends the process.
//!
//! What runs, and how often, is told elsewhere: [`crate::serve`].

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use futures_util::FutureExt as _;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The end of something that must not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the job “{job}” has ended: {reason}")]
pub struct Failure {
    /// Which job.
    pub job: &'static str,
    /// Why, for the operator's log: it may quote a panic.
    pub reason: String,
}

/// See the module's description. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Watch>);

#[derive(Debug, Default)]
struct Watch {
    stopping: CancellationToken,
    failure: OnceLock<Failure>,
    failed: CancellationToken,
    tasks: TaskTracker,
}

impl Supervisor {
    /// Runs `work` as a task. Its end is a failure unless the server is stopping.
    pub fn spawn(&self, job: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let supervisor = self.clone();
        self.0.tasks.spawn(async move {
            let ended = AssertUnwindSafe(work).catch_unwind().await;
            supervisor.note_end(job, ended);
        });
    }

    /// Does `work` to its end, whether or not anybody waits for it still. The server ends after it.
    ///
    /// # Errors
    /// When it panics.
    pub async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        self.0.tasks.spawn(work).await
    }

    /// Runs `work` on a thread of this name. Its end is a failure unless the server is stopping.
    ///
    /// # Errors
    /// When the system has no room for a thread.
    pub fn spawn_thread(
        &self,
        job: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let supervisor = self.clone();
        std::thread::Builder::new().name(job.to_owned()).spawn(move || {
            let ended = std::panic::catch_unwind(AssertUnwindSafe(work));
            supervisor.note_end(job, ended);
        })
    }

    /// Says that the server cannot go on. The first failure stands; what follows from it is not another one.
    pub fn fail(&self, failure: Failure) {
        if self.is_stopping() {
            return;
        }
        tracing::error!(
            job = failure.job,
            reason = failure.reason,
            "the server cannot go on"
        );
        // Whoever failed first has the better reason.
        let _ = self.0.failure.set(failure);
        self.0.failed.cancel();
    }

    /// Why the server cannot go on, if it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.failure.get()
    }

    /// Resolves when the server cannot go on.
    pub async fn failed(&self) -> Failure {
        self.0.failed.cancelled().await;
        self.failure().cloned().unwrap_or(Failure {
            job: "supervisor",
            reason: "a failure was told without its reason".to_owned(),
        })
    }

    /// From now on jobs are expected to end.
    pub fn begin_stopping(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
    }

    /// Whether the server is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.is_cancelled()
    }

    /// Resolves when the server is about to end.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// Resolves when every task has ended, after [`Self::begin_stopping`].
    pub async fn finished(&self) {
        self.0.tasks.wait().await;
    }

    fn note_end(&self, job: &'static str, ended: Result<(), Box<dyn Any + Send>>) {
        let reason = match ended {
            Ok(()) => "it returned".to_owned(),
            Err(panic) => format!("it panicked: {}", message(&*panic)),
        };
        self.fail(Failure { job, reason });
    }
}

/// What a panic says: a literal, or a text that was put together.
fn message(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_returns_or_panics_is_the_servers_failure() {
        let ends: [(fn(), &str); 2] = [
            (|| {}, "it returned"),
            (|| panic!("no hands"), "it panicked: no hands"),
        ];
        for (end, reason) in ends {
            let supervisor = Supervisor::default();
            supervisor.spawn("digging", async move { end() });
            let failure = supervisor.failed().await;
            assert_eq!((failure.job, failure.reason.as_str()), ("digging", reason));
        }
    }

    #[tokio::test]
    async fn a_thread_that_panics_is_the_servers_failure() {
        let supervisor = Supervisor::default();
        let spade = 7;
        let thread = supervisor.spawn_thread("digging", move || panic!("spade {spade} broke"));
        let failure = supervisor.failed().await;
        assert_eq!(
            failure.to_string(),
            "the job “digging” has ended: it panicked: spade 7 broke"
        );
        thread
            .expect("there is room")
            .join()
            .expect("the panic is caught");
    }

    #[tokio::test]
    async fn the_first_failure_stands() {
        let supervisor = Supervisor::default();
        for reason in ["first", "second"] {
            supervisor.fail(Failure {
                job: "digging",
                reason: reason.to_owned(),
            });
        }
        assert_eq!(supervisor.failed().await.reason, "first");
    }

    #[tokio::test]
    async fn what_ends_while_the_server_stops_is_no_failure() {
        let supervisor = Supervisor::default();
        supervisor.spawn("digging", {
            let supervisor = supervisor.clone();
            async move { supervisor.stopping().await }
        });
        supervisor.begin_stopping();
        supervisor.finished().await;
        assert_eq!(supervisor.failure(), None);
    }
}
