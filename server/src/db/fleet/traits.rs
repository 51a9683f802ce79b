//! What some devices have in common and others have not, each with an index of its own that begins with the customer.

use gangway_protocol::id::SignerId;
use gangway_protocol::time::UnixMillis;

use super::Filter;
use super::statement::Statement;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trait<'f> {
    Label(&'f str),
    SoftwareVersion(&'f str),
    Signer(&'f SignerId),
    /// Active, with a certificate that ends before.
    ExpiresBefore(UnixMillis),
}

/// Where the devices with a trait are found, for each customer of `asked`.
pub(super) struct Source {
    /// The table with the index.
    pub(super) table: &'static str,
    /// Its column with the device's id.
    pub(super) device: &'static str,
    /// That a row of it is of this customer and has the trait.
    pub(super) having: String,
    /// How the index orders those.
    pub(super) order: &'static str,
}

impl Filter {
    /// Those that it asks for; the one that tends to narrow most comes first.
    pub(super) fn traits(&self) -> Vec<Trait<'_>> {
        [
            self.label.as_deref().map(Trait::Label),
            self.expires_before.map(Trait::ExpiresBefore),
            self.software_version.as_deref().map(Trait::SoftwareVersion),
            self.signer.as_ref().map(Trait::Signer),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Trait<'_> {
    /// That a row of `devices` has it.
    pub(super) fn condition(self, statement: &mut Statement) -> String {
        match self {
            Self::Label(label) => {
                let number = statement.bind(label);
                format!(
                    "EXISTS (SELECT 1 FROM device_labels WHERE device_labels.customer = devices.customer
                         AND device_labels.label = ${number} AND device_labels.device = devices.id)"
                )
            }
            Self::SoftwareVersion(version) => {
                let number = statement.bind(version);
                format!("devices.software_version = ${number}")
            }
            Self::Signer(signer) => {
                let number = statement.bind(signer.as_str());
                format!("devices.signer = ${number}")
            }
            Self::ExpiresBefore(instant) => {
                let number = statement.bind(instant.0);
                format!("devices.state = 'active' AND devices.certificate_expires_at < ${number}")
            }
        }
    }

    pub(super) fn source(self, statement: &mut Statement) -> Source {
        let Self::Label(label) = self else {
            return Source {
                table: "devices",
                device: "devices.id",
                having: format!("devices.customer = asked.value AND {}", self.condition(statement)),
                order: match self {
                    Self::ExpiresBefore(_) => "devices.certificate_expires_at, devices.id",
                    _ => "devices.id",
                },
            };
        };
        let number = statement.bind(label);
        Source {
            table: "device_labels",
            device: "device_labels.device",
            having: format!("device_labels.customer = asked.value AND device_labels.label = ${number}"),
            order: "device_labels.device",
        }
    }
}
