//! Every table of the schema with every verb: only what a person's words need passes.

use queue::DataDir;
use rusqlite::Connection;

use crate::annotate::Annotator;
use crate::human::put;
use crate::open;

fn store() -> (tempfile::TempDir, DataDir, Connection, open::DbLock) {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::new(home.path());
    let (conn, lock) = open::writer(&dir).unwrap();
    conn.execute_batch(
        "insert into origins (origin, own) values ('00000000000000000000000000000000', 1);
         insert into conversation_ids (created_ms) values (0);",
    )
    .unwrap();
    (home, dir, conn, lock)
}

/// Name, type and columns of everything in the schema, shadow tables and the schema's own included.
fn objects(conn: &Connection) -> Vec<(String, String, Vec<String>)> {
    let mut query =
        conn.prepare("select name, type from sqlite_schema where type in ('table', 'view') union all select 'sqlite_schema', 'table'").unwrap();
    let found: Vec<(String, String)> =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let columns = |name: &str| {
        let mut query = conn.prepare("select name from pragma_table_info(?1)").unwrap();
        query.query_map([name], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    found.into_iter().map(|(name, kind)| (name.clone(), kind, columns(&name))).collect()
}

#[test]
fn only_a_persons_words_can_be_written() {
    let (_home, dir, conn, _lock) = store();
    let objects = objects(&conn);
    assert!(objects.len() > 50, "{}", objects.len());
    let annotator = Annotator::open(&dir).unwrap();
    let mut passed = Vec::new();
    let mut attempt = |sql: String, what: String| {
        if annotator.conn.prepare(&sql).is_ok() {
            passed.push(what);
        }
    };
    for (name, _, columns) in &objects {
        let first = &columns[0];
        attempt(format!("insert into \"{name}\" (\"{first}\") values (null)"), format!("insert {name}"));
        attempt(format!("delete from \"{name}\""), format!("delete {name}"));
        for column in columns {
            attempt(format!("update \"{name}\" set \"{column}\" = null"), format!("update {name}.{column}"));
        }
        for sql in [
            "drop table \"N\"",
            "drop view \"N\"",
            "alter table \"N\" rename to other",
            "alter table \"N\" add column more",
            "alter table \"N\" drop column \"C\"",
            "alter table \"N\" rename column \"C\" to other",
            "create index more on \"N\" (\"C\")",
            "create trigger more after insert on \"N\" begin select 1; end",
            "create trigger more instead of insert on \"N\" begin select 1; end",
            "create temp trigger more after insert on \"N\" begin select 1; end",
            "create view more as select * from \"N\"",
            "create temp view more as select * from \"N\"",
            "create table more as select * from \"N\"",
            "create temp table more as select * from \"N\"",
            "analyze \"N\"",
            "insert into \"N\" (\"N\") values ('rebuild')",
            "insert into \"N\" (\"N\") values ('delete-all')",
        ] {
            attempt(sql.replace('N', name).replace('C', first), format!("{sql} of {name}"));
        }
    }
    let appended = [
        "rating_history",
        "tag_history",
        "note_history",
        "star_history",
        "user_sessions",
        "session_titles",
        "user_session_members",
        "saved_views",
    ];
    let mut allowed: Vec<_> = appended.iter().map(|table| format!("insert {table}")).collect();
    allowed.push("insert telling".into());
    allowed.push("update user_session_members.removed_ms".into());
    allowed.push("update saved_views.removed_ms".into());
    passed.sort();
    allowed.sort();
    assert_eq!(passed, allowed);
}

#[test]
fn nothing_else_can_be_done() {
    let (_home, dir, _conn, _lock) = store();
    let annotator = Annotator::open(&dir).unwrap();
    for sql in [
        "insert into temp.sqlite_schema (name) values ('t')",
        "attach ':memory:' as other",
        "attach 'other.db' as other",
        "detach main",
        "vacuum",
        "vacuum into 'other.db'",
        "pragma query_only = 0",
        "pragma journal_mode = delete",
        "pragma synchronous = off",
        "pragma writable_schema = on",
        "pragma foreign_keys = off",
        "pragma user_version = 1",
        "pragma wal_checkpoint(truncate)",
        "pragma data_version = 1",
        "pragma trusted_schema = on",
        "pragma table_info(events)",
        "create table t (a)",
        "create temp table t (a)",
        "create virtual table t using fts5 (a)",
        "create virtual table t using dbstat",
        "create index i on events (size)",
        "drop index events_key",
        "drop trigger retell",
        "drop table events",
        "analyze",
        "reindex",
        "select load_extension('x')",
        "select * from temp.sqlite_schema",
        "explain insert into marks values (1, 1, 1, 1, 1)",
        "with t as (select 1) delete from events",
        "insert into rating_history (id, origin_id, conversation_id, created_ms) values ('x', 1, 1, 1)
           on conflict (id) do update set rating = 1",
    ] {
        assert!(annotator.conn.execute_batch(sql).is_err(), "{sql}");
    }
    annotator.conn.execute_batch("pragma data_version; pragma user_version").unwrap();
}

#[test]
fn a_row_that_is_there_stays_as_it_is() {
    let (_home, dir, _conn, _lock) = store();
    let annotator = Annotator::open(&dir).unwrap();
    for verb in ["insert", "replace", "insert or ignore"] {
        let sql = "into note_history (id, origin_id, conversation_id, note, created_ms) values ('x', 1, 1, ?1, 1)";
        let tx = annotator.conn.unchecked_transaction().unwrap();
        tx.execute(&format!("{verb} {sql}"), [verb]).unwrap();
        put::tell(&tx).unwrap();
        tx.commit().unwrap();
    }
    let found: String = annotator.conn.query_row("select note from note_history", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "insert");
}

/// Whichever connection writes.
#[test]
fn who_forgets_to_tell_cannot_commit() {
    let (_home, dir, conn, _lock) = store();
    let annotator = Annotator::open(&dir).unwrap();
    let say = |conn: &Connection, id: &str| {
        let sql =
            "insert into star_history (id, origin_id, conversation_id, starred, created_ms) values (?1, 1, 1, 1, 1)";
        conn.execute(sql, [id])
    };
    for (conn, id) in [(&conn, "a"), (&annotator.conn, "b")] {
        assert!(say(conn, id).is_err());
        let tx = conn.unchecked_transaction().unwrap();
        say(&tx, id).unwrap();
        assert!(tx.execute_batch("commit").is_err());
        put::tell(&tx).unwrap();
        tx.commit().unwrap();
    }
    let kept = "select (select count(*) from star_history) || ' ' || (select count(*) from untold)";
    assert_eq!(conn.query_row(kept, [], |row| row.get::<_, String>(0)).unwrap(), "2 0");
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::new(home.path());
    assert!(matches!(Annotator::open(&dir), Err(crate::Error::Missing { .. })));
    assert!(!dir.database().exists());
}

#[test]
fn a_replaced_file_is_noticed() {
    let (_home, dir, conn, _lock) = store();
    let annotator = Annotator::open(&dir).unwrap();
    assert!(annotator.is_current());
    drop(conn);
    std::fs::rename(dir.database(), dir.root().join("elsewhere.db")).unwrap();
    assert!(!annotator.is_current());
}
