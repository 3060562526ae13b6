//! The random id of the data directory, made once.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::error::{Context, Error};

/// Gives (row id, origin) of this data directory; makes it when the database is new.
pub(crate) fn own(conn: &mut Connection) -> Result<(i64, String), Error> {
    if let Some(found) = find(conn)? {
        return Ok(found);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin")?;
    if find(&tx)?.is_none() {
        tx.execute("insert into origins (origin, own) values (?1, 1)", [random_hex()?]).op("make the origin")?;
    }
    tx.commit().op("commit the origin")?;
    find(conn)?.ok_or(Error::Sql { op: "read the origin", detail: "it is not there".into() })
}

/// The same where nothing may be made; `None` if no writer was there yet.
pub(crate) fn known(conn: &Connection) -> Result<Option<String>, Error> {
    Ok(find(conn)?.map(|(_, origin)| origin))
}

fn find(conn: &Connection) -> Result<Option<(i64, String)>, Error> {
    conn.query_row("select id, origin from origins where own = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .op("read the origin")
}

/// 128 random bits.
pub(crate) fn random() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Sql { op: "draw random bytes", detail: error.to_string() })?;
    Ok(u128::from_be_bytes(bytes))
}

/// 128 random bits in 32 hex digits.
pub(crate) fn random_hex() -> Result<String, Error> {
    Ok(format!("{:032x}", random()?))
}
