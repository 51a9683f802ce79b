//! The suite that AWS publishes, as the crate `aws-sigv4` carries it (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4). It is
//! run with the version and the features that are built in here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Deserialize)]
struct Context {
    credentials: Keys,
    normalize: bool,
    region: String,
    service: String,
    sign_body: bool,
    timestamp: String,
    #[serde(default)]
    omit_session_token: bool,
}

#[derive(Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
}

/// Where cargo keeps the suite.
fn suite() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo tells what is built");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let manifest = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .find(|package| package["name"] == "aws-sigv4")
        .and_then(|package| package["manifest_path"].as_str())
        .expect("aws-sigv4 is built in");
    Path::new(manifest)
        .with_file_name("aws-signing-test-suite")
        .join("v4")
}

fn read(case: &Path, name: &str) -> String {
    let path = case.join(name);
    let text = std::fs::read_to_string(&path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n")
}

/// Method, target, headers (a folded line belongs to the one before) and body of a request as it is on a wire.
fn parse(text: &str) -> (String, String, Vec<(String, String)>, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let first = lines.next().expect("a request line");
    let (method, rest) = first.split_once(' ').expect("a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix([' ', '\t']), line.split_once(':')) {
            (None, Some((name, value))) => headers.push((name.to_owned(), value.to_owned())),
            (folded, _) => {
                let (_, value) = headers.last_mut().expect("a header to fold");
                value.push(' ');
                value.push_str(folded.unwrap_or(line).trim());
            }
        }
    }
    (method.to_owned(), target.to_owned(), headers, body.to_owned())
}

/// The signature of a case, in its headers.
fn signature(case: &Path) -> String {
    let context: Context = serde_json::from_str(&read(case, "context.json")).expect("a context");
    let (method, target, headers, body) = parse(&read(case, "request.txt"));
    let host = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map_or("example.amazonaws.com", |(_, host)| host.trim());
    let uri = format!("https://{host}{}", target.replace(' ', "%20"));
    let identity = Credentials::new(
        context.credentials.access_key_id,
        context.credentials.secret_access_key,
        context.credentials.token,
        None,
        "suite",
    )
    .into();
    let mut settings = SigningSettings::default();
    // The two with a space in their path are signed as by a service that encodes paths once, which no context says.
    settings.percent_encoding_mode = match uri.contains("%20") {
        true => PercentEncodingMode::Single,
        false => PercentEncodingMode::Double,
    };
    settings.payload_checksum_kind = match context.sign_body {
        true => PayloadChecksumKind::XAmzSha256,
        false => PayloadChecksumKind::NoHeader,
    };
    settings.uri_path_normalization_mode = match context.normalize {
        true => UriPathNormalizationMode::Enabled,
        false => UriPathNormalizationMode::Disabled,
    };
    if context.omit_session_token {
        settings.session_token_mode = SessionTokenMode::Exclude;
    }
    let at = OffsetDateTime::parse(&context.timestamp, &Rfc3339).expect("a moment");
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&context.region)
        .name(&context.service)
        .time(SystemTime::from(at))
        .settings(settings)
        .build()
        .expect("all that it takes")
        .into();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(&method, uri, headers, SignableBody::Bytes(body.as_bytes()));
    let signed = sign(request.expect("a request"), &params).expect("a signature");
    signed.signature().to_owned()
}

#[test]
fn the_published_suite_is_signed_as_it_says() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(suite())
        .expect("the suite")
        .map(|entry| entry.expect("a case").path())
        // Two that the crate has added say nothing of their context.
        .filter(|path| path.join("context.json").is_file())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 38);
    let wrong: Vec<&PathBuf> = cases
        .iter()
        .filter(|case| signature(case) != read(case, "header-signature.txt").trim())
        .collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cases.len());
}
