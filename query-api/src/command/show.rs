//! `show`: a conversation to read. The prompt, what Claude said, each tool in one line, subagents below, your notes.

use export::parts::telling;
use export::time::parse;
use terminal::text::{columns, one_line, visible, visible_lines};
use terminal::time::{minute, when};
use terminal::{Tone, figure, paint, span};

use super::args::Show;
use super::client::{Client, Pairs};
use super::shape::{Conversation, ToolCall};
use super::{Error, page, path, print, print_foreign, raw};
use crate::http::filter::now_ms;

/// Subagents below subagents are shown so deep.
const DEEPEST: usize = 4;
/// A line about a tool is no longer, where there is no terminal.
const LONGEST: usize = 400;

pub(super) fn show(client: &Client, args: &Show) -> Result<(), Error> {
    if args.raw {
        return raw::show(client, args);
    }
    let path = path(&args.id)?;
    let answer = client.get(&path, &Pairs::new())?;
    if args.common.json {
        return answer.print();
    }
    let conversation: Conversation = answer.read()?;
    if args.prompt {
        return print_foreign(&conversation.item.prompt_text);
    }
    if args.answer {
        return print_foreign(&conversation.response_text);
    }
    if args.markdown {
        let query = vec![
            ("format", "markdown".to_owned()),
            ("kind", "all".to_owned()),
            ("id", conversation.item.id.to_string()),
        ];
        return print_foreign(&client.get("/api/export", &query)?.text());
    }
    print(&text(&conversation, terminal::width().map_or(LONGEST, usize::from)))
}

/// The page.
fn text(conversation: &Conversation, width: usize) -> String {
    let mut text = head(conversation, width);
    let prompt = &conversation.item.prompt_text;
    let prompt = if prompt.is_empty() { "(no prompt was seen)" } else { prompt };
    for line in visible_lines(prompt).lines() {
        text.push_str(format!("> {}", paint(Tone::Strong, line)).trim_end());
        text.push('\n');
    }
    body(conversation, 0, width, &mut text);
    if let Some(note) = &conversation.item.marks.notes {
        text.push_str(&format!("\n{}\n{}\n", paint(Tone::Strong, "Note"), visible_lines(note).trim_end()));
    }
    text
}

/// What is known of it, before the prompt.
fn head(conversation: &Conversation, width: usize) -> String {
    let item = &conversation.item;
    let mut id = paint(Tone::Strong, &format!("#{}", item.id));
    if let Some(requested) = conversation.requested_id {
        id.push_str(&format!(" (which {requested} is too)"));
    }
    let tokens = conversation.usage.tokens();
    let cost = conversation.cost.usd.filter(|_| tokens.is_some());
    let facts = [
        parse(&item.timestamp).map(|ms| moment(ms, now_ms())).unwrap_or_default(),
        visible(&item.project_name),
        conversation.session.as_ref().map(|session| branch(&session.git_branch)).unwrap_or_default(),
        if item.kind == "human" { String::new() } else { item.kind.clone() },
        visible(&conversation.model),
        tokens.map(|tokens| format!("{} tokens", figure::number(tokens))).unwrap_or_default(),
        cost.map(figure::usd).unwrap_or_default(),
    ];
    let mut text = flow(std::iter::once(id).chain(facts.into_iter().map(quiet)), width);
    let is_cut = item.user_session_id != conversation.session_id;
    // What was cut off is about something else than the title of Claude Code's session says.
    let own = conversation.session.as_ref().filter(|_| !is_cut).map(|session| &session.title);
    let title = Some(&conversation.user_session_title).filter(|title| !title.is_empty()).or(own);
    let title = title.map(|title| one_line(title, 80)).unwrap_or_default();
    let theirs = if is_cut { format!("(Claude Code's: {})", visible(&conversation.session_id)) } else { String::new() };
    let session = [format!("session {}", visible(&item.user_session_id)), theirs, title];
    text.push_str(&flow(session.map(quiet), width));
    text.push_str(&flow(page::marks(&item.marks), width));
    text.push('\n');
    text
}

fn quiet(fact: String) -> String {
    if fact.is_empty() { fact } else { paint(Tone::Quiet, &fact) }
}

/// Facts side by side, in as many lines as they need; one that is longer than a line has one to itself.
fn flow(facts: impl IntoIterator<Item = String>, width: usize) -> String {
    let (mut text, mut used) = (String::new(), 0);
    for fact in facts.into_iter().filter(|fact| !fact.is_empty()) {
        let takes = columns(&terminal::plain(&fact));
        let gap = match used {
            0 => "",
            used if used + 2 + takes > width => "\n",
            _ => "  ",
        };
        used = takes + if gap == "  " { used + 2 } else { 0 };
        text.push_str(gap);
        text.push_str(&fact);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The time, and how long ago that was while people count so.
fn moment(ms: i64, now_ms: i64) -> String {
    let time = minute(ms);
    let ago = Some(when(ms, now_ms)).filter(|said| said.ends_with("ago") || said == "now");
    ago.map_or(time.clone(), |ago| format!("{time} ({ago})"))
}

/// `on main`. Claude Code says HEAD where no branch is checked out.
fn branch(name: &str) -> String {
    if ["", "HEAD"].contains(&name) { String::new() } else { format!("on {}", visible(name)) }
}

/// Texts and tools in their order, and how it ended.
fn body(conversation: &Conversation, depth: usize, width: usize, text: &mut String) {
    let indent = " ".repeat(depth * 4);
    let mut said = false;
    let mut in_list = false;
    for block in &conversation.blocks {
        match (block.kind.as_str(), &block.text) {
            ("text", Some(block)) => {
                text.push('\n');
                visible_lines(block.trim()).lines().for_each(|line| push(text, &indent, line));
                (said, in_list) = (true, false);
            }
            ("notice", Some(notice)) => {
                gap(text, &mut in_list);
                push(text, &indent, &paint(Tone::Quiet, &format!("- {}", one_line(notice, room(width, &indent, 2)))));
            }
            ("tool", _) => {
                let call = conversation.tool_calls.iter().find(|call| call.id == block.tool_call_id);
                if let Some(call) = call {
                    gap(text, &mut in_list);
                    push(text, &indent, &tool(call, room(width, &indent, 0)));
                }
            }
            _ => {}
        }
    }
    for child in &conversation.subagents {
        gap(text, &mut in_list);
        let asked = one_line(&child.item.prompt_text, room(width, &indent, 20));
        push(text, &indent, &format!("{} {asked}", paint(Tone::Quiet, &format!("- subagent {}:", child.item.id))));
        if depth + 1 < DEEPEST {
            body(child, depth + 1, width, text);
        }
    }
    if !said && !conversation.response_text.is_empty() {
        text.push('\n');
        visible_lines(conversation.response_text.trim()).lines().for_each(|line| push(text, &indent, line));
    }
    match conversation.item.status.as_str() {
        "complete" => {}
        status => push(text, &indent, &format!("\n{}", paint(Tone::Bad, &format!("({})", visible(status))))),
    }
}

/// One line: its name, what it was about, how it ended.
fn tool(call: &ToolCall, room: usize) -> String {
    let (tone, end) = match (call.refused, call.error, call.finished) {
        (true, ..) => (Tone::Bad, " refused"),
        (_, true, _) => (Tone::Bad, " failed"),
        (_, _, false) => (Tone::Warning, " not finished"),
        _ => (Tone::Quiet, ""),
    };
    let time = call.duration_ms.map(|ms| format!(" {}", span(ms))).unwrap_or_default();
    let name = one_line(&call.name, 40);
    let left = room.saturating_sub(columns(&name) + end.len() + time.len() + 3).max(20);
    let about = telling(&call.input).map_or_else(|| call.input.to_string(), str::to_owned);
    let about =
        if ["{}", "null", ""].contains(&&*about) { String::new() } else { format!(" {}", one_line(&about, left)) };
    let end = if end.is_empty() { String::new() } else { paint(tone, end) };
    format!("{} {name}{about}{end}{}", paint(Tone::Quiet, "-"), paint(Tone::Quiet, &time))
}

/// A blank line before the first of several lines.
fn gap(text: &mut String, in_list: &mut bool) {
    if !std::mem::replace(in_list, true) {
        text.push('\n');
    }
}

fn push(text: &mut String, indent: &str, line: &str) {
    text.push_str(format!("{indent}{line}").trim_end());
    text.push('\n');
}

fn room(width: usize, indent: &str, lead: usize) -> usize {
    width.saturating_sub(indent.len() + lead).max(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(of: &str) -> Conversation {
        let json = serde_json::json!({
            "id": 12, "timestamp": "2026-11-22T12:35:59.735Z", "kind": "human", "status": "interrupted",
            "prompt_text": of, "response_text": of, "project_name": of, "session_id": of, "user_session_id": "mine",
            "model": of, "rating": 4, "tags": [of], "notes": of, "star": true, "requested_id": 13,
            "user_session_title": of, "session": {"title": "of another", "git_branch": of},
            "usage": {"total": {"input_tokens": 1200, "output_tokens": 34}, "messages": [{}]}, "cost": {"usd": 0.0123},
            "blocks": [{"kind": "prompt", "text": of}, {"kind": "text", "text": of}, {"kind": "tool", "tool_call_id": "t"},
                {"kind": "notice", "text": of}, {"kind": "tool", "tool_call_id": "u"}, {"kind": "text", "text": of}],
            "tool_calls": [{"id": "t", "name": of, "input": {"command": of}, "error": true, "finished": true, "duration_ms": 372},
                {"id": "u", "name": "Read", "input": {}, "finished": false}],
            "subagents": [{"id": 14, "prompt_text": of, "response_text": of, "status": "complete"}],
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_page() {
        let page = terminal::plain(&text(&conversation("some  text\nin lines"), 60));
        // The time is told in the zone of the machine, and as an age.
        let page: Vec<_> = page.lines().skip_while(|line| !line.starts_with("session")).collect();
        insta::assert_snapshot!(page.join("\n"));
    }

    #[test]
    fn a_head_fits_a_terminal() {
        let check = |width: usize, lines: usize| {
            let (session, part) = ("0914908d-acc8-48aa-98d6-77d558fb9590", "5d0b1f6e-2f6d-4a53-8a38-3c1f1d7a9b10");
            let mut split = conversation("serverless-plugins");
            split.session_id = session.to_owned();
            split.item.user_session_id = part.to_owned();
            split.model = "claude-sonnet-4-5-20250929".to_owned();
            split.session.as_mut().unwrap().title = "of another part".to_owned();
            split.user_session_title = "The parser of the plugins, and what its tests need".to_owned();
            split.item.marks.tags = (0..20).map(|n| format!("tag-{n}")).collect();
            let head = terminal::plain(&head(&split, width));
            assert!(head.lines().all(|line| columns(line) <= width), "{width}:\n{head}");
            for part in [session, part, "tag-19", "what its tests need", "on serverless-plugins"] {
                assert!(head.contains(part), "{head}");
            }
            assert!(!head.contains("of another part"), "{head}");
            assert_eq!(head.lines().count(), lines, "{head}");
        };
        check(80, 9);
        check(400, 4);
    }

    #[test]
    fn facts() {
        const NOW: i64 = 1_795_350_951_000;
        let check = |ago_ms: i64, expected: bool| {
            let said = moment(NOW - ago_ms, NOW);
            assert_eq!(said.contains('('), expected, "{said}");
        };
        check(120_000, true);
        check(19 * 3_600_000, true);
        check(3 * 86_400_000, false);
        check(800 * 86_400_000, false);
        assert_eq!(["main", "HEAD", "", "a\u{1b}b"].map(branch), ["on main", "", "", "on a␛b"]);
    }

    #[test]
    fn hostile_texts_are_shown() {
        let page = text(&conversation("\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{202e}x\r\u{9b}31m"), 60);
        let plain = terminal::plain(&page);
        assert_eq!(plain.replace('\n', ""), visible(&plain.replace('\n', "")), "{plain:?}");
        assert!(!page.contains("\u{1b}]") && !page.contains("\u{1b}[2J"), "{page:?}");
    }
}
