//! `last` in place of an id: the newest conversation that lists show, or the session that it is in.
//!
//! It is looked up once, before anything else is done or waited for: a moment later it may be another one.

use hyper::StatusCode;

use super::Error;
use super::client::{Client, Pairs};
use super::found::Found;
use super::shape::Item;

/// What is typed for the newest.
pub(super) const LAST: &str = "last";

/// The number of a conversation.
pub(super) fn conversation(client: &Client, typed: &str) -> Result<String, Error> {
    if typed == LAST { Ok(newest(client)?.id.to_string()) } else { Ok(typed.to_owned()) }
}

/// The id of a session.
pub(super) fn session(client: &Client, typed: &str) -> Result<String, Error> {
    if typed == LAST { Ok(newest(client)?.user_session_id) } else { Ok(typed.to_owned()) }
}

fn newest(client: &Client) -> Result<Item, Error> {
    let found = Found::ask(client, "/api/conversations", &Pairs::new(), 1)?;
    found.whole()?;
    let newest: Vec<Item> = found.read()?;
    let none =
        || Error::Refused { status: StatusCode::NOT_FOUND, detail: "There are no conversations yet.".to_owned() };
    newest.into_iter().next().ok_or_else(none)
}
