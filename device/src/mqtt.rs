//! MQTT with brokers that a claimant or a credential names. The protocol itself is that of the crate `mqtt-protocol-core`, which
//! has no input or output either.

mod broker_connection;
mod client;
mod provisioning;

use std::str::FromStr;
use std::time::Duration;

pub(crate) use broker_connection::BrokerConnection;
pub(crate) use provisioning::provision;

use crate::config::ServerUrl;
use crate::transport::TransportError;

/// How a device speaks MQTT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttSettings {
    /// Which version.
    pub version: MqttVersion,
    /// After how much silence it shows that it lives. AWS takes 30 to 1200 seconds (AWS IoT Core endpoints and quotas).
    pub keep_alive: Duration,
    /// How long a broker may take for an answer. A pre-provisioning hook has five seconds of it.
    pub answer_due: Duration,
    /// Where it says, retained, that it is online; the broker says there that it is not, by its last will. `{client_id}` stands
    /// for its name at the broker. Absent: it says nothing. AWS takes it where the policy has `iot:RetainPublish`.
    pub status_topic: Option<String>,
    /// How fleet provisioning is written.
    pub provisioning_format: ProvisioningFormat,
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            version: MqttVersion::default(),
            keep_alive: Duration::from_secs(300),
            answer_due: Duration::from_secs(30),
            status_topic: None,
            provisioning_format: ProvisioningFormat::default(),
        }
    }
}

/// Versions of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MqttVersion {
    /// 3.1.1 (OASIS, 2014).
    V3,
    /// 5.0 (OASIS, 2019).
    #[default]
    V5,
}

/// How the messages of fleet provisioning are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProvisioningFormat {
    /// JSON.
    #[default]
    Json,
    /// CBOR, which is smaller.
    Cbor,
}

impl ProvisioningFormat {
    /// Its name in topics.
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
        }
    }
}

/// Why a connection to a broker is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MqttError {
    /// It could not be reached.
    #[error("{0}")]
    Transport(TransportError),
    /// It does not let this device in.
    #[error(
        "the broker does not let this device in ({0}): see whether its certificate is active and has a policy that allows its \
         client id to connect"
    )]
    Refused(String),
    /// It refuses a subscription.
    #[error("the broker does not let this device subscribe to {topic}: see the policy of its certificate")]
    NotSubscribed {
        /// To what.
        topic: String,
    },
    /// It has ended the connection.
    #[error("the broker has ended the connection{0}")]
    Closed(String),
    /// It said nothing.
    #[error("the broker did not answer in time")]
    Silent,
    /// It does not keep to MQTT, or a text is none that MQTT takes.
    #[error("the broker and this device do not understand each other: {0}")]
    Protocol(String),
}

/// The address of a broker, as a credential has it: `mqtts://host:port`.
fn broker(url: &str) -> Option<ServerUrl> {
    let authority = url.strip_prefix("mqtts://")?;
    let (_, port) = authority.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    ServerUrl::from_str(&format!("https://{authority}")).ok()
}

/// Brokers at the port of HTTPS are told that this is MQTT (AWS IoT Developer Guide, "Protocols, port mappings, and
/// authentication").
fn alpn(broker: &ServerUrl) -> Option<&'static [u8]> {
    (broker.port() == 443).then_some(b"x-amzn-mqtt-ca")
}

#[cfg(test)]
mod at_a_broker;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_reached_by_tls_alone_and_at_the_port_of_https_by_its_name() {
        let found = broker("mqtts://a1-ats.iot.example:8883").expect("a broker");
        assert_eq!((found.port(), found.is_secure()), (8883, true));
        assert_eq!(alpn(&found), None);
        let found = broker("mqtts://a1-ats.iot.example:443").expect("a broker");
        assert_eq!(alpn(&found), Some(b"x-amzn-mqtt-ca".as_slice()));
        for other in [
            "mqtt://a1.example:1883",
            "mqtts://a1.example",
            "mqtts://a1.example:8883/path",
            "mqtts://user@a1.example:8883",
            "wss://a1.example:443",
        ] {
            assert_eq!(broker(other), None, "{other}");
        }
    }
}
