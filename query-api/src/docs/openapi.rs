//! What the document says beyond the routes' own declarations: what it is, who may ask, and what every route may answer.

use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use crate::access::WITHOUT_TOKEN;
use crate::access::login::COOKIE;
use crate::http::extract::Id;
use crate::http::problem::Body;

const TOKEN: &str = "token";
const LOGIN: &str = "login";
const TAGS: &[(&str, &str)] = &[
    ("conversations", "Prompts and what came of them."),
    ("ratings", "What a person thinks of a conversation: rating, tags, notes, star."),
    ("sessions", "Sessions as a person cuts them: split, merged, with titles of their own."),
    ("tags", "The tags that are in use."),
    ("views", "Searches that a person keeps."),
    ("stats", "Figures over any span of time."),
    ("health", "How it is going, and what is wrong."),
    ("server", "What concerns the server itself."),
    ("document", "This document."),
];

/// What any route may answer that is not what was asked for.
const ALWAYS: [(u16, &str); 6] = [
    (400, "A parameter is wrong or unknown; `parameter` names it."),
    (401, "The token, or the login of a browser, is missing or wrong."),
    (403, "A page of another site asked."),
    (421, "The Host is not one of this server's."),
    (500, "A mistake of ours; the server's log explains it."),
    (
        503,
        "The database is missing, busy or slow, or too much was asked at once; `Retry-After` says when to come again.",
    ),
];
const WITH_PATH: [(u16, &str); 1] = [(404, "There is nothing of this name.")];
const WITH_BODY: [(u16, &str); 4] = [
    (408, "The body did not come in time."),
    (413, "The body is too large."),
    (415, "The body is not `application/json`, or it is compressed."),
    (422, "The body is JSON and cannot be; `field` names what is wrong."),
];

/// The document of these routes, whole.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Prompt Manager")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Prompts, what came of them, and what a person thinks of them. Times are RFC 3339, UTC."))
        .license(Some(utoipa::openapi::License::new("MIT")))
        .build();
    let tags = TAGS.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
    document.tags = Some(tags.collect());
    let components = document.components.get_or_insert_default();
    // Shapes of errors and of paths are not collected from the routes.
    components.schemas.insert(Body::name().into(), Body::schema());
    components.schemas.insert(Id::name().into(), Id::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The text of `run/api.token` in the data directory."));
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer.build()));
    let login = "The login of a browser, from the link of `query-api open`; what changes something must then also say by `Origin` or \
                 `Sec-Fetch-Site` that a page of this server asks.";
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(COOKIE, login));
    components.add_security_scheme(LOGIN, SecurityScheme::ApiKey(cookie));
    for (path, item) in &mut document.paths.paths {
        let open = WITHOUT_TOKEN.contains(&path.as_str());
        operations(item).for_each(|operation| finish(operation, open));
    }
    document
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn finish(operation: &mut Operation, open: bool) {
    let in_path = |parameter: &RefOr<_>| matches!(parameter, RefOr::T(parameter) if is_path(parameter));
    let has_path = operation.parameters.iter().flatten().any(in_path);
    let has_body = operation.request_body.is_some();
    let common = ALWAYS.iter().filter(|(status, _)| !(open && *status == 401));
    let common = common.chain(WITH_PATH.iter().filter(|_| has_path)).chain(WITH_BODY.iter().filter(|_| has_body));
    for (status, what) in common {
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(what)));
    }
    // Every error that a handler declares has the one shape.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = "What was asked for.".into();
        }
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response)
            && response.content.is_empty()
        {
            *response = problem(&response.description);
        }
    }
    if !open {
        let one_of = [TOKEN, LOGIN].map(|scheme| SecurityRequirement::new(scheme, [] as [&str; 0]));
        operation.security = Some(one_of.into());
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(Required::True);
    }
}

fn is_path(parameter: &utoipa::openapi::path::Parameter) -> bool {
    parameter.parameter_in == ParameterIn::Path
}

fn problem(what: &str) -> Response {
    let shape = ContentBuilder::new().schema(Some(Ref::from_schema_name(Body::name()))).build();
    ResponseBuilder::new().description(what).content("application/problem+json", shape).build()
}
