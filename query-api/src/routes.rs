//! Every route, and the document that comes of the same lines.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::Database;
use crate::handlers::{conversations, document, health};
use crate::openapi;

/// What handlers may ask for with `State`.
#[derive(Clone)]
pub(crate) struct Context {
    database: Arc<Database>,
    document: Arc<document::Document>,
}

impl FromRef<Context> for Arc<Database> {
    fn from_ref(context: &Context) -> Self {
        context.database.clone()
    }
}

impl FromRef<Context> for Arc<document::Document> {
    fn from_ref(context: &Context) -> Self {
        context.document.clone()
    }
}

/// In the order of the document.
fn declared() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(conversations::list))
        .routes(routes!(conversations::show))
        .routes(routes!(health::report))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(document::openapi))
}

/// The document alone.
pub(crate) fn document() -> OpenApi {
    openapi::complete(declared().into_openapi())
}

/// The routes of a server.
pub(crate) fn router(database: Database) -> Router {
    let (routes, document) = declared().split_for_parts();
    let document = document::Document::new(&openapi::complete(document));
    routes.with_state(Context { database: Arc::new(database), document: Arc::new(document) })
}
