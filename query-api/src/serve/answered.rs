//! An answer on its way: when its last byte is sent, or nobody waits for it any more, it is counted and logged.
//!
//! The log tells the route, never the path or the query: in those is what somebody looked for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use hyper::Method;
use hyper::body::{Frame, SizeHint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::state::metrics::Requests;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id than this is not one, but a text.
const LONGEST_ID: usize = 64;

/// By which an answer is found in the logs of both sides.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's own, if it is one; else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sane = |value: &&HeaderValue| {
            let sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            (1..=LONGEST_ID).contains(&value.len()) && value.as_bytes().iter().all(sign)
        };
        let given = headers.get(REQUEST_ID).filter(sane).cloned();
        Self(given.unwrap_or_else(new_id))
    }

    /// Says it to the caller.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0.clone());
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default() // all of it is ASCII
    }
}

/// Unlike any other of this process; that of another process began at another time.
fn new_id() -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let began = std::process::id();
    let text = format!("{began:x}-{:x}", NEXT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// What is known of a request before its answer is sent.
pub(crate) struct Asked {
    /// `other` for what is no word of HTTP: anybody may make up methods.
    pub(crate) method: &'static str,
    pub(crate) id: RequestId,
    pub(crate) began: Instant,
}

impl Asked {
    pub(crate) fn new(method: &Method, headers: &HeaderMap) -> Self {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        Self { method, id: RequestId::of(headers), began: Instant::now() }
    }
}

/// A body that says when it is over.
pub(crate) struct Answered {
    body: Body,
    bytes: u64,
    asked: Asked,
    route: Arc<str>,
    status: u16,
    requests: Arc<Requests>,
}

impl Answered {
    pub(crate) fn new(body: Body, asked: Asked, route: Arc<str>, status: u16, requests: Arc<Requests>) -> Self {
        Self { body, bytes: 0, asked, route, status, requests }
    }
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let took = self.asked.began.elapsed();
        self.requests.count(self.asked.method, &self.route, self.status, took);
        tracing::info!(
            method = self.asked.method,
            route = &*self.route,
            status = self.status,
            bytes = self.bytes,
            ms = took.as_micros() as f64 / 1000.0,
            id = self.asked.id.as_str(),
            "answered"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let check = |given: &[u8], kept: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
            let found = RequestId::of(&headers);
            assert_eq!(found.0.as_bytes() == given, kept, "{given:?}");
            assert!(!found.as_str().is_empty());
        };
        check(b"a1b2-c3_d4.5", true);
        check(&[b'a'; 64], true);
        check(&[b'a'; 65], false);
        for text in [&b""[..], b"two words", b"line;drop", "\u{e9}".as_bytes(), b"a\tb", b"{\"a\":1}"] {
            check(text, false);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()).as_str(), RequestId::of(&HeaderMap::new()).as_str());
    }
}
