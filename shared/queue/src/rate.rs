//! `/rate 5 great #refactor`, typed in a session: what it asks for, and what the hook answers.
//!
//! Hook and ingester both decide here whether a payload is this command, so what was promised is what is done. The hook
//! files such a payload under [`FILED_AS`]: only a payload that was answered is a rating, for someone else's `/rate` may be
//! a command of its own, where our answers are not installed.

use std::fmt::Write as _;

use crate::field;

/// The type in the name of a queue file whose prompt was answered.
pub const FILED_AS: &str = "Rate";

/// A longer payload is no rating, in bytes.
pub const MOST: usize = 16 * 1024;

/// The command as it is typed where it is the user's own, and where it is the plugin's.
const OWN: &str = "/rate";
const OF_PLUGIN: &str = "/prompt-manager:rate";

/// Which commands are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// `/rate`, and the plugin's.
    Both,
    /// The plugin's alone: `/rate` is nobody's there, or somebody else's.
    OfPlugin,
}

/// What is shown for a command that rates nothing.
const USAGE: &str =
    "nothing saved. Usage: /rate 1-5 [note] [#tag ...] rates the previous prompt, /rate 0 clears its rating";

/// Keeps Claude Code from showing the command below the reason.
const ALONE: &str = "\"hookSpecificOutput\":{\"hookEventName\":\"UserPromptSubmit\",\"suppressOriginalPrompt\":true}";

/// A `/rate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// One that rates.
    Rating(Rating),
    /// One without a rating from 0 to 5: it changes nothing.
    Usage,
}

/// What shall be said of the previous prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rating {
    /// 1 to 5; `None` takes the rating back.
    pub stars: Option<u8>,
    /// Empty if there is none.
    pub note: String,
    /// Without `#`, as they were typed; whether they are fit to be tags is for others to say.
    pub tags: Vec<String>,
}

impl Request {
    /// The command of a hook payload: a prompt that a person submitted and that is this command alone.
    pub fn of_payload(payload: &[u8], commands: Commands) -> Option<Self> {
        if payload.len() > MOST {
            return None;
        }
        // First what nearly no payload has.
        let request = Self::parse(&field::text(payload, "prompt")?, commands)?;
        // A message of another agent, or a prompt that woke by itself, speaks for nobody.
        let by_a_person = field::text(payload, "source").is_none_or(|source| source == "user" || source == "sdk")
            && field::text(payload, "agent_id").is_none();
        let submitted = field::text(payload, "hook_event_name").is_some_and(|event| event == "UserPromptSubmit");
        (by_a_person && submitted).then_some(request)
    }

    /// The command in a prompt.
    pub fn parse(prompt: &str, commands: Commands) -> Option<Self> {
        let prompt = prompt.trim();
        let said = match (prompt.strip_prefix(OF_PLUGIN), commands) {
            (Some(said), _) => said,
            (None, Commands::Both) => prompt.strip_prefix(OWN)?,
            (None, Commands::OfPlugin) => return None,
        };
        if !said.is_empty() && !said.starts_with(char::is_whitespace) {
            return None;
        }
        let said = said.trim_start();
        let (stars, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        let stars = match stars.as_bytes() {
            [b'0'] => None,
            [digit @ b'1'..=b'5'] => Some(digit - b'0'),
            _ => return Some(Self::Usage),
        };
        let mut rating = Rating { stars, ..Rating::default() };
        for line in rest.lines() {
            let (tags, words): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| tag(word).is_some());
            rating.tags.extend(tags.into_iter().filter_map(tag).map(str::to_owned));
            rating.note.push_str(&words.join(" "));
            rating.note.push('\n');
        }
        rating.note = rating.note.trim().to_owned();
        Some(Self::Rating(rating))
    }

    /// What the hook prints: the prompt goes no further, and this is shown in its place. For a slash command Claude Code
    /// then leaves the composer empty, and shows the reason alone because it is asked not to show the command again (claude-code.md
    /// A.5).
    pub fn answer(&self) -> String {
        let mut said = String::new();
        let _ = match self {
            Self::Rating(Rating { stars: Some(stars), .. }) => {
                write!(said, "rating {stars} saved for the previous prompt")
            }
            Self::Rating(Rating { stars: None, .. }) => write!(said, "rating cleared for the previous prompt"),
            Self::Usage => write!(said, "{USAGE}"),
        };
        format!("{{\"decision\":\"block\",\"reason\":\"{said}\",{ALONE}}}\n")
    }
}

/// The tag that a word is, if it is one: `#refactor`, but neither `#` nor `##`.
fn tag(word: &str) -> Option<&str> {
    let tag = word.strip_prefix('#')?.trim_end_matches([',', ';', '.']);
    (!tag.is_empty() && !tag.starts_with('#')).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(stars: u8, note: &str, tags: &[&str]) -> Option<Request> {
        let stars = (stars > 0).then_some(stars);
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Some(Request::Rating(Rating { stars, note: note.to_owned(), tags }))
    }

    #[test]
    fn commands() {
        let check = |prompt: &str, expected: Option<Request>| {
            assert_eq!(Request::parse(prompt, Commands::Both), expected, "{prompt:?}");
        };
        check("/rate 5", rating(5, "", &[]));
        check("/rate 5 great #refactor", rating(5, "great", &["refactor"]));
        check("/prompt-manager:rate 1 no", rating(1, "no", &[]));
        check("  /rate\t3\n", rating(3, "", &[]));
        check(
            "/rate 4 #a, first #b. second  third\n\n fourth ## # #c",
            rating(4, "first second third\n\nfourth ## #", &["a", "b", "c"]),
        );
        check("/rate 2\nuse this #日本", rating(2, "use this", &["日本"]));
        check("/rate 0", rating(0, "", &[]));
        check("/rate 0 why #x", rating(0, "why", &["x"]));
        for usage in [
            "/rate",
            "/rate ",
            "/rate 6",
            "/rate -1",
            "/rate 05",
            "/rate five",
            "/rate 5!",
            "/rate great 5",
            "/rate #5",
        ] {
            check(usage, Some(Request::Usage));
        }
        for other in [
            "/rated 5",
            "/Rate 5",
            "rate 5",
            "/rate5",
            "please /rate 5",
            "/prompt-manager:rates 5",
            "/plugin:rate 5",
            "",
            "/",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn the_plugins_alone() {
        let check = |prompt: &str, ours: bool| {
            assert_eq!(Request::parse(prompt, Commands::OfPlugin).is_some(), ours, "{prompt:?}");
        };
        check("/prompt-manager:rate 5", true);
        check("/prompt-manager:rate", true);
        check("/rate 5", false);
        check("/rate", false);
    }

    #[test]
    fn payloads() {
        let check = |json: &str, expected: Option<Request>| {
            assert_eq!(Request::of_payload(json.as_bytes(), Commands::Both), expected, "{json}");
        };
        let submit = |rest: &str| format!(r#"{{"hook_event_name":"UserPromptSubmit","prompt":"/rate 5"{rest}}}"#);
        check(&submit(""), rating(5, "", &[]));
        check(&submit(r#","source":"user""#), rating(5, "", &[]));
        check(&submit(r#","source":"system""#), None);
        check(&submit(r#","source":"loop_wakeup""#), None);
        check(&submit(r#","agent_id":"a1""#), None);
        check(r#"{"hook_event_name":"UserPromptExpansion","prompt":"/rate 5"}"#, None);
        check(r#"{"prompt":"/rate 5"}"#, None);
        check(r#"{"hook_event_name":"UserPromptSubmit"}"#, None);
        check(&submit(&format!(r#","x":"{}""#, "y".repeat(MOST))), None);
    }

    #[test]
    fn answers() {
        let check = |prompt: &str, expected: &str| {
            let answer = Request::parse(prompt, Commands::Both).unwrap().answer();
            assert_eq!(field::text(answer.as_bytes(), "decision").as_deref(), Some("block"), "{answer}");
            assert_eq!(field::text(answer.as_bytes(), "reason").as_deref(), Some(expected), "{answer}");
        };
        check("/rate 5 \"quoted\" \\ #x", "rating 5 saved for the previous prompt");
        check("/rate 0", "rating cleared for the previous prompt");
        check("/rate", USAGE);
    }
}
