//! The least that a search can cost: the newest 50 rows that a word is in, asked of both full-text tables by SQLite alone,
//! and nothing made of them. `cargo bench -p tests --bench api` runs it beside the API.
//!
//! `bare_search DATABASE ROUNDS WORD…`: prints a line for each word: the microseconds of the median and of the 99th
//! percentile, and the rows.
#![expect(clippy::print_stdout, reason = "a floor is its figures")]

use std::error::Error;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

const NEWEST: [&str; 2] = [
    "select rowid from search where search match ?1 order by rowid desc limit 50",
    "select rowid from search_tools where search_tools match ?1 order by rowid desc limit 50",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(database), Some(rounds)) = (args.next(), args.next()) else {
        return Err("usage: bare_search DATABASE ROUNDS WORD…".into());
    };
    let rounds: usize = rounds.to_string_lossy().parse()?;
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let [mut texts, mut tools] = [conn.prepare(NEWEST[0])?, conn.prepare(NEWEST[1])?];
    for word in args {
        let word = format!("\"{}\"", word.to_string_lossy());
        let (mut took, mut count) = (Vec::new(), 0);
        for _ in 0..=rounds {
            let begin = Instant::now();
            let mut rows = 0;
            for newest in [&mut texts, &mut tools] {
                rows += newest.query_map([&word], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?.len();
            }
            took.push(begin.elapsed());
            count = rows;
        }
        took.remove(0); // from the disk
        took.sort();
        let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e6;
        println!("{:.1} {:.1} {count}", at(0.5), at(0.99));
    }
    Ok(())
}
