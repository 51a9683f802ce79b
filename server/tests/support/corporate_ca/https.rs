//! HTTP over TLS, as far as a CA needs it.

use std::sync::Arc;

use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{State, answers};

/// The server's certificate with what stands above it, its key, and who vouches for clients.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) root: CertificateDer<'static>,
}

/// Whether the client has shown a certificate.
#[derive(Clone, Copy)]
pub(super) struct KnownByCertificate(pub(super) bool);

pub(super) async fn serve(listener: TcpListener, identity: Identity, state: Arc<State>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(identity.root).expect("a root");
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .expect("a verifier");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_client_cert_verifier(clients)
        .with_single_cert(identity.chain, identity.key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), state.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let known = KnownByCertificate(stream.get_ref().1.peer_certificates().is_some());
            let router = Router::new()
                .fallback(answers::answer)
                .layer(axum::Extension(known))
                .with_state(state);
            let service = TowerToHyperService::new(router);
            // A client that goes away is none of its business.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
