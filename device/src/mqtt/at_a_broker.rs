//! At a real broker, mosquitto, which wants client certificates; what answers to fleet provisioning beside it is written in Python
//! from AWS's documentation (`end2end/fakes/aws_mqtt.py`).

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gangway_protocol::enrolment::{Endpoint, ProvisioningClaim};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::provisioning::NotProvisioned;
use super::*;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::credential::{self, Credential};
use crate::event::Event;
use crate::key::{DeviceKey, FileKey, KeyType};
use crate::rng::SystemRandom;
use crate::transport::Dialer;

const LONG: Duration = Duration::from_secs(30);

/// The broker, who makes claims for it, and a device.
struct Scene {
    process: Child,
    lines: mpsc::Receiver<Value>,
    endpoint: String,
    ca: String,
    claims: Issuer<'static, KeyPair>,
    dialer: Arc<Dialer>,
    key: Arc<dyn DeviceKey>,
    _folder: tempfile::TempDir,
}

impl Drop for Scene {
    fn drop(&mut self) {
        // It ends by itself when its standard input is gone; a broker that stays would hold the port of the next.
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

impl Scene {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Claims");
        let key = KeyPair::generate().expect("a key");
        let trust = folder.path().join("claims.pem");
        let root = params.self_signed(&key).expect("a root");
        std::fs::write(&trust, root.pem()).expect("written");
        let mut process = Command::new(python())
            .arg(fake())
            .arg(folder.path().join("broker"))
            .arg("--trust")
            .arg(&trust)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python is there (make test sets GANGWAY_PYTHON)");
        let lines = listen(process.stdout.take().expect("its output"));
        let first = lines.recv_timeout(LONG).expect("the broker is there");
        let server = "https://panel.example".parse().expect("an address");
        let settings = Settings::new(server);
        let dialer = Dialer::new(&settings, Arc::new(SystemClock)).expect("a dialer");
        Self {
            process,
            lines,
            endpoint: first["endpoint"].as_str().expect("text").to_owned(),
            ca: first["ca"].as_str().expect("text").to_owned(),
            claims: Issuer::new(params, key),
            dialer: Arc::new(dialer),
            key: Arc::new(FileKey::generate(KeyType::P256).expect("a key")),
            _folder: folder,
        }
    }

    fn claim(&self, template: &str, parameters: &Value) -> ProvisioningClaim {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::default();
        let certificate = params.signed_by(&key, &self.claims).expect("a certificate");
        ProvisioningClaim {
            certificate: certificate.pem(),
            private_key: SecretString::new(key.serialize_pem()),
            expires_at: now().plus(5 * UnixMillis::MINUTE),
            endpoint: self.endpoint.clone(),
            template: template.to_owned(),
            parameters: parameters.as_object().cloned().unwrap_or_default(),
            trust_anchors: Some(self.ca.clone()),
        }
    }

    async fn provision(
        &self,
        settings: &MqttSettings,
        claim: ProvisioningClaim,
    ) -> Result<gangway_protocol::enrolment::Provisioned, NotProvisioned> {
        let csr = self.key.csr("thermometer-7").expect("a CSR").pem;
        let dialer = Arc::clone(&self.dialer);
        provision(
            dialer,
            settings.clone(),
            claim,
            csr,
            "gangway-test".to_owned(),
            now(),
        )
        .await
    }

    /// A credential that AWS has made, with the address of its broker.
    async fn credential(&self) -> Credential {
        let claim = self.claim("plant", &json!({"SerialNumber": "42"}));
        let made = self.provision(&settings(), claim).await.expect("provisioned");
        let endpoint = Endpoint {
            name: "mqtt".to_owned(),
            url: format!("mqtts://{}", self.endpoint),
            trust_anchors: Some(self.ca.clone()),
            client_id: made.thing,
        };
        credential::verify(&made.chain, None, vec![endpoint], &self.key.spki(), now()).expect("a good one")
    }

    fn hold(&self, credential: &Credential, settings: &MqttSettings) -> (BrokerConnection, Events) {
        let (events, told) = tokio::sync::mpsc::channel(16);
        let random: Arc<dyn crate::rng::Random> = Arc::new(SystemRandom);
        let line = BrokerConnection::hold(credential, &self.dialer, &random, &self.key, settings, &events);
        (line.expect("a connection"), Events(told))
    }

    /// The next message that was published there.
    fn published(&self, topic: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(LONG).expect(topic);
            if line["topic"] == topic {
                return line;
            }
        }
    }

    /// The status becomes this. Where the goodbye took too long the last will repeats what was said.
    fn becomes(&self, topic: &str, status: &str) {
        while self.published(topic)["payload"] != status {}
    }
}

struct Events(tokio::sync::mpsc::Receiver<Event>);

impl Events {
    async fn next(&mut self) -> Event {
        let next = tokio::time::timeout(LONG, self.0.recv()).await;
        next.expect("in time").expect("an event")
    }
}

fn listen(output: ChildStdout) -> mpsc::Receiver<Value> {
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).expect("JSON");
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn python() -> String {
    crate::config::environment("GANGWAY_PYTHON").unwrap_or_else(|| "python3".to_owned())
}

fn fake() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/fakes/aws_mqtt.py")
}

fn now() -> UnixMillis {
    use crate::clock::Clock as _;
    SystemClock.now()
}

fn settings() -> MqttSettings {
    MqttSettings::default()
}

#[tokio::test]
async fn a_device_fetches_its_certificate_in_both_forms_by_both_versions() {
    let scene = Scene::start(&[]);
    for provisioning_format in [ProvisioningFormat::Json, ProvisioningFormat::Cbor] {
        for version in [MqttVersion::V3, MqttVersion::V5] {
            let settings = MqttSettings {
                version,
                provisioning_format,
                ..settings()
            };
            let claim = scene.claim("plant", &json!({"SerialNumber": "42"}));
            let made = scene.provision(&settings, claim).await.expect("provisioned");
            assert_eq!(made.thing.as_deref(), Some("thermometer-42"));
            assert_eq!(
                Value::Object(made.configuration),
                json!({"interval_secs": "60"}),
                "{settings:?}"
            );
            let verified = credential::verify(&made.chain, Some(&scene.ca), vec![], &scene.key.spki(), now());
            assert_eq!(
                verified.expect("for this key").sha256.to_string(),
                made.certificate_id
            );
        }
    }
}

#[tokio::test]
async fn what_aws_refuses_is_told_in_its_words() {
    let scene = Scene::start(&[]);
    let claim = scene.claim("plant", &json!({}));
    let refused = scene.provision(&settings(), claim).await;
    let refused = refused.expect_err("nothing is made");
    assert_eq!(refused.code(), "provisioning_refused");
    assert_eq!(
        refused.to_string(),
        "AWS refuses the registration: InvalidParameters: The parameter SerialNumber is missing"
    );
}

/// Threat model: ENR-32.
#[tokio::test]
async fn a_broker_without_create_from_csr_is_told_and_no_key_is_taken_from_it() {
    let scene = Scene::start(&["--without-csr"]);
    let impatient = MqttSettings {
        answer_due: Duration::from_millis(700),
        ..settings()
    };
    let refused = scene
        .provision(&impatient, scene.claim("plant", &json!({})))
        .await;
    let refused = refused.expect_err("nothing is made");
    assert_eq!(refused.code(), "provisioning_unanswered");
    let asked = scene.published("$aws/certificates/create-from-csr/json");
    assert!(
        asked["payload"]
            .as_str()
            .is_some_and(|text| text.contains("BEGIN CERTIFICATE REQUEST"))
    );
    while let Ok(other) = scene.lines.try_recv() {
        assert!(
            !other["topic"]
                .as_str()
                .is_some_and(|topic| topic.contains("certificates/create/")),
            "a key is asked for: {other}"
        );
    }
}

#[tokio::test]
async fn a_claim_that_has_ended_is_not_tried() {
    let scene = Scene::start(&[]);
    let mut claim = scene.claim("plant", &json!({"SerialNumber": "1"}));
    claim.expires_at = now();
    assert_eq!(
        scene.provision(&settings(), claim).await,
        Err(NotProvisioned::TooLate)
    );
}

/// Threat model: ENR-32.
#[tokio::test]
async fn a_broker_that_the_anchors_do_not_know_hears_nothing() {
    let scene = Scene::start(&[]);
    let mut claim = scene.claim("plant", &json!({"SerialNumber": "1"}));
    claim.trust_anchors = Some(
        CertificateParams::default()
            .self_signed(&KeyPair::generate().expect("a key"))
            .expect("a certificate")
            .pem(),
    );
    let refused = scene.provision(&settings(), claim).await.expect_err("another CA");
    assert_eq!(refused.code(), "broker_unusable");
    assert!(
        refused.to_string().contains("identity could not be verified"),
        "{refused}"
    );
    assert!(
        scene.lines.try_recv().is_err(),
        "nothing was published at a broker that nobody vouches for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_tells_that_the_device_is_online_and_the_broker_that_it_is_not() {
    let scene = Scene::start(&[]);
    let credential = scene.credential().await;
    for version in [MqttVersion::V3, MqttVersion::V5] {
        let settings = MqttSettings {
            version,
            status_topic: Some("plant/{client_id}/status".to_owned()),
            ..settings()
        };
        let topic = "plant/thermometer-42/status";
        let (connection, mut events) = scene.hold(&credential, &settings);
        let Event::EndpointConnected { client_id, .. } = events.next().await else {
            panic!("connected");
        };
        assert_eq!(client_id, "thermometer-42");
        scene.becomes(topic, r#"{"online":true}"#);
        // It goes without a word: the last will speaks.
        drop(connection);
        scene.becomes(topic, r#"{"online":false}"#);

        let (connection, mut events) = scene.hold(&credential, &settings);
        events.next().await;
        assert!(connection.serves(&credential.sha256));
        scene.becomes(topic, r#"{"online":true}"#);
        connection.close().await;
        scene.becomes(topic, r#"{"online":false}"#);
    }
}

#[tokio::test]
async fn a_connection_is_opened_again_when_it_breaks() {
    let scene = Scene::start(&[]);
    let credential = scene.credential().await;
    let settings = settings();
    let (_line, mut events) = scene.hold(&credential, &settings);
    assert!(matches!(events.next().await, Event::EndpointConnected { .. }));
    // Whoever takes a client id ends the connection of whoever had it (MQTT 5.0 §3.1.4).
    let (_other, mut others) = scene.hold(&credential, &settings);
    assert!(matches!(others.next().await, Event::EndpointConnected { .. }));
    assert!(matches!(events.next().await, Event::EndpointLost { .. }));
    assert!(matches!(events.next().await, Event::EndpointConnected { .. }));
}

#[tokio::test]
async fn every_kind_of_key_that_is_made_here_identifies_a_device() {
    let mut scene = Scene::start(&[]);
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        scene.key = Arc::new(FileKey::generate(kind).expect("a key"));
        let credential = scene.credential().await;
        let (_line, mut events) = scene.hold(&credential, &settings());
        assert!(
            matches!(events.next().await, Event::EndpointConnected { .. }),
            "{kind}"
        );
    }
}
