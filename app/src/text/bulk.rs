//! Texts of actions on many devices.

texts! {
    jobs => "Actions on many devices", "Aktionen für viele Geräte";
    jobs_lede => "What was asked for in the last 30 days, and how far it is.", "Was in den letzten 30 Tagen verlangt wurde und wie weit es ist.";
    jobs_none => "Nothing was asked for lately. Choose devices in the fleet to begin.", "In letzter Zeit wurde nichts verlangt. In der Flotte Geräte auswählen, um zu beginnen.";
    jobs_more => "Earlier ones", "Frühere";
    choose_device(name: &str) => "Choose {name}", "{name} auswählen";
    choose_page => "Choose all on this page", "Alle auf dieser Seite auswählen";
    choose_all(devices: &str) => "Choose all that match: {devices}", "Alle passenden auswählen: {devices}";
    chosen_all(devices: &str) => "All that match are chosen: {devices}", "Alle passenden sind ausgewählt: {devices}";
    choose_none => "Choose none", "Auswahl aufheben";
    bulk_action => "What to do with them", "Was mit ihnen geschehen soll";
    bulk_pick => "Do something …", "Etwas tun …";
    bulk_go => "Continue", "Weiter";
    bulk_organisation_first => "Filter by an organisation first: an action is for the devices of one organisation and below.", "Zuerst nach einer Organisation filtern: Eine Aktion gilt den Geräten einer Organisation und darunter.";
    bulk_add_labels => "Add labels", "Etiketten geben";
    bulk_remove_labels => "Remove labels", "Etiketten nehmen";
    bulk_move => "Move", "Verschieben";
    bulk_renew => "Renew certificates", "Zertifikate erneuern";
    bulk_suspend => "Suspend", "Sperren";
    bulk_resume => "Let in again", "Wieder zulassen";
    bulk_revoke => "Revoke", "Widerrufen";
    bulk_retire => "Retire", "Ausmustern";
    bulk_unknown => "Something newer than this page", "Etwas Neueres als diese Seite";
    bulk_labels => "Labels, with commas between", "Etiketten, durch Kommas getrennt";
    bulk_title(verb: &str, devices: &str) => "{verb}: {devices}?", "{verb}: {devices}?";
    bulk_says_undo => "It begins after ten seconds. Until then it can be undone as if it had never been asked for.", "Es beginnt nach zehn Sekunden. Bis dahin lässt es sich zurücknehmen, als wäre es nie verlangt worden.";
    bulk_says_labels => "Names and everything else stay as they are.", "Namen und alles andere bleiben, wie sie sind.";
    bulk_says_move => "Certificates and history go with the devices. Whoever belongs to the new organisation sees them from then on.", "Zertifikate und Verlauf gehen mit den Geräten. Wer zur neuen Organisation gehört, sieht sie von da an.";
    bulk_says_renew => "Devices that are connected ask for new certificates now, the others when they come back.", "Verbundene Geräte holen sich jetzt neue Zertifikate, die anderen, wenn sie wiederkommen.";
    bulk_says_suspend => "Their sessions end, and their certificates are on hold until somebody lets them in again.", "Ihre Sitzungen enden, und ihre Zertifikate ruhen, bis jemand sie wieder zulässt.";
    bulk_says_resume => "They may connect again, and try within the hour.", "Sie dürfen sich wieder verbinden und versuchen es innerhalb der Stunde.";
    bulk_says_revoke => "Their certificates end for good and their keys are refused: each has to make a new key and be added anew.", "Ihre Zertifikate enden endgültig und ihre Schlüssel werden abgelehnt: Jedes muss einen neuen Schlüssel machen und neu aufgenommen werden.";
    bulk_says_retire => "They leave the fleet, and their certificates end. Their keys may come back with a new approval.", "Sie verlassen die Flotte, und ihre Zertifikate enden. Ihre Schlüssel dürfen mit einer neuen Freigabe wiederkommen.";
    job_with(action: &str, devices: &str) => "{action}: {devices}", "{action}: {devices}";
    job_waiting => "Begins in a moment", "Beginnt gleich";
    job_unconfirmed => "Waits for a second person", "Wartet auf eine zweite Person";
    job_unconfirmed_own => "The rules here ask for a second person. Somebody else who runs these devices has to confirm it on the page “Actions on many devices”.", "Die Regeln hier verlangen eine zweite Person. Jemand anderes, der diese Geräte betreibt, muss es auf der Seite „Aktionen für viele Geräte“ bestätigen.";
    job_running => "Under way", "Läuft";
    job_done => "Done", "Fertig";
    job_cancelled => "Cancelled", "Abgebrochen";
    job_stopped => "Stopped", "Angehalten";
    job_progress(gone: &str, all: &str) => "{gone} of {all}", "{gone} von {all}";
    job_undo => "Undo", "Zurücknehmen";
    job_cancel => "Stop", "Anhalten";
    job_confirm => "Confirm", "Bestätigen";
    job_failures => "What failed", "Was fehlschlug";
    job_by => "Asked for by", "Verlangt von";
    job_all => "All actions", "Alle Aktionen";
    job_ended_by(who: &str) => "By {who}", "Von {who}";
    rule_second_person => "A second person confirms actions on more devices than", "Eine zweite Person bestätigt Aktionen für mehr Geräte als";
    filter_more => "More filters", "Mehr Filter";
    filter_label => "Label", "Etikett";
    filter_version => "Software version", "Softwareversion";
    filter_signer => "Signer", "Signaturstelle";
    filter_expires => "Certificate ends", "Zertifikat endet";
    filter_any => "Any", "Beliebig";
    filter_within(days: &str) => "within {days}", "innerhalb {days}";
    filter_by_label(label: &str) => "Only devices with the label {label}", "Nur Geräte mit dem Etikett {label}";
    deed_bulk_requested => "An action on many devices was asked for", "Eine Aktion für viele Geräte wurde verlangt";
    deed_bulk_confirmed => "A second person confirmed an action on many devices", "Eine zweite Person bestätigte eine Aktion für viele Geräte";
    deed_bulk_cancelled => "An action on many devices was cancelled", "Eine Aktion für viele Geräte wurde abgebrochen";
    deed_bulk_stopped => "An action on many devices was stopped", "Eine Aktion für viele Geräte wurde angehalten";
    deed_bulk_done => "An action on many devices was done", "Eine Aktion für viele Geräte war fertig";
    family_bulk => "Actions on many devices", "Aktionen für viele Geräte";
}

plurals! {
    chosen => "{} chosen", "{} chosen"; "{} ausgewählt", "{} ausgewählt";
    job_count_done => "{} done", "{} done"; "{} erledigt", "{} erledigt";
    job_count_unchanged => "{} needed nothing", "{} needed nothing"; "{} brauchte nichts", "{} brauchten nichts";
    job_count_failed => "{} failed", "{} failed"; "{} fehlgeschlagen", "{} fehlgeschlagen";
}
