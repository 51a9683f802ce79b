//! Between an enrolled device and the server.

use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::session::{self, Configuration, Series, SessionAbility};
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use super::{CHAIN, CSR, NOW, Pinned, base64, digest, map, text};
use crate::device::facts_of_the_document as facts;

pub(super) fn server_to_device() -> Pinned<session::ServerToDevice> {
    vec![
        (
            session::ServerToDevice::Challenge {
                nonce: base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
                server_time: NOW,
            },
            r#"{"type":"challenge","nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","server_time":1790000000000}"#,
        ),
        (
            session::ServerToDevice::Welcome {
                device: "dev_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                organisation: "org_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                configuration: Configuration {
                    revision: 3,
                    values: map(json!({"interval_secs": 60})),
                },
                renew_after: UnixMillis(1_793_900_000_000),
                server_time: NOW,
                only: None,
            },
            r#"{"type":"welcome","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","configuration":{"revision":3,"values":{"interval_secs":60}},"renew_after":1793900000000,"server_time":1790000000000}"#,
        ),
        (
            session::ServerToDevice::Welcome {
                device: "dev_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                organisation: "org_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                configuration: Configuration::default(),
                renew_after: NOW,
                server_time: NOW,
                only: Some(vec![SessionAbility::Renew]),
            },
            r#"{"type":"welcome","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","configuration":{"revision":0,"values":{}},"renew_after":1790000000000,"server_time":1790000000000,"only":["renew"]}"#,
        ),
        (
            session::ServerToDevice::Configuration {
                configuration: Configuration {
                    revision: 4,
                    values: map(json!({"interval_secs": 10})),
                },
            },
            r#"{"type":"configuration","configuration":{"revision":4,"values":{"interval_secs":10}}}"#,
        ),
        (
            session::ServerToDevice::Certificate {
                chain: text(CHAIN),
                trust_anchors: None,
            },
            r#"{"type":"certificate","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"}"#,
        ),
        (session::ServerToDevice::RenewNow {}, r#"{"type":"renew_now"}"#),
        (session::ServerToDevice::Identify {}, r#"{"type":"identify"}"#),
        (
            session::ServerToDevice::Revoked {
                reason: text("the device was reported lost"),
            },
            r#"{"type":"revoked","reason":"the device was reported lost"}"#,
        ),
        (
            session::ServerToDevice::Problem(Problem {
                code: ProblemCode::Suspended,
                message: text("this device is suspended; it may try again in an hour"),
                retry_after_secs: Some(3600),
            }),
            r#"{"type":"problem","code":"suspended","message":"this device is suspended; it may try again in an hour","retry_after_secs":3600}"#,
        ),
    ]
}

pub(super) fn device_to_server() -> Pinned<session::DeviceToServer> {
    vec![
        (
            session::DeviceToServer::Proof {
                chain: text(CHAIN),
                signature: base64("MEUCIQA="),
                counter: 42,
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
            },
            r#"{"type":"proof","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","signature":"MEUCIQA=","counter":42,"agent":"gangway-device/0.1.0 (linux x86_64)"}"#,
        ),
        (
            session::DeviceToServer::Facts { facts: facts() },
            r#"{"type":"facts","facts":{"hostname":"thermometer-7","os":"linux","os_version":"Debian GNU/Linux 12","arch":"aarch64","model":"Raspberry Pi 5 Model B","serial":"10000000abcdef01","machine_id":"8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e","software":"gangway-device","software_version":"0.1.0","addresses":"192.0.2.7 2001:db8::7"}}"#,
        ),
        (
            session::DeviceToServer::Measurements {
                series: vec![Series {
                    name: text("temperature"),
                    points: vec![(NOW, 21.5), (UnixMillis(1_790_000_060_000), 21.75)],
                }],
            },
            r#"{"type":"measurements","series":[{"name":"temperature","points":[[1790000000000,21.5],[1790000060000,21.75]]}]}"#,
        ),
        (
            session::DeviceToServer::Renew {
                csr: text(CSR),
                endorsement: base64("MEUCIQA="),
            },
            r#"{"type":"renew","csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","endorsement":"MEUCIQA="}"#,
        ),
        (
            session::DeviceToServer::Installed {
                certificate_sha256: digest(),
            },
            r#"{"type":"installed","certificate_sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"}"#,
        ),
    ]
}
