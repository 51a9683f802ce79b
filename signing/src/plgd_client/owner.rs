//! Who owns what is done with a token: the claim that a hub names, as a UUID (hub 2025-07, `identity-store/events/utils.go`).

use gangway_protocol::secret::SecretString;
use uuid::Uuid;

use super::ClientError;
use crate::wallet::claim_of;

/// The claim that a hub takes where it names none.
const DEFAULT_CLAIM: &str = "sub";

/// The owner that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The claim's value as it is: so the client's configuration tells it.
    pub(super) claim: String,
    /// What certificates are named after.
    pub(super) id: Uuid,
}

impl Owner {
    /// Reads the claim of this name, `sub` where none is named. The token came from the authority itself; whoever takes it
    /// verifies it.
    pub(super) fn of(token: &SecretString, claim: Option<&str>) -> Result<Self, ClientError> {
        let name = claim.filter(|claim| !claim.is_empty()).unwrap_or(DEFAULT_CLAIM);
        let claim = claim_of(token, name).ok_or_else(|| ClientError::NoOwner {
            claim: name.to_owned(),
        })?;
        Ok(Self {
            id: owner_id(&claim),
            claim,
        })
    }

    /// Whether a client's configuration names this one.
    pub(super) fn is(&self, told: &str) -> bool {
        told == self.claim || told == self.id.to_string()
    }
}

/// A claim that is a UUID is the owner's; of any other the UUID is derived (RFC 9562 §5.5, in the namespace of URLs).
fn owner_id(claim: &str) -> Uuid {
    Uuid::parse_str(claim)
        .ok()
        .filter(|id| !id.is_nil())
        .unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, claim.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_uuid_or_derived_as_a_hub_derives_it() {
        for (claim, id) in [
            (
                "0A1B2C3D-0000-1111-2222-333344445555",
                "0a1b2c3d-0000-1111-2222-333344445555",
            ),
            // Computed with Python: uuid.uuid5(uuid.NAMESPACE_URL, claim).
            ("ada", "8ec5d38c-e51c-5c50-835c-5baa510d4616"),
            (
                "00000000-0000-0000-0000-000000000000",
                "65171a0a-d3d6-5e08-af78-824e18d8e85f",
            ),
        ] {
            assert_eq!(owner_id(claim).to_string(), id, "{claim}");
        }
    }
}
