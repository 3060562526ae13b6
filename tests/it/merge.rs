//! Two machines become one store: a database taken into another, and what people said carried by an export.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::{SCENARIOS, World};
use serde_json::Value;
use store::ConversationId;
use store::human::{Member, Rating, Remark, Said, SavedView, Stamp, Title, UserSession};
use store::read::export::{Exporter, Subagents};
use store::write::Writer;

use crate::one_store::queue;

/// A person rates, tags, annotates and stars everything, splits one session and keeps a view; `who` tells the people apart.
pub(crate) fn annotate(world: &World, who: i64) {
    let ids: Vec<i64> = items(world).iter().map(|item| item["id"].as_i64().expect("an id")).collect();
    let mut exporter = Exporter::open(world.data()).expect("the store");
    let mut writer = Writer::open(world.data()).expect("the store");
    let origin = writer.origin().to_owned();
    let batch = writer.batch().expect("a transaction");
    let stamp = |row: &str, at: i64| Stamp { id: format!("{row} of {who}"), origin: origin.clone(), created_ms: at };
    for (n, id) in (0..).zip(&ids) {
        let rows = [
            ("rating", Said::Rating(Rating::new(1 + (n + who) % 5))),
            ("tag", Said::Tag { tag: ["shared", "Shared"][(who % 2) as usize].into(), present: (n + who) % 3 > 0 }),
            ("own tag", Said::Tag { tag: format!("of {who}"), present: true }),
            ("note", Said::Note((n % 4 > 0).then(|| format!("note {n} of {who}")))),
            ("star", Said::Star((n + who) % 2 == 0)),
        ];
        for (row, said) in rows {
            let remark = Remark { stamp: stamp(&format!("{row} {n}"), 1000 + (n * 7 + who * 5) % 11), said };
            batch.add_remark(ConversationId(*id), &remark).expect("a remark");
        }
    }
    let whole = exporter.whole(ConversationId(ids[0]), Subagents::Left).expect("read").expect("the conversation");
    let part = stamp("part", 5);
    let member = Member {
        stamp: stamp("member", 5),
        user_session_id: part.id.clone(),
        session_id: whole.conversation.turn.session_id,
        from: Some(whole.keys),
        removed_ms: None,
    };
    batch.add_member(&member, 5).expect("a member");
    let title = Title { stamp: stamp("title", 5), user_session_id: part.id.clone(), title: Some("Mine".into()) };
    batch.add_title(&title).expect("a title");
    batch.add_user_session(&UserSession { stamp: part }).expect("a user session");
    let view = SavedView { stamp: stamp("view", 5), name: "Mine".into(), query: "q=x".into(), removed_ms: None };
    batch.add_saved_view(&view).expect("a view");
    batch.commit().expect("a commit");
}

fn items(world: &World) -> Vec<Value> {
    world.serve().items(&[("kind", "all")])
}

/// Everything that the store tells, without its own numbers.
pub(crate) fn natural(world: &World) -> BTreeSet<String> {
    let mut exporter = Exporter::open(world.data()).expect("the store");
    let mut rows = BTreeSet::new();
    for item in items(world) {
        let id = ConversationId(item["id"].as_i64().expect("an id"));
        let mut whole = exporter.whole(id, Subagents::Left).expect("read").expect("the conversation");
        whole.conversation.turn.id = ConversationId(0);
        whole.conversation.turn.parent_id = None;
        whole.keys.clear(); // a store that saw less at first knows a conversation by more
        rows.insert(format!("{whole:?}"));
    }
    let cuts = exporter.cuts().expect("read");
    let members = cuts.members.into_iter().map(|member| Member { from: member.from.map(|_| Vec::new()), ..member });
    rows.extend(members.map(|row| format!("{row:?}")));
    rows.extend(cuts.user_sessions.iter().map(|row| format!("{row:?}")));
    rows.extend(cuts.titles.iter().map(|row| format!("{row:?}")));
    rows.extend(cuts.views.iter().map(|row| format!("{row:?}")));
    assert_eq!(exporter.unplaced().expect("read"), []);
    rows
}

fn import(world: &World, path: &Path) -> Value {
    world.bin("ingest").args(["import", "--json"]).arg(path).succeed().json()
}

fn nothing_new(report: &Value) -> bool {
    ["merged", "remarks", "conversations", "bytes"].iter().all(|name| report[name] == 0)
}

/// Both saw the second scenario, one of them only its hooks; the others are each one's own.
fn machines() -> (World, World) {
    let (a, b) = (World::new(), World::new());
    for (world, own) in [(&a, 0), (&b, 2)] {
        queue(world, SCENARIOS[own]);
        world.projects(SCENARIOS[own]);
    }
    queue(&a, SCENARIOS[1]);
    b.projects(SCENARIOS[1]);
    for (who, world) in (1..).zip([&a, &b]) {
        world.ingest_once();
        annotate(world, who);
    }
    (a, b)
}

#[test]
fn two_machines_end_equal() {
    for a_first in [true, false] {
        let (a, b) = machines();
        let (first, second) = if a_first { (&a, &b) } else { (&b, &a) };
        let report = import(first, &second.data().database());
        assert!(!nothing_new(&report), "{report}");
        import(second, &first.data().database());
        import(first, &second.data().database());
        assert_eq!(natural(&a), natural(&b));
        let before = natural(&a);
        for (world, other) in [(&a, &b), (&b, &a)] {
            let again = import(world, &other.data().database());
            assert!(nothing_new(&again), "{again}");
            world.ingest_once();
        }
        assert_eq!(natural(&a), before);
        assert_eq!(natural(&b), before);
    }
}

/// What people said, taken out of one store and into another that has the same prompts, is what it was.
#[test]
fn an_export_carries_what_people_said() {
    let (a, b) = (World::new(), World::new());
    for world in [&a, &b] {
        SCENARIOS.iter().for_each(|scenario| world.projects(*scenario));
        world.ingest_once();
    }
    annotate(&a, 1);
    let file = a.root().join("said.jsonl");
    let _ = a.ingest(&["export", "--out", file.to_str().expect("UTF-8")]).code(0);
    let report = import(&b, &file);
    assert!(report["remarks"].as_u64() > Some(50) && report["conversations"] == 0, "{report}");
    assert_eq!(natural(&b), natural(&a));
    assert!(nothing_new(&import(&b, &file)));

    // Into an empty store first: it waits for the prompts.
    let c = World::new();
    import(&c, &file);
    assert_eq!(items(&c).len(), 0);
    import(&c, &a.data().database());
    assert_eq!(natural(&c), natural(&a));
}

/// An export brings no prompts: "0 new prompts" was all that was said of it in a store that had none.
#[test]
fn an_export_says_what_it_does_not_bring() {
    let (a, b) = (World::new(), World::new());
    SCENARIOS.iter().for_each(|scenario| a.projects(*scenario));
    a.ingest_once();
    let id = items(&a)[0]["id"].to_string();
    let _ = a.bin("query-api").args(["rate", &id, "5"]).succeed();
    let (said, copy) = (a.root().join("all.jsonl"), a.root().join("all.db"));
    let _ = a.ingest(&["export", "--out", said.to_str().expect("UTF-8")]).code(0);
    let lines = fs::read_to_string(&said).expect("read");
    let all = lines.lines().filter(|line| line.starts_with(r#"{"type":"conversation""#)).count();
    let check = |awaited: usize, awaited_said: u64| {
        let report = import(&b, &said);
        assert_eq!((&report["awaited"], &report["awaited_said"]), (&awaited.into(), &awaited_said.into()), "{report}");
    };
    let done = b.bin("ingest").arg("import").arg(&said).succeed();
    let expected = format!(
        "; {all} conversations of it not here, and what was said of 1 waits for that: `prompt-manager backup FILE` there"
    );
    assert!(done.out().contains(&expected), "{expected}: {done}");
    check(all, 1);
    // What it names to do does it.
    let _ = a.bin("ingest").arg("backup").arg(&copy).succeed();
    import(&b, &copy);
    check(0, 0);
    // What was forgotten does not come, and is not missed.
    let _ = b.bin("ingest").args(["forget", "--yes", "--conversation", &id]).succeed();
    check(0, 0);
}

#[test]
fn what_cannot_be_taken_in_is_said_in_one_line() {
    let world = World::new();
    world.ingest_once();
    let check = |path: &Path, expected: &str| {
        let done = world.bin("ingest").arg("import").arg(path).run().code(1);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(said.contains(expected) && said.lines().count() == 1 && done.stdout.is_empty(), "{done}");
    };
    check(&world.data().database(), "this is the database it would be taken into");
    let whole = fs::read(world.data().database()).expect("read");
    let other = world.root().join("other.db");
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes()); // user_version
    fs::write(&other, &newer).expect("write");
    check(&other, "install the newer version");
    fs::write(&other, &whole[..whole.len() / 3]).expect("write");
    check(&other, "the database is damaged");
    let file = world.root().join("said.jsonl");
    fs::write(&file, "{\"type\":\"prompt-manager-export\",\"version\":1}\n{\"type\":\"conversation\",\"keys\":7}\n")
        .expect("write");
    check(&file, "said.jsonl: line 2: expected a list of objects as \"keys\"");
}
