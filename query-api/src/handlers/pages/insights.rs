//! `GET /insights` and `/insights/{table}.csv`: the figures of `/api/stats` as pictures and as files.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate};
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use store::Kind;
use store::read::stats::StatsRequest;
use store::read::{Filter, ListRequest, Page, Rated, Reader, Texts};

use super::page;
use crate::access::form::Visitor;
use crate::handlers::stats::StatsParams;
use crate::handlers::typed;
use crate::http::extract::{Name, Query, read_query};
use crate::http::filter::now_ms;
use crate::http::problem::Problem;
use crate::http::zone::Zone;
use crate::page::frame::Frame;
use crate::page::insights::Insights;
use crate::page::insights::file::Table;
use crate::state::db::Database;
use crate::view;

/// The span of a page that says none: [`crate::page::insights::YEAR`].
const YEAR_MS: i64 = 365 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// So many of the best rated prompts are shown.
const BEST: u32 = 5;
/// So many days a picture over time shows at least, if they were asked for.
const MONTH: u64 = 30;

/// What is asked, with the span that is meant where none is said.
fn asked(params: &StatsParams, now_ms: i64) -> StatsRequest {
    let mut request = params.request();
    if request.since_ms.is_none() {
        request.since_ms = Some(request.until_ms.unwrap_or(now_ms).saturating_sub(YEAR_MS));
    }
    request
}

/// The best rated prompts of what is asked, of those rated alike the newest. Rating by rating: each is few, or soon found along
/// the time, while all that is rated may have to be sorted.
fn best(reader: &mut Reader, request: &StatsRequest) -> Result<Page, store::Error> {
    let kinds = if request.kinds.is_empty() { Kind::LISTED.to_vec() } else { request.kinds.clone() };
    let filter = Filter {
        project: request.project.clone(),
        kinds,
        vias: request.vias.clone(),
        since_ms: request.since_ms,
        until_ms: request.until_ms,
        ..Filter::default()
    };
    let mut list = ListRequest { filter, limit: BEST, texts: Texts::Begun, ..ListRequest::default() };
    let mut found: Option<Page> = None;
    for rating in (1..=5).rev() {
        list.filter.rating = Some(Rated::Between(rating..=rating));
        let page = reader.list(&list)?;
        list.limit = list.limit.saturating_sub(page.items.len() as u32);
        match &mut found {
            Some(found) => found.items.extend(page.items),
            None => found = Some(page),
        }
        if list.limit == 0 {
            break;
        }
    }
    Ok(found.unwrap_or_default())
}

/// `GET /insights`.
pub(crate) async fn show(State(database): State<Arc<Database>>, visitor: Visitor) -> Result<Response, Problem> {
    let now = now_ms();
    let given = given(&visitor.here);
    let params =
        read_query::<StatsParams>(&form_urlencoded::Serializer::new(String::new()).extend_pairs(&given).finish())?;
    let request = asked(&params, now);
    let zone = params.zone();
    let (of, offsets) = (request.clone(), zone.clone());
    let (stats, best) = database
        .ask::<_, Problem>(move |reader| Ok((reader.stats(&of, &|ms| offsets.offset(ms))?, best(reader, &of)?)))
        .await?;
    let name = zone.name();
    let (stats, best) = (view::Stats::of(&stats, &name), view::Page::of(&best, 0));
    let [first, begun, last] = days(&request, &stats, &zone, now);
    let insights = Insights { stats: &stats, best: &best, first, begun, last, asked: &given };
    Ok(page(&Frame::new("Insights", "insights", &visitor), &insights.render()))
}

/// `GET /insights/{table}.csv`.
pub(crate) async fn file(
    State(database): State<Arc<Database>>,
    Name(name): Name,
    Query(params): Query<StatsParams>,
) -> Result<Response, Problem> {
    let table = name.strip_suffix(".csv").and_then(|name| Table::ALL.iter().find(|(known, _)| *known == name));
    let (name, table) = table.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path."))?;
    let (request, zone) = (asked(&params, now_ms()), params.zone());
    let zone_name = zone.name();
    let stats = database.ask::<_, Problem>(move |reader| reader.stats(&request, &|ms| zone.offset(ms))).await?;
    let mut response = typed("text/csv; charset=utf-8", table.csv(&view::Stats::of(&stats, &zone_name)));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"prompt-manager-{name}.csv\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// The first day that was asked for, of more than a year only from the first figure on; the first that pictures over time show:
/// that of the first figure, or a month; and the last.
fn days(request: &StatsRequest, stats: &view::Stats<'_>, zone: &Zone, now_ms: i64) -> [NaiveDate; 3] {
    let day = |ms: i64| {
        let here = ms.saturating_add(i64::from(zone.offset(ms)) * 1000);
        DateTime::from_timestamp_millis(here).unwrap_or_default().date_naive()
    };
    let last = day(request.until_ms.map_or(now_ms, |until| until.saturating_sub(1)));
    let since = request.since_ms.map_or(NaiveDate::MIN, day);
    let rated = stats.ratings.days.first().map(|it| &it.day);
    let known =
        [stats.days.first().map(|it| &it.day), rated].into_iter().flatten().filter_map(|text| text.parse().ok()).min();
    let year_before = last.checked_sub_days(Days::new(366)).unwrap_or(last);
    let first = if since >= year_before { since } else { since.max(known.unwrap_or(last)) };
    let month_before = last.checked_sub_days(Days::new(MONTH)).unwrap_or(last);
    let first = first.min(last);
    [first, first.max(known.unwrap_or(last).min(month_before)), last]
}

/// The parameters of an address, without the empty ones: a field of the page's form that was left empty says nothing.
fn given(here: &str) -> Vec<(String, String)> {
    let query = here.split_once('?').map_or("", |(_, query)| query);
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pictures_show() {
        let check = |since: Option<i64>, until: Option<i64>, known: Option<i64>, expected: [&str; 3]| {
            let request = StatsRequest {
                since_ms: since.map(|day| day * DAY_MS),
                until_ms: until.map(|day| day * DAY_MS),
                ..StatsRequest::default()
            };
            let days = known
                .into_iter()
                .map(|day| (store::read::stats::Day(day), store::read::stats::Figures::default()))
                .collect();
            let found = store::read::stats::Stats { days, ..store::read::stats::Stats::default() };
            let zone = Zone::try_from("UTC".to_owned()).unwrap();
            let found = super::days(&request, &view::Stats::of(&found, "UTC"), &zone, 20_000 * DAY_MS);
            assert_eq!(found.map(|day| day.to_string()), expected, "{request:?}");
        };
        check(Some(19_970), None, Some(19_990), ["2024-09-04", "2024-09-04", "2024-10-04"]);
        check(Some(19_635), None, Some(19_990), ["2023-10-05", "2024-09-04", "2024-10-04"]);
        check(Some(19_635), None, Some(19_900), ["2023-10-05", "2024-06-26", "2024-10-04"]);
        check(Some(0), None, Some(19_000), ["2022-01-08", "2022-01-08", "2024-10-04"]);
        check(Some(0), None, None, ["2024-10-04"; 3]);
        check(Some(19_970), Some(19_980), None, ["2024-09-04", "2024-09-04", "2024-09-13"]);
        check(Some(20_010), None, None, ["2024-10-04"; 3]);
        check(Some(i64::MIN / DAY_MS), Some(i64::MAX / DAY_MS), None, ["1970-01-01"; 3]);
    }

    #[test]
    fn parameters_as_they_were_given() {
        let pairs = given("/insights?since=30d&project=a%20b&via=");
        assert_eq!(pairs, [("since".to_owned(), "30d".to_owned()), ("project".to_owned(), "a b".to_owned())]);
        assert_eq!(given("/insights"), []);
    }
}
