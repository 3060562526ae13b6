//! All that is shown and all that leaves: every GET of the API's own description, every page that the router has, the words
//! that people type, every form of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness::{Server, World, encode, repository};

use super::serve;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Surface(&'static str, String);

impl Surface {
    pub(super) fn kind(&self) -> &'static str {
        self.0
    }

    pub(super) fn name(&self) -> &str {
        &self.1
    }
}

/// What each surface shows.
pub(super) struct Surfaces(pub(super) BTreeMap<Surface, Vec<u8>>);

impl Surfaces {
    pub(super) fn of(world: &World, redact: &str) -> Self {
        let server = serve(world, redact);
        let found = Self(BTreeMap::new()).routes(&server).pages(&server).words(world, redact).exports(world, redact);
        let files = Self::files(world, redact);
        Self(found.0.into_iter().chain(files.0).collect())
    }

    fn add(&mut self, kind: &'static str, name: impl Into<String>, bytes: Vec<u8>) {
        assert!(self.0.insert(Surface(kind, name.into()), bytes).is_none());
    }

    fn get(&mut self, kind: &'static str, server: &Server, path: &str) {
        let accept = if kind == "page" { "text/html" } else { "application/json" };
        let answer = server.request("GET", path, &[("Accept", accept)]);
        assert!(answer.status < 500, "{path}: {}", answer.text());
        // One body more that is shown: an address.
        let mut bytes = answer.body.clone();
        bytes.extend(answer.header("location").unwrap_or_default().bytes());
        self.add(kind, path, bytes);
    }

    /// Every GET that the description names, with every id for `{id}`, and the lists by what they can be asked.
    fn routes(mut self, server: &Server) -> Self {
        let (_, document) = server.get("/openapi.json");
        let paths: Vec<_> = document["paths"].as_object().expect("paths").iter().collect();
        let gets: BTreeSet<&str> =
            paths.iter().filter(|(_, verbs)| verbs["get"].is_object()).map(|(path, _)| path.as_str()).collect();
        assert!(gets.len() > 15, "{gets:?}");
        // One that has no end: it tells ids alone (server.rs).
        for path in gets.into_iter().filter(|path| *path != "/api/events") {
            for path in filled(server, path) {
                self.get("route", server, &path);
            }
        }
        for query in [
            "q=needle",
            "q=needle&sort=relevance",
            "kind=all&limit=200",
            "q=rotate",
            "q=vault&in=tag",
            "q=keys&in=title",
            "count=true",
        ] {
            self.get("route", server, &format!("/api/conversations?{query}"));
        }
        for place in ["prompt", "answer", "input", "output", "note"] {
            self.get("route", server, &format!("/api/conversations?kind=all&q=needle&in={place}"));
        }
        self.get("route", server, "/api/sessions?q=keys");
        for form in
            ["jsonl", "csv", "markdown", "messages&tools=true", "messages&tools=true&per=session", "csv&kind=all"]
        {
            self.get("route", server, &format!("/api/export?format={form}"));
        }
        for id in ids(server) {
            let mut cursor = String::new();
            for page in 0.. {
                let path = format!("/api/conversations/{id}/raw?limit=7{cursor}");
                self.add("route", format!("raw {id} {page}"), server.request("GET", &path, &[]).body);
                match server.get(&path).1["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
        }
        self
    }

    /// Every page that the router has.
    fn pages(mut self, server: &Server) -> Self {
        let routes = std::fs::read_to_string(repository().join("query-api/src/routes.rs")).expect("the routes");
        let pages: Vec<&str> = routes
            .lines()
            .filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\", get("))
            .map(|(path, _)| path)
            .collect();
        assert!(pages.len() > 12, "{pages:?}");
        for path in pages.into_iter().filter(|path| *path != "/open" && !path.starts_with("/assets")) {
            for path in filled(server, path) {
                self.get("page", server, &path);
            }
        }
        for query in ["q=needle", "kind=all", "q=rotate", "tag=vault"] {
            self.get("page", server, &format!("/?{query}"));
        }
        self.get("page", server, "/sessions?q=keys");
        self
    }

    fn words(mut self, world: &World, redact: &str) -> Self {
        let server = serve(world, redact);
        let session = session_ids(&server);
        let mut words: Vec<Vec<String>> = Vec::new();
        for line in [
            "list",
            "list --kind all --json",
            "search needle",
            "search needle --kind all --json",
            "tags",
            "tags --json",
            "stats",
            "stats --json",
            "sessions",
            "sessions --json",
        ] {
            words.push(line.split(' ').map(str::to_owned).collect());
        }
        for id in ids(&server) {
            for more in ["", "--json", "--raw", "--markdown", "--prompt", "--answer"] {
                let line = [vec!["show".to_owned(), id.clone()], more.split_whitespace().map(str::to_owned).collect()];
                words.push(line.concat());
            }
            words.push(vec!["note".to_owned(), id]);
        }
        for id in session {
            words.push(vec!["list".into(), "--session".into(), id, "--kind".into(), "all".into()]);
        }
        for line in words {
            let done = world.bin("query-api").args(&line).env("PROMPT_MANAGER_REDACT", redact).run();
            self.add("word", line.join(" "), [done.stdout, done.stderr].concat());
        }
        self
    }

    fn exports(mut self, world: &World, redact: &str) -> Self {
        for form in [
            &["-f", "jsonl"][..],
            &["-f", "csv", "--kind", "all"],
            &["-f", "markdown", "--kind", "all"],
            &["-f", "messages", "--tools"],
            &["-f", "messages", "--tools", "--per", "session"],
        ] {
            let done = world.bin("ingest").arg("export").args(form).env("PROMPT_MANAGER_REDACT", redact).succeed();
            self.add("export", form.join(" "), done.stdout);
        }
        for format in ["markdown", "html", "json"] {
            let report = world.bin("ingest").args(["report", "--since", "3650d", "--format", format]);
            let done = report.env("PROMPT_MANAGER_REDACT", redact).succeed();
            self.add("export", format!("report {format}"), done.stdout);
        }
        self
    }

    /// The forms that are byte for byte.
    pub(super) fn files(world: &World, redact: &str) -> Self {
        let mut found = Self(BTreeMap::new());
        for form in ["transcript", "queue"] {
            let out = tempfile_in(world, &format!("{form}-{redact}"));
            let export = world.bin("ingest").args(["export", "-f", form, "--force", "--out"]).arg(&out);
            let done = export.env("PROMPT_MANAGER_REDACT", redact).succeed();
            assert_eq!(done.err().contains("hidden by as many *"), redact == "display", "{done}");
            found.folder(&out, &out, form);
        }
        assert!(found.0.len() > 10, "{:?}", found.0.keys());
        found
    }

    fn folder(&mut self, dir: &Path, root: &Path, form: &str) {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.folder(&path, root, form);
            } else {
                let name = path.strip_prefix(root).expect("below it").display();
                self.add("file", format!("{form}/{name}"), std::fs::read(&path).expect("a file"));
            }
        }
    }
}

fn tempfile_in(world: &World, name: &str) -> std::path::PathBuf {
    world.root().join(name)
}

/// A path with each id that there is for what it leaves open.
fn filled(server: &Server, path: &str) -> Vec<String> {
    if path.contains("{table}") {
        let tables = ["days", "hours", "models", "projects", "tools", "commands", "ratings", "lengths"];
        return tables.iter().map(|table| path.replace("{table}", &format!("{table}.csv"))).collect();
    }
    let numbered = |path: String| -> Vec<String> {
        if path.contains("{n}") { (0..8).map(|n| path.replace("{n}", &n.to_string())).collect() } else { vec![path] }
    };
    let with = if path.contains("/conversations/{id}") {
        ids(server)
    } else if path.contains("/sessions/{id}") {
        session_ids(server)
    } else {
        vec![String::new()]
    };
    let filled: Vec<_> = with.iter().flat_map(|id| numbered(path.replace("{id}", &encode(id)))).collect();
    assert!(filled.iter().all(|path| !path.contains('{')), "{path} leaves something open that this test does not know");
    filled
}

fn ids(server: &Server) -> Vec<String> {
    server.items(&[("kind", "all")]).iter().map(|item| item["id"].to_string()).collect()
}

fn session_ids(server: &Server) -> Vec<String> {
    let (_, page) = server.get("/api/sessions");
    let items = page["items"].as_array().expect("sessions");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}
