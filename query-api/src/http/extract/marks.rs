//! What a person types, as fields of bodies: each with its rule, in the document too. An absent field is told from null.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use store::ConversationId;
use store::human::{Name, Note, Rating, Tag};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A field that is there, whatever it says; with `#[serde(default)]` one that is not is `None`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Makes a field of a validated type.
macro_rules! field {
    ($(#[$doc:meta])* $name:ident($inner:ty) from $from:ty: $parse:expr, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let parse: fn($from) -> Result<$inner, String> = $parse;
                parse(<$from>::deserialize(from)?).map(Self).map_err(D::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

/// A whole number; JSON has many spellings of one, such as `5.0`.
fn whole(number: &Number) -> Option<i64> {
    let float = |value: f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(float))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::Array(vec![kind, Type::Null])
}

/// Control characters and signs that nobody sees, for a class. (The joiners, which some words and emoji need, are let in where they
/// are seen; a pattern cannot say where.)
macro_rules! unseen {
    () => {
        r"\u0000-\u001f\u007f-\u009f\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    };
}
/// Text of one line, without blanks at its ends.
const LINE: &str = concat!(r"^[^\s", unseen!(), "]([^", unseen!(), r"]*[^\s", unseen!(), "])?$");
/// The same without commas.
const TAG: &str = concat!(r"^[^\s,", unseen!(), "]([^,", unseen!(), r"]*[^\s,", unseen!(), "])?$");

field! {
    /// A rating, or null.
    RatingField(Option<Rating>) from Option<Number>:
    |value| match value {
        None => Ok(None),
        Some(value) => {
            let rating = whole(&value).and_then(Rating::new);
            rating.map(Some).ok_or_else(|| "must be a whole number from 1 to 5, or null".into())
        }
    },
    ObjectBuilder::new().schema_type(or_null(Type::Integer)).minimum(Some(1)).maximum(Some(5))
}

field! {
    /// A tag.
    TagField(Tag) from String:
    |value| Tag::parse(&value).map_err(|unfit| unfit.to_string()),
    text().min_length(Some(1)).max_length(Some(100)).pattern(Some(TAG)).examples(["rust"])
}

field! {
    /// Tags, at most 100.
    TagList(Vec<Tag>) from Vec<TagField>:
    |tags| match tags.len() {
        0..=Tag::MOST => Ok(tags.into_iter().map(|tag| tag.0).collect()),
        _ => Err(format!("must not have more than {} entries", Tag::MOST)),
    },
    ArrayBuilder::new().items(TagField::schema()).max_items(Some(Tag::MOST))
}

field! {
    /// A note, or null; one of blanks alone is none.
    NoteField(Option<Note>) from Option<String>:
    |value| value.map_or(Ok(None), |value| Note::parse(&value)).map_err(|unfit| unfit.to_string()),
    ObjectBuilder::new().schema_type(or_null(Type::String)).max_length(Some(64 * 1024)).pattern(Some(r"^[^\u0000]*$"))
}

field! {
    /// A name: 1 to 200 characters.
    NameField(Name) from String:
    |value| Name::parse(&value).map_err(|unfit| unfit.to_string()),
    text().min_length(Some(1)).max_length(Some(200)).pattern(Some(LINE)).examples(["Parser"])
}

field! {
    /// A title, or null.
    TitleField(Option<Name>) from Option<String>:
    |value| value.map(|value| Name::parse(&value)).transpose().map_err(|unfit| unfit.to_string()),
    ObjectBuilder::new().schema_type(or_null(Type::String)).min_length(Some(1)).max_length(Some(200)).pattern(Some(LINE))
}

field! {
    /// A search, as the query string of the list has it.
    QueryField(String) from String:
    |value| {
        let fits = value.len() <= 4096 && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if fits { Ok(value) } else { Err("must be a query string: at most 4,096 signs of ASCII, others as %XX".into()) }
    },
    text().max_length(Some(4096)).pattern(Some(r"^[\x20-\x7e]*$")).examples(["rating=5&kind=human"])
}

field! {
    /// The id of a conversation.
    IdField(ConversationId) from Number:
    |value| match whole(&value) {
        Some(value) if value > 0 => Ok(ConversationId(value)),
        _ => Err("must be the id of a conversation".into()),
    },
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let check = |json: &str, expected: Option<i64>| {
            assert_eq!(whole(&serde_json::from_str(json).unwrap()), expected, "{json}");
        };
        check("5", Some(5));
        check("5.0", Some(5));
        check("50e-1", Some(5));
        check("-5", Some(-5));
        check("4.5", None);
        check("1e300", None);
        check("9223372036854775807", Some(i64::MAX));
        check("9223372036854775808", None);
    }

    #[test]
    fn fields() {
        let check = |json: &str, expected: &str| {
            let found = match serde_json::from_str::<RatingField>(json) {
                Ok(rating) => format!("{:?}", rating.0.map(Rating::get)),
                Err(error) => error.to_string(),
            };
            assert!(found.starts_with(expected), "{json}: {found}");
        };
        check("3", "Some(3)");
        check("null", "None");
        for wrong in ["0", "6", "-1", "4.5", "1e9"] {
            check(wrong, "must be a whole number from 1 to 5, or null");
        }
        check("\"5\"", "invalid type: string");
    }
}
