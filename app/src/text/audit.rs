//! Texts of an organisation's record: a sentence for everything that is recorded, and the page around them.

use gangway_protocol::audit::Action;

use crate::preference::Language;

impl Language {
    /// What was done, by the name of what was recorded; a name that this version does not know is shown as it is.
    pub(crate) fn deed(self, action: &str) -> String {
        Action::from_name(action)
            .map_or_else(|| action.to_owned(), |action| self.deed_name(action).to_owned())
    }

    /// What was done. The compiler asks for a sentence for each action.
    pub(crate) fn deed_name(self, action: Action) -> &'static str {
        match action {
            Action::Device(action) => self.device_deed(action),
            Action::NotMine => self.deed_not_mine(),
            Action::CustomerInvited => self.deed_customer_invited(),
            Action::OrganisationSetUp => self.deed_set_up(),
            Action::OrganisationCreated => self.deed_organisation_created(),
            Action::OrganisationRenamed => self.deed_organisation_renamed(),
            Action::OrganisationMoved => self.deed_organisation_moved(),
            Action::OrganisationArchived => self.deed_organisation_archived(),
            Action::OrganisationOpened => self.deed_organisation_opened(),
            Action::OrganisationQuotaChanged => self.deed_quota_changed(),
            Action::PolicyChanged => self.deed_policy_changed(),
            Action::MemberJoined => self.deed_member_joined(),
            Action::MemberAdded => self.deed_member_added(),
            Action::MemberRoleChanged => self.deed_member_role_changed(),
            Action::MemberSuspended => self.deed_member_suspended(),
            Action::MemberResumed => self.deed_member_resumed(),
            Action::MemberRemoved => self.deed_member_removed(),
            Action::MemberLeft => self.deed_member_left(),
            Action::InvitationCreated => self.deed_invitation_created(),
            Action::InvitationWithdrawn => self.deed_invitation_withdrawn(),
            Action::InvitationVoided => self.deed_invitation_voided(),
            Action::TokenCreated => self.deed_token_created(),
            Action::TokenRevoked => self.deed_token_revoked(),
            Action::TokenVoided => self.deed_token_voided(),
            Action::TokenNarrowed => self.deed_token_narrowed(),
            Action::SignerAdded => self.deed_signer_added(),
            Action::SignerChanged => self.deed_signer_changed(),
            Action::SignerRemoved => self.deed_signer_removed(),
            Action::WebhookAdded => self.deed_webhook_added(),
            Action::WebhookChanged => self.deed_webhook_changed(),
            Action::WebhookRemoved => self.deed_webhook_removed(),
            Action::WebhookSecretRotated => self.deed_webhook_secret_rotated(),
            Action::WebhookTested => self.deed_webhook_tested(),
            Action::WebhookReplayed => self.deed_webhook_replayed(),
            Action::WebhookSwitchedOff => self.deed_webhook_switched_off(),
            Action::FeedAdded => self.deed_feed_added(),
            Action::FeedChanged => self.deed_feed_changed(),
            Action::FeedRemoved => self.deed_feed_removed(),
            Action::FeedKeyAdded => self.deed_feed_key_added(),
            Action::FeedKeyReplaced => self.deed_feed_key_replaced(),
            Action::FeedKeyRemoved => self.deed_feed_key_removed(),
            Action::BulkJobRequested => self.deed_bulk_requested(),
            Action::BulkJobConfirmed => self.deed_bulk_confirmed(),
            Action::BulkJobCancelled => self.deed_bulk_cancelled(),
            Action::BulkJobStopped => self.deed_bulk_stopped(),
            Action::BulkJobDone => self.deed_bulk_done(),
            Action::PermitMade => self.deed_permit_made(),
            Action::PermitReplaced => self.deed_permit_replaced(),
            Action::PermitRevoked => self.deed_permit_revoked(),
            Action::PermitListed => self.deed_permit_listed(),
            Action::DevicesPreapproved => self.deed_devices_preapproved(),
            Action::IdentityProviderAdded => self.deed_provider_added(),
            Action::IdentityProviderChanged => self.deed_provider_changed(),
            Action::IdentityProviderRemoved => self.deed_provider_removed(),
            Action::MemberRoleClaimed => self.deed_role_claimed(),
            Action::MemberClaimEnded => self.deed_claim_ended(),
            Action::IdentityAccountMade => self.deed_identity_account_made(),
            Action::IdentityLinked => self.deed_identity_linked(),
            Action::IdentityUnlinked => self.deed_identity_unlinked(),
            Action::SignInEndedByProvider => self.deed_sign_in_ended_by_provider(),
            Action::PlgdCertificateIssued => self.deed_plgd_issued(),
            Action::PlgdCertificateRevoked => self.deed_plgd_revoked(),
            Action::SignInOpened => self.deed_sign_in_opened(),
            Action::SignInSteppedUp => self.deed_sign_in_stepped_up(),
            Action::SignInEnded => self.deed_sign_in_ended(),
            Action::SignInRefused => self.deed_sign_in_refused(),
            Action::PasskeyAdded => self.deed_passkey_added(),
            Action::PasskeyRemoved => self.deed_passkey_removed(),
            Action::RecoveryCodesRenewed => self.deed_recovery_codes_renewed(),
            Action::RecoveryCodeUsed => self.deed_recovery_code_used(),
            Action::RecoveryCodeRefused => self.deed_recovery_code_refused(),
            Action::RecoveryLinkCreated => self.deed_recovery_link_created(),
            Action::AccountRecovered => self.deed_account_recovered(),
            Action::AccountRenamed => self.deed_account_renamed(),
            Action::RootKeyRemoved => self.deed_root_key_removed(),
            Action::IntermediateImported => self.deed_intermediate_imported(),
            Action::ServerRestored => self.deed_server_restored(),
        }
    }

    /// What the actions of a family are about, for the choice of one.
    pub(crate) fn family_name(self, family: &str) -> &str {
        match family {
            "device." => self.family_device(),
            "certificate." => self.family_certificate(),
            "enrolment." => self.family_enrolment(),
            "organisation." => self.family_organisation(),
            "member." => self.family_member(),
            "invitation." => self.family_invitation(),
            "token." => self.family_token(),
            "signer." => self.family_signer(),
            "webhook." => self.family_webhook(),
            "feed." => self.family_feed(),
            "bulk_job." => self.family_bulk(),
            "permit." => self.family_permit(),
            "plgd." => self.family_plgd(),
            _ => self.family_server(),
        }
    }
}

texts! {
    audit => "Record", "Protokoll";
    audit_of(name: &str) => "Record of {name}", "Protokoll von {name}";
    audit_link => "Its record", "Protokoll der Organisation";
    audit_lede => "Who did what, newest first. Nothing in it can be changed: each entry is chained to the one before it.", "Wer was getan hat, das Neueste zuerst. Nichts darin lässt sich ändern: Jeder Eintrag ist mit dem vorigen verkettet.";
    audit_not_allowed => "Only admins of an organisation read its record. Ask one of yours.", "Das Protokoll lesen nur Admins der Organisation. Fragen Sie einen davon.";
    audit_action => "What", "Was";
    audit_all_actions => "Everything", "Alles";
    audit_all_of(family: &str) => "{family}: all", "{family}: alles";
    audit_actor => "Who", "Wer";
    audit_everybody => "Everybody", "Alle";
    audit_since => "From (UTC)", "Von (UTC)";
    audit_until => "To (UTC)", "Bis (UTC)";
    audit_alone => "Without the organisations below", "Ohne die Organisationen darunter";
    audit_apply => "Show", "Anzeigen";
    audit_when => "When", "Wann";
    audit_subject => "To what", "Woran";
    audit_where => "Where", "Wo";
    audit_listed => "Entries", "Einträge";
    audit_older => "Older entries", "Ältere Einträge";
    audit_newest => "Back to the newest", "Zurück zu den neuesten";
    audit_widen => "Show everything", "Alles zeigen";
    audit_only_subject(id: &str) => "Only what was done to {id}.", "Nur, was an {id} getan wurde.";
    audit_only_label(name: &str) => "Only this: what was done to {name}", "Nur dies: was an {name} getan wurde";
    audit_only => "Only this", "Nur dies";
    audit_server => "Server", "Server";
    audit_a_device => "The device", "Das Gerät";
    audit_by_permit(name: &str) => "{name}, a permit given in advance", "{name}, eine Freigabe im Voraus";
    audit_by_token(name: &str) => "{name}, by a token", "{name}, mit einem Token";
    audit_confirmed => "confirmed with a passkey", "mit einem Passkey bestätigt";
    audit_confirmed_with(name: &str) => "confirmed with the passkey {name}", "mit dem Passkey {name} bestätigt";
    audit_confirmed_by_token => "approved by a token in place of a passkey", "mit einem Token anstelle eines Passkeys freigegeben";
    audit_empty => "Nothing is recorded here", "Hier ist nichts verzeichnet";
    audit_empty_text => "What is done in this organisation from now on will stand here.", "Was in dieser Organisation von nun an getan wird, steht dann hier.";
    audit_none_found => "No entry fits", "Kein Eintrag passt";
    audit_none_found_text => "Look for less, or for a longer time.", "Suchen Sie nach weniger, oder in einem längeren Zeitraum.";
    audit_verify => "Verify the chain", "Kette prüfen";
    audit_checkpoint => "Checkpoint", "Prüfpunkt";
    audit_checkpoint_hint => "The present state of this record, signed. Kept elsewhere, it shows later whether anything before it was rewritten.", "Der jetzige Stand dieses Protokolls, signiert. Anderswo aufbewahrt, zeigt er später, ob davor etwas umgeschrieben wurde.";
    audit_jsonl_hint => "These entries as lines of JSON", "Diese Einträge als JSON-Zeilen";
    audit_csv_hint => "These entries as a table", "Diese Einträge als Tabelle";
    audit_holds_text(hash: &str) => "Each is what it was when it was written. The chain ends with {hash}", "Jeder ist, wie er geschrieben wurde. Die Kette endet mit {hash}";
    audit_broken(seq: &str) => "This record was tampered with: from entry {seq} on the chain does not hold. Tell whoever runs this server, and keep your checkpoints.", "Dieses Protokoll wurde verändert: Ab Eintrag {seq} hält die Kette nicht. Sagen Sie es denen, die diesen Server betreiben, und bewahren Sie Ihre Prüfpunkte auf.";

    family_device => "Devices", "Geräte";
    family_certificate => "Certificates", "Zertifikate";
    family_enrolment => "Adding devices", "Aufnahme von Geräten";
    family_organisation => "Organisations", "Organisationen";
    family_member => "Members", "Mitglieder";
    family_invitation => "Invitations", "Einladungen";
    family_permit => "Permits", "Freigaben im Voraus";
    family_token => "Tokens", "Token";
    family_signer => "Signers", "Signierstellen";
    family_webhook => "Webhooks", "Webhooks";
    family_feed => "Measurement feeds", "Messreihen";
    family_plgd => "plgd clients", "plgd-Clients";
    family_server => "Server", "Server";

    deed_not_mine => "Said that a device is not theirs", "Gemeldet: Das ist nicht mein Gerät";
    deed_customer_invited => "Customer invited", "Kunde eingeladen";
    deed_quota_changed => "Number of devices changed by the operator", "Zahl der Geräte vom Betreiber geändert";
    deed_webhook_added => "Webhook added", "Webhook hinzugefügt";
    deed_webhook_changed => "Webhook changed", "Webhook geändert";
    deed_webhook_removed => "Webhook removed", "Webhook entfernt";
    deed_webhook_secret_rotated => "Webhook got a new secret", "Webhook hat ein neues Geheimnis";
    deed_webhook_tested => "Test event sent to a webhook", "Testereignis an einen Webhook gesendet";
    deed_webhook_replayed => "Events sent to a webhook again", "Ereignisse noch einmal an einen Webhook gesendet";
    deed_webhook_switched_off => "Webhook switched off: nothing got through", "Webhook abgeschaltet: Nichts kam an";
    deed_feed_added => "Measurement feed added", "Messreihe hinzugefügt";
    deed_feed_changed => "Measurement feed changed", "Messreihe geändert";
    deed_feed_removed => "Measurement feed removed, with its values", "Messreihe mit ihren Werten entfernt";
    deed_feed_key_added => "Key of a measurement feed made", "Schlüssel einer Messreihe erstellt";
    deed_feed_key_replaced => "Key of a measurement feed replaced", "Schlüssel einer Messreihe ersetzt";
    deed_feed_key_removed => "Key of a measurement feed ended", "Schlüssel einer Messreihe beendet";
    deed_provider_added => "Identity provider added", "Identitätsanbieter hinzugefügt";
    deed_permit_made => "Registration key or ticket made", "Registrierungsschlüssel oder Ticket erstellt";
    deed_permit_replaced => "Registration key or ticket replaced", "Registrierungsschlüssel oder Ticket ersetzt";
    deed_permit_revoked => "Permit revoked", "Freigabe im Voraus widerrufen";
    deed_permit_listed => "Serial numbers added to a key's list", "Seriennummern auf die Liste eines Schlüssels gesetzt";
    deed_devices_preapproved => "Devices pre-approved", "Geräte im Voraus freigegeben";
    deed_provider_changed => "Identity provider changed", "Identitätsanbieter geändert";
    deed_provider_removed => "Identity provider removed", "Identitätsanbieter entfernt";
    deed_role_claimed => "Role given by the identity provider", "Rolle vom Identitätsanbieter erhalten";
    deed_claim_ended => "Role of the identity provider ended", "Rolle des Identitätsanbieters beendet";
    deed_identity_account_made => "Account made at the first sign-in by the identity provider", "Konto bei der ersten Anmeldung über den Identitätsanbieter angelegt";
    deed_identity_linked => "Account linked with the identity provider", "Konto mit dem Identitätsanbieter verknüpft";
    deed_identity_unlinked => "Link with the identity provider ended", "Verknüpfung mit dem Identitätsanbieter beendet";
    deed_sign_in_ended_by_provider => "Signed out by the identity provider", "Vom Identitätsanbieter abgemeldet";
    deed_set_up => "Organisation set up", "Organisation eingerichtet";
    deed_organisation_created => "Organisation made", "Organisation angelegt";
    deed_organisation_renamed => "Organisation renamed", "Organisation umbenannt";
    deed_organisation_moved => "Organisation moved", "Organisation verschoben";
    deed_organisation_archived => "Organisation archived", "Organisation archiviert";
    deed_organisation_opened => "Organisation opened again", "Organisation wieder geöffnet";
    deed_policy_changed => "Rules changed", "Regeln geändert";
    deed_member_joined => "Joined by an invitation", "Mit einer Einladung beigetreten";
    deed_member_added => "Member added", "Mitglied hinzugefügt";
    deed_member_role_changed => "Role changed", "Rolle geändert";
    deed_member_suspended => "Member suspended", "Mitglied gesperrt";
    deed_member_resumed => "Member let in again", "Mitglied wieder zugelassen";
    deed_member_removed => "Member removed", "Mitglied entfernt";
    deed_member_left => "Left the organisation", "Organisation verlassen";
    deed_invitation_created => "Somebody invited", "Jemanden eingeladen";
    deed_invitation_withdrawn => "Invitation taken back", "Einladung zurückgezogen";
    deed_invitation_voided => "Invitation ended", "Einladung erloschen";
    deed_token_created => "Token made", "Token erstellt";
    deed_token_revoked => "Token revoked", "Token widerrufen";
    deed_token_voided => "Token ended with the rights of its account", "Token mit den Rechten seines Kontos erloschen";
    deed_token_narrowed => "Token may do less, as its account does", "Token darf weniger, wie sein Konto";
    deed_signer_added => "Signer added", "Signierstelle hinzugefügt";
    deed_signer_changed => "Signer changed", "Signierstelle geändert";
    deed_signer_removed => "Signer removed", "Signierstelle entfernt";
    deed_plgd_issued => "Certificate signed for a plgd client", "Zertifikat für einen plgd-Client ausgestellt";
    deed_plgd_revoked => "Certificates of plgd clients revoked", "Zertifikate von plgd-Clients widerrufen";
    deed_sign_in_opened => "Signed in", "Angemeldet";
    deed_sign_in_stepped_up => "Proved the passkey again", "Passkey erneut nachgewiesen";
    deed_sign_in_ended => "Browser signed out", "Browser abgemeldet";
    deed_sign_in_refused => "Sign-in refused", "Anmeldung abgewiesen";
    deed_passkey_added => "Passkey added", "Passkey hinzugefügt";
    deed_passkey_removed => "Passkey removed", "Passkey entfernt";
    deed_recovery_codes_renewed => "New recovery codes made", "Neue Wiederherstellungscodes erstellt";
    deed_recovery_code_used => "Recovery code used", "Wiederherstellungscode benutzt";
    deed_recovery_code_refused => "Recovery code refused", "Wiederherstellungscode abgewiesen";
    deed_recovery_link_created => "Recovery link made by the operator", "Wiederherstellungslink vom Betreiber erstellt";
    deed_account_recovered => "Account recovered", "Konto wiederhergestellt";
    deed_account_renamed => "Account renamed", "Konto umbenannt";
    deed_root_key_removed => "Key of the root taken offline", "Schlüssel der Wurzel offline genommen";
    deed_intermediate_imported => "Intermediate of the CA replaced", "Zwischenzertifikat der CA ersetzt";
    deed_server_restored => "Server restored from a backup", "Server aus einer Sicherung wiederhergestellt";
}

plurals! {
    audit_holds => "{} entry holds.", "{} entries hold."; "{} Eintrag hält.", "{} Einträge halten.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_reads_differently_in_each_language() {
        for t in Language::ALL {
            let names: BTreeSet<&str> = Action::all().map(|action| t.deed_name(action)).collect();
            assert_eq!(names.len(), Action::all().count(), "{t:?}");
        }
        for action in Action::all().filter(|action| !matches!(action, Action::Device(_))) {
            assert_ne!(
                Language::English.deed_name(action),
                Language::German.deed_name(action),
                "{action:?}"
            );
        }
        assert_eq!(Language::German.deed("device.painted"), "device.painted");
    }
}
