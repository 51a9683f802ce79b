//! Texts of what can go wrong: for each problem what happened and what to do.

texts! {
    trouble_no_connection => "The server cannot be reached. Check your network, then try again.", "Der Server ist nicht erreichbar. Bitte Ihr Netz prüfen und noch einmal versuchen.";
    trouble_unexplained => "Something between this browser and the server answered in its place, often a proxy. Try again; if that does not help, ask whoever runs the network.", "Etwas zwischen Browser und Server hat an seiner Stelle geantwortet, oft ein Proxy. Bitte noch einmal versuchen; hilft das nicht, wenden Sie sich an die Stelle, die das Netz betreibt.";
    trouble_version => "This page and the server are of different versions. Reload the page.", "Diese Seite und der Server sind verschiedener Version. Bitte die Seite neu laden.";
    trouble_unauthenticated => "You are signed out. Sign in again.", "Sie sind abgemeldet. Bitte wieder anmelden.";
    trouble_forbidden => "Your role does not allow this. Ask an admin of the organisation.", "Ihre Rolle erlaubt das nicht. Bitte einen Administrator der Organisation fragen.";
    trouble_code_unknown => "No device waits under this code. Compare it with the device's screen: the device may show a new one by now.", "Unter diesem Code wartet kein Gerät. Bitte mit der Anzeige des Geräts vergleichen: Vielleicht zeigt es inzwischen einen neuen.";
    trouble_busy => "The device is busy with another attempt.", "Das Gerät ist mit einem anderen Versuch beschäftigt.";
    trouble_rate_limited => "Too many attempts. For safety the server waits a while.", "Zu viele Versuche. Zur Sicherheit wartet der Server eine Weile.";
    trouble_device_gone => "The device disconnected. Look at its screen; when it shows a code again, enter that one.", "Das Gerät hat die Verbindung getrennt. Bitte auf seine Anzeige sehen und den Code eingeben, den es dann zeigt.";
    trouble_timeout => "No answer came in time.", "Es kam rechtzeitig keine Antwort.";
    trouble_too_large => "That was larger than allowed.", "Das war größer als erlaubt.";
    trouble_shutting_down => "The server is being restarted.", "Der Server wird gerade neu gestartet.";
    trouble_not_found => "There is no such thing, or it is not yours to see.", "Das gibt es nicht, oder es ist nicht für Sie bestimmt.";
    trouble_invalid => "Something in the form cannot be taken as it is.", "Etwas im Formular kann so nicht angenommen werden.";
    trouble_conflict => "This changed meanwhile. Reload and try again.", "Das hat sich inzwischen geändert. Laden Sie die Seite neu und versuchen Sie es noch einmal.";
    trouble_step_up => "Confirm with your passkey to continue.", "Bestätigen Sie mit Ihrem Passkey, um fortzufahren.";
    trouble_link_unknown => "This link was used already or has run out. Ask for a new one.", "Dieser Link wurde schon benutzt oder ist abgelaufen. Fordern Sie einen neuen an.";
    trouble_passkey_refused => "The passkey was not accepted, or it took too long. Try again.", "Der Passkey wurde nicht angenommen, oder es hat zu lange gedauert. Bitte noch einmal versuchen.";
    trouble_provider_refused => "Your organisation's identity provider did not let you in, or what it said does not count here. Try again; if that does not help, ask your organisation's admin.", "Der Identitätsanbieter Ihrer Organisation hat Sie nicht eingelassen, oder seine Auskunft gilt hier nicht. Bitte noch einmal versuchen; hilft das nicht, fragen Sie einen Administrator Ihrer Organisation.";
    trouble_csr_refused => "The device's certificate request cannot be signed.", "Die Zertifikatsanforderung des Geräts kann nicht unterschrieben werden.";
    trouble_key_revoked => "The device's key was revoked and stays refused. Reset the device so that it makes a new key.", "Der Schlüssel des Geräts wurde widerrufen und bleibt abgelehnt. Bitte das Gerät zurücksetzen, damit es einen neuen erzeugt.";
    trouble_key_known => "The device's key already belongs to a device of yours.", "Der Schlüssel des Geräts gehört schon zu einem Ihrer Geräte.";
    trouble_reply_lost => "The signer was asked before, and its answer was lost. Look there for a certificate that nobody holds and deactivate it.", "Die signierende Stelle wurde schon gefragt, und ihre Antwort ging verloren. Bitte dort nach einem Zertifikat sehen, das niemand hat, und es deaktivieren.";
    trouble_last_owner => "You are the last owner. Make somebody else an owner first.", "Sie sind der letzte Eigentümer. Machen Sie zuerst jemand anderen dazu.";
    trouble_unavailable => "The server cannot do this at present.", "Der Server kann das zurzeit nicht.";
    trouble_internal => "An error on the server. Try again; if that does not help, ask whoever runs the server: its log has the cause.", "Ein Fehler auf dem Server. Bitte noch einmal versuchen; hilft das nicht, wenden Sie sich an die Stelle, die den Server betreibt: Die Ursache steht in seinem Protokoll.";
    trouble_other => "This did not work.", "Das hat nicht geklappt.";
    trouble_retry_soon => "Try again in a moment.", "Bitte gleich noch einmal versuchen.";
    trouble_retry_in(secs: u32) => "Try again in {secs} seconds.", "In {secs} Sekunden noch einmal versuchen.";
    trouble_retry_in_minutes(minutes: u32) => "Try again in {minutes} minutes.", "In {minutes} Minuten noch einmal versuchen.";

    passkey_unsupported => "This browser cannot use passkeys here. Use a current browser and the panel's https address.", "Dieser Browser kann hier keine Passkeys benutzen. Bitte einen aktuellen Browser und die https-Adresse des Panels benutzen.";
    passkey_cancelled => "The passkey was not used: cancelled, or it took too long.", "Der Passkey wurde nicht benutzt: abgebrochen, oder es hat zu lange gedauert.";
    passkey_exists => "This authenticator already has a passkey for this account.", "Auf diesem Gerät gibt es schon einen Passkey für dieses Konto.";
    passkey_failed => "The browser could not use the passkey.", "Der Browser konnte den Passkey nicht benutzen.";
}
