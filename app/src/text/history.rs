//! Texts of a device's history: what happened, and what the server has written about it.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::history::DeviceAction;

use crate::preference::Language;

impl Language {
    /// What happened to a device.
    pub(crate) fn device_deed(self, action: DeviceAction) -> &'static str {
        match action {
            DeviceAction::EnteredLobby => self.event_entered_lobby(),
            DeviceAction::Rejected => self.event_rejected(),
            DeviceAction::Approved => self.event_approved(),
            DeviceAction::Consented => self.event_consented(),
            DeviceAction::ApprovalWithdrawn => self.event_withdrawn(),
            DeviceAction::ApprovalLapsed => self.event_lapsed(),
            DeviceAction::SigningBegun => self.event_signing_begun(),
            DeviceAction::ReplyLost => self.event_reply_lost(),
            DeviceAction::CertificateIssued => self.event_issued(),
            DeviceAction::CertificateDelivered => self.event_delivered(),
            DeviceAction::CertificateProven => self.event_proven(),
            DeviceAction::CertificateNeverProven => self.event_never_proven(),
            DeviceAction::CertificateRevoked => self.event_certificate_revoked(),
            DeviceAction::EndedAtSigner => self.event_ended_at_signer(),
            DeviceAction::CertificateHeld => self.event_held(),
            DeviceAction::CertificateReadmitted => self.event_readmitted(),
            DeviceAction::Described => self.event_described(),
            DeviceAction::RenewalRequested => self.event_renewal_requested(),
            DeviceAction::Suspended => self.event_suspended(),
            DeviceAction::Resumed => self.event_resumed(),
            DeviceAction::Revoked => self.event_revoked(),
            DeviceAction::Retired => self.event_retired(),
            DeviceAction::Moved => self.event_moved(),
            DeviceAction::CloneAlarm => self.event_alarm(),
            DeviceAction::AlarmDismissed => self.event_alarm_dismissed(),
        }
    }

    /// More about what happened, where it is of a form that the server writes; names, and what this version does not know, stay
    /// as they are.
    pub(crate) fn event_detail(self, action: &str, detail: &str) -> String {
        self.known_detail(action, detail)
            .unwrap_or_else(|| detail.to_owned())
    }

    fn known_detail(self, action: &str, detail: &str) -> Option<String> {
        let serial = detail.strip_prefix("serial ");
        match DeviceAction::from_name(action)? {
            DeviceAction::Approved | DeviceAction::EnteredLobby => {
                let (name, key) = detail.rsplit_once(", key ")?;
                Some(self.detail_key(name, key))
            }
            DeviceAction::Consented => {
                let (approver, organisation) = detail.strip_prefix("to ")?.split_once(" of ")?;
                // A name with the word in it could be cut anywhere.
                (!organisation.contains(" of ")).then(|| self.detail_consent(approver, organisation))
            }
            DeviceAction::ApprovalWithdrawn => {
                let name = detail.strip_suffix(" may not enrol here any more")?;
                Some(self.detail_may_not_enrol(name))
            }
            DeviceAction::CertificateIssued
            | DeviceAction::CertificateDelivered
            | DeviceAction::CertificateProven
            | DeviceAction::CertificateReadmitted
            | DeviceAction::EndedAtSigner => Some(self.detail_serial(serial?)),
            DeviceAction::CertificateNeverProven => {
                let serial = serial?.strip_suffix(": no session within 7 days")?;
                Some(self.detail_no_session(serial))
            }
            DeviceAction::CertificateRevoked if detail == "its key was proved by another device first" => {
                Some(self.detail_proved_elsewhere().to_owned())
            }
            DeviceAction::CertificateRevoked => {
                let (serial, reason) = serial?.split_once(", ")?;
                Some(format!(
                    "{}: {}",
                    self.detail_serial(serial),
                    self.detail_reason(reason)?
                ))
            }
            DeviceAction::CertificateHeld => {
                let digest = detail.strip_suffix(": signed by our CA, unknown to our records")?;
                Some(self.detail_unrecorded(digest))
            }
            DeviceAction::Revoked => self.detail_reason(detail).map(str::to_owned),
            DeviceAction::CloneAlarm if detail == "two sessions of one certificate at the same time" => {
                Some(self.detail_two_sessions().to_owned())
            }
            DeviceAction::CloneAlarm => {
                let counter = detail.strip_prefix("counter ")?.split(' ').next()?;
                counter
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then(|| self.detail_counter(counter))
            }
            DeviceAction::AlarmDismissed => Some(self.alarm_restored().to_owned()),
            DeviceAction::Moved => Some(match detail.strip_prefix("into ") {
                Some(place) => self.detail_moved_into(place),
                None => self.detail_moved_out_of(detail.strip_prefix("out of ")?),
            }),
            DeviceAction::Rejected
            | DeviceAction::ApprovalLapsed
            | DeviceAction::SigningBegun
            | DeviceAction::ReplyLost
            | DeviceAction::Described
            | DeviceAction::RenewalRequested
            | DeviceAction::Suspended
            | DeviceAction::Resumed
            | DeviceAction::Retired => None,
        }
    }

    fn detail_reason(self, name: &str) -> Option<&'static str> {
        let reason = RevocationReason::from_name(name);
        (reason.as_str() == name).then(|| self.reason_name(reason))
    }
}

texts! {
    event_approved => "Approved", "Freigegeben";
    event_consented => "Agreed at the device", "Am Gerät zugestimmt";
    event_lapsed => "Approval expired", "Freigabe abgelaufen";
    event_withdrawn => "Approval ended: the device was not enrolled", "Freigabe beendet: Das Gerät wurde nicht aufgenommen";
    event_described => "Name or labels changed", "Name oder Etiketten geändert";
    event_proven => "First session with this certificate", "Erste Sitzung mit diesem Zertifikat";
    event_never_proven => "Certificate never used, and revoked", "Zertifikat nie benutzt und widerrufen";
    event_ended_at_signer => "Certificate ended at its signer too", "Zertifikat auch bei seiner Signierstelle beendet";
    event_held => "Came with a certificate that no record knows", "Kam mit einem Zertifikat, das in keinem Verzeichnis steht";
    event_suspended => "Suspended", "Gesperrt";
    event_resumed => "Resumed", "Wieder zugelassen";
    event_revoked => "Revoked", "Widerrufen";
    event_retired => "Retired", "Ausgemustert";
    event_alarm => "Clone alarm", "Kopie-Alarm";
    event_entered_lobby => "Came to the lobby", "In die Lobby gekommen";
    event_rejected => "Rejected in the lobby", "In der Lobby abgelehnt";
    event_alarm_dismissed => "Clone alarm answered: restored from backup", "Kopie-Alarm beantwortet: aus Sicherung wiederhergestellt";
    event_renewal_requested => "Asked to renew its certificate", "Gebeten, das Zertifikat zu erneuern";
    event_signing_begun => "Signing begun", "Signierung begonnen";
    event_reply_lost => "Nobody knows whether the signer signed", "Niemand weiß, ob signiert wurde";
    event_issued => "Certificate issued", "Zertifikat ausgestellt";
    event_delivered => "Certificate installed on the device", "Zertifikat auf dem Gerät installiert";
    event_certificate_revoked => "Certificate revoked", "Zertifikat widerrufen";
    event_readmitted => "Certificate readmitted", "Zertifikat wieder zugelassen";

    detail_serial(serial: &str) => "serial {serial}", "Seriennummer {serial}";
    detail_key(name: &str, key: &str) => "{name}, key {key}", "{name}, Schlüssel {key}";
    detail_consent(approver: &str, organisation: &str) => "to {approver} of {organisation}", "für {approver} von {organisation}";
    detail_may_not_enrol(name: &str) => "{name} may not enrol here any more", "{name} darf hier nicht mehr aufnehmen";
    detail_no_session(serial: &str) => "serial {serial}: no session within 7 days", "Seriennummer {serial}: keine Sitzung binnen 7 Tagen";
    detail_proved_elsewhere => "its key was proved by another device first", "ein anderes Gerät hat den Schlüssel zuerst nachgewiesen";
    detail_unrecorded(digest: &str) => "{digest}: signed by our CA, unknown to our records", "{digest}: von unserer Zertifizierungsstelle unterschrieben, in keinem Verzeichnis";
    detail_two_sessions => "two sessions of one certificate at the same time", "zwei Sitzungen mit einem Zertifikat zur gleichen Zeit";
    detail_counter(counter: &str) => "counter {counter} is not greater than the last one: a copied key, or a restored backup", "Zähler {counter} ist nicht größer als der letzte: ein kopierter Schlüssel oder eine zurückgespielte Sicherung";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_of_a_known_form_are_told_in_the_readers_language() {
        for (action, detail, german) in [
            (
                DeviceAction::CertificateIssued,
                "serial 0a, SHA-256 0b",
                "Seriennummer 0a, SHA-256 0b",
            ),
            (
                DeviceAction::Approved,
                "crane, key 1, key 0c",
                "crane, key 1, Schlüssel 0c",
            ),
            (DeviceAction::Consented, "to Ada of Works", "für Ada von Works"),
            (
                DeviceAction::CertificateRevoked,
                "serial 0a, key_compromise",
                "Seriennummer 0a: Der Schlüssel könnte anderen bekannt sein",
            ),
            (DeviceAction::Revoked, "cessation_of_operation", "Außer Betrieb"),
            (
                DeviceAction::CertificateNeverProven,
                "serial 0a: no session within 7 days",
                "Seriennummer 0a: keine Sitzung binnen 7 Tagen",
            ),
        ] {
            assert_eq!(Language::German.event_detail(action.as_str(), detail), german);
        }
    }

    #[test]
    fn names_and_what_nobody_here_knows_stay_as_they_are() {
        for (action, detail) in [
            (DeviceAction::Described.as_str(), "serial 7 [roof]"),
            (DeviceAction::Consented.as_str(), "to Ada of Bureau of Works"),
            (DeviceAction::Revoked.as_str(), "a_reason_of_the_future"),
            ("device.of_the_future", "serial 0a"),
        ] {
            assert_eq!(Language::German.event_detail(action, detail), detail);
        }
    }
}
