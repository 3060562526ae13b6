//! The parameters that say which conversations are meant: the same wherever conversations are listed, exported or changed.

use std::hash::{Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use store::read::{Filter, Place, Places, Query, Rated};
use store::{Kind, SeenBy, Status, Via};
use terminal::moment::{Moment, moment};
use utoipa::IntoParams;

use super::extract::values::TextId;
use super::problem::Problem;

/// Which conversations. What may be given several times leaves what fits one of the values, `tag` what fits all.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct FilterParams {
    /// Only of this session: Claude Code's, or the one a person put the conversation into. May be given several times.
    #[param(value_type = Vec<String>)]
    session_id: Vec<TextId>,
    /// Only of this user session: not what a person has put elsewhere. May be given several times.
    #[param(value_type = Vec<String>)]
    user_session_id: Vec<TextId>,
    /// Only from this folder or below it, or from a repository there; a name without a slash is a repository's or a
    /// folder's last name.
    #[param(value_type = Option<String>, min_length = 1)]
    project: Option<TextId>,
    /// `human`, `command`, `shell`, `local`, `notification`, `subagent`, between commas, or `all`; else the first three.
    #[param(value_type = Option<String>, example = "human,command")]
    kind: Option<Kinds>,
    /// `interactive`, `print`, `sdk`, `ide`, `desktop`, `unknown`, between commas.
    #[param(value_type = Option<String>, example = "interactive,ide")]
    via: Option<Vias>,
    /// `complete`, `interrupted`, `failed`, `open`, between commas.
    #[param(value_type = Option<String>, example = "complete")]
    status: Option<Statuses>,
    /// `hook` (seen by hooks alone), `transcript` (by transcripts alone), `both`, between commas.
    #[param(value_type = Option<String>, example = "hook")]
    source: Option<SourcesParam>,
    /// Answered last by this model. May be given several times.
    #[param(value_type = Vec<String>)]
    model: Vec<TextId>,
    /// That called this tool. May be given several times.
    #[param(value_type = Vec<String>)]
    tool: Vec<TextId>,
    /// With this tag. May be given several times: with all of them.
    #[param(value_type = Vec<String>)]
    tag: Vec<TextId>,
    /// Starred, or not.
    star: Option<bool>,
    /// Worth keeping: rated 4 or 5, starred or tagged; or none of this.
    kept: Option<bool>,
    /// `4`, `>=4`, `<=2`, `>3`, `<3`, `any` or `none`.
    #[param(value_type = Option<String>, example = ">=4")]
    rating: Option<RatingParam>,
    /// That failed, or in which a tool call failed or was refused; or none of this.
    has_error: Option<bool>,
    /// Begun then or later: a time (RFC 3339), a day in local time, or how long ago (`7d`).
    #[param(value_type = Option<String>, example = "7d")]
    since: Option<Time>,
    /// Begun before then; a day is meant whole.
    #[param(value_type = Option<String>, example = "2026-11-30")]
    until: Option<Time>,
    /// What it holds: words, "exact phrases", beginnings*, this OR that, -not.
    #[param(value_type = Option<String>, max_length = 1000, example = "load-config -test")]
    q: Option<Search>,
    /// Where `q` is looked for: `prompt`, `answer`, `input`, `output`, `note`, `tag`, `title`, between commas; else everywhere.
    #[param(value_type = Option<String>, example = "prompt,note")]
    r#in: Option<PlacesParam>,
}

impl FilterParams {
    /// Whether something is searched for.
    pub(crate) fn searches(&self) -> bool {
        self.q.as_ref().is_some_and(|search| !search.0.trim().is_empty())
    }

    /// Whether it is a question: `in` without `q` leaves nothing out, and whoever wrote it meant something.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match (&self.r#in, &self.q) {
            (Some(_), None) => Err(Problem::parameter("in", "`in` says where `q` is looked for, and there is no `q`.")),
            _ => Ok(()),
        }
    }

    /// As the store takes it, with these kinds and ends where nothing is said of them.
    pub(crate) fn filter_or(self, kinds: &[Kind], statuses: &[Status]) -> Filter {
        let (any_kind, any_end) = (self.kind.is_none(), self.status.is_none());
        let mut filter = self.filter();
        if any_kind {
            filter.kinds = kinds.to_vec();
        }
        if any_end {
            filter.statuses = statuses.to_vec();
        }
        filter
    }

    /// As the store takes it.
    pub(crate) fn filter(self) -> Filter {
        let now = now_ms();
        Filter {
            since_ms: self.since.as_ref().map(|since| since.moment.begin(now)),
            until_ms: self.until.as_ref().map(|until| until.moment.end(now)),
            ..self.timeless()
        }
    }

    /// What tells this question from others. How long ago something was counts as it was said: between two pages it is
    /// longer ago.
    pub(crate) fn fingerprint(&self, state: &mut impl Hasher) {
        self.timeless().hash(state);
        (self.since.as_ref().map(|time| &time.said), self.until.as_ref().map(|time| &time.said)).hash(state);
    }

    fn timeless(&self) -> Filter {
        fn texts(ids: &[TextId]) -> Vec<String> {
            each_once(ids.iter().map(|id| id.0.clone()).collect(), |id| id)
        }
        let places = self.r#in.as_ref().map_or(Places::EVERYWHERE, |places| places.0);
        Filter {
            sessions: texts(&self.session_id),
            user_sessions: texts(&self.user_session_id),
            project: self.project.as_ref().map(|project| project.0.clone()),
            kinds: each_once(self.kind.as_ref().map_or(Kind::LISTED, |kinds| &kinds.0).to_vec(), |kind| kind.as_str()),
            vias: self.via.as_ref().map_or(Vec::new(), |vias| each_once(vias.0.clone(), |via| via.as_str())),
            statuses: self.status.as_ref().map_or(Vec::new(), |ends| each_once(ends.0.clone(), |end| end.as_str())),
            sources: self.source.as_ref().map_or(Vec::new(), |seen| each_once(seen.0.clone(), |seen| seen.as_str())),
            models: texts(&self.model),
            tools: texts(&self.tool),
            tags: texts(&self.tag),
            starred: self.star,
            kept: self.kept,
            rating: self.rating.as_ref().map(|rating| rating.0.clone()),
            has_error: self.has_error,
            // It was read without a fault when it came in.
            query: self.q.as_ref().and_then(|search| Query::parse(&search.0, places).ok().flatten()),
            ..Filter::default()
        }
    }
}

/// Now, in milliseconds since 1970, UTC.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

impl Kinds {
    /// Each by its name, those of `all` too.
    pub(crate) fn named(&self) -> Vec<Kind> {
        if self.0.is_empty() { Kind::ALL.to_vec() } else { self.0.clone() }
    }
}

/// Each once and in one order: in which order they were said makes no other question.
fn each_once<T>(mut values: Vec<T>, word: for<'v> fn(&'v T) -> &'v str) -> Vec<T> {
    values.sort_by(|one, other| word(one).cmp(word(other)));
    values.dedup_by(|one, other| word(one) == word(other));
    values
}

/// The words of a list between commas; the error goes on from the parameter's name.
fn between_commas<T>(text: &str, known: &[T], word: fn(&T) -> &'static str, more: &str) -> Result<Vec<T>, String>
where
    T: Copy,
{
    let one = |part: &str| known.iter().copied().find(|one| word(one) == part);
    text.split(',').map(one).collect::<Option<_>>().ok_or_else(|| {
        let known: Vec<_> = known.iter().map(word).collect();
        format!("must be one or more of {}, between commas{more}", known.join(", "))
    })
}

/// Makes a parameter of a text by a function, whose error goes on from the parameter's name.
macro_rules! read_from_text {
    ($(#[$doc:meta])* $name:ident($inner:ty), |$text:ident| $read:expr) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(pub(crate) $inner);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from($text: String) -> Result<Self, String> {
                $read.map(Self)
            }
        }
    };
}

read_from_text! {
    /// Empty: all.
    Kinds(Vec<Kind>), |text| match text.as_str() {
        "all" => Ok(Vec::new()),
        text => between_commas(text, Kind::ALL, |kind| kind.as_str(), ", or all"),
    }
}
read_from_text! {
    /// Ways in.
    Vias(Vec<Via>), |text| between_commas(&text, Via::ALL, |via| via.as_str(), "")
}
read_from_text! {
    /// Ends.
    Statuses(Vec<Status>), |text| between_commas(&text, Status::ALL, |status| status.as_str(), "")
}
read_from_text! {
    /// Sources.
    SourcesParam(Vec<SeenBy>), |text| between_commas(&text, SeenBy::ALL, |source| source.as_str(), "")
}
read_from_text! {
    /// Where to look.
    PlacesParam(Places), |text| between_commas(&text, Place::ALL, |place| place.as_str(), "").map(Places::of)
}
read_from_text! {
    /// Which ratings.
    RatingParam(Rated), |text| Rated::parse(&text).ok_or_else(|| "must be a number from 1 to 5, >=4, <=2, >3, <3, any or none".to_owned())
}
read_from_text! {
    /// What was typed, within the limits of a query.
    Search(String), |text| match Query::parse(&text, Places::EVERYWHERE) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("must {error}")),
    }
}

/// A time, and as what it was given.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Time {
    said: String,
    pub(crate) moment: Moment,
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(said: String) -> Result<Self, String> {
        match moment(&said) {
            Ok(moment) => Ok(Self { said, moment }),
            Err(_) => {
                Err("must be a time (2026-11-01T09:00:00Z), a day (2026-11-01) or how long ago (7d, 12h)".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::read_query;

    fn check(query: &str, expected: &str) {
        let found = match read_query::<FilterParams>(query).map(FilterParams::filter) {
            Ok(filter) => format!("{filter:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
        };
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn filters() {
        check("", "kinds: [Command, Human, Shell], vias: [], statuses: []");
        check("session_id=a%20b&session_id=c", r#"sessions: ["a b", "c"]"#);
        check("session_id=", "session_id: `session_id` must not be empty");
        check("user_session_id=u", r#"user_sessions: ["u"]"#);
        check("project=/home/dev", r#"project: Some("/home/dev")"#);
        check("kind=all", "kinds: []");
        check("kind=subagent,local", "kinds: [Local, Subagent]");
        check("kind=subagent,local,subagent", "kinds: [Local, Subagent]");
        check(
            "kind=Human",
            "kind: `kind` must be one or more of human, command, shell, local, notification, subagent, between commas, or all",
        );
        check("kind=", "kind: ");
        check("via=print,sdk", "vias: [Print, Sdk]");
        check("via=fax", "via: `via` must be one or more of interactive");
        check("status=failed", "statuses: [Failed]");
        check("source=transcript,hook", "sources: [Hook, Transcript]");
        check("source=none", "source: `source` must be one or more of hook, transcript, both, between commas");
        check("tag=y&tag=x&tag=y&model=b&model=a", r#"models: ["a", "b"], tools: [], tags: ["x", "y"]"#);
        check("model=a&tool=Bash&tag=x&tag=y", r#"models: ["a"], tools: ["Bash"], tags: ["x", "y"]"#);
        check("star=true&has_error=false", "starred: Some(true)");
        check("kept=true", "kept: Some(true)");
        check("star=1", "star: `star` must be true or false");
        check("rating=%3E%3D4", "rating: Some(Between(4..=5))");
        check("rating=none", "rating: Some(None)");
        check("rating=6", "rating: `rating` must be a number from 1 to 5");
        check("since=1970-01-01T00:00:01Z&until=1970-01-01T00:00:02Z", "since_ms: Some(1000), until_ms: Some(2000)");
        check("since=yesterday", "since: `since` must be a time");
        check("q=", "query: None");
        check("q=a+b&in=note,tag", r#"places: {"note", "tag"}"#);
        check("in=notes", "in: `in` must be one or more of prompt, answer, input, output, note, tag, title");
        check("q=%ff%00", "query: Some(Query { clauses: []");
        check(&format!("q={}", "x".repeat(1001)), "q: `q` must not be longer than 1000 characters");
        check(&format!("q={}", "x+".repeat(33)), "q: `q` must not have more than 32 words");
        check("Star=true", "Star: There is no parameter `Star`; known are session_id, user_session_id, project");
    }
}
