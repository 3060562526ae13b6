//! Puts hostile texts where the store keeps texts, each of them in every place: by transcripts, hook events and queue files that
//! failed, read by the real ingester, and by the API.

use std::fs;

use harness::hostile::Payload;
use harness::{Client, Server, Told, World, encode};
use serde_json::{Value, json};

/// 2026-11-01, and a minute for each.
const BEGIN_MS: u64 = 1_793_491_200_000;
const MINUTE_MS: u64 = 60_000;
/// Of the files that failed; the others are more of the same.
const FAILED: usize = 40;
/// So many searches are kept.
const VIEWS: usize = 60;

/// Everything that comes from Claude Code.
pub(super) fn plant(world: &World, payloads: &[Payload]) {
    let incoming = world.data().incoming();
    fs::create_dir_all(&incoming).expect("a queue");
    for payload in payloads {
        let told = session(payload);
        for (path, bytes) in told.files() {
            world.transcript(&path.to_string_lossy(), &bytes);
        }
        // The same prompts by hooks, and every third session by hooks alone.
        for (ns, event, fields) in &told.events {
            let mut fields = fields.clone();
            if payload.nth % 3 == 0 {
                fields["session_id"] = format!("hooks-alone-{}", payload.nth).into();
            }
            let name = format!("{ns}-s{}-{event}.json", payload.nth);
            fs::write(incoming.join(name), fields.to_string()).expect("a queue file");
        }
    }
    failed(world, payloads);
    let _ = world.bin("ingest").args(["once", "--json", "--projects"]).arg(world.projects_root()).run();
}

/// A session that holds the text wherever a session has one.
fn session(payload: &Payload) -> Told {
    let text = payload.text.as_str();
    let mut told = Told::begin(payload.nth as u64 + 9_000, text, BEGIN_MS + payload.nth as u64 * MINUTE_MS)
        .with("gitBranch", text)
        .with("version", text)
        .with("entrypoint", if payload.nth.is_multiple_of(2) { "cli" } else { text })
        .with("slug", text);
    told.model = text.to_owned();
    // A transcript is called as its session; what else it may be called decides the store.
    if payload.nth % 12 == 7 {
        told.id = payload.line(80).chars().filter(|sign| !['/', '\0'].contains(sign)).take(50).collect();
        told.common.insert("sessionId".to_owned(), text.into());
    }
    if payload.nth.is_multiple_of(2) {
        told.titled(text);
    }
    told.raw(&json!({"type": "ai-title", "aiTitle": text, "sessionId": told.id}));
    told.raw(&json!({"type": "summary", "summary": text, "leafUuid": text}));
    told.prompt_with_image(text, text);
    told.thinks(text);
    told.says(text);
    told.calls(
        text,
        &json!({"command": text, text: {text: [text]}}),
        &text.into(),
        false,
        &json!({"stdout": text, text: text}),
    );
    told.bash(text, text, payload.nth % 2 == 1);
    told.edits(text, text, &format!("{text}\n{}", payload.mark()));
    told.writes(text, text);
    told.reads(text, text);
    told.calls(
        "Grep",
        &json!({"pattern": text, "path": text}),
        &json!([{"type": "text", "text": text}]),
        false,
        &json!(text),
    );
    told.calls("WebFetch", &json!({"url": text, "prompt": text}), &text.into(), true, &json!({"error": text}));
    told.agent(text, text, text, |agent| {
        agent.thinks(text);
        agent.bash(text, text, true);
    });
    match payload.nth % 4 {
        0 => told.fails(text),
        _ => told.answers(text),
    }
    told
}

/// Queue files that failed, with names and reasons that somebody else could have written.
fn failed(world: &World, payloads: &[Payload]) {
    let folder = world.data().failed();
    fs::create_dir_all(&folder).expect("a folder");
    for payload in payloads.iter().step_by(payloads.len() / FAILED) {
        let name: String = payload.line(120).chars().filter(|sign| !['/', '\0'].contains(sign)).take(60).collect();
        for name in [name, format!("{:019}-{}-Stop.json", payload.nth, payload.mark())] {
            fs::write(folder.join(&name), &payload.text).expect("a file that failed");
            let reason = json!({"name": payload.text, "class": payload.text, "detail": payload.text, "size": 1, "attempts": 1,
                "failed_at": payload.text});
            fs::write(folder.join(format!("{name}.reason.json")), reason.to_string()).expect("a reason");
        }
    }
}

/// Everything that people say, of each conversation that has a payload's mark: gives how often each kind of word was taken.
pub(super) fn say(server: &Server, payloads: &[Payload]) -> Said {
    let mut said = Said::default();
    let mut client = server.client();
    for item in server.items(&[("limit", "200")]) {
        let Some(payload) = payload_of(&item, payloads).filter(|payload| is_worth_a_look(&item, payload)) else {
            continue;
        };
        let path = format!("/api/conversations/{}/rating", item["id"]);
        let mut put = |body: Value| client.json("PUT", &path, &body.to_string()).status == 200;
        let marks = json!({"rating": payload.nth % 5 + 1, "star": payload.nth % 2 == 0, "notes": payload.text});
        said.notes += usize::from(put(marks) || put(json!({"rating": 1})));
        let tag = payload.line(100).replace(',', ";");
        said.tags += usize::from(put(json!({"tags": [tag, "common"]})));
        let session = encode(item["user_session_id"].as_str().unwrap_or_default());
        said.titles += usize::from(title(&mut client, &session, &payload.line(200)));
    }
    for payload in payloads.iter().step_by(payloads.len() / VIEWS) {
        let body = json!({"name": payload.line(200), "query": format!("q={}", encode(&payload.text))});
        said.views += usize::from(client.json("POST", "/api/views", &body.to_string()).status < 300);
    }
    said
}

fn title(client: &mut Client, session: &str, title: &str) -> bool {
    client.json("PATCH", &format!("/api/sessions/{session}"), &json!({"title": title}).to_string()).status == 200
}

/// How many of each were taken.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) notes: usize,
    pub(super) tags: usize,
    pub(super) titles: usize,
    pub(super) views: usize,
}

/// What both sources saw is more than what hooks alone did: of those a few are enough.
pub(super) fn is_worth_a_look(item: &Value, payload: &Payload) -> bool {
    item["sources"]["transcript"] == true || payload.nth.is_multiple_of(super::SOME)
}

/// The payload that a conversation was made of.
pub(super) fn payload_of<'p>(item: &Value, payloads: &'p [Payload]) -> Option<&'p Payload> {
    let text = item["prompt_text"].as_str().or(item["response_text"].as_str())?;
    let at = text.find("hq").into_iter().chain(text.rfind("hq"));
    at.filter_map(|at| text.get(at + 2..at + 6)?.parse::<usize>().ok()).find_map(|nth| payloads.get(nth))
}
