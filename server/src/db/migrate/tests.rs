//! Databases of earlier versions, brought up to date with what was in them.

use std::collections::HashMap;

use gangway_protocol::time::UnixMillis;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::*;
use crate::db::fresh_postgres::fresh_database;
use crate::db::{Db, certificates, query, signers};

/// What version 6 holds: a certificate that a device has, and one that was reserved and never signed.
const AT_6: &str = "
    INSERT INTO organisations (id, name, policy, created_at) VALUES ('org_00000000010000000000000000', 'Works', '{}', 1);
    INSERT INTO accounts (id, user_handle, name, kind, created_at) VALUES ('acc_00000000010000000000000000', 'x', 'Ada', 'person', 1);
    INSERT INTO issuers (id, certificate, above, trust_anchor, created_at) VALUES ('iss_00000000010000000000000000', '', '', '', 1);
    INSERT INTO signers (id, organisation, name, kind, created_at)
        VALUES ('sgn_00000000010000000000000000', 'org_00000000010000000000000000', 'Built-in CA', 'builtin', 1);
    INSERT INTO devices (id, organisation, name, sort_name, labels, state, state_since, facts, search, approver, created_at)
        VALUES ('dev_00000000010000000000000000', 'org_00000000010000000000000000', 'Pump', 'pump', '[]', 'active', 1, '{}',
            'pump', 'acc_00000000010000000000000000', 1);
    INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation, sha256, leaf, subject,
            issuer_name, key_kind, not_before, not_after, issued_at, proven_at, search)
        VALUES ('iss_00000000010000000000000000', '01', 'org_00000000010000000000000000', 'dev_00000000010000000000000000',
            'sgn_00000000010000000000000000', '{KEY}', 1, '{DIGEST}', 'PEM', 'CN=x', 'CN=y', 'P-256', 1, 9, 2, 3, '01');
    INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation, to_be_signed, subject,
            issuer_name, key_kind, not_before, not_after, issued_at)
        VALUES ('iss_00000000010000000000000000', '02', 'org_00000000010000000000000000', 'dev_00000000010000000000000000',
            'sgn_00000000010000000000000000', '{KEY}', 2, 'AAAA', 'CN=x', 'CN=y', 'P-256', 1, 9, 2);
    INSERT INTO approvals (claim, organisation, organisation_name, account, approver, proof, device, signer, csr, spki_sha256,
            stage, stage_since, certificate, approved_at)
        VALUES ('clm_00000000010000000000000000', 'org_00000000010000000000000000', 'Works', 'acc_00000000010000000000000000',
            'Ada', '', 'dev_00000000010000000000000000', 'sgn_00000000010000000000000000', '', '{KEY}', 'proven', 3, '{DIGEST}', 1);
";

const DIGEST: &str = "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63";

fn rows() -> String {
    let key = "0".repeat(64);
    AT_6.replace("{KEY}", &key).replace("{DIGEST}", DIGEST)
}

/// The migrations up to and with this version.
fn until(version: i64, migrator: &'static Migrator) -> impl Iterator<Item = &'static Migration> {
    migrator
        .iter()
        .filter(move |migration| migration.version <= version)
}

async fn holds_what_version_6_held(db: &Db) {
    let mut reader = db.reader().await.expect("a reader");
    let conn = &mut reader.conn();
    let held = certificates::find(conn, &DIGEST.parse().expect("a digest"))
        .await
        .expect("it reads")
        .expect("the certificate");
    assert_eq!(
        (held.serial.as_str(), held.proven_at),
        ("01", Some(UnixMillis(3)))
    );
    let counted: (i64,) = query("SELECT COUNT(*) FROM certificates")
        .fetch_one(conn)
        .await
        .expect("a count");
    assert_eq!(counted.0, 1, "what nobody signed is gone");
    let kept: (String, String) = query("SELECT stage, signer FROM approvals")
        .fetch_one(conn)
        .await
        .expect("the approval");
    assert_eq!(kept.0, "proven");
    let signers = signers::of_organisation(conn, &held.organisation)
        .await
        .expect("they read");
    let shown: HashMap<_, _> = signers
        .into_iter()
        .map(|signer| (signer.id.to_string(), signer))
        .collect();
    assert_eq!(shown[&kept.1].kind, gangway_protocol::signer::SignerKind::Builtin);
}

#[tokio::test]
async fn certificates_of_version_6_are_kept_on_sqlite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("test.sqlite3");
    let mut connection = sqlite::open_writer(&file).expect("it opens");
    let transaction = connection.transaction().expect("a transaction");
    applied(&transaction).expect("the table of migrations");
    for migration in until(6, &SQLITE) {
        apply(&transaction, migration).expect("it applies");
    }
    transaction.execute_batch(&rows()).expect("they are stored");
    transaction.commit().expect("committed");
    drop(connection);
    holds_what_version_6_held(&Db::open_sqlite(&file).await.expect("it opens")).await;
    let broken: i64 = sqlite::open_writer(&file)
        .expect("it opens")
        .query_row("SELECT COUNT(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .expect("checked");
    assert_eq!(broken, 0);
}

#[tokio::test]
async fn certificates_of_version_6_are_kept_on_postgresql() {
    let url = fresh_database().await;
    let mut connection = PgConnection::connect(&url).await.expect("it answers");
    let earlier = Migrator {
        migrations: until(6, &POSTGRES).cloned().collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    };
    earlier.run(&mut connection).await.expect("version 6");
    connection
        .execute(AssertSqlSafe(rows()))
        .await
        .expect("they are stored");
    holds_what_version_6_held(&Db::open_postgres(&url).await.expect("it opens")).await;
}
