//! Texts of the start page, of signing in, and of the pages behind one-time links.

texts! {
    description => "Gangway brings devices into a fleet: type the code that a device shows, look at it, approve it.", "Gangway nimmt Geräte in eine Flotte auf: den Code eingeben, den ein Gerät zeigt, ansehen, freigeben.";
    home_title => "Bring a device aboard with ten letters", "Ein Gerät an Bord holen, mit zehn Buchstaben";
    home_lede => "A new device shows a code. Type it here, look at what comes aboard, approve. The device gets a certificate of its own, and its private key never leaves it.", "Ein neues Gerät zeigt einen Code. Hier eingeben, ansehen, was an Bord kommt, freigeben. Das Gerät bekommt ein eigenes Zertifikat, und sein privater Schlüssel verlässt es nie.";
    home_step_read => "Read the code", "Code ablesen";
    home_step_read_text => "Every letter has a flag and a spoken word, so that a code also crosses a noisy hall or a telephone line.", "Jeder Buchstabe hat eine Flagge und ein Wort, damit ein Code auch durch eine laute Halle oder über das Telefon kommt.";
    home_step_check => "Look at the device", "Gerät ansehen";
    home_step_check_text => "You see what the device says about itself before anything is signed, through a channel sealed with its code.", "Bevor etwas unterschrieben wird, sehen Sie, was das Gerät über sich sagt, durch einen mit seinem Code versiegelten Kanal.";
    home_step_approve => "Approve", "Freigeben";
    home_step_approve_text => "Your passkey says yes. Seconds later the device is online in your fleet.", "Ihr Passkey sagt Ja. Sekunden später ist das Gerät in Ihrer Flotte online.";
    home_picture => "A device shows the code BCDF-GHJKLM, each letter with its signal flag", "Ein Gerät zeigt den Code BCDF-GHJKLM, jeden Buchstaben mit seiner Signalflagge";
    home_screen_says => "To add this device, enter", "Um dieses Gerät hinzuzufügen, eingeben:";

    sign_in_title => "Sign in", "Anmelden";
    sign_in_first => "This page is for members. Sign in and you are taken straight to it.", "Diese Seite ist für Mitglieder. Nach dem Anmelden geht es gleich hier weiter.";
    sign_in_name => "Or pick one that this browser offers", "Oder einen wählen, den dieser Browser anbietet";
    sign_in_name_place => "Click here", "Hier klicken";
    sign_in_no_cookie => "The browser did not keep the sign-in. Allow cookies for this site, then sign in again.", "Der Browser hat die Anmeldung nicht behalten. Erlauben Sie Cookies für diese Seite und melden Sie sich noch einmal an.";
    sign_in_recovery_unknown => "No account has this recovery code, or it was used already: each works once. Compare it with what you wrote down, or use the next one.", "Zu diesem Wiederherstellungscode gibt es kein Konto, oder er wurde schon benutzt: Jeder gilt einmal. Vergleichen Sie ihn mit Ihren Notizen oder nehmen Sie den nächsten.";
    sign_in_needs_script => "Signing in takes a passkey, and the browser gives one to scripts alone. Allow JavaScript and WebAssembly for this site, then load the page again.", "Die Anmeldung braucht einen Passkey, und den gibt der Browser nur Skripten. Erlauben Sie JavaScript und WebAssembly für diese Seite und laden Sie sie neu.";
    sign_in_button => "Sign in with a passkey", "Mit einem Passkey anmelden";
    sign_in_lost => "No passkey at hand?", "Kein Passkey zur Hand?";
    sign_in_lost_text => "Use one of your recovery codes, or ask an admin of your organisation for a recovery link.", "Benutzen Sie einen Ihrer Wiederherstellungscodes, oder bitten Sie einen Administrator Ihrer Organisation um einen Link.";
    sign_in_recovery_code => "Recovery code", "Wiederherstellungscode";
    sign_in_recover => "Use this code", "Diesen Code benutzen";

    sign_up => "Sign up", "Registrieren";
    sign_up_question => "New here?", "Neu hier?";
    sign_up_title => "Sign up", "Registrieren";
    sign_up_text => "You get an organisation of your own and own it. A passkey is all you need.", "Sie bekommen eine eigene Organisation, die Ihnen gehört. Ein Passkey genügt.";
    sign_up_closed => "Sign-up is by invitation only", "Registrieren nur auf Einladung";
    sign_up_known => "You have an account?", "Sie haben ein Konto?";
    sign_up_closed_text => "Whoever operates this server invites its customers, and they invite their people. Ask one of them for a link.", "Wer diesen Server betreibt, lädt seine Kunden ein, und diese ihre Leute. Bitten Sie um einen Link.";
    customer_title => "Make your organisation", "Ihre Organisation anlegen";
    customer_text => "You have been invited to have an organisation of your own here. You will be its owner.", "Sie sind eingeladen, hier eine eigene Organisation zu haben. Sie gehört dann Ihnen.";
    founding_title => "Make another organisation", "Noch eine Organisation anlegen";
    founding_text => "It stands beside those you belong to already, and you will be its owner.", "Sie steht neben denen, zu denen Sie schon gehören, und gehört Ihnen.";
    founding_other => "Not you? Sign out on the account page first, then come back here.", "Nicht Sie? Bitte zuerst auf der Kontoseite abmelden, dann hierher zurück.";
    founding_as(name: &str) => "Make it as {name}", "Als {name} anlegen";

    setup_title => "Welcome aboard", "Willkommen an Bord";
    setup_reading => "Reading the link", "Der Link wird gelesen";
    setup_no_link => "This page needs a link", "Diese Seite braucht einen Link";
    setup_no_link_text => "Invitations, recovery and the first set-up come as links that work once. Open yours again; if it came in a message, copy all of it.", "Einladungen, Wiederherstellung und die Ersteinrichtung kommen als Links, die einmal funktionieren. Bitte Ihren noch einmal öffnen und ganz kopieren.";
    setup_needs_script => "This page needs scripts: the link is read by them alone, so that it reaches no server log, and the browser gives passkeys to nothing else. Allow JavaScript and WebAssembly for this site, then open the link again.", "Diese Seite braucht Skripte: Nur sie lesen den Link, damit er in keinem Serverprotokoll steht, und nur ihnen gibt der Browser Passkeys. Erlauben Sie JavaScript und WebAssembly für diese Seite und öffnen Sie den Link noch einmal.";
    setup_unkept_title => "Your passkey is made", "Ihr Passkey ist erstellt";
    setup_first_text => "You are the first one here. Give yourself and your organisation a name; you will be its owner.", "Hier war noch niemand. Geben Sie sich und Ihrer Organisation einen Namen; sie gehört dann Ihnen.";
    setup_invitation_title(organisation: &str) => "Join {organisation}", "{organisation} beitreten";
    setup_invitation_text(role: &str) => "You have been invited with the role “{role}”.", "Sie sind eingeladen, in der Rolle „{role}“.";
    setup_join_as(name: &str) => "Join as {name}", "Als {name} beitreten";
    setup_join_other => "Not you? Sign out on the account page first; then the link makes a new account.", "Nicht Sie? Bitte zuerst auf der Kontoseite abmelden; dann legt der Link ein neues Konto an.";
    setup_recovery_title(account: &str) => "Welcome back, {account}", "Willkommen zurück, {account}";
    setup_recovery_text => "Make a new passkey and you are signed in. Your other passkeys stay; remove lost ones on the account page.", "Erstellen Sie einen neuen Passkey, dann sind Sie angemeldet. Die anderen bleiben; verlorene entfernen Sie auf der Kontoseite.";
    setup_organisation_hint => "Devices belong to it, and their screens show its name when you claim them.", "Ihr gehören die Geräte, und deren Anzeigen nennen sie, wenn Sie eines aufnehmen.";
    your_name => "Your name", "Ihr Name";
    organisation => "Organisation", "Organisation";
    create_passkey => "Create passkey", "Passkey erstellen";
    create_passkey_hint => "Your device will ask for your finger, face or PIN. There is no password.", "Ihr Gerät fragt nach Finger, Gesicht oder PIN. Ein Passwort gibt es nicht.";

    safety_title => "One more way in", "Noch ein Weg hinein";
    safety_text => "If this is your only passkey and it gets lost, so does your way in. Take one of these now; it takes a minute.", "Geht Ihr einziger Passkey verloren, ist auch der Weg hinein verloren. Nehmen Sie jetzt eines davon; es dauert eine Minute.";
    safety_codes => "Recovery codes", "Wiederherstellungscodes";
    safety_codes_text => "Eight codes on paper, each good for one new passkey.", "Acht Codes auf Papier, jeder gut für einen neuen Passkey.";
    safety_codes_make => "Show recovery codes", "Wiederherstellungscodes anzeigen";
    safety_passkey => "A second passkey", "Ein zweiter Passkey";
    safety_passkey_text => "On your phone, another computer or a security key.", "Auf Ihrem Telefon, einem anderen Rechner oder einem Sicherheitsschlüssel.";
    safety_passkey_add => "Add another passkey", "Weiteren Passkey hinzufügen";
    passkey_added => "The passkey is added.", "Der Passkey ist hinzugefügt.";
    continue_to_link => "Continue: add a device", "Weiter: Gerät hinzufügen";
    continue_to_fleet => "Continue to the fleet", "Weiter zur Flotte";
}
