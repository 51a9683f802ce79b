//! Identifiers: a prefix that says what it names, then 26 characters that sort by the time of their making.
//!
//! The body is 48 bits of unix milliseconds and 80 random bits in Crockford's base32, lower case (the layout of ULID).
//! Ids are opaque to clients, at most 64 ASCII characters, and are not secret.

use serde::{Deserialize, Deserializer, Serialize};

use crate::time::UnixMillis;

/// Random bytes that an id takes.
pub const ID_RANDOM_LEN: usize = 10;

const BODY_LEN: usize = 26;
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn body(now: UnixMillis, random: [u8; ID_RANDOM_LEN]) -> String {
    let mut bits: u128 = u128::from(now.0.max(0).unsigned_abs() & 0xffff_ffff_ffff);
    for byte in random {
        bits = (bits << 8) | u128::from(byte);
    }
    let mut text = vec![0_u8; BODY_LEN];
    for place in text.iter_mut().rev() {
        let index = usize::try_from(bits & 31).unwrap_or_default();
        *place = CROCKFORD[index];
        bits >>= 5;
    }
    String::from_utf8(text).unwrap_or_default()
}

/// The text is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id that starts with `{0}`")]
pub struct NotAnId(&'static str);

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident = $prefix:literal;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What the text of every such id starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from the present time and fresh random bytes.
            #[must_use]
            pub fn new(now: UnixMillis, random: [u8; ID_RANDOM_LEN]) -> Self {
                Self(format!("{}{}", Self::PREFIX, body(now, random)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                match text.strip_prefix(Self::PREFIX) {
                    Some(rest) if rest.len() == BODY_LEN && rest.bytes().all(|b| CROCKFORD.contains(&b)) => Ok(Self(text.to_owned())),
                    _ => Err(NotAnId(Self::PREFIX)),
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    .pattern(Some(format!("^{}[0-9a-hjkmnp-tv-z]{{{BODY_LEN}}}$", Self::PREFIX)))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An organisation: the scope of every row, query and limit.
    OrganisationId = "org_";
    /// A person or a service that can sign in or hold tokens.
    AccountId = "acc_";
    /// A device of an organisation.
    DeviceId = "dev_";
    /// One attempt by a signed-in user to open the sealed channel to a waiting device.
    ClaimId = "clm_";
    /// An issuer of the built-in CA (a root or an intermediate).
    IssuerId = "iss_";
    /// A signing endpoint as configured for an organisation.
    SignerId = "sgn_";
    /// A passkey of an account.
    PasskeyId = "psk_";
    /// A signed-in browser of a person.
    SignInId = "sin_";
    /// A bearer token of an account.
    TokenId = "tok_";
    /// A one-time link: set-up, invitation or recovery.
    LinkId = "lnk_";
    /// A key of a measurement feed.
    FeedKeyId = "fky_";
    /// An OpenID Connect provider of an organisation.
    IdentityProviderId = "idp_";
    /// A half-done passkey ceremony (registration, sign-in or step-up).
    CeremonyId = "cer_";
    /// A webhook of an organisation.
    WebhookId = "whk_";
    /// Something that happened, as webhooks tell it.
    WebhookEventId = "evt_";
    /// A view of the fleet that is kept under a name.
    SavedViewId = "viw_";
    /// One action on many devices.
    BulkJobId = "job_";
    /// An approval given in advance.
    PermitId = "prm_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let early = DeviceId::new(UnixMillis(1), [255; 10]);
        let late = DeviceId::new(UnixMillis(1_800_000_000_000), [0; 10]);
        assert!(early < late);
        assert_eq!(late.as_str().parse(), Ok(late.clone()));
        assert_eq!(early.as_str(), "dev_0000000001zzzzzzzzzzzzzzzz");
    }

    #[test]
    fn foreign_prefixes_and_odd_characters_are_refused() {
        assert!("org_0000000001zzzzzzzzzzzzzzzz".parse::<DeviceId>().is_err());
        assert!("dev_0000000001zzzzzzzzzzzzzzzu".parse::<DeviceId>().is_err());
        assert!("dev_0000000001zzzzzzzzzzzzzz".parse::<DeviceId>().is_err());
    }
}
