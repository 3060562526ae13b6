//! A fault each, planted by SQL.

use std::ops::ControlFlow;

use super::*;
use crate::read::seed::{Store, turn};
use crate::write::Writer;

/// What each look finds, in a few words.
fn looks(inspector: &Inspector) -> Vec<String> {
    struct Files(Vec<String>);
    impl FileVisitor for Files {
        fn bytes(&mut self, _: &SeenFile, _: &[u8]) {}
        fn end(&mut self, file: &SeenFile, fault: Option<Fault>) {
            self.0.extend(fault.map(|fault| format!("{} {fault:?}", file.path)));
        }
        fn goes_on(&mut self) -> bool {
            true
        }
    }
    let mut files = Files(Vec::new());
    inspector.each_file(&mut files).unwrap();
    let mut found = files.0;
    inspector
        .each_event(&mut |event| {
            found.extend(event.fault.map(|fault| format!("{} {fault:?}", event.name)));
            ControlFlow::Continue(())
        })
        .unwrap();
    let objects = inspector.schema_differences().unwrap();
    found.extend(objects.iter().map(|object| format!("{} {} {:?}", object.kind, object.name, object.difference)));
    let dangling = inspector.dangling().unwrap();
    found.extend(dangling.iter().map(|it| format!("{} {} {} {:?}", it.rows, it.table, it.parent, it.group)));
    found.extend(inspector.doubled_names(10).unwrap().iter().map(|name| format!("{name} doubled")));
    found.extend(inspector.unindexed().unwrap().iter().map(|(session, n)| format!("{session} {n} unindexed")));
    found.extend(Some(inspector.stray_words().unwrap()).filter(|n| *n > 0).map(|n| format!("{n} stray")));
    found.extend(inspector.unheard().unwrap().iter().map(|id| format!("{id} unheard")));
    found
}

fn check(plant: &str, expected: &[&str]) {
    let store = Store::new();
    store.event(b"{}");
    store.event(&vec![b' '; 5000]);
    store.turn(&turn("s", 1, "one"));
    let long: Vec<u8> = (0..600_000_u64).map(|n| (n * n / 7) as u8).collect();
    store.transcript(&long);
    let tail = blake3::hash(&long[long.len() - 4096..]);
    store.conn.execute("update transcripts set tail_hash = ?1", [tail.as_bytes()]).unwrap();
    // The seed gives both events one name, and a turn no key.
    store.conn.execute_batch("pragma foreign_keys = off; update events set name = name || id").unwrap();
    store.conn.execute_batch(plant).unwrap();
    let inspector = Inspector::open(&store.dir).unwrap();
    assert_eq!(looks(&inspector), expected, "{plant}");
    assert_eq!(inspector.keyless().unwrap(), [1], "the seed's turn has no key");
}

#[test]
fn faults_are_seen_each_in_its_look() {
    check("", &[]);
    check("update events set payload = x'7b' where id = 1", &["n1 Unreadable"]);
    check("update events set payload = x'7b7c' where id = 1", &["n1 Changed"]);
    check("update events set payload = x'00' where id = 2", &["n2 Unreadable"]);
    check("update events set name = 'n'", &["n doubled"]);
    check("delete from transcript_chunks where seq = 1", &["p Gap"]);
    check("delete from transcript_chunks where seq = 2", &["p Gap"]);
    check("update transcript_chunks set bytes = x'00' where seq = 1", &["p Unreadable"]);
    check("update transcripts set tail_hash = x'00'", &["p Changed"]);
    check("drop index turns_parent", &["index turns_parent Missing"]);
    check("drop view ratings; create view ratings as select 1", &["view ratings Other"]);
    check("create table more (a)", &["table more Extra"]);
    check("delete from search where rowid = 1", &["s 1 unindexed"]);
    check("insert into search (rowid, text) values (99, 'x')", &["1 stray"]);
    check(
        "insert into tool_calls values (1, 77, 0, null, 'x', 0, 0, 0, null, null, null,null,null,null,null,null,null,null)",
        &["1 tool_calls turns Derived"],
    );
    check(
        "insert into rating_history values ('a', 1, 77, 5, 1); insert into telling (now) values (0)",
        &["1 rating_history conversation_ids Human"],
    );
    check(
        "insert into conversation_ids values (77, 1); insert into rating_history values ('a', 1, 77, 5, 1);
         insert into telling (now) values (0)",
        &["77 unheard"],
    );
}

#[test]
fn mending_puts_back_what_can_be_told() {
    let store = Store::new();
    let event = store.event(&vec![b' '; 5000]);
    store.turn(&turn("s", 1, "one"));
    let break_it = "
        pragma foreign_keys = off; update events set payload = x'00', size = 3; drop index turns_parent;
        insert into search (rowid, text) values (99, 'x'); delete from conversation_ids;
        insert into usage (conversation_id, seq, message_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens)
            values (77, 0, 'm', 0, 0, 0, 0)";
    store.conn.execute_batch(break_it).unwrap();
    assert_eq!(looks(&Inspector::open(&store.dir).unwrap()).len(), 5);
    let mut writer = Writer::open(&store.dir).unwrap();
    let batch = writer.batch().unwrap();
    assert!(!batch.refill_event(event, b"others").unwrap());
    assert!(batch.refill_event(event, &vec![b' '; 5000]).unwrap());
    assert!(batch.make_missing("turns_parent").unwrap());
    assert!(!batch.make_missing("turns").unwrap());
    assert_eq!(batch.drop_loose_parts().unwrap(), 1);
    assert_eq!(batch.put_back_ids(1).unwrap(), 1);
    batch.drop_stray_words().unwrap();
    batch.commit().unwrap();
    assert_eq!(looks(&Inspector::open(&store.dir).unwrap()), Vec::<String>::new());
}
