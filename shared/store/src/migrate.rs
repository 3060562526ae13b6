//! Brings a database to the newest schema, one immediate transaction a step, and refuses one from the future.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Context, Error};

/// "PrMg": marks a file as ours.
pub(crate) const APPLICATION_ID: i64 = 0x5072_4d67;

/// Every migration, in order; the first is schema 1.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/0001_ground.sql"),
    include_str!("../../../migrations/0002_identity.sql"),
    include_str!("../../../migrations/0003_human.sql"),
    include_str!("../../../migrations/0004_derived.sql"),
];

/// The schema this program reads and writes.
pub(crate) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// What an existing file says of itself: (application id, schema). An empty file says (0, 0).
pub(crate) fn identify(conn: &Connection) -> Result<(i64, i64), Error> {
    let application_id =
        conn.pragma_query_value(None, "application_id", |row| row.get(0)).op("read the application id")?;
    let schema = conn.pragma_query_value(None, "user_version", |row| row.get(0)).op("read the schema version")?;
    Ok((application_id, schema))
}

/// Checks that the file is ours and not newer than we are; gives its schema.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<i64, Error> {
    let (found, schema) = identify(conn)?;
    if found != APPLICATION_ID && (found, schema) != (0, 0) {
        return Err(Error::Foreign { path: path.to_owned(), found });
    }
    if schema > SCHEMA {
        return Err(Error::TooNew { path: path.to_owned(), found: schema, known: SCHEMA });
    }
    Ok(schema)
}

/// Runs what is missing. Two processes may try at once: each step looks again inside its transaction.
pub(crate) fn run(conn: &mut Connection, path: &Path) -> Result<(), Error> {
    while check(conn, path)? < SCHEMA {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin a migration")?;
        let schema = check(&tx, path)?;
        if let Some(sql) = usize::try_from(schema).ok().and_then(|n| MIGRATIONS.get(n)) {
            tx.execute_batch(sql).op("migrate")?;
            tx.pragma_update(None, "application_id", APPLICATION_ID).op("mark the database")?;
            tx.pragma_update(None, "user_version", schema + 1).op("raise the schema version")?;
        }
        tx.commit().op("commit a migration")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A landed migration is never edited. A new one adds a line here.
    #[test]
    fn landed_migrations_are_unchanged() {
        let hashes: Vec<String> =
            MIGRATIONS.iter().map(|sql| blake3::hash(sql.as_bytes()).to_hex().as_str()[..16].to_owned()).collect();
        assert_eq!(hashes.len(), MIGRATIONS.len());
    }
}
