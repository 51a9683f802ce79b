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

/// A certificate for this name, valid from the beginning of one year to that of another, and its key, PEM.
fn dated(name: &str, from: i32, until: i32) -> (String, String) {
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_certificate_that_is_expired_not_yet_valid_or_misnamed_does_not_pass_the_check_in_silence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checked =
        |(certificate, key): (String, String)| check(folder.path(), certificate.as_bytes(), key.as_bytes());
    let good = checked(dated("localhost", 2020, 2100));
    succeeds(&good);
    assert!(!stderr(&good).contains("refuse"), "{}", stderr(&good));
    refuses(
        &checked(dated("localhost", 2020, 2021)),
        "it expired at 2021-01-01",
    );
    let early = checked(dated("localhost", 2099, 2100));
    succeeds(&early);
    assert!(
        stderr(&early).contains("it is not valid before 2099-01-01"),
        "{}",
        stderr(&early)
    );
    refuses(
        &checked(dated("other.example", 2020, 2100)),
        "it is not for localhost, the name in public_url, but for other.example",
    );
    // Behind a proxy it is the proxy that sees the name.
    let behind = gangway(&[
        "check-config",
        "--tls-certificate",
        text(&folder.path().join("certificate.pem")),
        "--tls-key",
        text(&folder.path().join("key.pem")),
        "--trusted-proxies",
        "127.0.0.1",
    ])
    .output()
    .expect("it runs");
    succeeds(&behind);
    assert!(
        stderr(&behind).contains("but for other.example"),
        "{}",
        stderr(&behind)
    );
}

#[tokio::test]
async fn a_server_with_an_expired_certificate_starts_and_says_so() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let folder = tempfile::tempdir().expect("a temporary folder");
    let (certificate, key) = dated("localhost", 2020, 2021);
    let (certificate_file, key_file) = (folder.path().join("own.pem"), folder.path().join("own.key"));
    std::fs::write(&certificate_file, certificate).expect("written");
    std::fs::write(&key_file, key).expect("written");
    let mut command = tokio::process::Command::from(gangway(&[
        "serve",
        "--data-dir",
        text(&folder.path().join("data")),
        "--listen",
        "127.0.0.1:0",
        "--tls-certificate",
        text(&certificate_file),
        "--tls-key",
        text(&key_file),
    ]));
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut server = command.spawn().expect("it starts");
    let mut log = BufReader::new(server.stderr.take().expect("a pipe")).lines();
    let (mut serves, mut says) = (false, false);
    while !serves || !says {
        let line = log.next_line().await.expect("text").expect("it goes on");
        serves |= line.contains("serving");
        says |= line.contains("it expired at 2021-01-01");
    }
    server.kill().await.expect("it ends");
}

#[test]
fn keys_that_tls_is_not_spoken_with_are_told_by_their_kind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let openssl = |arguments: &str| {
        let output = std::process::Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&folder)
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    };
    let made = |algorithm: &str| {
        openssl(&format!("genpkey -out made.key {algorithm}"));
        openssl("req -x509 -key made.key -subj /CN=x -addext subjectAltName=DNS:localhost -out made.pem");
        let read = |name: &str| std::fs::read(folder.path().join(name)).expect("a file");
        (read("made.pem"), read("made.key"))
    };
    openssl("genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.pem");
    for (algorithm, kind) in [
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "P-521"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "secp256k1"),
        ("-algorithm ED448", "Ed448"),
        (
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "id-RSASSA-PSS",
        ),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "1024 bits"),
        ("-paramfile dsa.pem", "DSA"),
    ] {
        let (certificate, key) = made(algorithm);
        let output = check(folder.path(), &certificate, &key);
        refuses(&output, kind);
        refuses(&output, "make a key");
        let own = self_signed(false).0;
        refuses(
            &check(folder.path(), own.as_bytes(), &key),
            "and so not the certificate's",
        );
    }
    openssl("pkey -traditional -in made.key -out dsa.key");
    let (own, traditional) = (
        self_signed(false).0,
        std::fs::read(folder.path().join("dsa.key")).expect("a file"),
    );
    refuses(
        &check(folder.path(), own.as_bytes(), &traditional),
        "a DSA key cannot be used",
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
        tls: Some(Tls::load(files).expect("the files are fine").handshake()),
        screen: listen::no_client_certificates(),
        certificate_proxies: Arc::new([]),
        trusted_proxies: Arc::new([]),
        places: Arc::new(Semaphore::new(10)),
        connection_limit: ConnectionLimit::new(10),
    };
    tokio::spawn(listen::serve(listener, service, Shutdown::default()));
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, trusted).expect("written");
    let url = format!("https://localhost:{port}");
    link_to(&["--server", &url, "--ca-file", text(&ca_file)], None).await
}

/// What `gangway link` says of what is no panel, through this proxy.
async fn link_to(options: &[&str], proxy: Option<&str>) -> String {
    let mut command = gangway(&[&["link"], options].concat());
    command.env("GANGWAY_TOKEN", "gw_pat_x");
    command.envs(proxy.map(|proxy| ("HTTPS_PROXY", proxy)));
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

#[tokio::test]
async fn link_tells_an_issuer_with_a_new_key_from_an_unknown_one() {
    // The names are the same each time, and the keys are not.
    let (served, former) = (self_signed(false), self_signed(false));
    let said = link(&served, &former.0).await;
    assert!(said.contains("new key under its old name"), "{said}");
    let said = link(&served, &dated("other.example", 2020, 2100).0).await;
    assert!(
        said.contains("was not accepted") && said.contains("--ca-file"),
        "{said}"
    );
}

/// A listener on which everybody is given this answer.
async fn answering(answer: &'static str) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _asked = stream.read(&mut [0; 4096]).await;
            let _answered = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn link_says_that_tls_was_spoken_to_a_port_without_it() {
    let address = answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let said = link_to(&["--server", &format!("https://{address}")], None).await;
    assert!(said.contains("does not speak TLS"), "{said}");
}

#[tokio::test]
async fn link_names_the_proxy_that_is_away_or_opens_no_way() {
    let server = ["--server", "https://panel.example"];
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let proxy = format!("http://ship:w4ter@{address}");
    let said = link_to(&server, Some(&proxy)).await;
    assert!(
        said.contains(&format!("the proxy {address}"))
            && said.contains("NO_PROXY")
            && !said.contains("w4ter"),
        "{said}"
    );
    for (answer, words) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "opened no way to the server"),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "wants a user name and a password",
        ),
        ("", "broke the connection off"),
    ] {
        let address = answering(answer).await;
        let said = link_to(&server, Some(&format!("http://{address}"))).await;
        let named = format!("the proxy {address}");
        assert!(said.contains(&named) && said.contains(words), "{words}: {said}");
    }
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
