//! Texts of the account page.

texts! {
    rename_account => "Change name", "Namen ändern";
    passkeys => "Passkeys", "Passkeys";
    passkeys_text => "Each is a way in. Give them names that you recognise.", "Jeder ist ein Weg hinein. Geben Sie ihnen Namen, die Sie wiedererkennen.";
    add_passkey => "Add another passkey", "Weiteren Passkey hinzufügen";
    passkey_name_of(name: &str) => "Name of the passkey {name}", "Name des Passkeys {name}";
    remove_passkey(name: &str) => "Remove {name}", "{name} entfernen";
    passkey_remove => "Remove", "Entfernen";
    passkey_remove_title(name: &str) => "Remove the passkey {name}?", "Passkey {name} entfernen?";
    passkey_remove_says_1 => "It is no longer a way into this account.", "Mit ihm kommt niemand mehr in dieses Konto.";
    passkey_remove_says_2 => "Other browsers that signed in with it last are signed out.", "Andere Browser, die sich zuletzt mit ihm angemeldet haben, werden abgemeldet.";
    added => "added", "hinzugefügt";
    last_used => "last used", "zuletzt benutzt";
    never_used => "never used", "nie benutzt";
    recovery_codes => "Recovery codes", "Wiederherstellungscodes";
    recovery_codes_text => "Each makes one new passkey when all others are lost.", "Jeder erstellt einen neuen Passkey, wenn alle anderen verloren sind.";
    recovery_codes_renew => "Make new codes", "Neue Codes erstellen";
    recovery_codes_renew_title => "Make new recovery codes?", "Neue Wiederherstellungscodes erstellen?";
    recovery_codes_renew_says_1 => "Codes that you have printed or written down stop working at once.", "Codes, die Sie gedruckt oder notiert haben, gelten sofort nicht mehr.";
    recovery_codes_renew_says_2 => "The new ones are shown once: keep them before you leave the page.", "Die neuen werden einmal gezeigt: Verwahren Sie sie, bevor Sie die Seite verlassen.";
    recovery_codes_shown_once => "These codes are shown once. Print them or write them down, and keep them away from this computer. Earlier codes no longer work.", "Diese Codes werden einmal gezeigt. Drucken oder notieren Sie sie und bewahren Sie sie nicht bei diesem Rechner auf. Frühere gelten nicht mehr.";
    recovery_codes_download => "Download", "Herunterladen";
    sign_ins => "Signed-in browsers", "Angemeldete Browser";
    this_browser => "This one", "Dieser";
    end_sign_in(browser: &str) => "End the sign-in of {browser}", "Anmeldung von {browser} beenden";
    sign_in_end => "End sign-in", "Anmeldung beenden";
    sign_in_end_title(browser: &str) => "End the sign-in of {browser}?", "Anmeldung von {browser} beenden?";
    sign_in_end_says => "Whoever uses that browser has to sign in again with a passkey.", "Wer diesen Browser benutzt, muss sich wieder mit einem Passkey anmelden.";
    tokens => "API tokens", "API-Token";
    tokens_text => "For programs such as gangway link. A token does no more than its scopes say, and ends by itself.", "Für Programme wie gangway link. Ein Token darf nur, was seine Rechte sagen, und endet von selbst.";
    new_token => "New token", "Neues Token";
    token_name => "What it is for", "Wofür es ist";
    token_name_example => "Enrolment on the assembly line", "Aufnahme an der Fertigungslinie";
    token_scopes => "What it may do", "Was es darf";
    scope_enrol => "enrol", "aufnehmen";
    scope_fleet_read => "read the fleet", "Flotte lesen";
    scope_fleet_write => "change devices", "Geräte ändern";
    scope_organisation_read => "read members", "Mitglieder lesen";
    scope_audit_read => "read the record", "Protokoll lesen";
    scope_organisation_write => "change organisations", "Organisationen ändern";
    scope_enrol_text => "Enrol: claim devices, approve them, get them signed", "Aufnehmen: Geräte beanspruchen, freigeben, unterschreiben lassen";
    scope_fleet_read_text => "Read the fleet", "Die Flotte lesen";
    scope_fleet_write_text => "Rename, label, renew and identify devices", "Geräte benennen, mit Etiketten versehen, erneuern und sich melden lassen";
    scope_organisation_read_text => "Read who is a member and who is invited", "Lesen, wer Mitglied und wer eingeladen ist";
    scope_audit_read_text => "Read, verify and export the record of what was done", "Das Protokoll lesen, prüfen und exportieren";
    scope_organisation_write_text => "Make, rename, move and archive organisations; invite members, but no admins", "Organisationen anlegen, umbenennen, verschieben und archivieren; Mitglieder einladen, aber keine Administratoren";
    token_scopes_none => "Choose at least one thing that it may do.", "Bitte mindestens etwas auswählen, das es darf.";
    token_life => "Valid for", "Gültig für";
    token_create => "Create token", "Token erstellen";
    token_shown_once => "Copy the token now. It is shown once.", "Bitte jetzt kopieren. Das Token wird einmal gezeigt.";
    revoke_token(name: &str) => "Revoke {name}", "{name} widerrufen";
    token_revoke => "Revoke", "Widerrufen";
    token_revoke_title(name: &str) => "Revoke the token {name}?", "Token {name} widerrufen?";
    token_revoke_says_1 => "Programs that use it are refused at once.", "Programme, die es benutzen, werden sofort abgewiesen.";
    token_revoke_says_2 => "It cannot be brought back. Make a new one to replace it.", "Es lässt sich nicht zurückholen. Erstellen Sie ein neues als Ersatz.";
    expires => "ends", "endet";
    role => "Role", "Rolle";
    role_viewer_text => "Sees the fleet and its devices, and changes nothing.", "Sieht die Flotte und ihre Geräte und ändert nichts.";
    role_installer_text => "Adds devices, and sees no others.", "Nimmt Geräte auf und sieht keine anderen.";
    role_operator_text => "Adds devices and runs them: rename, renew, suspend, revoke.", "Nimmt Geräte auf und betreibt sie: umbenennen, erneuern, sperren, widerrufen.";
    role_admin_text => "Does all that an operator does, and invites and removes members.", "Darf alles, was Betreiber dürfen, und lädt Mitglieder ein und entfernt sie.";
    role_owner_text => "Does all that an admin does, and makes others owners too.", "Darf alles, was Administratoren dürfen, und macht auch andere zu Eigentümern.";
    name_refused => "Enter a name of up to 64 letters that is not blank.", "Geben Sie einen Namen mit höchstens 64 Buchstaben ein, der nicht leer ist.";
    account_needs_script => "What can be changed below needs scripts. Allow JavaScript and WebAssembly for this site, then load the page again.", "Was sich unten ändern lässt, braucht Skripte. Erlauben Sie JavaScript und WebAssembly für diese Seite und laden Sie sie neu.";
    appearance => "Appearance", "Aussehen";
}

plurals! {
    days => "{} day", "{} days"; "{} Tag", "{} Tage";
    recovery_codes_left => "{} unused code left.", "{} unused codes left."; "{} unbenutzter Code übrig.", "{} unbenutzte Codes übrig.";
}
