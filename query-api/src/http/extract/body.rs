//! A JSON body: only where it says that it is JSON, never larger than it may be, each mistake by its field.
//!
//! The content type is a guard too: a page of another site can send text without asking first, but not JSON.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_path_to_error::Track;
use tokio::time::timeout;

use crate::http::problem::Problem;

/// Bytes of a body, where its route does not say otherwise.
pub(crate) const LIMIT: usize = 16 * 1024;
/// A body is here by then.
const TIME: Duration = Duration::from_secs(10);

/// The body as `T`; at most `BYTES` long.
pub(crate) struct Json<T, const BYTES: usize = LIMIT>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync, const BYTES: usize> FromRequest<S> for Json<T, BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&body_of(request, "application/json", BYTES).await?).map(Self)
    }
}

/// The pairs that a form of a page sends, as text.
pub(crate) async fn form_body(request: Request, limit: usize) -> Result<String, Problem> {
    let body = body_of(request, "application/x-www-form-urlencoded", limit).await?;
    String::from_utf8(body).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "The body is not UTF-8."))
}

/// The bytes of a body that says that it is of this type.
async fn body_of(request: Request, kind: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    if !is_of(request.headers(), kind) {
        let detail = format!("Send a body with `Content-Type: {kind}`.");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    if !is_plain(request.headers()) {
        let detail = "Send the body as it is, without a `Content-Encoding`.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    whole(request.into_body(), limit).await
}

/// One header that says this type, in UTF-8 if it says more.
fn is_of(headers: &HeaderMap, expected: &str) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(value)), None) = (types.next().map(|value| value.to_str()), types.next()) else { return false };
    let (kind, more) = value.split_once(';').unwrap_or((value, ""));
    let more = more.trim();
    kind.trim().eq_ignore_ascii_case(expected)
        && (more.is_empty() || more.replace('"', "").eq_ignore_ascii_case("charset=utf-8"))
}

/// Nothing here unpacks a body, which could be of any size.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

async fn whole(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let detail = format!("The body must not be larger than {limit} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    // The length that a head announces is enough: nobody waits for what is refused anyhow.
    if hyper::body::Body::size_hint(&body).lower() > limit as u64 {
        return Err(too_large());
    }
    let read = timeout(TIME, Limited::new(body, limit).collect());
    match read.await {
        Ok(Ok(read)) => Ok(read.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "The body did not come whole.")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not come in time.")),
    }
}

/// `T` from a JSON object alone: a derived struct would take its fields from an array too, in their order.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    struct Fields<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    from.deserialize_map(Fields(PhantomData))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    let read = object(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let read = read.map_err(|error: serde_json::Error| (track.path().to_string(), error));
    let read = read.and_then(|read| json.end().map(|()| read).map_err(|error| (String::new(), error)));
    read.map_err(|(field, error)| {
        if error.classify() != Category::Data {
            return Problem::new(StatusCode::BAD_REQUEST, format!("The body is not JSON: {error}."));
        }
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        match field.as_str() {
            "" | "." => Problem::field("", format!("The body is wrong: {what}.")),
            field => Problem::field(field, format!("`{field}` is wrong: {what}.")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its Debug is looked at")]
    struct Mark {
        rating: Option<u8>,
        tags: Option<Vec<String>>,
    }

    fn check(json: &str, expected: &str) {
        let found = match parse::<Mark>(json.as_bytes()) {
            Ok(body) => format!("{body:?}"),
            Err(problem) => {
                format!("{} {}: {}", problem.status.as_u16(), problem.field.unwrap_or_default(), problem.detail)
            }
        };
        assert!(found.starts_with(expected), "{json}: {found}");
    }

    #[test]
    fn bodies() {
        check(r#" {"rating": 5, "tags": ["a"]} "#, r#"Mark { rating: Some(5), tags: Some(["a"]) }"#);
        check("{}", "Mark { rating: None, tags: None }");
        check(r#"{"rating": "5"}"#, "422 rating: `rating` is wrong: invalid type: string \"5\", expected u8.");
        check(r#"{"rating": 500}"#, "422 rating: `rating` is wrong: invalid value: integer `500`, expected u8.");
        check(r#"{"tags": ["a", 5]}"#, "422 tags[1]: `tags[1]` is wrong: invalid type");
        check(r#"{"stars": 5}"#, "422 stars: `stars` is wrong: unknown field `stars`, expected `rating` or `tags`.");
        check(r#"{"rating": 5, "rating": 5}"#, "422 : The body is wrong: duplicate field `rating`.");
        check("[]", "422 : The body is wrong: ");
        check("[5, [\"a\"]]", "422 : The body is wrong: invalid type: sequence, expected an object.");
        check("5", "422 : The body is wrong: ");
        for broken in ["", " ", "{", "{} {}", "nonsense", "{\"rating\": 5", "\u{feff}{}", "{\"rating\": \u{1}}"] {
            check(broken, "400 : The body is not JSON: ");
        }
        let deep = format!("{{\"tags\": {}", "[".repeat(100_000));
        assert!(parse::<Mark>(deep.as_bytes()).is_err());
        let deep = format!("{{\"tags\": {}", "[".repeat(200));
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().status, 400);
    }

    #[test]
    fn content_types() {
        let check = |values: &[&str], expected| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(is_of(&headers, "application/json"), expected, "{values:?}");
        };
        for good in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;"] {
            check(&[good], true);
        }
        for bad in ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"] {
            check(&[bad], false);
        }
        for bad in ["application/json; charset=latin1", "application/jsonp", "text/plain; application/json", "*/*"] {
            check(&[bad], false);
        }
        check(&[], false);
        check(&["application/json", "application/json"], false);
    }

    #[test]
    fn no_body_is_compressed() {
        let check = |value: &str, expected| {
            let headers = [(header::CONTENT_ENCODING, HeaderValue::from_str(value).unwrap())].into_iter().collect();
            assert_eq!(is_plain(&headers), expected, "{value}");
        };
        assert!(is_plain(&HeaderMap::new()));
        check("identity", true);
        check("Identity", true);
        for encoded in ["gzip", "br", "", "identity, gzip"] {
            check(encoded, false);
        }
    }

    #[tokio::test]
    async fn no_body_is_larger_than_it_may_be() {
        assert_eq!(whole(Body::from("12345"), 5).await.unwrap(), b"12345");
        assert_eq!(whole(Body::from("123456"), 5).await.unwrap_err().status, 413);
    }
}
