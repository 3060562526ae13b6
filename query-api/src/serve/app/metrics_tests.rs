//! What is said beside the answer itself: figures, compression, ids.

use super::tests::{fill, served, turn};
use super::*;

/// Every line of the text format, strictly: a comment that declares, or a sample of what was declared.
fn check_text(text: &str) -> std::collections::BTreeMap<String, f64> {
    let mut declared = std::collections::BTreeMap::new();
    let mut samples = std::collections::BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(declared.insert(name.to_owned(), kind.to_owned()), None, "{name} is declared twice");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| {
            (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}")))
        });
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once('=').unwrap_or_else(|| panic!("{line}"));
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            assert!(value.len() >= 2 && value.starts_with('"') && value.ends_with('"'), "{line}");
        }
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
            name.strip_suffix(end).filter(|family| declared.get(*family).is_some_and(|kind| kind == "histogram"))
        });
        assert!(declared.contains_key(family.unwrap_or(name)), "{line} is not declared");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(value >= 0.0, "{line}");
        assert_eq!(samples.insert(series.to_owned(), value), None, "{series} is there twice");
    }
    assert!(text.ends_with('\n'));
    samples
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let served = served();
    let (status, _, without) = served.send("GET", "/metrics").await;
    assert_eq!(status, 200);
    assert_eq!(check_text(&without)["prompt_manager_database_up"], 0.0);
    fill(&served.dir, vec![turn(1, "a"), turn(2, "b")]);
    for uri in ["/api/conversations", "/api/conversations", "/api/conversations/1", "/nowhere", "/secret-path?q=secret"]
    {
        let _ = served.send("GET", uri).await;
    }
    let (_, headers, text) = served.send("GET", "/metrics").await;
    assert_eq!(headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let samples = check_text(&text);
    let requests = |route: &str, status: u16| {
        let name = "prompt_manager_http_request_seconds_count";
        samples.get(&format!("{name}{{method=\"GET\",route=\"{route}\",status=\"{status}\"}}")).copied()
    };
    assert_eq!(requests("/api/conversations", 200), Some(2.0));
    assert_eq!(requests("/api/conversations/{id}", 200), Some(1.0));
    assert_eq!(requests("none", 404), Some(2.0));
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(samples["prompt_manager_database_up"], 1.0);
    assert_eq!(samples["prompt_manager_conversations"], 2.0);
    assert_eq!(samples["prompt_manager_capture_to_commit_seconds_count"], 0.0);
    assert!(samples["prompt_manager_store_bytes"] > 0.0);
    assert!(samples.contains_key("prompt_manager_queue_files{place=\"incoming\"}"));
    assert!(samples.contains_key("prompt_manager_events_total{result=\"stored\"}"));
    for bucket in samples.keys().filter(|name| name.contains("_bucket{")) {
        assert!(bucket.contains("le=\""), "{bucket}");
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_asks() {
    let served = served();
    fill(&served.dir, (1..=20).map(|n| turn(n, "say load-config")).collect());
    let ask = async |uri: &str, accept: &str| {
        let request = Request::builder().uri(uri).header("host", "localhost:8765").header("accept-encoding", accept);
        let response = served.app.answer(request.body(Body::empty()).unwrap()).await;
        let encoding = response.headers().get(header::CONTENT_ENCODING).map(|it| it.to_str().unwrap().to_owned());
        (encoding, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap())
    };
    let (plain, whole) = ask("/api/conversations", "identity").await;
    assert_eq!(plain, None);
    let (encoding, packed) = ask("/api/conversations", "gzip, br").await;
    assert_eq!(encoding.as_deref(), Some("gzip"));
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() * 3 < whole.len(), "{} of {}", packed.len(), whole.len());
    assert_eq!(ask("/healthz", "gzip").await.0, None, "short answers are not worth it");
    assert_eq!(ask("/nowhere", "gzip").await.0, None);
}

#[tokio::test]
async fn each_answer_has_an_id() {
    let served = served();
    for uri in ["/healthz", "/nowhere", "/api/conversations?x=1"] {
        let request = Request::builder().uri(uri).header("host", "localhost:8765").header("x-request-id", "mine-1");
        let response = served.app.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["x-request-id"], "mine-1", "{uri}");
        assert!(served.send("GET", uri).await.1.contains_key("x-request-id"), "{uri}");
    }
}
