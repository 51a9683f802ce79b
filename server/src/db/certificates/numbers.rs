//! Certificates by how their serial number or their digest begins: what is read from a label, a log or another program is found by
//! an index, and not by looking into every text.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;

use super::{Conn, DbError};
use crate::db::{parsed, query};

/// Fewer digits than these are part of too many numbers.
const MIN_DIGITS: usize = 8;
/// Most that are found by each number, of whatever organisation: whoever typed so few digits types more.
const MOST: i64 = 500;

/// A certificate, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its digest.
    pub sha256: Sha256Hex,
    /// The device's id.
    pub device: DeviceId,
}

/// The digits of a number as people and programs write it, with or without colons, in any case; `None` for what is none.
#[must_use]
pub fn digits(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_number = digits.len() >= MIN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number.then_some(digits)
}

/// Certificates whose serial number or digest begins with these digits, of whatever organisation.
///
/// # Errors
/// What the database says.
pub async fn beginning_with(conn: &mut Conn<'_>, digits: &str) -> Result<Vec<Numbered>, DbError> {
    let rows: Vec<(String, String)> = query(
        "SELECT * FROM (SELECT c.sha256, c.device FROM issuers i CROSS JOIN certificates c
                 WHERE c.issuer = i.id AND c.serial >= $1 AND c.serial < $2 LIMIT $3) AS ours
             UNION SELECT * FROM (SELECT sha256, device FROM certificates
                 WHERE issuer IS NULL AND serial >= $1 AND serial < $2 LIMIT $3) AS others
             UNION SELECT * FROM (SELECT sha256, device FROM certificates
                 WHERE sha256 >= $1 AND sha256 < $2 LIMIT $3) AS digests",
    )
    .bind(digits)
    // Behind everything that begins so: no digit comes after f.
    .bind(format!("{digits}g"))
    .bind(MOST)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(sha256, device)| {
            Ok(Numbered {
                sha256: parsed(&sha256, "certificates.sha256")?,
                device: parsed(&device, "certificates.device")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for text in ["0A:1B:2C:3D", "0a1b2c3d", "0A1B2C3D"] {
            assert_eq!(digits(text).as_deref(), Some("0a1b2c3d"), "{text}");
        }
        for text in ["", "0a1b2c3", "pump-0a1b2c3d", "0a1b 2c3d", "::::::::"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
