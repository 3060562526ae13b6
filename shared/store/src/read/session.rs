//! A session's own facts: its title, where it ran, and the sessions it hangs together with.

use rusqlite::{Connection, OptionalExtension};

use crate::error::{Context, Error};

/// A first prompt that stands for a title is cut to so many characters.
const TITLE: usize = 120;

/// What is known of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its title, given or generated, else the beginning of its first prompt.
    pub title: Option<String>,
    /// Where the title is from.
    pub title_from: Option<TitleFrom>,
    /// Where it ran.
    pub cwd: Option<String>,
    /// The repository that holds `cwd`, else `cwd`.
    pub project: Option<String>,
    /// On which branch.
    pub git_branch: Option<String>,
    /// The version of Claude Code.
    pub version: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// When it began, in milliseconds since 1970, UTC.
    pub started_ms: Option<i64>,
    /// When it was last heard of.
    pub ended_ms: Option<i64>,
    /// What was found in its files, a JSON object: `lines`, `unreadable`, and `unknown` by type.
    pub counts: String,
    /// The earlier sessions that it follows.
    pub follows: Vec<Link>,
    /// The later sessions that follow it.
    pub followed_by: Vec<Link>,
}

/// Another session, and how the later one follows the earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `fork-of`, `resumed-from`, `continued-from` or `cleared-from`, said of the later session.
    pub kind: String,
    /// The other session.
    pub session_id: String,
}

/// Where a session's title is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TitleFrom {
    /// A person gave it here.
    Given,
    /// A person gave it in Claude Code.
    Custom,
    /// Claude Code made it.
    Generated,
    /// It is the beginning of the first prompt.
    Prompt,
}

impl TitleFrom {
    /// Its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Custom => "custom",
            Self::Generated => "generated",
            Self::Prompt => "prompt",
        }
    }
}

/// The project of the working directory `$cwd` of the session `$session`: the repository that the machine it comes from
/// found there, else the directory.
macro_rules! project {
    ($session:literal, $cwd:literal) => {
        concat!(
            "coalesce((select p.git_root from places p where p.cwd = ",
            $cwd,
            " and p.origin_id = coalesce((select origin_id from transcripts where session_id = ",
            $session,
            " limit 1), (select origin_id from events where session_id = ",
            $session,
            " limit 1))), ",
            $cwd,
            ")"
        )
    };
}
pub(super) use project;

const SESSION: &str = concat!(
    "select s.title, s.title_from, s.cwd, s.git_branch, s.version, s.model, s.started_ms, s.ended_ms, s.counts, ",
    project!("s.session_id", "s.cwd"),
    ", (select t.prompt_text from turns t
         where t.session_id = s.session_id and t.kind in ('human', 'command', 'shell') and t.prompt_text is not null
         order by t.ordinal limit 1)
       from sessions s where s.session_id = ?1"
);

const FOLLOWS: &str =
    "select kind, other_session_id from session_links where session_id = ?1 order by kind, other_session_id";

const FOLLOWED_BY: &str =
    "select kind, session_id from session_links where other_session_id = ?1 order by kind, session_id";

/// The session, if there is a row for it.
pub(super) fn get(conn: &Connection, session_id: &str) -> Result<Option<Session>, Error> {
    let found = conn
        .prepare_cached(SESSION)
        .op("prepare")?
        .query_row([session_id], |row| {
            let (title, from, prompt): (Option<String>, Option<String>, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(10)?);
            let from = title_from(from.as_deref());
            let title = title.map(|title| (title, from));
            let title = title.or_else(|| Some((beginning(&prompt?), TitleFrom::Prompt)));
            Ok(Session {
                title_from: title.as_ref().map(|(_, from)| *from),
                title: title.map(|(title, _)| title),
                cwd: row.get(2)?,
                git_branch: row.get(3)?,
                version: row.get(4)?,
                model: row.get(5)?,
                started_ms: row.get(6)?,
                ended_ms: row.get(7)?,
                counts: row.get(8)?,
                project: row.get(9)?,
                follows: Vec::new(),
                followed_by: Vec::new(),
            })
        })
        .optional()
        .op("read a session")?;
    let Some(session) = found else { return Ok(None) };
    Ok(Some(Session {
        follows: links(conn, FOLLOWS, session_id)?,
        followed_by: links(conn, FOLLOWED_BY, session_id)?,
        ..session
    }))
}

/// The title that a person gave a session of their own cuts.
pub(crate) fn given_title(conn: &Connection, user_session_id: &str) -> Result<Option<String>, Error> {
    conn.prepare_cached("select text from human_texts where user_session_id = ?1")
        .op("prepare")?
        .query_row([user_session_id], |row| row.get(0))
        .optional()
        .op("read a given title")
}

/// The title that Claude Code knows it by.
pub(super) fn own_title(conn: &Connection, session_id: &str) -> Result<Option<(String, TitleFrom)>, Error> {
    conn.prepare_cached("select title, title_from from sessions where session_id = ?1 and title is not null")
        .op("prepare")?
        .query_row([session_id], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))
        .optional()
        .map(|found| found.map(|(title, from)| (title, title_from(from.as_deref()))))
        .op("read a session's title")
}

fn title_from(word: Option<&str>) -> TitleFrom {
    if word == Some("custom") { TitleFrom::Custom } else { TitleFrom::Generated }
}

fn links(conn: &Connection, sql: &str, session_id: &str) -> Result<Vec<Link>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let rows = query
        .query_map([session_id], |row| Ok(Link { kind: row.get(0)?, session_id: row.get(1)? }))
        .op("read a session's links")?;
    rows.collect::<Result<_, _>>().op("read a session's links")
}

/// The first line of a prompt, cut where it is long.
pub(super) fn beginning(prompt: &str) -> String {
    let line = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{Store, turn};

    #[test]
    fn a_session_without_a_title_shows_its_first_prompt() {
        let store = Store::new();
        store.turn(&turn("s", 1000, "\n  fix it\nplease"));
        store.turn(&turn("s", 2000, "again"));
        let check = |sql: &str, expected: (&str, TitleFrom)| {
            store.conn.execute_batch(sql).unwrap();
            let session = get(&store.conn, "s").unwrap().unwrap();
            assert_eq!((session.title.as_deref(), session.title_from), (Some(expected.0), Some(expected.1)));
        };
        check("insert into sessions (session_id) values ('s')", ("fix it", TitleFrom::Prompt));
        check("update sessions set title = 'made', title_from = 'generated'", ("made", TitleFrom::Generated));
        check("update sessions set title = 'mine', title_from = 'custom'", ("mine", TitleFrom::Custom));
        assert_eq!(get(&store.conn, "other").unwrap(), None);
    }

    #[test]
    fn a_long_first_prompt_is_cut() {
        let title = beginning(&"é".repeat(500));
        assert_eq!(title.chars().count(), TITLE + 1);
        assert!(title.ends_with('…'));
    }

    #[test]
    fn links_are_told_from_both_sides() {
        let store = Store::new();
        store
            .conn
            .execute_batch(
                "insert into sessions (session_id) values ('a'), ('b');
                 insert into session_links values ('b', 'fork-of', 'a');",
            )
            .unwrap();
        let link = |session: &str| vec![Link { kind: "fork-of".into(), session_id: session.into() }];
        let [a, b] = ["a", "b"].map(|session| get(&store.conn, session).unwrap().unwrap());
        assert_eq!((a.follows, a.followed_by), (vec![], link("b")));
        assert_eq!((b.follows, b.followed_by), (link("a"), vec![]));
    }

    /// A place of another machine says nothing about this one's directory of that name.
    #[test]
    fn the_project_is_the_repository_on_the_sessions_own_machine() {
        let store = Store::new();
        store.transcript(b"of session s");
        store
            .conn
            .execute_batch(
                "insert into origins (id, origin) values (2, 'elsewhere');
                 insert into sessions (session_id, cwd) values ('s', '/home/dev/acme/src'), ('t', '/home/dev/acme/src');
                 insert into places values (2, '/home/dev/acme/src', '/wrong', 0);",
            )
            .unwrap();
        let project = |session: &str| get(&store.conn, session).unwrap().unwrap().project;
        assert_eq!(project("s").as_deref(), Some("/home/dev/acme/src"));
        store.conn.execute_batch("insert into places values (1, '/home/dev/acme/src', '/home/dev/acme', 0)").unwrap();
        assert_eq!(project("s").as_deref(), Some("/home/dev/acme"));
        assert_eq!(project("t").as_deref(), Some("/home/dev/acme/src"), "nobody knows where it ran");
    }
}
