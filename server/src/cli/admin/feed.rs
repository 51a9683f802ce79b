//! `gangway admin feed`: measurement feeds for programs that only write, without a browser.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::measurement::{ChannelNumber, Feed, NewFeedKeys};

use crate::authority::Error;
use crate::cli::{CommandError, output};
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::db::Db;
use crate::measurements::operator::{create_feed, remove_unseen};
use crate::rng::SystemRandom;

/// Commands of `gangway admin feed`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum FeedCommand {
    /// Make a feed; the last line of standard output is a JSON object with its channel number and its keys
    Create(CreateArgs),
}

/// Options of `gangway admin feed create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// What it is called
    #[arg(long)]
    name: String,
    /// Id of the organisation it belongs to; the first one when absent, which is made when there is none
    #[arg(long, value_parser = organisation)]
    organisation: Option<OrganisationId>,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin feed …`.
pub(super) async fn run(FeedCommand::Create(args): FeedCommand) -> Result<(), CommandError> {
    let (_, db) = super::open_or_make(&args.flags).await?;
    let made = create_feed(&db, &SystemClock, &SystemRandom, &args.name, args.organisation).await;
    let shown = match made {
        Ok(feed) => show(&db, &feed).await,
        Err(Error::NotFound) => Err(CommandError::Refused("there is no such organisation".to_owned())),
        Err(other) => Err(CommandError::Refused(other.to_string())),
    };
    db.close().await;
    shown
}

/// Shows a feed and its keys; one that could not be shown is removed, because nobody could use it.
async fn show(db: &Db, feed: &Feed) -> Result<(), CommandError> {
    eprintln!(
        "This is the only time that the keys are shown. Clients of ThingSpeak find the feed under /thingspeak:"
    );
    let shown = match feed.keys.as_ref().map(|keys| told(feed.channel, keys)) {
        Some(Ok(text)) => output::line(format_args!("{text}")),
        Some(Err(error)) => Err(CommandError::Refused(error.to_string())),
        None => Err(CommandError::Refused("the feed has no keys".to_owned())),
    };
    if shown.is_err() {
        remove_unseen(db, &SystemClock, feed)
            .await
            .map_err(|error| CommandError::Refused(error.to_string()))?;
    }
    shown
}

/// What other programs rely on.
fn told(channel: ChannelNumber, keys: &NewFeedKeys) -> serde_json::Result<String> {
    #[derive(serde::Serialize)]
    struct Told<'a> {
        channel: ChannelNumber,
        write_key: &'a str,
        read_key: &'a str,
    }
    serde_json::to_string(&Told {
        channel,
        write_key: keys.write_key.expose(),
        read_key: keys.read_key.expose(),
    })
}

fn organisation(id: &str) -> Result<OrganisationId, String> {
    id.parse().map_err(|error| format!("{error}"))
}
