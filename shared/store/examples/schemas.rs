//! Databases of earlier schemas, for tests/fixtures/schemas/make and the tests of upgrades; tests use no SQL of their own.
//!
//! ```text
//! schemas migrate N DATABASE      the migrations up to N, as a program leaves them that died between two
//! schemas fall N FROM TO          TO is made by the first N migrations and gets the rows of FROM that it has a place for
//! schemas say FROM TO             what people said in FROM, of the same conversations in TO
//! schemas version N DATABASE      sets the number of the schema alone, as a migration of a later release would
//! schemas pack DATABASE FILE      as it is stored
//! schemas unpack FILE DATABASE
//! schemas tell DATABASE           its schema, then each event, file, id, prompt with its answer, and word that people said, a line each
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;

/// What a trigger of schema 8 asks for.
#[path = "../src/words_cjk.rs"]
mod words_cjk;

type Done<T = ()> = Result<T, Box<dyn Error>>;

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

/// Of ground, identity and human rows, the tables and what tells a row of them; of conversations, what was asked and answered.
const TOLD: [(&str, &str); 12] = [
    ("events", "name || ' ' || hex(hash) || ' ' || size"),
    ("transcripts", "path || ' ' || stored_size || ' ' || hex(tail_hash)"),
    ("conversation_ids", "id"),
    ("conversation_keys", "kind || ' ' || hex(key) || ' ' || conversation_id"),
    ("rating_history", "id || ' ' || conversation_id || ' ' || ifnull(rating, 'none')"),
    ("tag_history", "id || ' ' || conversation_id || ' ' || tag || ' ' || present"),
    ("note_history", "id || ' ' || conversation_id || ' ' || ifnull(note, 'none')"),
    ("star_history", "id || ' ' || conversation_id || ' ' || starred"),
    (
        "user_session_members",
        "id || ' ' || session_id || ' ' || ifnull(from_conversation_id, 'all') || ' ' || ifnull(removed_ms, '')",
    ),
    ("session_titles", "id || ' ' || user_session_id || ' ' || ifnull(title, 'none')"),
    ("saved_views", "id || ' ' || name || ' ' || query || ' ' || ifnull(removed_ms, '')"),
    ("turns", "id || ' ' || quote(prompt_text) || ' ' || quote(response_text)"),
];

const HUMAN: [&str; 8] = [
    "rating_history",
    "tag_history",
    "note_history",
    "star_history",
    "user_sessions",
    "user_session_members",
    "session_titles",
    "saved_views",
];

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["migrate", n, database] => migrate(&open(database)?, n.parse()?),
        ["fall", n, from, to] => fall(n.parse()?, from, to),
        ["say", from, to] => say(from, to),
        ["version", n, database] => Ok(open(database)?.pragma_update(None, "user_version", n.parse::<i64>()?)?),
        ["pack", database, file] => pack(database, file),
        ["unpack", file, database] => Ok(fs::write(database, zstd::decode_all(&*fs::read(file)?)?)?),
        ["tell", database] => tell(&open(database)?),
        _ => Err("usage: see the head of shared/store/examples/schemas.rs".into()),
    }
}

fn open(database: &str) -> Done<Connection> {
    let conn = Connection::open(database)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    conn.execute_batch("pragma foreign_keys = off")?;
    let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function(
        "spaced",
        1,
        flags,
        |call| Ok(words_cjk::spaced(&call.get::<String>(0)?).into_owned()),
    )?;
    Ok(conn)
}

fn schema(conn: &Connection) -> Done<usize> {
    Ok(usize::try_from(conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?)?)
}

fn migrate(conn: &Connection, to: usize) -> Done {
    let mut files: Vec<_> =
        fs::read_dir(MIGRATIONS)?.collect::<Result<Vec<_>, _>>()?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()));
    files.sort();
    for (n, file) in files.iter().enumerate().take(to).skip(schema(conn)?) {
        let sql = fs::read_to_string(file)?;
        conn.execute_batch(&format!(
            "begin; {sql}; pragma application_id = 0x50724d67; pragma user_version = {}; commit",
            n + 1
        ))?;
    }
    Ok(())
}

/// Those that are no part of an index of words.
fn tables(conn: &Connection) -> Done<Vec<String>> {
    let sql = "select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\'";
    Ok(conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn columns(conn: &Connection, table: &str) -> Done<Vec<String>> {
    let sql = "select name from pragma_table_info(?1)";
    Ok(conn.prepare(sql)?.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn fall(n: usize, from: &str, to: &str) -> Done {
    let (richer, conn) = (open(from)?, open(to)?);
    migrate(&conn, n)?;
    conn.execute("attach ?1 as richer", [from])?;
    let there = tables(&richer)?;
    for table in tables(&conn)?.iter().filter(|table| there.contains(table)) {
        let theirs = columns(&richer, table)?;
        let both: Vec<_> = columns(&conn, table)?.into_iter().filter(|column| theirs.contains(column)).collect();
        let both = both.join(", ");
        conn.execute_batch(&format!("insert into {table} ({both}) select {both} from richer.{table}"))?;
    }
    Ok(())
}

fn say(from: &str, to: &str) -> Done {
    let conn = open(to)?;
    conn.execute("attach ?1 as other", [from])?;
    let strangers: i64 = conn.query_row(
        "select count(*) from conversation_keys join other.conversation_keys as their using (kind, key)
          where conversation_keys.conversation_id <> their.conversation_id",
        [],
        |row| row.get(0),
    )?;
    if strangers > 0 {
        return Err("the two give other ids to the same conversations".into());
    }
    conn.execute_batch("insert into origins (origin) select origin from other.origins where origin not in (select origin from origins)")?;
    for table in HUMAN {
        let all = columns(&conn, table)?;
        let read = all.join(", ").replace(
            "origin_id",
            "(select id from origins where origin = (select origin from other.origins where id = origin_id))",
        );
        conn.execute_batch(&format!("insert into {table} ({}) select {read} from other.{table}", all.join(", ")))?;
    }
    Ok(())
}

fn pack(database: &str, file: &str) -> Done {
    let one = format!("{file}.partial");
    let _ = fs::remove_file(&one);
    open(database)?.execute("vacuum into ?1", [&one])?;
    fs::write(file, zstd::encode_all(&*fs::read(&one)?, 19)?)?;
    Ok(fs::remove_file(Path::new(&one))?)
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn tell(conn: &Connection) -> Done {
    println!("schema {}", schema(conn)?);
    let there = tables(conn)?;
    for (table, row) in TOLD.iter().filter(|(table, _)| there.iter().any(|it| it == table)) {
        let mut rows = conn.prepare(&format!("select {row} from {table} order by 1"))?;
        for row in rows.query_map([], |row| row.get::<_, rusqlite::types::Value>(0))? {
            println!("{table} {:?}", row?);
        }
    }
    Ok(())
}
