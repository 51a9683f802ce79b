//! The built-in CA: what its certificates and revocation lists say, and what operators do with its issuers.

mod corporate;
mod issuers;
mod openssl;
mod profile;
mod works;

use gangway_protocol::certificate::split_chain;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_server::ca::DeviceIdentity;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::support::{START, Server};

pub(crate) use openssl::openssl;

fn identity(server: &Server) -> DeviceIdentity {
    DeviceIdentity {
        organisation: OrganisationId::new(START, server.gangway.random.for_id()),
        device: DeviceId::new(START, server.gangway.random.for_id()),
        known_as: None,
    }
}

fn certificates(pem: &str) -> Vec<Certificate> {
    let ders = split_chain(pem).expect("PEM");
    ders.iter()
        .map(|der| Certificate::from_der(der).expect("a certificate"))
        .collect()
}
