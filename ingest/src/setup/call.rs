//! What Claude Code runs at an event: our hook with the event's name and this user's places, in the form its version knows.
//!
//! The exec form starts the program itself. The shell form, for clients before 2.1.139 which would leave `args` away, goes
//! through a shell whose profile may print; it is quoted so that no character of a path means anything there.

use std::path::Path;

use serde::Serialize;

use super::events::Event;
use super::version::Version;
pub use terminal::quoted;

use crate::error::Error;

/// From here on handlers may have `args`.
pub const EXEC: Version = Version::new(2, 1, 139);
/// In seconds. The hook ends after one by itself, whatever happens; this is for a machine that stands still.
const TIMEOUT: u32 = 5;

/// How the program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By itself.
    Exec,
    /// Through a shell.
    Shell,
}

impl Form {
    /// The one that this client knows; one that is not known is taken for a new one.
    pub fn of(version: Option<Version>) -> Self {
        if version.is_none_or(|version| version >= EXEC) { Self::Exec } else { Self::Shell }
    }
}

/// Which program.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// At this absolute path.
    At(&'a str),
    /// The copy in the folder of the plugin whose hook it is.
    OfPlugin,
}

/// Whether the hook answers `/rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// It does.
    Answered,
    /// It is a prompt like any other.
    Plain,
}

/// A call of the hook.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The program.
    pub program: Program<'a>,
    /// The queue to write to.
    pub queue: &'a str,
    /// The place beside it; `None`: the hook's own.
    pub spill: Option<&'a str>,
    /// How it is started.
    pub form: Form,
    /// Whether `/rate` is answered.
    pub rate: Rate,
}

/// An entry of `hooks`, in the order of fields in which it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handler {
    #[serde(rename = "type")]
    kind: &'static str,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Vec<String>>,
    timeout: u32,
}

/// A group with one handler, as an event lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher: Option<&'static str>,
    hooks: [Handler; 1],
}

impl Call<'_> {
    /// The group of an event.
    pub fn group(&self, event: Event) -> Group {
        Group { matcher: event.matcher, hooks: [self.handler(event.name)] }
    }

    /// The handler of an event.
    pub fn handler(&self, event: &str) -> Handler {
        let args = self.args(event);
        let (command, args) = match self.form {
            Form::Exec => (self.program.path().to_owned(), Some(args)),
            Form::Shell => {
                let words: Vec<_> = args.iter().map(|word| quoted(word)).collect();
                (format!("{} {}", self.program.quoted(), words.join(" ")), None)
            }
        };
        Handler { kind: "command", command, args, timeout: TIMEOUT }
    }

    fn args(&self, event: &str) -> Vec<String> {
        let mut args = vec![event, "--queue", self.queue];
        args.extend(self.spill.iter().flat_map(|spill| ["--spill", spill]));
        if self.rate == Rate::Answered && event == "UserPromptSubmit" {
            // A plugin has no `/rate`: its command has the plugin's name before it, and a `/rate` is somebody else's.
            args.push(if matches!(self.program, Program::OfPlugin) { "--rate-plugin" } else { "--rate" });
        }
        args.into_iter().map(str::to_owned).collect()
    }
}

impl Program<'_> {
    fn path(&self) -> &str {
        match self {
            Self::At(path) => path,
            Self::OfPlugin => "${CLAUDE_PLUGIN_ROOT}/bin/prompt-hook",
        }
    }

    /// For a shell, which knows the plugin's folder by its variable.
    fn quoted(&self) -> String {
        match self {
            Self::At(path) => quoted(path),
            Self::OfPlugin => format!("\"{}\"", self.path()),
        }
    }
}

/// A path as settings can hold it.
///
/// # Errors
/// [`Error::Refused`]: JSON has no bytes that are not UTF-8.
pub fn text(path: &Path) -> Result<&str, Error> {
    let problem = "is not UTF-8, so that Claude Code's settings cannot name it; choose another place";
    path.to_str().ok_or_else(|| Error::Refused { path: path.to_owned(), problem: problem.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::events;

    fn check(call: &Call<'_>, event: &str, expected: &str) {
        let event = events::of(None).into_iter().find(|known| known.name == event).unwrap();
        assert_eq!(serde_json::to_string(&call.group(event)).unwrap(), expected);
    }

    #[test]
    fn calls() {
        let exec = Call {
            program: Program::At("/h/it's/prompt-hook"),
            queue: "/d/queue",
            spill: Some("/s p"),
            form: Form::Exec,
            rate: Rate::Answered,
        };
        check(
            &exec,
            "Stop",
            r#"{"hooks":[{"type":"command","command":"/h/it's/prompt-hook","args":["Stop","--queue","/d/queue","--spill","/s p"],"timeout":5}]}"#,
        );
        check(
            &exec,
            "UserPromptSubmit",
            r#"{"hooks":[{"type":"command","command":"/h/it's/prompt-hook","args":["UserPromptSubmit","--queue","/d/queue","--spill","/s p","--rate"],"timeout":5}]}"#,
        );
        let shell = Call { form: Form::Shell, rate: Rate::Plain, ..exec };
        check(
            &shell,
            "SessionEnd",
            r#"{"matcher":"*","hooks":[{"type":"command","command":"'/h/it'\\''s/prompt-hook' SessionEnd --queue /d/queue --spill '/s p'","timeout":5}]}"#,
        );
        let plugin = Call { program: Program::OfPlugin, spill: None, ..shell };
        check(
            &plugin,
            "Stop",
            r#"{"hooks":[{"type":"command","command":"\"${CLAUDE_PLUGIN_ROOT}/bin/prompt-hook\" Stop --queue /d/queue","timeout":5}]}"#,
        );
    }

    #[test]
    fn forms() {
        let check = |version: Option<&str>, expected| {
            assert_eq!(Form::of(version.map(|text| Version::parse(text).unwrap())), expected, "{version:?}");
        };
        check(None, Form::Exec);
        check(Some("2.1.139"), Form::Exec);
        check(Some("2.1.138"), Form::Shell);
        check(Some("1.9.999"), Form::Shell);
    }
}
