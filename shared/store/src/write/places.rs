//! Working directories on their way into `places`: deriving notes those it meets, and ingest looks at the disk once for
//! each, so that deriving never does. Only directories of this machine are noted, never another origin's.

use std::collections::BTreeMap;

use rusqlite::params;

use super::derived::Lineage;
use super::{Batch, Writer};
use crate::error::{Context, Error};

/// A working directory that has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPlace {
    /// The directory.
    pub cwd: String,
    /// Of a worktree: the directory it was made from, which outlives it.
    pub original: Option<String>,
}

impl Writer {
    /// Up to `limit` working directories that nobody has looked up yet.
    ///
    /// # Errors
    /// The engine's.
    pub fn wanted_places(&self, limit: usize) -> Result<Vec<WantedPlace>, Error> {
        let mut query =
            self.conn.prepare_cached("select cwd, original from places_wanted order by cwd limit ?1").op("prepare")?;
        let rows = query
            .query_map([limit as i64], |row| Ok(WantedPlace { cwd: row.get(0)?, original: row.get(1)? }))
            .op("read wanted places")?;
        rows.collect::<Result<_, _>>().op("read a wanted place")
    }
}

impl Batch<'_> {
    /// Keeps for good what a directory of this machine was when it was first met.
    ///
    /// # Errors
    /// The engine's.
    pub fn put_place(&self, cwd: &str, git_root: Option<&str>, met_ms: i64) -> Result<(), Error> {
        self.execute(
            "insert into places (origin_id, cwd, git_root, met_ms) values (?1, ?2, ?3, ?4) on conflict do nothing",
            params![self.origin_id, cwd, git_root, met_ms],
        )?;
        self.execute("delete from places_wanted where cwd = ?1", [cwd])
    }

    /// Notes the directories of a lineage that have no place yet.
    pub(super) fn want_places(&self, lineage: &Lineage) -> Result<(), Error> {
        let mut wanted: BTreeMap<&str, (&str, Option<&str>)> = BTreeMap::new();
        let worktrees = || lineage.parts.values().flat_map(|part| &part.facts.worktrees);
        let original = |cwd: &str| {
            let inside =
                |path: &str| cwd.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            worktrees().find(|(path, _)| inside(path)).map(|(_, original)| original.as_str())
        };
        for turn in &lineage.turns {
            if let Some(cwd) = &turn.cwd {
                wanted.entry(cwd).or_insert_with(|| (&turn.session_id, original(cwd)));
            }
        }
        for facts in lineage.parts.values().map(|part| &part.facts) {
            if let Some(cwd) = facts.cwd.as_ref().or(facts.hook_cwd.as_ref()) {
                wanted.entry(cwd).or_insert_with(|| (&facts.session_id, original(cwd)));
            }
        }
        for (cwd, (session, original)) in wanted {
            self.execute(
                "insert into places_wanted (cwd, original)
                 select ?1, ?2
                  where not exists (select 1 from places where origin_id = ?3 and cwd = ?1)
                    and (exists (select 1 from transcripts where session_id = ?4 and origin_id = ?3)
                         or exists (select 1 from events where session_id = ?4 and origin_id = ?3))
                 on conflict do nothing",
                params![cwd, original, self.origin_id, session],
            )?;
        }
        Ok(())
    }
}
