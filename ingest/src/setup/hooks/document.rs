//! A settings file as text whose parts know their place, so that an edit can leave every other byte as it is.
//!
//! It must be what Claude Code reads: strict JSON, an object, with hooks of the right types. Anything else is refused with its
//! line and column: what is wrong there may be a person's half-done work, and a guess could undo it. What lies outside of
//! `hooks` is never looked into. A byte order mark is refused too: JSON has none, and readers differ in what they make of it.

use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::claude::{self, Call, Var};
use store::json::{self, Object};

/// Where a part stands, in bytes.
pub(super) type Span = Range<usize>;

/// The file.
#[derive(Debug)]
pub(super) struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) root: List,
    pub(super) hooks: Option<Hooks>,
}

/// An object or an array and what is in it: items, or members from their name to the end of their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// With its brackets.
    pub(super) span: Span,
    pub(super) items: Vec<Span>,
}

/// The value of `hooks`.
#[derive(Debug)]
pub(super) struct Hooks {
    /// Its place among the members of the root.
    pub(super) member: usize,
    pub(super) list: List,
    /// As many as the list has items.
    pub(super) events: Vec<EventList>,
}

/// An event and the groups that are listed for it.
#[derive(Debug)]
pub(super) struct EventList {
    pub(super) name: String,
    pub(super) list: List,
    pub(super) groups: Vec<Group>,
}

/// A matcher with its handlers.
#[derive(Debug)]
pub(super) struct Group {
    /// It has no matcher, or one for everything.
    pub(super) matches_all: bool,
    /// `None`: it is none that anybody could read.
    pub(super) handlers: Option<(List, Vec<Handler>)>,
}

/// What is run.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) value: Value,
    /// The call, if it is one of ours.
    pub(super) call: Option<Call>,
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    line: usize,
    column: usize,
    problem: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

/// The text of a file, which must be UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        Fault::at(&before, before.len(), "bytes that are not UTF-8; save the file as UTF-8 and run this again")
    })
}

impl Fault {
    fn at(text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = &text[..offset];
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column, problem: problem.into() }
    }
}

impl<'t> Document<'t> {
    /// Reads `text`. `var` is the environment in which its commands run.
    pub(super) fn parse(text: &'t str, var: Var<'_>) -> Result<Self, Fault> {
        if text.starts_with('\u{feff}') {
            return Err(Fault::at(
                text,
                0,
                "a byte order mark, which JSON has not; save the file without it and run this again",
            ));
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| syntax(text, &error))?;
        let reader = Reader { text, var };
        let (root, members) = reader.object(raw, "the settings")?;
        let mut hooks = None;
        for (member, (name, value)) in members.iter().enumerate() {
            if *name == "hooks" {
                if hooks.is_some() {
                    return Err(Fault::at(
                        text,
                        root.items[member].start,
                        "a second `hooks`; make one of the two and run this again",
                    ));
                }
                hooks = Some(reader.hooks(member, value)?);
            }
        }
        Ok(Self { text, root, hooks })
    }

    /// Has only these calls count as ours; the others are as foreign as any other program.
    pub(super) fn retain_calls(&mut self, ours: &dyn Fn(&Call) -> bool) {
        let events = self.hooks.iter_mut().flat_map(|hooks| &mut hooks.events);
        let groups = events.flat_map(|event| &mut event.groups);
        for (_, handlers) in groups.filter_map(|group| group.handlers.as_mut()) {
            for handler in handlers {
                handler.call = handler.call.take().filter(|call| ours(call));
            }
        }
    }

    /// Every call of ours.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        let events = self.hooks.iter().flat_map(|hooks| &hooks.events);
        let groups = events.flat_map(|event| &event.groups);
        groups.flat_map(|group| &group.handlers).flat_map(|(_, handlers)| handlers).filter_map(|one| one.call.as_ref())
    }
}

/// What the parser says, without its own way of telling where.
fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    // Its columns are bytes, and count from 1.
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line + error.column().saturating_sub(1)).min(text.len());
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let (before, rest) = (text[..at].trim_end(), &text[at..]);
    if ["//", "/*", "#"].iter().any(|mark| rest.starts_with(mark)) {
        return Fault::at(text, at, format!("a comment: {STRICT}"));
    }
    if before.ends_with(',') && rest.starts_with(['}', ']']) {
        return Fault::at(text, before.len() - 1, format!("a comma behind the last entry: {STRICT}"));
    }
    Fault::at(text, at, format!("{said}: {STRICT}"))
}

/// What is said of all of it.
const STRICT: &str = "Claude Code reads strict JSON; mend that and run this again";

struct Reader<'t, 'v> {
    text: &'t str,
    var: Var<'v>,
}

type Members<'t> = Vec<(String, &'t RawValue)>;

impl<'t> Reader<'t, '_> {
    fn span(&self, raw: &RawValue) -> Span {
        let start = json::offset_in(self.text, raw.get()) as usize;
        start..start + raw.get().len()
    }

    fn wrong(&self, raw: &RawValue, problem: String) -> Fault {
        Fault::at(self.text, self.span(raw).start, problem)
    }

    fn object(&self, raw: &'t RawValue, what: &str) -> Result<(List, Members<'t>), Fault> {
        let Some(object) = Object::parse(raw.get()) else {
            let problem =
                format!("{what} must be an object, {{…}}, and is {}; mend that and run this again", kind(raw));
            return Err(self.wrong(raw, problem));
        };
        let span = self.span(raw);
        let (mut items, mut members, mut end) = (Vec::new(), Vec::new(), span.start + 1);
        for (name, value) in object.fields() {
            let value_span = self.span(value);
            // Between two members stand blanks and a comma, hence the first quote opens the name.
            let start = end + self.text[end..value_span.start].find('"').unwrap_or_default();
            end = value_span.end;
            items.push(start..end);
            members.push((name.to_owned(), value));
        }
        Ok((List { span, items }, members))
    }

    fn array(&self, raw: &'t RawValue) -> Option<(List, Vec<&'t RawValue>)> {
        let values = json::array(raw)?;
        let items = values.iter().map(|value| self.span(value)).collect();
        Some((List { span: self.span(raw), items }, values))
    }

    fn hooks(&self, member: usize, raw: &'t RawValue) -> Result<Hooks, Fault> {
        let (list, members) = self.object(raw, "`hooks`")?;
        let mut events: Vec<EventList> = Vec::with_capacity(members.len());
        for (at, (name, value)) in members.into_iter().enumerate() {
            if events.iter().any(|event| event.name == name) {
                let problem = format!("a second `{name}`; make one of the two and run this again");
                return Err(Fault::at(self.text, list.items[at].start, problem));
            }
            let Some((groups_list, values)) = self.array(value) else {
                let problem =
                    format!("`{name}` must be a list, […], and is {}; mend that and run this again", kind(value));
                return Err(self.wrong(value, problem));
            };
            let groups = values.into_iter().map(|value| self.group(&name, value)).collect();
            events.push(EventList { name, list: groups_list, groups });
        }
        Ok(Hooks { member, list, events })
    }

    /// What is no group that Claude Code could read is not ours, and is left as it is.
    fn group(&self, event: &str, raw: &'t RawValue) -> Group {
        let foreign = Group { matches_all: false, handlers: None };
        let Some(object) = Object::parse(raw.get()) else { return foreign };
        let Some((list, values)) = object.get("hooks").and_then(|hooks| self.array(hooks)) else { return foreign };
        let handler = |raw: &&RawValue| {
            let value = serde_json::from_str(raw.get()).unwrap_or_default();
            let call = claude::call(event, &value, self.var).filter(|call| !call.shared);
            Handler { value, call }
        };
        let handlers = values.iter().map(handler).collect();
        let matches_all = object.get("matcher").is_none_or(|matcher| matches!(matcher.get(), "\"\"" | "\"*\""));
        Group { matches_all, handlers: Some((list, handlers)) }
    }
}

/// A value by its kind.
fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = Document::parse(text, &|_| None).map(|document| document.calls().count().to_string());
        let found = found.unwrap_or_else(|fault| fault.to_string());
        assert!(found.starts_with(expected), "{text}: {found}");
    }

    #[test]
    fn what_is_refused_and_where() {
        check("", "line 1, column 1: EOF while parsing");
        check("{\n  // mine\n}", "line 2, column 3: a comment");
        check("{\"a\": 1 /* mine */}", "line 1, column 9: a comment");
        check(
            "{\n  \"a\": [1, 2,]\n}",
            "line 2, column 13: a comma behind the last entry: Claude Code reads strict JSON",
        );
        check("{\"a\": 1, }", "line 1, column 8: a comma behind the last entry");
        check("{\n  \"ä\": \"ä\" # mine\n}", "line 2, column 12: a comment");
        check("{\"a\": 'x'}", "line 1, column 7: expected value");
        check("{} {}", "line 1, column 4: trailing characters");
        check("\u{feff}{}", "line 1, column 1: a byte order mark");
        check("[]", "line 1, column 1: the settings must be an object, {…}, and is a list");
        check("{\"hooks\": []}", "line 1, column 11: `hooks` must be an object, {…}, and is a list");
        check("{\"ä\": 1, \"hooks\": null}", "line 1, column 19: `hooks` must be an object, {…}, and is null");
        check("{\"hooks\":\n{\"Stop\": null}}", "line 2, column 10: `Stop` must be a list, […], and is null");
        check("{\"hooks\":\n{\"Stop\": {}}}", "line 2, column 10: `Stop` must be a list, […], and is an object");
        check("{\"hooks\": {},\n \"hooks\": {}}", "line 2, column 2: a second `hooks`");
        check("{\"hooks\": {\"Stop\": [],\n\"Stop\": []}}", "line 2, column 1: a second `Stop`");
        let fault = super::text(b"{\n\"a\": \"\xff\"}").unwrap_err().to_string();
        assert!(fault.starts_with("line 2, column 7: bytes that are not UTF-8"), "{fault}");
    }

    #[test]
    fn what_is_read() {
        check("{}", "0");
        check("{\"hooks\": {}}", "0");
        check(r#"{"a": "\ud800", "b": 1e999, "hooks": {"Stop": [7, {"hooks": 7}, {"hooks": [7]}]}}"#, "0");
        check(
            r#"{"hooks": {"Stop": [{"hooks": [{"command": "/l/prompt-hook Stop"}]}, {"hooks": [{"command": "x"}]}]}}"#,
            "1",
        );
        check(r#"{"hooks": {"Stop": [{"hooks": [{"command": "prompt-hook Stop; x"}]}]}}"#, "0");
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(50_000), "]".repeat(50_000));
        check(&deep, "0");
    }
}
