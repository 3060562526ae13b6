//! The server answers as its own description says: schemathesis reads /openapi.json, makes requests that the description
//! allows and such that it forbids, and holds every answer against it.
//!
//! ops/test installs it and names it in `PROMPT_MANAGER_TEST_SCHEMATHESIS`; without that variable the test says that it
//! was skipped. It is bounded and the same in every run.

use harness::World;

/// Of every run.
const SEED: &str = "20261126";
/// Made-up requests for each operation and each way of making them up.
const EXAMPLES: &str = "25";

/// What no description of a form can say: a cursor or an ETag is a text that an earlier answer gave, a day may be none of the
/// calendar, two conversations that exist may be of two sessions, a query string may ask for what no list knows, and a body
/// has a limit in bytes. Where that is so, these are right answers too.
const BEYOND_FORM: &str = r#"
[[operations]]
include-path = ["/api/conversations", "/api/conversations/{id}/raw", "/api/export", "/api/stats", "/api/health/passes", "/api/sessions", "/api/sessions/{id}"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409"]

[[operations]]
include-path = ["/api/conversations/{id}/rating", "/api/conversations/bulk"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "412", "413", "422"]

[[operations]]
include-path = ["/api/sessions/split", "/api/sessions/merge", "/api/views", "/api/views/{name}"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]
"#;

#[test]
fn every_answer_is_as_described() {
    let Some(schemathesis) = std::env::var_os("PROMPT_MANAGER_TEST_SCHEMATHESIS") else {
        println!("skipped: PROMPT_MANAGER_TEST_SCHEMATHESIS names no schemathesis; ops/test installs it");
        return;
    };
    let world = World::captured();
    let server = world.serve();
    let description = format!("http://{}/openapi.json", server.address());
    let authorization = format!("Authorization: Bearer {}", server.token().expect("a token"));
    std::fs::write(world.root().join("schemathesis.toml"), BEYOND_FORM).expect("a file of this world");
    let done = world
        .command(schemathesis)
        .args(["run", &description, "--header", &authorization, "--checks", "all", "--no-color"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none", "--continue-on-failure"])
        .args(["--exclude-path", "/api/events"]) // an answer without an end
        // One worker: two threads of Python 3.11 that read source code at once end in a SystemError of its own.
        .args(["--workers", "1", "--max-failures", "50", "--request-timeout", "20"])
        .run();
    let log = server.log();
    assert_eq!(done.status.code(), Some(0), "{done}\nthe server wrote:\n{log}");
    let summary = done.out().lines().rev().take(20).collect::<Vec<_>>();
    println!("{}", summary.into_iter().rev().collect::<Vec<_>>().join("\n"));
}
