//! What the OpenAPI description says about all endpoints alike: who may call them, and what a refusal looks like.

use gangway_protocol::error::ProblemDetails;
use gangway_protocol::id::IssuerId;
use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, ResponsesBuilder,
};
use utoipa::{Modify, OpenApi as _};

use crate::authority::cookie;

const PROBLEM: &str = "application/problem+json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gangway",
        description = "The API of Gangway: the panel, the command line and other programs all use it. \
            Errors are RFC 9457 problem details with a stable `code`. Lists come in pages: pass `next` of one page as \
            `after` of the next. Instants are unix milliseconds. The WebSockets are described in docs/protocol.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDetails, IssuerId)),
    modifiers(&Credentials),
    security(("cookie" = []), ("token" = [])),
    tags(
        (name = "sign-in", description = "One-time links, registration, sign-in and recovery, by a passkey"),
        (name = "account", description = "The signed-in account: passkeys, recovery codes, signed-in browsers, tokens"),
        (name = "organisations", description = "Organisations, members, invitations and signers"),
        (name = "enrolment", description = "Approval of a claimed device, and its consent"),
        (name = "devices", description = "The fleet"),
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

/// The description without endpoints.
#[must_use]
pub fn outline() -> OpenApi {
    Outline::openapi()
}

/// The description with what the endpoints leave unsaid: the shape of every refusal.
#[must_use]
pub fn completed(mut description: OpenApi) -> OpenApi {
    for item in description.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete(operation);
        }
    }
    description
}

fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
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
    // `security(())` is how an endpoint says that it is for anyone.
    if operation.security.is_none() {
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

fn problem(text: &str) -> Response {
    let schema = Ref::from_schema_name("ProblemDetails");
    ResponseBuilder::new()
        .description(text)
        .content(PROBLEM, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
