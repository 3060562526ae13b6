//! What happened in a quarter of an hour, counted from its conversations: the writer keeps it in tables, so that figures of
//! years are sums of few rows; whoever checks them counts again with the same function.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use crate::error::{Context, Error};
use crate::latency;
use crate::words::Kind;

/// The length of a quarter, in milliseconds.
pub(crate) const QUARTER_MS: i64 = 900_000;
/// Lengths of prompts from which on a bucket begins; the first begins at 0.
pub(crate) const LENGTHS: [i64; 8] = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000];
/// The bucket of calls that nobody measured.
pub(crate) const UNMEASURED: i64 = -1;
/// A longer name of a command is cut: it was no command.
const LONGEST_COMMAND: usize = 64;

/// The quarter of a moment.
pub(crate) fn slot(ms: i64) -> i64 {
    ms.div_euclid(QUARTER_MS)
}

/// What rows of a quarter are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) folder_id: i64,
    pub(crate) via: i64,
    pub(crate) kind: i64,
}

/// The figures of a quarter; each table's columns behind the key are an array, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quarter {
    pub(crate) turns: BTreeMap<Place, [i64; 4]>,
    pub(crate) usage: BTreeMap<(Place, i64), [i64; 7]>,
    pub(crate) tools: BTreeMap<(Place, i64, i64), [i64; 2]>,
    pub(crate) commands: BTreeMap<(Place, String), i64>,
    pub(crate) lengths: BTreeMap<(Place, i64), i64>,
}

const TURNS: &str = "
    select f.folder_id, f.via, f.kind, f.failed, t.from_hook, t.from_transcript,
           iif(t.prompt_text is null, null, f.prompt_length), iif(f.kind in (1, 2, 3), substr(t.prompt_text, 1, 400), null)
      from facets f join turns t on t.id = f.conversation_id
     where f.timestamp_ms >= ?1 and f.timestamp_ms < ?2";

const USAGE: &str = "
    select f.folder_id, f.via, f.kind, coalesce(m.id, 0), u.input_tokens, u.output_tokens, u.cache_creation_tokens,
           u.cache_read_tokens, u.cost
      from facets f cross join usage u on u.conversation_id = f.conversation_id left join models m on m.name = u.model
     where f.timestamp_ms >= ?1 and f.timestamp_ms < ?2";

const TOOLS: &str = "
    select f.folder_id, f.via, f.kind, coalesce(n.id, 0), c.duration_ms, c.is_error or c.refused
      from facets f cross join tool_calls c on c.conversation_id = f.conversation_id left join tools n on n.name = c.name
     where f.timestamp_ms >= ?1 and f.timestamp_ms < ?2";

const TABLES: [&str; 5] = [
    "delete from quarter_turns where slot = ?1",
    "delete from quarter_usage where slot = ?1",
    "delete from quarter_tools where slot = ?1",
    "delete from quarter_commands where slot = ?1",
    "delete from quarter_lengths where slot = ?1",
];

/// Every time at which a quarter may have to be counted.
const TIMES: &str = "
    select timestamp_ms from facets union all select slot * 900000 from quarter_turns
    union all select slot * 900000 from quarter_usage union all select slot * 900000 from quarter_tools
    union all select slot * 900000 from quarter_commands union all select slot * 900000 from quarter_lengths";

/// Counts a quarter, and keeps its figures.
pub(crate) fn recount(conn: &Connection, slot: i64) -> Result<(), Error> {
    Quarter::counted(conn, slot)?.keep(conn, slot).op("keep the figures of a quarter")
}

/// Does so for all.
pub(crate) fn recount_all(conn: &Connection) -> Result<(), Error> {
    all(conn)?.into_iter().try_for_each(|slot| recount(conn, slot))
}

/// Every quarter in which something begins, or that figures are kept of.
pub(crate) fn all(conn: &Connection) -> Result<BTreeSet<i64>, Error> {
    let mut query = conn.prepare(TIMES).op("prepare")?;
    let rows = query.query_map([], |row| row.get(0).map(slot)).op("list the quarters")?;
    rows.collect::<Result<_, _>>().op("list the quarters")
}

impl Quarter {
    /// Counts the conversations of a quarter.
    pub(crate) fn counted(conn: &Connection, slot: i64) -> Result<Self, Error> {
        let mut quarter = Self::default();
        let from = slot.saturating_mul(QUARTER_MS);
        let range = params![from, from.saturating_add(QUARTER_MS)];
        let mut turns = conn.prepare_cached(TURNS).op("prepare")?;
        let mut rows = turns.query(range).op("count conversations")?;
        while let Some(row) = rows.next().op("count conversations")? {
            quarter.turn(row).op("count a conversation")?;
        }
        if quarter.turns.is_empty() {
            return Ok(quarter);
        }
        let mut usage = conn.prepare_cached(USAGE).op("prepare")?;
        let mut rows = usage.query(range).op("count tokens")?;
        while let Some(row) = rows.next().op("count tokens")? {
            quarter.message(row).op("count a message")?;
        }
        let mut tools = conn.prepare_cached(TOOLS).op("prepare")?;
        let mut rows = tools.query(range).op("count tool calls")?;
        while let Some(row) = rows.next().op("count tool calls")? {
            quarter.call(row).op("count a tool call")?;
        }
        Ok(quarter)
    }

    /// Puts these figures in place of those that were there.
    fn keep(&self, conn: &Connection, slot: i64) -> rusqlite::Result<()> {
        for sql in TABLES {
            conn.prepare_cached(sql)?.execute([slot])?;
        }
        for (Place { folder_id, via, kind }, [turns, failed, hook, transcript]) in &self.turns {
            conn.prepare_cached("insert into quarter_turns values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute([&slot, folder_id, via, kind, turns, failed, hook, transcript])?;
        }
        for ((Place { folder_id, via, kind }, model), figures) in &self.usage {
            let [messages, input, output, creation, read, cost, unpriced] = figures;
            conn.prepare_cached(
                "insert into quarter_usage values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute([&slot, folder_id, via, kind, model, messages, input, output, creation, read, cost, unpriced])?;
        }
        for ((Place { folder_id, via, kind }, tool, bucket), [calls, failures]) in &self.tools {
            conn.prepare_cached("insert into quarter_tools values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute([&slot, folder_id, via, kind, tool, bucket, calls, failures])?;
        }
        for ((Place { folder_id, via, kind }, command), uses) in &self.commands {
            conn.prepare_cached("insert into quarter_commands values (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![slot, folder_id, via, kind, command, uses])?;
        }
        for ((Place { folder_id, via, kind }, bucket), prompts) in &self.lengths {
            conn.prepare_cached("insert into quarter_lengths values (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute([&slot, folder_id, via, kind, bucket, prompts])?;
        }
        Ok(())
    }

    fn turn(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let place = place(row)?;
        let (hook, transcript): (bool, bool) = (row.get(4)?, row.get(5)?);
        let figures = [1, row.get(3)?, i64::from(hook && !transcript), i64::from(transcript && !hook)];
        add(self.turns.entry(place).or_default(), figures);
        if let Some(length) = row.get::<_, Option<i64>>(6)? {
            let bucket = LENGTHS.iter().filter(|from| length >= **from).count() as i64;
            *self.lengths.entry((place, bucket)).or_default() += 1;
        }
        let kind = Kind::from_number(place.kind);
        let prompt = row.get_ref(7)?.as_str_or_null()?;
        if let Some(command) = kind.zip(prompt).and_then(|(kind, prompt)| command(kind, prompt)) {
            *self.commands.entry((place, command)).or_default() += 1;
        }
        Ok(())
    }

    fn message(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let cost: Option<i64> = row.get(8)?;
        let [input, output, creation, read] = [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
        let figures = [1, input, output, creation, read, cost.unwrap_or(0), i64::from(cost.is_none())];
        add(self.usage.entry((place(row)?, row.get(3)?)).or_default(), figures);
        Ok(())
    }

    fn call(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let bucket = row.get::<_, Option<i64>>(4)?.map_or(UNMEASURED, latency::bucket);
        add(self.tools.entry((place(row)?, row.get(3)?, bucket)).or_default(), [1, row.get(5)?]);
        Ok(())
    }
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { folder_id: row.get::<_, Option<i64>>(0)?.unwrap_or(0), via: row.get(1)?, kind: row.get(2)? })
}

/// Adds up; no figure of a damaged file makes another one wrong by going around.
pub(crate) fn add<const N: usize>(sum: &mut [i64; N], more: [i64; N]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

/// The command that a prompt is: `/review` of `/review 12`, `git` of `! FOO=1 /usr/bin/git status`.
pub(crate) fn command(kind: Kind, prompt: &str) -> Option<String> {
    let prompt = prompt.trim_start();
    let name = match kind {
        Kind::Command | Kind::Local => prompt.split_whitespace().next().filter(|name| name.starts_with('/'))?,
        Kind::Shell => {
            let line = prompt.strip_prefix('!').unwrap_or(prompt);
            let is_setting = |word: &&str| {
                word.split_once('=').is_some_and(|(name, _)| {
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                })
            };
            let program = line.split_whitespace().find(|word| !is_setting(word))?;
            let program = program.trim_matches(|c: char| "(){};&|\"'`".contains(c));
            program.rsplit('/').next().filter(|name| !name.is_empty())?
        }
        _ => return None,
    };
    Some(name.chars().take(LONGEST_COMMAND).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let check = |kind, prompt: &str, expected: Option<&str>| {
            assert_eq!(command(kind, prompt).as_deref(), expected, "{prompt:?}");
        };
        check(Kind::Command, "/review 12", Some("/review"));
        check(Kind::Command, "/plugin:run\nmore", Some("/plugin:run"));
        check(Kind::Local, "/clear", Some("/clear"));
        check(Kind::Local, "Caveat: the messages below", None);
        check(Kind::Shell, "! git status", Some("git"));
        check(Kind::Shell, "!git status", Some("git"));
        check(Kind::Shell, "! FOO=1 BAR=x /usr/bin/git status", Some("git"));
        check(Kind::Shell, "! (cd x && make)", Some("cd"));
        check(Kind::Shell, "! ls; pwd", Some("ls"));
        check(Kind::Shell, "!", None);
        check(Kind::Shell, "! ./", None);
        check(Kind::Human, "/review", None);
        assert_eq!(command(Kind::Shell, &"x".repeat(500)).map(|name| name.len()), Some(LONGEST_COMMAND));
    }

    #[test]
    fn quarters_begin_before_1970_too() {
        assert_eq!([0, 899_999, 900_000, -1, -900_000, -900_001].map(slot), [0, 0, 1, -1, -1, -2]);
    }
}
