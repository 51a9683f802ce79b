//! Texts of the frame around pages, and words that several pages use.

texts! {
    skip_to_content => "Skip to content", "Zum Inhalt springen";
    main_navigation => "Main", "Hauptnavigation";
    fleet => "Fleet", "Flotte";
    add_device => "Add a device", "Gerät hinzufügen";
    account => "Account", "Konto";
    sign_out => "Sign out", "Abmelden";
    no_script => "Scripts are off in this browser. Reading, searching and forms work without them; signing in and adding devices do not.", "Skripte sind in diesem Browser aus. Lesen, Suchen und Formulare gehen ohne; Anmelden und Geräte hinzufügen nicht.";
    lifeless => "Part of this page did not load, so some of its buttons do nothing. Load it again; if that does not help, use a current browser that runs WebAssembly, or ask whoever runs the network.", "Ein Teil dieser Seite wurde nicht geladen, deshalb tun manche Schaltflächen nichts. Bitte neu laden; hilft das nicht, einen aktuellen Browser mit WebAssembly benutzen oder fragen, wer das Netz betreibt.";
    reload => "Load again", "Neu laden";
    loading => "Loading", "Wird geladen";
    try_again => "Try again", "Noch einmal versuchen";
    cancel => "Cancel", "Abbrechen";
    done => "Done", "Fertig";
    close => "Close", "Schließen";
    save => "Save", "Speichern";
    copy => "Copy", "Kopieren";
    copied => "Copied.", "Kopiert.";
    copy_failed => "The browser did not allow copying. Select the text and copy it by hand.", "Der Browser hat das Kopieren nicht erlaubt. Bitte den Text markieren und von Hand kopieren.";
    labels => "Labels", "Etiketten";
    show_more => "Show more", "Mehr anzeigen";
    not_found_title => "There is nothing here", "Hier ist nichts";
    not_found_text => "The address leads to no page. Perhaps a letter is missing from it.", "Diese Adresse führt zu keiner Seite. Vielleicht fehlt ihr ein Buchstabe.";
    to_start => "To the start page", "Zur Startseite";
    dark => "Dark", "Dunkel";
    light => "Light", "Hell";
    switch_to_dark => "Switch to dark", "Auf Dunkel umschalten";
    switch_to_light => "Switch to light", "Auf Hell umschalten";
    as_the_system => "As the system has it", "Wie das System";
    theme => "Theme", "Farbschema";
    language_label => "Language", "Sprache";
    footer => "Gangway, open source under Apache 2.0", "Gangway, quelloffen unter Apache 2.0";

    palette => "Search or jump", "Suchen oder springen";
    palette_hint => "Type a page, a device or an action", "Seite, Gerät oder Aktion eingeben";
    palette_find(query: &str) => "Search the fleet for “{query}”", "Flotte nach „{query}“ durchsuchen";
    keys_single => "Single-key shortcuts", "Kürzel aus einer Taste";
    keys => "Keyboard", "Tastatur";
    keys_palette => "Search or jump anywhere", "Suchen oder überallhin springen";
    keys_search => "Search the fleet", "Flotte durchsuchen";
    keys_help => "This list", "Diese Liste";
    keys_fleet => "Go to the fleet", "Zur Flotte";
    keys_close => "Close what is open", "Offenes schließen";

    online => "Online", "Online";
    offline => "Offline", "Offline";
    never_seen => "Never seen", "Nie gesehen";
    just_now => "just now", "gerade eben";
    last_known => "last known", "zuletzt bekannt";
    online_since => "since", "seit";
    state_pending => "Waiting for approval", "Wartet auf Freigabe";
    state_rejected => "Rejected", "Abgelehnt";
    state_enrolling => "Enrolling", "Wird aufgenommen";
    state_active => "Active", "Aktiv";
    state_suspended => "Suspended", "Gesperrt";
    state_retired => "Retired", "Ausgemustert";
    state_unknown => "Unknown", "Unbekannt";
    state_not_enrolled => "Not enrolled", "Nicht aufgenommen";

    reason_closed => "The device closed its session.", "Das Gerät hat seine Sitzung beendet.";
    reason_connection_lost => "The connection broke.", "Die Verbindung ist abgerissen.";
    reason_ping_timeout => "The device no longer answered.", "Das Gerät hat nicht mehr geantwortet.";
    reason_server_stopped => "The server was stopped.", "Der Server wurde angehalten.";
    reason_suspended => "Suspended: the session was closed.", "Gesperrt: Die Sitzung wurde geschlossen.";
    reason_out => "Out of the fleet: the session was closed.", "Nicht mehr in der Flotte: Die Sitzung wurde geschlossen.";
    reason_resumed => "It may connect again, and tries within the hour.", "Es darf sich wieder verbinden und versucht es innerhalb der Stunde.";
    reason_superseded => "A newer session of the device took over.", "Eine neuere Sitzung des Geräts hat übernommen.";
    reason_malformed => "The device broke the protocol.", "Das Gerät hat das Protokoll verletzt.";
    reason_unknown => "For a reason that this page does not know.", "Aus einem Grund, den diese Seite nicht kennt.";

    role_viewer => "Viewer", "Leser";
    role_installer => "Installer", "Installateur";
    role_operator => "Operator", "Betreiber";
    role_admin => "Admin", "Administrator";
    role_owner => "Owner", "Eigentümer";

    fact_hostname => "Host name", "Rechnername";
    fact_os => "System", "System";
    fact_os_version => "Version", "Version";
    fact_arch => "Processor", "Prozessor";
    fact_model => "Model", "Modell";
    fact_serial => "Serial number", "Seriennummer";
    fact_machine_id => "Machine id", "Maschinenkennung";
    fact_software => "Software", "Software";
    fact_software_version => "Software version", "Softwareversion";
    fact_addresses => "Own addresses", "Eigene Adressen";
}

plurals! {
    devices => "{} device", "{} devices"; "{} Gerät", "{} Geräte";
}
