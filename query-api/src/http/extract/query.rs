//! The query string of a request as the fields of structs: each parameter once (lists as often as one likes), none that is
//! unknown.
//!
//! A deserializer of our own, because it must say *which* parameter is wrong, in the words of whoever wrote the type, and
//! because several structs may share one query string.

use std::borrow::Cow;
use std::fmt;

use axum::extract::FromRequestParts;
use hyper::http::request::Parts;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::http::problem::Problem;

/// The parameters of a request: a struct, a tuple of structs, or `()`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// `T` from a query string.
pub(crate) fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut given: Vec<Given<'_>> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match given.iter_mut().find(|given| given.name == name) {
            Some(given) => given.values.push(value),
            None => given.push(Given { name, values: vec![value] }),
        }
    }
    let mut known = Vec::new();
    let read = T::deserialize(Parameters { given: &given, known: &mut known });
    let unknown = given.iter().find(|given| !known.contains(&given.name.as_ref()));
    match (read, unknown) {
        (Ok(read), None) => Ok(read),
        (Ok(_), Some(Given { name, .. })) => {
            let known = match known.as_slice() {
                [] => "there are none here".to_owned(),
                names => format!("known are {}", names.join(", ")),
            };
            Err(Problem::parameter(name, format!("There is no parameter `{name}`; {known}.")))
        }
        (Err(Wrong { name: Some(name), what }), _) => Err(Problem::parameter(&name, format!("`{name}` {what}."))),
        (Err(Wrong { name: None, what }), _) => Err(Problem::internal(format!("read the query string: {what}"))),
    }
}

/// A parameter and every value it was given.
struct Given<'q> {
    name: Cow<'q, str>,
    values: Vec<Cow<'q, str>>,
}

/// What is wrong with a value: its parameter, once that is known, and what goes on from its name.
#[derive(Debug)]
struct Wrong {
    name: Option<String>,
    what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { name: None, what: what.to_string() }
    }

    fn missing_field(name: &'static str) -> Self {
        Self { name: Some(name.to_owned()), what: "must be given".to_owned() }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::custom(format_args!("must be one of {}", known.join(", ")))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = expected.to_string();
        // As a number that is not zero calls itself.
        let said = if expected.starts_with("a nonzero") { "a whole number from 1 on" } else { &expected };
        Self::custom(format_args!("must be {said}"))
    }
}

/// All parameters. Each struct takes those that are its fields, and says which these are.
struct Parameters<'a> {
    given: &'a [Given<'a>],
    known: &'a mut Vec<&'static str>,
}

impl<'de> de::Deserializer<'de> for Parameters<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        Err(de::Error::custom("only structs of parameters, tuples of them and () can be read"))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.known.extend(fields);
        let own = self.given.iter().filter(|given| fields.contains(&given.name.as_ref())).collect();
        visitor.visit_map(Fields { own, next: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple_struct map enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Parameters<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        seed.deserialize(Parameters { given: self.given, known: self.known }).map(Some)
    }
}

/// The parameters of one struct.
struct Fields<'a> {
    own: Vec<&'a Given<'a>>,
    next: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some(given) = self.own.get(self.next) else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(&given.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some(given) = self.own.get(self.next) else { return Err(de::Error::custom("a value without a name")) };
        self.next += 1;
        let named = |wrong: Wrong| Wrong { name: Some(given.name.clone().into_owned()), ..wrong };
        seed.deserialize(Values(&given.values)).map_err(named)
    }
}

/// The values of one parameter; more than one only for a list.
struct Values<'a>(&'a [Cow<'a, str>]);

impl<'a> Values<'a> {
    fn one(&self) -> Result<&'a str, Wrong> {
        match self.0 {
            [value] => Ok(value),
            _ => Err(de::Error::custom("must not be given twice")),
        }
    }

    fn parsed<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Wrong> {
        self.one()?.parse().map_err(|_| de::Error::custom(format_args!("must be {expected}")))
    }
}

impl<'de> IntoDeserializer<'de, Wrong> for Values<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Numbers and the like, which are texts here.
macro_rules! parsed {
    ($($method:ident $visit:ident $expected:literal,)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            visitor.$visit(self.parsed($expected)?)
        }
    )+};
}

impl<'de> de::Deserializer<'de> for Values<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(SeqDeserializer::new(self.0.chunks(1).map(Values)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        StrDeserializer::new(self.one()?).deserialize_enum(name, variants, visitor)
    }

    parsed! {
        deserialize_bool visit_bool "true or false",
        deserialize_i32 visit_i32 "a whole number",
        deserialize_i64 visit_i64 "a whole number",
        deserialize_u8 visit_u8 "a whole number",
        deserialize_u16 visit_u16 "a whole number",
        deserialize_u32 visit_u32 "a whole number",
        deserialize_u64 visit_u64 "a whole number",
        deserialize_f64 visit_f64 "a number",
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Up,
        Down,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its Debug is looked at")]
    struct First {
        number: Option<u32>,
        #[serde(default)]
        star: bool,
        order: Option<Order>,
        #[serde(default)]
        tag: Vec<String>,
        small: Option<std::num::NonZeroU8>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its Debug is looked at")]
    struct Second {
        must: String,
    }

    fn check<T: DeserializeOwned + fmt::Debug>(query: &str, expected: &str) {
        let found = match read::<T>(query) {
            Ok(read) => format!("{read:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap_or_default(), problem.detail),
        };
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn fields() {
        check::<First>("", "First { number: None, star: false, order: None, tag: [], small: None }");
        check::<First>("number=7&star=true&order=up&tag=a&tag=b+c", r#"number: Some(7), star: true, order: Some(Up)"#);
        check::<First>("tag=a&star=true&tag=b+c%26", r#"tag: ["a", "b c&"]"#);
        check::<First>("&&number=5&", "number: Some(5)");
        for bad in ["", "-1", "1.5", "ten", "99999999999999", "0x10", "%20"] {
            check::<First>(&format!("number={bad}"), "number: `number` must be a whole number.");
        }
        check::<First>("star=1", "star: `star` must be true or false.");
        check::<First>("order=Up", "order: `order` must be one of up, down.");
        check::<First>("order", "order: `order` must be one of up, down.");
        check::<First>("small=0", "small: `small` must be a whole number from 1 on.");
        check::<First>("number=5&number=5", "number: `number` must not be given twice.");
        check::<First>("order=up&order=up", "order: `order` must not be given twice.");
        check::<First>(
            "Number=5",
            "Number: There is no parameter `Number`; known are number, star, order, tag, small.",
        );
        check::<Second>("must=%ff%00", "Second { must: \"\u{fffd}\\0\" }");
        check::<Second>("", "must: `must` must be given.");
        check::<()>("", "()");
        check::<()>("a=1", "a: There is no parameter `a`; there are none here.");
    }

    #[test]
    fn several_structs_share_one_query() {
        check::<(First, Second)>("must=a&tag=x", r#"tag: ["x"], small: None }, Second { must: "a" })"#);
        check::<(First, Second)>("must=a&more=x", "known are number, star, order, tag, small, must.");
        check::<(First, Second)>("tag=x", "must: `must` must be given.");
    }
}
