//! What is recorded, by name. The server records nothing else, and the panel has a sentence for each.

use crate::history::DeviceAction;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What somebody did, or what happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            /// It is of a device, and stands in its history.
            Device(DeviceAction),
            $($(#[$doc])* $variant,)*
        }

        /// All but those of devices.
        const OTHERS: &[Action] = &[$(Action::$variant),*];

        impl Action {
            /// The name as recorded and on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Device(action) => action.as_str(),
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    /// A member said that a device is not theirs.
    NotMine = "enrolment.not_mine";
    /// The operator invited somebody to be a customer.
    CustomerInvited = "customer.invited";
    /// A customer was made, with its first owner.
    OrganisationSetUp = "organisation.set_up";
    /// An organisation was made.
    OrganisationCreated = "organisation.created";
    /// It got another name.
    OrganisationRenamed = "organisation.renamed";
    /// It was put below another one.
    OrganisationMoved = "organisation.moved";
    /// It was archived.
    OrganisationArchived = "organisation.archived";
    /// It was opened again.
    OrganisationOpened = "organisation.opened";
    /// The operator said how many devices it may have.
    OrganisationQuotaChanged = "organisation.quota_changed";
    /// Its rules were changed.
    PolicyChanged = "organisation.policy_changed";
    /// Somebody joined by an invitation.
    MemberJoined = "member.joined";
    /// An admin added somebody.
    MemberAdded = "member.added";
    /// A member got another role.
    MemberRoleChanged = "member.role_changed";
    /// A membership was suspended.
    MemberSuspended = "member.suspended";
    /// It counts again.
    MemberResumed = "member.resumed";
    /// An admin removed a member.
    MemberRemoved = "member.removed";
    /// A member left.
    MemberLeft = "member.left";
    /// Somebody was invited.
    InvitationCreated = "invitation.created";
    /// An invitation was taken back.
    InvitationWithdrawn = "invitation.withdrawn";
    /// It ended with the right of whoever made it, or with its organisation.
    InvitationVoided = "invitation.voided";
    /// A token was made.
    TokenCreated = "token.created";
    /// It was revoked.
    TokenRevoked = "token.revoked";
    /// It ended with the rights of its account.
    TokenVoided = "token.voided";
    /// It lost scopes with the rights of its account.
    TokenNarrowed = "token.narrowed";
    /// A signer was added.
    SignerAdded = "signer.added";
    /// It was changed.
    SignerChanged = "signer.changed";
    /// It was removed.
    SignerRemoved = "signer.removed";
    /// A webhook was added.
    WebhookAdded = "webhook.added";
    /// It was changed.
    WebhookChanged = "webhook.changed";
    /// It was removed.
    WebhookRemoved = "webhook.removed";
    /// It got a new secret.
    WebhookSecretRotated = "webhook.secret_rotated";
    /// Somebody sent it a test event.
    WebhookTested = "webhook.tested";
    /// Somebody had events sent to it again.
    WebhookReplayed = "webhook.replayed";
    /// It was switched off, because nothing got through or its receiver is gone.
    WebhookSwitchedOff = "webhook.switched_off";
    /// A measurement feed was made.
    FeedAdded = "feed.added";
    /// It was changed.
    FeedChanged = "feed.changed";
    /// It was removed, with what was measured.
    FeedRemoved = "feed.removed";
    /// Somebody got a key of a feed.
    FeedKeyAdded = "feed.key_added";
    /// Another key took its place.
    FeedKeyReplaced = "feed.key_replaced";
    /// A key was ended.
    FeedKeyRemoved = "feed.key_removed";
    /// Somebody asked for an action on many devices.
    BulkJobRequested = "bulk_job.requested";
    /// A second person confirmed it.
    BulkJobConfirmed = "bulk_job.confirmed";
    /// It was cancelled.
    BulkJobCancelled = "bulk_job.cancelled";
    /// It was stopped, because whoever asked for it may do so no longer.
    BulkJobStopped = "bulk_job.stopped";
    /// All devices had their turn.
    BulkJobDone = "bulk_job.done";
    /// A registration key or a ticket was made.
    PermitMade = "permit.made";
    /// Another one took its place.
    PermitReplaced = "permit.replaced";
    /// It, or the pre-approval of a device, was taken back.
    PermitRevoked = "permit.revoked";
    /// Serial numbers were added to its list.
    PermitListed = "permit.listed";
    /// Devices were approved before they appeared.
    DevicesPreapproved = "permit.devices_preapproved";
    /// An identity provider was added.
    IdentityProviderAdded = "identity_provider.added";
    /// It was changed.
    IdentityProviderChanged = "identity_provider.changed";
    /// It was removed.
    IdentityProviderRemoved = "identity_provider.removed";
    /// Somebody was made a member, or got another role, by what a provider said of them.
    MemberRoleClaimed = "member.role_claimed";
    /// A role that a provider had given ended.
    MemberClaimEnded = "member.claim_ended";
    /// Somebody came by a provider for the first time, and got an account.
    IdentityAccountMade = "identity.account_made";
    /// Somebody linked their account with a provider.
    IdentityLinked = "identity.linked";
    /// They ended that.
    IdentityUnlinked = "identity.unlinked";
    /// A certificate was signed for a client of plgd.
    PlgdCertificateIssued = "plgd.certificate_issued";
    /// Certificates of clients of plgd were revoked.
    PlgdCertificateRevoked = "plgd.certificate_revoked";
    /// Somebody signed in.
    SignInOpened = "sign_in.opened";
    /// Somebody proved their passkey again.
    SignInSteppedUp = "sign_in.stepped_up";
    /// A browser was signed out.
    SignInEnded = "sign_in.ended";
    /// A provider said that a session there has ended.
    SignInEndedByProvider = "sign_in.ended_by_provider";
    /// A sign-in was refused.
    SignInRefused = "sign_in.refused";
    /// A passkey was added.
    PasskeyAdded = "passkey.added";
    /// It was removed.
    PasskeyRemoved = "passkey.removed";
    /// New recovery codes were made.
    RecoveryCodesRenewed = "recovery_codes.renewed";
    /// A recovery code was used.
    RecoveryCodeUsed = "recovery_code.used";
    /// One was refused.
    RecoveryCodeRefused = "recovery_code.refused";
    /// The operator made a recovery link.
    RecoveryLinkCreated = "recovery_link.created";
    /// Somebody came back by a recovery link.
    AccountRecovered = "account.recovered";
    /// Somebody changed their name.
    AccountRenamed = "account.renamed";
    /// The root's key was taken offline.
    RootKeyRemoved = "ca.root_key_removed";
    /// Another intermediate signs.
    IntermediateImported = "ca.intermediate_imported";
    /// The server was restored from a backup.
    ServerRestored = "server.restored";
}

impl Action {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_devices = DeviceAction::ALL.into_iter().map(Self::Device);
        of_devices.chain(OTHERS.iter().copied())
    }

    /// The action of this name; `None` for one of a newer version.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|action| action.as_str() == name)
    }

    /// What its name begins with, up to and with the dot: `device.`.
    #[must_use]
    pub fn family(self) -> &'static str {
        let name = self.as_str();
        name.find('.').map_or(name, |dot| &name[..=dot])
    }

    /// The actions that a filter means: one by its name, or a family by what its names begin with, the dot included.
    #[must_use]
    pub fn meant_by(filter: &str) -> Vec<Self> {
        Self::all()
            .filter(|action| action.as_str() == filter || action.family() == filter)
            .collect()
    }
}

impl From<DeviceAction> for Action {
    fn from(action: DeviceAction) -> Self {
        Self::Device(action)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_its_own_name_of_a_family() {
        let mut names = BTreeSet::new();
        for action in Action::all() {
            assert_eq!(Action::from_name(action.as_str()), Some(action));
            assert!(action.family().ends_with('.'), "{action:?}");
            assert!(names.insert(action.as_str()), "{action:?} twice");
        }
        assert_eq!(Action::from_name("device.painted"), None);
    }

    #[test]
    fn a_filter_means_one_or_a_family() {
        assert_eq!(Action::meant_by("token.voided"), [Action::TokenVoided]);
        assert_eq!(
            Action::meant_by("recovery_code."),
            [Action::RecoveryCodeUsed, Action::RecoveryCodeRefused]
        );
        for nothing in ["", ".", "token", "token.void"] {
            assert!(Action::meant_by(nothing).is_empty(), "{nothing:?}");
        }
    }
}
