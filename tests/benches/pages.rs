//! What pages cost, over a store of a size that a person reaches and over one that nobody does: the server's time, the bytes with
//! and without compression, and the requests that a browser makes for each, beside the least that a server of the same library can do.
//!
//! The stores are those of the API's bench, and are chosen by the same variables: `PROMPT_MANAGER_BENCH_SIZE` (`80k`, `1m` or a
//! number) and `PROMPT_MANAGER_BENCH_ROUNDS` (100). Two sessions are put into them: one with an output of 2 MB, one of 5,000 turns.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is its table, and says what it waits for")]

#[path = "api/hello.rs"]
mod hello;
#[path = "api/made.rs"]
mod made;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Browser, Client, Figure, Generator, Server, Told, World, encode};
use made::Run;

/// 2026-10-01.
const BEGIN_MS: u64 = 1_790_812_800_000;
/// Turns of the long session, and bytes of the long output.
const TURNS: usize = 5_000;
const OUTPUT: usize = 2 << 20;

fn main() {
    let Run { full, size, rounds } = Run::asked(100);
    let generator = Generator::new(made::SEED);
    let home = made::store(size, &generator);
    let world = World::new();
    let long = long_sessions(&world, &home);
    let command = world.bin("query-api").args(["serve", "--listen", "127.0.0.1:0", "--home"]).arg(&home);
    let server = world.serve_by(command.env("PROMPT_MANAGER_LOG", "warn")).with_token(&home.join("run/api.token"));
    made::say_things(&server, &home);
    println!("{}", made::describe(&server, &home));
    let heads = ["p50", "p95", "longest", "KiB", "KiB gzip", "requests"];
    println!("\n{:<44}{}", "ms", heads.map(|head| format!("{head:>10}")).concat());
    // Whoever gathers figures has no use for what a browser asks for.
    let looks = full && std::env::var_os("PROMPT_MANAGER_BENCH_FIGURES").is_none();
    let browser = looks.then(|| Browser::enter_at(&world, &server, &home));
    let mut client = server.client();
    let pages = pages(&mut client, &generator, &long);
    let floor = floor(&mut client, rounds);
    for (what, path) in &pages {
        match client.send("GET", path, &HTML, b"").status {
            200 => {
                let median = row(what, &mut client, path, rounds, browser.as_ref());
                if GOALS.contains(&what.as_str()) {
                    let page = Figure::new(format!("page: {what}, p50"), median.as_secs_f64() * 1e3, "ms");
                    page.beside("the timeline's bytes, hyper alone", floor.as_secs_f64() * 1e3).tell();
                }
            }
            status => println!("{what:<44} NOT MEASURED: status {status}"),
        }
    }
    memory(&server);
}

/// What there is a goal for.
const GOALS: [&str; 3] = ["timeline", "insights", "insights, all of it"];
const HTML: [(&str, &str); 1] = [("Accept", "text/html")];

/// What is asked for, each with its name.
fn pages(client: &mut Client, words: &Generator, long: &str) -> Vec<(String, String)> {
    let (common, frequent, seldom) = (words.word(0), words.word(40), words.word(2_000));
    let newest = client.get("/api/conversations?limit=1").json()["items"][0]["id"].as_u64().expect("an id");
    let wanted = format!("/api/conversations?user_session_id={}&limit=1", encode(long));
    let output = client.get(&wanted).json()["items"][0]["id"].as_u64().expect("the conversation of a long output");
    let turns = Told::begin(2, "/src/acme-1", BEGIN_MS).id;
    let page = |what: &str, path: String| (what.to_owned(), path);
    vec![
        page("timeline", "/".to_owned()),
        page("timeline, a project, failed", "/?project=%2Fsrc%2Facme-7&status=failed".to_owned()),
        page("timeline, a tag", "/?tag=keep".to_owned()),
        page("search: a common word", format!("/?q={}", encode(frequent))),
        page("search: the commonest word", format!("/?q={}", encode(common))),
        page("search: a seldom word", format!("/?q={}", encode(seldom))),
        page("search: nothing", "/?q=zzzzzzzz".to_owned()),
        page("conversation, the newest", format!("/conversations/{newest}")),
        page("conversation with an output of 2 MB", format!("/conversations/{output}")),
        page("its call, when it is unfolded", format!("/conversations/{output}/calls/0")),
        page("session of 5,000 turns", format!("/sessions/{turns}")),
        page("sessions", "/sessions".to_owned()),
        page("library", "/library".to_owned()),
        page("insights", "/insights".to_owned()),
        page("insights, all of it", "/insights?since=2024-01-01".to_owned()),
        page("health", "/health".to_owned()),
    ]
}

/// Puts two long sessions into the store, the same ones in every run: a second import changes nothing. Gives the id of the first.
fn long_sessions(world: &World, home: &Path) -> String {
    let mut output = Told::begin(1, "/src/acme-1", BEGIN_MS);
    output.prompt("print two megabytes");
    output.bash("cat everything", &"0123456789 abcdefghij\n".repeat(OUTPUT / 22), false);
    output.answers("That was long.");
    let mut turns = Told::begin(2, "/src/acme-1", BEGIN_MS);
    for nth in 0..TURNS {
        turns.prompt(&format!("prompt number {nth}"));
        turns.bash("true", "", false);
        turns.answers("Done.");
    }
    for (path, bytes) in output.files().into_iter().chain(turns.files()) {
        world.transcript(&path.to_string_lossy(), &bytes);
    }
    let begin = Instant::now();
    let import = world.bin("ingest").args(["import", "--json", "--quiet", "--home"]).arg(home);
    let _ = import.arg(world.projects_root()).succeed();
    eprintln!("two long sessions: {:.1} s", begin.elapsed().as_secs_f64());
    output.id
}

/// The same bytes as the timeline, without a store, a page or a check.
fn floor(client: &mut Client, rounds: usize) -> Duration {
    let body = client.send("GET", "/", &HTML, b"").body;
    let mut hello = Client::to(hello::serve(body), None);
    let took = ask(&mut hello, "/", rounds, &[]).0;
    println!("{:<44}{}", "floor: the timeline's bytes, hyper alone", figures(&took));
    took[took.len() / 2]
}

/// Prints what a page costs; gives the median.
fn row(what: &str, client: &mut Client, path: &str, rounds: usize, browser: Option<&Browser>) -> Duration {
    let (took, bytes) = ask(client, path, rounds, &HTML);
    let (_, packed) = ask(client, path, 1, &[HTML[0], ("Accept-Encoding", "gzip")]);
    let requests = browser.map_or_else(String::new, |browser| {
        let _ = browser.requests();
        browser.open(path);
        browser.requests().len().to_string()
    });
    let kib = |bytes: usize| bytes as f64 / 1024.0;
    println!("{what:<44}{}{:>10.1}{:>10.1}{requests:>10}", figures(&took), kib(bytes), kib(packed));
    took[took.len() / 2]
}

/// How long the answers took, sorted, and the bytes of one. The first is not counted: it may find the store's pages not in memory.
fn ask(client: &mut Client, path: &str, rounds: usize, headers: &[(&str, &str)]) -> (Vec<Duration>, usize) {
    let (mut took, mut bytes) = (Vec::new(), 0);
    for round in 0..=rounds {
        let begin = Instant::now();
        let response = client.send("GET", path, headers, b"");
        took.extend((round > 0).then_some(begin.elapsed()));
        assert_eq!(response.status, 200, "GET {path}: {}", response.text());
        bytes = response.body.len();
    }
    took.sort();
    (took, bytes)
}

fn figures(took: &[Duration]) -> String {
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    [0.5, 0.95, 1.0].map(|share| format!("{:>10.2}", at(share))).concat()
}

/// MiB, by the kernel's own count.
fn memory(server: &Server) {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    };
    println!("\nserver: {} MiB resident, {} MiB at most", of("VmRSS:"), of("VmHWM:"));
}
