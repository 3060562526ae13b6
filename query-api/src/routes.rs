//! Every route, and the document that comes of the same lines.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::access::login::Logins;
use crate::docs::openapi;
use crate::handlers::{
    bulk, conversations, document, events, export, health, login, metrics, pages, ratings, raw, sessions, stats, tags,
    views,
};
use crate::state::db::Database;
use crate::state::events::Events;
use crate::state::metrics::{Requests, Waits};

/// What handlers may ask for with `State`.
#[derive(Clone)]
pub(crate) struct Context {
    database: Arc<Database>,
    logins: Logins,
    requests: Arc<Requests>,
    waits: Arc<Waits>,
    events: Arc<Events>,
    document: Arc<document::Document>,
}

impl FromRef<Context> for Arc<Database> {
    fn from_ref(context: &Context) -> Self {
        context.database.clone()
    }
}

impl FromRef<Context> for Logins {
    fn from_ref(context: &Context) -> Self {
        context.logins.clone()
    }
}

impl FromRef<Context> for Arc<Requests> {
    fn from_ref(context: &Context) -> Self {
        context.requests.clone()
    }
}

impl FromRef<Context> for Arc<Events> {
    fn from_ref(context: &Context) -> Self {
        context.events.clone()
    }
}

impl FromRef<Context> for Arc<Waits> {
    fn from_ref(context: &Context) -> Self {
        context.waits.clone()
    }
}

impl FromRef<Context> for Arc<document::Document> {
    fn from_ref(context: &Context) -> Self {
        context.document.clone()
    }
}

/// In the order of the document.
fn declared() -> Vec<UtoipaMethodRouter<Context>> {
    vec![
        routes!(conversations::list),
        routes!(conversations::show),
        routes!(raw::show),
        routes!(export::export),
        routes!(ratings::show, ratings::put, ratings::post, ratings::delete),
        routes!(tags::suggest),
        routes!(bulk::change),
        routes!(sessions::list),
        routes!(sessions::show, sessions::rename, sessions::undo),
        routes!(sessions::outline),
        routes!(sessions::split),
        routes!(sessions::merge),
        routes!(tags::list),
        routes!(tags::rename, tags::delete),
        routes!(views::list, views::add),
        routes!(views::change, views::delete),
        routes!(stats::show),
        routes!(health::report),
        routes!(health::passes),
        routes!(health::failed),
        routes!(health::alive),
        routes!(health::ready),
        routes!(metrics::report),
        routes!(events::listen),
        routes!(login::end),
        routes!(document::openapi),
    ]
}

fn collected() -> OpenApiRouter<Context> {
    declared().into_iter().fold(OpenApiRouter::new(), OpenApiRouter::routes)
}

/// The document alone.
pub(crate) fn document() -> OpenApi {
    openapi::complete(collected().into_openapi())
}

/// What browsers ask for. Not in the document, which is for programs.
fn with_pages(routes: Router<Context>) -> Router<Context> {
    routes
        .route("/", get(pages::timeline::show))
        .route("/conversations/{id}", get(pages::conversation::show))
        .route("/conversations/{id}/calls/{n}", get(pages::conversation::call))
        .route("/conversations/{id}/images/{n}", get(pages::conversation::picture))
        .route("/conversations/{id}/markdown", get(pages::conversation::markdown))
        .route("/conversations/{id}/raw", get(pages::conversation::record))
        .route("/conversations/{id}/marks", post(pages::marks::change))
        .route("/views", post(pages::views::change))
        .route("/library", get(pages::library::show))
        .route("/sessions", get(pages::session::list))
        .route("/sessions/{id}", get(pages::session::show))
        .route("/sessions/{id}/title", post(pages::cuts::rename))
        .route("/sessions/{id}/split", post(pages::cuts::split))
        .route("/sessions/{id}/merge", post(pages::cuts::merge))
        .route("/sessions/{id}/undo", post(pages::cuts::undo))
        .route("/health", get(pages::health::show))
        .route("/insights", get(pages::insights::show))
        .route("/insights/{table}", get(pages::insights::file))
        .route("/preferences", post(pages::preferences::change))
        .route("/assets/grammars", get(pages::assets::grammars))
        .route("/assets/{name}", get(pages::assets::show))
        .route("/docs", get(document::page))
        .route("/open", get(login::open))
}

/// The routes of a server that counts its answers there.
pub(crate) fn router(database: Database, logins: Logins, requests: Arc<Requests>, events: Arc<Events>) -> Router {
    let (routes, document) = collected().split_for_parts();
    let document = document::Document::new(&openapi::complete(document));
    let routes = with_pages(routes);
    let (database, document, waits) = (Arc::new(database), Arc::new(document), Arc::default());
    routes.with_state(Context { database, logins, requests, waits, events, document })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Whoever changes the API sees what that changes for others.
    #[test]
    fn the_written_document_is_up_to_date() {
        let written = include_str!("../../docs/openapi.json");
        let now = document().to_pretty_json().unwrap() + "\n";
        let first = written.lines().zip(now.lines()).position(|(written, now)| written != now).unwrap_or(0);
        let refresh = "cargo run -q -p query-api -- openapi > docs/openapi.json";
        assert!(
            written == now,
            "docs/openapi.json differs from line {} on; look at what `{refresh}` changes",
            first + 1
        );
    }

    /// Whoever reads the first page sees what there is.
    #[test]
    fn the_page_names_every_route() {
        let page = include_str!("../../docs/api.md");
        let missing: Vec<_> =
            document().paths.paths.into_keys().filter(|path| !page.contains(&format!("{path}`"))).collect();
        assert_eq!(missing, [""; 0]);
    }

    /// In the document one would silently stand for the other.
    #[test]
    fn no_two_shapes_have_one_name() {
        let mut shapes = BTreeMap::new();
        for (name, shape) in declared().into_iter().flat_map(|(shapes, ..)| shapes) {
            let shape = serde_json::to_value(shape).unwrap();
            let former = shapes.entry(name.clone()).or_insert_with(|| shape.clone());
            assert_eq!(*former, shape, "two types are called {name}: give one `#[schema(as = …)]`");
        }
        assert!(shapes.len() > 10, "only {:?}", shapes.keys());
    }
}
