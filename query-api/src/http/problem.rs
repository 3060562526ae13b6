//! What went wrong, told twice: to the caller as problem+json (RFC 9457), to the log with what only we should know.

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serde::Serialize;
use store::annotate::Refused;
use utoipa::ToSchema;

const CHALLENGE: &str = "Bearer realm=\"prompt-manager\"";

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// For the caller: what is wrong and what to do.
    pub(crate) detail: String,
    /// The query parameter that is meant.
    pub(crate) parameter: Option<String>,
    /// The field of the body that is meant, as a path into it.
    pub(crate) field: Option<String>,
    /// For the log alone.
    pub(crate) internal: Option<String>,
    kind: Kind,
    advice: Advice,
}

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// `about:blank`: the status says what kind it is; or `urn:prompt-manager:problem:` and `change-under-way` (somebody else
    /// writes), `server-older` (than the database: it is to be restarted) or `database-older` (the ingester upgrades it).
    r#type: &'static str,
    /// The name of the status.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What is wrong and what to do, for a person.
    detail: &'a str,
    /// The path that was asked.
    instance: &'a str,
    /// The query parameter that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    /// The field of the body that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// The type of an error.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// What its status says.
    Blank,
    /// Somebody else writes just now.
    ChangeUnderWay,
    /// Nothing was ever taken in.
    NoDatabase,
    /// The database was upgraded by a newer program.
    ServerOlder,
    /// The database waits for an ingester of our version.
    DatabaseOlder,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Blank | Self::NoDatabase => "about:blank",
            Self::ChangeUnderWay => "urn:prompt-manager:problem:change-under-way",
            Self::ServerOlder => "urn:prompt-manager:problem:server-older",
            Self::DatabaseOlder => "urn:prompt-manager:problem:database-older",
        }
    }
}

/// What a header of the answer tells a program.
#[derive(Clone, Debug)]
enum Advice {
    None,
    /// Try again after so many seconds.
    RetryAfter(u16),
    /// Come with a token.
    Token,
    /// The version of the state that there is. (In a box: every answer's type has room for a problem.)
    Version(Box<HeaderValue>),
}

impl Problem {
    /// An error that says `detail` to the caller.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (detail, kind, advice) = (detail.into(), Kind::Blank, Advice::None);
        Self { status, detail, parameter: None, field: None, internal: None, kind, advice }
    }

    /// A query parameter that is wrong, and what would be right.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// A body that is well-formed and cannot be: which field, and what would be right. 422.
    pub(crate) fn field(name: &str, detail: impl Into<String>) -> Self {
        let field = Some(name.to_owned()).filter(|name| !name.is_empty());
        Self { field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// 401, naming the way to do better.
    pub(crate) fn no_token() -> Self {
        let detail = "Send the token of run/api.token in the data directory: `Authorization: Bearer TOKEN`.";
        Self { advice: Advice::Token, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// 503: the caller may try again after so many seconds.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after: u16) -> Self {
        Self { advice: Advice::RetryAfter(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// 503: somebody else's change is being written, and ours was not.
    pub(crate) fn change_under_way() -> Self {
        let detail = "Another change is being written, and yours was not: send it again.";
        Self { kind: Kind::ChangeUnderWay, ..Self::unavailable(detail, 1) }
    }

    /// 500: our mistake, which only the log explains.
    pub(crate) fn internal(internal: impl Into<String>) -> Self {
        let detail = "Something went wrong here; the server's log says more.";
        Self { internal: Some(internal.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }

    /// The same, and for the log alone what was behind it.
    pub(crate) fn because(self, internal: String) -> Self {
        Self { internal: Some(internal), ..self }
    }

    /// Whether it is that nothing was ever taken in.
    pub(crate) fn is_no_database(&self) -> bool {
        matches!(self.kind, Kind::NoDatabase)
    }

    /// The name of its status.
    pub(crate) fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// The answer for the request to `path`.
    pub(crate) fn render(&self, path: &str) -> Response {
        let body = Body {
            r#type: self.kind.as_str(),
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            parameter: self.parameter.as_deref(),
            field: self.field.as_deref(),
        };
        let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match &self.advice {
            Advice::None => None,
            Advice::RetryAfter(seconds) => headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds)),
            Advice::Version(version) => headers.insert(header::ETAG, HeaderValue::clone(version)),
            Advice::Token => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)),
        };
        response
    }
}

impl IntoResponse for Problem {
    /// Only the mark of one: `app` knows the path and renders it.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        use Refused as R;
        let status = match refused {
            R::NoConversation(_) | R::NoSession(_) | R::NoTag(_) | R::NoView(_) => StatusCode::NOT_FOUND,
            R::Stale { .. } => StatusCode::PRECONDITION_FAILED,
            R::NameTaken(_) | R::Conflict(_) => StatusCode::CONFLICT,
            R::TooManyTags(_) | R::Unfit(..) | R::Masked { .. } | R::Senseless(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self::new(status, refused.to_string());
        match refused {
            R::Stale { version } => match HeaderValue::from_str(&format!("\"{version}\"")) {
                Ok(version) => Self { advice: Advice::Version(Box::new(version)), ..problem },
                Err(_) => problem,
            },
            R::Masked { field, .. } => Self { field: Some(field.to_owned()), ..problem },
            _ => problem,
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let internal = Some(error.to_string());
        let problem = match error {
            E::Missing { path } => {
                let path = path.display();
                let detail = format!("There is no database yet at {path}: run `prompt-manager once`, which makes it.");
                Self { kind: Kind::NoDatabase, ..Self::unavailable(detail, 5) }
            }
            E::Lost { .. } => Self::unavailable(
                "The database is gone: run `prompt-manager recover`, which makes it anew, or `prompt-manager restore`.",
                60,
            ),
            E::NotMigrated { found, known, .. } => {
                let what_to_do = match status::hindrance(&error) {
                    None => {
                        "start or restart ingest, which upgrades it; `prompt-manager once` does so at once.".to_owned()
                    }
                    Some(why) => format!(
                        "the last pass of ingest could not upgrade it, as it failed to {why}. Once the cause is gone, the next one does."
                    ),
                };
                let detail = format!(
                    "The database is older (schema {found}) than this query-api (schema {known}): {what_to_do}"
                );
                Self { kind: Kind::DatabaseOlder, ..Self::unavailable(detail, 5) }
            }
            E::TooNew { found, known, .. } | E::Outdated { found, known } => {
                let detail = format!(
                    "This query-api is older (schema {known}) than the database (schema {found}): restart query-api, and \
                     if that does not help install the newer version."
                );
                Self { kind: Kind::ServerOlder, ..Self::unavailable(detail, 5) }
            }
            E::Foreign { .. } => Self::unavailable("The database file belongs to another program.", 60),
            E::Unfit { kind, .. } => {
                Self::unavailable(format!("The data directory lies on {kind}, which would damage the database."), 60)
            }
            E::NoFile { what, step, .. } => {
                Self::unavailable(format!("In the place of the database is {what}, not a file: {step}."), 60)
            }
            E::Corrupt { .. } => Self::unavailable(
                "The database is damaged: `prompt-manager doctor` says how, `prompt-manager recover` makes it anew.",
                60,
            ),
            E::Busy { .. } => Self::unavailable("The database is busy.", 1),
            E::Interrupted { .. } => {
                Self::unavailable("The question took longer than 2 s and was ended: ask for less.", 1)
            }
            E::Storage { .. } | E::Io { .. } => Self::unavailable("The database cannot be read or written now.", 5),
            E::Sql { .. } | E::Refused { .. } => Self::internal(""),
        };
        Self { internal, ..problem }
    }
}
