//! What a running server does by itself: one table of jobs, for the program and for its tests alike. The program repeats
//! each job in a task of its own, so that none delays another; tests advance the clock and run the table by hand.
//!
//! A job does what is due by the clock and returns; what fails inside is logged and tried again the next time.
//! Threads and listeners are started where they belong, under the same [`Supervisor`](crate::supervisor::Supervisor).

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::MissedTickBehavior;

use crate::state::Gangway;
use crate::{enrolment, fleet, measurements, people, single_sign_on, webhooks};

/// Work that is repeated for as long as the server runs.
pub struct Job {
    /// Its name, for operators.
    pub name: &'static str,
    /// How often it is done.
    pub every: Duration,
    work: for<'a> fn(&'a Arc<Gangway>) -> BoxFuture<'a, ()>,
}

/// Every job there is.
pub const JOBS: &[Job] = &[
    Job {
        name: "relay upkeep",
        // Deadlines of the relay are told in seconds.
        every: Duration::from_secs(1),
        work: |gangway| gangway.relay.tick().boxed(),
    },
    Job {
        name: "enrolment sweep",
        // Its limits are hours and days.
        every: Duration::from_secs(60),
        work: |gangway| enrolment::sweep(gangway, &gangway.relay).boxed(),
    },
    Job {
        name: "issuers",
        // The command line beside the server may have changed them.
        every: Duration::from_secs(60),
        work: |gangway| enrolment::reload_issuers(gangway).boxed(),
    },
    Job {
        name: "endings",
        // What fails waits for longer and longer.
        every: Duration::from_secs(30),
        work: |gangway| enrolment::end_at_corporate_cas(gangway).boxed(),
    },
    Job {
        name: "webhooks",
        // The first repetition comes after five seconds.
        every: Duration::from_secs(1),
        work: |gangway| webhooks::delivery::deliver_due(gangway, &gangway.courier).boxed(),
    },
    Job {
        name: "webhooks sweep",
        // Its limits are days.
        every: Duration::from_secs(600),
        work: |gangway| webhooks::sweep::run(gangway).boxed(),
    },
    Job {
        name: "presence samples",
        // One is taken in each hour.
        every: Duration::from_secs(60),
        work: |gangway| fleet::overview::take_sample(gangway).boxed(),
    },
    Job {
        name: "bulk jobs",
        // The seconds in which one can be taken back are counted on the page.
        every: Duration::from_secs(1),
        work: |gangway| fleet::bulk::running::run(gangway, &gangway.relay, &gangway.supervisor).boxed(),
    },
    Job {
        name: "bulk jobs sweep",
        // They are kept for weeks.
        every: Duration::from_secs(600),
        work: |gangway| fleet::bulk::running::sweep(gangway).boxed(),
    },
    Job {
        name: "single sign-on sweep",
        // Its limits are days, and what a crash interrupted.
        every: Duration::from_secs(60),
        work: |gangway| single_sign_on::sweep::run(gangway, &gangway.relay).boxed(),
    },
    Job {
        name: "expiry notices",
        // They are told days before.
        every: Duration::from_secs(60),
        work: |gangway| fleet::expiring::give_notice(gangway).boxed(),
    },
    Job {
        name: "measurements packing",
        // An hour that is over is packed within the next one.
        every: Duration::from_secs(60),
        work: |gangway| measurements::packing::run(gangway, &gangway.measurements).boxed(),
    },
    Job {
        name: "measurements sweep",
        // A channel has its turn once a day.
        every: Duration::from_secs(600),
        work: |gangway| measurements::sweep::run(gangway, &gangway.measurements).boxed(),
    },
    Job {
        name: "expiry",
        // Rows that wait for it cost nothing but space: every query looks at the dates itself.
        every: Duration::from_secs(600),
        work: |gangway| people::sweep::run(gangway).boxed(),
    },
];

impl Job {
    /// Does it once.
    pub async fn run(&self, gangway: &Arc<Gangway>) {
        (self.work)(gangway).await;
    }

    async fn repeat(&self, gangway: Arc<Gangway>) {
        let mut every = tokio::time::interval(self.every);
        // After a stall one look is enough: deadlines are compared, not counted.
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = gangway.supervisor.stopping() => return,
                _ = every.tick() => self.run(&gangway).await,
            }
        }
    }
}

/// Starts every job; they end when the server stops.
pub fn start_jobs(gangway: &Arc<Gangway>) {
    for job in JOBS {
        gangway.supervisor.spawn(job.name, job.repeat(gangway.clone()));
    }
}
