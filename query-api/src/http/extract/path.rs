//! What a path names. What cannot be the name of anything is not there, 404, as a name that nothing has.

use std::borrow::Cow;

use axum::extract::{FromRequestParts, Path};
use hyper::StatusCode;
use hyper::http::request::Parts;
use store::ConversationId;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::problem::Problem;

/// The conversation of a path with one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// This one, if it is there.
    Number(ConversationId),
    /// The newest that a list shows.
    Last,
}

/// The text of a path with one parameter, such as the id of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

impl Id {
    fn parse(name: &str) -> Result<Self, Problem> {
        if name == "last" {
            return Ok(Self::Last);
        }
        // `+5` and ` 5` would parse too: one name for one thing.
        let digits = name.bytes().all(|digit| digit.is_ascii_digit());
        let number = name.parse().ok().filter(|_| digits).ok_or_else(|| no_conversation(name))?;
        Ok(Self::Number(ConversationId(number)))
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        let last = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["last"])).build();
        OneOfBuilder::new().item(number).item(last).into()
    }
}

impl ToSchema for Id {
    fn name() -> Cow<'static, str> {
        "Id".into()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Name(name) = Name::from_request_parts(parts, state).await?;
        Self::parse(&name)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = |_| Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.");
        let Path(name) = Path::<String>::from_request_parts(parts, state).await.map_err(nothing)?;
        Ok(Self(name))
    }
}

/// The conversation of a path and the number, from 0, of a thing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// The conversation.
    pub(crate) id: Id,
    /// The number.
    pub(crate) n: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Numbered {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.");
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((id, n)) = path.map_err(|_| nothing())?;
        let digits = n.bytes().all(|digit| digit.is_ascii_digit());
        Ok(Self { id: Id::parse(&id)?, n: n.parse().ok().filter(|_| digits).ok_or_else(nothing)? })
    }
}

/// 404 for an id that is none or that nothing has.
pub(crate) fn no_conversation(name: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("There is no conversation {name}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let check = |name: &str, expected: Option<Id>| assert_eq!(Id::parse(name).ok(), expected, "{name}");
        check("1", Some(Id::Number(ConversationId(1))));
        check("9223372036854775807", Some(Id::Number(ConversationId(i64::MAX))));
        check("last", Some(Id::Last));
        for none in ["", "-1", "+1", " 1", "1.0", "0x1", "abc", "Last", "9223372036854775808", "99999999999999999999"] {
            check(none, None);
        }
    }
}
