//! Rows that hang on nothing, and what waits.

use super::{Inspector, figure, rows};
use crate::error::{Context, Error};
use crate::human::get;

/// To which group of tables a row belongs: that says how bad it is, and what mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What was captured.
    Ground,
    /// Ids and what they are recognised by.
    Identity,
    /// What people said.
    Human,
    /// What can be derived again.
    Derived,
}

/// Rows of a table that refer to rows that are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The table.
    pub table: String,
    /// The table that lacks rows.
    pub parent: String,
    /// How many.
    pub rows: u64,
    /// Of which kind.
    pub group: Group,
}

const DANGLING: &str = r#"select "table", parent, count(*) from pragma_foreign_key_check group by 1, 2 order by 1, 2"#;

const WAITS: &str = "
    select d.session_id from dirty_sessions d
     where not exists (select 1 from events e where e.session_id = d.session_id and e.stored_ms > ?1)
       and not exists (select 1 from transcripts t where t.session_id = d.session_id and t.source_mtime_ns / 1000000 > ?1)
     order by d.id";

/// What should be in the indexes: blocks, what tools were given and answered, prompts. A contentless index has a size for each
/// of its rows.
const UNINDEXED: &str = "
    select session_id, count(*) from (
        select t.session_id from blocks b join turns t on t.id = b.conversation_id
         where b.kind in ('prompt', 'text') and not exists (select 1 from search_docsize s where s.id = b.id)
        union all
        select t.session_id from tool_calls c join turns t on t.id = c.conversation_id
         where c.input_source is not null and not exists (select 1 from search_tools_docsize s where s.id = c.id * 2)
        union all
        select t.session_id from tool_calls c join turns t on t.id = c.conversation_id
         where c.output_source is not null and not exists (select 1 from search_tools_docsize s where s.id = c.id * 2 + 1)
        union all
        select t.session_id from turns t
         where t.prompt_text is not null and not exists (select 1 from search_parts_docsize s where s.id = t.id))
     group by 1 order by 1";

const STRAY_WORDS: &str = "
    select (select count(*) from search_docsize s where not exists (select 1 from blocks b where b.id = s.id))
         + (select count(*) from search_tools_docsize s where not exists (select 1 from tool_calls c where c.id = s.id / 2))
         + (select count(*) from search_parts_docsize s where not exists (select 1 from turns t where t.id = s.id))
         + (select count(*) from search_human_docsize s where not exists (select 1 from human_texts h where h.id = s.id))
         + (select count(*) from search_human_parts_docsize s where not exists (select 1 from human_texts h where h.id = s.id))
         + (select count(*) from search_titles_docsize s where not exists (select 1 from titles n where n.id = s.id))
         + (select count(*) from search_title_parts_docsize s where not exists (select 1 from titles n where n.id = s.id))";

/// What people say, and titles, that one of their two indexes lacks.
const UNINDEXED_TEXTS: &str = "
    select (select count(*) from human_texts h where not exists (select 1 from search_human_docsize s where s.id = h.id)
                                                  or not exists (select 1 from search_human_parts_docsize s where s.id = h.id))
         + (select count(*) from titles n where not exists (select 1 from search_titles_docsize s where s.id = n.id)
                                             or not exists (select 1 from search_title_parts_docsize s where s.id = n.id))";

/// What somebody said of a conversation that is nowhere: neither derived nor known under another id.
const UNHEARD: &str = "
    with said (id) as (
        select conversation_id from rating_history union select conversation_id from tag_history
        union select conversation_id from note_history union select conversation_id from star_history)
    select s.id from said s
     where exists (select 1 from conversation_ids i where i.id = s.id)
       and not exists (select 1 from turns t where t.id = s.id)
       and not exists (select 1 from aliases a join turns t on t.id = a.survivor where a.id = s.id)
     order by 1";

/// What `turns_seen` should hold.
pub(crate) const COUNTED: &str = "
    select h.seen, t.seen, (select count(*) from turns
                             where kind in ('human', 'command', 'shell') and from_hook = h.seen and from_transcript = t.seen)
      from (select 0 as seen union all select 1) h, (select 0 as seen union all select 1) t";

/// A conversation that no key leads to gets another id when it is derived again.
const KEYLESS: &str = "
    select t.id from turns t
     where not exists (select 1 from conversation_keys k where k.conversation_id = t.id) order by 1";

impl Inspector {
    /// Rows that refer to rows that are not there, by table.
    ///
    /// # Errors
    /// The engine's.
    pub fn dangling(&self) -> Result<Vec<Dangling>, Error> {
        self.ask(|conn| {
            rows(conn, "check references", DANGLING, [], |row| {
                let table: String = row.get(0)?;
                Ok(Dangling {
                    group: group(&table),
                    table,
                    parent: row.get(1)?,
                    rows: row.get::<_, i64>(2)?.unsigned_abs(),
                })
            })
        })
    }

    /// Whether the database knows of which data directory it is. Whoever opens it to write gives it a new name if not.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_own_origin(&self) -> Result<bool, Error> {
        const OWN: &str = "select count(*) from origins where own = 1";
        self.ask(|conn| Ok(figure(conn, "look for the origin", OWN, [])? > 0))
    }

    /// Sessions that wait to be derived though nothing of them was stored since `since_ms`.
    ///
    /// # Errors
    /// The engine's.
    pub fn waiting_sessions(&self, since_ms: i64) -> Result<Vec<String>, Error> {
        self.ask(|conn| rows(conn, "look for sessions that wait", WAITS, [since_ms], |row| row.get(0)))
    }

    /// Sessions with texts that the index of words lacks, and how many texts.
    ///
    /// # Errors
    /// The engine's.
    pub fn unindexed(&self) -> Result<Vec<(String, u64)>, Error> {
        self.ask(|conn| {
            rows(conn, "compare the index of words", UNINDEXED, [], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })
        })
    }

    /// Texts of people, and titles, that their indexes of words lack.
    ///
    /// # Errors
    /// The engine's.
    pub fn unindexed_texts(&self) -> Result<u64, Error> {
        self.ask(|conn| figure(conn, "compare the index of words", UNINDEXED_TEXTS, []))
    }

    /// Texts in the index of words that belong to nothing.
    ///
    /// # Errors
    /// The engine's.
    pub fn stray_words(&self) -> Result<u64, Error> {
        self.ask(|conn| figure(conn, "compare the index of words", STRAY_WORDS, []))
    }

    /// Ids of which somebody said something and that lead to no conversation.
    ///
    /// # Errors
    /// The engine's.
    pub fn unheard(&self) -> Result<Vec<i64>, Error> {
        self.ask(|conn| rows(conn, "look for what people said", UNHEARD, [], |row| row.get(0)))
    }

    /// Whether the running counts of which source saw the conversations are wrong.
    ///
    /// # Errors
    /// The engine's.
    pub fn miscounted(&self) -> Result<bool, Error> {
        const COUNTS: &str = "select from_hook, from_transcript, turns from turns_seen";
        let sql = format!("select count(*) from (select * from ({COUNTED}) except {COUNTS})");
        let more = "select count(*) from turns_seen";
        self.ask(|conn| {
            Ok(figure(conn, "count conversations", &sql, [])? > 0
                || figure(conn, "count conversations", more, [])? != 4)
        })
    }

    /// Conversations that would not be recognised.
    ///
    /// # Errors
    /// The engine's.
    pub fn keyless(&self) -> Result<Vec<i64>, Error> {
        self.ask(|conn| rows(conn, "look for keys", KEYLESS, [], |row| row.get(0)))
    }

    /// Up to `limit` derived sessions, spread over all of them: others for another `turn`. Very long ones are left out, as
    /// they are derived in slices.
    ///
    /// # Errors
    /// The engine's.
    pub fn sample_sessions(&self, limit: u64, turn: u64) -> Result<Vec<String>, Error> {
        const COUNT: &str = "select count(*) from derivations";
        const SOME: &str = "
            select session_id from (select session_id, row_number() over (order by session_id) as n from derivations) some
             where n % ?1 = ?2
               and (select coalesce(sum(stored_size), 0) from transcripts t where t.session_id = some.session_id) < 16777216
             limit ?3";
        self.ask(|conn| {
            let step = figure(conn, "count sessions", COUNT, [])?.div_ceil(limit.max(1)).max(1);
            let params = [step as i64, (turn % step) as i64, limit as i64];
            rows(conn, "choose sessions", SOME, params, |row| row.get(0))
        })
    }

    /// The latest time at which a pass or an event was noted here, in milliseconds since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub fn latest_ms(&self) -> Result<Option<i64>, Error> {
        const LATEST: &str = "
            select max(ms) from (select max(began_ms + took_ms) as ms from passes
                                 union all select stored_ms from (select stored_ms from events order by id desc limit 1))";
        self.ask(|conn| conn.query_row(LATEST, [], |row| row.get(0)).op("read the latest time"))
    }
}

fn group(table: &str) -> Group {
    match table {
        "origins" | "events" | "transcripts" | "transcript_chunks" | "places" | "tombstones" | "forget_secrets"
        | "left_out" | "meta" => Group::Ground,
        "conversation_ids" | "conversation_keys" => Group::Identity,
        table if get::TABLES.contains(&table) => Group::Human,
        _ => Group::Derived,
    }
}
