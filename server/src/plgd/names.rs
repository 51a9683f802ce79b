//! Who may be called what in a certificate for plgd. Pure: no database, no request.
//!
//! plgd and OCF devices take a certificate's common name for the identity of its holder: `uuid:` with the UUID of an owner or of
//! a device. Our CA signs for servers too, and some clients of TLS compare a host's name with the common name. So there are no
//! other names than these.

use uuid::Uuid;

/// The convention of OCF for common names.
const PREFIX: &str = "uuid:";
/// Length of a UUID with its hyphens, the one form that plgd looks for.
const UUID_LEN: usize = 36;

/// A common name that may be signed, and whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonName {
    /// As it will stand in the certificate.
    pub text: String,
    /// The device that it names; `None`: whoever asks.
    pub device: Option<Uuid>,
}

/// Why a common name is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitName {
    /// It is none of plgd's.
    #[error("the common name has to be empty or uuid: and a UUID; any other could be that of a host")]
    Form,
    /// It names the hub.
    #[error("the common name is that of the hub itself")]
    Hub,
}

impl CommonName {
    /// What `owner` gets who asks to be called `asked`, at this hub.
    ///
    /// # Errors
    /// [`UnfitName`].
    pub fn settle(asked: Option<&str>, owner: Uuid, hub: Uuid) -> Result<Self, UnfitName> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            return Ok(Self {
                text: owner.to_string(),
                device: None,
            });
        };
        let prefixed = asked.strip_prefix(PREFIX);
        let uuid = read(prefixed.unwrap_or(asked)).ok_or(UnfitName::Form)?;
        if uuid == hub {
            return Err(UnfitName::Hub);
        }
        match prefixed {
            Some(_) => Ok(Self {
                text: format!("{PREFIX}{uuid}"),
                device: (uuid != owner).then_some(uuid),
            }),
            // What an empty common name became, asked for again.
            None if uuid == owner => Ok(Self {
                text: uuid.to_string(),
                device: None,
            }),
            None => Err(UnfitName::Form),
        }
    }
}

/// Neither nobody (all zeros) nor anybody (all ones).
fn read(text: &str) -> Option<Uuid> {
    let uuid = (text.len() == UUID_LEN)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()?;
    (!uuid.is_nil() && !uuid.is_max()).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Uuid = Uuid::from_u128(0x0a0a_0a0a_0a0a_5a0a_8a0a_0a0a_0a0a_0a0a);
    const HUB: Uuid = Uuid::from_u128(0x0b0b_0b0b_0b0b_5b0b_8b0b_0b0b_0b0b_0b0b);
    const DEVICE: &str = "5f3a1c2e-9d74-4b10-8f55-0c1d2e3f4a5b";

    fn settle(asked: &str) -> Result<CommonName, UnfitName> {
        CommonName::settle(Some(asked), OWNER, HUB)
    }

    #[test]
    fn nobody_in_particular_is_the_owner() {
        for asked in [None, Some("")] {
            let name = CommonName::settle(asked, OWNER, HUB).expect("a name");
            assert_eq!((name.text, name.device), (OWNER.to_string(), None));
        }
    }

    #[test]
    fn the_owner_and_devices_are_told_apart() {
        let own = settle(&format!("uuid:{OWNER}")).expect("a name");
        assert_eq!((own.text, own.device), (format!("uuid:{OWNER}"), None));
        let again = settle(&OWNER.to_string()).expect("a name");
        assert_eq!((again.text, again.device), (OWNER.to_string(), None));
        let device = settle(&format!("uuid:{}", DEVICE.to_uppercase())).expect("a name");
        assert_eq!(device.text, format!("uuid:{DEVICE}"), "verifiers compare texts");
        assert_eq!(device.device, DEVICE.parse().ok());
    }

    #[test]
    fn no_other_name_is_signed() {
        for asked in [
            "panel.example.com".to_owned(),
            "dev_0000000001zzzzzzzzzzzzzzzz".to_owned(),
            "uuid:*".to_owned(),
            "uuid:".to_owned(),
            DEVICE.to_owned(),
            format!("UUID:{DEVICE}"),
            format!("uuid:{DEVICE} uuid:{OWNER}"),
            format!("uuid:{{{DEVICE}}}"),
            format!("uuid:{}", DEVICE.replace('-', "")),
            format!("uuid:{}", Uuid::nil()),
            format!("uuid:{}", Uuid::max()),
            format!("uuid:{DEVICE}\0"),
        ] {
            assert_eq!(settle(&asked), Err(UnfitName::Form), "{asked}");
        }
        assert_eq!(settle(&format!("uuid:{HUB}")), Err(UnfitName::Hub));
    }
}
