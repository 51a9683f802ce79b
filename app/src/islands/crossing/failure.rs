//! The words for a failed crossing. In English most are the machine's own, the same that the terminal shows.

use gangway_client::ApiError;
use gangway_client::crossing::Failure;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::seal::SealError;
use gangway_signing::SigningError;

use crate::preference::Language;
use crate::trouble::{Trouble, wait_words};

/// Cause and remedy; no remedy where the cause says it.
pub(super) fn words(t: Language, failure: &Failure) -> (String, String) {
    let pair = |cause: &str, remedy: &str| (cause.to_owned(), remedy.to_owned());
    match (failure, t) {
        (Failure::CodeUnknown, _) => pair(t.failure_code_unknown(), t.failure_code_unknown_remedy()),
        (Failure::DeviceGone, _) => pair(t.failure_device_gone(), t.failure_device_gone_remedy()),
        // One wait is told, and it is the server's.
        (Failure::Server(problem), _) => (Trouble::from(problem.clone()).words(t), String::new()),
        (Failure::Busy { retry_after_secs } | Failure::RateLimited { retry_after_secs }, _) => {
            let cause = match t {
                Language::English => failure.cause(),
                Language::German => german(failure).0,
            };
            (cause, wait_words(t, *retry_after_secs))
        }
        (Failure::DeviceRefused { .. }, _) => {
            let cause = match failure.refusal() {
                Some(reason) => t.failure_refused_because(reason),
                None => t.failure_refused().to_owned(),
            };
            let remedy = match t {
                Language::English => failure.remedy(),
                Language::German => REFUSED,
            };
            (cause, remedy.to_owned())
        }
        (_, Language::English) => (failure.cause(), failure.remedy().to_owned()),
        (_, Language::German) => german(failure),
    }
}

/// Whether the device is probably still there, or coming back, under the same code.
pub(super) fn is_interruption(failure: &Failure) -> bool {
    match failure {
        Failure::DeviceGone | Failure::Unreachable { .. } | Failure::ConnectionLost => true,
        Failure::Server(problem) => matches!(
            problem.code,
            ProblemCode::ShuttingDown | ProblemCode::Unavailable | ProblemCode::Internal
        ),
        _ => false,
    }
}

fn german(failure: &Failure) -> (String, String) {
    let api = |error: &ApiError| Trouble::from(error.clone()).words(Language::German);
    let (cause, remedy): (String, &str) = match failure {
        Failure::WrongCode => (
            "Der Code stimmt nicht mit dem auf dem Gerät überein.".into(),
            "Bitte Buchstabe für Buchstabe vergleichen und noch einmal eingeben. Nach drei falschen Versuchen zeigt das Gerät einen neuen Code.",
        ),
        Failure::Busy { .. } => (
            "Das Gerät oder der Server ist mit einem anderen Versuch beschäftigt.".into(),
            "",
        ),
        Failure::RateLimited { .. } => ("Es waren zu viele Versuche.".into(), ""),
        Failure::Timeout => (
            "Das Gerät hat nicht rechtzeitig geantwortet.".into(),
            CHECK_DEVICE,
        ),
        Failure::Unreachable { .. } => ("Keine Verbindung zum Server.".into(), CHECK_NETWORK),
        Failure::ConnectionLost => ("Die Verbindung zum Server ist abgerissen.".into(), CHECK_NETWORK),
        Failure::SignedOut => (
            "Sie sind nicht mehr angemeldet.".into(),
            "Bitte wieder anmelden und mit demselben Code noch einmal versuchen.",
        ),
        Failure::NotAllowed => (
            "Dieses Konto darf keine Geräte aufnehmen.".into(),
            "Bitte einen Administrator der Organisation um die Rolle „Installateur“ bitten.",
        ),
        Failure::Protocol { .. } | Failure::Channel(SealError::NotUnderstood) => (
            "Das Gespräch mit dem Gerät ist misslungen.".into(),
            "Bitte die Software auf beiden Seiten aktualisieren und noch einmal versuchen.",
        ),
        Failure::Channel(SealError::Forged) => (
            "Eine versiegelte Nachricht wurde unterwegs verändert.".into(),
            "Etwas zwischen dem Gerät und hier mischt sich ein. Bitte aus einem anderen Netz versuchen, bevor Sie diesem trauen.",
        ),
        Failure::Channel(_) => (
            "Der versiegelte Kanal zum Gerät ist zu Ende.".into(),
            "Bitte mit dem Code, den das Gerät jetzt zeigt, noch einmal versuchen.",
        ),
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
        Failure::ApprovalRefused(error) => (
            format!("Der Server hat die Freigabe nicht angenommen. {}", api(error)),
            "Danach noch einmal versuchen.",
        ),
        Failure::ConsentNotRecorded(_) => (
            "Der Server hat die Zustimmung des Geräts nicht festgehalten.".into(),
            SAME_CODE,
        ),
        Failure::SigningRefused(SigningError::Unanswered(_)) => (
            "Das Zertifikat wurde nicht unterschrieben: Der Server ist nicht erreichbar.".into(),
            SAME_CODE,
        ),
        Failure::SigningRefused(_) => (
            "Das Zertifikat wurde nicht unterschrieben.".into(),
            "Die Diagnose nennt den Grund; danach noch einmal versuchen.",
        ),
        Failure::NotInstalled { message, .. } => (
            format!("Das Gerät konnte das Zertifikat nicht installieren: {message}"),
            "Bitte beheben, was das Gerät nennt, und noch einmal versuchen; es bekommt dasselbe Zertifikat.",
        ),
        Failure::OtherCertificate => (
            "Das Gerät sagt, es habe ein anderes Zertifikat installiert als das, das es bekommen hat.".into(),
            "Bitte die Zertifikate des Geräts ansehen, unbekannte widerrufen und das Gerät neu aufnehmen.",
        ),
        // These have their words in both languages in `words`, or are no failures to the page (`Farewell`).
        Failure::CodeUnknown
        | Failure::DeviceGone
        | Failure::Server(_)
        | Failure::DeviceRefused { .. }
        | Failure::NotMine
        | Failure::Cancelled => return (failure.cause(), failure.remedy().to_owned()),
    };
    (cause, remedy.to_owned())
}

const CHECK_DEVICE: &str = "Bitte prüfen, ob das Gerät läuft und verbunden ist, und mit dem Code, den es jetzt zeigt, noch einmal versuchen.";
const CHECK_NETWORK: &str =
    "Bitte das Netz prüfen und noch einmal versuchen; der Code gilt, solange das Gerät ihn zeigt.";
const SAME_CODE: &str = "Bitte mit demselben Code noch einmal versuchen; nichts wird zweimal unterschrieben.";
const REFUSED: &str = "Bitte am Gerät bestätigen, dass diese Organisation es haben darf, und mit seinem neuen Code noch einmal beginnen.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_does_not_say_it_twice() {
        let refused = |reason: Option<&str>| Failure::DeviceRefused {
            reason: reason.map(str::to_owned),
        };
        let by_person = refused(Some("The person at the device refused."));
        assert_eq!(
            words(Language::English, &by_person),
            words(Language::English, &refused(None))
        );
        assert_eq!(words(Language::German, &by_person).0, "Am Gerät wurde abgelehnt.");
        let because = words(Language::English, &refused(Some("I belong to Bob.")));
        assert_eq!(because.0, "The device refused. It says: “I belong to Bob.”");
    }

    #[test]
    fn one_wait_is_told() {
        let problem = gangway_protocol::error::Problem {
            code: ProblemCode::ShuttingDown,
            message: "The server is going down. Try again in half a minute.".to_owned(),
            retry_after_secs: Some(30),
        };
        for failure in [
            Failure::Server(problem),
            Failure::Busy { retry_after_secs: 30 },
            Failure::RateLimited { retry_after_secs: 30 },
        ] {
            let (cause, remedy) = words(Language::English, &failure);
            let text = format!("{cause} {remedy}");
            assert_eq!(text.to_lowercase().matches("try again").count(), 1, "{text}");
            assert!(text.contains("30 seconds"), "{text}");
        }
    }
}
