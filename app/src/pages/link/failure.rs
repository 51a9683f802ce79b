//! The words for a failed crossing. In English they are the machine's own, the same that the terminal shows.

use gangway_client::ApiError;
use gangway_client::crossing::Failure;
use gangway_protocol::seal::SealError;

use crate::trouble::Trouble;
use crate::visit::Language;

/// Cause and remedy.
pub(super) fn words(t: Language, failure: &Failure) -> (String, String) {
    match t {
        Language::English => (failure.cause(), failure.remedy().to_owned()),
        Language::German => german(failure),
    }
}

fn german(failure: &Failure) -> (String, String) {
    let api = |error: &ApiError| Trouble::from(error.clone()).words(Language::German);
    let (cause, remedy): (String, &str) = match failure {
        Failure::WrongCode => (
            "Der Code stimmt nicht mit dem auf dem Gerät überein.".into(),
            "Bitte Buchstabe für Buchstabe vergleichen und noch einmal eingeben. Nach drei falschen Versuchen zeigt das Gerät einen neuen Code.",
        ),
        Failure::CodeUnknown => (
            "Unter diesem Code wartet kein Gerät.".into(),
            "Bitte die Buchstaben vor dem Strich prüfen. Ein Code gilt zehn Minuten; es zählt der, den das Gerät jetzt zeigt.",
        ),
        Failure::Busy { retry_after_secs } => ("Das Gerät oder der Server ist mit einem anderen Versuch beschäftigt.".into(), wait(*retry_after_secs)),
        Failure::RateLimited { retry_after_secs } => ("Es waren zu viele Versuche.".into(), wait(*retry_after_secs)),
        Failure::DeviceGone => ("Das Gerät hat die Verbindung getrennt.".into(), CHECK_DEVICE),
        Failure::Timeout => ("Das Gerät hat nicht rechtzeitig geantwortet.".into(), CHECK_DEVICE),
        Failure::Unreachable { .. } => ("Keine Verbindung zum Server.".into(), CHECK_NETWORK),
        Failure::ConnectionLost => ("Die Verbindung zum Server ist abgerissen.".into(), CHECK_NETWORK),
        Failure::SignedOut => ("Sie sind nicht mehr angemeldet.".into(), "Bitte wieder anmelden und mit demselben Code noch einmal versuchen."),
        Failure::NotAllowed => (
            "Dieses Konto darf keine Geräte aufnehmen.".into(),
            "Bitte einen Administrator der Organisation um die Rolle „Installateur“ bitten.",
        ),
        Failure::Server(problem) => (Trouble::from(problem.clone()).words(Language::German), "Bitte gleich noch einmal versuchen."),
        Failure::Protocol { .. } | Failure::Channel(SealError::NotUnderstood) => (
            "Das Gespräch mit dem Gerät ist misslungen.".into(),
            "Bitte die Software auf beiden Seiten aktualisieren und noch einmal versuchen.",
        ),
        Failure::Channel(SealError::Forged) => (
            "Eine versiegelte Nachricht wurde unterwegs verändert.".into(),
            "Etwas zwischen dem Gerät und hier mischt sich ein. Bitte aus einem anderen Netz versuchen, bevor Sie diesem trauen.",
        ),
        Failure::Channel(_) => ("Der versiegelte Kanal zum Gerät ist zu Ende.".into(), "Bitte mit dem Code, den das Gerät jetzt zeigt, noch einmal versuchen."),
        Failure::CsrRefused(_) => (
            "Die Zertifikatsanforderung des Geräts kann nicht angenommen werden.".into(),
            "Bitte das Gerät zurücksetzen, damit es einen neuen Schlüssel erzeugt, und noch einmal versuchen.",
        ),
        Failure::FactsUnfit(_) => (
            "Das Gerät gibt etwas an, das sich nicht sicher anzeigen lässt.".into(),
            "Bitte Rechnername oder Beschreibung des Geräts berichtigen und noch einmal versuchen.",
        ),
        Failure::Incompatible => (
            "Dieses Gerät nimmt von hier keine Zertifikate an.".into(),
            "Bitte die Software des Geräts aktualisieren.",
        ),
        Failure::NotMine => (
            "Sie haben gesagt, dass dies nicht Ihr Gerät ist. Es weiß Bescheid, und nichts wurde unterschrieben.".into(),
            "Falls Sie Ihr eigenes Gerät erwartet haben: bitte den Code noch einmal von seiner Anzeige ablesen.",
        ),
        Failure::Cancelled => ("Sie haben abgebrochen. Das Gerät weiß Bescheid, und nichts wurde unterschrieben.".into(), "Sie können jederzeit neu beginnen."),
        Failure::DeviceRefused { reason } => (
            match reason {
                Some(reason) => format!("Das Gerät hat abgelehnt: {reason}."),
                None => "Am Gerät wurde abgelehnt.".into(),
            },
            "Bitte am Gerät bestätigen, dass diese Organisation es haben darf, und mit seinem neuen Code noch einmal beginnen.",
        ),
        Failure::ApprovalRefused(error) => (format!("Der Server hat die Freigabe nicht angenommen. {}", api(error)), "Danach noch einmal versuchen."),
        Failure::ConsentNotRecorded(error) => (format!("Der Server hat die Zustimmung des Geräts nicht festgehalten. {}", api(error)), SAME_CODE),
        Failure::SigningRefused(_) => (
            "Das Zertifikat wurde nicht unterschrieben.".into(),
            "Die Diagnose nennt den Grund; danach noch einmal versuchen.",
        ),
        Failure::SignerUnreachable(_) => ("Das Zertifikat wurde nicht unterschrieben: Die Signierstelle ist nicht erreichbar.".into(), SAME_CODE),
        Failure::NotInstalled { message, .. } => (
            format!("Das Gerät konnte das Zertifikat nicht installieren: {message}"),
            "Bitte beheben, was das Gerät nennt, und noch einmal versuchen; es bekommt dasselbe Zertifikat.",
        ),
        Failure::OtherCertificate => (
            "Das Gerät sagt, es habe ein anderes Zertifikat installiert als das, das es bekommen hat.".into(),
            "Bitte die Zertifikate des Geräts ansehen, unbekannte widerrufen und das Gerät neu aufnehmen.",
        ),
    };
    (cause, remedy.to_owned())
}

const CHECK_DEVICE: &str = "Bitte prüfen, ob das Gerät läuft und verbunden ist, und mit dem Code, den es jetzt zeigt, noch einmal versuchen.";
const CHECK_NETWORK: &str =
    "Bitte das Netz prüfen und noch einmal versuchen; der Code gilt, solange das Gerät ihn zeigt.";
const SAME_CODE: &str = "Bitte mit demselben Code noch einmal versuchen; nichts wird zweimal unterschrieben.";

fn wait(secs: u32) -> &'static str {
    if secs > 60 {
        "Bitte einige Minuten warten und dann noch einmal versuchen."
    } else {
        "Bitte kurz warten und dann noch einmal versuchen."
    }
}
