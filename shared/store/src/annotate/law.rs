//! What the engine lets an [`Annotator`](super::Annotator) do, table by table and verb by verb: the engine asks before it
//! runs a statement, whoever wrote it.
//!
//! What is kept beside the histories may be written by the triggers that keep it and by nothing else; the tables inside
//! FTS5's indexes by FTS5, which the engine's defensive mode sees to.

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::error::{Context, Error};
use crate::human::get;

/// What may be set in the tables to which a person's words are added: that something was undone.
const SET: [(&str, &str); 2] = [("user_session_members", "removed_ms"), ("saved_views", "removed_ms")];

/// The procedure that tells what is said now.
const CALLED: &str = "telling";

/// What follows by triggers.
const KEPT: [&str; 8] =
    ["marks", "tagged", "spellings", "human_texts", "search_human", "search_human_parts", "retold", "untold"];

/// The triggers that write there.
const TRIGGERS: [&str; 13] = [
    "human_texts_insert",
    "human_texts_delete",
    "tagged_insert",
    "tagged_delete",
    "tell",
    "retell",
    "retell_tags",
    "retell_notes",
    "rating_history_told",
    "star_history_told",
    "tag_history_told",
    "note_history_told",
    "session_titles_told",
];

/// FTS5's own tables of the two indexes.
const SHADOWS: [&str; 8] = [
    "search_human_data",
    "search_human_idx",
    "search_human_docsize",
    "search_human_config",
    "search_human_parts_data",
    "search_human_parts_idx",
    "search_human_parts_docsize",
    "search_human_parts_config",
];

/// From here on, nothing else.
pub(super) fn enforce(conn: &mut Connection) -> Result<(), Error> {
    conn.authorizer(Some(|asked: AuthContext<'_>| match is_allowed(&asked) {
        true => Authorization::Allow,
        false => Authorization::Deny,
    }))
    .op("set the authorizer")
}

fn is_allowed(asked: &AuthContext<'_>) -> bool {
    use AuthAction as Action;
    if asked.database_name.is_some_and(|name| name != "main") {
        return false;
    }
    let by_trigger = asked.accessor.is_some_and(|accessor| TRIGGERS.contains(&accessor));
    let is_kept = |table: &str| by_trigger && KEPT.contains(&table) || SHADOWS.contains(&table);
    match asked.action {
        Action::Select | Action::Read { .. } | Action::Recursive | Action::Transaction { .. } => true,
        Action::Savepoint { .. } => true,
        Action::Function { function_name } => function_name != "load_extension",
        // FTS5 looks whether others changed its index, and we whether they changed the schema.
        Action::Pragma { pragma_name, pragma_value } => {
            ["data_version", "user_version"].contains(&pragma_name) && pragma_value.is_none()
        }
        Action::Insert { table_name } => {
            get::TABLES.contains(&table_name) || table_name == CALLED || is_kept(table_name)
        }
        Action::Update { table_name, column_name } => SET.contains(&(table_name, column_name)) || is_kept(table_name),
        Action::Delete { table_name } => is_kept(table_name),
        _ => false,
    }
}
