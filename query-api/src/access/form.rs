//! What a page sends back without the script: a form, which is taken only with the token that our own pages carry.
//!
//! The cookie goes with whatever a browser sends here, and Origin and Sec-Fetch-Site already tell our pages from others
//! (`access`). The token says it once more, by something that no other site can read or guess: it is made from the secret of
//! the login, so it is good for as long as that is, and says nothing about it.

use std::sync::OnceLock;
use std::time::SystemTime;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::login::{Logins, Site};
use super::token;
use crate::http::extract::{LIMIT, form_body, read_query};
use crate::http::preferences::Preferences;
use crate::http::problem::Problem;

/// Who looks at a page, as far as pages need to know.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// What its forms carry.
    pub(crate) token: FormToken,
    /// How it wants to see pages.
    pub(crate) preferences: Preferences,
    /// The path and the query that it asked for: where its forms lead back to.
    pub(crate) here: String,
}

/// The token of a login's forms, in hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormToken(String);

impl FormToken {
    /// Of the login that the request comes with; else, where none is asked for, of this process.
    fn of(headers: &HeaderMap, logins: &Logins) -> Self {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let secret = logins.login(headers, Site::of(host), SystemTime::now());
        let key =
            blake3::derive_key("prompt-manager 2026-11 form token", secret.unwrap_or(process_secret()).as_bytes());
        Self(blake3::Hash::from_bytes(key).to_hex().to_string())
    }

    /// Its digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `given` is it; how long that takes says nothing about where they differ.
    fn is(&self, given: &str) -> bool {
        match (blake3::Hash::from_hex(&self.0), blake3::Hash::from_hex(given)) {
            (Ok(ours), Ok(given)) => ours == given, // in constant time
            _ => false,
        }
    }
}

/// What stands for a login where there is none, as long as the process lives.
fn process_secret() -> &'static str {
    static SECRET: OnceLock<String> = OnceLock::new();
    // Without random bits there is no secret, and then no form is taken.
    SECRET.get_or_init(|| token::random_hex().unwrap_or_default())
}

#[cfg(test)]
impl Visitor {
    /// One who looks at `here` in a test.
    pub(crate) fn of_tests(here: &str) -> Self {
        Self { token: FormToken("0".repeat(64)), preferences: Preferences::default(), here: here.to_owned() }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor
where
    Logins: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts, &Logins::from_ref(state)))
    }
}

impl Visitor {
    /// Who sends this request.
    pub(crate) fn of(parts: &Parts, logins: &Logins) -> Self {
        let token = FormToken::of(&parts.headers, logins);
        // Where a form was sent there is no page to lead back to.
        let here =
            parts.uri.path_and_query().filter(|_| parts.method.is_safe()).map_or("/", |here| here.as_str()).to_owned();
        Self { token, preferences: Preferences::of(&parts.headers), here }
    }
}

/// Where a form leads back to: a path of ours.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Back(String);

impl TryFrom<String> for Back {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, &'static str> {
        // `//host` and `/\host` lead elsewhere, and blanks or line ends are no part of an address.
        let elsewhere = path.get(1..).is_some_and(|rest| rest.starts_with(['/', '\\']));
        let whole = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        if whole && !elsewhere { Ok(Self(path)) } else { Err("must be a path of this server") }
    }
}

impl Back {
    /// To a path that we made.
    pub(crate) fn to(path: String) -> Result<Self, Problem> {
        Self::try_from(path).map_err(|wrong| Problem::internal(format!("lead back: it {wrong}")))
    }

    /// Whether it leads to this path, whatever the query.
    pub(crate) fn leads_to(&self, path: &str) -> bool {
        self.0.split(['?', '#']).next() == Some(path)
    }

    /// 303: look there.
    pub(crate) fn answer(&self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        if let Ok(place) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        response
    }
}

/// A form of ours, whose fields are `T`; at most `BYTES` long.
pub(crate) struct Form<T, const BYTES: usize = LIMIT>(pub(crate) T);

/// What every form carries besides its own fields, looked at before they are.
#[derive(Deserialize)]
struct Guard {
    #[serde(rename = "token")]
    _token: String,
}

impl<T: DeserializeOwned, S: Sync, const BYTES: usize> FromRequest<S> for Form<T, BYTES>
where
    Logins: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let ours = FormToken::of(request.headers(), &Logins::from_ref(state));
        let text = form_body(request, BYTES).await?;
        let sent = form_urlencoded::parse(text.as_bytes()).find(|(name, _)| name == "token");
        if process_secret().is_empty() || !sent.is_some_and(|(_, given)| ours.is(&given)) {
            let detail = "This form is of another login or an older page: go back, reload the page, and send it again.";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let (Guard { .. }, fields) = read_query::<(Guard, T)>(&text)?;
        Ok(Self(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_forms_lead_back_to() {
        let check = |path: &str, good: bool| assert_eq!(Back::try_from(path.to_owned()).is_ok(), good, "{path:?}");
        for path in ["/", "/?q=a%20b&tag=x", "/conversations/12#c3", "/sessions/a-b"] {
            check(path, true);
        }
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "conversations",
            "/a b",
            "/a\nb",
            "/\u{e9}",
        ] {
            check(path, false);
        }
    }

    #[test]
    fn a_token_is_of_one_login() {
        let home = tempfile::tempdir().unwrap();
        let logins = Logins::of(&queue::DataDir::new(home.path()));
        let token = |cookie: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("prompt-manager.localhost:1"));
            if let Some(cookie) = cookie {
                headers.insert(header::COOKIE, HeaderValue::from_str(&format!("prompt_manager={cookie}")).unwrap());
            }
            FormToken::of(&headers, &logins)
        };
        let now = SystemTime::now();
        let login = || logins.redeem(&logins.link(Site::Named, now).unwrap(), Site::Named, now).unwrap().unwrap();
        let (one, other) = (login(), login());
        assert_eq!(token(Some(&one)), token(Some(&one)));
        assert_ne!(token(Some(&one)), token(Some(&other)));
        assert_ne!(token(Some(&one)), token(None));
        assert_eq!(token(Some("made-up")), token(None), "it is no login");
        assert!(!token(Some(&one)).as_str().contains(&one) && token(None).as_str().len() == 64);
        assert!(token(None).is(token(None).as_str()));
        for wrong in ["", "0", &one, token(Some(&one)).as_str()] {
            assert!(!token(None).is(wrong), "{wrong}");
        }
    }
}
