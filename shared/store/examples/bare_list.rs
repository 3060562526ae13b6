//! The least that a list can cost: the newest 50 conversations and their tool calls read from the tables by two statements,
//! and nothing made of them. `cargo bench -p tests --bench api` runs it beside the API.
//!
//! `bare_list DATABASE ROUNDS`: prints the microseconds of the median, the 95th and the 99th percentile.
#![expect(clippy::print_stdout, reason = "a floor is its figures")]

use std::error::Error;
use std::time::Instant;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

const LIST: &str = "
    select t.id, t.session_id, t.timestamp_ms, t.kind, t.via, t.status, t.prompt_text, t.response_text, t.cwd, t.model,
           t.from_hook, t.from_transcript, t.metadata, f.prompt_length, f.tokens, f.cost, f.failed
      from facets f join turns t on t.id = f.conversation_id
     where f.kind in (0, 1, 2)
     order by f.timestamp_ms desc, f.conversation_id desc
     limit 50";
const CALLS: &str = "
    select tool_use_id, name, is_error, refused, duration_ms from tool_calls where conversation_id = ?1 order by seq";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(database), Some(rounds)) = (args.next(), args.next()) else {
        return Err("usage: bare_list DATABASE ROUNDS".into());
    };
    let rounds: usize = rounds.to_string_lossy().parse()?;
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (mut list, mut calls) = (conn.prepare(LIST)?, conn.prepare(CALLS)?);
    let (mut took, mut bytes) = (Vec::new(), 0);
    for _ in 0..=rounds {
        let begin = Instant::now();
        let tx = conn.unchecked_transaction()?;
        let mut rows = list.query([])?;
        while let Some(row) = rows.next()? {
            bytes += read(row)?;
            let mut of_one = calls.query([row.get::<_, i64>(0)?])?;
            while let Some(call) = of_one.next()? {
                bytes += read(call)?;
            }
        }
        drop(rows);
        tx.commit()?;
        took.push(begin.elapsed());
    }
    took.remove(0); // from the disk
    took.sort();
    let at = |share: f64| took.get(((took.len() - 1) as f64 * share).round() as usize).map_or(0, |it| it.as_micros());
    println!("{} {} {} {bytes}", at(0.5), at(0.95), at(0.99));
    Ok(())
}

/// Looks at every column, so that none is left out.
fn read(row: &Row<'_>) -> Result<usize, rusqlite::Error> {
    (0..row.as_ref().column_count()).try_fold(0, |sum, at| {
        Ok(sum
            + match row.get_ref(at)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                _ => 8,
            })
    })
}
