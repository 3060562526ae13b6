//! What tokens cost, from the table in `prices.json`. Integers throughout; a model without a price has no cost, and is named.

mod model;
mod table;
mod usd;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use store::read::Usage;

pub use usd::Usd;

use table::Table;

/// What a message cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// So much.
    Known(Usd),
    /// The table does not have its model.
    Unknown(String),
}

/// A table that cannot be read prices nothing; a test reads it.
static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../prices.json")).unwrap_or_default());

/// What these tokens cost at that time, in milliseconds since 1970, UTC.
pub fn cost(usage: &Usage, at_ms: i64) -> Cost {
    TABLE.cost(usage, at_ms)
}

/// What several messages cost together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    known: Usd,
    priced: bool,
    unknown: BTreeSet<String>,
}

impl Bill {
    /// Of messages sent at about that time.
    pub fn of<'a>(usage: impl IntoIterator<Item = &'a Usage>, at_ms: i64) -> Self {
        let mut bill = Self::default();
        for message in usage {
            match cost(message, at_ms) {
                Cost::Known(usd) => (bill.known, bill.priced) = (bill.known + usd, true),
                Cost::Unknown(model) => drop(bill.unknown.insert(model)),
            }
        }
        bill
    }

    /// What is known of it; `None` where nothing is but something was used.
    pub fn usd(&self) -> Option<Usd> {
        (self.priced || self.unknown.is_empty()).then_some(self.known)
    }

    /// The models that the table does not have.
    pub fn unknown_models(&self) -> impl ExactSizeIterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }
}

/// As JSON: `{"usd": 0.0123, "unknown_models": []}`.
impl serde::Serialize for Bill {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut bill = serializer.serialize_struct("Bill", 2)?;
        bill.serialize_field("usd", &self.usd())?;
        bill.serialize_field("unknown_models", &self.unknown)?;
        bill.end()
    }
}

impl utoipa::PartialSchema for Bill {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{Array, ObjectBuilder, SchemaType, Type};
        let usd = SchemaType::from_iter([Type::Number, Type::Null]);
        let usd =
            ObjectBuilder::new().schema_type(usd).description(Some("What is known of it; null where nothing is."));
        let models = Array::new(ObjectBuilder::new().schema_type(Type::String));
        let bill = ObjectBuilder::new().description(Some("By list price, in US dollars."));
        bill.property("usd", usd).required("usd").property("unknown_models", models).required("unknown_models").into()
    }
}

impl utoipa::ToSchema for Bill {}

#[cfg(test)]
mod tests;
