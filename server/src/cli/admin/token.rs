//! `gangway admin token create`: a token for a program, without a browser.

use clap::ArgAction;
use gangway_protocol::account::TokenScope;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::secret::SecretString;

use crate::cli::{CommandError, output};
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::db::{Db, DbError};
use crate::people::service::{TokenOrder, create_token, revoke_unseen};
use crate::rng::SystemRandom;

/// Options of `gangway admin token create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// What it may do: enrol, fleet:read, fleet:write, organisation:read, organisation:write or audit:read. May be repeated
    #[arg(long = "scope", required = true, action = ArgAction::Append, value_parser = scope)]
    scopes: Vec<TokenScope>,
    /// What it is for, as the panel shows it
    #[arg(long, default_value = "command line")]
    name: String,
    /// Id of the organisation it is confined to; the first one when absent, which is made when there is none
    #[arg(long, value_parser = organisation)]
    organisation: Option<OrganisationId>,
    /// For how many days it works
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    valid_days: u32,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin token create`. The token stands alone on the last line of standard output.
pub(super) async fn create(args: CreateArgs) -> Result<(), CommandError> {
    let (_, db) = super::open_or_make(&args.flags).await?;
    let CreateArgs {
        scopes,
        name,
        organisation,
        valid_days,
        ..
    } = args;
    let order = TokenOrder {
        name,
        scopes,
        organisation,
        valid_days,
    };
    let made = create_token(&db, &SystemClock, &SystemRandom, order).await;
    let shown = match made {
        Ok(token) => show(&db, &token, valid_days).await,
        Err(DbError::Missing) => Err(CommandError::Refused("there is no such organisation".to_owned())),
        Err(other) => Err(other.into()),
    };
    db.close().await;
    shown
}

/// Shows a token; one that could not be shown is revoked, because nobody else could do that.
async fn show(db: &Db, token: &SecretString, valid_days: u32) -> Result<(), CommandError> {
    eprintln!("This is the only time that the token is shown. It works for {valid_days} days:");
    let shown = output::line(format_args!("{}", token.expose()));
    if shown.is_err() {
        revoke_unseen(db, &SystemClock, token).await?;
    }
    shown
}

fn scope(name: &str) -> Result<TokenScope, String> {
    TokenScope::from_name(name).ok_or_else(|| {
        let names = TokenScope::ALL.map(TokenScope::as_str).join(", ");
        format!("there are the scopes {names}")
    })
}

fn organisation(id: &str) -> Result<OrganisationId, String> {
    id.parse().map_err(|error| format!("{error}"))
}
