//! What the OpenAPI description says about all endpoints alike: who may call them, and what a refusal looks like.

mod bounds;

use gangway_protocol::error::ProblemDetails;
use gangway_protocol::id::IssuerId;
use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    ResponsesBuilder, Schema,
};
use utoipa::{Modify, OpenApi as _};

use crate::authority::cookie;

const PROBLEM: &str = "application/problem+json";
/// What utoipa calls the pages of a list.
const PAGE_OF: &str = "Page_";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gangway",
        description = "The API of Gangway: the panel, the command line and other programs all use it. \
            Errors are RFC 9457 problem details with a stable `code`. Lists come in pages: pass `next` of one page as \
            `after` of the next. Instants are unix milliseconds. The WebSockets are described in docs/protocol.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The server that this description comes from")),
    components(schemas(ProblemDetails, IssuerId)),
    modifiers(&Credentials),
    security(("cookie" = []), ("token" = [])),
    tags(
        (name = "sign-in", description = "One-time links, registration, sign-in and recovery, by a passkey"),
        (name = "account", description = "The signed-in account: passkeys, recovery codes, signed-in browsers, tokens"),
        (name = "organisations", description = "Organisations, members, invitations and signers"),
        (name = "audit", description = "The record of what was done in an organisation, for its admins"),
        (name = "enrolment", description = "Approval of a claimed device, and its consent"),
        (name = "devices", description = "The fleet"),
        (name = "measurements", description = "What devices and programs measure, and the keys of feeds"),
        (name = "certificates", description = "Certificates of devices and of the built-in CA"),
    )
)]
struct Outline;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, description: &mut OpenApi) {
        let components = description.components.get_or_insert_with(Components::new);
        let cookie = ApiKeyValue::with_description(
            cookie::NAME,
            "A signed-in browser. What changes something has to come from the panel's own origin.",
        );
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A bearer token, `gw_pat_…`, confined to its scopes and its organisation.",
            ))
            .build();
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// A body that is bytes: in OpenAPI 3.1 one without a schema, because its media type says all.
pub struct Binary;

impl utoipa::PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
    }
}

impl utoipa::ToSchema for Binary {}

/// The description without endpoints.
#[must_use]
pub fn outline() -> OpenApi {
    Outline::openapi()
}

/// The description with what the endpoints leave unsaid: bounds, and the shape of every refusal.
#[must_use]
pub fn completed(mut description: OpenApi) -> OpenApi {
    if let Some(components) = &mut description.components {
        name_items_of_pages(components);
        bounds::add_to_schemas(components);
    }
    for (path, item) in &mut description.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            bounds::add_to_parameters(path, operation);
            complete(operation);
        }
    }
    description
}

/// utoipa writes what a page holds into each page; here it has a name and stands once.
fn name_items_of_pages(components: &mut Components) {
    let pages: Vec<String> = components
        .schemas
        .keys()
        .filter(|name| name.starts_with(PAGE_OF))
        .cloned()
        .collect();
    for page in pages {
        let item = page.trim_start_matches(PAGE_OF).to_owned();
        if let Some(RefOr::T(Schema::Object(page))) = components.schemas.get_mut(&page)
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
            && let ArrayItems::RefOrSchema(inline) = &mut items.items
        {
            let named = RefOr::Ref(Ref::from_schema_name(&item));
            let inline = std::mem::replace(&mut **inline, named);
            components.schemas.entry(item).or_insert(inline);
        }
    }
}

fn complete(operation: &mut Operation) {
    let is_for_anyone = operation.security.is_some();
    let refused = refusals(operation);
    let responses = &mut operation.responses.responses;
    for (status, text) in refused {
        responses
            .entry(status.as_str().to_owned())
            .or_insert_with(|| RefOr::T(problem(text)));
    }
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        let status = StatusCode::from_bytes(status.as_bytes()).unwrap_or_default();
        if response.description.is_empty() {
            response.description = status.canonical_reason().unwrap_or_default().to_owned();
        }
        if status.as_u16() >= 400 && response.content.is_empty() {
            response.content = problem("").content;
        }
    }
    if !is_for_anyone {
        responses.insert(
            StatusCode::UNAUTHORIZED.as_str().to_owned(),
            RefOr::T(problem("Not signed in, or the token is unknown or expired")),
        );
    }
    let others = ResponsesBuilder::new()
        .response("default", problem("Any other problem; its `code` says which"))
        .build();
    responses.extend(others.responses);
}

/// What a request is refused with before anything is done.
fn refusals(operation: &Operation) -> Vec<(StatusCode, &'static str)> {
    let mut refusals = vec![(
        StatusCode::BAD_REQUEST,
        "Not a proper request, e.g. without a host",
    )];
    if operation.request_body.is_some() {
        refusals.extend([
            (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is not said to be JSON",
            ),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                "A field is missing or not acceptable; `field` names it",
            ),
        ]);
    } else if operation.parameters.is_some() {
        refusals.push((
            StatusCode::UNPROCESSABLE_ENTITY,
            "A parameter is not acceptable; `field` names it",
        ));
    }
    // `security(())` is how an endpoint says that it is for anyone: then attempts are counted.
    if operation.security.is_some() && operation.tags.iter().flatten().any(|tag| tag == "sign-in") {
        refusals.push((
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts from this address",
        ));
    }
    refusals
}

fn problem(text: &str) -> Response {
    let schema = Ref::from_schema_name("ProblemDetails");
    ResponseBuilder::new()
        .description(text)
        .content(PROBLEM, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
