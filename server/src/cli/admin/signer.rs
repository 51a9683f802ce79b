//! `gangway admin signer`: who signs for an organisation, without a browser. Their credentials never come here.

use std::path::PathBuf;

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::signer::{Signer, SignerKind, SignerRequest};
use serde_json::{Map, Value};

use crate::cli::{CommandError, link, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{DataFlags, Environment};
use crate::db::audit::Actor;
use crate::db::{Db, organisations, signers as stored, write};
use crate::rng::SystemRandom;
use crate::signers;

/// `gangway admin signer …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum SignerCommand {
    /// Add a signer at the end of an organisation's list
    Add(AddArgs),
    /// Print the signers of an organisation in their order, one JSON object per line
    List(ListArgs),
    /// Have a request for a key that nobody keeps signed and removed again, with your own credentials
    Try(TryArgs),
}

/// Options of `gangway admin signer add`.
#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// What it is: aws_iot, plgd_hub, or builtin
    #[arg(long)]
    kind: String,
    /// A file with its public configuration as JSON, e.g. {"region": "eu-central-1"}
    #[arg(long, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// What people find it by
    #[arg(long)]
    name: String,
    /// Id of the organisation
    #[arg(long, value_parser = organisation)]
    organisation: OrganisationId,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin signer list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Id of the organisation
    #[arg(long, value_parser = organisation)]
    organisation: OrganisationId,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin signer try`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Credentials for AWS are those of its own command line: AWS_ACCESS_KEY_ID and what belongs to it, or AWS_PROFILE. Where there are
none, and for a hub, a browser of this machine signs in.")]
pub(super) struct TryArgs {
    /// Id of the signer
    #[arg(value_parser = signer)]
    signer: SignerId,
    /// The port of this machine to which a browser comes back from a sign-in; otherwise any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    sign_in_port: u16,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin signer …`.
pub(super) async fn run(command: SignerCommand) -> Result<(), CommandError> {
    match command {
        SignerCommand::Add(args) => add(args).await,
        SignerCommand::List(args) => list(args).await,
        SignerCommand::Try(args) => try_out(args).await,
    }
}

async fn add(args: AddArgs) -> Result<(), CommandError> {
    let request = read(&args)?;
    let (_, db) = super::open(&args.flags).await?;
    let added = insert(&db, &args.organisation, request).await;
    let shown = match added {
        Ok(signer) => show(&signer),
        Err(error) => Err(CommandError::Refused(error.to_string())),
    };
    db.close().await;
    shown
}

async fn insert(
    db: &Db,
    organisation: &OrganisationId,
    request: SignerRequest,
) -> crate::authority::Result<Signer> {
    let now = SystemClock.now();
    let signer = signers::made_of(request, now, &SystemRandom)?;
    let organisation = organisation.clone();
    write!(db, |tx| -> crate::authority::Result<Signer> {
        organisations::bump_revision(tx, &organisation).await?;
        signers::insert(tx, &organisation, signer, Actor::Server, now).await
    })
}

async fn list(args: ListArgs) -> Result<(), CommandError> {
    let (_, db) = super::open(&args.flags).await?;
    let found = stored::of_organisation(&mut db.reader().await?.conn(), &args.organisation).await?;
    db.close().await;
    found.iter().try_for_each(show)
}

async fn try_out(args: TryArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let found = stored::find(&mut db.reader().await?.conn(), &args.signer).await?;
    db.close().await;
    let signer = found.ok_or_else(|| {
        CommandError::Refused(format!(
            "there is no signer {}: `gangway admin signer list` prints them",
            args.signer
        ))
    })?;
    let panel = config.public_url.as_str().trim_end_matches('/');
    link::try_signer(&signer, panel, args.sign_in_port, &Environment::of_process())
        .await
        .map_err(CommandError::Refused)
}

fn show(signer: &Signer) -> Result<(), CommandError> {
    let text = serde_json::to_string(signer).map_err(|error| CommandError::Refused(error.to_string()))?;
    output::line(format_args!("{text}"))
}

/// The request that the options and the file amount to.
fn read(args: &AddArgs) -> Result<SignerRequest, CommandError> {
    let mut fields = match &args.configuration {
        None => Map::new(),
        Some(file) => {
            let refused = |error: &dyn std::fmt::Display| {
                CommandError::Refused(format!("{} cannot be used: {error}", file.display()))
            };
            let text = std::fs::read(file).map_err(|error| refused(&error))?;
            serde_json::from_slice::<Map<String, Value>>(&text).map_err(|error| refused(&error))?
        }
    };
    fields.insert("kind".to_owned(), args.kind.clone().into());
    fields.insert("name".to_owned(), args.name.clone().into());
    let request: SignerRequest = serde_json::from_value(fields.into())
        .map_err(|error| CommandError::Refused(format!("the configuration of the signer: {error}")))?;
    match request.kind {
        SignerKind::Unknown => Err(CommandError::Refused(format!(
            "there is no kind “{}”: it is aws_iot, plgd_hub or builtin",
            args.kind
        ))),
        _ => Ok(request),
    }
}

fn signer(id: &str) -> Result<SignerId, String> {
    id.parse().map_err(|error| format!("{error}"))
}

fn organisation(id: &str) -> Result<OrganisationId, String> {
    id.parse().map_err(|error| format!("{error}"))
}
