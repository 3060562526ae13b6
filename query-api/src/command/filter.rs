//! Which conversations: flags that become the parameters of the API's list.
//!
//! What a value may be is for the API to say. Only what means something on this machine alone is made plain here: a folder
//! gets its whole path, `last` its session, `7d` and a day in local time the moment that they mean.

use clap::Args;
use export::time::rfc3339;
use terminal::Project;
use terminal::moment::{Moment, moment};

use super::client::{Client, Pairs};
use super::found::Found;
use super::{Error, last};
use crate::http::filter::now_ms;

/// The filters. They all must hold.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which ones")]
pub(crate) struct Filter {
    /// Only of this session, Claude Code's or one that you made; `last` is that of the newest conversation
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = Project::parse)]
    project: Option<Project>,
    /// Only what began then or later: 7d, 12h, 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only what began before then; a day is meant whole
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Of these kinds: human, command, shell, local, notification, subagent or all; between commas [default: the first three]
    #[arg(long, value_name = "KINDS")]
    kind: Option<String>,
    /// Asked in one of these ways: interactive, print, sdk, ide, desktop, unknown; between commas
    #[arg(long, value_name = "WAYS")]
    via: Option<String>,
    /// That ended so: complete, interrupted, failed, open; between commas
    #[arg(long, value_name = "ENDS")]
    status: Option<String>,
    /// Seen by hooks alone, by transcripts alone or by both: hook, transcript, both; between commas
    #[arg(long, value_name = "SOURCES")]
    source: Option<String>,
    /// Only answered by this model, such as claude-sonnet-4-5
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only where this tool was used, such as Bash
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    /// Only with this tag; repeatable, then with all of them
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only what is worth keeping: rated 4 or 5, starred or tagged
    #[arg(long)]
    kept: bool,
    /// Only what is starred
    #[arg(long)]
    star: bool,
    /// Only with such a rating: 5, '>=4', '<3', any, none
    #[arg(long, value_name = "RATING")]
    rating: Option<String>,
    /// Only what failed, or had a tool call that failed
    #[arg(long)]
    failed: bool,
}

impl Filter {
    /// As parameters.
    pub(super) fn pairs(&self, client: &Client) -> Result<Pairs, Error> {
        let session = self.session.as_deref().map(|typed| last::session(client, typed)).transpose()?;
        let project = self.project.as_ref().map(|typed| project(client, typed)).transpose()?;
        Ok(self.told(session, project))
    }

    /// With the session and the project as the store knows them.
    fn told(&self, session: Option<String>, project: Option<String>) -> Pairs {
        let mut pairs = Pairs::new();
        let mut push = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        push("session_id", session);
        push("project", project);
        push("kind", self.kind.clone());
        push("via", self.via.clone());
        push("status", self.status.clone());
        push("source", self.source.clone());
        push("model", self.model.clone());
        push("tool", self.tool.clone());
        push("star", self.star.then(|| "true".to_owned()));
        push("kept", self.kept.then(|| "true".to_owned()));
        push("rating", self.rating.clone());
        push("has_error", self.failed.then(|| "true".to_owned()));
        pairs.extend(self.tag.iter().map(|tag| ("tag", terminal::tag(tag).to_owned())));
        pairs.extend(span(self.since, self.until));
        pairs
    }
}

/// A project as the store knows it.
pub(super) fn project(client: &Client, typed: &Project) -> Result<String, Error> {
    typed.known(|folder| {
        let there = vec![("project", folder.to_owned()), ("kind", "all".to_owned())];
        let there = Found::ask(client, "/api/conversations", &there, 1)?;
        there.whole()?;
        Ok(!there.is_empty())
    })
}

/// `since` and `until` as parameters.
pub(super) fn span(since: Option<Moment>, until: Option<Moment>) -> Pairs {
    let now = now_ms();
    let since = since.and_then(|since| rfc3339(since.begin(now)));
    let until = until.and_then(|until| rfc3339(until.end(now)));
    since.map(|time| ("since", time)).into_iter().chain(until.map(|time| ("until", time))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_parameters() {
        let filter = Filter {
            tag: vec!["a".into(), "#b".into()],
            star: true,
            source: Some("hook".into()),
            since: moment("2026-11-01T00:00:00Z").ok(),
            ..Filter::default()
        };
        let pairs: Vec<_> =
            filter.told(Some("s".into()), None).iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            pairs,
            ["session_id=s", "source=hook", "star=true", "tag=a", "tag=b", "since=2026-11-01T00:00:00.000Z"]
        );
    }
}
