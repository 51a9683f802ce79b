//! `gangway admin customer`: invites customers, lists them, and says how many devices each may have.

use gangway_protocol::device::is_deceptive;
use gangway_protocol::id::OrganisationId;

use crate::ca::moment::shown;
use crate::cli::CommandError;
use crate::cli::output::print_line;
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::db::organisations::customers::Customer;
use crate::people::customers;
use crate::rng::SystemRandom;

/// Commands of `gangway admin customer`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CustomerCommand {
    /// Print a link by which somebody becomes a customer: an organisation of their own, and everything below it
    Invite(InviteArgs),
    /// Print every customer: id, since when, organisations, devices of those it may have, name
    List(ListArgs),
    /// Change what a customer may have
    Change(ChangeArgs),
}

/// Options of `gangway admin customer invite`.
#[derive(Debug, clap::Args)]
pub(super) struct InviteArgs {
    /// What their organisation is called, unless they say something else
    #[arg(long, default_value = "")]
    name: String,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin customer list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin customer change`.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
    /// Id of the customer, as `list` prints it
    #[arg(long, value_name = "ID")]
    customer: OrganisationId,
    /// How many devices it may have, retired ones not counted, or `unlimited`. It keeps those it has
    #[arg(long, value_name = "NUMBER|unlimited", value_parser = quota)]
    devices: Quota,
    #[command(flatten)]
    flags: DataFlags,
}

/// How many devices; `None`: as many as it likes.
type Quota = Option<u32>;

fn quota(text: &str) -> Result<Quota, String> {
    match text {
        "unlimited" => Ok(None),
        number => number
            .parse()
            .map(Some)
            .map_err(|_| format!("“{number}” is neither a number nor unlimited")),
    }
}

/// Runs `gangway admin customer …`.
pub(super) async fn run(command: CustomerCommand) -> Result<(), CommandError> {
    match command {
        CustomerCommand::Invite(args) => invite(args).await,
        CustomerCommand::List(args) => list(args).await,
        CustomerCommand::Change(args) => change(args).await,
    }
}

/// The link stands alone on the last line of standard output.
async fn invite(args: InviteArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let made = customers::invite(&db, &config, &SystemClock, &SystemRandom, &args.name).await;
    db.close().await;
    let link = made.map_err(|error| refused(&error))?;
    eprintln!("Give this link to the customer and nobody else. It works once, within seven days:");
    print_line!("{}", link.expose());
    Ok(())
}

async fn list(args: ListArgs) -> Result<(), CommandError> {
    let (_, db) = super::open(&args.flags).await?;
    let found = customers::list(&db).await;
    db.close().await;
    let found = found?;
    if found.is_empty() {
        eprintln!("There is no customer yet.");
    }
    for customer in &found {
        if args.json {
            let text = serde_json::to_string(customer);
            print_line!(
                "{}",
                text.map_err(|error| CommandError::Refused(error.to_string()))?
            );
        } else {
            print_line!("{}", line(customer));
        }
    }
    Ok(())
}

/// Customers name themselves: what would move the cursor is left out.
fn line(customer: &Customer) -> String {
    let most = customer
        .device_quota
        .map_or_else(|| "unlimited".to_owned(), |quota| quota.to_string());
    let text = format!(
        "{}  {}  {:>4} organisations  {:>7} of {most:>9} devices  {}",
        customer.id,
        shown(customer.created_at),
        customer.organisations,
        customer.devices,
        customer.name
    );
    text.chars().filter(|c| !is_deceptive(*c)).collect()
}

async fn change(args: ChangeArgs) -> Result<(), CommandError> {
    let (_, db) = super::open(&args.flags).await?;
    let changed = customers::set_device_quota(&db, &SystemClock, args.customer, args.devices).await;
    db.close().await;
    changed.map_err(|error| match error {
        crate::authority::Error::NotFound => CommandError::Refused(
            "there is no such customer: `gangway admin customer list` prints their ids".to_owned(),
        ),
        other => refused(&other),
    })
}

fn refused(error: &crate::authority::Error) -> CommandError {
    CommandError::Refused(error.to_string())
}
