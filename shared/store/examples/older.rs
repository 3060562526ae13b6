//! Puts a database back to schema 6, the last before lists and search got tables of their own, for the test of an upgrade:
//! `older DATABASE`. What was captured, derived and said stays; tests use no SQL of their own.

use std::collections::BTreeMap;
use std::error::Error;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

const MIGRATIONS: [&str; 6] = [
    include_str!("../../../migrations/0001_ground.sql"),
    include_str!("../../../migrations/0002_identity.sql"),
    include_str!("../../../migrations/0003_human.sql"),
    include_str!("../../../migrations/0004_derived.sql"),
    include_str!("../../../migrations/0005_lasting.sql"),
    include_str!("../../../migrations/0006_figures.sql"),
];

/// Kind and statement by name, without what belongs to another object.
type Objects = BTreeMap<String, (String, String)>;

fn objects(conn: &Connection) -> rusqlite::Result<Objects> {
    let sql = "select name, type, sql from sqlite_schema s where sql is not null and name not like 'sqlite\\_%' escape '\\'
                  and not exists (select 1 from sqlite_schema v where v.sql like 'create virtual table%'
                                  and s.name like replace(v.name, '_', '\\_') || '\\_%' escape '\\' and s.sql like 'create table ''%')";
    conn.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?.collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let database = std::env::args().nth(1).ok_or("usage: older DATABASE")?;
    let model = Connection::open_in_memory()?;
    for sql in MIGRATIONS {
        model.execute_batch(sql)?;
    }
    let (wanted, conn) = (objects(&model)?, Connection::open(database)?);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    conn.execute_batch("pragma foreign_keys = off; begin")?;
    for kind in ["trigger", "view", "index", "table"] {
        // Tables have grown in place; of views and triggers there may be newer ones of the same name.
        let stays = |name: &String| matches!(kind, "index" | "table") && wanted.contains_key(name);
        let more = objects(&conn)?.into_iter().filter(|(name, (found, _))| found == kind && !stays(name));
        for (name, _) in more {
            conn.execute_batch(&format!("drop {kind} {name}"))?;
        }
    }
    conn.execute_batch(
        "alter table usage drop column cost; alter table sessions drop column origin_id;
         alter table transcripts drop column blanked",
    )?;
    let found = objects(&conn)?;
    for kind in ["table", "index", "view", "trigger"] {
        for (name, (_, sql)) in wanted.iter().filter(|(name, (of, _))| of == kind && !found.contains_key(*name)) {
            conn.execute_batch(sql).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    // Events had no key yet that every store makes.
    let events: Vec<(String, Vec<u8>)> = conn
        .prepare("select name, hash from events")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, hash) in events {
        let mut hasher = blake3::Hasher::new();
        for part in [&b""[..], name.as_bytes(), &hash] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let hash = hasher.finalize();
        conn.execute("delete from conversation_keys where kind = 'event' and key = ?1", [&hash.as_bytes()[..16]])?;
    }
    // The digests of then said other things of the same rows.
    conn.execute_batch("update turns set digest = x'06'; update derivations set parser = 1")?;
    conn.execute_batch("pragma user_version = 6; commit")?;
    Ok(())
}
