//! Plants one fault in a database, for the tests of `doctor`: `plant DATABASE FAULT`; `noise-in-TABLE` is one too. Tests use no SQL of their own.

use std::error::Error;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;

/// What each fault does.
const FAULTS: [(&str, &str); 48] = [
    ("rating", "insert into rating_history select 'r1', 1, min(id), 5, 1 from turns; insert into telling (now) values (0)"),
    // The captured runs are old when they are fed.
    ("at-once", "delete from latencies"),
    ("table-gone", "drop table places_wanted"),
    ("event-gone", "delete from events where id = (select max(id) from events where event = 'SessionEnd')"),
    ("event-unreadable", "update events set codec = 1, payload = x'00ff' where id = 1"),
    ("event-changed", "update events set size = 2, codec = 0, payload = x'7b7d' where id = 1"),
    (
        "event-doubled",
        "insert into events (origin_id, name, hash, captured_ns, event, session_id, prompt_id, size, codec, payload, stored_ms)
         select origin_id, name, x'HASH', captured_ns, event,
                session_id, prompt_id, 2, 0, x'7b7d', stored_ms from events where id = 1",
    ),
    ("chunk-gone", "delete from transcript_chunks where id = 1"),
    ("chunk-unreadable", "update transcript_chunks set codec = 1, bytes = x'00ff' where id = 1"),
    ("tail-changed", "update transcripts set tail_hash = x'00' where id = 1"),
    ("index-gone", "drop index turns_session"),
    ("view-gone", "drop view ratings"),
    ("view-other", "drop view ratings; create view ratings as select 1 as conversation_id"),
    ("table-more", "create table mine (a)"),
    ("schema-newer", "pragma user_version = 99"),
    ("schema-older", "pragma user_version = 5"),
    ("foreign", "pragma application_id = 7"),
    ("chunks-without-file", "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (9999, 0, 1, 0, x'20')"),
    ("ids-gone", "delete from conversation_ids where id = (select max(id) from turns)"),
    (
        "rating-without-id",
        "insert into rating_history values ('r2', 1, 99999, 5, 1); insert into telling (now) values (0)",
    ),
    (
        "rating-unheard",
        "insert into conversation_ids values (99999, 1); insert into rating_history values ('r2', 1, 99999, 5, 1);
         insert into telling (now) values (0)",
    ),
    (
        "alias-to-nowhere",
        "insert into aliases select min(id), 99999 from turns; insert into telling (now) values (0)",
    ),
    (
        "loose-usage",
        "insert into usage (conversation_id, seq, message_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens)
         values (99999, 0, 'm', 0, 0, 0, 0)",
    ),
    (
        "said-untold",
        "insert into rating_history select 'r3', 1, min(id), 4, 2 from turns",
    ),
    (
        "said-changed",
        "insert into star_history select 's1', 1, min(id), 1, 1 from turns; insert into telling (now) values (0);
         update marks set starred = 0",
    ),
    ("said-stray", "insert into marks select max(id), 5, 0, 0, 1 from turns"),
    (
        "title-gone",
        "insert into session_titles select 't1', 1, min(session_id), 'planted', 1 from turns; delete from human_texts",
    ),
    ("words-gone", "delete from search where rowid = (select min(id) from blocks where kind = 'text')"),
    ("words-stray", "insert into search (rowid, text) values (9999999, 'stray')"),
    ("words-damaged", "update search_data set block = x'0102030405060708' where id > 10"),
    (
        "texts-gone",
        "insert into tag_history (id, origin_id, created_ms, conversation_id, tag, present)
         select 'planted', 1, 1, min(id), 'planted', 1 from turns;
         insert into telling (now) values (0);
         delete from search_human where rowid = (select id from human_texts where text = 'planted')",
    ),
    ("titles-stray", "insert into search_titles (rowid, text) values (9999999, 'stray')"),
    (
        "texts-damaged",
        "insert into tag_history (id, origin_id, created_ms, conversation_id, tag, present)
         select 'planted', 1, 1, min(id), 'planted', 1 from turns;
         insert into telling (now) values (0);
         update search_human_data set block = x'0102030405060708' where id > 10;
         update search_human_parts_data set block = x'0102030405060708' where id > 10",
    ),
    ("keys-gone", "delete from conversation_keys where conversation_id = (select min(id) from turns)"),
    (
        "session-waits",
        "update events set stored_ms = stored_ms - 86400000; update transcripts set source_mtime_ns = 1;
         insert into dirty_sessions (session_id, token) select min(session_id), 7 from turns",
    ),
    ("turn-changed", "update turns set response_text = 'another', digest = x'00' where id = (select min(id) from turns)"),
    ("prompt-changed", "update turns set prompt_text = 'another' where id = (select min(id) from turns)"),
    ("counts-changed", "update turns_seen set turns = turns + 1 where from_hook = 1 and from_transcript = 1"),
    ("facets-gone", "delete from facets where conversation_id = (select min(id) from turns)"),
    ("facets-changed", "update facets set folder_id = null, cost = 7 where conversation_id = (select max(id) from turns)"),
    ("facets-stray", "insert into facets select timestamp_ms + 1, conversation_id, kind, via, status, folder_id, model_id, failed, prompt_length, tokens, cost from facets limit 1"),
    ("uses-stray", "insert into tool_uses select tool_id, timestamp_ms, 99999, 1, 0 from tool_uses limit 1"),
    ("origin-gone", "delete from origins"),
    ("event-moved", "update events set captured_ns = captured_ns + 1 where id = 1"),
    ("event-session", "update events set session_id = 'another' where id = 1"),
    ("call-gone", "delete from tool_calls where id = (select min(id) from tool_calls)"),
    ("future-event", "update events set stored_ms = stored_ms + 86400000 where id = 1"),
    (
        "future-pass",
        "insert into passes (command, began_ms, took_ms, queue_ms, transcripts_ms, derive_ms, stored, replayed, failed, put_back,
                             adopted, drained, bytes, transcript_files, transcript_bytes, sessions, conversations)
         select 'run', max(stored_ms) + 86400000, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 from events",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(database), Some(fault)) = (args.next(), args.next()) else {
        return Err("usage: plant DATABASE FAULT".into());
    };
    if let Some(table) = fault.strip_prefix("noise-in-") {
        return noise(&database, table);
    }
    let Some((_, sql)) = FAULTS.iter().find(|(name, _)| *name == fault) else {
        return Err(format!("there is no fault {fault}").into());
    };
    let conn = Connection::open(database)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    conn.execute_batch("pragma foreign_keys = off")?;
    // Triggers ask for it, and no fault is about a text in such a script.
    let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("spaced", 1, flags, |call| call.get::<Option<String>>(0))?;
    conn.create_scalar_function("folded", 1, flags, |call| call.get::<Option<String>>(0))?;
    // Of the payload that a second event has.
    conn.execute_batch(&sql.replace("HASH", &blake3::hash(b"{}").to_hex()))?;
    Ok(())
}

/// As a bad disk leaves it: the first page of a table is noise, and nothing else.
fn noise(database: &str, table: &str) -> Result<(), Box<dyn Error>> {
    let conn = Connection::open(database)?;
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    let page =
        conn.query_row("select rootpage from sqlite_schema where name = ?1", [table], |row| row.get::<_, u32>(0))?;
    let size = conn.query_row("pragma page_size", [], |row| row.get::<_, u32>(0))?;
    conn.close().map_err(|(_, error)| error)?;
    let file = std::fs::File::options().write(true).open(database)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xa5; size as usize], u64::from(page - 1) * u64::from(size))?;
    Ok(())
}
