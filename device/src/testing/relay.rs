//! A server of which every frame is scripted, and the claimant's end of a crossing played on it.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use gangway_protocol::code::{Nameplate, UserCode};
use gangway_protocol::enrolment::{
    ClaimantToDevice, Credential, DeviceToClaimant, DeviceToServer as Waiting, ServerToDevice as ToWaiting,
};
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::seal::{Answer, Channel, Claimant};
use gangway_protocol::session::{Configuration, DeviceToServer as InSession, ServerToDevice as ToSession};
use gangway_protocol::time::UnixMillis;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::{NOW, TestCa};
use crate::rng::{Random as _, SystemRandom};
use crate::transport::BoxedStream;

/// A listener on loopback.
pub(crate) struct Relay {
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
}

/// An accepted WebSocket.
pub(crate) struct Peer {
    pub(crate) path: String,
    socket: WebSocketStream<BoxedStream>,
}

/// A TLS configuration for a server of this name.
pub(crate) fn serve_tls(ca: &TestCa, name: &str) -> tokio_rustls::TlsAcceptor {
    serving(ca.tls_server(name))
}

/// The same with a certificate that the server signed itself, as `openssl req -x509` makes it, and that certificate.
pub(crate) fn serve_self_signed(name: &str, marked_as_ca: bool) -> (tokio_rustls::TlsAcceptor, String) {
    let (certificate, key) = super::ca::self_signed(name, marked_as_ca);
    let pem = super::to_pem(&certificate);
    (serving((vec![certificate], key)), pem)
}

fn serving(
    (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    Arc::new(config).into()
}

impl Relay {
    pub(crate) async fn start(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        Self { listener, tls }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The next WebSocket; connections that end before (a TLS handshake that the device breaks off) are passed over.
    pub(crate) async fn accept(&self) -> Peer {
        loop {
            let (stream, _) = self.listener.accept().await.expect("accepted");
            if let Some(peer) = self.open(stream).await {
                return peer;
            }
        }
    }

    async fn open(&self, stream: TcpStream) -> Option<Peer> {
        let stream: BoxedStream = match &self.tls {
            Some(acceptor) => Box::new(acceptor.accept(stream).await.ok()?),
            None => Box::new(stream),
        };
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let callback = |request: &Request, mut response: Response| {
            path = request.uri().path().to_owned();
            let asked = request.headers().get("Sec-WebSocket-Protocol").cloned();
            let asked = asked.unwrap_or(HeaderValue::from_static("none"));
            response.headers_mut().insert("Sec-WebSocket-Protocol", asked);
            Ok(response)
        };
        let socket = accept_hdr_async(stream, callback).await.ok()?;
        Some(Peer { path, socket })
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, frame: &impl Serialize) {
        let text = serde_json::to_string(frame).expect("JSON");
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    /// The next frame; panics when the device goes away instead.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> T {
        self.maybe_next().await.expect("a frame")
    }

    /// The next frame, or `None` when the device has closed the connection.
    pub(crate) async fn maybe_next<T: DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("a frame of the protocol"));
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Whether the device is still there after a moment.
    pub(crate) async fn is_open(&mut self) -> bool {
        let moment = std::time::Duration::from_millis(50);
        tokio::time::timeout(moment, self.socket.next()).await.is_err()
    }

    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.socket.close(Some(frame)).await.expect("closed");
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Plays the relay of an enrolment up to the code: gives what `hello` carried as `resume`.
    pub(crate) async fn give_nameplate(&mut self, nameplate: &str) -> Option<String> {
        let Waiting::Hello { resume, .. } = self.next().await else {
            panic!("hello comes first")
        };
        self.replace_nameplate(nameplate).await;
        resume
    }

    pub(crate) async fn replace_nameplate(&mut self, nameplate: &str) {
        let frame = ToWaiting::Nameplate {
            nameplate: nameplate.parse().expect("a nameplate"),
            expires_in_secs: 600,
            verification_uri: "https://panel.example/link".to_owned(),
            resume: format!("resume {nameplate}"),
            server_time: NOW,
        };
        self.send(&frame).await;
    }

    /// Plays relay and claimant up to the introduction.
    pub(crate) async fn claim(&mut self, code: &UserCode) -> (ClaimId, Channel) {
        let mut random = [0; 10];
        SystemRandom.fill(&mut random);
        let claim = ClaimId::new(NOW, random);
        let (claimant, pake) = Claimant::start(code, |bytes| SystemRandom.fill(bytes));
        let nameplate: Nameplate = code.nameplate();
        self.send(&ToWaiting::Claim {
            claim: claim.clone(),
            nameplate,
            pake,
        })
        .await;
        let Waiting::Answer { pake, confirm, .. } = self.next().await else {
            panic!("an answer follows a claim")
        };
        let (mut channel, confirm) = claimant
            .on_answer(&claim, &Answer { pake, confirm })
            .expect("the same code");
        self.send(&ToWaiting::Confirm {
            claim: claim.clone(),
            confirm,
        })
        .await;
        let DeviceToClaimant::Introduction { .. } = self.unseal(&mut channel).await else {
            panic!("the introduction comes first")
        };
        (claim, channel)
    }

    /// Plays approval and offer.
    pub(crate) async fn offer(&mut self, claim: &ClaimId, channel: &mut Channel) {
        let (organisation, approver) = ("Harbour".to_owned(), "Ada".to_owned());
        let approval = ToWaiting::Approval {
            claim: claim.clone(),
            organisation: organisation.clone(),
            approver: approver.clone(),
        };
        self.send(&approval).await;
        let panel = "https://panel.example".to_owned();
        self.seal(
            channel,
            &ClaimantToDevice::Offer {
                organisation,
                approver,
                panel,
            },
        )
        .await;
    }

    /// Plays a crossing to its end.
    pub(crate) async fn cross(&mut self, code: &UserCode, chain: String) {
        let (claim, mut channel) = self.claim(code).await;
        self.offer(&claim, &mut channel).await;
        let consent = self.unseal(&mut channel).await;
        assert_eq!(
            consent,
            DeviceToClaimant::Consent {
                accepted: true,
                reason: None
            }
        );
        let offered = Credential::Certificate {
            chain,
            trust_anchors: None,
            endpoints: Vec::new(),
            configuration: serde_json::Map::new(),
        };
        self.seal(&mut channel, &ClaimantToDevice::Credential(Box::new(offered)))
            .await;
        let DeviceToClaimant::Installed { .. } = self.unseal(&mut channel).await else {
            panic!("it gets installed")
        };
        let Waiting::Outcome { .. } = self.next().await else {
            panic!("the outcome follows")
        };
        self.answer_goodbye().await;
    }

    /// Waits for the device's goodbye and answers it.
    pub(crate) async fn answer_goodbye(&mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    pub(crate) async fn seal(&mut self, channel: &mut Channel, message: &ClaimantToDevice) {
        let sealed = channel.seal(message).expect("sealed");
        let claim = channel.claim().clone();
        self.send(&ToWaiting::Sealed { claim, sealed }).await;
    }

    pub(crate) async fn unseal(&mut self, channel: &mut Channel) -> DeviceToClaimant {
        let Waiting::Sealed { sealed, .. } = self.next().await else {
            panic!("a sealed frame")
        };
        channel.open(&sealed).expect("our box")
    }

    /// Plays the opening of a session; gives the chain and the counter of the proof.
    pub(crate) async fn welcome(&mut self) -> (String, u64) {
        let (chain, counter) = self.challenge().await;
        let welcome = ToSession::Welcome {
            device: DeviceId::new(NOW, [1; 10]),
            organisation: OrganisationId::new(NOW, [2; 10]),
            configuration: Configuration::default(),
            renew_after: NOW.plus(UnixMillis::DAY),
            server_time: NOW,
            only: None,
        };
        self.send(&welcome).await;
        let InSession::Facts { .. } = self.next().await else {
            panic!("facts follow the welcome")
        };
        (chain, counter)
    }

    pub(crate) async fn challenge(&mut self) -> (String, u64) {
        let nonce = gangway_protocol::encoding::Base64(vec![7; 32]);
        self.send(&ToSession::Challenge {
            nonce,
            server_time: NOW,
        })
        .await;
        let InSession::Proof { chain, counter, .. } = self.next().await else {
            panic!("a proof follows")
        };
        (chain, counter)
    }
}
