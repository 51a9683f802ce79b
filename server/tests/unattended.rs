//! Devices that join without a person at the screen: permits, what becomes of whoever comes by one, and the lobby. The devices are
//! sockets with the device's half of the key exchange.

mod applicant;
mod lists;
mod lobby;
mod permits;
mod races;

use gangway_client::IdempotencyKey;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{
    DevicePermit, Permit, PermitKind, PermitMade, PermitMode, PermitQuery, PermitRequest, Preapproval,
    PreapprovalImport,
};
use gangway_protocol::secret::SecretString;

use gangway_server::rng::{Random, SystemRandom};

use crate::support::Server;
use crate::support::member::Member;

/// A key under which nothing was asked for before.
pub(crate) fn once() -> IdempotencyKey {
    let random: &dyn Random = &SystemRandom;
    IdempotencyKey::new(random.bytes())
}

/// An organisation with an admin.
struct Works {
    home: OrganisationId,
    ada: Member,
}

impl Works {
    async fn new(server: &Server) -> Self {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        Self { home, ada }
    }

    /// Makes a key or a ticket, and the permit as a device has it by it.
    async fn make(&self, request: &PermitRequest) -> (Permit, DevicePermit) {
        let PermitMade { permit, key } = self
            .ada
            .api
            .make_permit(&self.home, request, &once())
            .await
            .expect("a permit");
        (permit, DevicePermit::of_key(key.expose()).expect("a key"))
    }

    async fn key(&self, mode: PermitMode) -> (Permit, DevicePermit) {
        self.make(&request(mode)).await
    }

    /// The permits of one kind, as the list shows them.
    async fn permits(&self, kind: PermitKind) -> Vec<Permit> {
        let query = PermitQuery {
            kind,
            limit: None,
            after: None,
        };
        self.ada
            .api
            .permits(&self.home, &query)
            .await
            .expect("permits")
            .items
    }

    async fn preapprove(&self, id: &str, secret: &str) -> DevicePermit {
        let outcome = self
            .ada
            .api
            .preapprove_devices(&self.home, &import(&[(id, secret)]))
            .await
            .expect("an outcome");
        assert_eq!((outcome.added, outcome.refused), (1, Vec::new()));
        device_permit(id, secret)
    }
}

fn device_permit(id: &str, secret: &str) -> DevicePermit {
    DevicePermit::of_device(id, &SecretString::new(secret.to_owned())).expect("a permit")
}

pub(crate) fn import(devices: &[(&str, &str)]) -> PreapprovalImport {
    PreapprovalImport {
        devices: devices
            .iter()
            .map(|(id, secret)| Preapproval {
                device_id: (*id).to_owned(),
                secret: SecretString::new((*secret).to_owned()),
                name: None,
                labels: Vec::new(),
                expires_at: None,
            })
            .collect(),
        signer: None,
        dry_run: false,
    }
}

pub(crate) fn request(mode: PermitMode) -> PermitRequest {
    PermitRequest {
        kind: PermitKind::RegistrationKey,
        name: "Hall 3".to_owned(),
        mode,
        signer: None,
        labels: vec!["hall 3".to_owned()],
        networks: Vec::new(),
        max_uses: None,
        expires_at: None,
        serials: Vec::new(),
    }
}
