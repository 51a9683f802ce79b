//! TLS for devices that trust the built-in CA, with a certificate of that CA which the server makes itself ([`DeviceTls`]), for those that
//! may show certificates of it too ([`screen`]).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use rustls::{CertificateError, ServerConfig};

use crate::ca::{CaError, Presented};
use crate::listen::{Screen, Shutdown, TlsHandshake, taking_client_certificates};
use crate::start_error::StartError;
use crate::state::Gangway;

/// How often it is looked whether the certificate is due: it lives for days.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// By which a server is reached on its own machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The TLS side of the listeners for devices.
pub struct DeviceTls {
    gangway: Arc<Gangway>,
    names: Vec<String>,
    handshake: Arc<TlsHandshake>,
    /// Who signed the certificate that is in use, and when it is due.
    made: Mutex<(IssuerId, UnixMillis)>,
}

impl DeviceTls {
    /// Makes a certificate for a server that listens at these addresses.
    ///
    /// # Errors
    /// When the built-in CA cannot sign.
    pub fn new(gangway: &Arc<Gangway>, addresses: &[SocketAddr]) -> Result<Self, StartError> {
        let config = &gangway.config;
        let mut names: Vec<String> = config.device_names.clone();
        names.extend(config.public_url.host_str().map(bare_host));
        names.extend(LOCAL.map(str::to_owned));
        let bound = addresses.iter().map(SocketAddr::ip);
        names.extend(
            bound
                .filter(|ip| !ip.is_unspecified())
                .map(|ip| ip.to_canonical().to_string()),
        );
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        let (tls, made) = certify(gangway, &names).map_err(|error| {
            StartError::Refused(format!(
                "the listeners for devices need a certificate of the built-in CA: {error}"
            ))
        })?;
        Ok(Self {
            gangway: Arc::clone(gangway),
            names,
            handshake: Arc::new(TlsHandshake::new(tls)),
            made: Mutex::new(made),
        })
    }

    /// What shakes hands with the certificate as it stands.
    #[must_use]
    pub fn handshake(&self) -> Arc<TlsHandshake> {
        Arc::clone(&self.handshake)
    }

    /// Makes the certificate anew now and then, and when another issuer signs, until the shutdown begins.
    pub async fn keep(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(LOOK_EVERY) => self.renew_if_due(),
            }
        }
    }

    fn renew_if_due(&self) {
        let now = self.gangway.clock.now();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if self.gangway.ca.server_issuer().as_ref() == Some(&made.0) && now < made.1 {
            return;
        }
        match certify(&self.gangway, &self.names) {
            Ok((config, anew)) => {
                self.handshake.go_on_with(config);
                *made = anew;
            }
            Err(error) => {
                tracing::error!(%error, "the certificate for devices' listeners could not be made anew");
            }
        }
    }
}

/// Which certificates of clients are looked at: those that this server's CA has signed and that serve now. How they stand in our records
/// is asked with each request.
pub fn screen(gangway: &Arc<Gangway>) -> Arc<Screen> {
    let gangway = Arc::clone(gangway);
    Arc::new(move |der: &[u8]| {
        let presented = Presented::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
        if !gangway.ca.has_signed(presented.leaf()) {
            return Err(CertificateError::UnknownIssuer);
        }
        let now = gangway.clock.now();
        if now > presented.not_after() {
            return Err(CertificateError::Expired);
        }
        if now < presented.not_before() {
            return Err(CertificateError::NotValidYet);
        }
        Ok(())
    })
}

fn certify(
    gangway: &Arc<Gangway>,
    names: &[String],
) -> Result<(Arc<ServerConfig>, (IssuerId, UnixMillis)), CaError> {
    let certificate = gangway
        .ca
        .certify_server(names, gangway.clock.now(), &*gangway.random)?;
    let config = taking_client_certificates(certificate.chain, certificate.key.to_vec(), screen(gangway))
        .map_err(|_| CaError::Recorded("TLS cannot be spoken with the certificate that was made for it"))?;
    Ok((config, (certificate.issuer, certificate.renew_at)))
}

/// Addresses of IPv6 stand in brackets in a URL.
fn bare_host(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}
