//! The three programs of a crossing as processes, and a place for them to live.

mod terminal;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) use terminal::Terminal;

/// Nothing in these stories takes longer, not even on a machine that does something else besides.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server's folder, its address and a token to enrol with.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
    /// Further arguments of the server.
    more: Vec<String>,
    /// With it [`Place::link`] enrols.
    pub(crate) token: String,
}

impl Place {
    /// A fresh server that serves.
    pub(crate) async fn open() -> Self {
        Self::open_with(Vec::new()).await
    }

    /// A fresh server that serves, with further arguments.
    pub(crate) async fn open_with(more: Vec<String>) -> Self {
        let mut place = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            port: free_port(),
            server: None,
            more,
            token: String::new(),
        };
        place.start_server().await;
        place.token = place.new_token().await;
        place
    }

    /// A fresh server, a device that waits there, and the code that it shows.
    pub(crate) async fn with_device(accept: &str) -> (Self, Device, String) {
        let place = Self::open().await;
        let mut device = place.device(accept);
        let code = device.code().await;
        (place, device, code)
    }

    /// Starts the server on the same data and address, and waits until it is ready.
    pub(crate) async fn start_server(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .expect("a log");
        let server = gangway(&[
            "serve",
            "--data-dir",
            self.data_dir(),
            "--listen",
            &listen,
            "--public-url",
            &self.url(),
        ])
        .args(&self.more)
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the server starts");
        self.server = Some(server);
        let ready = async {
            loop {
                let health = gangway(&["healthcheck", "--listen", &listen])
                    .output()
                    .await
                    .expect("the binary runs");
                if health.status.success() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(PATIENCE, ready).await.is_err() {
            panic!("the server does not become ready:\n{}", self.server_log());
        }
    }

    /// Ends the server as a power cut would.
    pub(crate) async fn kill_server(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.kill().await.expect("it is killed");
    }

    /// Another token of scope `enrol`.
    pub(crate) async fn new_token(&self) -> String {
        let output = gangway(&[
            "admin",
            "token",
            "create",
            "--data-dir",
            self.data_dir(),
            "--scope",
            "enrol",
            "--public-url",
            &self.url(),
        ])
        .output()
        .await
        .expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text.lines()
            .last()
            .expect("the token stands on the last line")
            .to_owned()
    }

    /// The device, which shows codes at this server; started again, it has what it had on its disk. `accept` says who
    /// answers for it: `always` itself, `ask` the person in front of it.
    pub(crate) fn device(&self, accept: &str) -> Device {
        self.device_hearing(accept, Stdio::piped())
    }

    /// The same with another standard input.
    pub(crate) fn device_hearing(&self, accept: &str, input: Stdio) -> Device {
        let mut command = Command::new(device_binary());
        command
            .args(["run", "--server", &self.url(), "--json", "--state-dir"])
            .arg(self.device_state())
            .args(["--accept", accept])
            .env_clear()
            .stdin(input)
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Device(Program::spawn(command))
    }

    /// `gangway-device answer` for the device that runs here: its exit code and what it said.
    pub(crate) async fn answer(&self, words: &[&str]) -> (Option<i32>, String) {
        self.on_device("answer", words).await
    }

    async fn on_device(&self, command: &str, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(device_binary())
            .arg(command)
            .args(words)
            .arg("--state-dir")
            .arg(self.device_state())
            .env_clear()
            .output()
            .await
            .expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// `gangway-device measure` for the device that runs here.
    pub(crate) async fn measure(&self, readings: &[&str]) {
        let (exit, said) = self.refused_measure(readings).await;
        assert_eq!(exit, Some(0), "{said}");
    }

    /// The same, with its exit code and what it said.
    pub(crate) async fn refused_measure(&self, readings: &[&str]) -> (Option<i32>, String) {
        self.on_device("measure", readings).await
    }

    /// Where the device keeps what it is.
    pub(crate) fn device_state(&self) -> PathBuf {
        self.folder.path().join("device")
    }

    /// So many devices in one process, in memory.
    pub(crate) fn simulate(&self, count: u32) -> Device {
        let mut command = Command::new(device_binary());
        command
            .args(["simulate", "--server", &self.url(), "--json", "--count"])
            .arg(count.to_string())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Device(Program::spawn(command))
    }

    /// `gangway link --json`, with this code on its standard input.
    pub(crate) async fn link(&self, code: &str, more: &[&str]) -> Link {
        self.link_with(&self.token, code, more).await
    }

    /// The same with another token.
    pub(crate) async fn link_with(&self, token: &str, code: &str, more: &[&str]) -> Link {
        let url = self.url();
        let mut arguments = vec!["link", "--server", &url, "--json"];
        arguments.extend(more);
        let mut command = gangway(&arguments);
        command
            .env("GANGWAY_TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut link = Link(Program::spawn(command));
        link.0.say(code).await;
        link
    }

    /// A measurement feed, made beside the running server: its channel, its write key and its read key.
    pub(crate) async fn new_feed(&self) -> Value {
        let text = self.admin(&["feed", "create", "--name", "Thermometer"]).await;
        serde_json::from_str(text.lines().last().expect("a last line")).expect("one JSON object")
    }

    /// What `gangway admin` says on standard output, beside the running server.
    pub(crate) async fn admin(&self, words: &[&str]) -> String {
        let data = ["--data-dir", self.data_dir()];
        let output = gangway(&[&["admin"], words, &data].concat())
            .output()
            .await
            .expect("the binary runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A file of this content in the place's folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// The body that comes back for a path; `None` where the connection breaks.
    pub(crate) async fn get(port: u16, path: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
        let reply = Self::send(port, &request).await?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
    }

    /// The reply to these bytes; `None` where the connection breaks.
    pub(crate) async fn send(port: u16, request: &str) -> Option<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut reply = String::new();
        socket.read_to_string(&mut reply).await.ok()?;
        Some(reply)
    }

    /// How many certificates have been issued to devices.
    pub(crate) fn certificates(&self) -> i64 {
        let file = Path::new(self.data_dir()).join("gangway.sqlite3");
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|connection| {
                connection.query_row("SELECT COUNT(*) FROM certificates", [], |row| row.get(0))
            })
            .expect("it counts")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub(crate) fn server_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn data_dir(&self) -> &str {
        self.folder.path().to_str().expect("the path is text")
    }
}

/// A port that is free now. Another program could take it before it is used: then the test says so.
pub(crate) fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").port()
}

/// A running `gangway-device`.
pub(crate) struct Device(Program);

impl Device {
    /// The next event of this name; others before it are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        self.0.event(&[name]).await
    }

    /// The next event of one of these names.
    pub(crate) async fn event_of(&mut self, names: &[&str]) -> Value {
        self.0.event(names).await
    }

    /// The code that it shows, once it waits under it.
    pub(crate) async fn code(&mut self) -> String {
        let shown = self.event("code").await;
        self.event("waiting").await;
        shown["user_code"].as_str().expect("a code").to_owned()
    }

    /// The device asks who may have it: the claim that an answer has to name.
    pub(crate) async fn question(&mut self) -> String {
        let asked = self.event("approval_asked").await;
        asked["claim"].as_str().expect("a claim").to_owned()
    }

    /// The person at the device types a line.
    pub(crate) async fn say(&mut self, line: &str) {
        self.0.say(line).await;
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.0.child.kill().await.expect("it is killed");
    }
}

/// A running `gangway link`.
pub(crate) struct Link(Program);

impl Link {
    /// The next event of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        self.0.event(&[name]).await
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.0.say(line).await;
    }

    /// Ends its input.
    pub(crate) fn hang_up(&mut self) {
        self.0.child.stdin = None;
    }

    /// Waits for its end: the exit code and the last event.
    pub(crate) async fn end(mut self) -> (i32, Value) {
        let mut last = Value::Null;
        let ended = async {
            while let Some(event) = self.0.events.recv().await {
                last = event;
            }
            self.0.child.wait().await.expect("it ends")
        };
        let status = timeout(PATIENCE, ended).await.expect("it ends in time");
        (status.code().expect("it ends by itself"), last)
    }
}

/// A program that tells one JSON object per line.
struct Program {
    child: Child,
    events: mpsc::Receiver<Value>,
    told: Vec<Value>,
}

impl Program {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let output = child.stdout.take().expect("it is a pipe");
        let (sender, events) = mpsc::channel(64);
        tokio::spawn(tell(output, sender));
        Self {
            child,
            events,
            told: Vec::new(),
        }
    }

    async fn event(&mut self, names: &[&str]) -> Value {
        let found = async {
            while let Some(event) = self.events.recv().await {
                self.told.push(event.clone());
                if names.iter().any(|name| event["event"] == *name) {
                    return Some(event);
                }
            }
            None
        };
        match timeout(PATIENCE, found).await {
            Ok(Some(event)) => event,
            Ok(None) => panic!(
                "the program ended without telling {names:?}; it told {:#?}",
                self.told
            ),
            Err(_) => panic!("the program does not tell {names:?}; it told {:#?}", self.told),
        }
    }

    async fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("it is a pipe");
        input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .expect("it listens");
    }
}

/// Passes every line on as an event.
async fn tell(output: impl AsyncRead + Unpin, events: mpsc::Sender<Value>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a line of JSON: {line}"));
        if events.send(event).await.is_err() {
            return;
        }
    }
}

fn gangway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangway"));
    command.args(arguments).env_clear().kill_on_drop(true);
    command
}

/// The device is another package: its binary is where the test script says, or beside the server's.
fn device_binary() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test reads where the script put the binary"
    )]
    let named = std::env::var_os("GANGWAY_DEVICE_BIN").map(PathBuf::from);
    let binary =
        named.unwrap_or_else(|| Path::new(env!("CARGO_BIN_EXE_gangway")).with_file_name("gangway-device"));
    assert!(
        binary.exists(),
        "{} is missing: cargo build -p gangway-device",
        binary.display()
    );
    binary
}
