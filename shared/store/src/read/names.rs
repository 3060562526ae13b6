//! The names that a list can be filtered by: of models, tools, projects and tags that are in use. Each is read from its own
//! small table, however many conversations there are.

use rusqlite::Connection;

use super::tags;
use crate::error::{Context, Error};

/// Names of each kind, at most so many as were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// In order of the alphabet.
    pub models: Vec<String>,
    /// In order of the alphabet.
    pub tools: Vec<String>,
    /// Repositories, and directories that lie in none; whole paths in order of the alphabet.
    pub projects: Vec<String>,
    /// As they are shown, the most used first.
    pub tags: Vec<String>,
}

const MODELS: &str = "select name from models order by name limit ?1";
const TOOLS: &str = "select name from tools order by name limit ?1";
const PROJECTS: &str = "
    select distinct coalesce(p.git_root, f.cwd) as project
      from folders f left join places p on p.origin_id = f.origin_id and p.cwd = f.cwd
     order by project limit ?1";

pub(super) fn all(conn: &Connection, most: u32) -> Result<Names, Error> {
    let names = |sql: &str| {
        let mut query = conn.prepare_cached(sql).op("prepare")?;
        let rows = query.query_map([most], |row| row.get(0)).op("read names")?;
        rows.collect::<Result<_, _>>().op("read names")
    };
    Ok(Names {
        models: names(MODELS)?,
        tools: names(TOOLS)?,
        projects: names(PROJECTS)?,
        tags: tags::all(conn, most)?.into_iter().map(|(_, tag)| tag.tag).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::read::seed::{Store, turn};

    #[test]
    fn names_in_use() {
        let store = Store::new();
        let id = store.turn(&turn("s", 1, "p"));
        store
            .conn
            .execute_batch(
                "insert into models (name) values ('sonnet'), ('opus');
                 insert into tools (name) values ('Read'), ('Bash'), ('Edit');
                 insert into folders (origin_id, cwd) values (1, '/dev/acme/src'), (1, '/dev/acme'), (1, '/tmp');
                 insert into places (origin_id, cwd, git_root, met_ms) values (1, '/dev/acme/src', '/dev/acme', 1);",
            )
            .unwrap();
        store.say(&format!(
            "insert into tag_history (id, origin_id, conversation_id, tag, present, created_ms) values ('a', 1, {}, 'Rust', 1, 1)",
            id.0
        ));
        let check = |most, models: &[&str], tools: &[&str], projects: &[&str], tags: &[&str]| {
            let found = store.reader().names(most).unwrap();
            assert_eq!((found.models, found.tools), (owned(models), owned(tools)), "{most}");
            assert_eq!((found.projects, found.tags), (owned(projects), owned(tags)), "{most}");
        };
        check(10, &["opus", "sonnet"], &["Bash", "Edit", "Read"], &["/dev/acme", "/tmp"], &["Rust"]);
        check(1, &["opus"], &["Bash"], &["/dev/acme"], &["Rust"]);
        check(0, &[], &[], &[], &[]);
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }
}
