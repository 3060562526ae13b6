//! What a hook event is known by when its queue file is called otherwise, or never came: a log of payloads gives names of its
//! own, and an event of something forgotten may be late.

use super::Sieve;
use super::mark::{Known, hash, is_short};
use crate::json::Object;

/// An event, as far as it tells whose it is.
#[derive(Debug)]
pub(crate) struct Told {
    event: String,
    prompt_id: Option<String>,
    call: Option<Known>,
    /// What was asked or answered.
    said: Option<Known>,
    captured_ms: i64,
}

impl Told {
    /// Of an event's bytes, and when it was captured.
    pub(crate) fn read(payload: &[u8], captured_ns: i64) -> Self {
        let text = String::from_utf8_lossy(payload);
        let object = Object::parse(&text);
        let field = |name: &str| object.as_ref().and_then(|it| it.text(name)).filter(|text| !text.is_empty());
        let event = field("hook_event_name").unwrap_or_default();
        let said = field(if event == "UserPromptSubmit" { "prompt" } else { "last_assistant_message" });
        let session_id = field("session_id").unwrap_or_default();
        Self {
            prompt_id: field("prompt_id"),
            call: field("tool_use_id").map(|id| Known::call(&id)),
            said: said.filter(|text| !is_short(text)).map(|text| Known::said(&session_id, &text)),
            captured_ms: captured_ns / 1_000_000,
            event,
        }
    }

    /// Whether no other event has the same bytes. Of one that has no id in it there may be another tomorrow.
    pub(crate) fn is_unique(&self) -> bool {
        self.prompt_id.is_some() || self.call.is_some()
    }

    /// Whether it was captured before this time.
    pub(crate) fn is_before(&self, at_ms: i64) -> bool {
        self.captured_ms <= at_ms
    }
}

impl Sieve {
    /// Whether an event is of what was forgotten. What a person submits later, under the same id too, is another prompt, unless
    /// the text is the same.
    pub(crate) fn is_event_forgotten(&self, told: &Told) -> bool {
        if told.call.is_some_and(|call| self.is_known(call).is_some()) {
            return true;
        }
        let said_ms = || told.said.and_then(|said| self.is_known(said));
        match told.prompt_id.as_ref().map(|id| self.prompts.get(&hash(id.as_bytes()))) {
            Some(None) => false,
            Some(Some(at_ms)) => told.event != "UserPromptSubmit" || told.is_before(*at_ms) || said_ms().is_some(),
            None => said_ms().is_some_and(|at_ms| told.is_before(at_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];
    const AT_MS: i64 = 1_000;

    #[test]
    fn events_of_what_was_forgotten() {
        let said = |text: &str| Known::said("s", text).mark(&SECRET);
        let sieve = Sieve {
            ids: [Known::call("t1").mark(&SECRET)].into(),
            texts: [(said("the prompt"), AT_MS), (said("the answer"), AT_MS), (said("yes"), AT_MS)].into(),
            prompts: [(hash(b"p1"), AT_MS)].into(),
            secrets: vec![SECRET],
            ..Sieve::default()
        };
        let check = |fields: &str, at_ms: i64, expected: bool| {
            let payload = format!(r#"{{"session_id":"s",{fields}}}"#);
            let told = Told::read(payload.as_bytes(), at_ms * 1_000_000);
            assert_eq!(sieve.is_event_forgotten(&told), expected, "{payload} at {at_ms}");
        };
        let submit = |id: &str, text: &str| format!(r#""hook_event_name":"UserPromptSubmit","prompt":"{text}"{id}"#);
        let (p1, p2) = (r#","prompt_id":"p1""#, r#","prompt_id":"p2""#);
        check(r#""hook_event_name":"PostToolUse","tool_use_id":"t1""#, 2_000, true);
        check(r#""hook_event_name":"PostToolUse","tool_use_id":"t2""#, 500, false);
        check(r#""hook_event_name":"Stop","prompt_id":"p1""#, 2_000, true);
        check(r#""hook_event_name":"Stop","prompt_id":"p2","last_assistant_message":"the answer""#, 500, false);
        check(r#""hook_event_name":"Stop","last_assistant_message":"the answer""#, 500, true);
        check(r#""hook_event_name":"Stop","last_assistant_message":"the answer""#, 2_000, false);
        check(&submit("", "the prompt"), 500, true);
        check(&submit("", "the prompt"), 2_000, false);
        check(&submit("", "yes"), 500, false);
        check(&submit(p1, "another"), 500, true);
        check(&submit(p1, "another"), 2_000, false);
        check(&submit(p1, "the prompt"), 2_000, true);
        check(&submit(p2, "the prompt"), 500, false);
    }
}
