//! The binary as operators run it: it starts, says what is wrong, is asked for its health, and ends in order.

use std::path::Path;
use std::process::Stdio;

use gangway_protocol::path;
use sqlx::{Connection as _, Executor as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};

use crate::support::program::{gangway, refuses, run, stderr, succeeds, text};
use crate::support::{csr, fresh_database};

/// A running server.
struct Process {
    child: Child,
    address: String,
    /// Where it serves its figures, when it does.
    metrics: Option<String>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Process {
    /// Starts it on a free port and waits until it serves.
    async fn serve(folder: &Path, more: &[&str]) -> Self {
        let mut arguments = vec![
            "serve",
            "--data-dir",
            text(folder),
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ];
        arguments.extend(more);
        Self::start(Command::from(gangway(&arguments))).await
    }

    /// Starts it by this command and waits until it serves.
    async fn start(mut command: Command) -> Self {
        let mut child = command
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(child.stderr.take().expect("it is a pipe")).lines();
        let mut metrics = None;
        loop {
            let line = log
                .next_line()
                .await
                .expect("it can be read")
                .expect("it serves before it ends");
            let event: serde_json::Value =
                serde_json::from_str(&line).expect("every line of the log is JSON");
            let place = || event["listen"].as_str().expect("it says where").to_owned();
            if event["message"] == "serving metrics" {
                metrics = Some(place());
            }
            if event["message"] == "serving" {
                let address = place();
                return Self {
                    child,
                    address,
                    metrics,
                    log,
                };
            }
        }
    }

    /// Ends it as systemd would, and says what it logged meanwhile.
    async fn terminate(mut self) -> (bool, String) {
        let pid = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .expect("kill runs");
        assert!(told.success());
        let mut rest = String::new();
        while let Some(line) = self.log.next_line().await.expect("it can be read") {
            rest.push_str(&line);
        }
        (self.child.wait().await.expect("it ends").success(), rest)
    }
}

#[tokio::test]
async fn a_server_starts_is_healthy_and_ends_in_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Process::serve(folder.path(), &[]).await;
    let health = run(&["healthcheck", "--listen", &server.address]);
    assert!(health.status.success(), "{}", stderr(&health));
    assert_eq!(String::from_utf8_lossy(&health.stdout), "ready\n");

    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let second =
        |folder: &Path, listen: &str| run(&["serve", "--data-dir", text(folder), "--listen", listen]);
    refuses(
        &second(elsewhere.path(), &server.address),
        &format!("another program listens on {}", server.address),
    );
    refuses(
        &second(folder.path(), "127.0.0.1:0"),
        "another server is running on",
    );

    let address = server.address.clone();
    let (success, log) = server.terminate().await;
    assert!(success && log.contains("stopped"), "{log}");
    refuses(&run(&["healthcheck", "--listen", &address]), "is not ready");
}

/// Asks a running server for a path with a token; the whole reply as text.
async fn get(address: &str, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it accepts");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.expect("it can be read");
    reply
}

/// Makes a token beside the server that `more` points to.
fn create_token(more: &[&str]) -> String {
    let mut arguments = vec!["admin", "token", "create", "--scope", "enrol"];
    arguments.extend(more);
    let output = succeeds(&run(&arguments));
    output.lines().last().expect("there is a last line").to_owned()
}

/// Threat model: WEB-4.
#[tokio::test]
async fn figures_are_on_their_own_listener_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Process::serve(folder.path(), &["--metrics-listen", "127.0.0.1:0"]).await;
    let figures = server.metrics.clone().expect("it says where");
    let reply = get(&server.address, path::DEVICES, "gw_pat_wrong").await;
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");

    // The relay shows its figures from its first tick on.
    let reply = loop {
        let reply = get(&figures, path::METRICS, "").await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        if reply.contains("gangway_sessions") {
            break reply;
        }
    };
    for figure in [
        "gangway_build_info{version=",
        "gangway_http_requests_total",
        "gangway_http_connections",
        "gangway_waiting_devices 0",
        "gangway_sessions 0",
    ] {
        assert!(reply.contains(figure), "{figure} is not in {reply}");
    }
    for path in [path::LIVEZ, path::DEVICES, "/"] {
        let reply = get(&figures, path, "").await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{path}: {reply}");
    }
    for (path, answer) in [(path::LIVEZ, "alive"), (path::READYZ, "ready")] {
        let reply = get(&server.address, path, "").await;
        assert!(
            reply.starts_with("HTTP/1.1 200") && reply.ends_with(&format!("{answer}\n")),
            "{reply}"
        );
    }
    let reply = get(&server.address, path::METRICS, "").await;
    assert!(
        reply.starts_with("HTTP/1.1 404") && !reply.contains("gangway_http"),
        "{reply}"
    );
}

/// Threat model: WEB-4.
#[tokio::test]
async fn invented_methods_paths_hosts_and_statuses_make_no_figures_of_their_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Process::serve(folder.path(), &["--metrics-listen", "127.0.0.1:0"]).await;
    let figures = server.metrics.clone().expect("it says where");
    let mut stream = TcpStream::connect(&server.address).await.expect("it accepts");
    for number in 0..200 {
        let request = format!("M{number} /p{number} HTTP/1.1\r\nhost: h{number}.example\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it can be written");
        let mut reply = [0; 12];
        stream.read_exact(&mut reply).await.expect("it answers");
        assert_eq!(&reply, b"HTTP/1.1 404");
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            rest.push(stream.read_u8().await.expect("the rest comes"));
        }
    }
    let reply = get(&figures, path::METRICS, "").await;
    let series = "gangway_http_requests_total{method=\"other\",route=\"other\",status=\"4xx\"} 200";
    assert!(reply.contains(series), "{reply}");
    assert!(
        !reply.contains("M199") && !reply.contains("p199") && !reply.contains("h199"),
        "{reply}"
    );
}

#[tokio::test]
async fn a_token_can_be_made_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Process::serve(folder.path(), &[]).await;
    let beside = ["--data-dir", text(folder.path())];
    let (first, second) = (create_token(&beside), create_token(&beside));
    assert!(first.starts_with("gw_pat_") && first != second);
    let reply = get(&server.address, path::ORGANISATIONS, &first).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert_eq!(
        reply.matches("org_").count(),
        1,
        "one organisation serves both tokens: {reply}"
    );
    let reply = get(&server.address, path::ORGANISATIONS, "gw_pat_wrong").await;
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
}

#[tokio::test]
async fn a_token_can_be_made_on_postgresql() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = fresh_database().await;
    let token = create_token(&["--database-url", &url]);
    // The folder is made: it holds the CA's encryption key.
    let data = folder.path().join("data");
    let server = Process::serve(&data, &["--database-url", &url]).await;
    assert!(data.join("ca.key").is_file());
    let reply = get(&server.address, path::ORGANISATIONS, &token).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[tokio::test]
async fn a_second_server_on_one_postgresql_database_is_refused() {
    let (one, two) = (
        tempfile::tempdir().expect("a temporary folder"),
        tempfile::tempdir().expect("a temporary folder"),
    );
    let url = fresh_database().await;
    let first = Process::serve(one.path(), &["--database-url", &url]).await;
    let data = text(two.path());
    let second = || {
        run(&[
            "serve",
            "--data-dir",
            data,
            "--database-url",
            &url,
            "--listen",
            "127.0.0.1:0",
        ])
    };
    refuses(&second(), "another server is running on this database");
    first.terminate().await;
    Process::serve(one.path(), &["--database-url", &url]).await;
}

#[tokio::test]
async fn a_server_ends_with_the_reason_when_another_has_taken_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = fresh_database().await;
    let mut server = Process::serve(folder.path(), &["--database-url", &url]).await;
    let (mut usurper, mut operator) = (
        sqlx::PgConnection::connect(&url)
            .await
            .expect("PostgreSQL answers"),
        sqlx::PgConnection::connect(&url)
            .await
            .expect("PostgreSQL answers"),
    );
    // Waits in the queue until the session that holds the lock is killed.
    let taking = tokio::spawn(async move {
        let taken = usurper
            .execute("SELECT pg_advisory_lock(29099049411371385)")
            .await;
        taken.map(|_| usurper)
    });
    let end =
        "SELECT pg_terminate_backend(h.pid) FROM pg_locks h JOIN pg_locks w USING (database, classid, objid, objsubid)
        WHERE h.locktype = 'advisory' AND h.granted AND NOT w.granted";
    while operator.execute(end).await.expect("it answers").rows_affected() == 0 {
        tokio::task::yield_now().await;
    }
    let _usurper = taking.await.expect("no panic").expect("it has the lock");
    let mut log = String::new();
    while let Some(line) = server.log.next_line().await.expect("it can be read") {
        log.push_str(&line);
    }
    assert!(log.contains("another server has taken this one's place"), "{log}");
    assert_eq!(server.child.wait().await.expect("it ends").code(), Some(1));
}

#[tokio::test]
async fn links_of_the_command_line_lead_to_the_server_beside_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let public = ["--public-url", "http://gangway.localhost:4711"];
    let mut server = Process::serve(folder.path(), &public).await;
    let mut shown = BufReader::new(server.child.stdout.take().expect("it is a pipe")).lines();
    let at_start = loop {
        let line = shown
            .next_line()
            .await
            .expect("it can be read")
            .expect("it shows the link");
        if let Some(link) = line.trim().strip_prefix("http") {
            break link.to_owned();
        }
    };
    assert!(at_start.starts_with("://gangway.localhost:4711/setup#gw_setup_"));

    let data = text(folder.path());
    let again = run(&["admin", "setup-link", "--data-dir", data]);
    let link = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        link.starts_with("http://gangway.localhost:4711/setup#gw_setup_"),
        "{}",
        stderr(&again)
    );

    let nobody = run(&["admin", "recovery-link", "--data-dir", data, "--account", "Ada"]);
    refuses(&nobody, "“Ada”");

    let (_, log) = server.terminate().await;
    assert!(!log.contains("gw_setup_"), "links are shown, not logged");
}

#[tokio::test]
async fn a_server_under_tls_is_healthy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The file holds the leaf alone: its issuer is somewhere else.
    let (issuer_key, leaf_key) = (csr::key(), csr::key());
    let issuer = rcgen::Issuer::new(rcgen::CertificateParams::default(), issuer_key);
    let leaf = rcgen::CertificateParams::new(["panel.example".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&leaf_key, &issuer).expect("a certificate");
    let (certificate, key) = (
        folder.path().join("certificate.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, leaf.pem()).expect("it can be written");
    std::fs::write(&key, leaf_key.serialize_pem()).expect("it can be written");
    let tls = [
        "--tls-certificate",
        text(&certificate),
        "--tls-key",
        text(&key),
        "--public-url",
        "https://panel.example",
    ];
    let server = Process::serve(folder.path(), &tls).await;
    let mut arguments = vec!["healthcheck", "--listen", &server.address];
    arguments.extend(tls);
    let health = run(&arguments);
    assert!(health.status.success(), "{}", stderr(&health));
}

/// What systemd does for a socket unit (sd_listen_fds(3)): the socket is descriptor 3, the variables say so.
const SOCKET_ACTIVATION: &str = r#"
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
print(listener.getsockname()[1], flush=True)
os.execve(sys.argv[1], sys.argv[1:], {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
"#;

#[tokio::test]
async fn a_socket_that_systemd_passes_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let binary = env!("CARGO_BIN_EXE_gangway");
    let mut child = Command::new("python3")
        .args([
            "-c",
            SOCKET_ACTIVATION,
            binary,
            "serve",
            "--data-dir",
            text(folder.path()),
            "--listen",
            "127.0.0.1:1",
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3 starts");
    let mut output = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
    let port = output
        .next_line()
        .await
        .expect("it can be read")
        .expect("it prints the port");
    // The socket accepts from the beginning; the answer comes when the server is up.
    let health = run(&["healthcheck", "--listen", &format!("127.0.0.1:{port}")]);
    assert!(health.status.success(), "{}", stderr(&health));
}

/// A machine without IPv6, as the kernel's `ipv6.disable=1` makes it: a filter of system calls refuses its sockets.
const WITHOUT_IPV6: &str = r#"
import ctypes, os, platform, struct, sys
LD, JEQ, RET, ALLOW, EAFNOSUPPORT = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000 | 97
SOCKET, AF_INET6 = {"x86_64": 41, "aarch64": 198}[platform.machine()], 10
program = [(LD, 0, 0, 0), (JEQ, 0, 3, SOCKET), (LD, 0, 0, 16), (JEQ, 0, 1, AF_INET6), (RET, 0, 0, EAFNOSUPPORT),
           (RET, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
filter = Program(len(program), ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(filter), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[tokio::test]
async fn all_addresses_are_those_of_ipv4_where_there_is_no_ipv6() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let without = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-c", WITHOUT_IPV6, env!("CARGO_BIN_EXE_gangway")]);
        command.args(arguments);
        command
    };
    let serve = ["serve", "--data-dir", text(folder.path()), "--listen", ":0"];
    let server = Process::start(without(&[&serve[..], &["--log-format", "json"]].concat())).await;
    let port = server
        .address
        .strip_prefix("0.0.0.0:")
        .expect("every address of IPv4");
    let health = without(&["healthcheck", "--listen", &format!(":{port}")])
        .output()
        .await
        .expect("it runs");
    assert!(health.status.success(), "{}", stderr(&health));
}

/// A network of its own, in which the system keeps IPv6 and IPv4 apart, or has no addresses of IPv6.
const ODD_NETWORK: &str = r#"
ip link set lo up
echo 1 >"/proc/sys/net/ipv6/$3"
"$1" serve --data-dir "$2" --listen :8080 >"$2/log" 2>&1 & server=$!
trap 'kill $server; wait' EXIT
for listen in :8080 127.0.0.1:8080; do
  tries=0
  until "$1" healthcheck --listen "$listen"; do
    tries=$((tries + 1)); [ "$tries" -lt 200 ] || { cat "$2/log" >&2; exit 1; }; sleep 0.1
  done
done
"#;

#[tokio::test]
async fn all_addresses_are_those_of_ipv4_too_where_the_system_keeps_them_apart() {
    for setting in ["bindv6only", "conf/all/disable_ipv6"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = env!("CARGO_BIN_EXE_gangway");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-ec", ODD_NETWORK, "sh", binary]);
        command.args([text(folder.path()), setting]);
        let output = command.output().await.expect("unshare is part of every Debian");
        assert!(output.status.success(), "{setting}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Process::serve(folder.path(), &["--log", "debug"]).await;
    let Process {
        child: mut running,
        address,
        log,
        ..
    } = server;
    drop(log);
    for _ in 0..3 {
        let reply = get(&address, path::ORGANISATIONS, "gw_pat_wrong").await;
        assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    }
    assert_eq!(running.try_wait().expect("it can be asked"), None, "it runs");
}
