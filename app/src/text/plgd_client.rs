//! Texts of the page for plgd clients.

use gangway_signing::{ClientError, ClientMode, CloudStatus, Ownership, SigningError, UnfitClientAddress};

use crate::preference::Language;

impl Language {
    /// Why an address is not taken, and what to do.
    pub(crate) fn client_address_unfit(self, unfit: UnfitClientAddress) -> &'static str {
        match unfit {
            UnfitClientAddress::NotAnOrigin => self.client_address_no_origin(),
            UnfitClientAddress::Credentials => self.client_address_credentials(),
            UnfitClientAddress::MixedContent => self.client_address_mixed_content(),
            UnfitClientAddress::Panel => self.client_address_panel(),
        }
    }

    /// Why something with a client did not work, and what to do.
    pub(crate) fn client_failed(self, error: &ClientError) -> String {
        match error {
            ClientError::Unreachable { .. } => self.client_unreachable().to_owned(),
            ClientError::Expired => self.client_expired_twice().to_owned(),
            ClientError::NotAccepted { detail } => self.client_not_accepted(detail),
            ClientError::Refused { detail, .. } => self.client_refused(detail),
            ClientError::Occupied { owner } => self.client_occupied(owner),
            ClientError::OtherOutcome => self.client_other_outcome().to_owned(),
            ClientError::NoOwner { claim } => self.client_no_owner(claim),
            ClientError::Request(unfit) => self.client_request_unfit(&unfit.to_string()),
            ClientError::Signing(SigningError::Hub { detail, .. }) => self.client_hub_refused(detail),
            ClientError::Signing(error) => self.client_not_signed(&error.to_string()),
            ClientError::BuiltinRefused { detail, .. } => self.client_builtin_refused(detail),
            ClientError::Authority(error) => self.sign_in_failed(error),
            ClientError::HubIncomplete { what } => self.client_hub_incomplete(what),
            ClientError::Malformed { detail } => self.client_malformed(detail),
        }
    }

    /// How a client proves itself to devices.
    pub(crate) fn client_mode(self, mode: ClientMode) -> &'static str {
        match mode {
            ClientMode::Uninitialised => self.client_mode_none(),
            ClientMode::PreSharedKey => self.client_mode_key(),
            ClientMode::X509 => self.client_mode_certificate(),
            ClientMode::Unknown => self.client_mode_unknown(),
        }
    }

    /// Whose a device is.
    pub(crate) fn client_ownership(self, ownership: Ownership) -> &'static str {
        match ownership {
            Ownership::Unowned => self.client_device_unowned(),
            Ownership::Owned => self.client_device_owned(),
            Ownership::Unsupported => self.client_device_unsupported(),
            Ownership::Unknown => self.client_device_unknown(),
        }
    }

    /// How a device stands with a hub after it was told to join or leave it.
    pub(crate) fn client_cloud(self, name: &str, status: CloudStatus) -> String {
        match status {
            CloudStatus::Registered => self.client_device_registered(name),
            CloudStatus::Uninitialised => self.client_device_left(name),
            CloudStatus::Failed => self.client_device_failed(name),
            CloudStatus::Moving | CloudStatus::Unknown => self.client_device_told(name),
        }
    }
}

texts! {
    plgd_client_way => "Initialise a plgd client", "Einen plgd-Client initialisieren";
    plgd_client_lede => "A client application that your browser reaches, but the hub does not, gets its certificate through this page. Its private key stays with it. What the hub gives you goes from this page to the hub and to the client, never to Gangway’s server.", "Eine Client-Anwendung, die Ihr Browser erreicht, der Hub aber nicht, bekommt ihr Zertifikat über diese Seite. Ihr privater Schlüssel bleibt bei ihr. Was der Hub Ihnen gibt, geht von dieser Seite an den Hub und an den Client, nie an den Server von Gangway.";
    plgd_client_need_script => "This page asks the client and the hub itself, which takes scripts. This browser does not run them.", "Diese Seite fragt Client und Hub selbst, und das braucht Skripte. Dieser Browser führt sie nicht aus.";
    plgd_client_not_allowed => "Clients are initialised by whoever may add devices. Ask an admin of your organisation.", "Clients initialisiert, wer Geräte hinzufügen darf. Fragen Sie einen Admin Ihrer Organisation.";
    client_address => "Address of the client", "Adresse des Clients";
    client_address_hint => "As this browser reaches it, for example https://client.example:8443, or http://localhost:8080 on this machine.", "Wie dieser Browser ihn erreicht, zum Beispiel https://client.example:8443, oder http://localhost:8080 auf diesem Rechner.";
    client_address_use => "Continue", "Weiter";
    client_address_no_origin => "This is not an address that can be used. It has https, a host and perhaps a port, and nothing behind that, like https://client.example:8443.", "Diese Adresse lässt sich nicht verwenden. Sie besteht aus https, einem Rechnernamen und vielleicht einem Port, ohne etwas dahinter, wie https://client.example:8443.";
    client_address_credentials => "An address with a name before an @ is not taken: it would lead elsewhere than it seems to. Enter the host alone.", "Eine Adresse mit einem Namen vor einem @ wird nicht angenommen: Sie führt woandershin, als es scheint. Bitte nur den Rechnernamen eingeben.";
    client_address_mixed_content => "Browsers do not let this page ask another machine by http (mixed content). Switch TLS on at the client and use its https address, or open this page on the machine where the client runs and use http://localhost.", "Browser lassen diese Seite einen anderen Rechner nicht über http fragen (Mixed Content). Schalten Sie TLS beim Client ein und nehmen Sie seine https-Adresse, oder öffnen Sie diese Seite auf dem Rechner, auf dem der Client läuft, und nehmen Sie http://localhost.";
    client_address_panel => "This is the address of Gangway. Enter the one of the client.", "Das ist die Adresse von Gangway. Bitte die des Clients eingeben.";
    client_recent => "Used in this browser lately", "Zuletzt in diesem Browser benutzt";
    client_forget => "Forget these", "Diese vergessen";
    client_is_it_yours(host: &str) => "What you do below goes to {host}, your sign-in at the hub included: whoever runs it can act as you at the hub until that ends. Go on only if this client is yours.", "Was Sie hier tun, geht an {host}, auch Ihre Anmeldung am Hub: Wer ihn betreibt, kann dort in Ihrem Namen handeln, bis sie endet. Nur weitermachen, wenn dieser Client Ihrer ist.";
    client_nothing_sent => "Nothing has been sent there yet.", "Bisher wurde nichts dorthin gesendet.";
    client_connect(host: &str) => "Connect to {host}", "Mit {host} verbinden";
    client_working(host: &str) => "{host} is being asked …", "{host} wird gefragt …";
    client_reachable => "Reachable", "Erreichbar";
    client_is_unreachable => "Unreachable", "Nicht erreichbar";
    client_is_occupied => "Occupied", "Belegt";
    client_unreachable => "The client did not answer. A browser does not tell why; it is one of these:", "Der Client hat nicht geantwortet. Warum, sagt der Browser nicht; es ist eines davon:";
    client_unreachable_network => "It does not run at this address, or this network does not lead to it.", "Er läuft nicht unter dieser Adresse, oder dieses Netz führt nicht zu ihm.";
    client_unreachable_certificate => "This browser does not trust its certificate. Open the address and accept the certificate there, then try again.", "Dieser Browser vertraut seinem Zertifikat nicht. Öffnen Sie die Adresse, nehmen Sie dort das Zertifikat an und versuchen Sie es noch einmal.";
    client_unreachable_cors => "It does not allow this page to ask (CORS), or the browser was not allowed to reach the local network.", "Er erlaubt dieser Seite die Anfrage nicht (CORS), oder dem Browser ist der Zugriff auf das lokale Netz nicht erlaubt.";
    client_open_address => "Open the address", "Adresse öffnen";
    client_look_again => "Look again", "Noch einmal nachsehen";
    client_version => "Version", "Version";
    client_state => "State", "Zustand";
    client_proves => "Proves itself by", "Weist sich aus mit";
    client_owner => "Initialised by", "Initialisiert von";
    client_state_none => "not initialised", "nicht initialisiert";
    client_state_yours => "initialised by you", "von Ihnen initialisiert";
    client_state_ready => "initialised", "initialisiert";
    client_mode_none => "nothing yet", "noch nichts";
    client_mode_key => "a pre-shared key", "einem vorab geteilten Schlüssel";
    client_mode_certificate => "a certificate of the hub’s domain", "einem Zertifikat der Domäne des Hubs";
    client_mode_unknown => "something that this version does not know", "etwas, das diese Version nicht kennt";
    client_initialise_title => "Initialise it", "Initialisieren";
    client_initialise(host: &str) => "Initialise {host}", "{host} initialisieren";
    client_initialise_by => "How", "Womit";
    client_by_hub(hub: &str) => "Certificate of {hub}", "Zertifikat von {hub}";
    client_by_builtin(hub: &str) => "Certificate of our built-in CA, signed in at {hub}", "Zertifikat unserer eingebauten CA, angemeldet bei {hub}";
    client_by_key => "Pre-shared key, without a hub", "Vorab geteilter Schlüssel, ohne Hub";
    client_no_hub => "Your organisation has no plgd hub among its signers, so that a pre-shared key is what is left. An admin can add a hub under Signers.", "Ihre Organisation hat keinen plgd-Hub unter ihren Signierstellen; es bleibt ein vorab geteilter Schlüssel. Ein Admin kann unter Signierstellen einen Hub hinzufügen.";
    client_first_come => "Whoever initialises a client first becomes its owner: it believes the keys that it is given. Do it where nobody else reaches it.", "Wer einen Client zuerst initialisiert, wird sein Eigentümer: Er glaubt den Schlüsseln, die er bekommt. Tun Sie es, wo niemand sonst ihn erreicht.";
    client_forgets => "It keeps its key and certificate in memory: after a restart it has to be initialised again.", "Schlüssel und Zertifikat behält er im Arbeitsspeicher: Nach einem Neustart muss er neu initialisiert werden.";
    client_key_subject => "Name of the client for its devices", "Name des Clients für seine Geräte";
    client_key_subject_hint => "Devices know the client by it, for example a UUID. Keep it together with the key.", "Daran erkennen Geräte den Client, zum Beispiel eine UUID. Bitte zusammen mit dem Schlüssel aufbewahren.";
    client_key => "Pre-shared key", "Vorab geteilter Schlüssel";
    client_key_hint => "At least 16 characters; the client uses the first 16 bytes. Whoever loses it has to reset each device by its button. It goes to the client alone.", "Mindestens 16 Zeichen; der Client verwendet die ersten 16 Bytes. Geht er verloren, muss jedes Gerät an seiner Taste zurückgesetzt werden. Er geht nur an den Client.";
    client_key_short => "The key needs at least 16 characters, and the client a name.", "Der Schlüssel braucht mindestens 16 Zeichen und der Client einen Namen.";
    client_key_save => "The client keeps it across restarts", "Der Client behält ihn über Neustarts";
    client_progress => "Initialising", "Initialisierung";
    client_step_preparing => "Sign-in and keys are there", "Anmeldung und Schlüssel sind da";
    client_step_asking => "The client asks for a certificate", "Der Client bittet um ein Zertifikat";
    client_step_signing => "The request is signed", "Die Anfrage ist signiert";
    client_step_finishing => "The client has its certificate", "Der Client hat sein Zertifikat";
    client_step_checking => "The client says the same", "Der Client bestätigt es";
    client_expired => "The client’s challenge has expired (it lasts a minute); a new one was asked for.", "Die Aufgabe des Clients war abgelaufen (sie gilt eine Minute); eine neue wurde angefordert.";
    client_expired_twice => "The client’s challenge has expired (it lasts a minute), and so has the one after it. Try again: the client gives a new one each time.", "Die Aufgabe des Clients ist abgelaufen (sie gilt eine Minute), und die nächste auch. Bitte noch einmal versuchen: Der Client gibt jedes Mal eine neue.";
    client_done_initialised => "The client is initialised, and it is yours.", "Der Client ist initialisiert und gehört Ihnen.";
    client_done_shared => "The client is initialised with the key.", "Der Client ist mit dem Schlüssel initialisiert.";
    client_done_reset => "The client has forgotten its key and its owner.", "Der Client hat Schlüssel und Eigentümer vergessen.";
    client_not_accepted(detail: &str) => "The client does not accept your sign-in ({detail}). It was initialised by somebody else, or the hub has other keys by now: then whoever initialised it resets it, or restarts it, and it is initialised anew.", "Der Client nimmt Ihre Anmeldung nicht an ({detail}). Jemand anderes hat ihn initialisiert, oder der Hub hat inzwischen andere Schlüssel: Dann setzt ihn zurück, wer ihn initialisiert hat, oder er wird neu gestartet und neu initialisiert.";
    client_refused(detail: &str) => "The client refused: {detail}.", "Der Client hat abgelehnt: {detail}.";
    client_occupied(owner: &str) => "The client was initialised by another user ({owner}). That user can reset it; or restart it, and initialise it then.", "Der Client wurde von jemand anderem initialisiert ({owner}). Diese Person kann ihn zurücksetzen; oder Sie starten ihn neu und initialisieren ihn danach.";
    client_other_outcome => "The client says that it is done, but its configuration tells something else. Look whether this is the right client.", "Der Client meldet Erfolg, aber seine Konfiguration sagt etwas anderes. Bitte prüfen, ob es der richtige Client ist.";
    client_no_owner(claim: &str) => "The hub’s access token does not name its owner (claim {claim}). An admin of the hub has to add that.", "Das Zugriffstoken des Hubs nennt seinen Eigentümer nicht (Claim {claim}). Ein Admin des Hubs muss das ergänzen.";
    client_request_unfit(why: &str) => "What the client wants to have signed is not passed on: {why}. A sound client does not ask for that.", "Was der Client signieren lassen will, wird nicht weitergegeben: {why}. Ein einwandfreier Client bittet nicht darum.";
    client_hub_refused(detail: &str) => "The hub does not sign this: {detail}.", "Der Hub signiert das nicht: {detail}.";
    client_builtin_refused(detail: &str) => "The built-in CA does not sign this: {detail}.", "Die eingebaute CA signiert das nicht: {detail}.";
    client_not_signed(why: &str) => "It was not signed: {why}.", "Es wurde nicht signiert: {why}.";
    client_hub_incomplete(what: &str) => "The hub’s configuration does not tell its {what}, without which no device can join it. An admin of the hub has to add that.", "Die Konfiguration des Hubs nennt {what} nicht; ohne das kann kein Gerät beitreten. Ein Admin des Hubs muss das ergänzen.";
    client_malformed(detail: &str) => "An answer could not be understood ({detail}). Look whether this is a plgd client, and of which version.", "Eine Antwort war nicht zu verstehen ({detail}). Bitte prüfen, ob das ein plgd-Client ist und welcher Version.";
    client_device_by => "Sign-in, and certificates for devices", "Anmeldung, und Zertifikate für Geräte";
    client_reset(host: &str) => "Reset {host}", "{host} zurücksetzen";
    client_reset_says => "The client forgets its key, its certificate and its owner. Devices that it owns stay owned; with a pre-shared key that is lost they can only be reset by their button.", "Der Client vergisst Schlüssel, Zertifikat und Eigentümer. Geräte, die ihm gehören, behalten ihren Eigentümer; ist ein vorab geteilter Schlüssel verloren, lassen sie sich nur an ihrer Taste zurücksetzen.";
    client_reset_verb => "Reset", "Zurücksetzen";
    client_devices => "Devices near the client", "Geräte beim Client";
    client_devices_find(host: &str) => "Have {host} look for devices", "{host} nach Geräten suchen lassen";
    client_devices_address => "At one address alone (optional)", "Nur unter einer Adresse (optional)";
    client_devices_address_hint => "Host or host:port of a device that does not answer in the local network.", "Rechner oder Rechner:Port eines Geräts, das im lokalen Netz nicht antwortet.";
    client_devices_none => "The client found no devices. They have to be on, and in the client’s network.", "Der Client hat keine Geräte gefunden. Sie müssen eingeschaltet und im Netz des Clients sein.";
    client_device_unowned => "not owned", "ohne Eigentümer";
    client_device_owned => "owned", "hat Eigentümer";
    client_device_unsupported => "knows no owners", "kennt keine Eigentümer";
    client_device_unknown => "not known", "unbekannt";
    client_nameless => "Device without a name", "Gerät ohne Namen";
    client_own => "Own", "Übernehmen";
    client_disown => "Disown", "Aufgeben";
    client_onboard => "Onboard", "An Hub anbinden";
    client_offboard => "Offboard", "Vom Hub lösen";
    client_disown_title(name: &str) => "Disown {name}?", "{name} aufgeben?";
    client_disown_says => "The device forgets its owner, its certificate and its hub. Whoever is near can own it then.", "Das Gerät vergisst Eigentümer, Zertifikat und Hub. Danach kann es übernehmen, wer in der Nähe ist.";
    client_offboard_title(name: &str) => "Offboard {name}?", "{name} vom Hub lösen?";
    client_offboard_says => "The device leaves the hub and is not reached by it any more. It keeps its owner.", "Das Gerät verlässt den Hub und ist über ihn nicht mehr erreichbar. Seinen Eigentümer behält es.";
    client_owning => "Owning a device", "Gerät wird übernommen";
    client_device_step_asking => "The device asks for a certificate", "Das Gerät bittet um ein Zertifikat";
    client_device_step_finishing => "The device has its certificate", "Das Gerät hat sein Zertifikat";
    client_device_is_owned(name: &str) => "{name} is owned.", "{name} ist übernommen.";
    client_device_is_disowned(name: &str) => "{name} has no owner any more.", "{name} hat keinen Eigentümer mehr.";
    client_device_registered(name: &str) => "{name} is registered at the hub.", "{name} ist am Hub angemeldet.";
    client_device_left(name: &str) => "{name} belongs to no hub.", "{name} gehört zu keinem Hub.";
    client_device_failed(name: &str) => "{name} could not register at the hub. Look there for its reason: the code may have expired, or the device does not reach the hub’s CoAP gateway.", "{name} konnte sich nicht am Hub anmelden. Den Grund kennt der Hub: Der Code ist vielleicht abgelaufen, oder das Gerät erreicht das CoAP-Gateway des Hubs nicht.";
    client_device_told(name: &str) => "{name} was told, and does not say yet how it stands with the hub.", "{name} weiß Bescheid, sagt aber noch nicht, wie es zum Hub steht.";
    client_code_wanted(name: &str) => "{name} needs a code of yours to join the hub. You get it from the authority itself, in a window of its own; it comes back to this page and goes to the client.", "{name} braucht einen Code von Ihnen, um dem Hub beizutreten. Sie bekommen ihn von der Stelle selbst, in einem eigenen Fenster; er kommt zu dieser Seite zurück und geht an den Client.";
    client_code_get(host: &str) => "Get it at {host}", "Bei {host} holen";
}
