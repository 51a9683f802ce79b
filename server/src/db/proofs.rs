//! What the first proof of a certificate changes, in every table, in one trip.

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::DeviceState;
use gangway_protocol::time::UnixMillis;

use super::certificates::{self, CertificateRecord};
use super::together::execute_together;
use super::{Conn, DbError, approvals, device_keys, devices};

/// The first proof of a certificate.
#[derive(Clone, Debug)]
pub struct FirstProof<'a> {
    /// Which one.
    pub certificate: &'a CertificateRecord,
    /// When.
    pub at: UnixMillis,
    /// Until when older ones of the device open sessions all the same. `None`: no longer.
    pub grace_until: Option<UnixMillis>,
    /// Whether the device has shown that it holds the key. Only then is the key its own, before every other organisation.
    pub shows_key: bool,
    /// The state into which it brings its device.
    pub state: Option<DeviceState>,
}

/// What else a first proof touched.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    /// How many older certificates of the device it superseded.
    pub superseded: u64,
    /// Whether a person's approval led to the certificate; otherwise the device renewed it.
    pub was_approved: bool,
}

/// Records that a session has proved a certificate and its key: the device's older certificates are superseded, its approval
/// has come to its end, and the device is in its new state.
///
/// # Errors
/// What the database says.
pub async fn record_first(conn: &mut Conn<'_>, proof: FirstProof<'_>) -> Result<Followed, DbError> {
    let FirstProof {
        certificate,
        at,
        grace_until,
        shows_key,
        state,
    } = proof;
    let shown_at = shows_key.then_some(at);
    let key = device_keys::proven(&certificate.organisation, &certificate.spki_sha256, shown_at);
    let proven = certificates::proven(&certificate.sha256, at);
    let superseded = certificates::older_superseded(certificate, at, grace_until);
    let approval = approvals::following(&certificate.sha256, EnrolmentStage::Proven, at);
    let [superseded, _, _, approved] = match state.map(|state| devices::put_into(&certificate.device, &state))
    {
        None => execute_together(conn, [superseded, key, proven, approval]).await?,
        Some(state) => {
            let [superseded, key, proven, approval, _] =
                execute_together(conn, [superseded, key, proven, approval, state]).await?;
            [superseded, key, proven, approval]
        }
    };
    Ok(Followed {
        superseded,
        was_approved: approved > 0,
    })
}
