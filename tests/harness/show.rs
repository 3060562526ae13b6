//! A store that looks like somebody's: three projects and ten weeks of prompts, with code, edits, failures, pictures, ratings and tags.
//!
//! Pages are looked at with it, and screenshots are made of it. Everything in it is made up.

mod everyday;
mod picture;
mod stories;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{Seed, Told, World};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How far back it goes.
const DAYS: u64 = 71;

/// What a person says of a prompt, which is known by its words.
pub(crate) struct Said {
    prompt: String,
    set: Value,
}

/// A told session, and what is said of its prompts.
pub(crate) struct Story {
    told: Told,
    said: Vec<Said>,
}

impl Story {
    pub(crate) fn begin(seed: u64, cwd: &str, branch: &str, at_ms: u64) -> Self {
        Self { told: Told::begin(seed, cwd, at_ms).with("gitBranch", branch), said: Vec::new() }
    }

    /// A prompt of which a person says this later; null is nothing.
    pub(crate) fn prompt(&mut self, text: &str, set: Value) -> &mut Told {
        if !set.is_null() {
            self.said.push(Said { prompt: text.to_owned(), set });
        }
        self.told.now_ms += 95_000;
        self.told.prompt(text);
        &mut self.told
    }
}

/// A world that holds all of it, taken in by the real programs: years of it imported, today's through the hook.
///
/// # Panics
/// When a program fails.
pub fn world() -> World {
    let world = World::new();
    fill(&world);
    world
}

/// Fills a world whose store is empty.
fn fill(world: &World) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as u64;
    let everyday = everyday::stories(now);
    // How many these are depends on the day of the week.
    let in_full = everyday.len();
    let stories: Vec<_> = everyday.into_iter().chain(stories::all(now)).collect();
    let captured = world.root().join("captured");
    for (nth, story) in stories.iter().enumerate() {
        // Some sessions ran before the hooks were there, and of some of the others no transcript is left.
        let early = story.told.now_ms + 50 * DAY_MS < now;
        if early || nth >= in_full || nth % 9 != 4 {
            for (path, bytes) in story.told.files() {
                put(&world.projects_root().join(path), &bytes);
            }
        }
        for (ns, event, payload) in story.told.events.iter().filter(|_| !early) {
            put(&captured.join(format!("{ns}-{}-{event}.json", story.told.id)), payload.to_string().as_bytes());
        }
    }
    let import = world.bin("ingest").args(["import", "--quiet"]).args([&captured, &world.projects_root()]);
    let _ = import.succeed();
    live(world, now);
    say(world, &stories);
}

/// A few prompts that the hook captures now, and one payload that no reader takes.
fn live(world: &World, now: u64) {
    let mut told = Told::begin(4_711, stories::LEDGER, now).with("gitBranch", "main");
    told.prompt("What is still open before the release?");
    told.answers(
        "Two things: the changelog has no entry for the new rounding rule, and `cargo deny` is red on one licence.",
    );
    told.prompt("Write the changelog entry.");
    for (_, event, payload) in &told.events {
        world.hook(event, payload.to_string());
        let _ = world.ingest_once();
    }
    world.hook("UserPromptSubmit", r#"{"session_id":"5f0c","prompt":"a payload that was cut off in the mid"#);
    let _ = world.ingest(&["once", "--json"]);
}

/// Says what people said, through the API.
fn say(world: &World, stories: &[Story]) {
    let server = world.serve();
    let listed = server.items(&[("limit", "200")]);
    let mut client = server.client();
    for said in stories.iter().flat_map(|story| &story.said) {
        let found = listed.iter().find(|item| item["prompt_text"] == said.prompt.as_str());
        let id = &found.unwrap_or_else(|| panic!("no prompt {:?} in the store", said.prompt))["id"];
        let answer = client.json("PUT", &format!("/api/conversations/{id}/rating"), &said.set.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for (name, query) in
        [("Failed this month", "status=failed"), ("Worth keeping", "rating=>=4"), ("Slow queries", "tag=performance")]
    {
        let body = json!({"name": name, "query": query});
        let answer = client.json("POST", "/api/views", &body.to_string());
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
    fs::write(path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// When so many days ago a session began: at an hour of work.
fn morning(now: u64, days_ago: u64, seed: &mut Seed) -> u64 {
    (now / DAY_MS - days_ago) * DAY_MS + (8 + seed.below(9) as u64) * HOUR_MS + seed.below(3_500_000) as u64
}
