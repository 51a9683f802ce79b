//! Signed-in browsers.

use gangway_protocol::account::SignIn;
use gangway_protocol::id::{AccountId, IdentityProviderId, OrganisationId, PasskeyId, SignInId};
use gangway_protocol::time::UnixMillis;

use super::SecretHash;
use super::{Conn, DbError, parsed, query, row};

/// A sign-in ends this long after it began, whatever happens (OWASP ASVS 5.0 §7.3.2).
pub const LIFE: i64 = 30 * UnixMillis::DAY;
/// A sign-in ends when nobody used it for this long (OWASP ASVS 5.0 §7.3.1). A week: who looks in on Mondays stays signed
/// in; what matters asks for a fresh passkey anyway.
pub const IDLE: i64 = 7 * UnixMillis::DAY;
/// A sign-in that a provider vouched for ends this long after it began: a working day. Who has lost their place at the provider is
/// out here by then, whether or not the provider says so.
pub const PROVIDER_LIFE: i64 = 12 * UnixMillis::HOUR;
/// For how long a secret still identifies after its rotation: requests that left the browser before the new cookie
/// arrived there shall not look signed out.
const ROTATION_GRACE: i64 = 10 * UnixMillis::SECOND;

/// A browser to be signed in.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// Its id.
    pub id: SignInId,
    /// Whose it is.
    pub account: AccountId,
    /// Which browser, from its `User-Agent`.
    pub browser: String,
    /// From where.
    pub address: String,
    /// What opened it.
    pub opened_by: OpenedBy,
    /// When that was proved: now for a passkey, whenever the person was at the provider for a provider.
    pub verified_at: UnixMillis,
    /// The assertion that opened it, as JSON.
    pub assertion: String,
}

/// What opens a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenedBy {
    /// A passkey.
    Passkey(PasskeyId),
    /// A provider.
    Provider(Vouched, Option<String>),
}

/// Who vouches for a sign-in, and where that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The provider.
    pub provider: IdentityProviderId,
    /// Its customer.
    pub customer: OrganisationId,
}

/// A sign-in whose cookie somebody showed.
#[derive(Clone, Debug)]
pub struct Found {
    /// The sign-in.
    pub id: SignInId,
    /// Whose it is.
    pub account: AccountId,
    /// That account's name.
    pub account_name: String,
    /// Since when the account exists.
    pub account_since: UnixMillis,
    /// When it was last noted as used.
    pub last_used_at: UnixMillis,
    /// When it last proved a passkey; long ago when the cookie is one that has been rotated.
    pub verified_at: UnixMillis,
    /// That assertion, as JSON.
    pub assertion: String,
    /// The provider that opened it.
    pub vouched: Option<Vouched>,
}

/// Signs a browser in.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    sign_in: &NewSignIn,
    now: UnixMillis,
) -> Result<(), DbError> {
    let (passkey, vouched, session) = match &sign_in.opened_by {
        OpenedBy::Passkey(passkey) => (Some(passkey.as_str()), None, None),
        OpenedBy::Provider(vouched, session) => (None, Some(vouched), session.as_deref()),
    };
    query(
        "INSERT INTO sign_ins (id, token_hash, account, browser, address, created_at, last_used_at, verified_at, assertion,
                passkey, provider, customer, provider_session)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(sign_in.id.as_str())
    .bind(secret.as_str())
    .bind(sign_in.account.as_str())
    .bind(&sign_in.browser)
    .bind(&sign_in.address)
    .bind(now.0)
    .bind(sign_in.verified_at.0)
    .bind(&sign_in.assertion)
    .bind(passkey)
    .bind(vouched.map(|vouched| vouched.provider.as_str()))
    .bind(vouched.map(|vouched| vouched.customer.as_str()))
    .bind(session)
    .execute(conn)
    .await?;
    Ok(())
}

/// The sign-in of this secret, unless it has grown too old or lain idle for too long.
///
/// # Errors
/// What the database says.
pub async fn by_secret(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    now: UnixMillis,
) -> Result<Option<Found>, DbError> {
    let row: Option<FoundRow> = query(
        "SELECT s.id, s.account, s.created_at, s.last_used_at, s.assertion, s.provider, s.customer,
                CASE WHEN s.token_hash = $1 THEN s.verified_at ELSE 0 END AS verified_at,
                a.name AS account_name, a.created_at AS account_since
         FROM sign_ins s JOIN accounts a ON a.id = s.account
         WHERE (s.token_hash = $1 OR (s.former_hash = $1 AND s.verified_at > $2))
           AND s.created_at > $3 AND s.last_used_at > $4 AND (s.provider IS NULL OR s.created_at > $5)",
    )
    .bind(secret.as_str())
    .bind(now.plus(-ROTATION_GRACE).0)
    .bind(now.plus(-LIFE).0)
    .bind(now.plus(-IDLE).0)
    .bind(now.plus(-PROVIDER_LIFE).0)
    .fetch_optional(conn)
    .await?;
    row.map(Found::try_from).transpose()
}

/// Whether a sign-in has neither ended, nor grown too old, nor lain idle for too long.
///
/// # Errors
/// What the database says.
pub async fn lives(conn: &mut Conn<'_>, id: &SignInId, now: UnixMillis) -> Result<bool, DbError> {
    let row: Option<(String,)> = query(
        "SELECT id FROM sign_ins WHERE id = $1 AND created_at > $2 AND last_used_at > $3
             AND (provider IS NULL OR created_at > $4)",
    )
    .bind(id.as_str())
    .bind(now.plus(-LIFE).0)
    .bind(now.plus(-IDLE).0)
    .bind(now.plus(-PROVIDER_LIFE).0)
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Writes down that a sign-in was used, and from where.
///
/// # Errors
/// What the database says.
pub async fn note_use(
    conn: &mut Conn<'_>,
    id: &SignInId,
    address: &str,
    now: UnixMillis,
) -> Result<(), DbError> {
    query("UPDATE sign_ins SET last_used_at = $2, address = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .bind(address)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a sign-in another secret and a fresh assertion, by `passkey`; `false` when it has ended meanwhile.
///
/// # Errors
/// What the database says.
pub async fn rotate(
    conn: &mut Conn<'_>,
    id: &SignInId,
    secret: &SecretHash,
    passkey: &PasskeyId,
    assertion: &str,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let rows = query(
        "UPDATE sign_ins SET former_hash = token_hash, token_hash = $2, assertion = $3, verified_at = $4,
                last_used_at = $4, passkey = $5
             WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(secret.as_str())
    .bind(assertion)
    .bind(now.0)
    .bind(passkey.as_str())
    .execute(conn)
    .await?;
    Ok(rows > 0)
}

/// As [`rotate`], by the provider that opened it, where the person was at `verified_at`.
///
/// # Errors
/// What the database says.
pub async fn rotate_by_provider(
    conn: &mut Conn<'_>,
    id: &SignInId,
    secret: &SecretHash,
    provider: &IdentityProviderId,
    fresh: &NewSignIn,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let session = match &fresh.opened_by {
        OpenedBy::Provider(_, session) => session.as_deref(),
        OpenedBy::Passkey(_) => None,
    };
    let rows = query(
        "UPDATE sign_ins SET former_hash = token_hash, token_hash = $2, assertion = $3, verified_at = $4,
                last_used_at = $5, provider_session = $6
             WHERE id = $1 AND account = $7 AND provider = $8",
    )
    .bind(id.as_str())
    .bind(secret.as_str())
    .bind(&fresh.assertion)
    .bind(fresh.verified_at.0)
    .bind(now.0)
    .bind(session)
    .bind(fresh.account.as_str())
    .bind(provider.as_str())
    .execute(conn)
    .await?;
    Ok(rows > 0)
}

/// Signs out the browsers that a provider signed in: of an account, and where it is named, of one session there alone. Whether there was one.
///
/// # Errors
/// What the database says.
pub async fn delete_by_provider(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    account: &AccountId,
    session: Option<&str>,
) -> Result<bool, DbError> {
    let rows =
        query("DELETE FROM sign_ins WHERE provider = $1 AND account = $2 AND ($3 OR provider_session = $4)")
            .bind(provider.as_str())
            .bind(account.as_str())
            .bind(session.is_none())
            .bind(session)
            .execute(conn)
            .await?;
    Ok(rows > 0)
}

/// At most `limit` accounts that a provider has signed in, in one of its sessions where that is named.
///
/// # Errors
/// What the database says.
pub async fn accounts_by_provider(
    conn: &mut Conn<'_>,
    provider: &IdentityProviderId,
    session: Option<&str>,
    limit: i64,
) -> Result<Vec<AccountId>, DbError> {
    let rows: Vec<(String,)> = query(
        "SELECT DISTINCT account FROM sign_ins WHERE provider = $1 AND ($2 OR provider_session = $3)
             ORDER BY account LIMIT $4",
    )
    .bind(provider.as_str())
    .bind(session.is_none())
    .bind(session)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account,)| parsed(&account, "sign_ins.account"))
        .collect()
}

/// At most `limit` living sign-ins of an account behind `after`; `current` is marked. Only those that `within` vouched for, where
/// one is named.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    current: &SignInId,
    within: Option<&Vouched>,
    now: UnixMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<SignIn>, DbError> {
    let rows: Vec<SignInRow> = query(
        "SELECT id, browser, address, created_at, last_used_at FROM sign_ins
         WHERE account = $1 AND created_at > $2 AND last_used_at > $3 AND (provider IS NULL OR created_at > $4)
             AND ($5 OR provider = $6) AND id > $7 ORDER BY id LIMIT $8",
    )
    .bind(account.as_str())
    .bind(now.plus(-LIFE).0)
    .bind(now.plus(-IDLE).0)
    .bind(now.plus(-PROVIDER_LIFE).0)
    .bind(within.is_none())
    .bind(within.map(|within| within.provider.as_str()))
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id: SignInId = parsed(&row.id, "sign_ins.id")?;
            Ok(SignIn {
                current: *current == id,
                id,
                browser: row.browser,
                address: row.address,
                created_at: UnixMillis(row.created_at),
                last_used_at: UnixMillis(row.last_used_at),
            })
        })
        .collect()
}

/// Signs one browser of an account out; `false` when the account has no such sign-in.
///
/// # Errors
/// What the database says.
pub async fn delete(conn: &mut Conn<'_>, account: &AccountId, id: &SignInId) -> Result<bool, DbError> {
    let rows = query("DELETE FROM sign_ins WHERE id = $1 AND account = $2")
        .bind(id.as_str())
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(rows > 0)
}

/// Signs out every browser of an account that proved this passkey last, except one.
///
/// # Errors
/// What the database says.
pub async fn delete_by_passkey(
    conn: &mut Conn<'_>,
    account: &AccountId,
    passkey: &PasskeyId,
    except: &SignInId,
) -> Result<u64, DbError> {
    query("DELETE FROM sign_ins WHERE account = $1 AND passkey = $2 AND id <> $3")
        .bind(account.as_str())
        .bind(passkey.as_str())
        .bind(except.as_str())
        .execute(conn)
        .await
}

/// Signs out the browser that shows this secret, whoever's it is.
///
/// # Errors
/// What the database says.
pub async fn delete_by_secret(conn: &mut Conn<'_>, secret: &SecretHash) -> Result<(), DbError> {
    query("DELETE FROM sign_ins WHERE token_hash = $1 OR former_hash = $1")
        .bind(secret.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Signs every browser of an account out.
///
/// # Errors
/// What the database says.
pub async fn delete_all(conn: &mut Conn<'_>, account: &AccountId) -> Result<(), DbError> {
    query("DELETE FROM sign_ins WHERE account = $1")
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the sign-ins that have grown too old or lain idle for too long.
///
/// # Errors
/// What the database says.
pub async fn sweep(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM sign_ins WHERE created_at <= $1 OR last_used_at <= $2 OR (provider IS NOT NULL AND created_at <= $3)")
        .bind(now.plus(-LIFE).0)
        .bind(now.plus(-IDLE).0)
        .bind(now.plus(-PROVIDER_LIFE).0)
        .execute(conn)
        .await?;
    Ok(())
}

row! {
    struct FoundRow {
        id: String,
        account: String,
        account_name: String,
        account_since: i64,
        last_used_at: i64,
        verified_at: i64,
        assertion: String,
        provider: Option<String>,
        customer: Option<String>,
    }
}

impl TryFrom<FoundRow> for Found {
    type Error = DbError;

    fn try_from(row: FoundRow) -> Result<Self, DbError> {
        let vouched = match (&row.provider, &row.customer) {
            (Some(provider), Some(customer)) => Some(Vouched {
                provider: parsed(provider, "sign_ins.provider")?,
                customer: parsed(customer, "sign_ins.customer")?,
            }),
            (None, None) => None,
            _ => return Err(DbError::Corrupt("sign_ins.provider")),
        };
        Ok(Self {
            id: parsed(&row.id, "sign_ins.id")?,
            account: parsed(&row.account, "sign_ins.account")?,
            account_name: row.account_name,
            account_since: UnixMillis(row.account_since),
            last_used_at: UnixMillis(row.last_used_at),
            verified_at: UnixMillis(row.verified_at),
            assertion: row.assertion,
            vouched,
        })
    }
}

row! {
    struct SignInRow {
        id: String,
        browser: String,
        address: String,
        created_at: i64,
        last_used_at: i64,
    }
}
