//! How fast the API answers over a store of a size that a person reaches, and over one that nobody does: every kind of
//! question over a connection that stays open, the memory of the server after all of them, and how many lists a second it
//! gives beside the least that a server of the same library can do. Then what one more prompt costs in such a store.
//!
//! `PROMPT_MANAGER_BENCH_SIZE` chooses the store: `80k` (80,000 messages in the shape of real ones, the default), `1m`
//! (1,000,000 conversations of little text), or a number of conversations. A store is made once by the real import, slice by
//! slice, and kept in target/bench-stores; it is made anew when migrations, rules or generator are others.
//! `PROMPT_MANAGER_BENCH_ROUNDS` is how often each question is asked (200).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is its table, and says what it waits for")]

#[path = "api/hello.rs"]
mod hello;
#[path = "api/made.rs"]
mod made;
#[path = "api/more.rs"]
mod more;
#[path = "import/passes.rs"]
mod passes;
#[path = "api/rate.rs"]
mod rate;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Client, Figure, Generator, Seed, Server, World, encode, example};
use made::Run;
use serde_json::Value;

fn main() {
    let Run { full, size, rounds } = Run::asked(200);
    let generator = Generator::new(made::SEED);
    let home = made::store(size, &generator);
    let world = World::new();
    let server = world.serve_by(
        world
            .bin("query-api")
            .args(["serve", "--listen", "127.0.0.1:0", "--home"])
            .arg(&home)
            .env("PROMPT_MANAGER_LOG", "warn"),
    );
    let server = server.with_token(&home.join("run/api.token"));
    made::say_things(&server, &home);
    println!("{}", made::describe(&server, &home));
    println!("\n{:<58}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "p50", "p95", "p99", "longest", "items", "KiB");
    let mut client = server.client();
    let rare = rare(&mut client, &generator);
    let floors = floors(&home, rounds, [&rare, generator.word(40)]);
    for question in questions(&generator, &rare) {
        // An older server, measured for comparison, may not know the question.
        match client.get(&question.path).status {
            200 => {
                let answers = ask(&mut client, rounds, &mut |_| question.path.clone());
                row(&question.what, &answers);
                tell(&question.what, &answers, &floors);
            }
            status => println!("{:<58} NOT MEASURED: status {status}", question.what),
        }
    }
    let newest = items(&mut client, "/api/conversations?kind=all&limit=1")[0]["id"].as_u64().expect("an id");
    let mut seed = Seed::new(made::SEED);
    let mut any = move |_| format!("/api/conversations/{}", 1 + seed.number() % newest);
    row("one conversation, any", &ask(&mut client, rounds, &mut any));
    match client.get("/api/tags").status {
        200 => row("a rating written (synced to the disk)", &ratings(&mut client, rounds, newest)),
        status => println!("{:<58} NOT MEASURED: status {status}", "a rating written"),
    }
    let [resident, most] = ["VmRSS:", "VmHWM:"].map(|name| memory(&server, name));
    println!("\nserver: {resident} MiB resident, {most} MiB at most");
    Figure::new("API, resident after all questions", resident as f64, "MiB").tell();
    let more = Answers { took: more::prompts(&home, &world.projects_root()), items: None, bytes: 0 };
    row("one more prompt taken in", &more);
    Figure::new("one more prompt taken in, p50", more.ms(0.5), "ms").tell();
    rate::table(&server, if full { Duration::from_secs(4) } else { Duration::from_millis(100) });
}

/// The milliseconds of the median and of the 99th percentile that nothing can be below.
struct Floors {
    hello: [f64; 2],
    list: [f64; 2],
    rare: [f64; 2],
    common: [f64; 2],
}

/// The same list from the same file, the same words from the same index, without a store, a server or JSON; and a server
/// without any of these.
fn floors(home: &Path, rounds: usize, words: [&str; 2]) -> Floors {
    let bare = |name: &str, words: &[&str]| -> Vec<Vec<f64>> {
        let mut program = Command::new(example(name));
        let out = program.arg(home.join("database/prompts.db")).arg(rounds.to_string()).args(words).output();
        let out = String::from_utf8(out.expect("the floor runs").stdout).expect("figures");
        let line = |line: &str| line.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        out.lines().map(line).collect()
    };
    let (list, found) = (bare("bare_list", &[]), bare("bare_search", &words));
    let ([list], [rare, common]) = (&list[..], &found[..]) else { panic!("the floors printed {list:?} and {found:?}") };
    let of = |line: &[f64], last: usize| [line[0] / 1e3, line[last] / 1e3];
    let mut client = Client::to(hello::serve(b"hello".to_vec()), None);
    let hello = ask(&mut client, rounds, &mut |_| "/".to_owned());
    row("floor: hyper says hello", &hello);
    let floors =
        Floors { hello: [hello.ms(0.5), hello.ms(0.99)], list: of(list, 2), rare: of(rare, 1), common: of(common, 1) };
    for (what, [p50, p99]) in [
        ("floor: rows of a list of 50, SQLite alone", floors.list),
        ("floor: newest 50 of a rare word, FTS5 alone", floors.rare),
        ("floor: newest 50 of a common word, FTS5 alone", floors.common),
    ] {
        println!("{what:<58}{p50:>9.2}{:>9}{p99:>9.2}", "");
    }
    floors
}

/// Hands over what goals speak of.
fn tell(what: &str, answers: &Answers, floors: &Floors) {
    let (what, floor, beside) = match what.split(':').next().unwrap_or_default() {
        "list of 50, newest first" => ("list of 50", floors.list, "its rows, SQLite alone"),
        "rare word" => ("rare word", floors.rare, "the newest 50, FTS5 alone"),
        "common word" => ("common word", floors.common, "the newest 50, FTS5 alone"),
        _ => return,
    };
    for (percent, share, nth) in [("p50", 0.5, 0), ("p99", 0.99, 1)] {
        Figure::new(format!("{what}, {percent}"), answers.ms(share), "ms").beside(beside, floor[nth]).tell();
    }
    if what == "list of 50" {
        let list = Figure::new("list of 50, beside a server, p50", answers.ms(0.5), "ms");
        list.beside("hyper says hello", floors.hello[0]).tell();
    }
}

/// A word that few conversations hold, as half of the words of real texts are.
fn rare(client: &mut Client, words: &Generator) -> String {
    // Of every fiftieth of the rarer half.
    let candidates = (0..400).map(|nth| words.word(49_999 - nth * 50));
    let counted =
        candidates.map(|word| (items(client, &format!("/api/conversations?q=%22{word}%22&limit=10")).len(), word));
    // Two, or as few more as there are.
    let (_, word) = counted.min_by_key(|(found, _)| (*found < 2, *found)).expect("candidates");
    word.to_owned()
}

struct Question {
    what: String,
    path: String,
}

/// A list of 50 with these filters, and what is asked beside lists.
fn questions(words: &Generator, rare: &str) -> Vec<Question> {
    let list =
        |what: &str, query: &str| Question { what: what.to_owned(), path: format!("/api/conversations?{query}") };
    let search = |what: &str, text: &str, more: &str| {
        list(
            &format!("{what}: {text}{}", if more.is_empty() { String::new() } else { format!(" {more}") }),
            &format!("q={}{more}", encode(text)),
        )
    };
    let (common, frequent, seldom, last) = (words.word(0), words.word(40), words.word(2_000), words.word(45_000));
    let mut all = vec![list("list of 50, newest first", "")];
    for filter in [
        "kind=all",
        "project=/src/acme-7",
        "model=claude-opus-4-7",
        "tool=Bash",
        "tool=Agent",
        "status=complete",
        "has_error=true",
        "tag=keep",
        "star=true",
        "rating=>=4",
        "rating=none",
        "since=2024-06-01&until=2024-06-30",
        "via=interactive&tool=Edit&has_error=true",
        "sort=length",
        "sort=tokens",
        "sort=cost",
        "sort=rating",
        "count=true",
        "tool=Bash&count=true",
    ] {
        all.push(list(&format!("list, {filter}"), &filter.replace(">=", "%3E%3D")));
    }
    all.extend([
        search("rare word", rare, ""),
        search("one of the rarer half of the words", last, ""),
        search("common word", frequent, ""),
        search("commonest word", common, ""),
        search("two words", &format!("{seldom} {frequent}"), ""),
        search("two common words", &format!("{common} {frequent}"), ""),
        search("either of two", &format!("{last} OR {seldom}"), ""),
        search("one and not another", &format!("{seldom} -{common}"), ""),
        search("phrase", &format!("\"{common} {frequent}\""), ""),
        search("beginning", &format!("{}*", &last[..last.len() - 2]), ""),
        search("short beginning", &format!("{}*", &frequent[..2]), ""),
        search("part of a word in prompts", &last[2..], "&in=prompt"),
        search("in tool outputs", seldom, "&in=output"),
        search("in notes", "remember", "&in=note"),
        search("common word by relevance", frequent, "&sort=relevance"),
        search("common word in a project", frequent, "&project=/src/acme-7"),
        search("common word, counted", frequent, "&count=true"),
        search("nothing", "zzzzzzzz", ""),
    ]);
    let other = |what: &str, path: &str| Question { what: what.to_owned(), path: path.to_owned() };
    all.extend([
        other("sessions", "/api/sessions"),
        other("tags", "/api/tags"),
        other("statistics, all of them", "/api/stats"),
        other("statistics of a month", "/api/stats?since=2024-06-01&until=2024-06-30"),
        other("health", "/api/health"),
        other("healthz: the way there and back", "/healthz"),
    ]);
    all
}

/// What it took to be answered, sorted, and the size of the answer.
struct Answers {
    took: Vec<Duration>,
    /// None where it is no list.
    items: Option<usize>,
    bytes: usize,
}

impl Answers {
    /// Milliseconds, below which this share lies.
    fn ms(&self, share: f64) -> f64 {
        self.took[((self.took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3
    }
}

fn ask(client: &mut Client, rounds: usize, path: &mut dyn FnMut(usize) -> String) -> Answers {
    let (mut took, mut bytes, mut items) = (Vec::new(), 0, None);
    // The first answer is not counted: whoever asks a second time asks a store whose pages are in memory.
    for round in 0..=rounds {
        let path = path(round);
        let begin = Instant::now();
        let response = client.get(&path);
        let elapsed = begin.elapsed();
        assert_eq!(response.status, 200, "GET {path}: {}", response.text());
        bytes = bytes.max(response.body.len());
        took.extend((round > 0).then_some(elapsed));
        if round == 0 && response.body.starts_with(b"{") {
            items = response.json()["items"].as_array().map(Vec::len);
        }
    }
    took.sort();
    Answers { took, items, bytes }
}

fn ratings(client: &mut Client, rounds: usize, newest: u64) -> Answers {
    let mut took: Vec<_> = (0..rounds as u64)
        .map(|round| {
            let path = format!("/api/conversations/{}/rating", 1 + round * 7919 % newest);
            let begin = Instant::now();
            let response = client.json("PUT", &path, &format!(r#"{{"rating":{}}}"#, 1 + round % 5));
            assert!((200..300).contains(&response.status), "PUT {path}: {}", response.text());
            begin.elapsed()
        })
        .collect();
    took.sort();
    Answers { took, items: None, bytes: 0 }
}

fn row(what: &str, answers: &Answers) {
    println!(
        "{what:<58}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>9}{:>9.1}",
        answers.ms(0.5),
        answers.ms(0.95),
        answers.ms(0.99),
        answers.ms(1.0),
        answers.items.map_or_else(String::new, |items| items.to_string()),
        answers.bytes as f64 / 1024.0
    );
}

fn items(client: &mut Client, path: &str) -> Vec<Value> {
    let page = client.get(path).json();
    page["items"].as_array().unwrap_or_else(|| panic!("GET {path}: {page}")).clone()
}

/// MiB, by the kernel's own count.
fn memory(server: &Server, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0) / 1024
}
