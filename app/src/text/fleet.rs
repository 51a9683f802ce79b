//! Texts of the fleet table.

texts! {
    search_devices => "Search devices", "Geräte suchen";
    search_apply => "Search and filter", "Suchen und filtern";
    search_placeholder => "Name, label, serial number …", "Name, Etikett, Seriennummer …";
    all_states => "All but retired", "Ohne ausgemusterte";
    all_presences => "Online or not", "Online oder nicht";
    all_organisations => "All organisations", "Alle Organisationen";
    sort_label => "Order", "Reihenfolge";
    sort_newest => "Newest first", "Neueste zuerst";
    sort_oldest => "Oldest first", "Älteste zuerst";
    sort_name => "Name, A to Z", "Name, A bis Z";
    sort_name_back => "Name, Z to A", "Name, Z bis A";
    sort_seen => "Last seen first", "Zuletzt gesehen zuerst";
    sort_unseen => "Longest unseen first", "Am längsten nicht gesehen zuerst";
    export_csv_hint => "Export what is listed, all pages", "Exportiert, was gelistet ist, alle Seiten";
    column_presence => "Presence", "Anwesenheit";
    column_state => "State", "Zustand";
    column_system => "System", "System";
    column_certificate => "Certificate ends", "Zertifikat endet";
    column_added => "Added", "Seit";
    alarm_short => "Copied?", "Kopiert?";
    fleet_empty => "No device is aboard yet", "Noch ist kein Gerät an Bord";
    fleet_empty_text => "Run this on the device. It shows a code; enter that here, and seconds later the device is in this list.", "Das auf dem Gerät ausführen. Es zeigt einen Code; hier eingeben, und Sekunden später steht das Gerät in dieser Liste.";
    fleet_empty_viewer => "Devices are added by members with the role operator or installer. Once they are, they are in this list.", "Geräte fügen Mitglieder mit der Rolle Betreiber oder Installateur hinzu. Danach stehen sie in dieser Liste.";
    fleet_not_allowed => "The fleet is not part of your role", "Die Flotte gehört nicht zu Ihrer Rolle";
    fleet_not_allowed_text => "As an installer you add devices; whoever runs them sees them in the fleet. Ask an admin of the organisation if you need to see them too.", "Als Installateur fügen Sie Geräte hinzu; in der Flotte sieht sie, wer sie betreibt. Wenn Sie sie auch sehen müssen, fragen Sie einen Administrator der Organisation.";
    enter_code => "Enter a code", "Code eingeben";
    nothing_found => "Nothing found", "Nichts gefunden";
    nothing_found_text => "No device fits the search and the filters. Retired ones show under the state “Retired”.", "Kein Gerät passt zu Suche und Filtern. Ausgemusterte stehen unter dem Zustand „Ausgemustert“.";
    clear_filters => "Clear search and filters", "Suche und Filter aufheben";
    devices_listed => "Devices", "Geräte";
    fleet_changed => "Show changes", "Änderungen zeigen";
    views => "Views", "Ansichten";
    views_none => "No view is kept yet.", "Noch ist keine Ansicht gespeichert.";
    view_keep => "Keep this view", "Diese Ansicht speichern";
    view_name => "Name of the view", "Name der Ansicht";
    view_share(place: &str) => "For everybody who sees the fleet of {place}", "Für alle, die die Flotte von {place} sehen";
    view_shared => "shared", "geteilt";
    view_remove(name: &str) => "Remove the view {name}", "Ansicht {name} entfernen";
    pages => "Pages", "Seiten";
    first_page => "First page", "Erste Seite";
    next_page => "Next page", "Nächste Seite";
    more_than(devices: &str) => "more than {devices}", "mehr als {devices}";
    shown_of(shown: &str, all: &str) => "{shown} of {all}", "{shown} gezeigt · {all}";
}

plurals! {
    fleet_fresh => "{} new", "{} new"; "{} neu", "{} neu";
}
