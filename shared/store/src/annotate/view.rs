//! Searches that a person keeps, by name. A changed one is a new row, and the old one is set aside.

use rusqlite::params;

use super::{Act, Annotator, Outcome, Refused};
use crate::error::{Context, Error};
use crate::human::{Name, SavedView, put};

impl Annotator {
    /// Keeps a search under a new name.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NameTaken`].
    pub fn add_view(&mut self, name: &Name, query: &str, now_ms: i64) -> Outcome<SavedView> {
        self.act(now_ms, |act| {
            if act.has_view(name.as_str())? {
                return Ok(Err(Refused::NameTaken(name.clone())));
            }
            act.put_view(name, query).map(Ok)
        })
    }

    /// Keeps another search under the name `of`, which may become `name`.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoView`], [`Refused::NameTaken`].
    pub fn change_view(&mut self, of: &str, name: &Name, query: &str, now_ms: i64) -> Outcome<SavedView> {
        self.act(now_ms, |act| {
            if !act.has_view(of)? {
                return Ok(Err(Refused::NoView(of.to_owned())));
            }
            if of != name.as_str() && act.has_view(name.as_str())? {
                return Ok(Err(Refused::NameTaken(name.clone())));
            }
            act.remove_view(of)?;
            act.put_view(name, query).map(Ok)
        })
    }

    /// Throws a search away.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoView`].
    pub fn remove_view(&mut self, name: &str, now_ms: i64) -> Outcome<()> {
        self.act(now_ms, |act| {
            if act.remove_view(name)? == 0 {
                return Ok(Err(Refused::NoView(name.to_owned())));
            }
            Ok(Ok(()))
        })
    }
}

impl Act<'_> {
    fn has_view(&self, name: &str) -> Result<bool, Error> {
        self.conn
            .prepare_cached("select exists (select 1 from saved_views where name = ?1 and removed_ms is null)")
            .op("prepare")?
            .query_row([name], |row| row.get(0))
            .op("look for a saved view")
    }

    fn put_view(&self, name: &Name, query: &str) -> Result<SavedView, Error> {
        let view = SavedView {
            stamp: self.stamp(self.now_ms)?,
            name: name.as_str().to_owned(),
            query: query.to_owned(),
            removed_ms: None,
        };
        put::saved_view(self.conn, &view)?;
        Ok(view)
    }

    fn remove_view(&self, name: &str) -> Result<usize, Error> {
        self.conn
            .prepare_cached("update saved_views set removed_ms = ?2 where name = ?1 and removed_ms is null")
            .op("prepare")?
            .execute(params![name, self.now_ms])
            .op("throw a saved view away")
    }
}
