//! Searches that a person keeps, by name. A changed one is a new row, and the old one is set aside.

use rusqlite::params;

use super::{Act, Annotator, Outcome, Refused};
use crate::error::{Context, Error};
use crate::human::{Name, SavedView, put, views};

impl Annotator {
    /// Keeps a search under a new name.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NameTaken`].
    pub fn add_view(&mut self, name: &Name, query: &str, now_ms: i64) -> Outcome<SavedView> {
        self.act(now_ms, |act| {
            if views::named(&views::all(act.conn)?, name.as_str()).is_some() {
                return Ok(Err(Refused::NameTaken(name.clone())));
            }
            act.put_view(name.as_str(), query).map(Ok)
        })
    }

    /// Keeps another search in place of the one that is shown by the name `of`, or has this id; it may get another name.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoView`], [`Refused::NameTaken`].
    pub fn change_view(&mut self, of: &str, name: Option<&Name>, query: &str, now_ms: i64) -> Outcome<SavedView> {
        self.act(now_ms, |act| {
            let views = views::all(act.conn)?;
            let Some(former) = views::named(&views, of) else {
                return Ok(Err(Refused::NoView(of.to_owned())));
            };
            let name = name.map(|name| act.lifted("name", name.as_str(), &[&former.name], Name::parse)).transpose();
            let query = act.lifted("query", query, &[&former.query], |query| Ok(query.to_owned()));
            let (name, query) = match (name, query) {
                (Ok(name), Ok(query)) => (name, query),
                (Err(refused), _) | (_, Err(refused)) => return Ok(Err(refused)),
            };
            if let Some(name) = &name
                && views::named(&views, name.as_str()).is_some_and(|other| other.stamp.id != former.stamp.id)
            {
                return Ok(Err(Refused::NameTaken(name.clone())));
            }
            act.remove_view(former)?;
            act.put_view(name.as_ref().map_or(&former.name, Name::as_str), &query).map(Ok)
        })
    }

    /// Throws the search away that is shown by this name, or has this id.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoView`].
    pub fn remove_view(&mut self, name: &str, now_ms: i64) -> Outcome<()> {
        self.act(now_ms, |act| match views::named(&views::all(act.conn)?, name) {
            Some(view) => act.remove_view(view).map(Ok),
            None => Ok(Err(Refused::NoView(name.to_owned()))),
        })
    }
}

impl Act<'_> {
    fn put_view(&self, name: &str, query: &str) -> Result<SavedView, Error> {
        let view = SavedView {
            stamp: self.stamp(self.now_ms)?,
            name: name.to_owned(),
            query: query.to_owned(),
            removed_ms: None,
        };
        put::saved_view(self.conn, &view)?;
        Ok(view)
    }

    fn remove_view(&self, view: &SavedView) -> Result<(), Error> {
        self.conn
            .prepare_cached("update saved_views set removed_ms = ?2 where id = ?1 and removed_ms is null")
            .op("prepare")?
            .execute(params![view.stamp.id, self.now_ms])
            .op("throw a saved view away")
            .map(drop)
    }
}
