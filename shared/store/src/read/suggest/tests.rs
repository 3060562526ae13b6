//! What the rules get to see of a store.

use crate::ids::{ConversationId, Span, SpanSource};
use crate::read::seed::{Row, Store, turn};

fn tag(store: &Store, id: ConversationId, tag: &str, at: i64, present: bool) {
    let id = id.0;
    store.say(&format!(
        "insert into tag_history (id, origin_id, created_ms, conversation_id, tag, present)
         values ('{tag} {at} {id}', 1, {at}, {id}, '{tag}', {present})"
    ));
}

#[test]
fn what_speaks_for_a_tag() {
    let store = Store::new();
    let input = r#"{"file_path":"/src/half \ud83d.rs"}"#;
    let file = SpanSource::Transcript(store.transcript(input.as_bytes()));
    let id = store.turn(&turn("s", 5_000, "mend the Parser"));
    let beside = store.turn(&turn("s", 6_000, "more"));
    let near = store.turn(&turn("t", 4_000, "in the same project"));
    let other = store.turn(&turn("u", 5_500, "in another project"));
    let command = store.turn(&Row { kind: "command", ..turn("v", 1, "/deploy now") });
    let (source, source_id, offset, length) = Span { source: file, offset: 0, length: input.len() as u32 }.columns();
    store
        .conn
        .execute_batch(&format!(
            "insert into sessions (session_id, title, cwd, origin_id)
             values ('s', 'About lexing', '/acme', 1), ('t', null, '/acme/src', 1), ('u', null, '/other', 1);
             insert into places values (1, '/acme/src', '/acme', 0);
             insert into tool_calls (conversation_id, seq, name, is_error, refused, finished,
                                     input_source, input_source_id, input_offset, input_length)
             values ({id}, 0, 'Write', 0, 0, 1, {source}, {source_id}, {offset}, {length}),
                    ({id}, 1, 'WebFetch', 0, 0, 1, {source}, {source_id}, 9000, 4);",
            id = id.0,
        ))
        .unwrap();
    store.refile();
    for (id, name) in
        [(other, "parser"), (other, "lexing"), (beside, "bug"), (near, "acme"), (id, "done"), (beside, "done")]
    {
        tag(&store, id, name, 1, true);
    }
    tag(&store, near, "gone", 1, true);
    tag(&store, id, "gone", 1, true);
    tag(&store, id, "gone", 2, false);
    store.say(&format!("insert into conversation_ids values (77, 0); insert into aliases values (77, {})", id.0));
    store.conn.execute("insert into conversation_ids values (78, 0)", []).unwrap();

    let mut reader = store.reader();
    let mut check = |id: i64, survivor: ConversationId, expected: &str| {
        let (found, suggestions) = reader.suggestions(ConversationId(id)).unwrap().unwrap();
        let suggestions: Vec<_> = suggestions.into_iter().map(|it| format!("{}: {}", it.tag, it.reason)).collect();
        assert_eq!((found, suggestions.join("\n")), (survivor, expected.to_owned()));
    };
    let expected = "lexing: the title has it
parser: the prompt has it
bug: 1 conversation in this session has it
acme: 1 conversation in this project at about that time has it
rust: a tool was given `half \u{fffd}.rs`
web: it used the tool WebFetch";
    check(id.0, id, expected);
    check(77, id, expected);
    check(command.0, command, "deploy: the prompt runs `/deploy`");
    check(78, ConversationId(78), "");
    assert_eq!(reader.suggestions(ConversationId(999)).unwrap(), None);
}

/// However much there is, what is read has a bound.
#[test]
fn no_plan_reads_everything() {
    let store = Store::new();
    let plan = |sql: &str| {
        let mut query = store.conn.prepare(&format!("explain query plan {sql}")).unwrap();
        let values = vec![rusqlite::types::Value::Integer(1); query.parameter_count()];
        let rows = query.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    };
    // The last three are what was read with a bound before.
    let scanned = ["SCAN CONSTANT ROW", "SCAN f", "SCAN n", "SCAN (subquery-7)", "SCAN (subquery-9)"];
    for sql in [super::TURN, super::TITLE, super::SESSION_TAGS, super::PROJECT_TAGS, super::CALLS] {
        let plan = plan(sql);
        let mut scans = plan.lines().filter(|line| line.starts_with("SCAN "));
        assert!(scans.all(|line| scanned.contains(&line)), "{plan}");
    }
    assert_eq!(plan(super::PROJECT_TAGS).matches("SEARCH facets USING PRIMARY KEY").count(), 2);
}
