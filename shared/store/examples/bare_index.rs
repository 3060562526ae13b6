//! The least that indexing can cost: the texts of a file go into one FTS5 table with our tokenizer and prefixes, and into
//! nothing else. `cargo bench -p tests --bench import` runs it beside the real import.
//!
//! `bare_index TEXTS DATABASE`: TEXTS holds one JSON string a line. Prints the rows, their bytes and the seconds.
#![expect(clippy::print_stdout, reason = "a floor is its figures")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use rusqlite::Connection;

const TABLE: &str = "
    create virtual table search using fts5 (
        text, content = '', contentless_delete = 1, prefix = '2 3', tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\"
    )";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(texts), Some(database)) = (args.next(), args.next()) else {
        return Err("usage: bare_index TEXTS DATABASE".into());
    };
    let texts = fs::read_to_string(texts)?;
    let texts = texts.lines().map(serde_json::from_str::<String>).collect::<Result<Vec<_>, _>>()?;

    let begin = Instant::now();
    let mut conn = Connection::open(database)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.execute_batch(TABLE)?;
    let tx = conn.transaction()?;
    {
        let mut insert = tx.prepare("insert into search (rowid, text) values (?1, ?2)")?;
        for (at, text) in texts.iter().enumerate() {
            insert.execute((at as i64 + 1, text))?;
        }
    }
    tx.commit()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} {} {seconds:.3}", texts.len(), texts.iter().map(String::len).sum::<usize>());
    Ok(())
}
