//! The facts of a session: titles, where it ran, and that they can be told part by part.

use serde_json::json;
use store::write::{Session, TitleFrom};

use super::story::*;
use super::*;

fn facts(items: Vec<Item>) -> Session {
    correlate(&[session("s", items)]).facts.remove(0)
}

fn given(title: &str) -> Item {
    Row(json!({"type": "custom-title", "customTitle": title}))
}

fn generated(title: &str) -> Item {
    Row(json!({"type": "ai-title", "aiTitle": title}))
}

#[test]
fn a_title_is_given_else_generated() {
    let check = |items: Vec<Item>, expected: Option<(&str, TitleFrom)>| {
        let facts = facts(items);
        assert_eq!(facts.title.as_ref().map(|title| (title.text.as_str(), title.from)), expected);
    };
    check(vec![user("a", "one")], None);
    check(vec![generated("made"), generated("made anew")], Some(("made anew", TitleFrom::Generated)));
    check(vec![given("mine"), generated("made")], Some(("mine", TitleFrom::Custom)));
    check(vec![generated("made"), given("mine"), given("renamed")], Some(("renamed", TitleFrom::Custom)));
    check(vec![given("  ")], None);
}

fn lines() -> Vec<Item> {
    let at = |cwd: &str, branch: &str| json!({"cwd": cwd, "gitBranch": branch, "version": "2.1.330"});
    vec![
        user_with("a", json!("one"), &at("/home/dev/acme", "main")),
        end("1"),
        generated("made"),
        user_with("b", json!("two"), &at("/home/dev/acme/sub", "topic")),
        given("mine"),
        Row(json!({"type": "brand-new"})),
        Hook(json!({"hook_event_name": "SessionStart", "source": "resume", "cwd": "/elsewhere"})),
        end("2"),
        generated("made anew"),
    ]
}

#[test]
fn what_was_seen_last_holds() {
    let facts = facts(lines());
    let seen = [&facts.cwd, &facts.hook_cwd, &facts.git_branch, &facts.version, &facts.model];
    assert_eq!(
        seen.map(|it| it.as_deref()),
        [Some("/home/dev/acme/sub"), Some("/elsewhere"), Some("topic"), Some("2.1.330"), Some("m")]
    );
    assert_eq!(facts.ended_ms.zip(facts.started_ms).map(|(end, start)| end - start), Some(8000));
}

/// An earlier part and a later one give what the whole gives, wherever it is cut.
#[test]
fn parts_give_the_whole() {
    let whole = session("s", lines());
    for cut in 0..=whole.files[0].len() {
        let (before, after) = whole.files[0].split_at(cut);
        let part = |lines: &[crate::transcripts::line::Line], events: &[HookEvent]| {
            let input = Input {
                session_id: "s".into(),
                files: vec![lines.to_vec()],
                events: events.to_vec(),
                ..Input::default()
            };
            correlate(&[input]).facts.remove(0)
        };
        let joined = part(before, &[]).then(part(after, &whole.events));
        assert_eq!(joined, part(&whole.files[0], &whole.events), "cut at {cut}");
    }
}

#[test]
fn unknown_types_are_counted() {
    let mut cutter = Cutter::new(TranscriptId(1), 0);
    cutter.feed(
        b"{\"type\":\"mode\"}\n{\"type\":\"brand-new\"}\nnot json\n{\"type\":\"brand-new\"}\n{\"type\":\"newer\"}\n",
    );
    let mut input = Input::default();
    let found = cutter.finish();
    input.unreadable = found.unreadable.iter().map(|at| (TranscriptId(1), *at)).collect();
    input.files.push(found.lines);
    let counts = correlate(&[input]).facts.remove(0).counts;
    let unknown: Vec<(&str, u64)> = counts.unknown.iter().map(|(name, lines)| (name.as_str(), *lines)).collect();
    assert_eq!((counts.lines, counts.unreadable), (4, 1));
    assert_eq!(unknown, [("brand-new", 2), ("newer", 1)]);
}
