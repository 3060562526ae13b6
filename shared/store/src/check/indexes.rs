//! Looks into every index, which `integrity_check` does not: of an index that no row asks for, it neither sees that the root is a page
//! of something else, nor counts the entries where it holds some of the rows alone. Whoever uses such an index is told that the
//! database is malformed, or of rows that are not there.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{About, Problem, plain};
use crate::error::{Context, Error};

/// An index, and of which rows it holds entries.
struct Index {
    name: String,
    table: String,
    /// The condition in its definition; none if it holds all rows.
    rows: Option<String>,
}

/// Adds what is wrong with an index that the engine has not complained of.
pub(super) fn check(conn: &Connection, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut of_some: BTreeMap<String, Vec<(Index, i64)>> = BTreeMap::new();
    for index in all(conn)? {
        let (name, table) = (quoted(&index.name), quoted(&index.table));
        // One of all rows the engine has counted; that it can be entered is left.
        let sql = match &index.rows {
            None => format!("select exists (select 1 from {table} indexed by {name})"),
            Some(rows) => format!("select count(*) from {table} indexed by {name} where {rows}"),
        };
        let entries = conn.query_row(&sql, [], |row| row.get(0)).op("look into an index")?;
        if index.rows.is_some() {
            of_some.entry(table).or_default().push((index, entries));
        }
    }
    for (table, indexes) in of_some {
        // All of a table's in one walk over its rows.
        let count =
            |(index, _): &(Index, i64)| index.rows.as_ref().map(|rows| format!("count(*) filter (where {rows})"));
        let counts: Vec<_> = indexes.iter().filter_map(count).collect();
        let sql = format!("select {} from {table} not indexed", counts.join(", "));
        let rows = |row: &rusqlite::Row<'_>| (0..counts.len()).map(|at| row.get::<_, i64>(at)).collect();
        let rows: Vec<i64> = conn.query_row(&sql, [], rows).op("count what indexes hold")?;
        for ((index, entries), rows) in indexes.iter().zip(rows).filter(|((_, entries), rows)| entries != rows) {
            let detail = format!("index {} has {entries} entries for {rows} rows", index.name);
            problems.push(Problem { about: About::Structure, detail: plain(&detail) });
        }
    }
    Ok(())
}

fn all(conn: &Connection) -> Result<Vec<Index>, Error> {
    const SQL: &str = "select name, tbl_name, coalesce(sql, '') from sqlite_schema where type = 'index' order by name";
    let mut query = conn.prepare(SQL).op("prepare")?;
    let index = |row: &rusqlite::Row<'_>| {
        let rows = condition(&row.get::<_, String>(2)?).map(str::to_owned);
        Ok(Index { name: row.get(0)?, table: row.get(1)?, rows })
    };
    query.query_map([], index).and_then(Iterator::collect).op("read the schema")
}

/// What stands behind `where` in a definition of ours, whose columns are names alone. The engine has refused whatever is no plain
/// condition on the row.
fn condition(sql: &str) -> Option<&str> {
    let columns = sql.find(')')? + 1;
    let rest = sql[columns..].trim_start();
    let word = rest.get(..5)?;
    word.eq_ignore_ascii_case("where").then(|| &rest[5..])
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_rows_an_index_holds() {
        let check = |sql: &str, expected: Option<&str>| assert_eq!(condition(sql).map(str::trim), expected, "{sql}");
        check("", None);
        check("CREATE INDEX i on t (a, b)", None);
        check("CREATE INDEX i on t (a, b desc) where a is not null", Some("a is not null"));
        check("CREATE UNIQUE INDEX i on t (a)\n WHERE kind in ('x', 'y')", Some("kind in ('x', 'y')"));
    }
}
