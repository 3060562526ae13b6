//! Every stored file of a session, and in the lines of transcripts what Claude Code tells of our hook.
//!
//! At the end of a turn Claude Code writes a line that lists the hooks it ran (`stop_hook_summary`), and one for each hook
//! that failed or was ended. Where ours is among them the event must be here: stored, waiting or failed.

use std::collections::HashMap;

use queue::QueueName;
use serde_json::Value;
use settings::Ignore;
use store::read::inspect::{Fault, FileVisitor, Inspector, SeenFile};
use store::write::Role;

use super::code::Code;
use super::queue::entries;
use super::round::Round;
use crate::error::Error;

/// A longer line tells of no hook.
const LONGEST: usize = 1024 * 1024;
/// Lines of one file whose ids are compared.
const IDS: usize = 1_000_000;
/// Runs of the hook without an event that are looked up.
const RUNS: usize = 100_000;
/// An event is captured while the hook runs, and the line is written after the last hook of the event ended.
const BEFORE_NS: i64 = 120_000_000_000;
/// What the clock may be off between the two.
const AFTER_NS: i64 = 2_000_000_000;
/// How our hook is called, whoever installed it.
const HOOK: [&str; 2] = ["prompt-hook", "prompt-manager hook"];

/// Looks at all of them.
pub(super) fn look(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    let mut lines = Lines { round, line: Vec::new(), long: false, ids: HashMap::new(), doubled: 0, runs: Vec::new() };
    store.each_file(&mut lines)?;
    let runs = std::mem::take(&mut lines.runs);
    compare(round, store, runs)
}

/// A run of our hook that a transcript tells of.
#[derive(Debug)]
struct Run {
    session: String,
    file_session: String,
    at_ns: i64,
}

struct Lines<'r, 'a> {
    round: &'r mut Round<'a>,
    /// What was read of the line that goes on.
    line: Vec<u8>,
    /// It is longer than any that is looked at.
    long: bool,
    /// Of one file: ids and hashes of their lines.
    ids: HashMap<u64, u64>,
    doubled: u64,
    runs: Vec<Run>,
}

impl FileVisitor for Lines<'_, '_> {
    fn bytes(&mut self, file: &SeenFile, mut bytes: &[u8]) {
        self.round.checked.bytes += bytes.len() as u64;
        if !matches!(file.role, Role::Main | Role::Subagent) {
            return;
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (piece, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.line.is_empty() && !self.long {
                self.line(file, piece);
            } else {
                self.keep(piece);
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.long) {
                    self.line(file, &line);
                }
            }
            bytes = rest;
        }
        self.keep(bytes);
    }

    fn end(&mut self, file: &SeenFile, fault: Option<Fault>) {
        let line = std::mem::take(&mut self.line);
        if !std::mem::take(&mut self.long) && !line.is_empty() {
            self.line(file, &line);
        }
        self.round.checked.transcripts += 1;
        self.round.at("transcripts", self.round.checked.transcripts);
        let shown = || format!("{}/{}", file.root, file.path);
        if let Some(fault) = fault {
            self.round.found(Code::TranscriptDamaged, format!("{} ({})", shown(), fault.of_file()));
        }
        if self.doubled > 0 {
            self.round.found_many(Code::UuidDoubled, self.doubled, shown());
        }
        self.ids.clear();
        self.doubled = 0;
    }

    fn goes_on(&mut self) -> bool {
        !self.round.is_stopped()
    }
}

impl Lines<'_, '_> {
    fn keep(&mut self, piece: &[u8]) {
        if self.long || self.line.len() + piece.len() > LONGEST {
            self.long = true;
            self.line.clear();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    fn line(&mut self, file: &SeenFile, line: &[u8]) {
        self.compare_id(line);
        let may_tell = file.own
            && !file.superseded
            && contains(line, b"hook")
            && HOOK.iter().any(|name| contains(line, name.as_bytes()));
        if !may_tell {
            return;
        }
        let Ok(value) = serde_json::from_slice::<Value>(line) else { return };
        match told(&value) {
            Some(Told::Ran) => {
                self.round.checked.hook_runs += 1;
                if is_ignored(&self.round.settings.ignore, &value, file) {
                    return; // its event is not missed
                }
                if let Some(at_ns) = at_ns(&value)
                    && self.runs.len() < RUNS
                {
                    let session = text(&value["sessionId"]).unwrap_or(&file.session_id).to_owned();
                    self.runs.push(Run { session, file_session: file.session_id.clone(), at_ns });
                }
            }
            Some(Told::Failed(how)) => {
                self.round.found(Code::HookFailed, format!("{how} in session {}", file.session_id));
            }
            None => {}
        }
    }

    /// The same id twice in one file, with other contents: hashes are compared, so that memory stays small.
    fn compare_id(&mut self, line: &[u8]) {
        let Some(id) = uuid(line) else { return };
        let short =
            |bytes: &[u8]| u64::from_le_bytes(blake3::hash(bytes).as_bytes()[..8].try_into().unwrap_or_default());
        let (id, content) = (short(id.as_bytes()), short(line));
        if self.ids.len() < IDS
            && let Some(other) = self.ids.insert(id, content)
        {
            self.doubled += u64::from(other != content);
        }
    }
}

/// What a line tells of our hook.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// It ran at the end of a turn.
    Ran,
    /// It did not do what it should.
    Failed(&'static str),
}

fn told(line: &Value) -> Option<Told> {
    let is_ours = |command: &Value| text(command).is_some_and(|text| HOOK.iter().any(|name| text.contains(name)));
    if line["type"] == "system" && line["subtype"] == "stop_hook_summary" {
        let ran = line["hookInfos"].as_array()?.iter().any(|info| is_ours(&info["command"]));
        return ran.then_some(Told::Ran);
    }
    let attachment = &line["attachment"];
    if line["type"] == "attachment" && is_ours(&attachment["command"]) {
        return match text(&attachment["type"])? {
            "hook_non_blocking_error" | "hook_blocking_error" => Some(Told::Failed("an error")),
            "hook_cancelled" => Some(Told::Failed("ended before its time")),
            _ => None,
        };
    }
    None
}

fn is_ignored(ignore: &Ignore, line: &Value, file: &SeenFile) -> bool {
    let here = text(&line["cwd"]).is_some_and(|cwd| ignore.ignores(cwd));
    let session = text(&line["sessionId"]).unwrap_or(&file.session_id);
    here || ignore.ignores_session(session)
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn at_ns(line: &Value) -> Option<i64> {
    export::time::parse(text(&line["timestamp"])?)?.checked_mul(1_000_000)
}

/// The line's own id, if it is one of Claude Code's; what stands in the line may have one too.
fn uuid(line: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Line<'l> {
        #[serde(borrow)]
        uuid: Option<&'l str>,
    }
    if !contains(line, b"\"uuid\":") {
        return None;
    }
    let id = serde_json::from_slice::<Line<'_>>(line).ok()?.uuid?;
    (id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')).then_some(id)
}

fn contains(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|window| window == word)
}

/// Looks for the event of each run: in the store, in the queue, in failed.
fn compare(round: &mut Round<'_>, store: &Inspector, runs: Vec<Run>) -> Result<(), Error> {
    // What ran before there was anything here went elsewhere.
    let Some(first_ns) = store.first_captured_ns()? else { return Ok(()) };
    let mut waiting: Option<Vec<QueueName>> = None;
    for run in runs.into_iter().filter(|run| run.at_ns >= first_ns) {
        let mut sessions = store.linked_sessions(&run.session)?;
        sessions.push(run.file_session.clone());
        let (from_ns, to_ns) = (run.at_ns - BEFORE_NS, run.at_ns + AFTER_NS);
        let mut is_there = false;
        for event in ["Stop", "StopFailure"] {
            is_there = is_there || store.has_event_near(&sessions, event, from_ns, to_ns)?;
        }
        if is_there {
            continue;
        }
        let waiting = match &waiting {
            Some(waiting) => waiting,
            None => waiting.insert(names(round)?),
        };
        let is_near = |name: &QueueName| i64::try_from(name.captured_ns).is_ok_and(|ns| (from_ns..to_ns).contains(&ns));
        let waits = waiting.iter().any(|name| is_near(name) && sessions.iter().any(|s| s == name.session.as_str()));
        if !waits {
            round.found(Code::HooksLost, format!("session {}", run.session));
        }
    }
    Ok(())
}

/// What waits in the queue, failed, or lies in the spill place.
fn names(round: &Round<'_>) -> Result<Vec<QueueName>, Error> {
    let home = &round.settings.home;
    let mut dirs = vec![home.incoming(), home.processing(), home.failed(), home.tmp()];
    dirs.extend(round.settings.spill.as_ref().map(|spill| spill.join("incoming")));
    let mut found = Vec::new();
    for dir in dirs {
        for entry in entries(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What processing and failed put behind a name is no part of it.
            let end = name.find(".json").map_or(name.len(), |at| at + ".json".len());
            found.extend(name[..end].parse::<QueueName>());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_lines_tell() {
        let check = |line: Value, expected: Option<Told>| assert_eq!(told(&line), expected, "{line}");
        let summary = |command: &str| {
            json!({"type": "system", "subtype": "stop_hook_summary",
                   "hookInfos": [{"command": "other"}, {"command": command, "durationMs": 3}]})
        };
        check(summary("/x/prompt-hook Stop"), Some(Told::Ran));
        check(summary("/x/prompt-manager hook Stop"), Some(Told::Ran));
        check(summary("/x/capture.sh"), None);
        let attachment =
            |kind: &str| json!({"type": "attachment", "attachment": {"type": kind, "command": "/x/prompt-hook Stop"}});
        check(attachment("hook_non_blocking_error"), Some(Told::Failed("an error")));
        check(attachment("hook_cancelled"), Some(Told::Failed("ended before its time")));
        check(attachment("hook_success"), None);
        check(json!({"type": "user", "message": "prompt-hook stop_hook_summary"}), None);
        check(json!("prompt-hook"), None);
    }

    #[test]
    fn ids_of_lines() {
        let id = "0914908d-acc8-48aa-98d6-77d558fb9590";
        let check = |line: &str, expected: Option<&str>| assert_eq!(uuid(line.as_bytes()), expected);
        check(&format!(r#"{{"parentUuid":null,"uuid":"{id}"}}"#), Some(id));
        check(&format!(r#"{{"inner":{{"uuid":"1914908d-acc8-48aa-98d6-77d558fb9590"}},"uuid":"{id}"}}"#), Some(id));
        check(r#"{"uuid":"short"}"#, None);
        check(r#"{"inner":{"uuid":"0-1"}}"#, None);
        check(r#"{"uuid":7}"#, None);
        check("", None);
    }
}
