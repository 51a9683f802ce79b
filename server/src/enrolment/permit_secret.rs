//! Secrets of permits: drawn here, shown once, kept sealed, because a key exchange needs them as they are.

use gangway_protocol::id::PermitId;
use gangway_protocol::permit::{
    DevicePermit, KEY_ALPHABET, KEY_HALF_LEN, Lookup, PermitKind, TICKET_SECRET_LEN,
};
use gangway_protocol::secret::SecretString;
use zeroize::Zeroizing;

use crate::authority::{Error, Result};
use crate::ca::KeyStore;
use crate::db::permits::PermitRecord;
use crate::rng::Random;

/// Bytes from this one on are drawn again, so that every symbol is as likely as any other: the greatest multiple of 36 in a byte.
const UNBIASED: u8 = 252;

/// A new registration key or ticket.
#[must_use]
pub fn mint(kind: PermitKind, random: &dyn Random) -> DevicePermit {
    let len = match kind {
        PermitKind::Ticket => TICKET_SECRET_LEN,
        PermitKind::RegistrationKey | PermitKind::Preapproval => KEY_HALF_LEN,
    };
    DevicePermit::from_parts(
        Lookup::Key(draw(KEY_HALF_LEN, random)),
        SecretString::new(draw(len, random)),
    )
}

/// A device's permit like one of this lookup, with a secret that nobody knows.
#[must_use]
pub fn decoy(lookup: &Lookup, random: &dyn Random) -> DevicePermit {
    DevicePermit::from_parts(lookup.clone(), SecretString::new(draw(TICKET_SECRET_LEN, random)))
}

fn draw(len: usize, random: &dyn Random) -> String {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        let byte = Zeroizing::new(random.bytes::<1>());
        if byte[0] < UNBIASED {
            text.push(char::from(
                KEY_ALPHABET[usize::from(byte[0]) % KEY_ALPHABET.len()],
            ));
        }
    }
    text
}

/// Seals the secret of a device's permit: it opens for this permit alone.
///
/// # Errors
/// None that a secret leads to.
pub fn seal(
    key_store: &KeyStore,
    permit: &PermitId,
    device_permit: &DevicePermit,
    random: &dyn Random,
) -> Result<String> {
    key_store
        .seal(
            device_permit.secret().expose().as_bytes(),
            &context(permit),
            random,
        )
        .map_err(Error::internal)
}

fn context(permit: &PermitId) -> String {
    format!("secret of {permit}")
}

/// What the device of a permit has.
///
/// # Errors
/// When its secret does not open with this server's encryption key.
pub fn device_permit_of(key_store: &KeyStore, record: &PermitRecord) -> Result<DevicePermit> {
    let opened = key_store
        .open(&record.secret, &context(&record.permit.id))
        .map_err(Error::internal)?;
    let secret = std::str::from_utf8(&opened).map_err(Error::internal)?;
    Ok(DevicePermit::from_parts(
        record.lookup(),
        SecretString::new(secret.to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn what_is_drawn_is_a_key() {
        for kind in [PermitKind::RegistrationKey, PermitKind::Ticket] {
            let device_permit = mint(kind, &SystemRandom);
            assert_eq!(
                DevicePermit::of_key(device_permit.written().expose()),
                Ok(device_permit)
            );
        }
    }
}
