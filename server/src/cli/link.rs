//! `gangway link`: claims a device from the terminal, through the same API and the same state machine as the panel.
//!
//! 1. The token comes from the environment, the code from a prompt or standard input: neither ever stands on the command
//!    line, where other people of the machine could read it (threat model, ENR-12).
//! 2. What the device says about itself is shown, and the person is asked, unless `--yes`.
//! 3. Each step is told as it is done, up to the device's first session.

mod credentials;
mod driver;
mod exit;
mod input;
mod report;
mod sign_in;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use gangway_client::crossing::Decision;
use gangway_client::{Api, ApiError, Native, NativeOptions, read_trust_anchors};
use gangway_protocol::certificate::file::TrustAnchors;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::page::{MAX_PAGE_LIMIT, PageQuery};
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_signing::Wallet;

use crate::config::Environment;
use driver::Driver;
use exit::Exit;
use input::Lines;
use report::Report;

pub(super) use trial::{try_corporate, try_signer};

/// The variable that holds the token; with `_FILE` appended, the one that names a file with it.
const TOKEN_VARIABLE: &str = "GANGWAY_TOKEN";

/// Options of `gangway link`.
#[derive(Debug, clap::Args)]
#[command(after_help = exit::HELP)]
pub struct LinkArgs {
    /// The server, e.g. https://panel.example
    #[arg(long, value_name = "URL")]
    server: String,
    /// Approve without asking
    #[arg(long)]
    yes: bool,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    /// Trust the certificates in this file (PEM) instead of the public authorities
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Into which organisation, by name or id; needed where the token's account may enrol into several
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// The name to give the device instead of its host name
    #[arg(long)]
    name: Option<String>,
    /// A label to give it; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// If the device's key belongs to an active device already, give that device a new certificate
    #[arg(long)]
    replace: bool,
    /// Who signs, by name or id; otherwise the organisation's first signer that this token may use
    #[arg(long, value_name = "NAME")]
    signer: Option<String>,
    /// After a lost reply of a signer: you have looked there for a certificate that nobody holds, and want another one
    #[arg(long)]
    sign_again: bool,
    /// The port of this machine to which a browser comes back from a sign-in; otherwise any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    sign_in_port: u16,
    /// How long to wait for the device's first session
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_secs: u32,
}

/// Runs `gangway link`.
pub async fn run(args: LinkArgs) -> ExitCode {
    let report = Report::new(args.json);
    let end = link(&args, &report, &Environment::of_process()).await;
    if let Err(exit) = &end {
        report.failed(exit);
    }
    end.map_or_else(|exit| exit.code(), |()| ExitCode::SUCCESS)
}

async fn link(args: &LinkArgs, report: &Report, environment: &Environment) -> Result<(), Exit> {
    let native = Native::new(&NativeOptions {
        server: args.server.clone(),
        token: Some(token(environment)?),
        trust_anchors: args
            .ca_file
            .as_ref()
            .map(|path| trusted(path, report))
            .transpose()?,
    })
    .map_err(|error| Exit::usage(error.to_string()))?;
    let api = Api::new(Arc::new(native.clone()));
    let decision = decide(args, &api).await?;
    let wallet = wallet(&decision.signer, args.sign_in_port, &api, report, environment).await?;
    let mut lines = Lines::of_standard_input();
    let code = lines.code(report).await?;
    if !args.yes {
        lines.require_answer().await?;
    }
    Driver {
        native,
        api,
        report,
        lines,
        decision,
        wallet,
        signs_again: args.sign_again,
        asks: !args.yes,
        wait_secs: args.wait_secs,
    }
    .run(&code)
    .await
}

/// What the signer asks for: credentials that the environment names, or a sign-in.
async fn wallet(
    signer: &Signer,
    sign_in_port: u16,
    api: &Api,
    report: &Report,
    environment: &Environment,
) -> Result<Wallet, Exit> {
    let mut wallet = Wallet::default();
    let has_aws = matches!(signer.kind, SignerKind::AwsIot(_)) && credentials::names_aws(environment);
    let signs_in = !has_aws && sign_in::sign_in(signer, sign_in_port, api, report, &mut wallet).await?;
    if !signs_in {
        credentials::take(signer, environment, &mut wallet)?;
    }
    Ok(wallet)
}

fn token(environment: &Environment) -> Result<SecretString, Exit> {
    let file_variable = format!("{TOKEN_VARIABLE}_FILE");
    let text = match (environment.get(TOKEN_VARIABLE), environment.get(&file_variable)) {
        (Some(token), _) => token.to_owned(),
        (None, Some(path)) => {
            let bytes = read_file(&PathBuf::from(path))?;
            String::from_utf8(bytes).map_err(|_| Exit::usage(format!("{path} does not hold a token")))?
        }
        (None, None) => {
            return Err(Exit::unauthenticated(format!(
                "There is no token. Make one with scope `enrol` in the panel, under Account, and put it into {TOKEN_VARIABLE} or name its file in {file_variable}."
            )));
        }
    };
    Ok(SecretString::new(text.trim().to_owned()))
}

/// The certificates of a file, with a word on those that cannot be used.
fn trusted(path: &PathBuf, report: &Report) -> Result<TrustAnchors, Exit> {
    let unusable = |error| Exit::usage(format!("{} cannot be used: {error}", path.display()));
    let anchors = read_trust_anchors(&read_file(path)?).map_err(unusable)?;
    for skipped in &anchors.skipped {
        report.note(&format!("{} is used without this: {skipped}", path.display()));
    }
    Ok(anchors)
}

fn read_file(path: &PathBuf) -> Result<Vec<u8>, Exit> {
    std::fs::read(path).map_err(|error| Exit::usage(format!("{} cannot be read: {error}", path.display())))
}

/// Finds out into which organisation the device goes and who signs, before anybody reads a code aloud.
async fn decide(args: &LinkArgs, api: &Api) -> Result<Decision, Exit> {
    let all = PageQuery {
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    };
    let organisations = api.organisations(&all).await?.items;
    let organisation = choose(organisations, args.organisation.as_deref())?;
    let signers = api.signers(&organisation.id, &all).await?.items;
    let signer = choose_signer(signers, &organisation, args.signer.as_deref())?;
    Ok(Decision {
        organisation: organisation.id,
        signer,
        name: args.name.clone(),
        labels: args.labels.clone(),
        replace: args.replace,
    })
}

fn choose(organisations: Vec<Organisation>, wanted: Option<&str>) -> Result<Organisation, Exit> {
    let mut open: Vec<Organisation> = organisations
        .into_iter()
        .filter(|organisation| organisation.role.may_enrol())
        .filter(|organisation| {
            wanted.is_none_or(|wanted| organisation.name == wanted || organisation.id.as_str() == wanted)
        })
        .collect();
    match (open.pop(), open.is_empty(), wanted) {
        (Some(only), true, _) => Ok(only),
        (None, _, None) => Err(Exit::unauthenticated(
            "This token may not enrol devices into any organisation.".to_owned(),
        )),
        (None, _, Some(wanted)) => Err(Exit::usage(format!(
            "There is no organisation “{wanted}” into which this token may enrol devices."
        ))),
        (Some(last), false, _) => {
            let names: Vec<&str> = open
                .iter()
                .chain([&last])
                .map(|organisation| organisation.name.as_str())
                .collect();
            Err(Exit::usage(format!(
                "Say into which organisation with --organisation: {}.",
                names.join(", ")
            )))
        }
    }
}

fn choose_signer(
    signers: Vec<Signer>,
    organisation: &Organisation,
    wanted: Option<&str>,
) -> Result<Signer, Exit> {
    let mut usable = signers
        .into_iter()
        .filter(|signer| signer.serves(organisation.role));
    let found = match wanted {
        None => usable.next(),
        Some(wanted) => usable.find(|signer| signer.name == wanted || signer.id.as_str() == wanted),
    };
    found.ok_or_else(|| match wanted {
        None => Exit::signing(format!(
            "“{}” has no signer that this token may use; an admin has to add one.",
            organisation.name
        )),
        Some(wanted) => Exit::usage(format!(
            "“{}” has no signer “{wanted}” that this token may use.",
            organisation.name
        )),
    })
}

impl From<ApiError> for Exit {
    fn from(error: ApiError) -> Self {
        Self::of_api(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(id: u8, name: &str, role: &str) -> Organisation {
        serde_json::from_value(serde_json::json!({
            "id": format!("org_000000000{id}zzzzzzzzzzzzzzzz"), "name": name, "role": role, "policy": {},
        }))
        .expect("an organisation")
    }

    fn chosen(wanted: Option<&str>, organisations: Vec<Organisation>) -> Result<String, String> {
        choose(organisations, wanted)
            .map(|organisation| organisation.name)
            .map_err(|exit| exit.message)
    }

    #[test]
    fn the_only_organisation_needs_no_name() {
        let all = || {
            vec![
                organisation(1, "Harbour", "installer"),
                organisation(2, "Archive", "viewer"),
            ]
        };
        assert_eq!(chosen(None, all()), Ok("Harbour".to_owned()));
        assert!(chosen(Some("Archive"), all()).is_err_and(|message| message.contains("“Archive”")));
        assert!(chosen(None, all().split_off(1)).is_err_and(|message| message.contains("may not enrol")));
    }

    #[test]
    fn among_several_one_is_named_by_name_or_id() {
        let all = || {
            vec![
                organisation(1, "Harbour", "installer"),
                organisation(2, "Lighthouse", "owner"),
            ]
        };
        let message = chosen(None, all()).expect_err("two");
        assert!(
            message.contains("--organisation: Harbour, Lighthouse"),
            "{message}"
        );
        assert_eq!(chosen(Some("Lighthouse"), all()), Ok("Lighthouse".to_owned()));
        assert_eq!(
            chosen(Some("org_0000000001zzzzzzzzzzzzzzzz"), all()),
            Ok("Harbour".to_owned())
        );
    }

    #[test]
    fn tokens_come_from_the_environment_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "gw_pat_b\n").expect("it is written");
        let path = file.path().display().to_string();
        let read = |pairs: &[(&str, &str)]| {
            token(&Environment::of(pairs.iter().copied())).map(|token| token.expose().to_owned())
        };
        assert_eq!(
            read(&[("GANGWAY_TOKEN", "gw_pat_a")]).ok().as_deref(),
            Some("gw_pat_a")
        );
        assert_eq!(
            read(&[("GANGWAY_TOKEN_FILE", &path)]).ok().as_deref(),
            Some("gw_pat_b")
        );
        assert!(read(&[]).is_err_and(|exit| exit.message.contains("scope `enrol`")));
    }
}
