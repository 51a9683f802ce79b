//! The connection to a broker that a credential names: held beside the session, opened again when it breaks.

use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::encoding::Sha256Hex;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::{Client, Hello};
use super::{MqttError, MqttSettings, alpn, broker};
use crate::config::ServerUrl;
use crate::credential::Credential;
use crate::event::Event;
use crate::key::DeviceKey;
use crate::rng::Random;
use crate::transport::{Backoff, Dialer, Identified};

/// How long a goodbye may take.
const GOODBYE_DUE: Duration = Duration::from_secs(2);

/// A connection that held so long was good.
const STEADY: Duration = Duration::from_secs(60);

const ONLINE: &[u8] = br#"{"online":true}"#;
const OFFLINE: &[u8] = br#"{"online":false}"#;

/// A task that holds the connection. Dropping this ends it without a goodbye, so that the last will speaks.
pub(crate) struct BrokerConnection {
    /// The certificate that it is held with.
    certificate: Sha256Hex,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What it takes to hold one.
struct Holder {
    dialer: Arc<Dialer>,
    random: Arc<dyn Random>,
    key: Arc<dyn DeviceKey>,
    settings: MqttSettings,
    broker: ServerUrl,
    url: String,
    client_id: String,
    chain: String,
    trust_anchors: Option<String>,
    events: mpsc::Sender<Event>,
    stop: watch::Receiver<bool>,
}

/// Why a connection is over.
enum Over {
    Stopped,
    Broken(MqttError),
}

impl BrokerConnection {
    /// Holds the connection that `credential` names; none if it names none.
    pub(crate) fn hold(
        credential: &Credential,
        dialer: &Arc<Dialer>,
        random: &Arc<dyn Random>,
        key: &Arc<dyn DeviceKey>,
        settings: &MqttSettings,
        events: &mpsc::Sender<Event>,
    ) -> Option<Self> {
        let (endpoint, broker) = credential
            .endpoints
            .iter()
            .find_map(|endpoint| Some((endpoint, broker(&endpoint.url)?)))?;
        let (stop, stopped) = watch::channel(false);
        let holder = Holder {
            dialer: Arc::clone(dialer),
            random: Arc::clone(random),
            key: Arc::clone(key),
            settings: settings.clone(),
            broker,
            url: endpoint.url.clone(),
            client_id: endpoint
                .client_id
                .clone()
                .unwrap_or_else(|| credential.sha256.to_string()),
            chain: credential.chain.clone(),
            trust_anchors: endpoint.trust_anchors.clone(),
            events: events.clone(),
            stop: stopped,
        };
        Some(Self {
            certificate: credential.sha256,
            stop,
            task: tokio::spawn(holder.run()),
        })
    }

    /// Whether it is held with this certificate and goes on.
    pub(crate) fn serves(&self, certificate: &Sha256Hex) -> bool {
        self.certificate == *certificate && !self.task.is_finished()
    }

    /// Ends it in order: the broker hears that the device is offline.
    pub(crate) async fn close(mut self) {
        self.stop.send_replace(true);
        // Whoever cannot be told in time learns it from the last will.
        let _late = tokio::time::timeout(GOODBYE_DUE, &mut self.task).await;
    }
}

impl Drop for BrokerConnection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Holder {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let reason = match self.hold().await {
                Over::Stopped => return,
                Over::Broken(error) => error.to_string(),
            };
            // A broker that lets the device in and throws it out is no better than one that is away.
            if began.elapsed() > STEADY {
                backoff.reset();
            }
            let wait = backoff.wait(self.random.as_ref());
            let lost = Event::EndpointLost {
                url: self.url.clone(),
                reason,
                retry_in_secs: wait.as_secs(),
            };
            if self.events.send(lost).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = self.stop.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    /// Opens the connection and holds it.
    async fn hold(&mut self) -> Over {
        let topic = self.settings.status_topic.as_ref();
        let topic = topic.map(|topic| topic.replace("{client_id}", &self.client_id));
        let mut stop = self.stop.clone();
        let opened = tokio::select! {
            opened = self.open(topic.as_deref()) => opened,
            _ = stop.wait_for(|stopped| *stopped) => return Over::Stopped,
        };
        let mut client = match opened {
            Ok(client) => client,
            Err(error) => return Over::Broken(error),
        };
        let connected = Event::EndpointConnected {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
        };
        if self.events.send(connected).await.is_err() {
            return Over::Stopped;
        }
        loop {
            tokio::select! {
                // Nothing is subscribed to: what comes is for nobody.
                message = client.next() => if let Err(error) = message {
                    return Over::Broken(error);
                },
                _ = stop.wait_for(|stopped| *stopped) => break,
            }
        }
        if let Some(topic) = topic {
            // Whoever does not take it learns it from nobody; the connection ends all the same.
            let _untold = client.publish(&topic, OFFLINE, true).await;
        }
        client.close().await;
        Over::Stopped
    }

    async fn open(&self, topic: Option<&str>) -> Result<Client, MqttError> {
        let identified =
            Identified::by_key(&self.chain, Arc::clone(&self.key)).map_err(MqttError::Transport)?;
        let anchors = self.trust_anchors.as_deref();
        let stream = self
            .dialer
            .open_identified(&self.broker, identified, anchors, alpn(&self.broker))
            .await
            .map_err(MqttError::Transport)?;
        let hello = Hello {
            settings: &self.settings,
            client_id: &self.client_id,
            will: topic.map(|topic| (topic, OFFLINE)),
        };
        let mut client = Client::open(stream, &hello).await?;
        if let Some(topic) = topic {
            client.publish(topic, ONLINE, true).await?;
        }
        Ok(client)
    }
}
