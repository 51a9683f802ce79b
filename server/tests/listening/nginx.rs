//! Behind nginx as Debian installs it and as nobody has tuned it: what streams is not held back.

use std::process::Stdio;

use gangway_protocol::account::TokenScope;
use gangway_protocol::path;
use tokio::process::{Child, Command};

use super::*;
use crate::support::{Engine, Server};

/// A proxy that ends with the test.
struct Nginx {
    port: u16,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Passes everything on to `to`, with nginx's own defaults.
    async fn before(to: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Another program could take the port between this and the start of nginx: then the test says so.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let place = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {place}/{kind};\n"))
            .collect();
        let config = format!(
            "daemon off; pid {place}/pid; error_log stderr; worker_processes 1;\n\
             events {{}}\n\
             http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{to}; }} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("it can be written");
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .arg("-p")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx is installed: scripts/setup build test");
        let nginx = Self {
            port,
            _child: child,
            _folder: folder,
        };
        while TcpStream::connect(("127.0.0.1", nginx.port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nginx
    }
}

#[tokio::test]
async fn a_stream_of_changes_comes_through_a_plain_nginx_at_once() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.new_token(None, &[TokenScope::FleetRead]).await;
    let spawned = server.spawn();
    let nginx = Nginx::before(spawned.address).await;
    let mut stream = TcpStream::connect(("127.0.0.1", nginx.port))
        .await
        .expect("it accepts");
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        path::FLEET_CHANGES,
        token.expose()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be written");
    // The stream lives for a quarter of an hour: a proxy that holds it back shows nothing until then.
    let mut reply = String::new();
    let first_line = async {
        while !reply.contains(": watching") {
            let mut part = [0; 1024];
            let len = stream.read(&mut part).await.expect("it can be read");
            assert!(len > 0, "it ended: {reply}");
            reply.push_str(&String::from_utf8_lossy(&part[..len]));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), first_line)
        .await
        .expect("the beginning of the stream comes through");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}
