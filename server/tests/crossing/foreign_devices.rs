//! Devices that speak protocols of others, at the listeners for them: an idprov client that was written from its description, and the
//! documented lines for EST with `curl` and `openssl`.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::processes::{Place, free_port};

const IDPROV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/independent/idprov.py");

/// What a program says, whether it succeeds, and what it complains of.
async fn run(program: &str, words: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(words).output().await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

async fn succeed(program: &str, words: &[&str]) -> String {
    let (success, said) = run(program, words).await;
    assert!(success, "{program} {words:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the script that starts them"
)]
fn python() -> String {
    std::env::var("GANGWAY_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

#[tokio::test]
async fn an_idprov_device_gets_its_certificate_and_renews_it() {
    let port = free_port();
    let place = Place::open_with(vec!["--idprov-listen".to_owned(), format!("127.0.0.1:{port}")]).await;
    let secret = place.file("secret", "sticker-4711\n");
    let wrong = place.file("wrong", "sticker-0815\n");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("https://localhost:{port}/idprov/directory");
    let ask = async |secret: &Path| -> Value {
        let words = [
            IDPROV,
            &url,
            "AA:BB:CC:DD:EE:FF",
            text(secret),
            text(folder.path()),
        ];
        serde_json::from_str(&succeed(&python(), &words).await).expect("one JSON object")
    };
    assert_eq!(
        ask(&secret).await["provision"],
        "Waiting",
        "nobody has entered it"
    );
    let words = [
        "preapprove",
        "--id",
        "AA:BB:CC:DD:EE:FF",
        "--secret-file",
        text(&secret),
    ];
    place.admin(&words).await;
    assert_eq!(ask(&wrong).await["provision"], "Rejected");
    let told = ask(&secret).await;
    assert_eq!(told["provision"], "Approved");
    let subject = told["subject"].as_str().expect("a subject");
    assert!(
        subject.contains("OU=iotdevice")
            && subject.contains("CN=AA:BB:CC:DD:EE:FF")
            && subject.contains("O=org_"),
        "{subject}"
    );
    assert_eq!(
        (&told["renewal"], &told["state"]),
        (&"Approved".into(), &"Approved".into())
    );
    assert!(
        told["retrySec"].as_u64().is_some_and(|secs| secs > 3600),
        "{told}"
    );
    assert_eq!(
        ask(&secret).await["provision"],
        "Approved",
        "the same key comes again"
    );
    let log = place.server_log();
    assert!(!log.contains("sticker"), "{log}");
}

/// The lines of a block of `docs/joining.md`, by how the first one begins.
fn documented(beginning: &str) -> String {
    let document = include_str!("../../../docs/joining.md");
    let blocks = document.split("```").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.trim_start().starts_with(beginning));
    found.next().expect("it is documented").to_owned()
}

#[tokio::test]
async fn the_documented_lines_for_est_work() {
    let port = free_port();
    let place = Place::open_with(vec!["--mtls-listen".to_owned(), format!("127.0.0.1:{port}")]).await;
    let key = place.admin(&["registration-key", "create"]).await;
    let key = key.lines().last().expect("the key").to_owned();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // As a reader types them, who says at once whom curl trusts and what it would ask for.
    let sh = async |lines: &str| {
        let lines = lines.replace("https://panel.example", &format!("https://localhost:{port}"));
        let script = format!("cd {}; {lines}", text(folder.path()));
        run("bash", &["-euo", "pipefail", "-c", &script]).await
    };
    let enrol = documented("curl")
        .replace("-sS https", "-sSk https")
        .replace("-u device", &format!("--cacert ca.pem -u device:{key}"));
    let (success, said) = sh(&enrol).await;
    assert!(success, "{said}");
    let (_, usage) = sh("openssl x509 -in device.pem -noout -ext extendedKeyUsage").await;
    assert!(usage.contains("TLS Web Client Authentication"), "{usage}");
    let (success, said) = sh("openssl verify -CAfile ca.pem device.pem").await;
    assert!(success, "{said}");

    // The certificate opens the way to the next one, and nothing without it, or with a key that nobody has.
    let ask = |more: &str| {
        let request = "-H 'Content-Type: application/pkcs10' --data-binary @csr.b64";
        format!(
            "curl -sS --fail-with-body --cacert ca.pem {request} https://panel.example/.well-known/est/{more}"
        )
    };
    let (success, said) = sh(&ask("simpleenroll -u device:AAAAAAAA-AAAAAAAA")).await;
    assert!(!success && said.contains("no such key"), "{said}");
    let (success, said) = sh(&ask("simplereenroll")).await;
    assert!(!success && said.contains("Come with the certificate"), "{said}");
    let again = ask("simplereenroll --cert device.pem --key key.pem");
    let (success, said) = sh(&format!(
        "{again} | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs"
    ))
    .await;
    assert!(success && said.contains("-----BEGIN CERTIFICATE-----"), "{said}");
    assert_eq!(
        place.certificates(),
        1,
        "in the first half of its life it is the one that stands"
    );
    assert!(!place.server_log().contains(&key), "{}", place.server_log());
}
