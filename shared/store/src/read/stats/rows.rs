//! The statements of [`super::stats`]: each sums one table of quarters as the request asks.

use std::collections::HashMap;

use rusqlite::{Connection, Row, ToSql, params};

use super::StatsRequest;
use crate::error::{Context, Error};
use crate::quarter::{QUARTER_MS, slot};
use crate::read::project::Wanted;
use crate::words::Kind;

/// The rows that are asked for; the last number of a parameter is the kinds'.
macro_rules! asked {
    () => {
        " where slot >= ?1 and slot < ?2 and (?3 is null or folder_id in (select value from json_each(?3)))
            and (?4 is null or via in (select value from json_each(?4)))
            and (?5 is null or kind in (select value from json_each(?5)))"
    };
}

// Row by row, in the order of the table: grouping and adding up cost the engine more than handing them over does.
const TURNS: &str =
    concat!("select slot, folder_id, turns, failed, hook_only, transcript_only from quarter_turns", asked!());

const USAGE: &str = concat!(
    "select slot, folder_id, model_id, messages, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, cost,
            unpriced from quarter_usage",
    asked!()
);

const MODELS: &str = "select id, name from models";
const TOOL_NAMES: &str = "select id, name from tools";

const TOOLS: &str = concat!("select tool_id, bucket, calls, failures from quarter_tools", asked!());

const COMMANDS: &str = concat!(
    "select command, sum(uses) from quarter_commands",
    asked!(),
    " group by command order by 2 desc, 1 limit ?6"
);

const LENGTHS: &str = concat!("select bucket, prompts from quarter_lengths", asked!());

/// The newest rating of each conversation, whichever of its ids it was given to, unless it was taken back.
const RATINGS: &str = "
    select said.created_ms, said.rating, f.prompt_length
      from (select coalesce(a.survivor, h.conversation_id) as id, h.rating, h.created_ms,
                   row_number() over (partition by coalesce(a.survivor, h.conversation_id)
                                      order by h.created_ms desc, h.id desc) as nth
              from rating_history h left join aliases a on a.id = h.conversation_id) said
      join turns t on t.id = said.id
      join facets f on f.timestamp_ms = t.timestamp_ms and f.conversation_id = t.id
     where said.nth = 1 and said.rating is not null and said.created_ms >= ?1 and said.created_ms < ?2
       and (?3 is null or coalesce(f.folder_id, 0) in (select value from json_each(?3)))
       and (?4 is null or f.via in (select value from json_each(?4)))
       and (?5 is null or f.kind in (select value from json_each(?5)))";

/// Directories, and the project of each.
pub(super) struct Folders(HashMap<i64, (String, String)>);

impl Folders {
    pub(super) fn read(conn: &Connection) -> Result<Self, Error> {
        const SQL: &str = "
            select f.id, f.cwd, coalesce(p.git_root, f.cwd)
              from folders f left join places p on p.origin_id = f.origin_id and p.cwd = f.cwd";
        let mut query = conn.prepare_cached(SQL).op("prepare")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).op("read folders")?;
        rows.collect::<Result<_, _>>().map(Self).op("read folders")
    }

    pub(super) fn project(&self, folder: i64) -> Option<&str> {
        self.0.get(&folder).map(|(_, project)| project.as_str())
    }

    /// Those that a person means who types this.
    fn wanted(&self, typed: &str) -> Vec<i64> {
        let wanted = Wanted::new(typed);
        self.0.iter().filter(|(_, (cwd, project))| wanted.takes(cwd, project)).map(|(id, _)| *id).collect()
    }
}

/// A request as parameters.
pub(super) struct Asked {
    from: i64,
    until: i64,
    folders: Option<String>,
    vias: Option<String>,
    kinds: Vec<i64>,
}

impl Asked {
    pub(super) fn of(request: &StatsRequest, folders: &Folders) -> Self {
        let vias: Vec<i64> = request.vias.iter().map(|via| via.number()).collect();
        Self {
            from: request.since_ms.map_or(i64::MIN / QUARTER_MS, slot),
            until: request.until_ms.map_or(i64::MAX / QUARTER_MS, |until| slot(until.saturating_sub(1)) + 1),
            folders: request.project.as_deref().map(|project| json(&folders.wanted(project))),
            vias: (!vias.is_empty()).then(|| json(&vias)),
            kinds: request.kinds.iter().map(|kind| kind.number()).collect(),
        }
    }

    /// The kinds that were asked for, else these.
    pub(super) fn kinds_or(&self, others: &[Kind]) -> Vec<i64> {
        if self.kinds.is_empty() { others.iter().map(|kind| kind.number()).collect() } else { self.kinds.clone() }
    }

    fn with<T>(&self, kinds: &[i64], run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
        let kinds = (!kinds.is_empty()).then(|| json(kinds));
        run(params![self.from, self.until, self.folders, self.vias, kinds])
    }
}

fn json(numbers: &[i64]) -> String {
    format!("{numbers:?}")
}

fn each(
    conn: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let mut rows = query.query(params).op("sum up quarters")?;
    while let Some(row) = rows.next().op("sum up quarters")? {
        take(row).op("sum up a quarter")?;
    }
    Ok(())
}

fn figures<const N: usize>(row: &Row<'_>, first: usize) -> rusqlite::Result<[i64; N]> {
    let mut figures = [0; N];
    for (at, figure) in figures.iter_mut().enumerate() {
        *figure = row.get(first + at)?;
    }
    Ok(figures)
}

/// What each row is about: its quarter and its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) slot: i64,
    pub(super) folder: i64,
}

impl Cell {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { slot: row.get(0)?, folder: row.get(1)? })
    }
}

/// In the order of quarters.
pub(super) fn turns(
    conn: &Connection,
    asked: &Asked,
    kinds: &[i64],
    mut take: impl FnMut(Cell, [i64; 4]),
) -> Result<(), Error> {
    asked.with(kinds, |params| {
        each(conn, TURNS, params, |row| {
            take(Cell::of(row)?, figures(row, 2)?);
            Ok(())
        })
    })
}

/// In the order of quarters, with the number of the model.
pub(super) fn usage(conn: &Connection, asked: &Asked, mut take: impl FnMut(Cell, i64, [i64; 7])) -> Result<(), Error> {
    asked.with(&asked.kinds, |params| {
        each(conn, USAGE, params, |row| {
            take(Cell::of(row)?, row.get(2)?, figures(row, 3)?);
            Ok(())
        })
    })
}

/// The names of models by their numbers.
pub(super) fn models(conn: &Connection) -> Result<Names, Error> {
    names(conn, MODELS)
}

/// By the numbers of tool and bucket.
pub(super) fn tools(conn: &Connection, asked: &Asked, mut take: impl FnMut((i64, i64), [i64; 2])) -> Result<(), Error> {
    asked.with(&asked.kinds, |params| {
        each(conn, TOOLS, params, |row| {
            take((row.get(0)?, row.get(1)?), figures(row, 2)?);
            Ok(())
        })
    })
}

/// The names of tools by their numbers.
pub(super) fn tool_names(conn: &Connection) -> Result<Names, Error> {
    names(conn, TOOL_NAMES)
}

/// What numbers stand for.
pub(super) type Names = HashMap<i64, String>;

fn names(conn: &Connection, sql: &str) -> Result<Names, Error> {
    let mut names = Names::new();
    each(conn, sql, &[], |row| {
        names.insert(row.get(0)?, row.get(1)?);
        Ok(())
    })?;
    Ok(names)
}

pub(super) fn commands(
    conn: &Connection,
    asked: &Asked,
    kinds: &[i64],
    most: usize,
) -> Result<Vec<(String, i64)>, Error> {
    let mut found = Vec::new();
    asked.with(kinds, |params| {
        let most = most as i64;
        let params: Vec<&dyn ToSql> = params.iter().copied().chain([&most as &dyn ToSql]).collect();
        each(conn, COMMANDS, &params, |row| {
            found.push((row.get(0)?, row.get(1)?));
            Ok(())
        })
    })?;
    Ok(found)
}

pub(super) fn lengths(
    conn: &Connection,
    asked: &Asked,
    kinds: &[i64],
    mut take: impl FnMut(i64, i64),
) -> Result<(), Error> {
    asked.with(kinds, |params| {
        each(conn, LENGTHS, params, |row| {
            take(row.get(0)?, row.get(1)?);
            Ok(())
        })
    })
}

/// When each rating was given, which it is, and how long the prompt is.
pub(super) fn ratings(conn: &Connection, asked: &Asked, mut take: impl FnMut(i64, i64, i64)) -> Result<(), Error> {
    let span = Asked {
        from: asked.from.saturating_mul(QUARTER_MS),
        until: asked.until.saturating_mul(QUARTER_MS),
        folders: asked.folders.clone(),
        vias: asked.vias.clone(),
        kinds: asked.kinds.clone(),
    };
    span.with(&span.kinds, |params| {
        each(conn, RATINGS, params, |row| {
            take(row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(())
        })
    })
}
