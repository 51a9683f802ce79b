//! What types alone do not say and the server enforces: lengths, numbers, patterns, names. All of it comes from the constants
//! and functions that enforce it.

use std::ops::RangeInclusive;

use gangway_protocol::audit::Action;
use gangway_protocol::bulk::MAX_BULK_DEVICES;
use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::{
    DeviceState, MAX_FACT_LEN, MAX_LABEL_LEN, MAX_LABELS, MAX_NAME_LEN as MAX_DEVICE_NAME_LEN, is_deceptive,
};
use gangway_protocol::id::SignInId;
use gangway_protocol::measurement::{
    MAX_DESCRIPTION_LEN, MAX_FIELD_NAME_LEN, MAX_FIELDS, MAX_KEPT_DAYS, MAX_METADATA_LEN, MAX_OVERLAP_HOURS,
    MAX_RESOLUTION_SECS, MAX_UNIT_LEN,
};
use gangway_protocol::organisation::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS,
};
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT};
use gangway_protocol::permit::{MAX_DEVICE_ID_LEN, MAX_IMPORT, MAX_NETWORKS, MAX_USES};
use gangway_protocol::single_sign_on::{MAX_ISSUER_LEN, MAX_MAPPINGS, MAX_VALUE_LEN};
use gangway_protocol::webhook::{MAX_EXPIRING_DAYS, MAX_URL_LEN};
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, Components};
use utoipa::openapi::{RefOr, Schema};

use crate::api::request::MAX_ID_LEN;
use crate::authority::MAX_NAME_LEN;
use crate::enrolment::exclusion;
use crate::fleet;
use crate::once;
use crate::people::invitations::MAX_NOTE_LEN;
use crate::people::tokens::MAX_VALID_DAYS;

/// Text without NUL, which no database takes.
const NO_NUL: &str = "^[^\\u0000]*$";

/// Adds them to the schemas of request bodies.
pub(super) fn add_to_schemas(components: &mut Components) {
    let names = Names::new();
    let facts = names.text(0..=MAX_FACT_LEN);
    let facts_of = [
        "hostname",
        "os",
        "os_version",
        "arch",
        "model",
        "serial",
        "machine_id",
        "software",
        "software_version",
        "addresses",
    ];
    let fields = [
        ("Rename", "name", names.name(MAX_NAME_LEN)),
        ("TokenRequest", "name", names.name(MAX_NAME_LEN)),
        ("OrganisationRequest", "name", names.name(MAX_NAME_LEN)),
        ("OrganisationUpdate", "name", names.name(MAX_NAME_LEN)),
        ("WebhookRequest", "name", names.name(MAX_NAME_LEN)),
        ("SavedViewRequest", "name", names.name(MAX_NAME_LEN)),
        ("SavedViewRequest", "sort", json!({ "enum": fleet::ORDERS })),
        (
            "DeviceFilter",
            "query",
            json!({ "maxLength": fleet::MAX_QUERY_LEN, "pattern": words() }),
        ),
        ("DeviceFilter", "state", json!({ "enum": DeviceState::NAMES })),
        ("DeviceFilter", "presence", json!({ "enum": fleet::PRESENCES })),
        (
            "DeviceFilter",
            "label",
            json!({ "maxLength": fleet::MAX_QUERY_LEN, "pattern": NO_NUL }),
        ),
        (
            "DeviceFilter",
            "software_version",
            json!({ "maxLength": fleet::MAX_QUERY_LEN, "pattern": NO_NUL }),
        ),
        (
            "DeviceFilter",
            "expires_within_days",
            json!({ "maximum": MAX_EXPIRING_DAYS }),
        ),
        ("WebhookUpdate", "name", names.name(MAX_NAME_LEN)),
        ("WebhookRequest", "url", json!({ "maxLength": MAX_URL_LEN })),
        ("WebhookUpdate", "url", json!({ "maxLength": MAX_URL_LEN })),
        ("PermitRequest", "name", names.name(MAX_NAME_LEN)),
        (
            "PermitRequest",
            "kind",
            json!({ "type": "string", "description": "What to make.", "enum": ["registration_key", "ticket"] }),
        ),
        ("PermitRequest", "labels", json!({ "maxItems": MAX_LABELS })),
        ("PermitRequest", "networks", json!({ "maxItems": MAX_NETWORKS })),
        (
            "PermitRequest",
            "max_uses",
            json!({ "minimum": 1, "maximum": MAX_USES }),
        ),
        ("PermitRequest", "serials", json!({ "maxItems": MAX_IMPORT })),
        (
            "PermitReplacement",
            "overlap_hours",
            json!({ "maximum": gangway_protocol::permit::MAX_OVERLAP_HOURS }),
        ),
        ("SerialsRequest", "serials", json!({ "maxItems": MAX_IMPORT })),
        ("PreapprovalImport", "devices", json!({ "maxItems": MAX_IMPORT })),
        ("IdentityProviderRequest", "name", names.name(MAX_NAME_LEN)),
        ("IdentityProviderUpdate", "name", names.name(MAX_NAME_LEN)),
        (
            "IdentityProviderRequest",
            "issuer",
            json!({ "maxLength": MAX_ISSUER_LEN }),
        ),
        (
            "IdentityProviderRequest",
            "client_id",
            json!({ "minLength": 1, "maxLength": MAX_VALUE_LEN }),
        ),
        ("ClaimedRoles", "mappings", json!({ "maxItems": MAX_MAPPINGS })),
        (
            "RoleMapping",
            "value",
            json!({ "minLength": 1, "maxLength": MAX_VALUE_LEN }),
        ),
        ("TokenRequest", "scopes", json!({ "minItems": 1 })),
        (
            "TokenRequest",
            "valid_days",
            json!({ "minimum": 1, "maximum": MAX_VALID_DAYS }),
        ),
        (
            "PolicyUpdate",
            "certificate_validity_days",
            json!({ "minimum": 1, "maximum": MAX_CERTIFICATE_VALIDITY_DAYS }),
        ),
        ("PolicyUpdate", "grace_days", json!({ "maximum": MAX_GRACE_DAYS })),
        (
            "PolicyUpdate",
            "superseded_grace_hours",
            json!({ "maximum": MAX_SUPERSEDED_GRACE_HOURS }),
        ),
        (
            "PolicyUpdate",
            "second_person_above",
            json!({ "maximum": MAX_BULK_DEVICES }),
        ),
        ("RegistrationRequest", "name", names.text(0..=MAX_NAME_LEN)),
        (
            "RegistrationRequest",
            "organisation",
            names.text(0..=MAX_NAME_LEN),
        ),
        ("CeremonyReply", "passkey_name", names.name(MAX_NAME_LEN)),
        ("InvitationRequest", "note", names.text(0..=MAX_NOTE_LEN)),
        (
            "PolicyUpdate",
            "measurements_raw_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        (
            "PolicyUpdate",
            "measurements_minute_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        (
            "PolicyUpdate",
            "measurements_hour_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        ("FeedRequest", "name", names.name(MAX_NAME_LEN)),
        ("FeedUpdate", "name", names.name(MAX_NAME_LEN)),
        ("FeedRequest", "description", names.text(0..=MAX_DESCRIPTION_LEN)),
        ("FeedUpdate", "description", names.text(0..=MAX_DESCRIPTION_LEN)),
        ("FeedRequest", "metadata", names.text(0..=MAX_METADATA_LEN)),
        ("FeedUpdate", "metadata", names.text(0..=MAX_METADATA_LEN)),
        ("FeedRequest", "fields", json!({ "maxItems": MAX_FIELDS })),
        ("FeedUpdate", "fields", json!({ "maxItems": MAX_FIELDS })),
        ("FeedField", "name", names.text(0..=MAX_FIELD_NAME_LEN)),
        ("FeedField", "unit", names.text(0..=MAX_UNIT_LEN)),
        ("Location", "latitude", json!({ "minimum": -90, "maximum": 90 })),
        (
            "Location",
            "longitude",
            json!({ "minimum": -180, "maximum": 180 }),
        ),
        (
            "Retention",
            "raw_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        (
            "Retention",
            "minute_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        (
            "Retention",
            "hour_days",
            json!({ "minimum": 1, "maximum": MAX_KEPT_DAYS }),
        ),
        ("FeedKeyRequest", "name", names.name(MAX_NAME_LEN)),
        (
            "FeedKeyRequest",
            "fields",
            json!({ "type": ["array", "null"], "minItems": 1, "items": { "type": "integer", "minimum": 1, "maximum": MAX_FIELDS } }),
        ),
        (
            "FeedKeyReplacement",
            "overlap_hours",
            json!({ "maximum": MAX_OVERLAP_HOURS }),
        ),
        ("DeviceUpdate", "name", names.name(MAX_DEVICE_NAME_LEN)),
        ("DeviceUpdate", "labels", json!({ "maxItems": MAX_LABELS })),
        ("ApprovalRequest", "name", names.name(MAX_DEVICE_NAME_LEN)),
        ("ApprovalRequest", "labels", json!({ "maxItems": MAX_LABELS })),
        ("BulkRevocationRequest", "reason", final_reasons()),
        ("RevocationRequest", "reason", final_reasons()),
    ];
    let facts = facts_of.map(|fact| ("Facts", fact, facts.clone()));
    for (schema, field, bound) in fields.into_iter().chain(facts) {
        let property = property(components, schema, field).expect("the table names fields that there are");
        merge(property, bound);
    }
    for schema in ["DeviceUpdate", "ApprovalRequest", "PermitRequest"] {
        if let Some(RefOr::T(Schema::Array(labels))) = property(components, schema, "labels")
            && let ArrayItems::RefOrSchema(label) = &mut labels.items
        {
            merge(label, names.text(0..=MAX_LABEL_LEN));
        }
    }
    for schema in ["PermitRequest", "SerialsRequest"] {
        if let Some(RefOr::T(Schema::Array(serials))) = property(components, schema, "serials")
            && let ArrayItems::RefOrSchema(serial) = &mut serials.items
        {
            merge(serial, names.text(0..=MAX_DEVICE_ID_LEN));
        }
    }
}

/// Adds them to the parameters of an operation at `path`.
pub(super) fn add_to_parameters(path: &str, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some(bound) = bound_of(path, parameter)
            && let Some(schema) = &mut parameter.schema
        {
            merge(schema, bound);
        }
    }
}

fn bound_of(path: &str, parameter: &Parameter) -> Option<Value> {
    if parameter.parameter_in == ParameterIn::Header {
        // An optional header is absent or has a value; there is no null.
        let (min, max) = (once::MIN_LEN, once::MAX_LEN);
        return Some(json!({ "type": "string", "minLength": min, "maxLength": max, "pattern": "^[!-~]*$" }));
    }
    if parameter.parameter_in == ParameterIn::Path {
        return (path == gangway_protocol::path::ACCOUNT_SIGN_IN)
            .then(|| json!({ "pattern": format!("^(current|{}[0-9a-z]+)$", SignInId::PREFIX) }));
    }
    Some(match parameter.name.as_str() {
        "limit" => json!({ "minimum": 1, "maximum": MAX_PAGE_LIMIT, "default": DEFAULT_PAGE_LIMIT }),
        "days" => json!({ "minimum": 1, "maximum": MAX_EXPIRING_DAYS }),
        "after" if path == gangway_protocol::path::FEEDS => json!({ "maxLength": 18, "pattern": "^[0-9]*$" }),
        "after" if is_place(path) => json!({ "pattern": "^[0-9A-Za-z_-]+$" }),
        "after" if path.ends_with("/events") => json!({ "maxLength": 18, "pattern": "^[0-9]*$" }),
        "after" => json!({ "maxLength": MAX_ID_LEN, "pattern": "^[0-9A-Za-z_]*$" }),
        "field" => json!({ "minimum": 1, "maximum": MAX_FIELDS }),
        "resolution_secs" => json!({ "maximum": MAX_RESOLUTION_SECS, "multipleOf": 60 }),
        "action" => json!({ "enum": actions() }),
        "actor" | "subject" => json!({ "minLength": 1, "maxLength": MAX_ID_LEN, "pattern": "^[!-~]+$" }),
        "query" if is_fleet(path) => json!({ "maxLength": fleet::MAX_QUERY_LEN, "pattern": words() }),
        "label" | "software_version" if is_fleet(path) => {
            json!({ "maxLength": fleet::MAX_QUERY_LEN, "pattern": NO_NUL })
        }
        "expires_within_days" => json!({ "maximum": MAX_EXPIRING_DAYS }),
        "state" => json!({ "enum": DeviceState::NAMES }),
        "presence" => json!({ "enum": fleet::PRESENCES }),
        "sort" => json!({ "enum": fleet::ORDERS }),
        _ => return None,
    })
}

fn is_fleet(path: &str) -> bool {
    use gangway_protocol::path::{DEVICES, DEVICES_CSV, DEVICES_JSONL};
    [DEVICES, DEVICES_CSV, DEVICES_JSONL].contains(&path)
}

/// Whether `after` is a place in an order rather than an id.
fn is_place(path: &str) -> bool {
    use gangway_protocol::path::{
        AUDIT, AUDIT_CSV, AUDIT_JSONL, CERTIFICATES, DEVICE_CERTIFICATES, EXPIRING, HELD_CERTIFICATES,
    };
    let others = [
        AUDIT,
        AUDIT_CSV,
        AUDIT_JSONL,
        CERTIFICATES,
        DEVICE_CERTIFICATES,
        EXPIRING,
        HELD_CERTIFICATES,
    ];
    is_fleet(path) || others.contains(&path)
}

/// At most so many words, as [`char::is_whitespace`] parts them.
fn words() -> String {
    let space = class(char::is_whitespace);
    format!(
        "^[{space}]*([^{space}]+([{space}]+|$)){{0,{}}}$",
        fleet::MAX_WORDS
    )
}

/// The names of actions, and of their families.
fn actions() -> Vec<&'static str> {
    let mut names: Vec<&str> = Action::all()
        .flat_map(|action| [action.family(), action.as_str()])
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn final_reasons() -> Value {
    let reasons = RevocationReason::ALL
        .into_iter()
        .filter(|reason| exclusion::is_final(*reason));
    let names: Vec<&str> = reasons.map(RevocationReason::as_str).collect();
    json!({ "type": "string", "description": "Why.", "enum": names })
}

fn property<'a>(components: &'a mut Components, schema: &str, field: &str) -> Option<&'a mut RefOr<Schema>> {
    match components.schemas.get_mut(schema)? {
        RefOr::T(Schema::Object(object)) => object.properties.get_mut(field),
        _ => None,
    }
}

fn merge(schema: &mut RefOr<Schema>, bound: Value) {
    // Beside a reference nothing is read; a bound of its own type stands in its place.
    let mut whole = match schema {
        RefOr::Ref(_) => json!({}),
        RefOr::T(schema) => serde_json::to_value(schema).expect("a schema is JSON"),
    };
    if let (Value::Object(whole), Value::Object(bound)) = (&mut whole, bound) {
        whole.extend(bound);
    }
    *schema = serde_json::from_value(whole).expect("a schema with bounds is one");
}

/// Patterns of texts that people read.
struct Names {
    deceptive: String,
    blank: String,
}

impl Names {
    fn new() -> Self {
        Self {
            deceptive: class(is_deceptive),
            blank: class(|c| is_deceptive(c) || c.is_whitespace()),
        }
    }

    /// Any text that deceives nobody.
    fn text(&self, length: RangeInclusive<usize>) -> Value {
        json!({
            "minLength": length.start(), "maxLength": length.end(), "pattern": format!("^[^{}]*$", self.deceptive),
        })
    }

    /// The same with something to see in it.
    fn name(&self, max: usize) -> Value {
        let (any, seen) = (&self.deceptive, &self.blank);
        json!({ "minLength": 1, "maxLength": max, "pattern": format!("^[^{any}]*[^{seen}][^{any}]*$") })
    }
}

/// The inside of a character class of a regular expression (ECMA-262, and what Python and Rust make of it).
fn class(holds: impl Fn(char) -> bool) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for c in (char::MIN..=char::MAX).filter(|c| holds(*c)) {
        let code = u32::from(c);
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == code => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    let written = |code: u32| match char::from_u32(code) {
        // Escapes of more than four digits are written differently everywhere.
        Some(c) if code > 0xffff => c.to_string(),
        _ => format!("\\u{code:04x}"),
    };
    ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                written(first)
            } else {
                format!("{}-{}", written(first), written(last))
            }
        })
        .collect()
}
