//! `gangway admin invitation`: an invitation to any organisation, for a customer whose owners are all locked out.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;

use crate::cli::CommandError;
use crate::cli::output::print_line;
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::people::invitations;
use crate::rng::SystemRandom;

/// Options of `gangway admin invitation`.
#[derive(Debug, clap::Args)]
pub(super) struct InvitationArgs {
    /// Id of the organisation; `gangway admin customer list` prints those of the customers
    #[arg(long, value_name = "ID")]
    organisation: OrganisationId,
    /// As what: owner, admin, operator, installer or viewer
    #[arg(long, default_value = "owner", value_parser = role)]
    role: Role,
    #[command(flatten)]
    flags: DataFlags,
}

fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name)
        .ok_or_else(|| format!("“{name}” is not owner, admin, operator, installer or viewer"))
}

/// Runs `gangway admin invitation`. The link stands alone on the last line of standard output.
pub(super) async fn run(args: InvitationArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let made = invitations::by_operator(
        &db,
        &config,
        &SystemClock,
        &SystemRandom,
        args.organisation,
        args.role,
    )
    .await;
    db.close().await;
    let link = made.map_err(|error| CommandError::Refused(error.to_string()))?;
    eprintln!("Give this link to that person and nobody else. It works once, within seven days:");
    print_line!("{}", link.expose());
    Ok(())
}
