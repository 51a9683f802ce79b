//! Every URL path, once: the pattern for the server's router and the function that fills it for clients.

macro_rules! paths {
    ($($(#[$doc:meta])* $constant:ident = $pattern:literal => $function:ident($($argument:ident),*);)*) => {$(
        $(#[$doc])*
        pub const $constant: &str = $pattern;

        #[doc = concat!("[`", stringify!($constant), "`] with its places filled.")]
        #[must_use]
        pub fn $function($($argument: impl std::fmt::Display),*) -> String {
            $constant$(.replacen(concat!("{", stringify!($argument), "}"), &$argument.to_string(), 1))*.to_owned()
        }
    )*};
}

/// What every API path begins with.
pub const API: &str = "/api/v1";
/// What the public paths of the built-in CA begin with.
pub const CA: &str = "/ca/";

paths! {
    /// What every path of plgd's signing API begins with, at an organisation: the address that plgd's clients are given.
    PLGD = "/plgd/{organisation}" => plgd(organisation);
    /// What every path of the interface for clients of ThingSpeak begins with: the address that they are given.
    THINGSPEAK = "/thingspeak" => thingspeak();
    /// What every path of EST begins with (RFC 7030 §3.2.2).
    EST = "/.well-known/est" => est();
    /// What every path of idprov begins with.
    IDPROV = "/idprov" => idprov();
    /// OpenAPI description.
    OPENAPI = "/api/openapi.json" => openapi();

    /// WebSocket of waiting devices.
    ENROLMENT_SOCKET = "/api/v1/enrolment" => enrolment_socket();
    /// WebSocket of claimants.
    CLAIM_SOCKET = "/api/v1/enrolment/{nameplate}/claim" => claim_socket(nameplate);
    /// WebSocket of enrolled devices.
    SESSION_SOCKET = "/api/v1/session" => session_socket();

    /// `GET`: the approval of a claim. `POST`: approve. `DELETE`: withdraw.
    APPROVAL = "/api/v1/enrolments/{claim}/approval" => approval(claim);
    /// `POST`: the device consented; nothing may be signed before.
    CONSENT = "/api/v1/enrolments/{claim}/consent" => consent(claim);
    /// `PUT`: what the claimant is about with a signer elsewhere.
    SIGNING = "/api/v1/enrolments/{claim}/signing" => signing(claim);
    /// `POST`: not mine, or cancelled.
    CLAIM_REPORT = "/api/v1/enrolments/{claim}/report" => claim_report(claim);

    /// `GET`: the fleet.
    DEVICES = "/api/v1/devices" => devices();
    /// `GET`: the fleet as CSV.
    DEVICES_CSV = "/api/v1/devices.csv" => devices_csv();
    /// `GET`: the fleet as JSON lines.
    DEVICES_JSONL = "/api/v1/devices.jsonl" => devices_jsonl();
    /// `GET`, `PATCH`: one device.
    DEVICE = "/api/v1/devices/{id}" => device(id);
    /// `GET`: its history.
    DEVICE_EVENTS = "/api/v1/devices/{id}/events" => device_events(id);
    /// `GET`: its certificates. `POST`: sign or record one.
    DEVICE_CERTIFICATES = "/api/v1/devices/{id}/certificates" => device_certificates(id);
    /// `POST`: ask it to renew now.
    DEVICE_RENEWAL = "/api/v1/devices/{id}/renewal" => device_renewal(id);
    /// `POST`: ask it to show itself.
    DEVICE_IDENTIFICATION = "/api/v1/devices/{id}/identification" => device_identification(id);
    /// `POST`: suspend. `DELETE`: resume.
    DEVICE_SUSPENSION = "/api/v1/devices/{id}/suspension" => device_suspension(id);
    /// `POST`: revoke all its certificates; the device must be enrolled anew.
    DEVICE_REVOCATION = "/api/v1/devices/{id}/revocation" => device_revocation(id);
    /// `POST`: retire.
    DEVICE_RETIREMENT = "/api/v1/devices/{id}/retirement" => device_retirement(id);
    /// `POST`: let it in from the lobby, or not.
    DEVICE_ADMISSION = "/api/v1/devices/{id}/admission" => device_admission(id);
    /// `PUT`: move it to another organisation of the same customer.
    DEVICE_ORGANISATION = "/api/v1/devices/{id}/organisation" => device_organisation(id);
    /// `GET`: the approval for which a device has a certificate signed elsewhere, for this key.
    DEVICE_SIGNING = "/api/v1/devices/{id}/keys/{spki_sha256}/signing" => device_signing(id, spki_sha256);
    /// `DELETE`: answer a clone alarm with "restored from backup".
    DEVICE_ALARM = "/api/v1/devices/{id}/alarm" => device_alarm(id);
    /// `GET`: what it measured.
    DEVICE_MEASUREMENTS = "/api/v1/devices/{id}/measurements" => device_measurements(id);
    /// `GET`: the same as CSV.
    DEVICE_MEASUREMENTS_CSV = "/api/v1/devices/{id}/measurements.csv" => device_measurements_csv(id);
    /// `GET`: the last values of its measurement feeds, for Prometheus.
    FEED_METRICS = "/api/v1/organisations/{id}/feeds.metrics" => feed_metrics(id);
    /// `GET`, `POST`: measurement feeds of an organisation.
    FEEDS = "/api/v1/organisations/{id}/feeds" => feeds(id);
    /// `GET`: one of them. `PATCH`: change it. `DELETE`: remove it and what was measured.
    FEED = "/api/v1/organisations/{id}/feeds/{channel}" => feed(id, channel);
    /// `GET`: what was measured.
    FEED_MEASUREMENTS = "/api/v1/organisations/{id}/feeds/{channel}/measurements" => feed_measurements(id, channel);
    /// `GET`, `POST`: its keys.
    FEED_KEYS = "/api/v1/organisations/{id}/feeds/{channel}/keys" => feed_keys(id, channel);
    /// `DELETE`: end one.
    FEED_KEY = "/api/v1/organisations/{id}/feeds/{channel}/keys/{key}" => feed_key(id, channel, key);
    /// `POST`: another one in its place.
    FEED_KEY_REPLACEMENT = "/api/v1/organisations/{id}/feeds/{channel}/keys/{key}/replacement" => feed_key_replacement(id, channel, key);
    /// `GET`, `POST`: actions on many devices of an organisation and below it.
    BULK_JOBS = "/api/v1/organisations/{id}/bulk-jobs" => bulk_jobs(id);
    /// `GET`: how far one is. `DELETE`: cancel it.
    BULK_JOB = "/api/v1/organisations/{id}/bulk-jobs/{job}" => bulk_job(id, job);
    /// `PUT`: confirm it as the second person.
    BULK_JOB_CONFIRMATION = "/api/v1/organisations/{id}/bulk-jobs/{job}/confirmation" => bulk_job_confirmation(id, job);
    /// `GET`: devices for which it failed.
    BULK_JOB_FAILURES = "/api/v1/organisations/{id}/bulk-jobs/{job}/failures" => bulk_job_failures(id, job);
    /// `GET`, `POST`: views of the fleet that are kept under a name.
    SAVED_VIEWS = "/api/v1/fleet/views" => saved_views();
    /// `DELETE`: remove one.
    SAVED_VIEW = "/api/v1/fleet/views/{view}" => saved_view(view);
    /// `GET`: the fleet at a glance.
    FLEET_OVERVIEW = "/api/v1/fleet/overview" => fleet_overview();
    /// `GET` (SSE): changes in the fleet.
    FLEET_CHANGES = "/api/v1/fleet/changes" => fleet_changes();

    /// `GET`: certificates, searched.
    CERTIFICATES = "/api/v1/certificates" => certificates();
    /// `GET`: one certificate.
    CERTIFICATE = "/api/v1/certificates/{sha256}" => certificate(sha256);
    /// `POST`: the device has said that this certificate is installed.
    CERTIFICATE_DELIVERY = "/api/v1/certificates/{sha256}/delivery" => certificate_delivery(sha256);
    /// `POST`: revoke it.
    CERTIFICATE_REVOCATION = "/api/v1/certificates/{sha256}/revocation" => certificate_revocation(sha256);
    /// `PUT`: it was ended at its signer, after it was revoked here.
    CERTIFICATE_ENDING = "/api/v1/certificates/{sha256}/ending" => certificate_ending(sha256);
    /// `GET`: certificates that were revoked here and go on at their signers.
    ENDINGS_DUE = "/api/v1/organisations/{id}/endings-due" => endings_due(id);
    /// `GET`: certificates of our CA that no record knows.
    HELD_CERTIFICATES = "/api/v1/held-certificates" => held_certificates();
    /// `POST`: readmit one.
    HELD_CERTIFICATE_READMISSION = "/api/v1/held-certificates/{sha256}/readmission" => held_certificate_readmission(sha256);

    /// `GET`: DER of an issuer of the built-in CA.
    ISSUER_CERTIFICATE = "/ca/{issuer}/certificate" => issuer_certificate(issuer);
    /// `GET`: the same in PEM.
    ISSUER_CERTIFICATE_PEM = "/ca/{issuer}/certificate.pem" => issuer_certificate_pem(issuer);
    /// `GET`: DER of its CRL.
    ISSUER_CRL = "/ca/{issuer}/crl" => issuer_crl(issuer);
    /// `GET`: the same in PEM.
    ISSUER_CRL_PEM = "/ca/{issuer}/crl.pem" => issuer_crl_pem(issuer);

    /// `GET`: the caller's organisations. `POST`: make one below another.
    ORGANISATIONS = "/api/v1/organisations" => organisations();
    /// `PATCH`: rename or move it.
    ORGANISATION = "/api/v1/organisations/{id}" => organisation(id);
    /// `PUT`: archive it. `DELETE`: open it again.
    ORGANISATION_ARCHIVAL = "/api/v1/organisations/{id}/archival" => organisation_archival(id);
    /// `GET`: its rules and where they come from. `PATCH`: other rules for it.
    ORGANISATION_POLICY = "/api/v1/organisations/{id}/policy" => organisation_policy(id);
    /// `GET`, `POST`: signers of an organisation.
    SIGNERS = "/api/v1/organisations/{id}/signers" => signers(id);
    /// `PATCH`: change one. `DELETE`: remove one that has never been used.
    SIGNER = "/api/v1/organisations/{id}/signers/{signer}" => signer(id, signer);
    /// `GET`, `POST`: webhooks of an organisation.
    WEBHOOKS = "/api/v1/organisations/{id}/webhooks" => webhooks(id);
    /// `PATCH`: change one. `DELETE`: remove it.
    WEBHOOK = "/api/v1/organisations/{id}/webhooks/{webhook}" => webhook(id, webhook);
    /// `POST`: another secret.
    WEBHOOK_SECRET = "/api/v1/organisations/{id}/webhooks/{webhook}/secret" => webhook_secret(id, webhook);
    /// `POST`: send a test event.
    WEBHOOK_TEST = "/api/v1/organisations/{id}/webhooks/{webhook}/test" => webhook_test(id, webhook);
    /// `GET`: what was sent.
    WEBHOOK_DELIVERIES = "/api/v1/organisations/{id}/webhooks/{webhook}/deliveries" => webhook_deliveries(id, webhook);
    /// `POST`: send one event again.
    WEBHOOK_REPLAY = "/api/v1/organisations/{id}/webhooks/{webhook}/deliveries/{event}/replay" => webhook_replay(id, webhook, event);
    /// `POST`: send again what failed since an instant.
    WEBHOOK_REPLAYS = "/api/v1/organisations/{id}/webhooks/{webhook}/replays" => webhook_replays(id, webhook);
    /// `GET`, `POST`: OpenID Connect providers of a customer.
    IDENTITY_PROVIDERS = "/api/v1/organisations/{id}/identity-providers" => identity_providers(id);
    /// `PATCH`: change one. `DELETE`: remove it.
    IDENTITY_PROVIDER = "/api/v1/organisations/{id}/identity-providers/{provider}" => identity_provider(id, provider);
    /// `POST`: see whether it answers.
    IDENTITY_PROVIDER_TRIAL = "/api/v1/organisations/{id}/identity-providers/{provider}/trial" => identity_provider_trial(id, provider);
    /// `GET`, `POST`: registration keys and tickets of an organisation, and its pre-approved devices.
    PERMITS = "/api/v1/organisations/{id}/permits" => permits(id);
    /// `DELETE`: take one back.
    PERMIT = "/api/v1/organisations/{id}/permits/{permit}" => permit(id, permit);
    /// `POST`: another key in its place.
    PERMIT_REPLACEMENT = "/api/v1/organisations/{id}/permits/{permit}/replacement" => permit_replacement(id, permit);
    /// `POST`: serial numbers for its list.
    PERMIT_SERIALS = "/api/v1/organisations/{id}/permits/{permit}/serials" => permit_serials(id, permit);
    /// `GET`: the devices that came by it.
    PERMIT_DEVICES = "/api/v1/organisations/{id}/permits/{permit}/devices" => permit_devices(id, permit);
    /// `POST`: devices that are approved before they appear.
    PREAPPROVALS = "/api/v1/organisations/{id}/preapprovals" => preapprovals(id);
    /// `GET`: devices that wait for a decision.
    LOBBY = "/api/v1/organisations/{id}/lobby" => lobby(id);
    /// `GET`: devices whose certificates end soon.
    EXPIRING = "/api/v1/organisations/{id}/expiring" => expiring(id);
    /// `GET`: members.
    MEMBERS = "/api/v1/organisations/{id}/members" => members(id);
    /// `PUT`: add somebody who is a member elsewhere. `PATCH`: give another role. `DELETE`: end the membership; one's own to leave.
    MEMBER = "/api/v1/organisations/{id}/members/{account}" => member(id, account);
    /// `PUT`: suspend the membership. `DELETE`: let it count again.
    MEMBER_SUSPENSION = "/api/v1/organisations/{id}/members/{account}/suspension" => member_suspension(id, account);
    /// `GET`, `POST`: invitations.
    INVITATIONS = "/api/v1/organisations/{id}/invitations" => invitations(id);
    /// `DELETE`: take an invitation back.
    INVITATION = "/api/v1/organisations/{id}/invitations/{link}" => invitation(id, link);
    /// `GET`: what was done in it and in those below it.
    AUDIT = "/api/v1/organisations/{id}/audit" => audit(id);
    /// `GET`: one entry of its own record in full.
    AUDIT_ENTRY = "/api/v1/organisations/{id}/audit/{seq}" => audit_entry(id, seq);
    /// `GET`: follow the chain of its own record.
    AUDIT_VERIFICATION = "/api/v1/organisations/{id}/audit/verification" => audit_verification(id);
    /// `GET`: the present state of its own record, signed.
    AUDIT_CHECKPOINT = "/api/v1/organisations/{id}/audit/checkpoint" => audit_checkpoint(id);
    /// `GET`: the record as CSV.
    AUDIT_CSV = "/api/v1/organisations/{id}/audit.csv" => audit_csv(id);
    /// `GET`: the record as lines of JSON.
    AUDIT_JSONL = "/api/v1/organisations/{id}/audit.jsonl" => audit_jsonl(id);
    /// `POST`: undo what one approver or address enrolled in a time span.
    BULK_REVOCATION = "/api/v1/organisations/{id}/revocations" => bulk_revocation(id);

    /// `POST`: what a one-time link is for.
    LINK_INSPECTION = "/api/v1/links/inspection" => link_inspection();
    /// `GET`: whether somebody may sign up. `POST`: sign up as a customer; the answer is good for a registration.
    SIGN_UPS = "/api/v1/sign-ups" => sign_ups();
    /// `POST`: start a registration by a one-time link.
    REGISTRATIONS = "/api/v1/registrations" => registrations();
    /// `POST`: finish it; signs in.
    REGISTRATION = "/api/v1/registrations/{ceremony}" => registration(ceremony);
    /// `POST`: start a sign-in.
    SIGN_INS = "/api/v1/sign-ins" => sign_ins();
    /// `POST`: finish it.
    SIGN_IN = "/api/v1/sign-ins/{ceremony}" => sign_in(ceremony);
    /// `GET`: who vouches for people of an organisation.
    SIGN_IN_OFFERS = "/api/v1/single-sign-on/{id}" => sign_in_offers(id);
    /// `POST`: begin a sign-in by a provider.
    SINGLE_SIGN_ONS = "/api/v1/single-sign-ons" => single_sign_ons();
    /// `POST`: finish it.
    SINGLE_SIGN_ON = "/api/v1/single-sign-ons/{ceremony}" => single_sign_on(ceremony);
    /// `POST`: a provider says that a session there has ended.
    BACK_CHANNEL_LOGOUT = "/api/v1/identity-providers/{provider}/logout" => back_channel_logout(provider);
    /// `POST`: turn a recovery code into a grant.
    RECOVERIES = "/api/v1/recoveries" => recoveries();

    /// `GET`: the signed-in account. `PATCH`: rename.
    ACCOUNT = "/api/v1/account" => account();
    /// `POST`: join an organisation by an invitation, with the account one has.
    ACCOUNT_MEMBERSHIPS = "/api/v1/account/memberships" => account_memberships();
    /// `GET`: passkeys. `POST`: start adding one.
    PASSKEYS = "/api/v1/account/passkeys" => passkeys();
    /// `POST`: finish adding one.
    PASSKEY_CEREMONY = "/api/v1/account/passkeys/ceremonies/{ceremony}" => passkey_ceremony(ceremony);
    /// `PATCH`: rename. `DELETE`: remove.
    PASSKEY = "/api/v1/account/passkeys/{id}" => passkey(id);
    /// `POST`: start proving a passkey again.
    STEP_UPS = "/api/v1/account/step-ups" => step_ups();
    /// `POST`: finish it.
    STEP_UP = "/api/v1/account/step-ups/{ceremony}" => step_up(ceremony);
    /// `POST`: fresh recovery codes.
    RECOVERY_CODES = "/api/v1/account/recovery-codes" => recovery_codes();
    /// `GET`: identities at providers that are linked to the account.
    IDENTITIES = "/api/v1/account/identities" => identities();
    /// `DELETE`: end such a link.
    IDENTITY = "/api/v1/account/identities/{provider}" => identity(provider);
    /// `GET`: signed-in browsers.
    ACCOUNT_SIGN_INS = "/api/v1/account/sign-ins" => account_sign_ins();
    /// `DELETE`: sign one out; `current` is the one that asks.
    ACCOUNT_SIGN_IN = "/api/v1/account/sign-ins/{id}" => account_sign_in(id);
    /// `GET`, `POST`: bearer tokens.
    TOKENS = "/api/v1/account/tokens" => tokens();
    /// `DELETE`: revoke one.
    TOKEN = "/api/v1/account/tokens/{id}" => token(id);

    /// Whom to tell about a weakness (RFC 9116).
    SECURITY_TXT = "/.well-known/security.txt" => security_txt();
    /// Liveness of the process.
    LIVEZ = "/livez" => livez();
    /// Readiness to serve.
    READYZ = "/readyz" => readyz();
    /// Prometheus metrics, on their own listener.
    METRICS = "/metrics" => metrics();
}

/// Pages of the panel.
pub mod page {
    /// What the addresses begin with to which authorities of signers send people back.
    pub const SIGNED_IN_BASE: &str = "/link/signed-in";

    /// The field of the query of [`ORGANISATION`] and the pages below it that names the organisation.
    pub const ORGANISATION_ID: &str = "organisation";

    /// The field of [`PLGD_CLIENT`]'s query that names the client.
    pub const CLIENT_ADDRESS: &str = "address";

    paths! {
        /// Sign in, or on to the fleet.
        HOME = "/" => home();
        /// First run, invitations and recovery: the token is in the fragment.
        SETUP = "/setup" => setup();
        /// Sign up as a customer, where everybody may.
        SIGN_UP = "/sign-up" => sign_up();
        /// Sign in by a provider of this organisation.
        SIGN_IN_AT = "/sign-in/{organisation}" => sign_in_at(organisation);
        /// Where a provider sends people back to.
        SINGLE_SIGN_ON = "/single-sign-on/{provider}" => single_sign_on(provider);
        /// The code page.
        LINK = "/link" => link();
        /// Where the authority of a signer sends people back to.
        SIGNED_IN = "/link/signed-in/{signer}" => signed_in(signer);
        /// The fleet table.
        FLEET = "/fleet" => fleet();
        /// The fleet at a glance.
        FLEET_OVERVIEW = "/fleet/overview" => fleet_overview();
        /// Actions on many devices, and how far they are.
        FLEET_JOBS = "/fleet/jobs" => fleet_jobs();
        /// Devices that came by a permit and wait for a decision.
        FLEET_LOBBY = "/fleet/lobby" => fleet_lobby();
        /// One device.
        FLEET_DEVICE = "/fleet/{device}" => fleet_device(device);
        /// An organisation: what is below it, its members, its rules.
        ORGANISATION = "/organisation" => organisation();
        /// What was done in an organisation.
        ORGANISATION_AUDIT = "/organisation/audit" => organisation_audit();
        /// Who signs devices' certificates.
        ORGANISATION_SIGNERS = "/organisation/signers" => organisation_signers();
        /// Where an organisation's events are sent.
        ORGANISATION_WEBHOOKS = "/organisation/webhooks" => organisation_webhooks();
        /// How devices join an organisation without a code.
        ORGANISATION_PERMITS = "/organisation/permits" => organisation_permits();
        /// Who vouches for people of a customer.
        ORGANISATION_PROVIDERS = "/organisation/identity-providers" => organisation_providers();
        /// Devices of an organisation whose certificates end soon.
        ORGANISATION_EXPIRING = "/organisation/expiring" => organisation_expiring();
        /// A plgd client gets a certificate by this browser. Its address stands in the query.
        PLGD_CLIENT = "/plgd-client" => plgd_client();
        /// Passkeys, recovery, sign-ins, tokens.
        ACCOUNT = "/account" => account();
    }
}

/// Forms of the panel, which work without any script. Each goes back to the page that its field `back` names.
pub mod form {
    paths! {
        /// Language and theme for the next pages.
        APPEARANCE = "/appearance" => appearance();
        /// Ends the sign-in.
        SIGN_OUT = "/sign-out" => sign_out();
        /// The name of the account.
        PROFILE = "/profile" => profile();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_order() {
        assert_eq!(
            invitation("org_1", "lnk_2"),
            "/api/v1/organisations/org_1/invitations/lnk_2"
        );
        assert_eq!(devices(), DEVICES);
        assert_eq!(page::fleet_device("dev_1"), "/fleet/dev_1");
    }
}
