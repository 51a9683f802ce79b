//! What is done with a client, with whose credentials, and what comes of it.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::{self, SignerKind};
use uuid::Uuid;

use super::code::Pass;
use super::{ClientDevice, ClientState, CloudStatus};
use crate::backend::Backend;
use crate::plgd_hub::PlgdHub;
use crate::{Redirect, Sending};

/// What is done.
#[derive(Clone, Debug)]
pub enum ClientTask {
    /// The client is asked how it stands.
    Look,
    /// It gets a certificate and an owner.
    Initialise,
    /// It gets a key that it shares with each device; no hub has a part in it.
    Share(PreSharedKey),
    /// It forgets its key, its certificate and its owner.
    Reset,
    /// It looks for devices.
    Discover {
        /// At this address alone, `host` or `host:port`; else by multicast in its network.
        endpoint: Option<String>,
        /// How long, in nanoseconds; what the client does by default, where nothing is said.
        nanos: Option<u64>,
    },
    /// A device gets an owner and, in a hub's domain, a certificate.
    Own(Uuid),
    /// It has none any more.
    Disown(Uuid),
    /// It joins the hub, with a code that the person gets for it.
    Onboard(Uuid, Pass),
    /// It leaves the hub.
    Offboard(Uuid),
}

impl ClientTask {
    /// To have a device join the hub. `random` fills the slice it is given with fresh random bytes of cryptographic quality.
    pub fn onboard(device: Uuid, redirect: Redirect, mut random: impl FnMut(&mut [u8])) -> Self {
        Self::Onboard(device, Pass::new(redirect, &mut random))
    }

    /// Whether the client gets the person's token with it, where there is a hub.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        !matches!(self, Self::Look | Self::Share(_))
    }
}

/// A key that a client shares with its devices.
#[derive(Clone, Debug)]
pub struct PreSharedKey {
    /// What devices call the client.
    pub subject: String,
    /// The key. Its first 16 bytes count.
    pub key: SecretString,
    /// Whether the client keeps it across restarts.
    pub save: bool,
}

/// With whose credentials.
#[derive(Clone, Debug)]
pub struct ClientAccess {
    /// The hub where the person signs in.
    pub signer: signer::Signer,
    /// Who signs what the client or a device asks for.
    pub ca: ClientCa,
}

/// Who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCa {
    /// The hub's own authority.
    Hub,
    /// The built-in CA of this organisation.
    Builtin(OrganisationId),
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum ClientStep {
    /// Send this, and hand what came of it to [`super::ClientWork::answer`].
    Send(Box<Sending>),
    /// The wallet has no credentials for the hub that are still good. Put some in and start again.
    NeedCredentials {
        /// Why the former ones were refused, for people.
        refused: Option<String>,
    },
    /// The person goes there for a code of the device's; what comes back is for [`super::ClientWork::returned`].
    Visit {
        /// A page of the authority.
        url: String,
    },
    /// Wait so long, then call [`super::ClientWork::waited`].
    Wait {
        /// In milliseconds.
        millis: u32,
    },
    /// It is done.
    Done(Box<ClientEnd>),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEnd {
    /// How the client stands.
    State(ClientState),
    /// The devices that it has found.
    Devices(Vec<ClientDevice>),
    /// How the device stands with the hub.
    Cloud(CloudStatus),
    /// It is done, and there is no more to say.
    Done,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientStage {
    /// Credentials and what else is needed are got ready.
    Preparing,
    /// The client is asked for a request.
    Asking,
    /// An authority is asked to sign it.
    Signing,
    /// The client gets the certificate, or does what it was told.
    Finishing,
    /// What came of it is looked at.
    Checking,
}

/// A hub, and who signs.
#[derive(Clone, Debug)]
pub(super) struct Hub {
    pub(super) signer: signer::Signer,
    pub(super) configured: signer::PlgdHub,
    pub(super) backend: Backend,
    pub(super) api: PlgdHub,
    pub(super) ca: ClientCa,
}

impl Hub {
    /// `None` where the signer is no hub.
    pub(super) fn of(access: ClientAccess) -> Option<Self> {
        let SignerKind::PlgdHub(configured) = &access.signer.kind else {
            return None;
        };
        Some(Self {
            configured: configured.clone(),
            backend: Backend::of(&access.signer.kind)?,
            api: PlgdHub::new(configured.clone()),
            signer: access.signer,
            ca: access.ca,
        })
    }
}
