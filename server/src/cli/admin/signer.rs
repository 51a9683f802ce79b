//! `gangway admin signer`: who signs for an organisation, without a browser. Of credentials only those for corporate CAs come here,
//! which the server asks itself.

use std::path::{Path, PathBuf};

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::signer::{Signer, SignerKind, SignerRequest};
use gangway_signing::CorporateCredential;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::ca::{CertificateAuthority, KeyStore};
use crate::cli::{CommandError, link, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags, Environment};
use crate::db::{Db, signers as stored};
use crate::rng::SystemRandom;
use crate::signers::operator::{self, Change};
use crate::signers::{self, CorporateCa};

/// `gangway admin signer …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum SignerCommand {
    /// Add a signer at the end of an organisation's list
    Add(AddArgs),
    /// Change where a corporate CA is, or the credential that the server has for it
    Change(ChangeArgs),
    /// Print the signers of an organisation in their order, one JSON object per line
    List(ListArgs),
    /// Have a request for a key that nobody keeps signed and removed again, with your own credentials, or those that the server has for a
    /// corporate CA
    Try(TryArgs),
}

/// Options of `gangway admin signer add`.
#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// What it is: aws_iot, plgd_hub, est, step_ca, vault, or builtin
    #[arg(long)]
    kind: String,
    /// For est, step_ca and vault: a file with the credential as JSON. The server keeps it sealed
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
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

/// Options of `gangway admin signer change`.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true, args = ["configuration", "credential"])]
pub(super) struct ChangeArgs {
    /// Id of the signer
    #[arg(value_parser = signer)]
    signer: SignerId,
    /// A file with its whole public configuration as JSON
    #[arg(long, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// A file with the credential as JSON
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
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
        SignerCommand::Change(args) => change(args).await,
        SignerCommand::List(args) => list(args).await,
        SignerCommand::Try(args) => try_out(args).await,
    }
}

async fn add(args: AddArgs) -> Result<(), CommandError> {
    let request = read(&args)?;
    let credential = match (&args.credential, request.kind.is_corporate()) {
        (Some(file), _) => Some(credential_of(&request.kind, file)?),
        (None, true) => {
            return Err(CommandError::Refused(
                "the server asks a CA of this kind itself: give it a credential with --credential FILE"
                    .to_owned(),
            ));
        }
        (None, false) => None,
    };
    let (config, db) = super::open(&args.flags).await?;
    let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
    let now = SystemClock.now();
    let added = match signers::made_of(request, now, &SystemRandom) {
        Ok(signer) => {
            let credential = credential.as_ref().map(|credential| (ca.key_store(), credential));
            operator::add(&db, args.organisation, signer, credential, now, &SystemRandom).await
        }
        Err(error) => Err(error),
    };
    db.close().await;
    show(&added.map_err(|error| refused(&error))?)
}

async fn change(args: ChangeArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
    let changed = try_change(&args, &db, ca.key_store()).await;
    db.close().await;
    show(&changed?)
}

async fn try_change(args: &ChangeArgs, db: &Db, key_store: &KeyStore) -> Result<Signer, CommandError> {
    let present = find(db, &args.signer).await?;
    if !present.kind.is_corporate() {
        return Err(CommandError::Refused(
            "the server has no credential for a signer of this kind: change it in the panel".to_owned(),
        ));
    }
    let configuration = match &args.configuration {
        None => None,
        Some(file) => {
            let mut fields = fields_of(file)?;
            let text = serde_json::to_value(&present.kind).map_err(|error| refused(&error))?;
            fields.insert("kind".to_owned(), text["kind"].clone());
            let kind: SignerKind =
                serde_json::from_value(fields.into()).map_err(|error| unreadable(&error))?;
            kind.check().map_err(|unfit| refused(&unfit))?;
            Some(kind)
        }
    };
    let kind = configuration.as_ref().unwrap_or(&present.kind);
    let credential = args
        .credential
        .as_ref()
        .map(|file| credential_of(kind, file))
        .transpose()?;
    let change = Change {
        configuration,
        credential,
    };
    let now = SystemClock.now();
    operator::change(db, key_store, present.id, change, now, &SystemRandom)
        .await
        .map_err(|error| refused(&error))
}

/// The credential of a file, tried as far as that goes without asking the CA.
fn credential_of(kind: &SignerKind, file: &Path) -> Result<CorporateCredential, CommandError> {
    let unfit = |error: &dyn std::fmt::Display| {
        CommandError::Refused(format!("{} cannot be used: {error}", file.display()))
    };
    let text = Zeroizing::new(std::fs::read(file).map_err(|error| unfit(&error))?);
    let credential = CorporateCredential::read(kind, &text).map_err(|error| unfit(&error))?;
    CorporateCa::new(kind, credential.clone(), &SystemClock, &SystemRandom).map_err(|error| unfit(&error))?;
    Ok(credential)
}

async fn find(db: &Db, id: &SignerId) -> Result<Signer, CommandError> {
    let found = stored::find(&mut db.reader().await?.conn(), id).await?;
    found.ok_or_else(|| {
        CommandError::Refused(format!(
            "there is no signer {id}: `gangway admin signer list` prints them"
        ))
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
    let tried = try_signer(&args, &config, &db).await;
    db.close().await;
    tried
}

async fn try_signer(args: &TryArgs, config: &Config, db: &Db) -> Result<(), CommandError> {
    let signer = find(db, &args.signer).await?;
    if signer.kind.is_corporate() {
        let ca = CertificateAuthority::open(config, db, &SystemClock, &SystemRandom).await?;
        let ca = CorporateCa::open(db, ca.key_store(), &signer, &SystemClock, &SystemRandom).await;
        let ca = ca.map_err(|error| refused(&error))?;
        return link::try_corporate(&signer, ca)
            .await
            .map_err(CommandError::Refused);
    }
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
        Some(file) => fields_of(file)?,
    };
    fields.insert("kind".to_owned(), args.kind.clone().into());
    fields.insert("name".to_owned(), args.name.clone().into());
    let request: SignerRequest = serde_json::from_value(fields.into()).map_err(|error| unreadable(&error))?;
    match request.kind {
        SignerKind::Unknown => Err(CommandError::Refused(format!(
            "there is no kind “{}”: it is aws_iot, plgd_hub, est, step_ca, vault or builtin",
            args.kind
        ))),
        _ => Ok(request),
    }
}

/// The public configuration of a file.
fn fields_of(file: &Path) -> Result<Map<String, Value>, CommandError> {
    let unfit = |error: &dyn std::fmt::Display| {
        CommandError::Refused(format!("{} cannot be used: {error}", file.display()))
    };
    let text = std::fs::read(file).map_err(|error| unfit(&error))?;
    serde_json::from_slice(&text).map_err(|error| unfit(&error))
}

fn unreadable(error: &serde_json::Error) -> CommandError {
    CommandError::Refused(format!("the configuration of the signer: {error}"))
}

fn refused(error: &dyn std::fmt::Display) -> CommandError {
    CommandError::Refused(error.to_string())
}

fn signer(id: &str) -> Result<SignerId, String> {
    id.parse().map_err(|error| format!("{error}"))
}

fn organisation(id: &str) -> Result<OrganisationId, String> {
    id.parse().map_err(|error| format!("{error}"))
}
