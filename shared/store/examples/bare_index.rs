//! The least that indexing can cost: the texts of a file go into FTS5 tables like ours, those of tools into one without
//! prefixes and places, and into nothing else. `cargo bench -p tests --bench import` runs it beside the real import.
//!
//! `bare_index TEXTS DATABASE`: TEXTS holds one JSON string a line, those of tools in a list of one. Prints the rows, their
//! bytes and the seconds.
#![expect(clippy::print_stdout, reason = "a floor is its figures")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use rusqlite::Connection;

const TABLES: &str = "
    create virtual table search using fts5 (
        text, content = '', contentless_delete = 1, prefix = '2 3', tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\"
    );
    create virtual table search_tools using fts5 (
        text, content = '', contentless_delete = 1, detail = none, tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\"
    )";

/// Whose words they are.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Text {
    Said(String),
    OfTool([String; 1]),
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(texts), Some(database)) = (args.next(), args.next()) else {
        return Err("usage: bare_index TEXTS DATABASE".into());
    };
    let texts = fs::read_to_string(texts)?;
    let texts = texts.lines().map(serde_json::from_str::<Text>).collect::<Result<Vec<_>, _>>()?;

    let begin = Instant::now();
    let mut conn = Connection::open(database)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.execute_batch(TABLES)?;
    let tx = conn.transaction()?;
    {
        let mut said = tx.prepare("insert into search (rowid, text) values (?1, ?2)")?;
        let mut of_tools = tx.prepare("insert into search_tools (rowid, text) values (?1, ?2)")?;
        for (at, text) in texts.iter().enumerate() {
            let insert = match text {
                Text::Said(_) => &mut said,
                Text::OfTool(_) => &mut of_tools,
            };
            insert.execute((at as i64 + 1, text.as_str()))?;
        }
    }
    tx.commit()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} {} {seconds:.3}", texts.len(), texts.iter().map(|text| text.as_str().len()).sum::<usize>());
    Ok(())
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Said(text) | Self::OfTool([text]) => text,
        }
    }
}
