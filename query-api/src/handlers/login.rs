//! The pages around a login: the one that a link leads to, and the short one that says how to come in.

use std::time::SystemTime;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use settings::Chosen;

use super::{HTML, typed};
use crate::access::login::{Logins, Site, Way};
use crate::http::extract::Query;
use crate::http::preferences::Preferences;
use crate::http::problem::Problem;
use crate::page::frame;

/// What a link says.
#[derive(Deserialize)]
pub(crate) struct Once {
    /// Its secret.
    once: String,
}

/// `GET /open?once=…`: the link of `query-api open` becomes a cookie, and the address in the browser's history is another.
pub(crate) async fn open(
    State(logins): State<Logins>,
    method: Method,
    headers: HeaderMap,
    Query(Once { once }): Query<Once>,
) -> Result<Response, Problem> {
    let site = Site::of(headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default());
    let preferences = Preferences::of(&headers);
    let way = logins.way();
    let gone = || {
        let how = html! { p { "Links work once, within a minute, at the address they were made for." } (come_in(way)) };
        let mut response = typed(HTML, frame::short("This link was used or is too old", preferences, &how));
        *response.status_mut() = StatusCode::GONE;
        response
    };
    if method != Method::GET {
        // A look at the link does not use it. A few bytes from the page cache: not worth a thread.
        let good = logins.is_link(&once, site, SystemTime::now());
        return Ok(if good { StatusCode::OK.into_response() } else { gone() });
    }
    let redeemed = tokio::task::spawn_blocking(move || logins.redeem(&once, site, SystemTime::now())).await;
    let login = match redeemed {
        Ok(Ok(login)) => login,
        Ok(Err(error)) => return Err(Problem::internal(format!("log a browser in: {error}"))),
        Err(_) => return Err(Problem::internal("log a browser in: it panicked")),
    };
    let Some(login) = login else { return Ok(gone()) };
    let cookie = HeaderValue::try_from(Logins::cookie(&login));
    let cookie = cookie.map_err(|error| Problem::internal(format!("make a cookie: {error}")))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    Ok(response)
}

/// End every login
///
/// The cookies of all browsers are worth nothing from then on, and links that were not used yet are not either.
#[utoipa::path(delete, operation_id = "end_logins", path = "/api/login", tag = "server",
    responses((status = 204, description = "There are none any more.")))]
pub(crate) async fn end(State(logins): State<Logins>, Query(()): Query<()>) -> Result<StatusCode, Problem> {
    let revoked = tokio::task::spawn_blocking(move || logins.revoke()).await;
    match revoked {
        Ok(Ok(_)) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(error)) => Err(Problem::internal(format!("end the logins: {error}"))),
        Err(_) => Err(Problem::internal("end the logins: it panicked")),
    }
}

/// What a browser sees that nobody let in.
pub(crate) fn strange(preferences: Preferences, way: Way) -> String {
    frame::short("You are not logged in", preferences, &come_in(way))
}

fn come_in(way: Way) -> Markup {
    html! {
        p { "In a terminal of this machine, run" }
        pre { (way.command()) }
        p { "or " code { "query-api open" } " with the same words, which is the same. It lets this browser in for 30 days." }
        @if way.home == Chosen::Named {
            p { "The server has a data directory of its own: if " code { "--home" } " named it, name it here too." }
        }
    }
}
