//! Permits: approvals given in advance, to devices that join without a person at the screen (`protocol.md` §7).
//!
//! A permit has a *lookup*, which is no secret and by which the server finds it, and a *secret*, which device and server both
//! know and neither sends: it is the password of the key exchange, as the user code is where a person enrols.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::device::{UnfitText, check_text};
use crate::id::{OrganisationId, PermitId, SignerId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

/// Longest device id and longest secret of a pre-approved device, in characters.
pub const MAX_DEVICE_ID_LEN: usize = 128;
/// Characters of each half of a registration key; a ticket's second half is longer.
pub const KEY_HALF_LEN: usize = 8;
/// Characters of a ticket's second half.
pub const TICKET_SECRET_LEN: usize = 24;
/// What keys and tickets are written in.
pub const KEY_ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Most uses that can be asked for.
pub const MAX_USES: u32 = 1_000_000;
/// Most address ranges of a permit.
pub const MAX_NETWORKS: usize = 16;
/// Most devices of one import.
pub const MAX_IMPORT: usize = 500;
/// Most ids of a key that lets in only those on its list.
pub const MAX_LISTED: usize = 100_000;
/// Most hours for which a former key works beside the one that replaced it.
pub const MAX_OVERLAP_HOURS: u32 = 24 * 90;

/// By what the server finds a permit; the `lookup` of `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The first half of a registration key or a ticket.
    Key(String),
    /// The id of a pre-approved device.
    Device(String),
}

impl Lookup {
    /// Makes sure that it can be one.
    ///
    /// # Errors
    /// When it is too long, or holds what no text may.
    pub fn check(&self) -> Result<(), UnfitText> {
        check_text("lookup", self.as_str(), MAX_DEVICE_ID_LEN)
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Key(text) | Self::Device(text) => text,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Device(_) => "device",
        }
    }
}

/// What a device has instead of a code: by what it is found, and the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// By what it is found.
    pub lookup: Lookup,
    secret: SecretString,
}

/// Why a text is neither a registration key nor a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a registration key has the form XXXXXXXX-XXXXXXXX and a ticket a longer second half, both of letters and digits"
)]
pub struct NotAKey;

/// Why something is no id or secret of a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPass {
    /// Nothing is there.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// It is too long, or holds what no text may.
    #[error(transparent)]
    Text(#[from] UnfitText),
}

impl Pass {
    /// Reads a registration key or a ticket, in any case of letters and with white space around it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of_key(text: &str) -> Result<Self, NotAKey> {
        let text = Zeroizing::new(text.trim().to_ascii_uppercase());
        let (lookup, secret) = text.split_once('-').ok_or(NotAKey)?;
        let is_fit = |half: &str| half.bytes().all(|byte| KEY_ALPHABET.contains(&byte));
        let is_key = lookup.len() == KEY_HALF_LEN
            && matches!(secret.len(), KEY_HALF_LEN | TICKET_SECRET_LEN)
            && is_fit(lookup)
            && is_fit(secret);
        if !is_key {
            return Err(NotAKey);
        }
        Ok(Self {
            lookup: Lookup::Key(lookup.to_owned()),
            secret: SecretString::new(secret.to_owned()),
        })
    }

    /// A device id and its secret. White space around either is no part of it.
    ///
    /// # Errors
    /// When one is empty, too long, or holds what no text may.
    pub fn of_device(id: &str, secret: &SecretString) -> Result<Self, UnfitPass> {
        let (id, secret) = (id.trim(), secret.expose().trim());
        for (what, text) in [("device id", id), ("secret", secret)] {
            if text.is_empty() {
                return Err(UnfitPass::Empty(what));
            }
            check_text(what, text, MAX_DEVICE_ID_LEN)?;
        }
        Ok(Self {
            lookup: Lookup::Device(id.to_owned()),
            secret: SecretString::new(secret.to_owned()),
        })
    }

    /// A pass from what was kept of it.
    #[must_use]
    pub fn from_parts(lookup: Lookup, secret: SecretString) -> Self {
        Self { lookup, secret }
    }

    /// The secret half.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The password of the key exchange. Never send or log it.
    #[must_use]
    pub fn password(&self) -> Zeroizing<Vec<u8>> {
        let parts = [
            "gangway permit v1",
            self.lookup.kind(),
            self.lookup.as_str(),
            self.secret.expose(),
        ];
        Zeroizing::new(parts.map(str::as_bytes).join(&0))
    }

    /// As it is written: `XXXXXXXX-XXXXXXXX`, or the secret alone where a device has it.
    #[must_use]
    pub fn written(&self) -> SecretString {
        match &self.lookup {
            Lookup::Key(lookup) => SecretString::new(format!("{lookup}-{}", self.secret.expose())),
            Lookup::Device(_) => self.secret.clone(),
        }
    }
}

/// What a permit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitKind {
    /// A device whose id and secret were entered before it appeared.
    Preapproval,
    /// A key that many devices have.
    #[default]
    RegistrationKey,
    /// What travels beside a personal download, and binds it to its organisation.
    Ticket,
}

impl PermitKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Preapproval, Self::RegistrationKey, Self::Ticket];

    /// The name, as stored and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preapproval => "preapproval",
            Self::RegistrationKey => "registration_key",
            Self::Ticket => "ticket",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What becomes of a device that comes by a permit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitMode {
    /// It joins the fleet.
    #[default]
    Auto,
    /// It waits in the lobby until somebody decides.
    Lobby,
    /// It joins the fleet if the serial number that it states is on the permit's list.
    List,
}

impl PermitMode {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Lobby, Self::List];

    /// The name, as stored and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Lobby => "lobby",
            Self::List => "list",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Whether a permit lets devices in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitState {
    /// It does.
    Open,
    /// It has been used as often as it may be.
    Used,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// An approval given in advance, as it is shown. Its secret is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permit {
    /// Its id.
    pub id: PermitId,
    /// Into which organisation it lets devices.
    pub organisation: OrganisationId,
    /// What it is.
    pub kind: PermitKind,
    /// By what the server finds it: the first half of a key or ticket, the id of a device.
    pub lookup: String,
    /// What people find it by; for a pre-approved device the name that it gets.
    pub name: String,
    /// What becomes of a device that comes by it.
    pub mode: PermitMode,
    /// Who signs.
    pub signer: SignerId,
    /// Labels that devices get.
    pub labels: Vec<String>,
    /// Address ranges from which it works (`192.0.2.0/24`); from everywhere where there are none.
    pub networks: Vec<String>,
    /// Whether it lets devices in now.
    pub state: PermitState,
    /// How many devices have come by it.
    pub uses: u32,
    /// How many may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// How many attempts there were with another secret.
    pub failures: u32,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<UnixMillis>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// When a device came by it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixMillis>,
    /// When somebody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixMillis>,
    /// The permit that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PermitId>,
}

/// A registration key or a ticket that is to be made. What is absent is not limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitRequest {
    /// `registration_key` or `ticket`.
    pub kind: PermitKind,
    /// What people find it by.
    pub name: String,
    /// What becomes of devices.
    #[serde(default)]
    pub mode: PermitMode,
    /// Who signs; absent: the first signer of the organisation that the server asks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Labels for the devices.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Address ranges from which it works, at most [`MAX_NETWORKS`].
    #[serde(default)]
    pub networks: Vec<String>,
    /// How many devices may come by it, 1 to [`MAX_USES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// For the mode `list`: the serial numbers of the devices that may come, at most [`MAX_IMPORT`] at once.
    #[serde(default)]
    pub serials: Vec<String>,
}

/// A permit that was made, with what is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitMade {
    /// The permit.
    pub permit: Permit,
    /// The whole key or ticket.
    pub key: SecretString,
}

/// Another key in the place of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitReplacement {
    /// For how many hours the present one works beside it, at most [`MAX_OVERLAP_HOURS`]; 0: not at all.
    pub overlap_hours: u32,
}

/// Serial numbers for the list of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SerialsRequest {
    /// They are added to those that stand, at most [`MAX_IMPORT`] at once.
    pub serials: Vec<String>,
}

/// One device that is to be approved before it appears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preapproval {
    /// Its id: what the device states, at most [`MAX_DEVICE_ID_LEN`] characters.
    pub device_id: String,
    /// The secret that it has, at most as long.
    pub secret: SecretString,
    /// The name it gets; absent: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels it gets.
    #[serde(default)]
    pub labels: Vec<String>,
    /// When the time of this is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
}

/// A list of devices that are to be approved before they appear. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreapprovalImport {
    /// At most [`MAX_IMPORT`]; a longer list comes in several requests.
    pub devices: Vec<Preapproval>,
    /// Who signs; absent: the first signer of the organisation that the server asks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Look only, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of each row of an import, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportOutcome {
    /// How many were added, or would be.
    pub added: u32,
    /// How many stood already, with the same secret.
    pub unchanged: u32,
    /// The rows that were refused. Nothing of the import was kept when there is one, unless the rows before it came in another request.
    pub refused: Vec<RefusedRow>,
}

/// A row of an import that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedRow {
    /// Which one, from 0.
    pub row: u32,
    /// Its device id.
    pub device_id: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// Which permits: the query of their list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct PermitQuery {
    /// Of which kind; absent: registration keys.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub kind: PermitKind,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which devices of the lobby: the query of its list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct LobbyQuery {
    /// Those that were rejected, in place of those that wait.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A decision in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Admission {
    /// Let it in, or not. A rejected device can be let in later after all.
    pub admit: bool,
}

/// A device in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LobbyEntry {
    /// The device, pending or rejected.
    pub device: crate::device::Device,
    /// The permit by which it came.
    pub permit: PermitId,
    /// What people find that permit by.
    pub permit_name: String,
    /// What that permit is.
    pub permit_kind: PermitKind,
    /// From which address it asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it asked last.
    pub asked_at: UnixMillis,
    /// When it asks again.
    pub asks_again_at: UnixMillis,
    /// Other devices of the customer that state the same serial number.
    pub duplicates: Vec<crate::device::DeviceSummary>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_registration_key_is_read_in_any_case() {
        let pass = Pass::of_key(" hq481047-1jworf43\n").expect("a key");
        assert_eq!(pass.lookup, Lookup::Key("HQ481047".to_owned()));
        assert_eq!(pass.written().expose(), "HQ481047-1JWORF43");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "HQ481047",
            "HQ481047-",
            "HQ481047-1JWORF4",
            "HQ48104_-1JWORF43",
            "HQ481047-1JWORF43-X",
        ] {
            assert_eq!(Pass::of_key(text), Err(NotAKey), "{text}");
        }
    }

    /// Threat model: PRE-1. A code, a key and a device's secret never lead to the same password.
    #[test]
    fn passwords_of_different_kinds_differ() {
        let secret = SecretString::new("1JWORF43".to_owned());
        let key = Pass::of_key("HQ481047-1JWORF43").expect("a key").password();
        let device = Pass::of_device("HQ481047", &secret).expect("a pass").password();
        assert_eq!(key.as_slice(), b"gangway permit v1\0key\0HQ481047\x001JWORF43");
        assert_ne!(key, device);
    }

    /// Threat model: PRE-2.
    #[test]
    fn a_secret_is_not_printed_by_debug() {
        let pass = Pass::of_key("HQ481047-1JWORF43").expect("a key");
        assert!(!format!("{pass:?}").contains("1JWORF43"));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_written_is_read_back(text in ".{0,60}") {
            if let Ok(pass) = Pass::of_key(&text) {
                prop_assert_eq!(Pass::of_key(pass.written().expose()), Ok(pass));
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for kind in PermitKind::ALL {
            assert_eq!(PermitKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(
                serde_json::to_string(&kind).expect("JSON"),
                format!("\"{}\"", kind.as_str())
            );
        }
        for mode in PermitMode::ALL {
            assert_eq!(PermitMode::from_name(mode.as_str()), Some(mode));
            assert_eq!(
                serde_json::to_string(&mode).expect("JSON"),
                format!("\"{}\"", mode.as_str())
            );
        }
    }
}
