//! The narrow rows that lists are made from, held to the turns they stand for.

use rusqlite::Connection;

use super::{Inspector, figure};
use crate::PARSER;
use crate::error::Error;
use crate::quarter::{self, Quarter};

/// What `facets` should hold.
pub(crate) const FACETS: &str = "
    select t.timestamp_ms, t.id,
           case t.kind when 'human' then 0 when 'command' then 1 when 'shell' then 2 when 'local' then 3
                       when 'notification' then 4 when 'subagent' then 5 end,
           case t.via when 'interactive' then 0 when 'print' then 1 when 'sdk' then 2 when 'ide' then 3
                      when 'desktop' then 4 when 'unknown' then 5 end,
           case t.status when 'complete' then 0 when 'interrupted' then 1 when 'failed' then 2 when 'open' then 3 end,
           (select f.id from folders f where f.origin_id = coalesce(s.origin_id, 0) and f.cwd = coalesce(t.cwd, s.cwd)),
           (select m.id from models m where m.name = t.model),
           t.status = 'failed'
               or exists (select 1 from tool_calls c where c.conversation_id = t.id and (c.is_error or c.refused)),
           coalesce(length(t.prompt_text), 0),
           (select cast(min(total(u.input_tokens) + total(u.output_tokens) + total(u.cache_creation_tokens)
                            + total(u.cache_read_tokens), 9.2e18) as integer)
              from usage u where u.conversation_id = t.id),
           iif(exists (select 1 from usage u where u.conversation_id = t.id),
               (select cast(sum(u.cost) as integer) from usage u where u.conversation_id = t.id), 0)
      from turns t left join sessions s on s.session_id = t.session_id";

/// What `tool_uses` should hold.
pub(crate) const TOOL_USES: &str = "
    select n.id, t.timestamp_ms, t.id, count(*), sum(c.is_error or c.refused)
      from tool_calls c join turns t on t.id = c.conversation_id join tools n on n.name = c.name
     group by 1, 2, 3";

impl Inspector {
    /// How many rows that lists are made from are missing, wrong or belong to nothing.
    ///
    /// # Errors
    /// The engine's.
    pub fn misfiled(&self) -> Result<u64, Error> {
        let mut found = 0;
        for (table, wanted) in [("facets", FACETS), ("tool_uses", TOOL_USES)] {
            for sql in [
                format!("select count(*) from (select * from {table} except {wanted})"),
                format!("select count(*) from ({wanted} except select * from {table})"),
            ] {
                found += self.ask(|conn| figure(conn, "compare what lists are made from", &sql, []))?;
            }
        }
        Ok(found + self.ask(miscounted_quarters)?)
    }
}

/// Of how many quarters of an hour the figures are not what counting gives. While sessions wait to be derived by newer rules
/// the figures are not complete, and nothing is wrong with that.
fn miscounted_quarters(conn: &Connection) -> Result<u64, Error> {
    const OLDER: &str = "select count(*) from derivations where parser < ?1";
    if figure(conn, "look for older rules", OLDER, [PARSER])? > 0 {
        return Ok(0);
    }
    let mut wrong = 0;
    for slot in quarter::all(conn)? {
        wrong += u64::from(Quarter::counted(conn, slot)? != Quarter::kept(conn, slot)?);
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{Store, turn};

    #[test]
    fn what_does_not_fit_is_counted() {
        let store = Store::new();
        store.turn(&turn("s", 1000, "one"));
        store.turn(&turn("s", 2000, "two"));
        store.refile();
        let inspector = Inspector::open(&store.dir).unwrap();
        let check = |sql: &str, expected: u64| {
            store.conn.execute_batch(sql).unwrap();
            assert_eq!(inspector.misfiled().unwrap(), expected, "{sql}");
            store.refile();
            assert_eq!(inspector.misfiled().unwrap(), 0, "{sql}");
        };
        check("", 0);
        check("delete from facets where timestamp_ms = 1000", 2);
        check("update turns set cwd = '/new', model = 'new' where id = 1", 0); // of names that nobody numbered yet
        check("update turns set cwd = '/new', model = 'new' where id = 2", 2);
        check("update turns set timestamp_ms = 3000 where id = 2", 2);
        check(
            "insert into tool_calls (conversation_id, seq, name, is_error, refused, finished) values (1, 0, 'x', 1, 0, 1)",
            3,
        );
        check("insert into tool_uses values (7, 7, 7, 7, 7)", 1);
        check("update quarter_lengths set prompts = 7", 1);
        check("insert into quarter_commands values (9, 0, 0, 0, 'x', 1)", 1);
        check("delete from turns", 4);
    }
}
