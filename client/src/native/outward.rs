//! Requests of Gangway's own server to a CA of an organisation: to the one address that an operator configured, with the trust that was
//! configured beside it, each once.
//!
//! It follows no redirect, waits for a bounded time and reads a bounded answer; and it tells whether a request without an answer may
//! have reached the CA.

use std::time::Duration;

use gangway_protocol::certificate::file::{self, TrustAnchors};
use gangway_signing::{self as signing, Silence, TlsIdentity};
use reqwest::Client;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};

use super::trust::{ClientIdentity, tls_config_as};
use super::{NativeOptionsError, of_source};
use crate::transport::TransportError;

/// A handshake with a machine of the same network, or of a data centre.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One request. A claimant waits for 20 seconds, in which there are two or three of them.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read: chains have some kilobytes.
const MAX_ANSWER_LEN: usize = 256 * 1024;

/// A way to one CA. Its connections are its own, and none is used twice: whoever sends again on another one by itself might have
/// something signed twice.
#[derive(Clone, Debug)]
pub struct Outward(Client);

impl Outward {
    /// A way with what to trust instead of the public certificate authorities, and with a client certificate, where there is one.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn new(
        trust_anchors: Option<&TrustAnchors>,
        identity: Option<&TlsIdentity>,
    ) -> Result<Self, NativeOptionsError> {
        let identity = identity.map(read).transpose()?;
        Client::builder()
            .use_preconfigured_tls(tls_config_as(trust_anchors, identity)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("gangway/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(|error| NativeOptionsError::Tls(error.to_string()))
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn send(&self, request: signing::Request) -> Result<signing::Response, Silence> {
        let request = reqwest::Request::try_from(request).map_err(|error| silence(&error))?;
        let mut response = self.0.execute(request).await.map_err(|error| silence(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| silence(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_LEN {
                return Err(Silence {
                    was_sent: true,
                    detail: format!("its answer is longer than {MAX_ANSWER_LEN} bytes"),
                });
            }
        }
        let mut answer = signing::Response::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

/// Nothing is sent before there is a connection, and whoever could not be believed in the handshake has read nothing.
fn silence(error: &reqwest::Error) -> Silence {
    let detail = match of_source(error) {
        _ if error.is_timeout() && error.is_connect() => {
            format!("no connection within {} seconds", CONNECT_TIMEOUT.as_secs())
        }
        _ if error.is_timeout() => format!("no answer within {} seconds", TIMEOUT.as_secs()),
        TransportError::Untrusted { detail } => {
            format!("its TLS certificate was not accepted ({detail})")
        }
        other => other.cause(),
    };
    Silence {
        was_sent: !(error.is_connect() || error.is_builder()),
        detail,
    }
}

fn read(identity: &TlsIdentity) -> Result<ClientIdentity, NativeOptionsError> {
    let unusable = |error: file::FileError| NativeOptionsError::ClientCertificate(error.to_string());
    let chain = file::certificates(identity.certificate.as_bytes()).map_err(unusable)?;
    let key = file::private_key(identity.private_key.expose().as_bytes()).map_err(unusable)?;
    let der = key.der.to_vec();
    Ok(ClientIdentity {
        chain: chain
            .into_iter()
            .map(|certificate| CertificateDer::from(certificate.der))
            .collect(),
        key: match key.format {
            file::KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
            file::KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
            file::KeyFormat::Sec1 => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
        },
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn to(listener: &TcpListener) -> signing::Request {
        let address = listener.local_addr().expect("an address");
        http::Request::post(format!("http://{address}/sign"))
            .body(b"a request".to_vec())
            .expect("a request")
    }

    async fn listening() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.expect("a port")
    }

    fn outward() -> Outward {
        Outward::new(None, None).expect("a way")
    }

    /// Answers every connection with this, and says how many there were.
    async fn answering(listener: TcpListener, answer: Vec<u8>) -> usize {
        let mut connections = 0;
        while let Ok(Ok((mut stream, _))) =
            tokio::time::timeout(Duration::from_millis(300), listener.accept()).await
        {
            connections += 1;
            let mut seen = [0; 1024];
            let _ = stream.read(&mut seen).await;
            let _ = stream.write_all(&answer).await;
        }
        connections
    }

    /// Threat model: ENR-33. Time is advanced by itself while nothing happens.
    #[tokio::test(start_paused = true)]
    async fn who_never_answers_was_asked_and_is_waited_for_a_bounded_time() {
        let silent = listening().await;
        let silence = outward()
            .send(to(&silent).await)
            .await
            .expect_err("nothing answers");
        assert_eq!(
            (silence.was_sent, silence.detail.as_str()),
            (true, "no answer within 10 seconds")
        );
    }

    #[tokio::test]
    async fn who_is_not_there_was_not_asked() {
        let gone = listening().await;
        let request = to(&gone).await;
        drop(gone);
        let silence = outward().send(request).await.expect_err("nobody is there");
        assert!(!silence.was_sent, "{silence:?}");
    }

    /// Threat model: ENR-33.
    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let listener = listening().await;
        let request = to(&listener).await;
        let long = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n".to_vec(),
            vec![b'x'; MAX_ANSWER_LEN + 1],
        ]
        .concat();
        let answering = tokio::spawn(answering(listener, long));
        let silence = outward().send(request).await.expect_err("too long");
        assert!(
            silence.was_sent && silence.detail.contains("longer"),
            "{silence:?}"
        );
        answering.abort();
    }

    /// Threat model: ENR-35.
    ///
    /// A connection that ends without an answer is not a reason to send again, and a redirect none to go elsewhere.
    #[tokio::test]
    async fn a_request_is_sent_once_whatever_comes_of_it() {
        for (answer, is_answer) in [
            (Vec::new(), false),
            (
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
                    .to_vec(),
                true,
            ),
        ] {
            let listener = listening().await;
            let request = to(&listener).await;
            let answering = tokio::spawn(answering(listener, answer));
            let outcome = outward().send(request).await;
            match outcome {
                Ok(response) => assert!(is_answer && response.status() == 307, "{response:?}"),
                Err(silence) => assert!(!is_answer && silence.was_sent, "{silence:?}"),
            }
            assert_eq!(answering.await.expect("it ends"), 1);
        }
    }

    #[test]
    fn a_key_without_its_certificate_is_refused() {
        let identity = TlsIdentity {
            certificate: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned(),
            private_key: gangway_protocol::secret::SecretString::new("nothing".to_owned()),
        };
        let error = Outward::new(None, Some(&identity)).expect_err("no identity");
        assert!(
            matches!(error, NativeOptionsError::ClientCertificate(_)),
            "{error:?}"
        );
    }
}
