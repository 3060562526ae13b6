//! Stores with damage of every kind, and what can be taken out of them.

use super::*;
use crate::human::{Rating, Remark, Said};
use crate::ids::Key;
use crate::write::event_key;
use crate::write::{LeftOut, NewEvent};
use queue::DataDir;

const NAME: &str = "1795350951598014047-s-Stop.json";

fn remark(id: &str, origin: &str, created_ms: i64) -> Remark {
    let stamp = Stamp { id: id.into(), origin: origin.into(), created_ms };
    Remark { stamp, said: Said::Rating(Rating::new(4)) }
}

/// A store with three rated conversations, `damage` done to it, and noise on the first page of the table `lost`.
fn damaged(damage: &str, lost: Option<&str>) -> (tempfile::TempDir, DataDir, String) {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::new(home.path());
    let mut writer = Writer::open(&dir).unwrap();
    let origin = writer.origin().to_owned();
    let batch = writer.batch().unwrap();
    for n in 1..=3 {
        let rated = [remark(&format!("r{n}"), &origin, 5)];
        batch.add_remarks(&[Key::Event([n; 16])], None, &rated, 1).unwrap();
    }
    let event = NewEvent {
        name: NAME,
        captured_ns: 1_795_350_951_598_014_047,
        event: "Stop",
        session_id: "s",
        prompt_id: None,
        payload: b"{}",
        stored_ms: 1,
    };
    batch.add_event(&event).unwrap();
    batch.commit().unwrap();
    drop(writer);
    let conn = Connection::open(dir.database()).unwrap();
    conn.pragma_update(None, "ignore_check_constraints", true).unwrap();
    conn.execute_batch(damage).unwrap();
    let root = |table| {
        conn.query_row("select rootpage from sqlite_schema where name = ?1", [table], |row| row.get::<_, i64>(0))
    };
    let root = lost.map(|table| usize::try_from(root(table).unwrap()).unwrap());
    drop(conn);
    if let Some(page) = root {
        let mut bytes = std::fs::read(dir.database()).unwrap();
        bytes[(page - 1) * 4096..page * 4096].fill(0xa5);
        std::fs::write(dir.database(), bytes).unwrap();
    }
    (home, dir, origin)
}

/// What can be taken out of it: remarks, and events.
fn check(damage: &str, lost: Option<&str>, expected: (u64, u64)) {
    let (_home, dir, origin) = damaged(damage, lost);
    let before = std::fs::read(dir.database()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let new = DataDir::new(home.path());
    let mut writer = Writer::open(&new).unwrap();
    writer.adopt_origin(&origin).unwrap();
    assert_eq!(writer.origin(), origin);
    let wreck = Wreck::open(&dir.database(), home.path()).unwrap();
    writer.salvage_forgotten(&wreck).unwrap();
    let ids = writer.salvage_ids(&wreck).unwrap();
    let events = writer.salvage_events(&wreck).unwrap();
    let said = writer.salvage_said(&wreck, &ids, 9).unwrap();
    assert_eq!((said.new, events.new), expected, "{damage} {lost:?}: {said:?} {events:?}");
    let again = writer.salvage_said(&wreck, &ids, 9).unwrap();
    assert_eq!((again.new, writer.salvage_ids(&wreck).unwrap().new), (0, 0), "{damage}");
    let batch = writer.batch().unwrap();
    if said.new > 1 {
        let about = put::about(&batch.tx, "rating_history", "r3").unwrap();
        assert_eq!(about, Some(ConversationId(3)), "{damage}: another conversation got the rating");
    }
    // The next id is one that was never given out.
    assert!(put::make(&batch.tx, &[], None, 9).unwrap().0 > 3, "{damage} {lost:?}");
    drop(batch);
    assert_eq!(std::fs::read(dir.database()).unwrap(), before, "it was written to");
    assert!(writer.adopt_origin(&origin).is_err() || events.new == 0);
}

#[test]
fn what_can_be_read_is_taken() {
    check("", None, (3, 1));
    for table in ["meta", "origins", "conversation_ids", "conversation_keys"] {
        check("", Some(table), (3, 1));
    }
    check("", Some("events"), (3, 0));
    check("", Some("rating_history"), (0, 1));
    // What was forgotten stays so, also in the archive.
    let (_home, dir, origin) = damaged("", None);
    let hash = blake3::hash(b"{}");
    let key: String = event_key(&origin, NAME, hash.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let forget = format!("insert into tombstones (origin_id, kind, key, created_ms) values (1, 'event', x'{key}', 1)");
    Connection::open(dir.database()).unwrap().execute_batch(&forget).unwrap();
    let writer = Writer::open(&dir).unwrap();
    assert!(writer.is_forgotten(NAME, b"{}").unwrap() && !writer.is_forgotten(NAME, b"[]").unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut new = Writer::open(&DataDir::new(home.path())).unwrap();
    let ignored = LeftOut::new("s", "/private");
    Writer::open(&dir).unwrap().leave_out(&[ignored]).unwrap();
    let wreck = Wreck::open(&dir.database(), home.path()).unwrap();
    assert_eq!(new.salvage_forgotten(&wreck).unwrap().new, 1);
    assert!(new.ground().unwrap().is_left_out(&[ignored]).unwrap());
    assert_eq!(new.salvage_events(&wreck).unwrap().new, 0);
    // What makes no sense is left.
    check("update events set payload = x'7b20'", None, (3, 0));
    check("update rating_history set created_ms = -7 where id = 'r1'", None, (2, 1));
    check("update rating_history set id = '' where id = 'r1'", None, (2, 1));
}

/// A rating whose random id had a flipped bit in the damaged database stood beside the one that a backup had.
#[test]
fn a_flipped_bit_in_an_id_says_nothing_twice() {
    let check = |damage: &str, expected: u64| {
        let (_home, dir, origin) = damaged("", None);
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&DataDir::new(home.path())).unwrap();
        writer.adopt_origin(&origin).unwrap();
        let said = |writer: &mut Writer| {
            let wreck = Wreck::open(&dir.database(), home.path()).unwrap();
            let ids = writer.salvage_ids(&wreck).unwrap();
            writer.salvage_said(&wreck, &ids, 9).unwrap().new
        };
        assert_eq!(said(&mut writer), 3);
        let conn = Connection::open(dir.database()).unwrap();
        conn.pragma_update(None, "ignore_check_constraints", true).unwrap();
        conn.execute_batch(damage).unwrap();
        drop(conn);
        assert_eq!(said(&mut writer), expected, "{damage}");
    };
    check("update rating_history set id = 'v2' where id = 'r2'", 0);
    check("update rating_history set id = 'v2', rating = 3 where id = 'r2'", 1);
    check("update rating_history set id = 'another' where id = 'r2'", 1);
}

#[test]
fn noise_is_no_wreck() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("noise.db");
    std::fs::write(&path, [0xa5; 8192]).unwrap();
    assert!(matches!(Wreck::open(&path, home.path()), Err(Error::Corrupt { .. })));
}
