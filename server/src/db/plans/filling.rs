//! A database with 100,000 rows of everything.

use gangway_protocol::device::Facts;
use gangway_protocol::id::{AccountId, BulkJobId, DeviceId, OrganisationId, SignerId};

use super::super::{Db, DbError, assembled, write};

pub(super) fn id(prefix: &str, number: u32) -> String {
    format!("{prefix}{number:026}")
}

pub(super) fn home() -> OrganisationId {
    id("org_", 1).parse().expect("an id")
}

/// An organisation without anything.
pub(super) fn other(number: u32) -> OrganisationId {
    id("org_", number).parse().expect("an id")
}

pub(super) fn account() -> AccountId {
    id("acc_", 1).parse().expect("an id")
}

pub(super) fn device() -> DeviceId {
    id("dev_", 4_711).parse().expect("an id")
}

pub(super) fn signer() -> SignerId {
    id("sgn_", 1).parse().expect("an id")
}

pub(super) fn bulk_job() -> BulkJobId {
    id("job_", 1).parse().expect("an id")
}

/// 100,000 of everything, in one organisation and of one account.
pub(super) async fn fill(db: &Db, on_postgres: bool) {
    let series = if on_postgres {
        "WITH s AS (SELECT n FROM generate_series(1, 100000) n)"
    } else {
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)"
    };
    let padded = |len: u32, what: &str| {
        if on_postgres {
            format!("LPAD(CAST({what} AS TEXT), {len}, '0')")
        } else {
            format!("PRINTF('%0{len}d', {what})")
        }
    };
    let (number, hex) = (padded(26, "n"), padded(64, "n"));
    let facts = serde_json::to_string(&Facts::default()).expect("facts have a JSON form");
    let org = format!("'{}'", home());
    let acc = format!("'{}'", account());
    let statements = [
        format!("INSERT INTO organisations (id, name, policy, created_at) VALUES ({org}, 'Works', '{{}}', 1)"),
        format!("{series} INSERT INTO accounts (id, user_handle, name, kind, created_at)
            SELECT 'acc_' || {number}, {hex}, 'Ada ' || n, 'person', n FROM s"),
        format!("{series} INSERT INTO memberships (organisation, account, role, created_at)
            SELECT {org}, 'acc_' || {number}, 'viewer', n FROM s"),
        format!("{series} INSERT INTO passkeys (id, account, credential_id, credential, name, created_at)
            SELECT 'psk_' || {number}, 'acc_' || {number}, {hex}, '{{}}', 'key', n FROM s"),
        format!("{series} INSERT INTO sign_ins (id, token_hash, account, browser, address, created_at, last_used_at, verified_at, assertion)
            SELECT 'sin_' || {number}, {hex}, {acc}, 'b', 'a', n, n, n, '' FROM s"),
        format!("{series} INSERT INTO tokens (id, secret_hash, account, organisation, name, scopes, created_at, expires_at)
            SELECT 'tok_' || {number}, {hex}, {acc}, {org}, 't', 'read', n, n FROM s"),
        format!("{series} INSERT INTO links (id, kind, token_hash, organisation, role, note, created_at, expires_at)
            SELECT 'lnk_' || {number}, 'invitation', {hex}, {org}, 'viewer', '', n, n FROM s"),
        format!("INSERT INTO issuers (id, certificate, above, trust_anchor, created_at)
            VALUES ('{}', '', '', '', 1)", id("iss_", 1)),
        format!("INSERT INTO signers (id, organisation, name, kind, position, created_at)
            VALUES ('{}', {org}, 'CA', '{{\"kind\":\"builtin\"}}', 0, 1)", id("sgn_", 1)),
        format!("{series} INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search, approver, created_at)
            SELECT 'dev_' || {number}, {org}, {org}, 'Pump ' || n, 'pump ' || n, '[]', CASE WHEN n % 10 = 0 THEN 'suspended' ELSE 'active' END, n, '{facts}', 'pump ' || n, {acc}, n FROM s"),
        // A quarter keeps the empty version.
        "UPDATE devices SET facts = REPLACE(facts, '\"software_version\":\"\"', '\"software_version\":\"' || (created_at % 4) || '\"')
            WHERE created_at % 4 <> 0".to_owned(),
        format!("{series} INSERT INTO feeds (organisation, name, description, fields, metadata, created_at)
            SELECT {org}, 'Feed ' || n, '', '[]', '', n FROM s"),
        format!("{series} INSERT INTO feed_keys (id, channel, secret_hash, writes, name, created_at)
            SELECT 'fky_' || {number}, n, {hex}, n % 2 = 0, 'key', n FROM s"),
        format!("{series} INSERT INTO former_homes (device, organisation, moved_at) SELECT 'dev_' || {number}, {org}, n FROM s"),
        "UPDATE presence SET recency = (SELECT CASE WHEN created_at % 2 = 0 THEN 4503599627370496 ELSE 0 END + created_at
            FROM devices WHERE id = device)".to_owned(),
        format!("{series} INSERT INTO device_keys (organisation, spki_sha256, device, created_at)
            SELECT {org}, {hex}, 'dev_' || {number}, n FROM s"),
        format!("{series} INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation, sha256,
                leaf, subject, issuer_name, key_kind, not_before, not_after, issued_at, search)
            SELECT '{}', {hex}, {org}, 'dev_' || {number}, '{}', {hex}, 1, {hex}, '', 'CN=' || n, 'CN=ca', 'P-256', n, n, n, {hex} FROM s",
            id("iss_", 1), id("sgn_", 1)),
        "UPDATE certificates SET revoked_at = issued_at WHERE issued_at % 2 = 0".to_owned(),
        format!("{series} INSERT INTO approvals (claim, organisation, organisation_name, account, approver, proof, device, signer, csr,
                spki_sha256, stage, stage_since, approved_at)
            SELECT 'clm_' || {number}, {org}, 'Works', {acc}, 'Ada', '', 'dev_' || {number}, '{}', '', {hex},
                CASE WHEN n % 2 = 0 THEN 'approved' ELSE 'proven' END, n, n FROM s", id("sgn_", 1)),
        format!("{series} INSERT INTO held_certificates (sha256, organisation, device, leaf, subject, first_seen_at, not_after, readmitted_at)
            SELECT {hex}, {org}, 'dev_' || {number}, '', '', n, n, CASE WHEN n % 2 = 0 THEN n END FROM s"),
        format!("{series} INSERT INTO plgd_certificates (sha256, issuer, serial, organisation, account, record, common_name, device_id,
                public_key, spki_sha256, leaf, not_before, not_after, created_at, issued_at)
            SELECT {hex}, '{}', {hex}, {org}, {acc}, {hex}, 'uuid:' || n, CASE WHEN n % 1000 = 0 THEN NULL ELSE {hex} END, {hex}, {hex},
                '', n, n, n, n FROM s", id("iss_", 1)),
        "UPDATE plgd_certificates SET revoked_at = issued_at WHERE issued_at % 2 = 0".to_owned(),
        format!("{series} INSERT INTO webhooks (id, organisation, name, url, events, state, state_since, secret, created_at)
            SELECT 'whk_' || {number}, {org}, 'Hook', '', '', 'on', n, '', n FROM s WHERE n <= 2000"),
        format!("{series} INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state, due_at)
            SELECT '{}', 'evt_' || {number}, 'device.online', {org}, n, '', CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'waiting' END,
                CASE WHEN n % 2 = 0 THEN NULL ELSE n END FROM s", id("whk_", 1)),
        format!("UPDATE devices SET certificate_expires_at = created_at, signer = CASE WHEN created_at % 2 = 0 THEN '{}' END,
            labels = CASE WHEN created_at % 2 = 0 THEN '[\"hall\"]' ELSE '[]' END", id("sgn_", 1)),
        format!("{series} INSERT INTO identity_providers (id, organisation, name, issuer, client_id, roles, makes_accounts, created_at)
            SELECT 'idp_' || {number}, {org}, 'Login', 'https://login.example/' || n, 'x', '{{}}', TRUE, n FROM s"),
        format!("{series} INSERT INTO identities (provider, subject, account, customer, created_at, last_used_at)
            SELECT 'idp_' || {number}, {hex}, 'acc_' || {number}, {org}, n, n FROM s"),
        format!("{series} INSERT INTO permits (id, organisation, kind, lookup, secret, name, mode, signer, labels, networks, account,
                account_name, created_at)
            SELECT 'prm_' || {number}, {org}, CASE WHEN n % 2 = 0 THEN 'preapproval' ELSE 'registration_key' END, n, '', 'Hall', 'auto',
                '{}', '[]', '[]', {acc}, 'Ada', n FROM s", id("sgn_", 1)),
        format!("{series} INSERT INTO permit_uses (permit, spki_sha256, device, at)
            SELECT '{}', {hex}, 'dev_' || {number}, n FROM s", id("prm_", 1)),
        format!("{series} INSERT INTO lobby (device, customer, permit, csr, asked_at, asks_again_at)
            SELECT 'dev_' || {number}, {org}, '{}', '', n, n FROM s", id("prm_", 1)),
        format!("{series} INSERT INTO saved_views (id, account, name, filter, shared_in, created_at)
            SELECT 'viw_' || {number}, {acc}, 'View', '{{}}', CASE WHEN n % 2 = 0 THEN {org} END, n FROM s"),
        format!("{series} INSERT INTO bulk_jobs (id, organisation, account, account_name, credential, action, state, created_at, begins_at)
            SELECT 'job_' || {number}, {org}, {acc}, 'Ada', 'tok_' || {number}, '{{\"kind\":\"renew\"}}', CASE WHEN n % 2 = 0 THEN 'done' ELSE 'waiting' END, n, n FROM s"),
        format!("{series} INSERT INTO bulk_job_devices (job, device, outcome)
            SELECT '{}', 'dev_' || {number}, CASE WHEN n % 2 = 0 THEN 'failed' END FROM s", id("job_", 1)),
        format!("{series} INSERT INTO audit (chain, seq, at, actor, action, subject, detail, hash)
            SELECT {org}, n, n, 'server', 'x', 'dev_' || {number}, '', {hex} FROM s"),
    ];
    for statement in statements {
        execute(db, statement).await;
    }
}

pub(super) async fn execute(db: &Db, sql: String) {
    let done: Result<u64, DbError> = write!(db, |tx| { assembled(sql).execute(tx).await });
    done.expect("the statement succeeds");
}
