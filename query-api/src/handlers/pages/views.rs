//! `POST /views`: the searches that a person keeps, by forms.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::access::form::{Back, Form};
use crate::handlers::views::check;
use crate::http::extract::Query;
use crate::http::extract::marks::{NameField, QueryField};
use crate::http::problem::Problem;
use crate::state::db::Database;

/// What shall become of which.
#[derive(Debug, Deserialize)]
pub(crate) struct ViewForm {
    back: Back,
    r#do: Do,
    name: NameField,
    query: QueryField,
    /// The one that is changed, by its id.
    #[serde(default)]
    of: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Do {
    Add,
    Rename,
    Delete,
}

/// `POST /views`.
pub(crate) async fn change(
    State(database): State<Arc<Database>>,
    Query(()): Query<()>,
    Form(form): Form<ViewForm>,
) -> Result<Response, Problem> {
    check(&form.query)?;
    let ViewForm { back, r#do, name, query, of } = form;
    let of = match (r#do, of) {
        (Do::Add, _) => String::new(),
        (_, Some(of)) => of,
        (_, None) => return Err(Problem::field("of", "`of` must say which view.")),
    };
    let done = database.annotate(move |annotator, now_ms| match r#do {
        Do::Add => annotator.add_view(&name.0, &query.0, now_ms).map(|done| done.map(drop)),
        Do::Rename => annotator.change_view(&of, Some(&name.0), &query.0, now_ms).map(|done| done.map(drop)),
        Do::Delete => annotator.remove_view(&of, now_ms),
    });
    done.await?;
    Ok(back.answer())
}
