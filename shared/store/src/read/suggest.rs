//! Tags that a conversation might get: what the rules are asked with.
//!
//! Every read has a bound, so that a conversation of a hundred thousand tool calls costs what one of a hundred does. What a
//! person took off a conversation is as little offered as what it has.

mod rules;

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::conversation::{span, survivor};
use super::marks::is_known;
use super::span::Spans;
use super::{json, tags};
use crate::error::{Context, Error};
use crate::human::{Remark, Said, folded, get};
use crate::ids::{ConversationId, Span};
use crate::quarter::command;
use crate::words::Kind;
use rules::Facts;

pub use rules::Suggestion;

/// Tool calls that are looked at, from the first on.
const MOST_CALLS: i64 = 200;
/// The input of one that is longer is some file's whole text.
const LONGEST_INPUT: u32 = 64 * 1024;
/// Prompts and answers are looked at so far, in characters.
const LONGEST_TEXT: i64 = 64 * 1024;
/// Tags that are looked for in the texts.
const MOST_TAGS: u32 = 5_000;
/// Conversations before and after it, in its session.
const NEAR_IN_SESSION: i64 = 25;
/// And in time, of which those of its project count.
const NEAR_IN_TIME: i64 = 300;

const TURN: &str = "
    select session_id, ordinal, timestamp_ms, kind, substr(prompt_text, 1, ?2), substr(response_text, 1, ?2)
      from turns where id = ?1";

/// What a person calls the session, else what it calls itself.
const TITLE: &str = "
    select coalesce((select h.text from conversation_user_sessions u join human_texts h on h.user_session_id = u.user_session_id
                      where u.conversation_id = ?1),
                    (select title from sessions where session_id = ?2))";

const SESSION_TAGS: &str = "
    select g.tag, count(*)
      from (select id from turns where session_id = ?2 and ordinal between ?3 - ?4 and ?3 + ?4) t
      cross join tags_shown g on g.conversation_id = t.id
     where t.id <> ?1 group by g.tag";

/// ?2: its time; ?3: how many on each side. The folders of a project are those of its repository.
const PROJECT_TAGS: &str = "
    with own (origin_id, cwd) as (
           select f.origin_id, f.cwd from facets a join folders f on f.id = a.folder_id
            where a.timestamp_ms = ?2 and a.conversation_id = ?1),
         project (path) as (
           select coalesce((select git_root from places p where p.origin_id = o.origin_id and p.cwd = o.cwd), o.cwd) from own o),
         home (id) as (
           select f.id from folders f
            where coalesce((select git_root from places p where p.origin_id = f.origin_id and p.cwd = f.cwd), f.cwd)
                  = (select path from project)),
         near (id, folder_id) as (
           select * from (select conversation_id, folder_id from facets where (timestamp_ms, conversation_id) < (?2, ?1)
                           order by timestamp_ms desc, conversation_id desc limit ?3)
           union all
           select * from (select conversation_id, folder_id from facets where (timestamp_ms, conversation_id) > (?2, ?1)
                           order by timestamp_ms, conversation_id limit ?3))
    select g.tag, count(*) from near n cross join tags_shown g on g.conversation_id = n.id
     where n.folder_id in (select id from home) group by g.tag";

const CALLS: &str = "
    select name, input_source, input_source_id, input_offset, input_length
      from tool_calls where conversation_id = ?1 order by seq limit ?2";

/// What a conversation might be tagged with, the best first, and the id that answers for it. `None` if `id` was never given out.
pub(super) fn of(conn: &Connection, id: ConversationId) -> Result<Option<(ConversationId, Vec<Suggestion>)>, Error> {
    if !is_known(conn, id)? {
        return Ok(None);
    }
    let id = survivor(conn, id)?;
    let Some(mut facts) = told(conn, id)? else { return Ok(Some((id, Vec::new()))) };
    tools(conn, id, &mut facts)?;
    facts.spellings =
        tags::all(conn, MOST_TAGS)?.into_iter().map(|(key, tag)| (key, tag.tag)).collect::<BTreeMap<_, _>>();
    for (_, Remark { said, .. }) in get::history(conn, id)? {
        if let Said::Tag { tag, .. } = said {
            facts.decided.insert(folded(&tag));
        }
    }
    Ok(Some((id, rules::suggested(&facts))))
}

/// What was said in it and around it; `None` while nothing of it is known.
fn told(conn: &Connection, id: ConversationId) -> Result<Option<Facts>, Error> {
    type Told = (String, i64, i64, String, Option<String>, Option<String>);
    let found: Option<Told> = conn
        .prepare_cached(TURN)
        .op("prepare")?
        .query_row(params![id.0, LONGEST_TEXT], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()
        .op("read a conversation")?;
    let Some((session, ordinal, timestamp_ms, kind, prompt, answer)) = found else { return Ok(None) };
    let title: Option<String> = conn
        .prepare_cached(TITLE)
        .op("prepare")?
        .query_row(params![id.0, session], |row| row.get(0))
        .op("read a session's title")?;
    let tags = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<Vec<(String, i64)>, Error> {
        let mut query = conn.prepare_cached(sql).op("prepare")?;
        let rows = query.query_map(values, |row| Ok((row.get(0)?, row.get(1)?))).op("read the tags around")?;
        rows.collect::<Result<_, _>>().op("read the tags around")
    };
    Ok(Some(Facts {
        command: Kind::from_word(&kind).zip(prompt.as_deref()).and_then(|(kind, prompt)| command(kind, prompt)),
        session: tags(SESSION_TAGS, &[&id.0, &session, &ordinal, &NEAR_IN_SESSION])?,
        project: tags(PROJECT_TAGS, &[&id.0, &timestamp_ms, &NEAR_IN_TIME])?,
        texts: [("title", title), ("prompt", prompt), ("answer", answer)]
            .into_iter()
            .filter_map(|(place, text)| Some((place, text?)))
            .collect(),
        ..Facts::default()
    }))
}

/// The tools that it used, and what they were given.
fn tools(conn: &Connection, id: ConversationId, facts: &mut Facts) -> Result<(), Error> {
    let mut query = conn.prepare_cached(CALLS).op("prepare")?;
    let calls: Vec<(String, Option<Span>)> = query
        .query_map(params![id.0, MOST_CALLS], |row| Ok((row.get(0)?, span(row, 1)?)))
        .op("read tool calls")?
        .collect::<Result<_, _>>()
        .op("read tool calls")?;
    let inputs = || calls.iter().filter_map(|(_, input)| *input).filter(|input| input.length <= LONGEST_INPUT);
    let spans = Spans::load(conn, inputs())?;
    for bytes in inputs().filter_map(|input| spans.get(input)) {
        facts.inputs.extend(serde_json::from_slice::<serde_json::Value>(&json::mend(bytes)).ok());
    }
    facts.tools = calls.into_iter().map(|(name, _)| name).collect();
    Ok(())
}

#[cfg(test)]
mod tests;
