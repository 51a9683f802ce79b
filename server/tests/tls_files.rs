//! Certificates and keys as people have them in files: the server's own, and those that `gangway link` trusts.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use axum::Router;
use gangway_server::config::TlsFiles;
use gangway_server::listen::{self, ConnectionLimit, Service, Shutdown, Tls};
use tokio::sync::Semaphore;

use crate::support::program::{gangway, refuses, run, stderr, succeeds, text};

/// A certificate for `localhost` that its own key signed, PEM, and the key, PEM.
fn self_signed(is_ca: bool) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.is_ca = if is_ca {
        rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
    } else {
        rcgen::IsCa::ExplicitNoCa
    };
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// What the server says of a certificate and a key in files.
fn check(folder: &Path, certificate: &[u8], key: &[u8]) -> Output {
    let (certificate_file, key_file) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate_file, certificate).expect("written");
    std::fs::write(&key_file, key).expect("written");
    run(&[
        "check-config",
        "--data-dir",
        text(&folder.join("data")),
        "--tls-certificate",
        text(&certificate_file),
        "--tls-key",
        text(&key_file),
    ])
}

#[test]
fn certificate_and_key_are_read_as_tools_write_them_or_refused_with_the_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (own, key) = self_signed(false);
    let (other, other_key) = self_signed(true);
    let checked = |certificate: &str, key: &str| check(folder.path(), certificate.as_bytes(), key.as_bytes());
    succeeds(&checked(&own, &key));
    let joined = format!("{}{other}", own.trim_end());
    succeeds(&checked(&joined, &key));
    let windows = format!("\u{feff}subject=CN = x\n{joined}{key}").replace('\n', "\r\n");
    succeeds(&checked(&windows, &windows));
    let one_line = own.replacen("-----\n", "-----", 1).replace('\n', "");
    succeeds(&checked(&one_line, &key));

    refuses(&checked(&format!("{other}{own}"), &key), "has to come first");
    refuses(&checked(&own, &other_key), "has to come first");
    let second = own.lines().count() + 1;
    let cut = format!("{own}{}", &other[..other.len() - 40]);
    refuses(
        &checked(&cut, &key),
        &format!("certificate.pem cannot be used: line {second}:"),
    );
    refuses(
        &checked(&key, &key),
        "it holds no certificate in PEM, only PRIVATE KEY",
    );
    refuses(
        &checked(&own, &own),
        "it holds no private key in PEM, only CERTIFICATE",
    );
    let trusted = own.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    refuses(&checked(&trusted, &key), "TRUSTED CERTIFICATE");
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    refuses(
        &checked(&own, &encrypted),
        "key.pem cannot be used: line 1: the private key is encrypted",
    );
    let utf16: Vec<u8> = own.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refuses(&check(folder.path(), &utf16, key.as_bytes()), "UTF-16");
    refuses(
        &check(folder.path(), &[0x30, 0x82, 1, 2, 3], key.as_bytes()),
        "binary (DER or PKCS#12)",
    );
}

/// What `gangway link` says of a server with this certificate, when it trusts what is in `trusted`.
async fn link(certificate: &(String, String), trusted: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = TlsFiles {
        certificate: folder.path().join("certificate.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, &certificate.0).expect("written");
    std::fs::write(&files.key, &certificate.1).expect("written");
    let listener = listen::bind_own(([127, 0, 0, 1], 0).into()).expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let service = Service {
        router: Router::new(),
        tls: Some(Arc::new(Tls::load(files).expect("the files are fine"))),
        trusted_proxies: Arc::new([]),
        places: Arc::new(Semaphore::new(10)),
        connection_limit: ConnectionLimit::new(10),
    };
    tokio::spawn(listen::serve(listener, service, Shutdown::default()));
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, trusted).expect("written");
    let url = format!("https://localhost:{port}");
    let mut command = gangway(&["link", "--server", &url, "--ca-file", text(&ca_file)]);
    command.env("GANGWAY_TOKEN", "gw_pat_x");
    let output = tokio::process::Command::from(command)
        .output()
        .await
        .expect("it runs");
    assert!(!output.status.success(), "there is no panel behind it");
    stderr(&output)
}

#[tokio::test]
async fn link_takes_the_very_certificate_though_it_is_marked_as_a_ca() {
    let (marked, ordinary) = (self_signed(true), self_signed(false));
    for certificate in [&marked, &ordinary] {
        let said = link(certificate, &certificate.0).await;
        assert!(
            said.contains("HTTP status 404") && !said.contains("certificate"),
            "it is trusted, and no panel: {said}"
        );
    }
    let said = link(&marked, &self_signed(true).0).await;
    assert!(
        said.contains("marked as a CA") && said.contains("--ca-file"),
        "{said}"
    );
}

#[tokio::test]
async fn link_skips_a_bad_entry_of_its_ca_file_and_says_so() {
    let certificate = self_signed(true);
    let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let said = link(&certificate, &format!("# ours\n{bad}{}", certificate.0)).await;
    assert!(said.contains("is used without this: line 2:"), "{said}");
    assert!(!said.contains("was not accepted"), "{said}");
    let said = link(&certificate, bad).await;
    assert!(said.contains("cannot be used: line 1:"), "{said}");
}

/// Root can read what the service's user cannot; without root's rights there is nothing to tell apart.
#[test]
fn check_config_says_what_only_root_can_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let (own, key) = self_signed(false);
    succeeds(&check(folder.path(), own.as_bytes(), key.as_bytes()));
    let key_file = folder.path().join("key.pem");
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let output = check(folder.path(), own.as_bytes(), key.as_bytes());
    succeeds(&output);
    let said = stderr(&output);
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(said.contains("LoadCredential="), is_root, "{said}");
    assert_eq!(said.contains("key.pem can be read by root"), is_root, "{said}");
    let certificate_file = folder.path().join("certificate.pem");
    let mut as_nobody = gangway(&[
        "check-config",
        "--as-user",
        "nobody",
        "--tls-certificate",
        text(&certificate_file),
        "--tls-key",
        text(&key_file),
    ]);
    as_nobody.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = as_nobody.output().expect("it runs");
    // The key's, or the program's where that too lies where only root gets.
    refuses(&output, if is_root { "ermission denied" } else { "runuser" });
}
