//! What happened in a quarter of an hour, counted from its conversations: the writer keeps it in tables, so that figures of
//! years are sums of few rows; whoever checks them counts again with the same function.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, params};

use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::latency;
use crate::words::Kind;

/// The length of a quarter, in milliseconds.
pub(crate) const QUARTER_MS: i64 = 900_000;
/// Lengths of prompts from which on a bucket begins; the first begins at 0.
pub(crate) const LENGTHS: [i64; 8] = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000];
/// The bucket of calls that nobody measured.
pub(crate) const UNMEASURED: i64 = -1;
/// From here on a sum may have stopped growing.
const LARGEST: i64 = 1 << 62;
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
    pub(crate) commands: BTreeMap<(Place, String), [i64; 1]>,
    pub(crate) lengths: BTreeMap<(Place, i64), [i64; 1]>,
}

/// What is asked of conversations, tokens and tool calls.
type Questions = [&'static str; 3];

macro_rules! questions {
    ($which:literal) => {
        [
            concat!(
                "select f.folder_id, f.via, f.kind, f.failed, t.from_hook, t.from_transcript,
                        iif(t.prompt_text is null, null, f.prompt_length),
                        iif(f.kind in (1, 2, 3), substr(t.prompt_text, 1, 400), null)
                   from facets f join turns t on t.id = f.conversation_id where ",
                $which
            ),
            concat!(
                "select f.folder_id, f.via, f.kind, coalesce(m.id, 0), u.input_tokens, u.output_tokens,
                        u.cache_creation_tokens, u.cache_read_tokens, u.cost
                   from facets f cross join usage u on u.conversation_id = f.conversation_id
                        left join models m on m.name = u.model where ",
                $which
            ),
            concat!(
                "select f.folder_id, f.via, f.kind, coalesce(n.id, 0), c.duration_ms, c.is_error or c.refused
                   from facets f cross join tool_calls c on c.conversation_id = f.conversation_id
                        left join tools n on n.name = c.name where ",
                $which
            ),
        ]
    };
}

const OF_QUARTER: Questions = questions!("f.timestamp_ms >= ?1 and f.timestamp_ms < ?2");
const OF_ONE: Questions = questions!("f.timestamp_ms = ?1 and f.conversation_id = ?2");

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

/// Keeps the figures of a quarter in which conversations changed that added up to `before` and now add up to `after`. What
/// was never counted, or is not what it should be, is counted whole.
pub(crate) fn change(conn: &Connection, slot: i64, before: &Quarter, after: &Quarter) -> Result<(), Error> {
    let kept = Quarter::kept(conn, slot)?;
    match kept.clone().changed(before, after) {
        Some(now) if !kept.turns.is_empty() => {
            if now != kept {
                now.keep(conn, slot).op("keep the figures of a quarter")?;
            }
            Ok(())
        }
        _ => recount(conn, slot),
    }
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
        let from = slot.saturating_mul(QUARTER_MS);
        Self::ask(conn, &OF_QUARTER, [from, from.saturating_add(QUARTER_MS)])
    }

    /// What one conversation adds to the quarter that it begins in.
    pub(crate) fn of_one(conn: &Connection, timestamp_ms: i64, id: ConversationId) -> Result<Self, Error> {
        Self::ask(conn, &OF_ONE, [timestamp_ms, id.0])
    }

    fn ask(conn: &Connection, [turns, usage, tools]: &Questions, which: [i64; 2]) -> Result<Self, Error> {
        let mut quarter = Self::default();
        let mut turns = conn.prepare_cached(turns).op("prepare")?;
        let mut rows = turns.query(which).op("count conversations")?;
        while let Some(row) = rows.next().op("count conversations")? {
            quarter.turn(row).op("count a conversation")?;
        }
        if quarter.turns.is_empty() {
            return Ok(quarter);
        }
        let mut usage = conn.prepare_cached(usage).op("prepare")?;
        let mut rows = usage.query(which).op("count tokens")?;
        while let Some(row) = rows.next().op("count tokens")? {
            quarter.message(row).op("count a message")?;
        }
        let mut tools = conn.prepare_cached(tools).op("prepare")?;
        let mut rows = tools.query(which).op("count tool calls")?;
        while let Some(row) = rows.next().op("count tool calls")? {
            quarter.call(row).op("count a tool call")?;
        }
        Ok(quarter)
    }

    /// The figures that are kept of a quarter.
    pub(crate) fn kept(conn: &Connection, slot: i64) -> Result<Self, Error> {
        Self::read(conn, slot).op("read the figures of a quarter")
    }

    fn read(conn: &Connection, slot: i64) -> rusqlite::Result<Self> {
        fn all<K: Ord, V>(
            conn: &Connection,
            sql: &str,
            slot: i64,
            read: impl Fn(&Row<'_>) -> rusqlite::Result<(K, V)>,
        ) -> rusqlite::Result<BTreeMap<K, V>> {
            conn.prepare_cached(sql)?.query_map([slot], read)?.collect()
        }
        let place = |row: &Row<'_>| -> rusqlite::Result<Place> {
            Ok(Place { folder_id: row.get(1)?, via: row.get(2)?, kind: row.get(3)? })
        };
        Ok(Self {
            turns: all(conn, "select * from quarter_turns where slot = ?1", slot, |row| {
                Ok((place(row)?, [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?]))
            })?,
            usage: all(conn, "select * from quarter_usage where slot = ?1", slot, |row| {
                let tokens =
                    [row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?, row.get(11)?];
                Ok(((place(row)?, row.get(4)?), tokens))
            })?,
            tools: all(conn, "select * from quarter_tools where slot = ?1", slot, |row| {
                Ok(((place(row)?, row.get(4)?, row.get(5)?), [row.get(6)?, row.get(7)?]))
            })?,
            commands: all(conn, "select * from quarter_commands where slot = ?1", slot, |row| {
                Ok(((place(row)?, row.get(4)?), [row.get(5)?]))
            })?,
            lengths: all(conn, "select * from quarter_lengths where slot = ?1", slot, |row| {
                Ok(((place(row)?, row.get(4)?), [row.get(5)?]))
            })?,
        })
    }

    /// Adds the figures of another.
    pub(crate) fn and(&mut self, more: &Self) {
        fn each<K: Ord + Clone, const N: usize>(sum: &mut BTreeMap<K, [i64; N]>, more: &BTreeMap<K, [i64; N]>) {
            more.iter().for_each(|(key, figures)| add(sum.entry(key.clone()).or_insert([0; N]), *figures));
        }
        each(&mut self.turns, &more.turns);
        each(&mut self.usage, &more.usage);
        each(&mut self.tools, &more.tools);
        each(&mut self.commands, &more.commands);
        each(&mut self.lengths, &more.lengths);
    }

    /// These figures with `after` in place of `before`; `None` if no sum of conversations can be so.
    fn changed(mut self, before: &Self, after: &Self) -> Option<Self> {
        fn each<K: Ord, const N: usize>(sum: &mut BTreeMap<K, [i64; N]>, less: &BTreeMap<K, [i64; N]>) -> bool {
            less.iter().all(|(key, figures)| {
                let Some(sum) = sum.get_mut(key) else { return false };
                sum.iter_mut().zip(figures).for_each(|(sum, less)| *sum = sum.saturating_sub(*less));
                true
            })
        }
        /// Each row counts something, and none of its figures is so large that it may not be the sum.
        fn fit<K: Ord, const N: usize>(sum: &mut BTreeMap<K, [i64; N]>) -> bool {
            sum.retain(|_, figures| *figures != [0; N]);
            sum.values().all(|figures| figures[0] > 0 && figures.iter().all(|it| (0..LARGEST).contains(it)))
        }
        self.and(after);
        let fits = [before, after].iter().all(|it| it.usage.values().flatten().all(|it| (0..LARGEST).contains(it)));
        let less = each(&mut self.turns, &before.turns)
            && each(&mut self.usage, &before.usage)
            && each(&mut self.tools, &before.tools)
            && each(&mut self.commands, &before.commands)
            && each(&mut self.lengths, &before.lengths);
        let whole = fit(&mut self.turns)
            && fit(&mut self.usage)
            && fit(&mut self.tools)
            && fit(&mut self.commands)
            && fit(&mut self.lengths);
        (fits && less && whole).then_some(self)
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
        for ((Place { folder_id, via, kind }, command), [uses]) in &self.commands {
            conn.prepare_cached("insert into quarter_commands values (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![slot, folder_id, via, kind, command, uses])?;
        }
        for ((Place { folder_id, via, kind }, bucket), [prompts]) in &self.lengths {
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
            add(self.lengths.entry((place, bucket)).or_default(), [1]);
        }
        let kind = Kind::from_number(place.kind);
        let prompt = row.get_ref(7)?.as_str_or_null()?;
        if let Some(command) = kind.zip(prompt).and_then(|(kind, prompt)| command(kind, prompt)) {
            add(self.commands.entry((place, command)).or_default(), [1]);
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

    /// What is taken out of a sum leaves what was there before; where it cannot be a sum, it is counted anew.
    #[test]
    fn sums_change() {
        let of = |turns: i64, tokens: i64| {
            let place = Place { folder_id: 1, via: 0, kind: 0 };
            let usage = [((place, 1), [turns, tokens, 0, 0, 0, 0, 0])];
            Quarter { turns: [(place, [turns, 0, 0, 0])].into(), usage: usage.into(), ..Quarter::default() }
        };
        let check = |sum: Quarter, before: Quarter, after: Quarter, expected: Option<Quarter>| {
            assert_eq!(sum.clone().changed(&before, &after), expected, "{sum:?} {before:?} {after:?}");
        };
        check(of(3, 30), of(1, 10), of(1, 15), Some(of(3, 35)));
        check(of(3, 30), Quarter::default(), of(1, 5), Some(of(4, 35)));
        check(of(1, 10), of(1, 10), Quarter::default(), Some(Quarter::default()));
        check(of(1, 10), of(1, 11), of(1, 12), Some(of(1, 11)));
        check(of(1, 10), of(1, 11), Quarter::default(), None);
        check(of(1, 10), of(2, 10), Quarter::default(), None);
        check(Quarter::default(), of(1, 10), Quarter::default(), None);
        check(of(2, i64::MAX), of(1, i64::MAX), Quarter::default(), None);
        check(of(2, LARGEST - 1), Quarter::default(), of(1, 1), None);
    }

    #[test]
    fn quarters_begin_before_1970_too() {
        assert_eq!([0, 899_999, 900_000, -1, -900_000, -900_001].map(slot), [0, 0, 1, -1, -1, -2]);
    }
}
