//! Failed attempts to come in: counted in the metrics, and recorded so that the record does not grow by what strangers do
//! ([`crate::limits::Failures`]).

use crate::authority::Result;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{DbError, audit, write};
use crate::limits::{Attempt, Tally, Who};
use gangway_protocol::audit::Action;

/// Counts a failure, and records it when it is the first of its kind within the hour. `why` is one of the server's own
/// sentences.
///
/// # Errors
/// What the database says.
pub async fn note(context: &Context, attempt: Attempt, who: Who, why: &'static str) -> Result<()> {
    metrics::counter!("gangway_sign_in_failures_total", "attempt" => name(attempt)).increment(1);
    let at = context.clock.now();
    let subject = who.to_string();
    if context.failures.note(attempt, who, context.clock.monotonic()) {
        write!(context.db, |tx| {
            let entry = Entry {
                scope: Scope::Server,
                at,
                actor: Actor::Server,
                action: action(attempt),
                subject: &subject,
                detail: why,
            };
            audit::append(tx, &entry).await
        })?;
    }
    Ok(())
}

/// Records how many failures there were, once their hour is over.
///
/// # Errors
/// What the database says.
pub async fn close(context: &Context) -> Result<(), DbError> {
    let at = context.clock.now();
    let tallies = context.failures.close(context.clock.monotonic());
    if tallies.is_empty() {
        return Ok(());
    }
    write!(context.db, |tx| {
        for Tally { attempt, who, count } in &tallies {
            let entry = Entry {
                scope: Scope::Server,
                at,
                actor: Actor::Server,
                action: action(*attempt),
                subject: &who.to_string(),
                detail: &format!("{count} failures within an hour"),
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    })
}

fn action(attempt: Attempt) -> Action {
    match attempt {
        Attempt::Passkey | Attempt::SingleSignOn => Action::SignInRefused,
        Attempt::RecoveryCode => Action::RecoveryCodeRefused,
    }
}

fn name(attempt: Attempt) -> &'static str {
    match attempt {
        Attempt::Passkey => "passkey",
        Attempt::RecoveryCode => "recovery_code",
        Attempt::SingleSignOn => "single_sign_on",
    }
}
