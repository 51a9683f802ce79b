//! Issuers of the built-in CA and their revocation lists.

use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;

use super::locks::Lock;
use super::{Conn, DbError, parsed, query, row};

/// An issuer as recorded. The private key is sealed.
#[derive(Clone, Debug)]
pub struct IssuerRecord {
    /// Its id.
    pub id: IssuerId,
    /// What it is used for; `None`: replaced.
    pub slot: Option<Slot>,
    /// PEM.
    pub certificate: String,
    /// PEM blocks between it and its root, nearest first.
    pub above: String,
    /// PEM of the root.
    pub trust_anchor: String,
    /// The sealed private key; `None`: taken offline.
    pub sealed_key: Option<String>,
    /// When it was made or imported.
    pub created_at: UnixMillis,
}

/// What an issuer is used for. Each slot is held by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The root that was made at first start.
    Root,
    /// The intermediate that signs devices' certificates.
    Signing,
}

impl Slot {
    fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Signing => "signing",
        }
    }
}

/// How far an issuer's revocation list is from what it has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlState {
    /// The issuer's revision.
    pub revision: i64,
    /// The stored list.
    pub stored: Option<CrlStamp>,
}

/// A stored list, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlStamp {
    /// Its number.
    pub number: i64,
    /// The issuer's revision that it tells.
    pub revision: i64,
    /// When it was made.
    pub this_update: UnixMillis,
    /// When the next one is due at the latest.
    pub next_update: UnixMillis,
}

/// Records an issuer.
///
/// # Errors
/// [`DbError::Unique`] when its slot is taken.
pub async fn insert(conn: &mut Conn<'_>, record: &IssuerRecord) -> Result<(), DbError> {
    query(
        "INSERT INTO issuers (id, slot, certificate, above, trust_anchor, sealed_key, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(record.id.as_str())
    .bind(record.slot.map(Slot::as_str))
    .bind(&record.certificate)
    .bind(&record.above)
    .bind(&record.trust_anchor)
    .bind(&record.sealed_key)
    .bind(record.created_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// All issuers.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn<'_>) -> Result<Vec<IssuerRecord>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT id, slot, certificate, above, trust_anchor, sealed_key, created_at FROM issuers ORDER BY id",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(IssuerRecord::try_from).collect()
}

/// Takes `slot` away from whoever holds it.
///
/// # Errors
/// What the database says.
pub async fn vacate(conn: &mut Conn<'_>, slot: Slot) -> Result<(), DbError> {
    query("UPDATE issuers SET slot = NULL WHERE slot = $1")
        .bind(slot.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets an issuer's private key.
///
/// # Errors
/// What the database says.
pub async fn forget_key(conn: &mut Conn<'_>, id: &IssuerId) -> Result<(), DbError> {
    query("UPDATE issuers SET sealed_key = NULL WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that an issuer's revocation list has something new to say.
///
/// # Errors
/// What the database says.
pub async fn touch(conn: &mut Conn<'_>, id: &IssuerId) -> Result<(), DbError> {
    conn.locking(Lock::Issuer(id.as_str()));
    query("UPDATE issuers SET revision = revision + 1 WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// How far the list of issuer `id` is from what it has to say.
///
/// # Errors
/// [`DbError::Missing`] for an unknown issuer.
pub async fn crl_state(conn: &mut Conn<'_>, id: &IssuerId) -> Result<CrlState, DbError> {
    let row: CrlRow = query(
        "SELECT i.revision, l.number, l.revision AS told, l.this_update, l.next_update
         FROM issuers i LEFT JOIN crls l ON l.issuer = i.id WHERE i.id = $1",
    )
    .bind(id.as_str())
    .fetch_one(conn)
    .await?;
    Ok(CrlState {
        revision: row.revision,
        stored: row.stamp(),
    })
}

/// The stored list of issuer `id`, base64.
///
/// # Errors
/// [`DbError::Missing`] when there is none.
pub async fn crl(conn: &mut Conn<'_>, id: &IssuerId) -> Result<(i64, String), DbError> {
    query("SELECT number, der FROM crls WHERE issuer = $1")
        .bind(id.as_str())
        .fetch_one(conn)
        .await
}

/// The number for the next list of issuer `id`, at least `floor`, and the revision that the list will tell.
///
/// # Errors
/// [`DbError::Missing`] for an unknown issuer.
pub async fn next_crl_number(conn: &mut Conn<'_>, id: &IssuerId, floor: i64) -> Result<(i64, i64), DbError> {
    query(
        "UPDATE issuers SET crl_number = CASE WHEN crl_number >= $2 THEN crl_number + 1 ELSE $2 END
         WHERE id = $1 RETURNING crl_number, revision",
    )
    .bind(id.as_str())
    .bind(floor)
    .fetch_one(conn)
    .await
}

/// Stores a list, unless a later one stands.
///
/// # Errors
/// What the database says.
pub async fn store_crl(
    conn: &mut Conn<'_>,
    id: &IssuerId,
    stamp: &CrlStamp,
    der: &str,
) -> Result<(), DbError> {
    query(
        "INSERT INTO crls (issuer, number, revision, der, this_update, next_update) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (issuer) DO UPDATE SET number = excluded.number, revision = excluded.revision,
             der = excluded.der, this_update = excluded.this_update, next_update = excluded.next_update
         WHERE crls.number < excluded.number"
    )
    .bind(id.as_str())
    .bind(stamp.number)
    .bind(stamp.revision)
    .bind(der)
    .bind(stamp.this_update.0)
    .bind(stamp.next_update.0).execute(conn).await?;
    Ok(())
}

row! {
    struct Row {
        id: String,
        slot: Option<String>,
        certificate: String,
        above: String,
        trust_anchor: String,
        sealed_key: Option<String>,
        created_at: i64,
    }
}

impl TryFrom<Row> for IssuerRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let slot = match row.slot.as_deref() {
            None => None,
            Some("root") => Some(Slot::Root),
            Some("signing") => Some(Slot::Signing),
            Some(_) => return Err(DbError::Corrupt("issuers.slot")),
        };
        Ok(Self {
            id: parsed(&row.id, "issuers.id")?,
            slot,
            certificate: row.certificate,
            above: row.above,
            trust_anchor: row.trust_anchor,
            sealed_key: row.sealed_key,
            created_at: UnixMillis(row.created_at),
        })
    }
}

row! {
    struct CrlRow {
        revision: i64,
        number: Option<i64>,
        told: Option<i64>,
        this_update: Option<i64>,
        next_update: Option<i64>,
    }
}

impl CrlRow {
    fn stamp(&self) -> Option<CrlStamp> {
        Some(CrlStamp {
            number: self.number?,
            revision: self.told?,
            this_update: UnixMillis(self.this_update?),
            next_update: UnixMillis(self.next_update?),
        })
    }
}
