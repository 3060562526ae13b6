//! The shape of a session in our JSON.

use serde::Serialize;
use store::read;
use utoipa::ToSchema;

use super::{last_name, raw, time};

#[derive(Serialize, ToSchema)]
pub(crate) struct Session<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) title_from: Option<&'static str>,
    pub(crate) cwd: Option<&'a str>,
    pub(crate) project: Option<&'a str>,
    pub(crate) project_name: Option<&'a str>,
    pub(crate) git_branch: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    #[serde(serialize_with = "raw")]
    #[schema(value_type = Object)]
    pub(crate) counts: &'a str,
    pub(crate) follows: Vec<Link<'a>>,
    pub(crate) followed_by: Vec<Link<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Link<'a> {
    pub(crate) kind: &'a str,
    pub(crate) session_id: &'a str,
}

impl<'a> Session<'a> {
    pub(super) fn of(id: &'a str, session: &'a read::Session) -> Self {
        let links = |links: &'a [read::Link]| {
            links.iter().map(|link| Link { kind: &link.kind, session_id: &link.session_id }).collect()
        };
        Self {
            id,
            title: session.title.as_deref(),
            title_from: session.title_from.map(read::TitleFrom::as_str),
            cwd: session.cwd.as_deref(),
            project: session.project.as_deref(),
            project_name: session.project.as_deref().map(last_name),
            git_branch: session.git_branch.as_deref(),
            version: session.version.as_deref(),
            model: session.model.as_deref(),
            started_at: session.started_ms.and_then(time),
            ended_at: session.ended_ms.and_then(time),
            counts: &session.counts,
            follows: links(&session.follows),
            followed_by: links(&session.followed_by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::last_name;

    #[test]
    fn names_of_projects() {
        let check = |path: &str, expected: &str| assert_eq!(last_name(path), expected);
        check("/home/dev/acme", "acme");
        check("/home/dev/acme/", "acme");
        check(r"e:\Workspace\acme", "acme");
        check("/", "/");
        check("acme", "acme");
    }
}
