//! `/api/stats`: figures over a span of time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::read::stats::StatsRequest;
use utoipa::IntoParams;

use super::json;
use crate::http::extract::Query;
use crate::http::extract::values::TextId;
use crate::http::filter::{Kinds, Time, Vias, now_ms};
use crate::http::problem::Problem;
use crate::http::zone::Zone;
use crate::state::db::Database;
use crate::view;

/// What is counted, and in whose days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsParams {
    /// Begun then or later: a time (RFC 3339), a day in `tz`, or how long ago (`30d`). The quarter of an hour that it falls
    /// into is counted whole.
    #[param(value_type = Option<String>, example = "30d")]
    since: Option<Time>,
    /// Begun before then; a day is meant whole.
    #[param(value_type = Option<String>, example = "2026-11-30")]
    until: Option<Time>,
    /// Only from this folder or below it, or from a repository there; a name without a slash is a repository's or a
    /// folder's last name.
    #[param(value_type = Option<String>, min_length = 1)]
    project: Option<TextId>,
    /// `interactive`, `print`, `sdk`, `ide`, `desktop`, `unknown`, between commas.
    #[param(value_type = Option<String>, example = "interactive,ide")]
    via: Option<Vias>,
    /// `human`, `command`, `shell`, `local`, `notification`, `subagent`, between commas, or `all`. Else conversations of the
    /// first three are counted, and tokens and tools of all.
    #[param(value_type = Option<String>, example = "human,command")]
    kind: Option<Kinds>,
    /// The zone of days and hours: a name (`Europe/Berlin`) or an offset (`+02:00`); else the machine's.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "Europe/Berlin")]
    tz: Zone,
}

impl StatsParams {
    /// Whose days and hours.
    pub(crate) fn zone(&self) -> Zone {
        self.tz.clone()
    }

    /// As the store takes it.
    pub(crate) fn request(&self) -> StatsRequest {
        let now = now_ms();
        StatsRequest {
            since_ms: self.since.as_ref().map(|since| self.tz.begin(since.moment, now)),
            until_ms: self.until.as_ref().map(|until| self.tz.end(until.moment, now)),
            project: self.project.as_ref().map(|project| project.0.clone()),
            vias: self.via.as_ref().map_or(Vec::new(), |vias| vias.0.clone()),
            kinds: self.kind.as_ref().map_or(Vec::new(), Kinds::named),
        }
    }
}

/// Figures: by day and hour, model, project, tool, command
///
/// Days without anything are left out. While sessions wait to be derived by newer rules (`sessions_to_derive_again`) the figures
/// are not complete.
#[utoipa::path(get, operation_id = "stats", path = "/api/stats", tag = "stats", params(StatsParams),
    responses((status = 200, body = view::Stats)))]
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    Query(params): Query<StatsParams>,
) -> Result<Response, Problem> {
    let (request, zone) = (params.request(), params.tz);
    let name = zone.name();
    let stats = database.ask::<_, Problem>(move |reader| reader.stats(&request, &|ms| zone.offset(ms))).await?;
    json(&view::Stats::of(&stats, &name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::read_query;

    #[test]
    fn parameters() {
        let check = |query: &str, expected: &str| {
            let found = match read_query::<StatsParams>(query).map(|params| params.request()) {
                Ok(request) => format!("{request:?}"),
                Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
            };
            assert!(found.contains(expected), "{query}: {found}");
        };
        check("", "since_ms: None, until_ms: None, project: None, vias: [], kinds: []");
        check("since=1970-01-02&until=1970-01-02&tz=UTC", "since_ms: Some(86400000), until_ms: Some(172800000)");
        check("since=1970-01-02&tz=Asia/Kathmandu", "since_ms: Some(66600000)"); // then half past five before UTC
        check("since=1970-01-02&tz=%2B02:00", "since_ms: Some(79200000)");
        check("kind=subagent,local&via=sdk&project=/p", "project: Some(\"/p\"), vias: [Sdk], kinds: [Subagent, Local]");
        check("kind=all", "kinds: [Human, Command, Shell, Local, Notification, Subagent]");
        check("tz=Berlin", "tz: `tz` must be the name of a zone (Europe/Berlin) or an offset (+02:00).");
        check("since=soon", "since: `since` must be a time");
        check("day=1", "day: There is no parameter `day`");
    }
}
