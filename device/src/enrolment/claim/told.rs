//! What the device tells the claimant, sealed; each gives the claim's next turn.

use std::time::{Duration, Instant};

use gangway_protocol::enrolment::{DeviceToClaimant, DeviceToServer};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::Channel;

use super::{Claim, Effect, Ending, Party, Step, Turn, goes_on};
use crate::event::{Event, Refuser};

/// Within what a server may say when a device comes again.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

pub(super) fn wait(reason: String, retry_after_secs: u32) -> Turn {
    let retry_after = Duration::from_secs(u64::from(retry_after_secs)).clamp(SHORTEST_WAIT, LONGEST_WAIT);
    Turn::Over(Vec::new(), Ending::Waits { reason, retry_after })
}

pub(super) fn consent(id: ClaimId, mut channel: Channel, due: Instant, offer: Party) -> Turn {
    match sealed(
        &id,
        &mut channel,
        &DeviceToClaimant::Consent {
            accepted: true,
            reason: None,
        },
    ) {
        Ok(consent) => {
            let accepted = Event::Accepted {
                organisation: offer.organisation,
                approver: offer.approver,
            };
            goes_on(
                Claim {
                    id,
                    due,
                    step: Step::Consented { channel },
                },
                vec![consent, Effect::Tell(accepted)],
            )
        }
        Err(reason) => Turn::Over(Vec::new(), Ending::Broken { reason }),
    }
}

pub(super) fn refuse(id: &ClaimId, mut channel: Channel, by: Refuser, reason: String) -> Turn {
    let consent = DeviceToClaimant::Consent {
        accepted: false,
        reason: Some(reason.clone()),
    };
    // A box that cannot be sealed any more changes nothing: the outcome tells the server, and nothing gets signed.
    let effects = sealed(id, &mut channel, &consent).into_iter().collect();
    Turn::Over(effects, Ending::Refused { by, reason })
}

pub(super) fn failed(id: &ClaimId, mut channel: Channel, code: &str, reason: String) -> Turn {
    let message = DeviceToClaimant::Failed {
        code: code.to_owned(),
        message: reason.clone(),
    };
    let effects = sealed(id, &mut channel, &message).into_iter().collect();
    Turn::Over(effects, Ending::Broken { reason })
}

pub(super) fn sealed(
    id: &ClaimId,
    channel: &mut Channel,
    message: &DeviceToClaimant,
) -> Result<Effect, String> {
    let sealed = channel.seal(message).map_err(|error| error.to_string())?;
    Ok(Effect::Send(DeviceToServer::Sealed {
        claim: id.clone(),
        sealed,
    }))
}
