//! Checks a database file from end to end: that it is ours, that every page and index fits, that text is text, that every reference leads
//! somewhere, that each transcript is stored as it was taken in, that the index of words is whole.
//!
//! All of it works on a read-only connection. The index of words needs no statement of its own: since SQLite 3.44
//! `integrity_check` asks every virtual table to check itself, and FTS5 does what its `'integrity-check'` command does, which
//! would need write access. A test below damages an index and sees it found.
//!
//! What the engine says names tables, pages and rows, never what stands in them. It is cut all the same, to plain signs and
//! to a length, because names are read from the damaged file too.

mod indexes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Context, Error};
use crate::read::inspect::each_faulty;
use crate::watch::{Watch, watched};
use crate::{functions, migrate, open};

/// So many problems are told; more would say nothing new.
const MOST: usize = 100;
/// The schema that first had conversations.
const TURNS_SINCE: i64 = 4;
/// The longest that one may be.
const LONGEST: usize = 200;

/// What a problem is about, which decides what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A table, column, index or view of our schema is missing.
    Schema,
    /// Pages, rows or indexes are damaged: `ingest recover`.
    Structure,
    /// A stored transcript is not what was taken in, where the engine finds every page in its place: `ingest recover`.
    Pieces,
    /// A row refers to one that is not there.
    References,
    /// The index of words alone does not fit, which is derived: `ingest rebuild --index`.
    Words,
}

impl About {
    /// Its name for programs: `schema`, `structure`, `pieces`, `references`, `words`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Structure => "structure",
            Self::Pieces => "pieces",
            Self::References => "references",
            Self::Words => "words",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub about: About,
    /// What is wrong, without a word of a prompt; fits behind a colon.
    pub detail: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The schema of the file, from 1; 0 if that cannot be read, or if nothing is in it.
    pub schema: i64,
    /// How many conversations the default list has; 0 in a damaged file.
    pub conversations: u64,
    /// How many hook events it has; 0 in a damaged file.
    pub events: u64,
    /// What is wrong; nothing if all is well.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether every page and row can be read. What may be wrong all the same is mended in place.
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.about != About::Structure)
    }

    /// Whether nothing is wrong but what `ingest rebuild --index` makes anew.
    pub fn is_only_words(&self) -> bool {
        !self.is_good() && self.problems.iter().all(|problem| problem.about == About::Words)
    }

    fn damaged(detail: &str) -> Self {
        Self { problems: vec![Problem { about: About::Structure, detail: plain(detail) }], ..Self::default() }
    }
}

/// Checks the database at `path` as it is at one moment, also while it is written to. Takes time in proportion to its size.
///
/// # Errors
/// [`Error::Missing`], [`Error::Foreign`], [`Error::TooNew`]; [`Error::Interrupted`] if `watch` ended it; the operating
/// system's. Damage is no error: it is what is asked for.
pub fn check(path: &Path, watch: &Watch<'_>) -> Result<Checked, Error> {
    match std::fs::metadata(path) {
        // The engine would delete a log that lies beside an empty file.
        Ok(meta) if meta.len() == 0 => return Ok(Checked::default()),
        Ok(_) => {}
        Err(_) => return Err(Error::Missing { path: path.to_owned() }),
    }
    let found = open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|conn| watched(&conn, watch, |conn| one_moment(conn, path)));
    match found {
        Err(Error::Corrupt { detail, .. }) => Ok(Checked::damaged(&detail)),
        found => found,
    }
}

fn one_moment(conn: &Connection, path: &Path) -> Result<Checked, Error> {
    let tx = conn.unchecked_transaction().op("begin to read")?;
    let mut found = Checked { schema: migrate::check(&tx, path)?, ..Checked::default() };
    if found.schema == 0 {
        return Ok(found); // nothing in it: a writer fills it
    }
    structure(&tx, &mut found.problems)?;
    if found.is_sound() {
        indexes::check(&tx, &mut found.problems)?;
    }
    references(&tx, &mut found.problems)?;
    texts(&tx, &mut found.problems)?;
    if found.schema >= TURNS_SINCE {
        documents(&tx, &mut found.problems)?;
    }
    if found.schema == migrate::SCHEMA {
        schema(&tx, &mut found.problems)?;
        if found.problems.iter().all(|problem| matches!(problem.about, About::Words | About::References)) {
            pieces(&tx, &mut found.problems)?;
        }
    }
    if found.is_good() {
        let count = |sql| tx.query_row(sql, [], |row| row.get::<_, i64>(0)).op("count").map(|n| n.cast_unsigned());
        if found.schema >= TURNS_SINCE {
            found.conversations = count("select count(*) from turns where kind in ('human', 'command', 'shell')")?;
        }
        found.events = count("select count(*) from events")?;
    }
    found.problems.truncate(MOST);
    Ok(found)
}

/// Pages, rows, constraints, indexes, and the index of words.
fn structure(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut query = conn.prepare(&format!("pragma integrity_check({MOST})")).op("prepare")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0)).op("check the database")?;
    for row in rows {
        let row = row.op("check the database")?;
        for line in row.lines().filter(|line| *line != "ok" && !line.starts_with("***")) {
            let is_words = line.starts_with("fts5:") || line.contains("FTS5 table");
            let about = if is_words { About::Words } else { About::Structure };
            problems.push(Problem { about, detail: plain(line) });
        }
    }
    Ok(())
}

/// Text that is none: the engine takes any bytes for text, and whoever reads them does not.
fn texts(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    const COLUMNS: &str = "
        select s.name, group_concat('\"' || replace(c.name, '\"', '\"\"') || '\"')
          from sqlite_schema s join pragma_table_info(s.name) c
         where s.type = 'table' and upper(c.type) = 'TEXT' group by s.name";
    functions::add_are_texts(conn)?;
    let mut query = conn.prepare(COLUMNS).op("prepare")?;
    let tables = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let tables: Vec<_> = tables.and_then(Iterator::collect).op("read the schema")?;
    for (table, columns) in tables {
        let sql = format!("select count(*) from \"{}\" where not are_texts({columns})", table.replace('"', "\"\""));
        let rows: i64 = conn.query_row(&sql, [], |row| row.get(0)).op("read texts")?;
        if rows > 0 {
            let detail = plain(&format!("{rows} rows of {table} hold text that is none"));
            problems.push(Problem { about: About::Structure, detail });
        }
    }
    Ok(())
}

/// JSON that is none, in the one column that holds some.
fn documents(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let sql = "select count(*) from turns where not json_valid(metadata)";
    let rows: i64 = conn.query_row(sql, [], |row| row.get(0)).op("read metadata")?;
    if rows > 0 {
        let detail = format!("{rows} rows of turns have metadata that is no JSON");
        problems.push(Problem { about: About::Structure, detail });
    }
    Ok(())
}

/// Stored files as a whole: a page that took another's place, or a bit, may leave what the engine has no reason to doubt.
fn pieces(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    each_faulty(conn, &mut |id, fault| {
        problems.push(Problem { about: About::Pieces, detail: format!("transcript {}: {}", id.0, fault.of_file()) });
        problems.len() < MOST
    })
}

/// References, counted for each pair of tables.
fn references(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut query = conn.prepare("pragma foreign_key_check").op("prepare")?;
    let rows =
        query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?))).op("check references")?;
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.op("check references")?).or_default() += 1;
    }
    problems.extend(counts.into_iter().map(|((table, parent), rows)| Problem {
        about: About::References,
        detail: plain(&format!("{rows} rows of {table} refer to rows of {parent} that are not there")),
    }));
    Ok(())
}

/// What a new database has, one in each line. To make one for every look at a database would take longer than most looks.
const OBJECTS: &str = include_str!("check/objects.txt");

/// Compares what there is with what the migrations make.
fn schema(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let found = objects(conn)?;
    let missing = OBJECTS.lines().filter(|object| !found.contains(*object));
    problems.extend(missing.map(|object| Problem { about: About::Schema, detail: format!("{object} is missing") }));
    Ok(())
}

/// `index events_key`, `column events.name`, and so on.
fn objects(conn: &Connection) -> Result<BTreeSet<String>, Error> {
    const SQL: &str = "
        select type || ' ' || name from sqlite_schema
         union all
        select 'column ' || s.name || '.' || c.name from sqlite_schema s join pragma_table_info(s.name) c
         where s.type = 'table'";
    let mut query = conn.prepare(SQL).op("prepare")?;
    let rows = query.query_map([], |row| row.get(0)).op("read the schema")?;
    rows.collect::<Result<_, _>>().op("read the schema")
}

/// The first line that says something, in plain signs, and not too many.
pub(crate) fn plain(text: &str) -> String {
    let sign = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let line = text.lines().find(|line| !line.starts_with("***")).unwrap_or(text);
    line.chars().take(LONGEST).map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::unwatched;
    use crate::write::Writer;
    use queue::DataDir;

    /// A store with a few words in its index, and `damage` done to it behind its back.
    fn damaged(damage: &str) -> (tempfile::TempDir, DataDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        drop(Writer::open(&dir).unwrap());
        let conn = Connection::open(dir.database()).unwrap();
        functions::add(&conn).unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        conn.execute_batch("insert into search (rowid, text) values (1, 'some secret words'), (2, 'and more words')")
            .unwrap();
        conn.execute_batch(damage).unwrap();
        (home, dir)
    }

    /// A transcript of three bytes, before its pieces.
    fn stored(pieces: &str) -> String {
        format!(
            "insert into transcripts (id, origin_id, root, path, role, session_id, device, inode, source_size,
                                      source_mtime_ns, stored_size, tail_hash)
             values (7, 1, '/r', 'p', 'main', 's', 1, 1, 3, 1, 3, x'00'); {pieces}"
        )
    }

    fn check_found(damage: &str, about: About, expected: &str) {
        let (_home, dir) = damaged(damage);
        let found = check(&dir.database(), &unwatched).unwrap();
        let fits = |problem: &Problem| problem.about == about && problem.detail.contains(expected);
        assert!(found.problems.iter().any(fits), "{damage}: {found:?}");
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
    }

    #[test]
    fn what_is_found() {
        let (_home, dir) = damaged("");
        let found = check(&dir.database(), &unwatched).unwrap();
        assert_eq!(found, Checked { schema: migrate::SCHEMA, ..Checked::default() });
        assert!(found.is_good() && !found.is_only_words());
        check_found("drop index events_key", About::Schema, "index events_key is missing");
        check_found("drop view ratings", About::Schema, "view ratings is missing");
        check_found(
            "insert into rating_history values ('r', 77, 99, 1, 1)",
            About::References,
            "1 rows of rating_history refer to rows of conversation_ids",
        );
        check_found(
            &stored(
                "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (7, 0, 3, 1, x'28b52ffd00')",
            ),
            About::Pieces,
            "transcript 7: a piece cannot be unpacked",
        );
        check_found(&stored(""), About::Pieces, "transcript 7: a piece is missing");
        check_found(
            &stored(
                "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (7, 0, 3, 0, x'616263')",
            ),
            About::Pieces,
            "transcript 7: its end is another",
        );
        check_found(
            "insert into places values (1, cast(x'66ff66' as text), 'p', 1)",
            About::Structure,
            "1 rows of places hold text that is none",
        );
        check_found(
            "insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, from_hook, from_transcript, metadata, digest)
             values (9, 's', 1, 1, 'human', 'interactive', 'complete', 1, 0, cast(x'0000' as text), x'')",
            About::Structure,
            "1 rows of turns have metadata that is no JSON",
        );
        check_found("delete from search_data where id > 10", About::Words, "fts5");
        check_found(
            "pragma writable_schema = on; update sqlite_schema set rootpage = 3 where name = 'places'",
            About::Structure,
            "",
        );
    }

    #[test]
    fn what_the_migrations_make() {
        let mut made = Connection::open_in_memory().unwrap();
        functions::add(&made).unwrap();
        migrate::run(&mut made, Path::new("a")).unwrap();
        let made: Vec<_> = objects(&made).unwrap().into_iter().collect();
        assert_eq!(OBJECTS.lines().collect::<Vec<_>>(), made, "objects.txt is to be:\n{}", made.join("\n"));
    }

    #[test]
    fn only_words() {
        let (_home, dir) = damaged("update search_data set block = x'00ff00ff00ff' where id > 10");
        let found = check(&dir.database(), &unwatched).unwrap();
        assert!(found.is_only_words(), "{found:?}");
        let (_home, dir) = damaged("delete from search_data where id > 10; drop index events_key");
        assert!(!check(&dir.database(), &unwatched).unwrap().is_only_words());
    }

    /// What a disk does that writes a page in another's place.
    #[test]
    fn an_index_whose_root_is_a_page_of_something_else() {
        let check = |index: &str, other: &str, damage: &str| {
            let (_home, dir) = damaged(&format!("{damage}; pragma wal_checkpoint(truncate)"));
            let conn = Connection::open(dir.database()).unwrap();
            let root = |name: &str| {
                let sql = "select rootpage from sqlite_schema where name = ?1";
                conn.query_row(sql, [name], |row| row.get::<_, u32>(0)).unwrap() as usize
            };
            let (from, to) = ((root(other) - 1) * 4096, (root(index) - 1) * 4096);
            drop(conn);
            let mut bytes = std::fs::read(dir.database()).unwrap();
            bytes.copy_within(from..from + 4096, to);
            std::fs::write(dir.database(), &bytes).unwrap();
            let found = check(&dir.database(), &unwatched).unwrap();
            assert!(!found.is_sound(), "{index} as {other} after {damage}: {found:?}");
        };
        let place = "insert into places values (1, '/a', 'p', 1)";
        // Empty or not, of all rows or some, as a table or as another index.
        check("human_texts_title", "places", place);
        check("human_texts_title", "marks", "");
        check("events_key", "marks", "");
        check("turns_parent", "places", place);
        check(
            "human_texts_title",
            "human_texts_conversation",
            "insert into human_texts values (1, 'tag', 1, null, 'a')",
        );
    }

    #[test]
    fn noise_is_damage_and_no_error() {
        let (_home, dir) = damaged("pragma wal_checkpoint(truncate)");
        let mut bytes = std::fs::read(dir.database()).unwrap();
        let last = bytes.len() - 1;
        bytes[4096..=last].fill(0xa5);
        std::fs::write(dir.database(), &bytes).unwrap();
        let found = check(&dir.database(), &unwatched).unwrap();
        assert!(!found.is_good(), "{found:?}");
        bytes.fill(0xa5);
        std::fs::write(dir.database(), &bytes).unwrap();
        let found = check(&dir.database(), &unwatched).unwrap();
        assert_eq!(found.problems[0].about, About::Structure, "{found:?}");
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.db");
        assert!(matches!(check(&path, &unwatched), Err(Error::Missing { .. })));
        Connection::open(&path).unwrap().execute_batch("create table a(b)").unwrap();
        assert!(matches!(check(&path, &unwatched), Err(Error::Foreign { .. })));
    }
}
