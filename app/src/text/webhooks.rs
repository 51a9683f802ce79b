//! Texts of the webhooks' page, and of certificates that end soon.

texts! {
    webhooks => "Webhooks", "Webhooks";
    webhooks_lede => "Programs of yours are told here what happens to the devices of an organisation and of all below it. Each request is signed.", "Eigene Programme erfahren hier, was mit den Geräten einer Organisation und aller darunter geschieht. Jede Anfrage ist signiert.";
    webhooks_need_script => "Webhooks are changed with scripts, which this browser does not run. What is set goes on sending.", "Webhooks werden mit Skripten geändert, die dieser Browser nicht ausführt. Was eingestellt ist, sendet weiter.";
    webhooks_not_allowed => "Only admins of an organisation decide where its events are sent. Ask one of yours.", "Wohin die Ereignisse einer Organisation gesendet werden, entscheiden ihre Admins. Fragen Sie einen davon.";
    webhooks_none => "None yet.", "Noch keine.";
    webhook_add => "Add webhook", "Webhook hinzufügen";
    webhook_edit(name: &str) => "Edit {name}", "{name} bearbeiten";
    webhook_name => "Name", "Name";
    webhook_url => "URL", "URL";
    webhook_url_hint => "It begins with https:// and is reached from the internet.", "Sie beginnt mit https:// und ist aus dem Internet erreichbar.";
    webhook_events => "What it tells of", "Wovon er berichtet";
    webhook_everything => "Everything, also what later versions add", "Von allem, auch von dem, was spätere Versionen hinzufügen";
    webhook_no_events => "Choose at least one event, or everything.", "Bitte mindestens ein Ereignis wählen oder alles.";
    webhook_tells_everything => "Everything", "Alles";
    webhook_sends => "It sends", "Er sendet";
    webhook_off => "off", "aus";
    webhook_failing => "switched off: for days nothing got through", "abgeschaltet: tagelang kam nichts durch";
    webhook_gone => "switched off: its receiver is gone (410)", "abgeschaltet: Empfänger ist weg (410)";
    webhook_failing_since => "nothing has got through since", "nichts kommt durch seit";
    webhook_secret_shown_once => "Give this secret to the receiver, which verifies signatures with it. It is shown once.", "Dieses Geheimnis bekommt der Empfänger, der damit die Signaturen prüft. Es wird einmal gezeigt.";
    webhook_secret_new(name: &str) => "New secret for {name}", "Neues Geheimnis für {name}";
    webhook_secret_title(name: &str) => "New secret for {name}?", "Neues Geheimnis für {name}?";
    webhook_secret_says_1 => "The new secret is shown once.", "Das neue Geheimnis wird einmal gezeigt.";
    webhook_secret_says_2 => "For 24 hours both sign, so that receivers can be changed one after the other.", "24 Stunden lang signieren beide, damit Empfänger nacheinander umgestellt werden können.";
    webhook_secret_make => "Make a new one", "Neues erstellen";
    webhook_secret_until => "the former secret signs too until", "das frühere Geheimnis signiert mit bis";
    webhook_remove_label(name: &str) => "Remove {name}", "{name} entfernen";
    webhook_remove_title(name: &str) => "Remove {name}?", "{name} entfernen?";
    webhook_remove_says => "It sends nothing more, and its log goes.", "Er sendet nichts mehr, und sein Protokoll verschwindet.";
    webhook_remove => "Remove", "Entfernen";
    webhook_test => "Send a test", "Test senden";
    webhook_test_title(name: &str) => "Test of {name}", "Test von {name}";
    webhook_test_passed => "The receiver took it.", "Der Empfänger hat ihn angenommen.";
    webhook_test_failed => "It did not get through.", "Er kam nicht durch.";
    webhook_log => "Log", "Protokoll";
    webhook_log_title(name: &str) => "Log of {name}", "Protokoll von {name}";
    webhook_log_empty => "Nothing was sent yet.", "Es wurde noch nichts gesendet.";
    webhook_log_more => "Show older ones", "Ältere zeigen";
    webhook_replay => "Send again", "Erneut senden";
    webhook_replay_failed => "Send again what failed in 7 days", "Fehlgeschlagenes aus 7 Tagen erneut senden";
    webhook_status(status: u16) => "HTTP status {status}", "HTTP-Status {status}";
    webhook_no_answer => "No answer", "Keine Antwort";
    webhook_next_attempt => "next attempt", "nächster Versuch";
    delivery_waiting => "waiting", "wartet";
    delivery_delivered => "delivered", "zugestellt";
    delivery_failed => "failed", "fehlgeschlagen";
    delivery_withdrawn => "withdrawn", "zurückgezogen";
    delivery_unknown => "unknown", "unbekannt";
    told_enrolled => "A device was enrolled", "Ein Gerät wurde aufgenommen";
    told_online => "A device came online", "Ein Gerät ist online";
    told_offline => "A device went offline", "Ein Gerät ist offline";
    told_suspended => "A device was suspended", "Ein Gerät wurde gesperrt";
    told_resumed => "A device was let in again", "Ein Gerät wurde wieder zugelassen";
    told_revoked => "A device was revoked", "Ein Gerät wurde widerrufen";
    told_retired => "A device was retired", "Ein Gerät wurde entlassen";
    told_moved => "A device was moved", "Ein Gerät wurde verschoben";
    told_alarm => "A device’s key seems copied", "Ein Geräteschlüssel scheint kopiert";
    told_expiring => "A certificate ends soon", "Ein Zertifikat läuft bald ab";
    told_test => "Test", "Test";
    told_unknown => "Something that this version does not know", "Etwas, das diese Version nicht kennt";
    organisation_webhooks => "Its webhooks", "Webhooks der Organisation";
    expiring => "Certificates that end soon", "Bald ablaufende Zertifikate";
    expiring_lede => "Of active devices, here and in the organisations below, soonest first. A device renews by itself while it is online.", "Von aktiven Geräten, hier und in den Organisationen darunter, die nächsten zuerst. Ein Gerät erneuert von selbst, solange es online ist.";
    expiring_none => "No certificate ends in that time.", "In dieser Zeit läuft kein Zertifikat ab.";
    expiring_within => "Within", "Innerhalb von";
    expiring_ends => "ends", "endet";
    expiring_more => "Later ones", "Spätere";
}

plurals! {
    webhook_replayed => "{} event is sent again.", "{} events are sent again."; "{} Ereignis wird erneut gesendet.", "{} Ereignisse werden erneut gesendet.";
    expiring_count => "{} certificate ends within 7 days.", "{} certificates end within 7 days."; "{} Zertifikat läuft innerhalb von 7 Tagen ab.", "{} Zertifikate laufen innerhalb von 7 Tagen ab.";
}
