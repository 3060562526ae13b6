//! The schemas of the document as people read them: what kind of value, which fields, an example.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::{Map, Value, json};

/// Examples end here: some shapes hold themselves.
const DEEPEST: usize = 8;

/// The named schemas of a document.
pub(super) struct Shapes<'d> {
    named: BTreeMap<&'d str, &'d Value>,
}

/// A field of an object.
pub(super) struct Field<'d> {
    pub(super) name: &'d str,
    pub(super) schema: &'d Value,
    pub(super) required: bool,
}

impl<'d> Shapes<'d> {
    pub(super) fn of(document: &'d Value) -> Self {
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        Self { named: schemas.map(|(name, schema)| (name.as_str(), schema)).collect() }
    }

    pub(super) fn named(&self) -> impl Iterator<Item = (&'d str, &'d Value)> {
        self.named.iter().map(|(name, schema)| (*name, *schema))
    }

    pub(super) fn named_link(&self, name: &str) -> Markup {
        html! { a href={ "#shape-" (name) } { (name) } }
    }

    /// What kind of value it is, in a few words.
    pub(super) fn kind(&self, schema: &Value) -> Markup {
        if let Some(name) = name(schema) {
            return self.named_link(name);
        }
        if let Some(words) = schema["enum"].as_array() {
            return html! { @for (i, word) in words.iter().enumerate() { @if i > 0 { ", " } code { (plain(word)) } } };
        }
        for (key, joint) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " with ")] {
            if let Some(several) = schema[key].as_array() {
                return html! { @for (i, one) in several.iter().enumerate() { @if i > 0 { (joint) } (self.kind(one)) } };
            }
        }
        let kinds: Vec<_> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        html! {
            @if kinds.is_empty() { "anything" }
            @for (i, kind) in kinds.iter().enumerate() {
                @if i > 0 { " or " }
                @if *kind == "array" { "list of " (self.kind(&schema["items"])) } @else { (kind) }
            }
            @if schema["format"] == "date-time" { ", a time" }
            @if let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
                ", " (least) " to " (most)
            }
            @if let Some(most) = schema["maxLength"].as_i64() { ", at most " (most) " characters" }
            @if let Some(default) = schema.get("default").filter(|default| !default.is_null()) { ", else " code { (plain(default)) } }
        }
    }

    /// The fields of an object, those of what it takes in first.
    pub(super) fn fields<'s>(&'s self, schema: &'s Value) -> Vec<Field<'s>> {
        let schema = self.resolved(schema);
        let mut fields: Vec<_> =
            schema["allOf"].as_array().into_iter().flatten().flat_map(|part| self.fields(part)).collect();
        let required = schema["required"].as_array();
        fields.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, schema)| Field {
            name,
            schema,
            required: required.is_some_and(|required| required.iter().any(|it| it == name.as_str())),
        }));
        fields
    }

    /// The example of a body: its own, else one that is made from its schema.
    pub(super) fn example_of(&self, content: &Value) -> Value {
        content.get("example").cloned().unwrap_or_else(|| self.example(&content["schema"], 0))
    }

    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        let given = ["example", "default", "const"].iter().find_map(|key| schema.get(key));
        let given = given.or_else(|| schema["examples"].get(0)).or_else(|| schema["enum"].get(0));
        if let Some(given) = given {
            return given.clone();
        }
        for key in ["oneOf", "anyOf"] {
            let first = schema[key].as_array().and_then(|several| several.iter().find(|one| one["type"] != "null"));
            if let Some(first) = first {
                return self.example(first, depth);
            }
        }
        if depth >= DEEPEST {
            return Value::Null;
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("array") if holds_itself(&schema["items"], depth) => json!([]),
            Some("array") => json!([self.example(&schema["items"], depth + 1)]),
            Some("integer") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            Some("number") => json!(0.5),
            Some("boolean") => json!(false),
            Some("string") if schema["format"] == "date-time" => json!("2026-11-22T12:35:59.735Z"),
            Some("string") => json!("…"),
            _ => {
                let fields = self.fields(schema).into_iter();
                Value::Object(
                    fields.map(|it| (it.name.to_owned(), self.example(it.schema, depth + 1))).collect::<Map<_, _>>(),
                )
            }
        }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        name(schema).and_then(|name| self.named.get(name).copied()).unwrap_or(schema)
    }
}

/// The name of a schema that is only referred to.
fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// Below the top a list of named things is left empty where things may hold things: one level shows the shape.
fn holds_itself(items: &Value, depth: usize) -> bool {
    depth >= 3 && name(items).is_some()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, kind: &str, example: &Value) {
        let document = json!({"components": {"schemas": {
            "Item": {"type": "object", "required": ["id"], "properties": {
                "id": {"type": "integer", "minimum": 3},
                "at": {"type": ["string", "null"], "format": "date-time"},
                "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}},
        }}});
        let shapes = Shapes::of(&document);
        assert_eq!(shapes.kind(schema).into_string(), kind, "{schema}");
        assert_eq!(&shapes.example(schema, 0), example, "{schema}");
    }

    #[test]
    fn kinds_and_examples() {
        check(&json!({"type": "string"}), "string", &json!("…"));
        check(&json!({"type": ["integer", "null"]}), "integer or null", &json!(1));
        check(&json!({"type": "integer", "minimum": 1, "maximum": 5}), "integer, 1 to 5", &json!(1));
        check(&json!({"type": "integer", "default": 50}), "integer, else <code>50</code>", &json!(50));
        check(&json!({"enum": ["a", "<b>"]}), "<code>a</code>, <code>&lt;b&gt;</code>", &json!("a"));
        check(&json!({"type": "array", "items": {"type": "number"}}), "list of number", &json!([0.5]));
        check(&json!({"oneOf": [{"type": "null"}, {"type": "boolean"}]}), "null or boolean", &json!(false));
        check(&json!({}), "anything", &json!({}));
        // A shape that holds itself: so deep, and no deeper.
        let item = |parts| json!({"id": 3, "at": "2026-11-22T12:35:59.735Z", "parts": parts});
        let whole = item(json!([item(json!([]))]));
        let named = json!({"$ref": "#/components/schemas/Item"});
        check(&named, "<a href=\"#shape-Item\">Item</a>", &whole);
        let more = json!({"allOf": [named, {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}]});
        let mut both = whole;
        both["b"] = json!(false);
        check(&more, "<a href=\"#shape-Item\">Item</a> with anything", &both);
    }
}
