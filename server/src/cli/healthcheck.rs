//! `gangway healthcheck`: asks the server beside this command whether it is ready. Exit code 0 says yes.
//!
//! It connects to the address in `listen`. Under TLS it takes whatever certificate the server shows: it says nothing secret
//! and wants one word, and whether a certificate is good is for browsers and devices to judge, not for an orchestrator
//! that would restart the server for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use gangway_protocol::path;

use crate::cli::output::print_line;
use crate::config::{Config, Environment, ServeFlags};

use super::CommandError;

/// A healthy server answers in milliseconds; an orchestrator asks again soon.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The answer is a word.
const MAX_BODY: usize = 4096;

/// Options of `gangway healthcheck`.
#[derive(Debug, clap::Args)]
pub struct HealthcheckArgs {
    #[command(flatten)]
    flags: ServeFlags,
}

/// Runs `gangway healthcheck`.
///
/// # Errors
/// When the server is not there, or says that it is not ready.
pub async fn run(args: HealthcheckArgs) -> Result<(), CommandError> {
    let config = args.flags.load(&Environment::of_process())?;
    match tokio::time::timeout(TIMEOUT, ask(&config)).await {
        Ok(Ok(answer)) => {
            print_line!("{answer}");
            Ok(())
        }
        Ok(Err(error)) => Err(CommandError::Refused(format!(
            "the server at {} is not ready: {error}",
            config.listen_address()
        ))),
        Err(_) => Err(CommandError::Refused(format!(
            "the server at {} did not answer in time",
            config.listen_address()
        ))),
    }
}

async fn ask(config: &Config) -> anyhow::Result<String> {
    let stream = TcpStream::connect(&reachable(config.listen_address())[..]).await?;
    match config.tls() {
        None => request(config, stream).await,
        Some(_) => {
            let name = ServerName::try_from(config.public_url.host_str().unwrap_or("localhost").to_owned())?;
            request(config, connector()?.connect(name, stream).await?).await
        }
    }
}

/// The addresses to try, in this order. One that stands for all of the machine's is reached over loopback, and where the
/// machine has no IPv6, over that of IPv4.
fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let addresses: Vec<IpAddr> = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => vec![Ipv4Addr::LOCALHOST.into()],
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        other => vec![other],
    };
    let with_port = |address| SocketAddr::new(address, listen.port());
    addresses.into_iter().map(with_port).collect()
}

fn connector() -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Judges no certificate; that the server has the key of the one it shows is verified as ever.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn request(
    config: &Config,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> anyhow::Result<String> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path::READYZ)
        .header(header::HOST, config.public_url.host_str().unwrap_or("localhost"))
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_BODY)
        .collect()
        .await
        .map_err(anyhow::Error::from_boxed)?
        .to_bytes();
    connection.abort();
    let text = String::from_utf8_lossy(&body).trim().to_owned();
    anyhow::ensure!(status.is_success(), "{status} {text}");
    Ok(text)
}
