//! The tree of a customer's organisations: places in it, and what changes its shape.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Policy, PolicyUpdate};
use gangway_protocol::time::UnixMillis;

use super::policy_text;
use crate::db::locks::Lock;
use crate::db::query::texts;
use crate::db::rules::policy_of;
use crate::db::{Conn, DbError, parsed, query, query_of_each, row};

macro_rules! below {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE below (id) AS (
                SELECT id FROM organisations WHERE id = $1
                UNION ALL
                SELECT o.id FROM organisations o JOIN below ON o.parent = below.id
            ) ",
            $select
        )
    };
}

/// An organisation in its tree.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its id.
    pub id: OrganisationId,
    /// The organisation above it; `None`: it is a customer.
    pub parent: Option<OrganisationId>,
    /// Its customer, perhaps itself.
    pub root: OrganisationId,
    /// Its name.
    pub name: String,
    /// The rules that hold in it.
    pub policy: Policy,
    /// What is set at itself; of a customer nothing, as its policy is its own.
    pub own: PolicyUpdate,
    /// Since when it is archived.
    pub archived_at: Option<UnixMillis>,
}

impl Place {
    /// Whether something may still be put into it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.archived_at.is_none()
    }
}

/// An organisation.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<Option<Place>, DbError> {
    let row: Option<PlaceRow> = query(
        "SELECT id, parent, COALESCE(root, id) AS root, name, policy, own_policy, archived_at FROM organisations
         WHERE id = $1",
    )
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(Place::try_from).transpose()
}

/// An organisation, kept as it is until the transaction ends: nothing is put into it meanwhile.
///
/// # Errors
/// What the database says.
pub async fn close(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<(), DbError> {
    conn.locking(Lock::Organisation(id.as_str()));
    let _: Option<(String,)> = query_of_each(
        "SELECT id FROM organisations WHERE id = $1",
        "SELECT id FROM organisations WHERE id = $1 FOR UPDATE",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// An organisation and all below it, kept so: approvals that began before are seen from here on, and others wait. The customer is
/// held already, so that nobody changes the tree; who locks one of them alone waits for nothing else meanwhile.
///
/// # Errors
/// What the database says.
pub async fn close_below(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<(), DbError> {
    let _: Vec<(String,)> = query_of_each(
        below!("SELECT id FROM below"),
        below!(
            "SELECT o.id FROM organisations o WHERE o.id IN (SELECT below.id FROM below) ORDER BY o.id FOR UPDATE OF o"
        ),
    )
    .bind(id.as_str())
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// An organisation and those above it, from itself to its customer.
///
/// # Errors
/// What the database says.
pub async fn path(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<Vec<OrganisationId>, DbError> {
    let rows: Vec<(String,)> = query(
        "WITH RECURSIVE above (id, parent, distance) AS (
            SELECT id, parent, 0 FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent, above.distance + 1 FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT id FROM above ORDER BY distance",
    )
    .bind(id.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "organisations.id"))
        .collect()
}

/// An organisation and everything below it.
///
/// # Errors
/// What the database says.
pub async fn subtree(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<Vec<OrganisationId>, DbError> {
    let rows: Vec<(String,)> = query(below!("SELECT id FROM below"))
        .bind(id.as_str())
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "organisations.id"))
        .collect()
}

/// Those below an organisation, with what is set at each, a parent before its children.
///
/// # Errors
/// What the database says.
pub async fn below(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<Vec<Below>, DbError> {
    let rows: Vec<BelowRow> = query(
        "WITH RECURSIVE below (id, distance) AS (
            SELECT id, CAST(0 AS BIGINT) FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, below.distance + 1 FROM organisations o JOIN below ON o.parent = below.id
        )
        SELECT o.id, o.parent, below.distance, o.policy, o.own_policy
        FROM below JOIN organisations o ON o.id = below.id WHERE below.distance > 0 ORDER BY below.distance, o.id",
    )
    .bind(id.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Below::try_from).collect()
}

/// The number of devices above which an organisation's rules, or those of one below it, ask for a second person: the smallest, so that
/// a stricter rule below is not passed over by asking from above.
///
/// # Errors
/// [`DbError::Missing`] when there is no such organisation.
pub async fn second_person_above(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<u32, DbError> {
    let here = find(conn, id).await?.ok_or(DbError::Missing)?.policy;
    let below = below(conn, id).await?;
    let numbers = below.iter().map(|place| place.policy.second_person_above);
    Ok(numbers.fold(here.second_person_above, u32::min))
}

/// An organisation below another one.
#[derive(Clone, Debug)]
pub struct Below {
    /// Its id.
    pub id: OrganisationId,
    /// The one above it.
    pub parent: OrganisationId,
    /// How many levels below.
    pub distance: i64,
    /// The rules that hold in it.
    pub policy: Policy,
    /// What is set at itself.
    pub own: PolicyUpdate,
}

/// How many organisations a customer has, itself among them.
///
/// # Errors
/// What the database says.
pub async fn count_of_customer(conn: &mut Conn<'_>, root: &OrganisationId) -> Result<u64, DbError> {
    let (count,): (i64,) = query("SELECT CAST(COUNT(*) AS BIGINT) FROM organisations WHERE root = $1")
        .bind(root.as_str())
        .fetch_one(conn)
        .await?;
    Ok(count.unsigned_abs() + 1)
}

/// Makes an organisation below another one.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    id: &OrganisationId,
    above: &Place,
    name: &str,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO organisations (id, parent, root, name, policy, own_policy, created_at, single_sign_on)
             VALUES ($1, $2, $3, $4, $5, '{}', $6, $7)",
    )
    .bind(id.as_str())
    .bind(above.id.as_str())
    .bind(above.root.as_str())
    .bind(name)
    .bind(policy_text(&above.policy)?)
    .bind(now.0)
    .bind(above.policy.single_sign_on_required)
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts an organisation below another one.
///
/// # Errors
/// What the database says.
pub async fn set_parent(
    conn: &mut Conn<'_>,
    id: &OrganisationId,
    parent: &OrganisationId,
) -> Result<(), DbError> {
    query("UPDATE organisations SET parent = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(parent.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Archives an organisation, or opens it again.
///
/// # Errors
/// What the database says.
pub async fn set_archived(
    conn: &mut Conn<'_>,
    id: &OrganisationId,
    at: Option<UnixMillis>,
) -> Result<(), DbError> {
    query("UPDATE organisations SET archived_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(at.map(|at| at.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes the rules that hold in an organisation, and what is set at itself; `None` for a customer.
///
/// # Errors
/// What the database says.
pub async fn set_policy(
    conn: &mut Conn<'_>,
    id: &OrganisationId,
    policy: &Policy,
    own: Option<&PolicyUpdate>,
) -> Result<(), DbError> {
    let own = own.map(serde_json::to_string).transpose();
    query("UPDATE organisations SET policy = $2, own_policy = $3, single_sign_on = $4 WHERE id = $1")
        .bind(id.as_str())
        .bind(policy_text(policy)?)
        .bind(own.map_err(|_| DbError::Corrupt("organisations.own_policy"))?)
        .bind(policy.single_sign_on_required)
        .execute(conn)
        .await?;
    Ok(())
}

/// What keeps an organisation from being archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// An open organisation below it.
    Organisations,
    /// Devices that are not retired.
    Devices,
}

/// What an organisation still holds.
///
/// # Errors
/// What the database says.
pub async fn content(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<Option<Content>, DbError> {
    let (organisations, devices): (bool, bool) = query(
        "SELECT EXISTS (SELECT 1 FROM organisations WHERE parent = $1 AND archived_at IS NULL),
             EXISTS (SELECT 1 FROM devices WHERE organisation = $1 AND state NOT IN ('retired', 'rejected'))",
    )
    .bind(id.as_str())
    .fetch_one(conn)
    .await?;
    Ok(match (organisations, devices) {
        (true, _) => Some(Content::Organisations),
        (_, true) => Some(Content::Devices),
        _ => None,
    })
}

/// Whether a device is being enrolled in an organisation or below it.
///
/// # Errors
/// What the database says.
pub async fn is_enrolling(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<bool, DbError> {
    let (found,) = query(below!(
        "SELECT EXISTS (SELECT 1 FROM approvals WHERE stage IN ('approved', 'consented', 'signing', 'reply_lost')
            AND organisation IN (SELECT id FROM below))"
    ))
    .bind(id.as_str())
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Accounts that hold a role at one of these very organisations.
///
/// # Errors
/// What the database says.
pub async fn members_of(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
) -> Result<Vec<AccountId>, DbError> {
    let rows: Vec<(String,)> = query_of_each(
        "SELECT DISTINCT account FROM memberships WHERE organisation IN (SELECT value FROM json_each($1)) ORDER BY account",
        "SELECT DISTINCT account FROM memberships WHERE organisation = ANY($1) ORDER BY account",
    )
    .bind(texts(organisations))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "memberships.account"))
        .collect()
}

row! {
    struct PlaceRow {
        id: String,
        parent: Option<String>,
        root: String,
        name: String,
        policy: String,
        own_policy: Option<String>,
        archived_at: Option<i64>,
    }
}

impl TryFrom<PlaceRow> for Place {
    type Error = DbError;

    fn try_from(row: PlaceRow) -> Result<Self, DbError> {
        let parent = row.parent.map(|id| parsed(&id, "organisations.parent"));
        Ok(Self {
            id: parsed(&row.id, "organisations.id")?,
            parent: parent.transpose()?,
            root: parsed(&row.root, "organisations.root")?,
            name: row.name,
            policy: policy_of(&row.policy)?,
            own: own_of(row.own_policy.as_deref())?,
            archived_at: row.archived_at.map(UnixMillis),
        })
    }
}

row! {
    struct BelowRow {
        id: String,
        parent: String,
        distance: i64,
        policy: String,
        own_policy: Option<String>,
    }
}

impl TryFrom<BelowRow> for Below {
    type Error = DbError;

    fn try_from(row: BelowRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "organisations.id")?,
            parent: parsed(&row.parent, "organisations.parent")?,
            distance: row.distance,
            policy: policy_of(&row.policy)?,
            own: own_of(row.own_policy.as_deref())?,
        })
    }
}

fn own_of(text: Option<&str>) -> Result<PolicyUpdate, DbError> {
    text.map_or_else(
        || Ok(PolicyUpdate::default()),
        |text| serde_json::from_str(text).map_err(|_| DbError::Corrupt("organisations.own_policy")),
    )
}
