//! The tables, indexes and views, held to those that the migrations make.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{Inspector, rows};
use crate::error::{Context, Error};
use crate::functions;
use crate::migrate;

/// A table, an index, a view or a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaObject {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How it differs.
    pub difference: Difference,
}

/// How something of the database differs from what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// It is another.
    Other,
    /// Nobody asked for it.
    Extra,
}

/// By name: kind and statement.
type Objects = BTreeMap<String, (String, String)>;

impl Inspector {
    /// What differs from the schema that the migrations make. What the engine keeps for itself is left out.
    ///
    /// # Errors
    /// The engine's.
    pub fn schema_differences(&self) -> Result<Vec<SchemaObject>, Error> {
        let (wanted, found) = (wanted()?, self.ask(objects)?);
        let object = |name: &String, kind: &String, difference| SchemaObject {
            kind: kind.clone(),
            name: name.clone(),
            difference,
        };
        let mut differences = Vec::new();
        for (name, (kind, sql)) in &wanted {
            match found.get(name) {
                None => differences.push(object(name, kind, Difference::Missing)),
                Some(other) if *other != (kind.clone(), sql.clone()) => {
                    differences.push(object(name, kind, Difference::Other));
                }
                Some(_) => {}
            }
        }
        let extra = found.iter().filter(|(name, _)| !wanted.contains_key(*name));
        differences.extend(extra.map(|(name, (kind, _))| object(name, kind, Difference::Extra)));
        Ok(differences)
    }
}

/// What a new database has.
fn wanted() -> Result<Objects, Error> {
    let conn = Connection::open_in_memory().op("make a schema to compare with")?;
    functions::add(&conn)?;
    migrate::bring(&conn, 0)?;
    objects(&conn)
}

/// The statement that makes an index, a view or a trigger of a new database; `None` for tables, and what it has not.
pub(crate) fn statement(name: &str) -> Result<Option<String>, Error> {
    Ok(wanted()?.remove(name).filter(|(kind, _)| kind != "table").map(|(_, sql)| sql))
}

fn objects(conn: &Connection) -> Result<Objects, Error> {
    const OBJECTS: &str = "
        select name, type, coalesce(sql, '') from sqlite_schema where name not like 'sqlite\\_%' escape '\\'";
    let found = rows(conn, "read the schema", OBJECTS, [], |row| {
        // Blanks are no difference.
        let sql: String = row.get(2)?;
        Ok((row.get(0)?, (row.get(1)?, sql.split_whitespace().collect::<Vec<_>>().join(" "))))
    })?;
    Ok(found.into_iter().collect())
}
