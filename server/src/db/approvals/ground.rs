//! What an approval is decided by, read in one statement.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{OrganisationId, SignerId};

use gangway_protocol::signer::Signer;

use crate::db::device_keys::{DeviceKey, refused_elsewhere};
use crate::db::{Conn, DbError, parsed, query_of_each, row, signers};

/// What an approval is decided by.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The organisation's name.
    pub organisation_name: String,
    /// Whether it takes devices.
    pub is_open: bool,
    /// The signer, if it is one of its own or of an organisation above.
    pub signer: Option<Signer>,
    /// What it knows of the key.
    pub key: Option<DeviceKey>,
    /// Whether a key that sessions of another organisation have proved was revoked there.
    pub is_refused_elsewhere: bool,
}

macro_rules! ground_with_lock {
    ($lock:literal) => {
        concat!(
            "WITH RECURSIVE above (id, parent) AS (
                SELECT id, parent FROM organisations WHERE id = $1
                UNION ALL
                SELECT p.id, p.parent FROM organisations p JOIN above ON p.id = above.parent
            )
            SELECT o.name AS organisation_name, o.archived_at, s.id, s.name, s.kind, s.least_role, s.disabled_at, k.device,
                k.refused_at, ",
            refused_elsewhere!("$3", "o.id"),
            " AS is_refused_elsewhere
             FROM organisations o LEFT JOIN signers s ON s.id = $2 AND s.organisation IN (SELECT above.id FROM above)
                 LEFT JOIN device_keys k ON k.organisation = o.id AND k.spki_sha256 = $3
             WHERE o.id = $1",
            $lock
        )
    };
}

/// What the approval of a key in this organisation is decided by, unless there is no such organisation.
///
/// # Errors
/// What the database says.
pub async fn ground(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    signer: &SignerId,
    spki: &Sha256Hex,
) -> Result<Option<Ground>, DbError> {
    // The organisation is kept from being archived as the row of a new device keeps it anyway, only sooner.
    let row: Option<GroundRow> =
        query_of_each(ground_with_lock!(""), ground_with_lock!(" FOR KEY SHARE OF o"))
            .bind(organisation.as_str())
            .bind(signer.as_str())
            .bind(spki.to_string())
            .fetch_optional(conn)
            .await?;
    row.map(Ground::try_from).transpose()
}

row! {
    struct GroundRow {
        organisation_name: String,
        archived_at: Option<i64>,
        id: Option<String>,
        name: Option<String>,
        kind: Option<String>,
        least_role: Option<String>,
        disabled_at: Option<i64>,
        device: Option<String>,
        refused_at: Option<i64>,
        is_refused_elsewhere: bool,
    }
}

impl TryFrom<GroundRow> for Ground {
    type Error = DbError;

    fn try_from(row: GroundRow) -> Result<Self, DbError> {
        let refused = row.refused_at.is_some();
        let known = |device: String| {
            let device = parsed(&device, "device_keys.device")?;
            Ok::<_, DbError>(DeviceKey { device, refused })
        };
        let signer = row.id.zip(row.name).zip(row.kind).zip(row.least_role);
        let signer = signer.map(|(((id, name), kind), least_role)| {
            signers::read(&id, name, &kind, &least_role, row.disabled_at)
        });
        Ok(Self {
            organisation_name: row.organisation_name,
            is_open: row.archived_at.is_none(),
            signer: signer.transpose()?,
            key: row.device.map(known).transpose()?,
            is_refused_elsewhere: row.is_refused_elsewhere,
        })
    }
}
