//! A world with a secret in every kind of text that it can hold, and over every place at which a text is cut.

use harness::{Seed, Told, World};
use serde_json::{Value, json};

/// A secret, and where it stands.
pub(super) struct Canary {
    pub(super) place: &'static str,
    pub(super) secret: String,
}

pub(super) struct Canaries(pub(super) Vec<Canary>);

/// Those that are named are in the texts below; each is another one.
const PLACES: [&str; 12] = [
    "prompt",
    "answer",
    "thought",
    "input",
    "output",
    "file",
    "edit",
    "subagent",
    "title",
    "shell",
    "said note",
    "said tag",
];
const AT_MS: u64 = 1_795_350_951_598;
/// Of a secret so many bytes are none of it: they could stand anywhere.
const PART: usize = 10;

impl Canaries {
    pub(super) fn new() -> Self {
        let mut seed = Seed::new(40);
        Self(PLACES.map(|place| Canary { place, secret: key(&mut seed) }).into())
    }

    fn at(&self, place: &str) -> &str {
        &self.0.iter().find(|canary| canary.place == place).expect("a place").secret
    }

    /// Those that stand in these bytes, whole.
    pub(super) fn whole_in<'c>(&'c self, bytes: &'c [u8]) -> impl Iterator<Item = &'c Canary> {
        let text = String::from_utf8_lossy(bytes);
        self.0.iter().filter(move |canary| text.contains(&canary.secret))
    }

    /// Fails if any part of one stands there.
    pub(super) fn assert_none_in(&self, name: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for Canary { place, secret } in &self.0 {
            let random = &secret[4..];
            for part in 0..=random.len() - PART {
                if let Some(at) = text.find(&random[part..part + PART]) {
                    let around =
                        &text[text.floor_char_boundary(at.saturating_sub(150))..text.ceil_char_boundary(at + 60)];
                    panic!("{name} shows a part of the secret in {place}: {around}");
                }
            }
        }
    }

    /// The session that most of them are in.
    pub(super) fn session(&self) -> String {
        self.told().id
    }

    fn told(&self) -> Told {
        let at = |place| self.at(place);
        let mut told = Told::begin(4, "/src/vault", AT_MS);
        told.titled(&format!("Keys: {}", at("title")));
        told.prompt(&format!("My needle is {} and I lost it", at("prompt")));
        told.thinks(&format!("The needle {} is a secret", at("thought")));
        told.bash(&format!("export GH={} && needle", at("input")), &format!("needle\n{}\nend", at("output")), false);
        told.reads("/src/vault/.env", &format!("A=1\nTOKEN={}\nneedle=2", at("file")));
        told.edits("/src/vault/.env", "needle = old\n", &format!("needle = new\nTOKEN={}\n", at("edit")));
        told.agent("Explore", "look for needles", &format!("needle: {}", at("subagent")), |told| {
            told.bash(&format!("echo {}", at("subagent")), "needle", false);
        });
        told.says(&format!("One needle: {}", at("answer")));
        told.answers(&format!("Your needle was `{}`.", at("answer")));
        told
    }

    /// Long texts that hold one secret after the other, so that each cut goes through one; the rest of a title, too.
    fn long(&self) -> Told {
        let many = |place: &str, times: usize| format!("{} ", self.at(place)).repeat(times);
        let mut told = Told::begin(5, "/src/vault", AT_MS + 4_000_000);
        told.prompt(&format!("{}{}\nneedle {}", "long and wide ".repeat(7), self.at("prompt"), many("prompt", 1_000)));
        told.bash("cat needles", &many("output", 30_000), false);
        told.writes("/src/vault/needles", &many("file", 3_000));
        told.answers(&many("answer", 1_000));
        told
    }

    /// The world that holds them, taken in by the real programs with the setting off.
    pub(super) fn world(&self) -> World {
        let world = World::new();
        let mut told = [self.told(), self.long()];
        let shell = format!("<bash-input>curl -H 'X: {}' needle</bash-input>", self.at("shell"));
        told[0].prompt(&shell);
        for told in &told {
            for (path, bytes) in told.files() {
                world.transcript(path.to_str().expect("a path"), &bytes);
            }
            for (ns, event, payload) in &told.events {
                let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
                let _ = hook.stdin(payload.to_string()).run().code(0).silent();
            }
        }
        let cut = format!("{{\"session_id\":\"x\",\"prompt\":\"cut {}", self.at("prompt"));
        world.hook("UserPromptSubmit", cut);
        let _ = world.ingest_once();
        self.say(&world);
        world
    }

    fn say(&self, world: &World) {
        let server = world.serve();
        let mut client = server.client();
        let mut send = |method: &str, path: &str, body: Value| {
            let answer = client.json(method, path, &body.to_string());
            assert!(answer.status < 300, "{path}: {}", answer.text());
        };
        let found = server.items(&[("q", "lost")]);
        let id = &found[0]["id"];
        let note = format!("please rotate the needle {} soon", self.at("said note"));
        let tags = [self.at("said tag"), "vault"];
        send(
            "PUT",
            &format!("/api/conversations/{id}/rating"),
            json!({"notes": note, "tags": tags, "star": true, "rating": 5}),
        );
        send(
            "PATCH",
            &format!("/api/sessions/{}", self.session()),
            json!({"title": format!("Keys: {}", self.at("title"))}),
        );
        let query = format!("q={}", self.at("prompt"));
        send("POST", "/api/views", json!({"name": format!("view {}", self.at("said tag")), "query": query}));
    }
}

/// A key as GitHub makes them, made up.
pub(super) fn key(seed: &mut Seed) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let random: String = (0..36).map(|_| char::from(SIGNS[seed.below(SIGNS.len())])).collect();
    format!("ghp_{random}")
}
