//! Texts of the signers' page.

texts! {
    signers => "Signers", "Signierstellen";
    signers_lede => "Who signs the certificates of your devices. The first one is offered first; whoever enrols a device may choose another.", "Wer die Zertifikate Ihrer Geräte signiert. Die erste Stelle wird zuerst angeboten; wer ein Gerät aufnimmt, kann eine andere wählen.";
    signers_list => "In this order", "In dieser Reihenfolge";
    signers_need_script => "Signers are changed with scripts, which this browser does not run. What is set stays in force.", "Signierstellen werden mit Skripten geändert, die dieser Browser nicht ausführt. Was eingestellt ist, gilt weiter.";
    signers_not_allowed => "Only admins of an organisation decide who signs. Ask one of yours.", "Wer signiert, entscheiden die Admins einer Organisation. Fragen Sie einen davon.";
    signer_add => "Add signer", "Signierstelle hinzufügen";
    signer_add_aws => "Add AWS IoT Core", "AWS IoT Core hinzufügen";
    signer_aws_ready => "Have ready: the region of your AWS account, its IoT device endpoint, and for whoever enrols devices AWS credentials with the right iot:CreateCertificateFromCsr. Credentials are never entered here.", "Halten Sie bereit: die Region Ihres AWS-Kontos, dessen IoT-Geräteendpunkt und für alle, die Geräte aufnehmen, AWS-Zugangsdaten mit dem Recht iot:CreateCertificateFromCsr. Zugangsdaten werden hier nie eingegeben.";
    signer_edit(name: &str) => "Change {name}", "{name} ändern";
    signer_raise(name: &str) => "Offer {name} earlier", "{name} früher anbieten";
    signer_remove_label(name: &str) => "Remove {name}", "{name} entfernen";
    signer_remove_title(name: &str) => "Remove {name}?", "{name} entfernen?";
    signer_remove_says => "Only a signer for which no device was ever approved can be removed. One that was used can be switched off instead.", "Nur eine Stelle, für die nie ein Gerät freigegeben wurde, lässt sich entfernen. Eine benutzte lässt sich stattdessen abschalten.";
    signer_remove => "Remove", "Entfernen";
    signer_first => "offered first", "zuerst angeboten";
    signer_disabled => "switched off", "abgeschaltet";
    signer_from_role(role: &str) => "from {role}", "ab {role}";
    signer_least_role => "May be used from this role on", "Nutzbar ab dieser Rolle";
    signer_enabled => "Switched on: devices may be approved for it", "Eingeschaltet: Geräte dürfen dafür freigegeben werden";
    signer_builtin => "built-in CA", "eingebaute CA";
    signer_aws_iot => "AWS IoT Core", "AWS IoT Core";
    signer_unknown => "of a newer version", "einer neueren Version";
    signer_name => "Name", "Name";
    aws_region => "Region", "Region";
    aws_data_endpoint => "Device endpoint (optional)", "Geräteendpunkt (optional)";
    aws_data_endpoint_hint => "In AWS IoT under Settings. Devices get it together with their certificate.", "In AWS IoT unter Einstellungen. Geräte bekommen ihn mit ihrem Zertifikat.";
    aws_activate => "Certificates are active at once", "Zertifikate sind sofort aktiv";
    aws_more => "More", "Mehr";
    aws_endpoint => "Another address of the AWS IoT API (optional)", "Andere Adresse der AWS-IoT-API (optional)";
}
