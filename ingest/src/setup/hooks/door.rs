//! A door to the edits of a settings file, for whoever throws anything at them (`crate::doors`).

use super::document::Document;
use super::edit::{self, Wanted};
use crate::setup::call::{Call, Form, Program, Rate};
use crate::setup::events;
use crate::setup::version::Version;

/// `text` with our entries, as a client of this version is given them; `None`: one that is not known.
///
/// # Errors
/// Why the file is refused.
pub fn put(text: &str, version: Option<Version>) -> Result<String, String> {
    let call = Call {
        program: Program::At("/s/prompt-hook"),
        queue: "/d/queue",
        spill: Some("/s/it's spill"),
        form: Form::of(version),
        rate: Rate::Answered,
    };
    let wanted = Wanted { call, events: events::of(version), version };
    edit::put(text, &wanted, &|_| None).map_err(|fault| fault.to_string())
}

/// `text` without our entries, where it was `before` at first.
///
/// # Errors
/// Why the file is refused.
pub fn take_out(text: &str, before: Option<&str>) -> Result<String, String> {
    edit::take_out(text, before, &|_| None, &|_| true).map_err(|fault| fault.to_string())
}

/// The events for which our hook is called, each as often as it is.
///
/// # Errors
/// Why the file is refused.
pub fn calls(text: &str) -> Result<Vec<String>, String> {
    let document = Document::parse(text, &|_| None).map_err(|fault| fault.to_string())?;
    Ok(document.calls().map(|call| call.event.clone()).collect())
}
