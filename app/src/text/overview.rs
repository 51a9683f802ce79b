//! Texts of the fleet at a glance.

texts! {
    overview => "Overview", "Überblick";
    overview_show => "Show", "Zeigen";
    overview_online(online: &str, devices: &str) => "{online} online of {devices}", "{online} online von {devices}";
    overview_presence(days: &str) => "Online in the last {days}", "Online in den letzten {days}";
    overview_presence_words(least: &str, most: &str, devices: &str) => "Between {least} and {most} online, of {devices}", "Zwischen {least} und {most} online, von {devices}";
    overview_no_presence => "Who is online is counted every hour; the first count is still to come.", "Jede Stunde wird gezählt, wer online ist; die erste Zählung steht noch aus.";
    overview_expiring => "Certificates that end, by week", "Zertifikate, die enden, nach Wochen";
    overview_ended => "Ended", "Abgelaufen";
    overview_this_week => "Within a week", "Innerhalb einer Woche";
    overview_most(count: &str) => "at most {count} in a week", "höchstens {count} in einer Woche";
    overview_as_table => "As a table", "Als Tabelle";
    overview_funnel(days: &str) => "How far enrolments of the last {days} got", "Wie weit Aufnahmen der letzten {days} kamen";
    funnel_approved => "Approved", "Freigegeben";
    funnel_issued => "Certificate issued", "Zertifikat ausgestellt";
    funnel_delivered => "Certificate at the device", "Zertifikat beim Gerät";
    funnel_proven => "Came online", "Kam online";
    funnel_withdrawn => "Taken back or lapsed", "Zurückgenommen oder verfallen";
    overview_states => "Devices by state", "Geräte nach Zustand";
    overview_versions => "Devices by software version", "Geräte nach Softwareversion";
    overview_signers => "Devices by signer", "Geräte nach Signaturstelle";
    overview_no_version => "Unknown", "Unbekannt";
    overview_other => "Others", "Andere";
    overview_nothing => "Nothing to count yet.", "Noch nichts zu zählen.";
}

plurals! {
    overview_in_weeks => "In {} week", "In {} weeks"; "In {} Woche", "In {} Wochen";
}
