//! Values of parameters that several routes take, each with its rule; an error goes on from the parameter's name.

use std::borrow::Cow;

use serde::Deserialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// How many items a page has at most.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Limit(u32);

impl Limit {
    const LARGEST: u32 = 200;

    pub(crate) fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let limit = text.parse().ok().filter(|limit| (1..=Self::LARGEST).contains(limit));
        limit.map(Self).ok_or_else(|| format!("must be a whole number from 1 to {}", Self::LARGEST))
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let default = Some(Self::default().0.into());
        let number = ObjectBuilder::new().schema_type(Type::Integer).default(default);
        number.minimum(Some(1)).maximum(Some(Self::LARGEST)).into()
    }
}

impl ToSchema for Limit {
    fn name() -> Cow<'static, str> {
        "Limit".into()
    }
}

/// An id that is a text, such as a session's.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct TextId(pub(crate) String);

impl TryFrom<String> for TextId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text)) }
    }
}

impl PartialSchema for TextId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).into()
    }
}

impl ToSchema for TextId {
    fn name() -> Cow<'static, str> {
        "TextId".into()
    }
}
