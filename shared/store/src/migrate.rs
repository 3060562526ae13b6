//! Brings a database to the newest schema, and refuses one from the future.
//!
//! It goes all the way in one transaction: there is no moment at which it is between two schemas. Before one that was used comes a copy
//! (`upgrade`).

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Context, Error};
use crate::write::mark_all_dirty;

/// "PrMg": marks a file as ours.
pub(crate) const APPLICATION_ID: i64 = 0x5072_4d67;

/// Every migration, in order; the first is schema 1.
pub(crate) const MIGRATIONS: [&str; 15] = [
    include_str!("../../../migrations/0001_ground.sql"),
    include_str!("../../../migrations/0002_identity.sql"),
    include_str!("../../../migrations/0003_human.sql"),
    include_str!("../../../migrations/0004_derived.sql"),
    include_str!("../../../migrations/0005_lasting.sql"),
    include_str!("../../../migrations/0006_figures.sql"),
    include_str!("../../../migrations/0007_find.sql"),
    include_str!("../../../migrations/0008_marks.sql"),
    include_str!("../../../migrations/0009_titles.sql"),
    include_str!("../../../migrations/0010_telling.sql"),
    include_str!("../../../migrations/0011_one_tag.sql"),
    include_str!("../../../migrations/0012_slim.sql"),
    include_str!("../../../migrations/0013_asked.sql"),
    include_str!("../../../migrations/0014_forgetting.sql"),
    include_str!("../../../migrations/0015_left_out.sql"),
];

/// What they make of a database that has nothing, without the ways there: tables that are made anew, columns that come and go.
const NEWEST: &str = include_str!("../../../migrations/schema.sql");

/// The schema this program reads and writes.
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// The first that has derived rows.
const DERIVED: i64 = 4;

/// Checks that the file is ours and not newer than we are; gives its schema. An unmarked file is ours to fill if it has
/// nothing in it; that is one statement, hence one moment, with its mark.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<i64, Error> {
    const SQL: &str = "
        select application_id, user_version, exists (select 1 from sqlite_schema)
          from pragma_application_id, pragma_user_version";
    let (found, schema, filled): (i64, i64, bool) =
        conn.query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).op("read the schema version")?;
    let is_new = found == 0 && schema == 0 && !filled;
    if schema < 0 || (found != APPLICATION_ID && !is_new) {
        return Err(Error::Foreign { path: path.to_owned(), found, schema });
    }
    if schema > SCHEMA {
        return Err(Error::TooNew { path: path.to_owned(), found: schema, known: SCHEMA });
    }
    Ok(schema)
}

/// Whether it is of an older schema than ours, and was ever used: whoever opens a database first writes down whose it is.
pub(crate) fn is_older_and_used(conn: &Connection, found: i64) -> Result<bool, Error> {
    let is_used =
        || conn.query_row("select exists (select 1 from origins)", [], |row| row.get(0)).op("look whose it is");
    if (1..SCHEMA).contains(&found) { is_used() } else { Ok(false) }
}

/// Holds the transaction that is open to our schema: another process may have changed it since the database was opened.
pub(crate) fn expect(conn: &Connection) -> Result<(), Error> {
    let path = || PathBuf::from(conn.path().unwrap_or_default());
    let mut asked = conn.prepare_cached("pragma user_version").op("prepare")?;
    match asked.query_row([], |row| row.get(0)).op("read the schema version")? {
        SCHEMA => Ok(()),
        found if found > SCHEMA => Err(Error::TooNew { path: path(), found, known: SCHEMA }),
        found => Err(Error::NotMigrated { path: path(), found, known: SCHEMA }),
    }
}

/// Runs what is missing, with foreign keys off so that a table can be made anew. All of it is one transaction: nobody who reads
/// meanwhile sees a database between two schemas. Two processes may try at once: the second finds it done.
pub(crate) fn run(conn: &mut Connection, path: &Path) -> Result<(), Error> {
    if check(conn, path)? == SCHEMA {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin a migration")?;
    bring(&tx, check(&tx, path)?)?;
    tx.commit().op("commit a migration")
}

/// All steps from `found` to our schema, in the transaction that is open; one alone where there is nothing yet.
pub(crate) fn bring(conn: &Connection, found: i64) -> Result<(), Error> {
    if found == 0 {
        conn.execute_batch(NEWEST).op("make the database")?;
        return mark(conn, SCHEMA);
    }
    for schema in found..SCHEMA {
        step(conn, schema)?;
    }
    // Until then nothing was derived, and nothing said that what was captured waits for it.
    if found < DERIVED { mark_all_dirty(conn) } else { Ok(()) }
}

/// The step from `schema` to the next, if there is one.
pub(crate) fn step(conn: &Connection, schema: i64) -> Result<(), Error> {
    let Some(sql) = usize::try_from(schema).ok().and_then(|n| MIGRATIONS.get(n)) else { return Ok(()) };
    let next = schema + 1;
    conn.execute_batch(sql)
        .op("upgrade the database")
        .map_err(|error| error.within(&format!("migration {next:04}")))?;
    mark(conn, next)
}

fn mark(conn: &Connection, schema: i64) -> Result<(), Error> {
    conn.pragma_update(None, "application_id", APPLICATION_ID).op("mark the database")?;
    conn.pragma_update(None, "user_version", schema).op("raise the schema version")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A landed migration is never edited. A new one adds a line here.
    #[test]
    fn landed_migrations_are_unchanged() {
        let landed = [
            "38635ea48d0b4020",
            "f4b07d12f26c6a4d",
            "382f7fb848bc6ce5",
            "876c295702b7b5a4",
            "f077a5ed7b5c1ac4",
            "81ff6138d135d126",
            "11035e89f840ca59",
            "bda844529940b5e2",
            "08b157cc3bdcf0a0",
            "c68f64ab80f2f988",
            "72df0d4957988e36",
            "58a249ec1502eb1b",
            "7198cfb15c679a13",
            "4b8ebc8746d11bf2",
            "a7dcaa6fad66bee6",
        ];
        let hash = |sql: &&str| blake3::hash(sql.as_bytes()).to_hex()[..16].to_owned();
        assert_eq!(MIGRATIONS.iter().map(hash).collect::<Vec<_>>(), landed);
    }

    /// Everything in a database: its objects as the engine keeps them, and each row of each table, those of indexes of words too.
    fn all(conn: &Connection) -> Vec<String> {
        let texts = |sql: &str| -> Vec<String> {
            let mut query = conn.prepare(sql).unwrap();
            query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let mut all =
            texts("select type || ' ' || name || ': ' || coalesce(sql, '') from sqlite_schema order by type, name");
        all.extend(texts("select 'schema ' || user_version || ' of ' || application_id from pragma_user_version, pragma_application_id"));
        for table in texts(
            "select name from pragma_table_list where type in ('table', 'shadow') and name not like 'sqlite_schema' order by name",
        ) {
            let columns = texts(&format!("select 'quote(' || name || ')' from pragma_table_info('{table}')"))
                .join(" || ', ' || ");
            all.extend(texts(&format!("select '{table}: ' || {columns} from {table} order by 1")));
        }
        all
    }

    #[test]
    fn a_new_database_is_what_the_migrations_make() {
        let made = || {
            let conn = Connection::open_in_memory().unwrap();
            crate::functions::add(&conn).unwrap();
            conn
        };
        let (by_steps, at_once) = (made(), made());
        (0..SCHEMA).for_each(|schema| step(&by_steps, schema).unwrap());
        bring(&at_once, 0).unwrap();
        let kept = "select sql || ';' from sqlite_schema
                     where sql is not null and name not in (select name from pragma_table_list where type = 'shadow')
                       and name <> 'sqlite_sequence' order by rowid";
        let mut query = by_steps.prepare(kept).unwrap();
        let statements: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let statements = statements.join("\n");
        assert!(NEWEST.contains(&statements), "the statements of schema.sql are to be:\n{statements}");
        assert_eq!(all(&by_steps), all(&at_once));
    }

    /// The first programs of a new installation may start at the same moment. Some may find it busy; none may take it
    /// for somebody else's.
    #[test]
    fn many_may_make_one_database() {
        for _ in 0..20 {
            let home = tempfile::tempdir().unwrap();
            let dir = queue::DataDir::new(home.path());
            std::thread::scope(|scope| {
                let open = || crate::open::writer(&dir).map(drop);
                let all = [0; 4].map(|_| scope.spawn(open));
                for opened in all.map(|one| one.join().unwrap()) {
                    assert!(matches!(opened, Ok(()) | Err(Error::Busy { .. })), "{opened:?}");
                }
            });
        }
    }
}
