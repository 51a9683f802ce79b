//! The program as scripts see it: exit codes, JSON lines, and where codes do not appear. The panel is a WebSocket that hands
//! out one nameplate.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

fn device(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangway-device"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end; gives exit code, standard output and standard error.
fn outcome(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = device(arguments).output().expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A panel that gives every device the nameplate BCDF; it ends with the test.
async fn panel() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    url
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let echo = |request: &Request, mut response: Response| {
        let asked = request.headers()["Sec-WebSocket-Protocol"].clone();
        response.headers_mut().insert("Sec-WebSocket-Protocol", asked);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, echo)
        .await
        .expect("a WebSocket");
    let _hello = socket.next().await;
    let nameplate = r#"{"type":"nameplate","nameplate":"BCDF","expires_in_secs":600,
        "verification_uri":"https://panel.example/link","resume":"r","server_time":1893456000000}"#;
    socket.send(Message::text(nameplate)).await.expect("sent");
    while let Some(Ok(_)) = socket.next().await {}
}

/// The running program, ended with the test however that ends.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Everything it has said.
    said: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut device(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("run");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            output,
            said: String::new(),
        }
    }

    /// Reads lines up to one that contains `word`.
    fn line(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.output.read_line(&mut line).expect("a line"),
                0,
                "it ended before it said {word}"
            );
            self.said += &line;
            if line.contains(word) {
                return line;
            }
        }
    }

    /// Sends a signal and waits for the end.
    #[cfg(unix)]
    fn end(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .expect("kill")
                .success()
        );
        let code = self.child.wait().expect("ended").code();
        std::io::Read::read_to_string(&mut self.output, &mut self.said).expect("text");
        code
    }
}

#[test]
fn what_cannot_be_used_has_an_exit_code_of_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let (state, missing) = (
        directory.path().join("state"),
        directory.path().join("missing.pem"),
    );
    let (state, missing) = (text(&state), text(&missing));
    let (code, _, error) = outcome(&["run", "--server", "http://panel.example", "--state-dir", state]);
    assert_eq!(code, Some(2));
    assert!(error.contains("unencrypted"), "{error}");

    let run = ["run", "--server", "https://panel.example", "--json"];
    let (code, line, _) = outcome(&[&run[..], &["--state-dir", state, "--ca-file", missing]].concat());
    assert_eq!(code, Some(3));
    assert!(
        line.starts_with(r#"{"event":"error","code":"settings""#),
        "{line}"
    );

    let brought = directory.path().join("rsa");
    let (code, line, _) =
        outcome(&[&run[..], &["--state-dir", text(&brought), "--key-type", "rsa"]].concat());
    assert_eq!(code, Some(3));
    assert!(line.contains("openssl genpkey"), "{line}");

    std::fs::write(Path::new(state).join("state.json"), "{").expect("written");
    let (code, line, _) = outcome(&[&run[..], &["--state-dir", state]].concat());
    assert_eq!(code, Some(4));
    assert!(
        line.contains(r#""code":"state_directory""#) && line.contains("reset"),
        "{line}"
    );

    assert_eq!(
        outcome(&["reset", "--state-dir", state]).0,
        Some(5),
        "there is nobody to ask"
    );
    assert_eq!(outcome(&["reset", "--state-dir", state, "--yes"]).0, Some(0));
    let (code, report, _) = outcome(&["status", "--state-dir", state, "--json"]);
    assert_eq!(code, Some(0));
    assert!(
        report.contains(r#""running":false"#) && report.contains(r#""certificate":null"#),
        "{report}"
    );
}

#[cfg(unix)]
#[test]
fn a_state_directory_without_rights_is_named_with_the_way_to_another() {
    let directory = tempfile::tempdir().expect("a directory");
    // Root may do anything in a folder, but makes none below a file either.
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("written");
    let state = file.join("state");
    let (code, _, error) = outcome(&[
        "run",
        "--server",
        "https://panel.example",
        "--state-dir",
        text(&state),
    ]);
    assert_eq!(code, Some(4));
    assert!(
        error.contains(text(&state)) && error.contains("--state-dir"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_running_device_holds_its_directory_and_ends_politely() {
    let (url, directory) = (panel().await, tempfile::tempdir().expect("a directory"));
    let state = text(directory.path());
    let arguments = [
        "run",
        "--server",
        &url,
        "--state-dir",
        state,
        "--json",
        "--accept",
        "always",
    ];
    let mut running = Running::start(&arguments);
    let line = running.line(r#""event":"code""#);
    assert!(
        line.starts_with(r#"{"event":"code","user_code":"BCDF-"#),
        "{line}"
    );
    let (code, line, _) = outcome(&arguments);
    assert_eq!(code, Some(4));
    assert!(line.contains("another gangway-device runs"), "{line}");
    assert_eq!(outcome(&["reset", "--state-dir", state, "--yes"]).0, Some(4));
    assert!(outcome(&["status", "--state-dir", state]).1.contains("running"));
    assert_eq!(running.end("-TERM"), Some(0));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_device_killed_without_warning_starts_again_with_the_same_key() {
    let (url, directory) = (panel().await, tempfile::tempdir().expect("a directory"));
    let state = text(directory.path());
    let mut keys = std::collections::HashSet::new();
    for _ in 0..3 {
        let mut running = Running::start(&["run", "--server", &url, "--state-dir", state, "--json"]);
        keys.insert(running.line(r#""event":"started""#));
        running.line(r#""event":"waiting""#);
        assert_eq!(running.end("-KILL"), None);
    }
    assert_eq!(keys.len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_service_shows_its_code_to_its_owner_and_not_to_its_log() {
    let (url, directory) = (panel().await, tempfile::tempdir().expect("a directory"));
    let state = text(directory.path());
    let mut running = Running::start(&["run", "--service", "--server", &url, "--state-dir", state]);
    running.line("Waiting");
    let (_, shown, _) = outcome(&["status", "--state-dir", state]);
    let code = shown
        .lines()
        .find_map(|line| line.strip_prefix("and enter"))
        .expect("a code")
        .trim()
        .to_owned();
    assert!(code.starts_with("BCDF-") && code.len() == 11, "{shown}");
    let (code, _, why) = outcome(&["answer", "yes", "--state-dir", state]);
    assert_eq!(code, Some(5), "nothing is asked");
    assert!(why.contains("asks nothing at the moment"), "{why}");
    assert_eq!(running.end("-TERM"), Some(0));
    assert!(!running.said.contains("BCDF"), "{}", running.said);
    assert!(
        !directory.path().join("screen.json").exists(),
        "the screen goes dark at the end"
    );
    assert_eq!(
        outcome(&["answer", "yes", "--state-dir", state]).0,
        Some(1),
        "nobody is there to hear it"
    );
}

/// Root's commands work as the user to whom the state directory belongs, so that this user can read what they leave.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn root_works_beside_a_service_of_another_user_and_leaves_it_everything() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::os::unix::process::CommandExt as _;

    const SERVICE: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (url, directory) = (panel().await, tempfile::tempdir().expect("a directory"));
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    // Where this test's program lies, another user may not go.
    let program = directory.path().join("gangway-device");
    // By a process of its own: a program that this one has open for writing is "busy" for whoever another test starts meanwhile.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_gangway-device"))
        .arg(&program)
        .status();
    assert!(copied.expect("cp runs").success());
    let state = directory.path().join("state");
    std::fs::create_dir(&state).expect("a directory");
    chown(&state, Some(SERVICE), Some(SERVICE)).expect("root gives it away");
    let mut command = Command::new(&program);
    command.args(["run", "--service", "--server", &url, "--state-dir", text(&state)]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running::spawn(command.uid(SERVICE).gid(SERVICE));
    running.line("Waiting");
    let mut shown = String::new();
    while !shown.contains("Screen     Waiting") {
        shown = outcome(&["status", "--state-dir", text(&state)]).1;
    }
    assert!(shown.contains("BCDF-"), "{shown}");

    // A question stands, and where the answer is written first, a link leads to a file of root's.
    let claim = "clm_00000000000000000000000000";
    let question = format!(r#"{{"status":"","asked":{{"claim":"{claim}","text":"Who?"}}}}"#);
    std::fs::write(state.join("screen.json"), question).expect("written");
    let roots = directory.path().join("root's");
    std::fs::write(&roots, "root's").expect("written");
    symlink(&roots, state.join("answer.tmp")).expect("linked");
    assert_ne!(
        outcome(&["answer", "yes", claim, "--state-dir", text(&state)]).0,
        Some(0)
    );
    assert_eq!(std::fs::read_to_string(&roots).expect("there"), "root's");
    std::fs::remove_file(state.join("answer.tmp")).expect("removed");
    let (code, _, why) = outcome(&["answer", "yes", claim, "--state-dir", text(&state)]);
    assert_eq!(code, Some(0), "{why}");
    // The service takes the answer, which it could not if it were root's, and finds that it asks nothing.
    running.line("The answer was not taken");
    assert!(!state.join("answer").exists());

    assert_eq!(running.end("-TERM"), Some(0));
    assert_eq!(
        outcome(&["reset", "--state-dir", text(&state), "--yes"]).0,
        Some(0)
    );
    for entry in std::fs::read_dir(&state).expect("there").flatten() {
        let owner = entry.metadata().expect("there").uid();
        assert_eq!(owner, SERVICE, "{}", entry.path().display());
    }
}

/// `run` needs root's rights where root runs it, for a token or a file; what it writes is the directory's owner's all the same.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_by_root_writes_beside_a_service_belongs_to_the_services_user_at_once() {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};

    const SERVICE: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (url, directory) = (panel().await, tempfile::tempdir().expect("a directory"));
    let state = directory.path().join("state");
    std::fs::create_dir(&state).expect("a directory");
    chown(&state, Some(SERVICE), Some(SERVICE)).expect("root gives it away");
    let run = ["run", "--json", "--server", &url, "--state-dir", text(&state)];
    let mut running = Running::start(&run);
    running.line(r#""event":"waiting""#);
    let files: Vec<_> = std::fs::read_dir(&state).expect("there").flatten().collect();
    assert!(files.len() >= 3, "lock, key and state: {files:?}");
    for file in files {
        let owner = file.metadata().expect("there").uid();
        assert_eq!(owner, SERVICE, "{}", file.path().display());
    }
    assert_eq!(running.end("-TERM"), Some(0));

    // Where root would write, the service's user has laid a link to a file of root's.
    let roots = directory.path().join("root's");
    std::fs::write(&roots, "root's").expect("written");
    std::fs::remove_file(state.join("lock")).expect("removed");
    symlink(&roots, state.join("lock")).expect("linked");
    assert_eq!(outcome(&run).0, Some(4));
    assert_eq!(roots.metadata().expect("there").uid(), 0);
    assert_eq!(std::fs::read_to_string(&roots).expect("there"), "root's");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_devices_tell_themselves_apart() {
    let url = panel().await;
    let mut running = Running::start(&["simulate", "--count", "3", "--server", &url, "--json"]);
    let mut codes = std::collections::HashSet::new();
    for _ in 0..3 {
        let line = running.line(r#""event":"code""#);
        assert!(line.starts_with(r#"{"index":"#), "{line}");
        codes.insert(line);
    }
    assert_eq!(codes.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_devices_write_nothing() {
    let (url, empty) = (panel().await, tempfile::tempdir().expect("a directory"));
    let mut command = device(&["simulate", "--count", "2", "--server", &url, "--json"]);
    command.current_dir(empty.path());
    // Wherever state, settings and temporary files might go.
    for place in [
        "GANGWAY_STATE_DIR",
        "HOME",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "TMPDIR",
    ] {
        command.env(place, empty.path());
    }
    let mut running = Running::spawn(&mut command);
    for _ in 0..2 {
        // By now a device that keeps its state has written its key and its place in the queue.
        running.line(r#""event":"waiting""#);
    }
    drop(running);
    let written: Vec<_> = std::fs::read_dir(empty.path()).expect("listed").collect();
    assert!(written.is_empty(), "{written:?}");
}

/// A panel with a certificate for `localhost` of an authority of its own; gives the URL and the authority's certificate.
#[cfg(unix)]
async fn panel_over_tls() -> (String, String) {
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let config = rustls::ServerConfig::builder_with_provider(std::sync::Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_no_client_auth()
    .with_single_cert(
        vec![leaf.der().clone()],
        rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS#8"),
    )
    .expect("a certificate");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().expect("an address").port()
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            });
        }
    });
    (url, ca.pem())
}

/// The operating system's list is whatever `SSL_CERT_FILE` names, here as in OpenSSL.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_operating_systems_issuers_are_trusted_by_choice() {
    let ((url, ca), directory) = (panel_over_tls().await, tempfile::tempdir().expect("a directory"));
    let (list, state) = (directory.path().join("list.pem"), directory.path().join("state"));
    std::fs::write(&list, ca).expect("written");
    let running = |trust: &str, list: &Path| {
        let mut command = device(&["run", "--json", "--server", &url, "--trust", trust, "--state-dir"]);
        Running::spawn(
            command
                .arg(&state)
                .env("SSL_CERT_FILE", list)
                .env_remove("SSL_CERT_DIR"),
        )
    };
    running("public", &list).line(r#""code":"tls""#);
    running("system", &list).line(r#""event":"waiting""#);
    let nothing = directory.path().join("none.pem");
    std::fs::write(&nothing, "").expect("written");
    let line = running("system", &nothing).line(r#""code":"settings""#);
    assert!(line.contains("trusted issuers"), "{line}");
}
