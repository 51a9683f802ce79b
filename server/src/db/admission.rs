//! What decides whether a certificate opens a session, read in one statement: after a restart a whole fleet asks at once.

use gangway_protocol::device::DeviceState;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::organisation::Policy;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;

use super::certificates::{self, CertificateRecord};
use super::device_keys::in_use_elsewhere;
use super::devices::configuration;
use super::rules::policy_of;
use super::{Conn, DbError, query, row};

/// A certificate, and how its device, its key and its organisation stand.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// Its device's state.
    pub state: DeviceState,
    /// Its device's settings.
    pub configuration: Configuration,
    /// When a member asked for the device's renewal.
    pub renewal_requested_at: Option<UnixMillis>,
    /// The organisation refuses its key.
    pub is_key_refused: bool,
    /// Its holder has shown to hold the key, in a session or a handshake.
    pub is_key_proven: bool,
    /// Nobody has shown to hold the key of the certificate here yet, and one of another organisation has proved its key.
    pub is_key_taken: bool,
    /// The organisation's rules.
    pub policy: Policy,
}

/// The certificate with this digest, if it has been signed.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, sha256: &Sha256Hex) -> Result<Option<Candidate>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT c.*, d.state, d.state_since, d.configuration, d.configuration_revision, d.renewal_requested_at,
                k.refused_at, k.proven_at AS key_proven_at, o.policy,
                CASE WHEN c.proven_at IS NULL OR k.proven_at IS NULL THEN ",
        in_use_elsewhere!("c.spki_sha256", "c.organisation"),
        " ELSE FALSE END AS is_key_taken
         FROM (SELECT ",
        certificates::columns!(),
        " FROM certificates WHERE sha256 = $1) c
         JOIN devices d ON d.id = c.device
         JOIN organisations o ON o.id = c.organisation
         LEFT JOIN device_keys k ON k.organisation = c.organisation AND k.spki_sha256 = c.spki_sha256"
    ))
    .bind(sha256.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(Candidate::try_from).transpose()
}

row! {
    struct Row {
        state: String,
        state_since: i64,
        configuration: String,
        configuration_revision: i64,
        renewal_requested_at: Option<i64>,
        refused_at: Option<i64>,
        key_proven_at: Option<i64>,
        policy: String,
        is_key_taken: bool,
        #[rest]
        certificate: certificates::Row,
    }
}

impl TryFrom<Row> for Candidate {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            certificate: row.certificate.try_into()?,
            state: DeviceState::from_name(&row.state, UnixMillis(row.state_since))
                .ok_or(DbError::Corrupt("devices.state"))?,
            configuration: configuration(&row.configuration, row.configuration_revision)?,
            renewal_requested_at: row.renewal_requested_at.map(UnixMillis),
            is_key_refused: row.refused_at.is_some(),
            is_key_proven: row.key_proven_at.is_some(),
            is_key_taken: row.is_key_taken,
            policy: policy_of(&row.policy)?,
        })
    }
}
