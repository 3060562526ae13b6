//! `/assets/…`: the style, the script and the icon of the pages, compiled in. Asked for with their mark, so that a browser
//! keeps them until the program is another.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};

use crate::handlers::{TEXT, typed};
use crate::http::extract::{Name, Query};
use crate::http::problem::Problem;
use crate::page::code;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// One style for every page, from a file for each part.
const STYLE: &str = concat!(
    include_str!("../../../assets/style/base.css"),
    include_str!("../../../assets/style/chart.css"),
    include_str!("../../../assets/style/code.css"),
    include_str!("../../../assets/style/conversation.css"),
    include_str!("../../../assets/style/docs.css"),
    include_str!("../../../assets/style/health.css"),
    include_str!("../../../assets/style/insights.css"),
    include_str!("../../../assets/style/rows.css"),
    include_str!("../../../assets/style/library.css"),
    include_str!("../../../assets/style/session.css"),
    include_str!("../../../assets/style/timeline.css"),
);

/// Names and contents.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", CSS, STYLE),
    ("icon.svg", "image/svg+xml", include_str!("../../../assets/icon.svg")),
    ("conversation.js", SCRIPT, include_str!("../../../assets/script/conversation.js")),
    ("copy.js", SCRIPT, include_str!("../../../assets/script/copy.js")),
    ("folds.js", SCRIPT, include_str!("../../../assets/script/folds.js")),
    ("health.js", SCRIPT, include_str!("../../../assets/script/health.js")),
    ("http.js", SCRIPT, include_str!("../../../assets/script/http.js")),
    ("keys.js", SCRIPT, include_str!("../../../assets/script/keys.js")),
    ("list.js", SCRIPT, include_str!("../../../assets/script/list.js")),
    ("live.js", SCRIPT, include_str!("../../../assets/script/live.js")),
    ("main.js", SCRIPT, include_str!("../../../assets/script/main.js")),
    ("make.js", SCRIPT, include_str!("../../../assets/script/make.js")),
    ("marks.js", SCRIPT, include_str!("../../../assets/script/marks.js")),
    ("note.js", SCRIPT, include_str!("../../../assets/script/note.js")),
    ("search.js", SCRIPT, include_str!("../../../assets/script/search.js")),
    ("session.js", SCRIPT, include_str!("../../../assets/script/session.js")),
    ("split.js", SCRIPT, include_str!("../../../assets/script/split.js")),
    ("tags.js", SCRIPT, include_str!("../../../assets/script/tags.js")),
    ("toast.js", SCRIPT, include_str!("../../../assets/script/toast.js")),
];

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static str,
    mark: HeaderValue,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |&(name, kind, bytes): &(&'static str, &'static str, &'static str)| {
        let hash = blake3::hash(bytes.as_bytes()).to_hex();
        let mark = HeaderValue::try_from(format!("\"{}\"", &hash[..16])).ok()?; // hex digits between quotes are a header
        Some(Asset { name, kind, bytes, mark })
    };
    FILES.iter().filter_map(asset).collect()
});

/// `GET /assets/grammars`: whose work the grammars are by which code is marked, and under which licences.
pub(crate) async fn grammars(Query(()): Query<()>) -> Response {
    typed(TEXT, code::acknowledgement())
}

/// `GET /assets/{name}`.
pub(crate) async fn show(Name(name): Name, headers: HeaderMap, Query(()): Query<()>) -> Result<Response, Problem> {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let asset = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path."))?;
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(mark) if mark == asset.mark => StatusCode::NOT_MODIFIED.into_response(),
        _ => typed(asset.kind, Bytes::from_static(asset.bytes.as_bytes())),
    };
    response.headers_mut().insert(header::ETAG, asset.mark.clone());
    // It says nothing of anybody.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a module imports is served, and nothing comes from elsewhere.
    #[test]
    fn all_that_is_asked_for_is_here() {
        for (name, _, text) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            for import in text.split("from './").skip(1).filter_map(|rest| rest.split('\'').next()) {
                assert!(FILES.iter().any(|(file, ..)| *file == import), "{name} imports {import}");
            }
            for sink in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function"]
            {
                assert!(!text.contains(sink), "{name} uses {sink}");
            }
        }
        for (name, _, text) in FILES {
            assert!(!text.contains("://") || *name == "icon.svg", "{name} names another place");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"), "a style loads something");
    }
}
