//! What a device is at the moment: its events so far, added up, for whoever holds a handle and reads no events.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use serde::Serialize;

use crate::event::Event;

/// The present of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// What it does.
    pub phase: Phase,
    /// The question that waits for an answer.
    pub question: Option<ClaimId>,
    /// Who it is at the server, once it has been online.
    pub device: Option<DeviceId>,
    /// Where it belongs, once it has been online.
    pub organisation: Option<OrganisationId>,
    /// Digest of the certificate (leaf, DER) of its latest session.
    pub certificate_sha256: Option<Sha256Hex>,
}

/// What a device does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It connects, for the first time or for another code.
    #[default]
    Connecting,
    /// It waits under a code.
    Waiting,
    /// Too many failed attempts: it shows no code for a while.
    Paused,
    /// Somebody entered the right code.
    Claimed,
    /// Somebody has to say whether an organisation may have it.
    Asked,
    /// Nobody has decided yet whether it may join.
    InLobby,
    /// It waits for its certificate, or for the first session with it.
    Joining,
    /// A session stands.
    Online,
    /// A session stands, with limits.
    Limited,
    /// The connection is gone; it tries again.
    Offline,
    /// The software has ended.
    Ended,
}

impl Status {
    /// Takes in what happened.
    pub(crate) fn apply(&mut self, event: &Event) {
        let phase = match event {
            Event::Waiting { .. } | Event::ClaimEnded { .. } => Phase::Waiting,
            Event::Paused { .. } => Phase::Paused,
            Event::Claimed {} => Phase::Claimed,
            Event::ApprovalAsked { .. } => Phase::Asked,
            Event::Accepted { .. } | Event::Provisioning { .. } | Event::Installed { .. } => Phase::Joining,
            Event::Online { .. } => Phase::Online,
            Event::Limited { .. } => Phase::Limited,
            Event::Offline { .. } => Phase::Offline,
            Event::Refused { .. }
            | Event::CodeWithdrawn { .. }
            | Event::Revoked { .. }
            | Event::PermitPresented { .. }
            | Event::NotJoined { .. } => Phase::Connecting,
            Event::InLobby { .. } => Phase::InLobby,
            _ => return,
        };
        // An installed renewal changes nothing before its session stands.
        if !(matches!(event, Event::Installed { .. }) && self.phase == Phase::Online) {
            self.phase = phase;
        }
        self.question = match event {
            Event::ApprovalAsked { claim, .. } => Some(claim.clone()),
            _ => None,
        };
        if let Event::Online {
            device,
            organisation,
            certificate_sha256,
        } = event
        {
            self.device = Some(device.clone());
            self.organisation = Some(organisation.clone());
            self.certificate_sha256 = Some(*certificate_sha256);
        }
        if matches!(event, Event::Revoked { .. }) {
            self.device = None;
            self.organisation = None;
            self.certificate_sha256 = None;
        }
    }

    /// Nothing more will happen.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Ended;
        self.question = None;
    }
}
