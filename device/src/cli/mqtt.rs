//! How the device speaks MQTT, where its credential names a broker.

use std::time::Duration;

use clap::{Args, ValueEnum};
use gangway_device::mqtt::{MqttSettings, MqttVersion, ProvisioningFormat};

#[derive(Clone, Debug, Args)]
pub(super) struct Mqtt {
    /// The version of MQTT, where a credential names a broker.
    #[arg(long, value_enum, default_value_t = Version::V5, env = "GANGWAY_MQTT_VERSION")]
    mqtt_version: Version,
    /// After how much silence the device shows the broker that it lives.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(30..=1200))]
    mqtt_keep_alive_secs: u64,
    /// Where the device says, retained, whether it is online; {client_id} stands for its name at the broker.
    #[arg(long, value_name = "TOPIC", value_parser = topic, env = "GANGWAY_MQTT_STATUS_TOPIC")]
    mqtt_status_topic: Option<String>,
    /// How AWS's fleet provisioning is written.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    provisioning_format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// MQTT 3.1.1.
    #[value(name = "3.1.1")]
    V3,
    /// MQTT 5.0.
    #[value(name = "5")]
    V5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Cbor,
}

impl Mqtt {
    pub(super) fn settings(&self) -> MqttSettings {
        MqttSettings {
            version: match self.mqtt_version {
                Version::V3 => MqttVersion::V3,
                Version::V5 => MqttVersion::V5,
            },
            keep_alive: Duration::from_secs(self.mqtt_keep_alive_secs),
            status_topic: self.mqtt_status_topic.clone(),
            provisioning_format: match self.provisioning_format {
                Format::Json => ProvisioningFormat::Json,
                Format::Cbor => ProvisioningFormat::Cbor,
            },
            ..MqttSettings::default()
        }
    }

    /// The same as arguments, for a service that is to run so.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        if self.mqtt_version == Version::V3 {
            add("mqtt-version", "3.1.1".to_owned());
        }
        if self.mqtt_keep_alive_secs != 300 {
            add("mqtt-keep-alive-secs", self.mqtt_keep_alive_secs.to_string());
        }
        if let Some(topic) = &self.mqtt_status_topic {
            add("mqtt-status-topic", topic.clone());
        }
        if self.provisioning_format == Format::Cbor {
            add("provisioning-format", "cbor".to_owned());
        }
        arguments
    }
}

/// MQTT 5.0 §4.7: what is published to is a topic without wildcards.
fn topic(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 512 && !text.contains(['#', '+', '\0']);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "a topic has 1 to 512 bytes and neither # nor +".to_owned())
}
