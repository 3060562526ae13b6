//! `POST /preferences`: how a browser wants to see pages.

use axum::response::Response;
use hyper::header::{self, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::access::form::{Back, Form};
use crate::http::extract::Query;
use crate::http::preferences::{Preferences, Theme};
use crate::http::problem::Problem;

/// What shall be different; the rest stays.
#[derive(Debug, Deserialize)]
pub(crate) struct PreferencesForm {
    back: Back,
    #[serde(default)]
    theme: Option<String>,
    /// `shown` or `hidden`.
    #[serde(default)]
    scripts: Option<String>,
}

/// `POST /preferences`.
pub(crate) async fn change(
    headers: HeaderMap,
    Query(()): Query<()>,
    Form(form): Form<PreferencesForm>,
) -> Result<Response, Problem> {
    let mut preferences = Preferences::of(&headers);
    if let Some(word) = form.theme {
        let theme = Theme::from_word(&word);
        preferences.theme =
            theme.ok_or_else(|| Problem::parameter("theme", "`theme` must be system, light or dark."))?;
    }
    if let Some(word) = form.scripts {
        preferences.hides_scripts = match word.as_str() {
            "hidden" => true,
            "shown" => false,
            _ => return Err(Problem::parameter("scripts", "`scripts` must be shown or hidden.")),
        };
    }
    let mut response = form.back.answer();
    for cookie in preferences.cookies() {
        let cookie = HeaderValue::try_from(cookie);
        let cookie = cookie.map_err(|error| Problem::internal(format!("make a cookie: {error}")))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
