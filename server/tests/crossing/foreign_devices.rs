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

#[tokio::test]
async fn the_documented_lines_for_est_work() {
    let port = free_port();
    let place = Place::open_with(vec!["--mtls-listen".to_owned(), format!("127.0.0.1:{port}")]).await;
    let key = place.admin(&["registration-key", "create"]).await;
    let key = key.lines().last().expect("the key").to_owned();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let est = format!("https://localhost:{port}/.well-known/est");

    // As docs/joining.md has them.
    let answer = succeed("curl", &["-sSk", &format!("{est}/cacerts")]).await;
    std::fs::write(at("cacerts.b64"), answer).expect("written");
    succeed(
        "openssl",
        &[
            "base64",
            "-d",
            "-A",
            "-in",
            &at("cacerts.b64"),
            "-out",
            &at("cacerts.p7"),
        ],
    )
    .await;
    let words = [
        "pkcs7",
        "-inform",
        "DER",
        "-in",
        &at("cacerts.p7"),
        "-print_certs",
        "-out",
        &at("ca.pem"),
    ];
    succeed("openssl", &words).await;
    let request = [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=pump-9",
        "-keyout",
        &at("key.pem"),
        "-outform",
        "DER",
        "-out",
        &at("csr.der"),
    ];
    succeed("openssl", &request).await;
    succeed(
        "openssl",
        &["base64", "-in", &at("csr.der"), "-out", &at("csr.b64")],
    )
    .await;
    let body = format!("@{}", at("csr.b64"));
    let curl = [
        "-sS",
        "--fail-with-body",
        "--cacert",
        &at("ca.pem"),
        "-H",
        "Content-Type: application/pkcs10",
        "--data-binary",
        &body,
    ];
    let enroll = format!("{est}/simpleenroll");
    let (success, said) = run(
        "curl",
        &[&curl[..], &["-u", "device:AAAAAAAA-AAAAAAAA", &enroll]].concat(),
    )
    .await;
    assert!(!success && said.contains("no such key"), "{said}");
    let answer = succeed(
        "curl",
        &[&curl[..], &["-u", &format!("device:{key}"), &enroll]].concat(),
    )
    .await;
    read_certificate(&at, &answer).await;
    let words = [
        "x509",
        "-in",
        &at("device.pem"),
        "-noout",
        "-ext",
        "extendedKeyUsage",
    ];
    assert!(
        succeed("openssl", &words)
            .await
            .contains("TLS Web Client Authentication")
    );
    succeed(
        "openssl",
        &["verify", "-CAfile", &at("ca.pem"), &at("device.pem")],
    )
    .await;

    // The certificate opens the way to the next one, and nothing without it.
    let again = format!("{est}/simplereenroll");
    let (success, said) = run("curl", &[&curl[..], &[&again]].concat()).await;
    assert!(!success && said.contains("Come with the certificate"), "{said}");
    let with = ["--cert", &at("device.pem"), "--key", &at("key.pem"), &again];
    let answer = succeed("curl", &[&curl[..], &with].concat()).await;
    read_certificate(&at, &answer).await;
    assert_eq!(
        place.certificates(),
        1,
        "in the first half of its life it is the one that stands"
    );
    assert!(!place.server_log().contains(&key), "{}", place.server_log());
}

/// Reads the answer of an enrolment into `device.pem`.
async fn read_certificate(at: &impl Fn(&str) -> String, answer: &str) {
    std::fs::write(at("device.b64"), answer).expect("written");
    succeed(
        "openssl",
        &[
            "base64",
            "-d",
            "-A",
            "-in",
            &at("device.b64"),
            "-out",
            &at("device.p7"),
        ],
    )
    .await;
    let words = [
        "pkcs7",
        "-inform",
        "DER",
        "-in",
        &at("device.p7"),
        "-print_certs",
        "-out",
        &at("device.pem"),
    ];
    succeed("openssl", &words).await;
}
