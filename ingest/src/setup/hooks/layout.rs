//! How a file is laid out, so that what is added looks as what is there: its indent and its line ends, or all on one line.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::document::{Document, List, Span};

/// How new text is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Each part on a line.
    Lines {
        /// What ends a line.
        newline: &'static str,
        /// What each level adds before it.
        unit: String,
    },
    /// On one line, with blanks: `{"a": 1, "b": 2}`.
    Spaced,
    /// On one line without any.
    Tight,
}

/// A change of the text at one place.
pub(super) type Edit = (Span, String);

/// Something to add to an object, under a name, or to an array.
pub(super) struct Entry<'a, T> {
    pub(super) name: Option<&'a str>,
    pub(super) value: T,
}

impl Layout {
    /// That of a file.
    pub(super) fn of(document: &Document<'_>) -> Self {
        let text = document.text;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let Some(first) = document.root.items.first() else { return Self::Lines { newline, unit: "  ".to_owned() } };
        if text[document.root.span.start..first.start].contains('\n') {
            return Self::Lines { newline, unit: indent(text, first.start).to_owned() };
        }
        let is_spaced =
            text[first.clone()].split_once("\":").is_some_and(|(_, rest)| rest.starts_with(char::is_whitespace));
        if is_spaced { Self::Spaced } else { Self::Tight }
    }

    /// The same on one line.
    fn on_one_line(&self) -> Self {
        if *self == Self::Tight { Self::Tight } else { Self::Spaced }
    }

    /// The way to write something in the place of what stands at `span`.
    pub(super) fn at(&self, text: &str, span: &Span) -> Self {
        if text[span.clone()].contains('\n') { self.clone() } else { self.on_one_line() }
    }

    /// `value` as text whose first line begins behind `indent`.
    pub(super) fn write(&self, value: &impl Serialize, indent: &str) -> String {
        let written = match self {
            Self::Lines { unit, .. } => with(value, PrettyFormatter::with_indent(unit.as_bytes())),
            Self::Spaced => with(value, Spaced),
            Self::Tight => with(value, CompactFormatter),
        };
        match self {
            // A text in JSON has no line end of its own.
            Self::Lines { newline, .. } => written.replace('\n', &format!("{newline}{indent}")),
            _ => written,
        }
    }

    /// The edit that puts `entries` at the end of a list.
    pub(super) fn append<T: Serialize>(&self, text: &str, list: &List, entries: &[Entry<'_, T>]) -> Edit {
        let written = |layout: &Self, indent: &str| -> Vec<String> {
            entries.iter().map(|entry| layout.entry(entry, indent)).collect()
        };
        let inside = list.span.start + 1..list.span.end - 1;
        match (self, list.items.first(), list.items.last()) {
            (Self::Lines { newline, .. }, Some(first), Some(last))
                if text[inside.start..first.start].contains('\n') =>
            {
                let indent = indent(text, last.start);
                let added = written(self, indent).iter().map(|entry| format!(",{newline}{indent}{entry}")).collect();
                (last.end..last.end, added)
            }
            (_, _, Some(last)) => {
                let comma = if *self == Self::Tight { "," } else { ", " };
                let added = written(&self.on_one_line(), "").iter().map(|entry| format!("{comma}{entry}")).collect();
                (last.end..last.end, added)
            }
            (Self::Lines { newline, unit }, ..) => {
                let outer = indent(text, list.span.start);
                let indent = format!("{outer}{unit}");
                let added = written(self, &indent).join(&format!(",{newline}{indent}"));
                (inside, format!("{newline}{indent}{added}{newline}{outer}"))
            }
            _ => (inside, written(self, "").join(if *self == Self::Tight { "," } else { ", " })),
        }
    }

    fn entry<T: Serialize>(&self, entry: &Entry<'_, T>, indent: &str) -> String {
        let value = self.write(&entry.value, indent);
        let colon = if *self == Self::Tight { ":" } else { ": " };
        entry.name.map_or_else(|| value.clone(), |name| format!("\"{name}\"{colon}{value}"))
    }
}

/// The blanks with which the line of `offset` begins.
pub(super) fn indent(text: &str, offset: usize) -> &str {
    let line = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let rest = &text[line..offset];
    &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]
}

/// The edits that take items out of a list: with each goes one comma.
pub(super) fn remove(list: &List, is_gone: impl Fn(usize) -> bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (mut kept, mut at) = (None::<&Span>, 0);
    while at < list.items.len() {
        if !is_gone(at) {
            kept = Some(&list.items[at]);
            at += 1;
            continue;
        }
        let first = at;
        while at < list.items.len() && is_gone(at) {
            at += 1;
        }
        let span = match (list.items.get(at), kept) {
            (Some(next), _) => list.items[first].start..next.start,
            (None, Some(kept)) => kept.end..list.items[at - 1].end,
            (None, None) => list.span.start + 1..list.span.end - 1,
        };
        edits.push((span, String::new()));
    }
    edits
}

/// `text` after all edits, none of which may reach into another.
pub(super) fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut result = String::with_capacity(text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut at = 0;
    for (span, new) in edits {
        result.push_str(&text[at..span.start]);
        result.push_str(&new);
        at = span.end;
    }
    result + &text[at..]
}

fn with(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Our own entries have names that are texts: they can always be written.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One line, with a blank behind each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_append(text: &str, expected: &str) {
        let document = Document::parse(text, &|_| None).unwrap();
        let layout = Layout::of(&document);
        let edit = layout.append(text, &document.root, &[Entry { name: Some("n"), value: json!([1, {"a": 2}]) }]);
        assert_eq!(edited(text, vec![edit]), expected, "{text:?}");
    }

    #[test]
    fn what_is_added_looks_as_what_is_there() {
        check_append("{}", "{\n  \"n\": [\n    1,\n    {\n      \"a\": 2\n    }\n  ]\n}");
        check_append("{\"b\":1}", r#"{"b":1,"n":[1,{"a":2}]}"#);
        check_append("{\"b\": 1 }\n", "{\"b\": 1, \"n\": [1, {\"a\": 2}] }\n");
        check_append(
            "{\r\n\t\"b\": 1\r\n}",
            "{\r\n\t\"b\": 1,\r\n\t\"n\": [\r\n\t\t1,\r\n\t\t{\r\n\t\t\t\"a\": 2\r\n\t\t}\r\n\t]\r\n}",
        );
        check_append("{\n\"b\": 1\n}", "{\n\"b\": 1,\n\"n\": [\n1,\n{\n\"a\": 2\n}\n]\n}");
        check_append("{ \"b\": 1,\n  \"c\": 2 }", "{ \"b\": 1,\n  \"c\": 2, \"n\": [1, {\"a\": 2}] }");
    }

    #[test]
    fn what_is_removed_takes_its_comma_along() {
        let check = |gone: &[usize], expected: &str| {
            let text = "{ \"a\": 1, \"b\": 2 ,\"c\": 3 }";
            let document = Document::parse(text, &|_| None).unwrap();
            let edits = remove(&document.root, |at| gone.contains(&at));
            assert_eq!(edited(text, edits), expected, "{gone:?}");
        };
        check(&[], "{ \"a\": 1, \"b\": 2 ,\"c\": 3 }");
        check(&[0], "{ \"b\": 2 ,\"c\": 3 }");
        check(&[1], "{ \"a\": 1, \"c\": 3 }");
        check(&[2], "{ \"a\": 1, \"b\": 2 }");
        check(&[0, 1], "{ \"c\": 3 }");
        check(&[1, 2], "{ \"a\": 1 }");
        check(&[0, 2], "{ \"b\": 2 }");
        check(&[0, 1, 2], "{}");
    }
}
