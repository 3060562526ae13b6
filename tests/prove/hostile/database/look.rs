//! Everything that works with a store, let loose on one: what each says of it, and that each ends by itself.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use harness::{Done, law};

use super::super::content::Content;
use super::stage::Stage;

/// What a server is asked.
const PATHS: &[&str] = &[
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/health",
    "/api/health/passes",
    "/api/conversations?kind=all&limit=200",
    "/api/conversations?q=the&count=true&sort=relevance",
    "/api/conversations?sort=cost",
    "/api/sessions",
    "/api/stats",
    "/api/tags",
    "/api/views",
    "/",
    "/sessions",
    "/library",
    "/insights",
    "/health",
    "/api/conversations/1",
    "/api/conversations/2/raw",
    "/conversations/3",
    "/api/conversations/last",
];

/// What was told of a store.
pub(super) struct Look {
    pub(super) once: Option<i32>,
    pub(super) codes: BTreeSet<String>,
}

impl Stage {
    /// A program of ours, which ends by itself with a code of its table.
    pub(super) fn ran(&self, program: &str, words: &[&str], what: &str) -> Done {
        let run =
            || self.world.bin(program).args(words).env("PROMPT_MANAGER_PROJECTS", self.world.projects_root()).run();
        let mut done = run();
        // This program reads stores too: what it has just started for another one holds its files until it becomes a program of its own.
        let is_used = |done: &Done| String::from_utf8_lossy(&done.stderr).contains("uses it; end that");
        for _ in 0..100 {
            if !is_used(&done) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            done = run();
        }
        let code = done.status.code();
        assert!(matches!(code, Some(0 | 1 | 75 | 78)), "{what}: {program} {words:?} ends with {code:?}\n{done}");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(!told.contains("panic"), "{what}: {program} {words:?}\n{done}");
        done
    }

    /// Lets everything loose on it.
    pub(super) fn look(&self, what: &str) -> Look {
        let mut codes = BTreeSet::new();
        let mut findings = |words: &[&str]| {
            let report = self.ran("ingest", words, what).json();
            for finding in report["findings"].as_array().into_iter().flatten() {
                if finding["severity"] != "note" {
                    codes.insert(finding["code"].as_str().unwrap_or_default().to_owned());
                }
            }
        };
        findings(&["status", "--json"]);
        self.serve(what);
        for words in [&["list", "--json"][..], &["search", "the"], &["show", "last"], &["stats"]] {
            let _ = self.ran("query-api", words, what);
        }
        let out = self.world.root().join("export.jsonl");
        let _ = self.ran("ingest", &["export", "--force", "--out", &out.to_string_lossy()], what);
        let once = self.ran("ingest", &["once", "--json"], what);
        if once.status.code() != Some(0) {
            // What could not be stored waits.
            assert_eq!(law::names(&self.world.data().failed()), Vec::<String>::new(), "{what}\n{once}");
        }
        findings(&["status", "--json"]);
        findings(&["doctor", "--json"]);
        Look { once: once.status.code(), codes }
    }

    /// Asks a server for all kinds of things: each answer is one that it may give, and it lives.
    fn serve(&self, what: &str) {
        let mut server = self.world.serve();
        let mut client = server.client();
        for path in PATHS {
            let response = client.get(path);
            let may = matches!(response.status, 200 | 404 | 503);
            assert!(may, "{what}: {path}: {} {}\n{}", response.status, response.text(), server.log());
        }
        assert_eq!(client.get("/healthz").status, 200, "{what}: the server\n{}", server.log());
        assert!(!server.log().contains("panic"), "{what}: {}", server.log());
        assert_eq!(server.end(), Some(0), "{what}: {}", server.log());
    }

    pub(super) fn content(&self, what: &str) -> Content {
        Content::of(self.world.data()).unwrap_or_else(|error| panic!("{what}: not told, and not to be read: {error}"))
    }
}
