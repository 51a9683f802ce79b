//! Commands of the binary that do not serve: what they refuse, and in which words; what they show.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gangway_protocol::organisation::Role;

use crate::support::program::{gangway, on, refuses, run, stderr, succeeds, text};
use crate::support::{Engine, Server, csr, fresh_database};

/// Threat model: ACC-3.
#[test]
fn a_public_url_that_cannot_carry_passkeys_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = text(folder.path());
    for (url, words) in [
        ("http://192.0.2.7:8080", "browsers refuse them on an IP address"),
        ("http://panel.example", "browsers offer passkeys over https alone"),
        (
            "https://panel.example/gangway",
            "nothing may follow the host and port",
        ),
    ] {
        refuses(&run(&["serve", "--data-dir", data, "--public-url", url]), words);
    }
}

/// As if a later version had changed the tables.
const LATER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (9999, 'later', TRUE, '', 0)";

#[test]
fn a_data_directory_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = ["--data-dir", text(folder.path())];
    succeeds(&run(&[&["migrate"][..], &data].concat()));
    let connection = rusqlite::Connection::open(folder.path().join("gangway.sqlite3")).expect("it opens");
    connection.execute(LATER, []).expect("it is written");
    connection.close().expect("it closes");
    refuses(
        &run(&[&["serve"][..], &data].concat()),
        "a newer version of Gangway",
    );
}

#[test]
fn a_database_file_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gangway.sqlite3");
    let connection = rusqlite::Connection::open(&file).expect("it opens");
    connection
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .expect("it is made");
    connection.close().expect("it closes");
    let before = std::fs::read(&file).expect("a file");
    let data = ["--data-dir", text(folder.path())];
    for command in ["serve", "migrate"] {
        let output = run(&[&[command][..], &data].concat());
        refuses(&output, "this database is another program's");
        assert!(
            stderr(&output).contains("the table notes in"),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(std::fs::read(&file).expect("a file"), before);

    // An empty file is nobody's.
    std::fs::write(&file, "").expect("written");
    succeeds(&run(&[&["migrate"][..], &data].concat()));
    succeeds(&run(&[&["migrate"][..], &data].concat()));
}

#[test]
fn an_address_that_is_taken_is_told_in_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = ["--data-dir", text(folder.path())];
    succeeds(&run(&[&["migrate"][..], &data].concat()));
    let output = run(&[&["serve", "--listen", &address][..], &data].concat());
    refuses(
        &output,
        &format!(
            "gangway: another program listens on {address} already: stop it, or choose another address with --listen\n"
        ),
    );
    assert!(!stderr(&output).contains("ERROR"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_postgresql_database_of_a_newer_version_is_refused() {
    let url = fresh_database().await;
    succeeds(&run(&["migrate", "--database-url", &url]));
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .expect("it answers");
    sqlx::query(LATER)
        .execute(&mut connection)
        .await
        .expect("it is written");
    refuses(
        &run(&["migrate", "--database-url", &url]),
        "a newer version of Gangway",
    );
}

#[test]
fn a_database_that_cannot_be_reached_is_told_from_a_busy_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let away = "postgres://nobody@127.0.0.1:1/nothing";
    let data = text(folder.path());
    refuses(
        &run(&["serve", "--data-dir", data, "--database-url", away]),
        "Connection refused",
    );
    refuses(
        &run(&[
            "serve",
            "--data-dir",
            data,
            "--database-url",
            "mysql://db.example/x",
        ]),
        "database_url does not begin with postgres://",
    );
}

#[test]
fn a_key_of_the_ca_that_is_none_is_refused_with_the_command_that_makes_one() {
    let checked = gangway(&["check-config"])
        .env(
            "GANGWAY_CA_KEY",
            "correct horse battery staple, and then some more",
        )
        .output()
        .expect("the binary runs");
    refuses(&checked, "openssl rand -base64 32");
}

#[test]
fn check_config_shows_sources_and_hides_secrets() {
    let shown = gangway(&["check-config", "--listen", ":9000"])
        .env(
            "GANGWAY_DATABASE_URL",
            "postgres://gangway:word@db.example/gangway",
        )
        .output()
        .expect("the binary runs");
    let text = succeeds(&shown);
    assert!(
        text.contains("(secret)  (environment)") && !text.contains("word"),
        "{text}"
    );
    assert!(
        text.contains(":9000  (flag)") && text.contains("http://localhost:9000  (default)"),
        "{text}"
    );
}

#[test]
fn check_config_tells_everything_that_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gangway.toml");
    let wrong =
        "public_url = 'https://192.0.2.1'\nlistn = ':1'\nlisten = 'nowhere'\n[caps]\nconnections = 'many'\n";
    std::fs::write(&file, wrong).expect("it can be written");
    let checked = run(&["check-config", "--config", text(&file)]);
    for words in [
        "the key `listn`, which does not exist",
        "listen is not an address with a port",
        "caps.connections is not a whole number",
        "browsers refuse them on an IP address",
    ] {
        refuses(&checked, words);
    }
}

#[test]
fn tls_files_that_cannot_be_used_are_told_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let missing = folder.path().join("missing.pem");
    let options = [
        "--data-dir",
        text(&data),
        "--public-url",
        "https://panel.example",
        "--tls-certificate",
        text(&missing),
        "--tls-key",
        text(&missing),
    ];
    for command in ["check-config", "serve"] {
        refuses(
            &run(&[&[command][..], &options].concat()),
            "missing.pem cannot be used",
        );
    }
    assert!(!data.exists());
}

#[test]
fn a_mistyped_data_directory_is_not_filled_with_a_new_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("mistyped");
    for command in [
        &["admin", "setup-link"][..],
        &["admin", "customer", "list"],
        &["admin", "customer", "invite"],
        &["admin", "recovery-link", "--account", "Ada"],
        &["admin", "audit", "list"],
        &["admin", "held", "list"],
        &["admin", "ca", "export-root", "--to", "root.pem"],
        &["backup", "--to", "backup"],
    ] {
        refuses(
            &run(&[command, &["--data-dir", text(&data)]].concat()),
            "there is no database at",
        );
    }
    assert!(!data.exists());
    // A token may come before the server's first start.
    let made = run(&[
        "admin",
        "token",
        "create",
        "--scope",
        "enrol",
        "--data-dir",
        text(&data),
    ]);
    assert!(succeeds(&made).starts_with("gw_pat_"));
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(said.contains("yet: it is made now"), "{said}");
}

#[tokio::test]
async fn what_the_server_keeps_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    succeeds(&run(&["migrate", "--data-dir", text(&data)]));
    // The first start founds the CA.
    let server = Server::start_with(Engine::Sqlite, |config| config.data_dir.clone_from(&data)).await;
    server.gangway.db.close().await;
    succeeds(&run(&["backup", "--to", text(&copy), "--data-dir", text(&data)]));
    for (place, mode) in [
        (data.clone(), 0o700),
        (data.join("gangway.sqlite3"), 0o600),
        (data.join("ca.key"), 0o600),
        (copy.clone(), 0o700),
        (copy.join("gangway.sqlite3"), 0o600),
        (copy.join("ca.key"), 0o600),
        (copy.join("checkpoints.json"), 0o600),
    ] {
        let found = std::fs::metadata(&place).expect("it is there").permissions();
        assert_eq!(found.mode() & 0o777, mode, "{}", place.display());
    }
}

#[tokio::test]
async fn the_record_is_read_from_the_command_line() {
    let server = Server::start(Engine::Sqlite).await;
    let owner = server.owner().await;
    let owner = server.sign_in(&owner.authenticator).await;
    let home = owner.organisation();
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let certificate = ada.enrol(&server, &csr::key()).await;
    let data = text(&server.gangway.config.data_dir).to_owned();
    let list = |more: &[&str]| {
        succeeds(&run(
            &[&["admin", "audit", "list", "--data-dir", &data], more].concat()
        ))
    };

    let of_server = list(&[]);
    assert!(
        of_server.contains("sign_in") && of_server.contains("Olga Owner"),
        "{of_server}"
    );
    assert!(of_server.contains("2027-01-15T08:00:00Z"), "{of_server}");
    let of_home = list(&["--organisation", home.as_str(), "--last", "1"]);
    assert_eq!(of_home.lines().count(), 1);
    assert!(
        of_home.contains("certificate.issued")
            && of_home.contains(certificate.device.as_str())
            && of_home.contains("by Ada"),
        "{of_home}"
    );
    let lines = list(&["--organisation", home.as_str(), "--json"]);
    assert!(lines.lines().count() >= 3, "approved, consented, issued: {lines}");
    for line in lines.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(entry["seq"].is_u64() && entry["hash"].is_string(), "{entry}");
    }
}

#[test]
fn a_signer_is_added_and_listed_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = text(folder.path());
    succeeds(&run(&[
        "admin",
        "token",
        "create",
        "--scope",
        "enrol",
        "--data-dir",
        data,
    ]));
    let file = folder.path().join("gangway.sqlite3");
    let home: String = rusqlite::Connection::open(&file)
        .and_then(|connection| connection.query_row("SELECT id FROM organisations", [], |row| row.get(0)))
        .expect("the organisation that the token made");
    let config = folder.path().join("aws.json");
    let add = |kind: &str, organisation: &str, json: &str| {
        std::fs::write(&config, json).expect("written");
        run(&[
            "admin",
            "signer",
            "add",
            "--kind",
            kind,
            "--configuration",
            text(&config),
            "--name",
            "AWS",
            "--organisation",
            organisation,
            "--data-dir",
            data,
        ])
    };
    refuses(
        &add("aws_iot", &home, "{\"region\": \"Frankfurt\"}"),
        "region is a name like",
    );
    refuses(&add("aws_iot", &home, "{}"), "missing field `region`");
    refuses(&add("aws_iot", &home, "region"), "aws.json cannot be used");
    refuses(
        &add("azure", &home, "{}"),
        "it is aws_iot, plgd_hub, est, step_ca, vault or builtin",
    );
    let nowhere = "org_0000000001zzzzzzzzzzzzzzzz";
    refuses(
        &add("aws_iot", nowhere, "{\"region\": \"eu-central-1\"}"),
        "there is no such thing here",
    );
    succeeds(&add("aws_iot", &home, "{\"region\": \"eu-central-1\"}"));
    let listed = run(&[
        "admin",
        "signer",
        "list",
        "--organisation",
        &home,
        "--data-dir",
        data,
    ]);
    succeeds(&listed);
    let lines = String::from_utf8(listed.stdout).expect("text");
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["kind"].to_string())
        .collect();
    assert_eq!(kinds, ["\"builtin\"", "\"aws_iot\""]);
}

/// Threat model: ENR-33.
#[test]
fn a_corporate_ca_is_added_with_its_credential_which_is_shown_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path();
    let scope = ["admin", "token", "create", "--scope", "enrol"];
    succeeds(&on(data, &scope));
    let file = data.join("gangway.sqlite3");
    let home: String = rusqlite::Connection::open(&file)
        .and_then(|connection| connection.query_row("SELECT id FROM organisations", [], |row| row.get(0)))
        .expect("the organisation that the token made");
    let (config, credential) = (data.join("vault.json"), data.join("credential.json"));
    let write = |file: &Path, json: &str| std::fs::write(file, json).expect("written");
    write(
        &config,
        r#"{"url": "https://vault.works.example:8200", "role": "devices"}"#,
    );
    let add = |further: &[&str]| {
        let add = ["admin", "signer", "add", "--kind", "vault", "--name", "Works CA"];
        let where_to = ["--configuration", text(&config), "--organisation", &home];
        on(data, &[&add[..], &where_to, further].concat())
    };
    refuses(&add(&[]), "give it a credential with --credential FILE");
    let with = ["--credential", text(&credential)];
    write(&credential, r#"{"password": "hunter2"}"#);
    let refused = add(&with);
    refuses(&refused, r#"the credential is JSON of the form {"token": …}"#);
    assert!(!stderr(&refused).contains("hunter2"));
    write(&credential, r#"{"token": "hvs.hunter2"}"#);
    let added = succeeds(&add(&with));
    let added: serde_json::Value = serde_json::from_str(&added).expect("JSON");
    assert_eq!(added["mount"], "pki");
    let id = added["id"].as_str().expect("an id");
    write(
        &config,
        r#"{"url": "https://vault.works.example:8200", "mount": "../sys", "role": "devices"}"#,
    );
    let change = |what: &[&str]| on(data, &[&["admin", "signer", "change", id], what].concat());
    refuses(&change(&["--configuration", text(&config)]), "mount has letters");
    refuses(&change(&[]), "--credential <FILE>");
    write(
        &config,
        r#"{"url": "http://127.0.0.1:9", "mount": "pki/devices", "role": "devices"}"#,
    );
    let changed = succeeds(&change(&[
        "--configuration",
        text(&config),
        "--credential",
        text(&credential),
    ]));
    assert!(changed.contains("pki/devices"), "{changed}");
    refuses(
        &on(data, &["admin", "signer", "try", id]),
        "“Works CA” did not sign: it cannot be reached",
    );
    let list = ["admin", "signer", "list", "--organisation", &home];
    let listed = succeeds(&on(data, &list));
    assert!(
        listed.contains("Works CA") && !listed.contains("hunter2"),
        "{listed}"
    );
    std::fs::remove_file(&credential).expect("it is not needed any more");
    for entry in std::fs::read_dir(data).expect("a folder") {
        let file = entry.expect("an entry").path();
        if file.is_file() {
            let bytes = std::fs::read(&file).expect("a file");
            assert!(
                !bytes.windows(7).any(|window| window == b"hunter2"),
                "{}",
                file.display()
            );
        }
    }
}
