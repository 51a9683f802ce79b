//! Texts of the code page.

use gangway_protocol::code::CodeError;
use gangway_signing::{SignInError, UnreadableCredentials};

use crate::preference::Language;

impl Language {
    /// Why a text is not a user code.
    pub(crate) fn code_error(self, error: &CodeError) -> String {
        match error {
            CodeError::Character { found } => self.code_character(*found),
            CodeError::TooShort { symbols } => self.code_too_short(*symbols),
            CodeError::TooLong { .. } => self.code_too_long(),
        }
    }

    /// Why pasted credentials are not taken.
    pub(crate) fn credentials_unreadable(self, error: UnreadableCredentials) -> &'static str {
        match error {
            UnreadableCredentials::Incomplete => self.credentials_incomplete(),
            UnreadableCredentials::NoSessionToken => self.credentials_no_token(),
        }
    }

    /// Why a sign-in for a signer failed.
    pub(crate) fn sign_in_failed(self, error: &SignInError) -> String {
        match error {
            SignInError::OtherSignIn => self.sign_in_of_another().to_owned(),
            SignInError::Declined { detail } => self.sign_in_declined(detail),
            SignInError::Refused { who, detail } => self.sign_in_refused(who, detail),
            SignInError::Unanswered { who, detail } => self.sign_in_unanswered(who, detail),
            SignInError::Malformed { who, detail } => self.sign_in_malformed(who, detail),
            SignInError::Misconfigured { detail } => self.sign_in_misconfigured(detail),
        }
    }

    /// No code is that long.
    pub(crate) fn code_too_long(self) -> String {
        self.code_longest(crate::code_entry::MAX_SYMBOLS)
    }
}

texts! {
    code_character(found: char) => "“{found}” cannot be in a code. Codes use the letters B C D F G H J K L M N P Q R S T V W X Z.", "„{found}“ kommt in keinem Code vor. Codes bestehen aus den Buchstaben B C D F G H J K L M N P Q R S T V W X Z.";
    code_too_short(symbols: usize) => "The code is too short: {symbols} letters so far.", "Der Code ist zu kurz: bisher {symbols} Buchstaben.";
    code_longest(symbols: usize) => "No code is longer than {symbols} letters.", "Kein Code ist länger als {symbols} Buchstaben.";
    code_label => "Code", "Code";
    link_title => "Add a device", "Gerät hinzufügen";
    link_lede => "Type the code that the device shows.", "Den Code eingeben, den das Gerät zeigt.";
    link_continue => "Continue", "Weiter";
    link_needs_script => "Connecting to a device, checking its code and sealing what is said are done by this page itself, in the browser. Allow JavaScript and WebAssembly for this site and load the page again, or use another browser.", "Die Verbindung zum Gerät, die Prüfung des Codes und das Versiegeln übernimmt diese Seite selbst, im Browser. Bitte JavaScript und WebAssembly für diese Seite erlauben und neu laden, oder einen anderen Browser benutzen.";
    link_not_allowed => "This account may not enrol devices.", "Dieses Konto darf keine Geräte aufnehmen.";
    link_not_allowed_text => "Ask an admin of the organisation for the role of installer.", "Bitte einen Administrator der Organisation um die Rolle „Installateur“ bitten.";
    link_meanwhile => "A device is being added already. Open the link again when that is over.", "Es wird schon ein Gerät aufgenommen. Bitte den Link danach noch einmal öffnen.";
    connecting => "Connecting to the device", "Verbindung zum Gerät wird aufgebaut";
    prefilled_question => "These letters came with a link. Compare them with the screen of the device before you go on.", "Diese Buchstaben kamen mit einem Link. Bitte mit der Anzeige des Geräts vergleichen, bevor es weitergeht.";
    prefilled_yes => "These letters are on the device in front of me", "Diese Buchstaben stehen auf dem Gerät vor mir";
    prefilled_no => "They are not", "Nein";
    prefill_off => "Your organisation does not take codes from links. Type the one that the device shows.", "Ihre Organisation nimmt keine Codes aus Links an. Bitte den eingeben, den das Gerät zeigt.";
    scan => "Scan the QR code", "QR-Code scannen";
    scan_text => "Point the camera at the device's QR code.", "Richten Sie die Kamera auf den QR-Code des Geräts.";
    scan_denied => "The camera cannot be used. Allow it in the browser, or type the letters.", "Die Kamera lässt sich nicht benutzen. Bitte im Browser erlauben oder die Buchstaben eingeben.";
    scan_other => "This QR code is not from a Gangway device. Point the camera at the device's QR code.", "Dieser QR-Code stammt nicht von einem Gangway-Gerät. Richten Sie die Kamera auf den QR-Code des Geräts.";
    where_is_code => "Where is the code?", "Wo steht der Code?";
    where_is_code_text => "On the device's screen or in its terminal. A device without one gets it by running:", "Auf der Anzeige des Geräts oder in seinem Terminal. Ein Gerät ohne Code bekommt ihn so:";
    telephone_hint => "Helping over the telephone? Read the words below the flags out loud.", "Hilfe am Telefon? Einfach die Wörter unter den Flaggen vorlesen.";

    review_title => "Is this your device?", "Ist das Ihr Gerät?";
    review_lede => "Nothing is signed until you approve.", "Ohne Ihr Ja wird nichts unterschrieben.";
    review_more => "Labels and all details", "Etiketten und alle Einzelheiten";
    review_stated => "The device says", "Das Gerät sagt";
    review_seen => "The panel sees", "Das Panel sieht";
    unverified => "Unverified", "Ungeprüft";
    network => "Network", "Netz";
    network_same => "Same network as you", "Gleiches Netz wie Sie";
    network_different => "A different network from yours", "Anderes Netz als Ihres";
    network_unknown => "Cannot be compared", "Nicht vergleichbar";
    first_seen => "First seen", "Zuerst gesehen";
    warning_other_panel(link: &str) => "The device shows the address {link}, which is not this panel. Approve only if you know why.", "Das Gerät zeigt die Adresse {link}, und das ist nicht dieses Panel. Nur freigeben, wenn Sie wissen, warum.";
    warning_other_network => "The device is on another network than you are. Is it really in front of you?", "Das Gerät ist in einem anderen Netz als Sie. Steht es wirklich vor Ihnen?";
    place_question => "Where is the device?", "Wo ist das Gerät?";
    place_here => "In front of me, and it shows this code", "Vor mir, und es zeigt diesen Code";
    place_elsewhere => "Somewhere else; somebody gave me the code", "Woanders; jemand hat mir den Code gegeben";
    place_warning => "Whoever sends you a code may want to bring a device of their own into your organisation. Approve only if you asked for it and know the device, for example by its serial number.", "Wer Ihnen einen Code schickt, will vielleicht ein eigenes Gerät in Ihre Organisation bringen. Nur freigeben, wenn Sie darum gebeten haben und das Gerät kennen, etwa an der Seriennummer.";
    place_unsaid => "Say first where the device is.", "Bitte zuerst sagen, wo das Gerät ist.";
    approve => "Approve", "Freigeben";
    not_mine => "Not mine", "Nicht meines";
    decision_hint => "“Not mine” tells the device and the admins of your organisations.", "„Nicht meines“ sagt es dem Gerät und den Administratoren Ihrer Organisationen.";
    no_signer => "This organisation has no signing endpoint yet. An admin has to set one up.", "Diese Organisation hat noch keine Signierstelle. Ein Administrator muss eine einrichten.";
    key_known(name: &str) => "This key already belongs to your device “{name}”.", "Dieser Schlüssel gehört schon zu Ihrem Gerät „{name}“.";
    key_known_text(name: &str) => "Is it the same device, perhaps reinstalled? Then it can have a new certificate. If “{name}” is another machine, one of the two is a copy: approve nothing and look at both.", "Ist es dasselbe Gerät, vielleicht neu aufgesetzt? Dann kann es ein neues Zertifikat bekommen. Ist „{name}“ eine andere Maschine, ist eine von beiden eine Kopie: ändern Sie nichts und sehen Sie sich beide an.";
    key_known_replace => "Same device: give it a new certificate", "Dasselbe Gerät: neues Zertifikat geben";
    key_known_leave => "Another device: approve nothing", "Anderes Gerät: nichts freigeben";
    key_known_look => "Look at the device", "Gerät ansehen";

    crossing_title(name: &str) => "{name} is coming aboard", "{name} kommt an Bord";
    crossing_done(name: &str) => "{name} is aboard", "{name} ist an Bord";
    crossing_failed(name: &str) => "{name} did not come aboard", "{name} ist nicht an Bord gekommen";
    nameless => "The device", "Das Gerät";
    progress => "Progress", "Fortschritt";
    step_coming => "Waiting", "Wartet";
    step_running => "Under way", "Läuft";
    step_done => "Done", "Erledigt";
    step_failed => "Failed", "Gescheitert";
    step_code => "Code accepted", "Code angenommen";
    step_identity => "Identity checked", "Identität geprüft";
    step_not_confirmed => "Not confirmed", "Nicht bestätigt";
    step_refused => "Refused at the device", "Am Gerät abgelehnt";
    step_signed => "Certificate signed", "Zertifikat unterschrieben";
    step_installed => "Installed on the device", "Auf dem Gerät installiert";
    step_online => "Online", "Online";
    note_consent => "The device shows your name and your organisation, and asks. Answer there.", "Das Gerät zeigt Ihren Namen und Ihre Organisation und fragt. Bitte dort antworten.";
    signer => "Signed by", "Signiert von";
    note_signing_waits => "The signer waits for you.", "Die signierende Stelle wartet auf Sie.";
    credentials_label(signer: &str) => "AWS credentials for “{signer}”", "AWS-Zugangsdaten für „{signer}“";
    credentials_hint => "Paste the block that AWS shows under “Command line or programmatic access”. It stays in this page, goes to AWS alone, and is forgotten when you leave.", "Fügen Sie den Block ein, den AWS unter „Command line or programmatic access“ zeigt. Er bleibt in dieser Seite, geht nur an AWS und ist vergessen, sobald Sie sie verlassen.";
    signer_unreachable => "This signer was set up or changed after the page was loaded, and the page may not connect to it. Load the page again, or choose another signer.", "Diese Signierstelle wurde nach dem Laden der Seite eingerichtet oder geändert, und die Seite darf sie nicht ansprechen. Bitte die Seite neu laden oder eine andere Stelle wählen.";
    credentials_instead => "Paste credentials instead", "Stattdessen Zugangsdaten einfügen";
    sign_in_wanted(signer: &str) => "“{signer}” signs for whoever is signed in there.", "„{signer}“ signiert für angemeldete Personen.";
    sign_in_hint => "You sign in with the authority itself, in a window of its own. What it gives you stays in this page, goes to the signer alone, and is forgotten when you leave.", "Sie melden sich bei der Stelle selbst an, in einem eigenen Fenster. Was Sie dort erhalten, bleibt in dieser Seite, geht nur an die Signierstelle und ist vergessen, sobald Sie die Seite verlassen.";
    sign_in_at(host: &str) => "Sign in at {host}", "Bei {host} anmelden";
    sign_in_preparing => "Asking where to sign in …", "Es wird gefragt, wo man sich anmeldet …";
    sign_in_elsewhere => "Go on in the other window. This page waits for it.", "Bitte im anderen Fenster weitermachen. Diese Seite wartet darauf.";
    sign_in_unknown => "This version of the panel does not know how to sign in there: load the page again, or choose another signer.", "Diese Version kennt die Anmeldung dort nicht: Bitte die Seite neu laden oder eine andere Stelle wählen.";
    sign_in_of_another => "What came back belongs to another sign-in. Sign in once more.", "Was zurückkam, gehört zu einer anderen Anmeldung. Bitte noch einmal anmelden.";
    sign_in_declined(detail: &str) => "The sign-in was not completed: {detail}.", "Die Anmeldung wurde nicht abgeschlossen: {detail}.";
    sign_in_refused(who: &str, detail: &str) => "{who} refused: {detail}", "{who} hat abgelehnt: {detail}";
    sign_in_unanswered(who: &str, detail: &str) => "{who} did not answer, or does not allow this page to ask; a browser does not tell which ({detail}).", "{who} hat nicht geantwortet oder erlaubt dieser Seite die Anfrage nicht; der Browser sagt nicht, was von beidem ({detail}).";
    sign_in_malformed(who: &str, detail: &str) => "{who} gave an answer that cannot be understood ({detail}).", "Die Antwort von {who} ist nicht zu verstehen ({detail}).";
    sign_in_misconfigured(detail: &str) => "This signer is not set up correctly: {detail}. An admin can change that under Signers.", "Diese Stelle ist nicht richtig eingerichtet: {detail}. Ein Admin kann das unter Signierstellen ändern.";
    signed_in_title => "Back from the sign-in", "Zurück von der Anmeldung";
    signed_in_text => "Go back to the window from which you came: it goes on there. This one can be closed.", "Bitte zurück zum Fenster, aus dem Sie kamen: Dort geht es weiter. Dieses kann geschlossen werden.";
    credentials_use => "Sign with these", "Damit signieren";
    credentials_incomplete => "An access key id and a secret access key are needed: copy the whole block that AWS shows.", "Es braucht Zugriffsschlüssel-ID und geheimen Zugriffsschlüssel: Bitte den ganzen Block kopieren, den AWS zeigt.";
    credentials_no_token => "Temporary credentials (ASIA…) need their session token too: copy the whole block that AWS shows.", "Befristete Zugangsdaten (ASIA…) brauchen auch ihr Session-Token: Bitte den ganzen Block kopieren, den AWS zeigt.";
    credentials_refused(why: &str) => "Other credentials are needed: {why}.", "Es braucht andere Zugangsdaten: {why}.";
    reply_lost(signer: &str) => "“{signer}” was asked to sign, and nobody knows whether it did.", "„{signer}“ wurde um die Signatur gebeten, und niemand weiß, ob sie erteilt wurde.";
    reply_lost_why => "The answer was lost, or the signer refused in a way that a browser does not tell. Look there for a certificate that nobody holds and deactivate it; then sign again.", "Die Antwort ging verloren, oder die Stelle hat abgelehnt, ohne dass der Browser davon erfährt. Bitte dort nach einem Zertifikat sehen, das niemand hat, und es deaktivieren; danach noch einmal signieren.";
    reply_lost_look => "Look there", "Dort nachsehen";
    reply_lost_again => "I have looked: sign again", "Nachgesehen: noch einmal signieren";
    note_signing => "The signer is at work.", "Die Zertifizierungsstelle unterschreibt.";
    note_provisioning => "The device is fetching its certificate from AWS.", "Das Gerät holt sein Zertifikat bei AWS.";
    note_signed(digest: &str) => "Fingerprint {digest}…", "Fingerabdruck {digest}…";
    no_provisioning(signer: &str) => "“{signer}” wants devices to fetch their certificates themselves, and the software of this device cannot. Choose another signer, or update the device.", "„{signer}“ verlangt, dass Geräte ihr Zertifikat selbst holen, und die Software dieses Geräts kann das nicht. Wählen Sie eine andere Zertifizierungsstelle oder aktualisieren Sie das Gerät.";
    note_installing => "The device verifies the chain and stores it.", "Das Gerät prüft die Kette und speichert sie.";
    note_online => "Waiting for the device's first session.", "Die erste Sitzung des Geräts steht noch aus.";
    ended_not_mine => "You said that this is not your device. Nothing was signed.", "Sie haben gesagt, dass dies nicht Ihr Gerät ist. Nichts wurde unterschrieben.";
    ended_cancelled => "You cancelled. Nothing was signed.", "Sie haben abgebrochen. Nichts wurde unterschrieben.";
    ended_telling => "The device and the server are being told.", "Gerät und Server erfahren es gerade.";
    ended_told => "The device and the server know.", "Gerät und Server wissen Bescheid.";
    ended_not_mine_told => "The device and the admins of your organisations know. If you expected your own device, read the code from its screen again.", "Das Gerät und die Administratoren Ihrer Organisationen wissen Bescheid. Falls Sie Ihr eigenes Gerät erwartet haben: bitte den Code noch einmal von seiner Anzeige ablesen.";
    ended_not_mine_untold => "The server could not be told, so your admins do not know: tell one of them yourself.", "Der Server war nicht zu erreichen, die Administratoren wissen es also nicht: Bitte sagen Sie es einem selbst.";
    ended_cancelled_untold => "The server could not be told. If the device stands in the fleet as “Enrolling”, retire it there.", "Der Server war nicht zu erreichen. Steht das Gerät in der Flotte als „Wird aufgenommen“, bitte dort ausmustern.";
    failure_code_unknown => "No device is waiting under this code.", "Unter diesem Code wartet kein Gerät.";
    failure_code_unknown_remedy => "Check the letters before the dash, and that the device still shows this code: one is valid for ten minutes. A device or server that has just been restarted takes a moment to come back.", "Bitte die Buchstaben vor dem Strich prüfen, und ob das Gerät diesen Code noch zeigt: Einer gilt zehn Minuten. Nach einem Neustart von Gerät oder Server dauert es einen Moment, bis das Gerät wieder da ist.";
    failure_coming_back => "No device is waiting under this code yet: it is coming back.", "Unter diesem Code wartet noch kein Gerät: Es kommt gerade zurück.";
    failure_coming_back_remedy => "After a restart or a broken connection the device connects again by itself, mostly within a minute. Then continue, with the new code if it shows one.", "Nach einem Neustart oder Verbindungsabbruch verbindet sich das Gerät von selbst wieder, meist binnen einer Minute. Dann geht es weiter, mit dem neuen Code, falls es einen zeigt.";
    failure_device_gone => "The device disconnected.", "Das Gerät hat die Verbindung getrennt.";
    failure_device_gone_remedy => "If it is being restarted, it comes back by itself. Then enter the code that it shows.", "Wird es gerade neu gestartet, kommt es von selbst zurück. Dann bitte den Code eingeben, den es zeigt.";
    failure_refused => "The person at the device refused.", "Am Gerät wurde abgelehnt.";
    failure_refused_because(reason: &str) => "The device refused. It says: “{reason}”", "Das Gerät hat abgelehnt. Es sagt: „{reason}“";
    copy_diagnostics => "Copy diagnostics", "Diagnose kopieren";
    crossing_overdue => "The certificate is installed, but the device has not connected yet. It keeps trying by itself; nothing needs to stay open here.", "Das Zertifikat ist installiert, aber das Gerät hat sich noch nicht verbunden. Es versucht es von selbst weiter; hier muss nichts offen bleiben.";
    crossing_to_device => "Go to the device", "Zum Gerät";
    start_again => "Enter another code", "Anderen Code eingeben";
    enrol_another => "Enrol another", "Weiteres aufnehmen";
}

plurals! {
    letters_missing => "{} letter is still missing.", "{} letters are still missing."; "Es fehlt noch {} Buchstabe.", "Es fehlen noch {} Buchstaben.";
}
