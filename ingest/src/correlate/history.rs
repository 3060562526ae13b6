//! What `history.jsonl` says was typed (correlation.md 20 and 21): a conversation in a session that nothing else knows,
//! and the former key of the prompt that a transcript or a hook shows later.

use std::collections::{BTreeSet, HashMap};
use std::iter;

use queue::rate::{Commands, Request};
use serde_json::json;
use store::sieve::{is_masked, same_text};
use store::write::{Block, Turn, TypedLine};
use store::{BlockKind, Key, Kind, Span, SpanSource, Status, Via};

use super::Input;
use super::text::{self, Text};
use store::json::{self, Object};

/// Commands of Claude Code itself that ask the model nothing.
const BUILT_IN: [&str; 38] = [
    "/add-dir",
    "/agents",
    "/bashes",
    "/clear",
    "/compact",
    "/config",
    "/context",
    "/copy",
    "/cost",
    "/doctor",
    "/exit",
    "/export",
    "/fork",
    "/help",
    "/hooks",
    "/ide",
    "/keybindings",
    "/login",
    "/logout",
    "/mcp",
    "/memory",
    "/model",
    "/permissions",
    "/plan",
    "/plugin",
    "/quit",
    "/rename",
    "/resume",
    "/rewind",
    "/sandbox",
    "/settings",
    "/stats",
    "/status",
    "/statusline",
    "/theme",
    "/usage",
    "/vim",
    "/whoami",
];

/// How far a prompt of which only the placeholder is known may stand from its line.
const PASTED_MS: u64 = 5_000;

/// What was typed at one time.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) key: [u8; 16],
    pub(crate) at_ms: i64,
    pub(crate) project: Option<String>,
    /// Something may be hidden in its line.
    masked: bool,
    kind: Kind,
    text: String,
    span: Option<Span>,
}

impl Typed {
    /// `None` if it says nothing.
    pub(crate) fn parse(line: &TypedLine) -> Option<Self> {
        let object = Object::parse(&line.json)?;
        let display = object.get("display")?;
        let (kind, text) = kind(&json::text(display)?)?;
        let span = u32::try_from(display.get().len()).ok().map(|length| Span {
            source: SpanSource::Transcript(line.transcript),
            offset: line.offset + json::offset_in(&line.json, display.get()),
            length,
        });
        let (project, masked) = (object.text("project"), is_masked(&line.json));
        Some(Self { key: line.key, at_ms: line.at_ms, project, masked, kind, text, span })
    }

    /// Whether it is the same line, which may have been taken in again with something hidden.
    fn is(&self, other: &Self) -> bool {
        self.key == other.key
            || (self.masked || other.masked)
                && (self.at_ms, &self.project) == (other.at_ms, &other.project)
                && same_text(&self.text, &other.text)
    }
}

/// In the composer `!` and `#` stand for themselves, not in the tags that a transcript has.
fn kind(display: &str) -> Option<(Kind, String)> {
    let shown = display.trim();
    if shown.starts_with('!') && shown.len() > 1 {
        return Some((Kind::Shell, shown.to_owned()));
    }
    if shown.starts_with('#') && !shown.contains('\n') {
        return Some((Kind::Local, shown.to_owned()));
    }
    match text::classify(shown) {
        Text::Slash(command) => {
            let name = command.split_whitespace().next().unwrap_or_default();
            let asks_nothing = BUILT_IN.contains(&name) || Request::parse(&command, Commands::Both).is_some();
            let kind = if asks_nothing { Kind::Local } else { Kind::Command };
            Some((kind, command))
        }
        Text::Shell(command) => Some((Kind::Shell, command)),
        Text::Memory(memory) => Some((Kind::Local, memory)),
        // Whatever it looks like, a person entered it.
        _ => (!shown.is_empty()).then(|| (Kind::Human, shown.to_owned())),
    }
}

/// Whether a line may be what was typed for this prompt: the text is the same, or differs by what was pasted.
pub(crate) fn fits(typed: &Typed, prompt: &str, at_ms: i64) -> bool {
    same(&typed.text, prompt)
        || is_filled(&typed.text, prompt)
        || is_pasted(&typed.text) && typed.at_ms.abs_diff(at_ms) <= PASTED_MS
}

/// Joins the typed lines of a lineage with its turns, and makes turns of those that stand alone. Gives the sessions that
/// got such turns.
pub(super) fn join(lineage: &[Input], turns: &mut Vec<Turn>) -> Vec<usize> {
    let mut grown = Vec::new();
    for (session, input) in lineage.iter().enumerate().filter(|(_, input)| !input.typed.is_empty()) {
        let typed = distinct(&input.typed);
        let mut pairs = pairs(&typed, turns, &input.session_id);
        pairs.sort_unstable();
        let (mut taken_lines, mut taken_turns) = (BTreeSet::new(), BTreeSet::new());
        for pair in pairs {
            if !taken_lines.contains(&pair.line) && !taken_turns.contains(&pair.turn) {
                taken_lines.insert(pair.line);
                taken_turns.insert(pair.turn);
                turns[pair.turn].former_keys.extend(typed[pair.line].keys());
            }
        }
        let alone = input.is_only_typed();
        let left = typed.iter().enumerate().filter(|(line, _)| !taken_lines.contains(line));
        let left: Vec<Turn> = left.map(|(_, line)| turn(line, &input.session_id, alone)).collect();
        if !left.is_empty() {
            turns.extend(left);
            grown.push(session);
        }
    }
    grown
}

/// One thing that was typed, and the lines that tell of it.
struct Distinct<'a> {
    typed: &'a Typed,
    others: Vec<[u8; 16]>,
}

impl Distinct<'_> {
    fn keys(&self) -> impl Iterator<Item = Key> {
        iter::once(self.typed.key).chain(self.others.iter().copied()).map(Key::Line)
    }
}

/// Each thing once; of several lines one that hides nothing tells it.
fn distinct(typed: &[Typed]) -> Vec<Distinct<'_>> {
    let mut found: Vec<Distinct<'_>> = Vec::new();
    let mut at: HashMap<i64, Vec<usize>> = HashMap::new();
    for one in typed {
        let at_once = at.entry(one.at_ms).or_default();
        let Some(place) = at_once.iter().find(|place| found[**place].typed.is(one)) else {
            at_once.push(found.len());
            found.push(Distinct { typed: one, others: Vec::new() });
            continue;
        };
        let known = &mut found[*place];
        let mut other = one;
        if known.typed.masked && !one.masked {
            std::mem::swap(&mut known.typed, &mut other);
        }
        if other.key != known.typed.key && !known.others.contains(&other.key) {
            known.others.push(other.key);
        }
    }
    found
}

/// A line and a turn of the same text; the best sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    /// A fork may own what was typed in this session.
    elsewhere: bool,
    /// Something was pasted: only the words around it are the same, or there are none and the time tells.
    loosely: bool,
    apart_ms: u64,
    line: usize,
    turn: usize,
}

fn pairs(typed: &[Distinct<'_>], turns: &[Turn], session_id: &str) -> Vec<Pair> {
    let mut found = Vec::new();
    for (turn, shown) in turns.iter().enumerate() {
        let Some(prompt) = shown.prompt_text.as_deref().filter(|_| shown.kind != Kind::Subagent) else { continue };
        for (line, Distinct { typed, .. }) in typed.iter().enumerate() {
            let apart_ms = typed.at_ms.abs_diff(shown.timestamp_ms);
            let loosely = match () {
                () if same(&typed.text, prompt) => false,
                () if is_filled(&typed.text, prompt) => true,
                () if is_pasted(&typed.text) && apart_ms <= PASTED_MS => true,
                () => continue,
            };
            found.push(Pair { elsewhere: shown.session_id != session_id, loosely, apart_ms, line, turn });
        }
    }
    found
}

/// Equal but for white space, and for what is hidden.
fn same(typed: &str, prompt: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    typed.split_whitespace().eq(prompt.split_whitespace())
        || (is_masked(typed) || is_masked(prompt)) && same_text(&words(typed), &words(prompt))
}

/// Whether `prompt` is what was typed with something in place of each `[Pasted text #1 +20 lines]` and `[Image #1]`.
fn is_filled(typed: &str, prompt: &str) -> bool {
    let pieces = around_placeholders(typed);
    if pieces.len() < 2 || is_pasted(typed) {
        return false;
    }
    let mut rest = prompt.trim();
    for (number, piece) in pieces.iter().enumerate() {
        let piece = piece.trim();
        let Some(at) = rest.find(piece) else { return false };
        if number == 0 && at != 0 {
            return false;
        }
        rest = &rest[at + piece.len()..];
    }
    pieces.last().is_none_or(|last| last.trim().is_empty() || prompt.trim().ends_with(last.trim()))
}

/// Whether it is nothing but placeholders.
fn is_pasted(typed: &str) -> bool {
    let pieces = around_placeholders(typed);
    pieces.len() > 1 && pieces.iter().all(|piece| piece.trim().is_empty())
}

/// The texts before, between and after the placeholders.
fn around_placeholders(typed: &str) -> Vec<&str> {
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = typed[at..].find('[').map(|open| at + open) {
        let Some(end) = typed[open..].find(']').map(|end| open + end) else { break };
        let inside = &typed[open + 1..end];
        if ["Pasted text #", "Image #", "...Truncated text #"].iter().any(|mark| inside.starts_with(mark)) {
            pieces.push(&typed[from..open]);
            from = end + 1;
        }
        at = open + 1;
    }
    pieces.push(&typed[from..]);
    pieces
}

/// A line that nothing else tells of. Where its session is otherwise known it only answers for the id it once got.
fn turn(line: &Distinct<'_>, session_id: &str, alone: bool) -> Turn {
    let typed = line.typed;
    let kind = if alone { typed.kind } else { Kind::Local };
    Turn {
        keys: line.keys().collect(),
        former_keys: Vec::new(),
        session_id: session_id.to_owned(),
        parent: None,
        agent_id: None,
        ordinal: 0,
        timestamp_ms: typed.at_ms,
        ended_ms: None,
        kind,
        via: Via::Unknown,
        status: if kind == Kind::Local { Status::Complete } else { Status::Open },
        prompt_text: Some(typed.text.clone()),
        response_text: None,
        prompt_id: None,
        model: None,
        cwd: typed.project.clone(),
        from_hook: false,
        from_transcript: false,
        metadata: json!({"source": "history"}).to_string(),
        blocks: vec![Block {
            kind: BlockKind::Prompt,
            at_ms: Some(typed.at_ms),
            tool_use_id: None,
            span: typed.span,
            search: Some(typed.text.clone()),
        }],
        usage: Vec::new(),
        tool_calls: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_has_a_kind() {
        let check = |display: &str, expected: Option<(Kind, &str)>| {
            assert_eq!(kind(display), expected.map(|(kind, text)| (kind, text.to_owned())), "{display:?}");
        };
        check("fix it ", Some((Kind::Human, "fix it")));
        check("[Pasted text #1 +20 lines]", Some((Kind::Human, "[Pasted text #1 +20 lines]")));
        check("<tick> is a tag", Some((Kind::Human, "<tick> is a tag")));
        check("/init", Some((Kind::Command, "/init")));
        check("/rate 5 great", Some((Kind::Local, "/rate 5 great")));
        check("/clear ", Some((Kind::Local, "/clear")));
        check("/home/me/x is broken", Some((Kind::Human, "/home/me/x is broken")));
        check("! ls", Some((Kind::Shell, "! ls")));
        check("# use tabs", Some((Kind::Local, "# use tabs")));
        check("# A plan\n1. first", Some((Kind::Human, "# A plan\n1. first")));
        check("!", Some((Kind::Human, "!")));
        check("  ", None);
    }

    #[test]
    fn placeholders_stand_for_what_was_pasted() {
        let check = |typed: &str, prompt: &str, expected: bool| {
            assert_eq!(is_filled(typed, prompt), expected, "{typed:?} {prompt:?}");
        };
        check("why? [Pasted text #1 +2 lines] thanks", "why? a\nb thanks", true);
        check("why? [Pasted text #1 +2 lines]", "why? a\nb", true);
        check("[Image #1] what is this", "what is this", true);
        check("why? [Pasted text #1 +2 lines] thanks", "why? a\nb no thanks, really", false);
        check("why? [Pasted text #1 +2 lines]", "so, why? a\nb", false);
        check("[Pasted text #1 +2 lines]", "anything", false);
        check("see [1] and [2]", "see [1] and [2] too", false);
    }

    #[test]
    fn white_space_is_no_difference() {
        assert!(same("fix  it\n", "fix it"));
        assert!(!same("fix it", "fix it now"));
    }
}
