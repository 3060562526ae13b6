//! Which directories a person means who names a project: the same wherever conversations, sessions or figures are asked for.

use rusqlite::Connection;

use crate::error::{Context, Error};

/// Whether a directory is meant by what was typed, with its project.
pub(crate) fn takes(typed: &str, cwd: &str, project: &str) -> bool {
    Wanted::new(typed).takes(cwd, project)
}

/// A project as it was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a>(&'a str);

impl<'a> Wanted<'a> {
    pub(super) fn new(typed: &'a str) -> Self {
        Self(typed)
    }

    /// Whether a directory is meant, and with it its project (the repository that holds it, else itself): a path means what
    /// lies there and below, a name without a slash the projects that are called so. Paths of Windows have their own slash.
    pub(super) fn takes(self, cwd: &str, project: &str) -> bool {
        const SLASHES: [char; 2] = ['/', '\\'];
        if !self.0.contains(SLASHES) {
            return project.trim_end_matches(SLASHES).rsplit(SLASHES).next() == Some(self.0);
        }
        // Of the root nothing is left, and everything is below it.
        let folder = self.0.trim_end_matches(SLASHES);
        let is_there =
            |path: &str| path.strip_prefix(folder).is_some_and(|it| it.is_empty() || it.starts_with(SLASHES));
        is_there(cwd) || is_there(project)
    }

    /// The directories that sessions ran in and that are meant on some machine.
    pub(super) fn directories(self, conn: &Connection) -> Result<Vec<String>, Error> {
        // Along the index from each to the next: there are few, and many sessions.
        const SQL: &str = "
            with recursive d (cwd) as (
                select min(cwd) from sessions
                 union all
                select (select min(cwd) from sessions where cwd > d.cwd) from d where d.cwd is not null)
            select d.cwd, coalesce(p.git_root, d.cwd) from d left join places p on p.cwd = d.cwd where d.cwd is not null";
        let mut query = conn.prepare_cached(SQL).op("prepare")?;
        let mut rows = query.query([]).op("read directories")?;
        let mut found: Vec<String> = Vec::new();
        while let Some(row) = rows.next().op("read directories")? {
            let (cwd, project): (String, String) = row.try_into().op("read directories")?;
            if self.takes(&cwd, &project) && found.last() != Some(&cwd) {
                found.push(cwd);
            }
        }
        Ok(found)
    }
}

/// The numbers of the folders of conversations that are wanted, by directory and project.
pub(super) fn folders(conn: &Connection, is_wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<i64>, Error> {
    const SQL: &str = "
        select f.id, f.cwd, coalesce(p.git_root, f.cwd)
          from folders f left join places p on p.origin_id = f.origin_id and p.cwd = f.cwd";
    let mut query = conn.prepare_cached(SQL).op("prepare")?;
    let mut rows = query.query([]).op("read folders")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().op("read folders")? {
        let (id, cwd, project): (i64, String, String) = row.try_into().op("read folders")?;
        if is_wanted(&cwd, &project) {
            found.push(id);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names() {
        let check = |typed: &str, cwd: &str, project: &str, expected: bool| {
            assert_eq!(Wanted::new(typed).takes(cwd, project), expected, "{typed}: {cwd} of {project}");
        };
        check("/dev/acme", "/dev/acme", "/dev/acme", true);
        check("/dev/acme/", "/dev/acme/src", "/dev/acme", true);
        check("/dev/acme/src", "/dev/acme/src", "/dev/acme", true);
        check("/dev/acm", "/dev/acme", "/dev/acme", false);
        check("/repo", "/tree/copy", "/repo/own", true);
        check("/", "/dev", "/dev", true);
        check("acme", "/dev/acme/src", "/dev/acme", true);
        check("acme", "/dev/acme", "/dev/acme/", true);
        check("acme", r"e:\dev\acme\src", r"e:\dev\acme", true);
        check(r"e:\dev", r"e:\dev\acme", r"e:\dev\acme", true);
        check(r"e:\de", r"e:\dev\acme", r"e:\dev\acme", false);
        check("src", "/dev/acme/src", "/dev/acme", false);
        check("dev", "/dev/acme", "/dev/acme", false);
    }
}
