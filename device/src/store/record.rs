//! The content of `state.json` and `state-2.json`.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::credential::Credential;

/// Of the format. A higher number is refused, so that a downgrade cannot lose what it does not understand.
const VERSION: u32 = 1;

/// Everything that a device keeps besides its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Grows with every change: of two files the greater counts.
    #[serde(default)]
    generation: u64,
    /// Digest of the SubjectPublicKeyInfo of the key that this was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Sha256Hex>,
    /// Of sessions: the end of the reserved block; none beyond it has been sent.
    pub counter: u64,
    /// The credential that a session has proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<Credential>,
    /// A newer one, written beside it, that no session has proved yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Credential>,
    /// Who the device is at the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Where it belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// What members have set.
    #[serde(default)]
    pub configuration: Configuration,
    /// For `hello`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<SecretString>,
    /// The latest time heard over a verified connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_time: Option<UnixMillis>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            version: VERSION,
            generation: 0,
            key: None,
            counter: 0,
            proved: None,
            fresh: None,
            device: None,
            organisation: None,
            configuration: Configuration::default(),
            resume: None,
            last_good_time: None,
        }
    }
}

impl Record {
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
        // The version first: a later format need not parse as this one.
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.version > VERSION {
            return Err(StoreError::Newer);
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Becomes the next generation.
    pub(super) fn advance(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a record is plain data with text as keys")
    }

    /// Drops the credentials of keys other than `key`, and with the last one the membership.
    pub(super) fn forget_other_keys(&mut self, key: &Sha256Hex) {
        self.fresh.take_if(|credential| credential.key != *key);
        self.proved.take_if(|credential| credential.key != *key);
        if self.fresh.is_none() && self.proved.is_none() {
            self.device = None;
            self.organisation = None;
            self.configuration = Configuration::default();
        }
    }
}
