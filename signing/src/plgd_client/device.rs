//! Devices as a client tells of them, and how one stands with a hub.

use serde::Deserialize;
use uuid::Uuid;

use super::ClientError;
use super::stream::results;
use crate::sign_in::shown;

/// Most devices of one answer that are shown. A local network has some dozens.
const MAX_DEVICES: usize = 500;

/// A device that a client has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDevice {
    /// Its id.
    pub id: Uuid,
    /// What it calls itself, as it is to be shown.
    pub name: String,
    /// Its types, e.g. `oic.d.light`.
    pub types: Vec<String>,
    /// Whose it is.
    pub ownership: Ownership,
}

/// Whose a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Ownership {
    /// Nobody's yet.
    #[serde(rename = "UNOWNED")]
    Unowned,
    /// Of whoever has initialised the client, or of somebody else.
    #[serde(rename = "OWNED")]
    Owned,
    /// It knows no owners.
    #[serde(rename = "UNSUPPORTED")]
    Unsupported,
    /// The client does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How a device stands with its hub: `cps` of oic.r.coapcloudconf (OCF Core Optional, “CoAP Cloud Conf Resource”).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudStatus {
    /// It belongs to no hub.
    Uninitialised,
    /// It is on its way to one, or from it.
    Moving,
    /// It has registered.
    Registered,
    /// It could not register.
    Failed,
    /// It does not say.
    Unknown,
}

impl CloudStatus {
    /// Reads it wherever it stands in the answer: clients wrap a resource differently.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let told: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        match find(&told) {
            Some("uninitialized") => Self::Uninitialised,
            Some("readytoregister" | "registering" | "deregistering") => Self::Moving,
            Some("registered") => Self::Registered,
            Some("failed") => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

fn find(value: &serde_json::Value) -> Option<&str> {
    match value {
        serde_json::Value::Object(fields) => match fields.get("cps") {
            Some(serde_json::Value::String(status)) => Some(status),
            _ => fields.values().find_map(find),
        },
        _ => None,
    }
}

/// The devices of an answer, those without a name last.
pub(super) fn devices(body: &[u8]) -> Result<Vec<ClientDevice>, ClientError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        id: Uuid,
        #[serde(default)]
        name: String,
        #[serde(default)]
        types: Vec<String>,
        #[serde(default)]
        ownership_status: Ownership,
    }
    let mut devices: Vec<ClientDevice> = results::<Told>(body)?
        .into_iter()
        .take(MAX_DEVICES)
        .map(|told| ClientDevice {
            id: told.id,
            name: shown(&told.name),
            types: told.types.iter().take(8).map(|kind| shown(kind)).collect(),
            ownership: told.ownership_status,
        })
        .collect();
    devices.sort_by(|one, other| {
        (one.name.is_empty(), &one.name, one.id).cmp(&(other.name.is_empty(), &other.name, other.id))
    });
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_whatever_else_is_told() {
        let body = concat!(
            r#"{"result":{"id":"00000000-0000-4000-8000-000000000002","types":["oic.d.light"],"ownershipStatus":"UNOWNED","metadata":{}}}"#,
            "\n\n",
            r#"{"result":{"id":"00000000-0000-4000-8000-000000000001","name":"Lamp","ownershipStatus":"OWNED"}}"#,
            "\n",
            r#"{"result":{"id":"00000000-0000-4000-8000-000000000003","ownershipStatus":"OF_TOMORROW"}}"#,
        );
        let found = devices(body.as_bytes()).expect("devices");
        let told: Vec<_> = found
            .iter()
            .map(|device| (device.id.as_u128() & 0xf, device.name.as_str(), device.ownership))
            .collect();
        assert_eq!(
            told,
            [
                (1, "Lamp", Ownership::Owned),
                (2, "", Ownership::Unowned),
                (3, "", Ownership::Unknown)
            ]
        );
        assert_eq!(found[1].types, ["oic.d.light"]);
    }

    #[test]
    fn the_status_is_found_where_it_stands() {
        for (body, status) in [
            (
                r#"{"data":{"content":{"cps":"registered"}}}"#,
                CloudStatus::Registered,
            ),
            (r#"{"cps":"failed"}"#, CloudStatus::Failed),
            (r#"{"cps":"uninitialized"}"#, CloudStatus::Uninitialised),
            (r#"{"data":{"cps":"registering"}}"#, CloudStatus::Moving),
            (r#"{"cps":1}"#, CloudStatus::Unknown),
            ("", CloudStatus::Unknown),
        ] {
            assert_eq!(CloudStatus::read(body.as_bytes()), status, "{body}");
        }
    }
}
