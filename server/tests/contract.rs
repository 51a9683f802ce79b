//! The API against its own description: schemathesis asks a real server everything that the description allows and forbids,
//! as an owner in a browser and as a token, and redocly reads the description itself.

use std::path::{Path, PathBuf};
use std::process::Output;

use gangway_protocol::account::{SignUpMode, TokenScope};
use gangway_protocol::path;
use tokio::process::Command;

use crate::support::person::Person;
use crate::support::{Engine, Server};

/// Cases for each operation in the short form; `GANGWAY_CONTRACT_EXAMPLES` asks for more.
const EXAMPLES: &str = "6";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[track_caller]
fn assert_finds_nothing(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// A server whose limits do not end the questions early: those have tests of their own.
async fn server(engine: Engine) -> (Server, Person) {
    let server = Server::start_with(engine, |config| {
        config.caps.sign_in_attempts_per_address = 1_000_000;
        config.caps.sign_ups_per_address = 1_000_000;
        config.sign_up = SignUpMode::Open;
    })
    .await;
    let owner = server.owner().await;
    (server, owner)
}

/// Asks everything, with this credential for this scheme of the description.
#[expect(
    clippy::disallowed_methods,
    reason = "the scripts say by variables where Python is, and how long to ask"
)]
async fn ask_everything(server: &Server, scheme: &str, credential: &str) {
    let spawned = server.spawn();
    let python = std::env::var_os("GANGWAY_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let examples = std::env::var("GANGWAY_CONTRACT_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = root().join(format!("server/tests/contract/{scheme}.toml"));
    let output = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(config)
        .arg("run")
        .arg(format!("http://{}{}", spawned.address, path::OPENAPI))
        .args(["--max-examples", &examples])
        .env("GANGWAY_CREDENTIAL", credential)
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output()
        .await
        .expect("python3 starts");
    assert_finds_nothing(&output);
}

async fn ask_as_an_owner(engine: Engine) {
    let (server, owner) = server(engine).await;
    ask_everything(&server, "cookie", &owner.cookie).await;
}

async fn ask_as_a_token(engine: Engine) {
    let (server, _owner) = server(engine).await;
    let token = server
        .new_token(None, &[TokenScope::FleetRead, TokenScope::Enrol])
        .await;
    ask_everything(&server, "token", token.expose()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gets_what_is_described_on_sqlite() {
    ask_as_an_owner(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gets_what_is_described_on_postgresql() {
    ask_as_an_owner(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gets_what_is_described_on_sqlite() {
    ask_as_a_token(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gets_what_is_described_on_postgresql() {
    ask_as_a_token(Engine::Postgres).await;
}

#[tokio::test]
async fn the_description_is_good_openapi() {
    let output = Command::new(root().join("end2end/node_modules/.bin/redocly"))
        .args(["lint", "--extends", "recommended-strict"])
        .arg(root().join("docs/openapi.json"))
        .env("REDOCLY_TELEMETRY", "off")
        .output()
        .await
        .expect("redocly is installed: scripts/setup build test");
    assert_finds_nothing(&output);
}
