//! The row of a session, its links, and where its conversations ran.
//!
//! A conversation whose lines name no directory ran in its session's, which a later line may change: then its facets are
//! put right here, though nothing of the conversation itself changed.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::session::{Link, LinkKind, Session};
use crate::error::{Context, Error};

/// The origin of what no data directory is known of.
const NOWHERE: i64 = 0;

/// The data directory that a session is of.
const ORIGIN: &str = "
    select coalesce((select origin_id from transcripts where session_id = ?1 order by id limit 1),
                    (select origin_id from events where session_id = ?1 order by captured_ns, id limit 1))";

const FOLDERS: &str = "
    insert into folders (origin_id, cwd)
    select distinct ?2, coalesce(t.cwd, ?3) from turns t where t.session_id = ?1 and coalesce(t.cwd, ?3) is not null
    on conflict do nothing";

const REFILE: &str = "
    update facets set folder_id = (select f.id from folders f where f.origin_id = ?2 and f.cwd = coalesce(t.cwd, ?3))
      from turns t indexed by turns_session
     where t.session_id = ?1 and facets.timestamp_ms = t.timestamp_ms and facets.conversation_id = t.id";

const TIMES: &str = "select timestamp_ms from turns indexed by turns_session where session_id = ?1";

const TIMES_HOMELESS: &str =
    "select timestamp_ms from turns indexed by turns_homeless where session_id = ?1 and cwd is null";

const REFILE_HOMELESS: &str = "
    update facets set folder_id = ?2
      from turns t indexed by turns_homeless
     where t.session_id = ?1 and t.cwd is null
       and facets.timestamp_ms = t.timestamp_ms and facets.conversation_id = t.id";

/// Where a session is at home: what its conversations are filed under.
#[derive(Debug)]
pub(super) struct Home<'f> {
    session_id: &'f str,
    origin_id: Option<i64>,
    cwd: Option<&'f str>,
    moved: Moved,
}

/// What changed since the session was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    /// Its directory alone.
    Directory,
    /// The origin of all its directories.
    Origin,
}

impl Batch<'_> {
    pub(super) fn put_session<'f>(&self, facts: &'f Session) -> Result<Home<'f>, Error> {
        let session_id = facts.session_id.as_str();
        let mut query = self.tx.prepare_cached(ORIGIN).op("prepare")?;
        let origin_id: Option<i64> = query.query_row([session_id], |row| row.get(0)).op("read a session's origin")?;
        let cwd = facts.cwd.as_deref().or(facts.hook_cwd.as_deref());
        let before: Option<(Option<i64>, Option<String>)> = self
            .tx
            .prepare_cached("select origin_id, cwd from sessions where session_id = ?1")
            .op("prepare")?
            .query_row([session_id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .op("read a session")?;
        let moved = match before {
            Some((origin, _)) if origin != origin_id => Moved::Origin,
            Some((_, directory)) if directory.as_deref() != cwd => Moved::Directory,
            Some(_) | None => Moved::No,
        };
        self.execute(
            "insert into sessions (session_id, title, title_from, cwd, git_branch, version, model, started_ms, ended_ms, counts,
                                   origin_id)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             on conflict (session_id) do update set
                title = excluded.title, title_from = excluded.title_from, cwd = excluded.cwd,
                git_branch = excluded.git_branch, version = excluded.version, model = excluded.model,
                started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, counts = excluded.counts,
                origin_id = excluded.origin_id
             where (title, title_from, cwd, git_branch, version, model, started_ms, ended_ms, counts, origin_id)
                is not (excluded.title, excluded.title_from, excluded.cwd, excluded.git_branch, excluded.version,
                        excluded.model, excluded.started_ms, excluded.ended_ms, excluded.counts, excluded.origin_id)",
            params![
                session_id,
                facts.title.as_ref().map(|title| &title.text),
                facts.title.as_ref().map(|title| title.from.as_str()),
                cwd,
                facts.git_branch,
                facts.version,
                facts.model,
                facts.started_ms,
                facts.ended_ms,
                facts.counts.json(),
                origin_id,
            ],
        )?;
        Ok(Home { session_id, origin_id, cwd, moved })
    }

    /// Where a conversation of the session ran that names this directory, or none.
    pub(super) fn folder(&self, home: &Home<'_>, cwd: Option<&str>) -> Result<Option<i64>, Error> {
        let Some(cwd) = cwd.or(home.cwd) else { return Ok(None) };
        let place = params![home.origin_id.unwrap_or(NOWHERE), cwd];
        let mut find =
            self.tx.prepare_cached("select id from folders where origin_id = ?1 and cwd = ?2").op("prepare")?;
        let known = find.query_row(place, |row| row.get(0)).optional().op("look for a folder")?;
        if known.is_some() {
            return Ok(known);
        }
        self.execute("insert into folders (origin_id, cwd) values (?1, ?2)", place)?;
        Ok(Some(self.tx.last_insert_rowid()))
    }

    /// Files the conversations of a session that moved, those too that are not written again.
    pub(super) fn refile(&self, home: &Home<'_>) -> Result<(), Error> {
        match home.moved {
            Moved::No => Ok(()),
            Moved::Directory => {
                self.touch_quarters(TIMES_HOMELESS, home.session_id)?;
                self.execute(REFILE_HOMELESS, params![home.session_id, self.folder(home, None)?])
            }
            Moved::Origin => {
                let place = params![home.session_id, home.origin_id.unwrap_or(NOWHERE), home.cwd];
                self.touch_quarters(TIMES, home.session_id)?;
                self.execute(FOLDERS, place)?;
                self.execute(REFILE, place)
            }
        }
    }

    fn touch_quarters(&self, times: &str, session_id: &str) -> Result<(), Error> {
        let mut query = self.tx.prepare_cached(times).op("prepare")?;
        let mut rows = query.query([session_id]).op("read the times of a session")?;
        while let Some(row) = rows.next().op("read the times of a session")? {
            self.touch_quarter(row.get(0).op("read the time of a conversation")?);
        }
        Ok(())
    }

    /// Puts what a session's own lines and events tell of links in place of what they told before. The earlier session
    /// tells where it goes on; of `/clear` both sides tell; everything else the later one tells.
    pub(super) fn put_links(&self, facts: &Session) -> Result<(), Error> {
        let before = self.links_told_by(&facts.session_id)?;
        for link in before.difference(&facts.links) {
            self.execute(
                "delete from session_links where session_id = ?1 and kind = ?2 and other_session_id = ?3",
                params![link.session_id, link.kind.as_str(), link.other_session_id],
            )?;
        }
        for link in facts.links.difference(&before) {
            self.execute(
                "insert into session_links (session_id, kind, other_session_id) values (?1, ?2, ?3)
                 on conflict do nothing",
                params![link.session_id, link.kind.as_str(), link.other_session_id],
            )?;
        }
        Ok(())
    }

    fn links_told_by(&self, session_id: &str) -> Result<BTreeSet<Link>, Error> {
        let mut query = self
            .tx
            .prepare_cached(
                "select session_id, kind, other_session_id from session_links
                  where (session_id = ?1 and kind <> 'continued-from')
                     or (other_session_id = ?1 and kind in ('continued-from', 'cleared-from'))",
            )
            .op("prepare")?;
        let rows = query
            .query_map([session_id], |row| {
                let kind: String = row.get(1)?;
                let kind = LinkKind::ALL.into_iter().find(|known| known.as_str() == kind);
                Ok(kind.map(|kind| (row.get(0), kind, row.get(2))))
            })
            .op("read a session's links")?;
        let mut found = BTreeSet::new();
        for row in rows {
            if let Some((session, kind, other)) = row.op("read a link")? {
                found.insert(Link {
                    session_id: session.op("read a link")?,
                    kind,
                    other_session_id: other.op("read a link")?,
                });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Key;
    use crate::read::inspect::Inspector;
    use crate::words::{Kind, Status, Via};
    use crate::write::{Lineage, Look, Part, Turn, Writer};

    fn turn(n: u8, cwd: Option<&str>) -> Turn {
        Turn {
            keys: vec![Key::Line([n; 16])],
            former_keys: Vec::new(),
            session_id: "s".into(),
            parent: None,
            agent_id: None,
            ordinal: n.into(),
            timestamp_ms: n.into(),
            ended_ms: None,
            kind: Kind::Human,
            via: Via::Print,
            status: Status::Open,
            prompt_text: None,
            response_text: None,
            prompt_id: None,
            model: None,
            cwd: cwd.map(str::to_owned),
            from_hook: false,
            from_transcript: true,
            metadata: "{}".into(),
            blocks: Vec::new(),
            tool_calls: Vec::new(),
            usage: Vec::new(),
        }
    }

    /// What is settled is not derived again, and is filed anew all the same.
    #[test]
    fn a_session_that_moves_takes_its_conversations_along() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        let mut writer = Writer::open(&dir).unwrap();
        let mut check = |sql: &str, turns: Vec<Turn>, cwd: Option<&str>, expected: [Option<(i64, &str)>; 2]| {
            let batch = writer.batch().unwrap();
            batch.tx.execute_batch(sql).unwrap();
            let facts = Session { session_id: "s".into(), cwd: cwd.map(str::to_owned), ..Session::default() };
            let part = Part { facts, from: 2 - turns.len() as i64, parser: crate::PARSER, ..Part::default() };
            let parts = [("s".to_owned(), part)].into();
            batch.replace(&Lineage { parts, turns }, Look::Digests, 0).unwrap();
            let mut query = batch
                .tx
                .prepare("select d.origin_id, d.cwd from facets f left join folders d on d.id = f.folder_id order by 1")
                .unwrap();
            let found: Vec<Option<(i64, String)>> = query
                .query_map([], |row| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?)))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(found, expected.map(|folder| folder.map(|(at, cwd)| (at, cwd.to_owned()))), "{sql} {cwd:?}");
            drop(query);
            batch.commit().unwrap();
            assert_eq!(Inspector::open(&dir).unwrap().misfiled().unwrap(), 0, "{sql} {cwd:?}");
        };
        let both = || vec![turn(0, None), turn(1, Some("/own"))];
        check("", both(), None, [None, Some((0, "/own"))]);
        check("", Vec::new(), Some("/a"), [Some((0, "/a")), Some((0, "/own"))]);
        check("", vec![turn(1, Some("/own"))], Some("/b"), [Some((0, "/b")), Some((0, "/own"))]);
        let event = |name: &str, origin: u8, at: u8| {
            format!(
                "insert into origins (id, origin) values ({origin}, '{name}') on conflict do nothing;
                 insert into events (origin_id, name, hash, captured_ns, event, session_id, size, codec, payload, stored_ms)
                 values ({origin}, '{name}', x'', {at}, 'Stop', 's', 1, 0, x'', 0)"
            )
        };
        check(&event("a", 5, 9), Vec::new(), Some("/b"), [Some((5, "/b")), Some((5, "/own"))]);
        check(&event("b", 6, 8), Vec::new(), Some("/c"), [Some((6, "/c")), Some((6, "/own"))]);
        check(&event("c", 7, 10), both(), None, [None, Some((6, "/own"))]);
    }
}
