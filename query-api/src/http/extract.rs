//! What a request gives a handler, strictly: whatever is wrong is named, and nothing unknown is passed over.
//!
//! How a route is made. The document at /openapi.json comes from the same lines, so there is no second list of names:
//!
//! ```text
//! /// What may be asked for. The doc comments are the documentation.
//! #[derive(Deserialize, IntoParams)]
//! #[into_params(parameter_in = Query)]
//! pub(crate) struct ListParams {
//!     /// Only of this session.
//!     session_id: Option<String>,
//!     /// Has all of these; may be given several times.
//!     #[serde(default)]
//!     tag: Vec<String>,
//! }
//!
//! /// A page of conversations.
//! #[utoipa::path(get, operation_id = "list_conversations", path = "/api/conversations", tag = "conversations", params(ListParams, Paging),
//!     responses((status = 200, body = view::Page)))]
//! pub(crate) async fn list(
//!     State(database): State<Arc<Database>>,
//!     Query((list, paging)): Query<(ListParams, Paging)>,
//! ) -> Result<Response, Problem> { … json(&view) }
//! ```
//!
//! - Parameters: [`Query`] of one struct, of a tuple of structs (a filter that several routes share), or of `()`. Every route
//!   has one; a test asks each for a parameter that does not exist.
//! - A value that has rules is a type of its own with `#[serde(try_from = "String")]`; its error goes on from the name
//!   (`must be from 1 to 200`). [`values`] has those that several routes use.
//! - Bodies: [`Json`], an extractor that comes last. Their structs say `#[serde(deny_unknown_fields)]`. What a well-formed
//!   body says that cannot be is [`Problem::field`](crate::http::problem::Problem::field), 422.
//! - Paths: [`Id`] for a conversation, [`Numbered`] for a thing in it, [`Name`] for other texts. What is no id is not there: 404.
//! - Views derive `ToSchema`. In a field that is passed on as JSON: `#[schema(value_type = Object)]`.
//! - The route is one line in `routes.rs`. What every route can answer (400, 401, 403, 421, 500, 503; with a path parameter
//!   404; with a body 408, 413, 415, 422) is added to the document there; a handler declares the rest.

mod body;
pub(crate) mod marks;
mod path;
mod query;
pub(crate) mod values;

pub(crate) use body::{Json, LIMIT, form_body, object};
pub(crate) use path::{Id, no_conversation};
pub(crate) use path::{Name, Numbered};
pub(crate) use query::Query;
pub(crate) use query::read as read_query;
