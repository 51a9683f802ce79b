//! Texts of the device page.

use gangway_protocol::certificate::RevocationReason;

use crate::preference::Language;

impl Language {
    /// The word for a reason of revocation.
    pub(crate) fn reason_name(self, reason: RevocationReason) -> &'static str {
        match reason {
            RevocationReason::Unspecified => self.revoked_unspecified(),
            RevocationReason::KeyCompromise => self.revoked_key_compromise(),
            RevocationReason::AffiliationChanged => self.revoked_affiliation_changed(),
            RevocationReason::Superseded => self.revoked_superseded(),
            RevocationReason::CessationOfOperation => self.revoked_cessation(),
            RevocationReason::CertificateHold => self.revoked_hold(),
            RevocationReason::PrivilegeWithdrawn => self.revoked_privilege(),
        }
    }
}

texts! {
    device_name => "Name", "Name";
    labels_example => "hall 3, roof", "Halle 3, Dach";
    labels_hint => "Separated by commas.", "Durch Kommas getrennt.";
    certificate => "Certificate", "Zertifikat";
    certificate_digits => "Issuer, subject, fingerprints", "Aussteller, Inhaber, Fingerabdrücke";
    no_certificate => "The device has no certificate yet.", "Das Gerät hat noch kein Zertifikat.";
    older_certificate => "Earlier certificate of", "Früheres Zertifikat vom";
    facts => "What the device says", "Was das Gerät sagt";
    membership => "Membership", "Zugehörigkeit";
    approved_by => "Approved by", "Freigegeben von";
    device_id => "Device id", "Gerätekennung";
    history => "History", "Verlauf";
    arrived(name: &str) => "{name} has come aboard: its certificate is installed, and it has opened its first session.", "{name} ist an Bord gekommen: Das Zertifikat ist installiert, die erste Sitzung wurde geöffnet.";
    facts_more => "Software, processor, addresses", "Software, Prozessor, Adressen";
    removal => "Take it out of service", "Außer Betrieb nehmen";
    retire_when => "When it is no longer needed: sold, broken, put away. It can be enrolled again later, after gangway-device reset.", "Wenn es nicht mehr gebraucht wird: verkauft, defekt, weggeräumt. Es kann später wieder aufgenommen werden, nach gangway-device reset.";
    revoke_when => "When somebody else may have its key: lost, stolen, copied. The key is refused for good; only with a new one can the device come back.", "Wenn jemand anderes seinen Schlüssel haben könnte: verloren, gestohlen, kopiert. Der Schlüssel bleibt für immer abgelehnt; nur mit einem neuen kann das Gerät zurückkommen.";

    life_over(percent: i64) => "{percent}% of its life is over", "{percent} % der Laufzeit sind vorbei";
    valid => "Valid", "Gültig";
    revoked => "Revoked", "Widerrufen";
    on_hold => "On hold since", "Ausgesetzt seit";
    issuer => "Issuer", "Aussteller";
    external_id => "Its name at the signer", "Name bei der Signierstelle";
    at_its_signer => "At its signer", "Bei der Signierstelle";
    ending_due => "still works at its signer: to be ended under Signers", "gilt bei der Signierstelle weiter: unter Signierstellen zu beenden";
    subject => "Subject", "Inhaber";
    key => "Key", "Schlüssel";
    serial_number => "Serial number", "Seriennummer";
    fingerprint => "SHA-256 fingerprint", "SHA-256-Fingerabdruck";
    key_fingerprint => "Key fingerprint", "Fingerabdruck des Schlüssels";
    issued => "Issued", "Ausgestellt";
    delivered => "Installed", "Installiert";
    proven => "First used", "Zuerst benutzt";
    download_chain => "Download PEM", "PEM herunterladen";
    revoked_unspecified => "No particular reason", "Ohne besonderen Grund";
    revoked_key_compromise => "The key may be known to others", "Der Schlüssel könnte anderen bekannt sein";
    revoked_affiliation_changed => "The device changes hands", "Das Gerät wechselt den Besitzer";
    still_admitted_until => "Still admitted until", "Zugelassen noch bis";
    revoked_superseded => "Replaced by a newer one", "Durch ein neueres ersetzt";
    revoked_cessation => "Out of use", "Außer Betrieb";
    revoked_hold => "Suspended", "Gesperrt";
    revoked_privilege => "Not allowed any more", "Nicht mehr erlaubt";

    rename => "Name and labels", "Name und Etiketten";
    rename_title => "Name and labels", "Name und Etiketten";
    identify => "Identify", "Identifizieren";
    identify_done => "The device has been asked to show itself.", "Das Gerät wurde gebeten, sich zu zeigen.";
    renew => "Renew certificate", "Zertifikat erneuern";
    renew_done => "The device is asked to renew its certificate, now or when it connects next.", "Das Gerät wird gebeten, sein Zertifikat zu erneuern, jetzt oder wenn es sich wieder verbindet.";
    suspend => "Suspend", "Sperren";
    suspend_title(name: &str) => "Suspend {name}?", "{name} sperren?";
    suspend_says_1 => "Its session is closed at once, and it cannot open another.", "Seine Sitzung wird sofort geschlossen, und es kann keine neue öffnen.";
    suspend_says_2 => "Its certificate is put on hold, in the revocation list too.", "Sein Zertifikat wird ausgesetzt, auch in der Sperrliste.";
    suspend_says_3 => "You can resume it at any time; it keeps its key.", "Sie können es jederzeit wieder zulassen; den Schlüssel behält es.";
    resume => "Resume", "Zulassen";
    resume_done => "The device may connect again; it tries within the hour.", "Das Gerät darf sich wieder verbinden; es versucht es innerhalb der Stunde.";
    revoke => "Revoke", "Widerrufen";
    revoke_title(name: &str) => "Revoke {name}?", "{name} widerrufen?";
    revoke_says_1 => "All its certificates are revoked for good, and its session is closed at once.", "Alle seine Zertifikate werden endgültig widerrufen, und seine Sitzung wird sofort geschlossen.";
    revoke_says_2 => "The device sets its key aside and shows a new code.", "Das Gerät legt seinen Schlüssel beiseite und zeigt einen neuen Code.";
    revoke_says_3 => "To come back it has to be enrolled again.", "Um zurückzukommen, muss es neu aufgenommen werden.";
    revoke_reason => "Reason", "Grund";
    retire => "Retire", "Ausmustern";
    retire_title(name: &str) => "Retire {name}?", "{name} ausmustern?";
    retire_says_1 => "The device leaves the fleet: its certificates are revoked, its session is closed at once.", "Das Gerät verlässt die Flotte: Seine Zertifikate werden widerrufen, seine Sitzung wird sofort geschlossen.";
    retire_says_2 => "Its history stays.", "Sein Verlauf bleibt.";
    retire_says_3 => "It comes back only by being enrolled again.", "Zurück kommt es nur, wenn es neu aufgenommen wird.";

    alarm_title => "This device may have been copied", "Dieses Gerät wurde vielleicht kopiert";
    alarm_text => "Two machines have used its key, or its counter went back. Either it was restored from a backup, or somebody has a copy of its key.", "Zwei Maschinen haben seinen Schlüssel benutzt, oder sein Zähler lief zurück. Entweder wurde es aus einer Sicherung wiederhergestellt, oder jemand hat eine Kopie seines Schlüssels.";
    alarm_since => "Since", "Seit";
    alarm_restored => "Restored from backup", "Aus Sicherung wiederhergestellt";
    alarm_restored_title => "Was this device restored from a backup?", "Wurde dieses Gerät aus einer Sicherung wiederhergestellt?";
    alarm_restored_says_1 => "The alarm ends, and the device goes on with its key.", "Der Alarm endet, und das Gerät macht mit seinem Schlüssel weiter.";
    alarm_restored_says_2 => "If a second machine really has the key, the alarm comes back with its next session.", "Hat wirklich eine zweite Maschine den Schlüssel, kommt der Alarm mit deren nächster Sitzung wieder.";
}
