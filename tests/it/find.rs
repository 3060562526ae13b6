//! Finding conversations through the real programs: words wherever they stand, every filter, every order, and pages that
//! stay true while others come in.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use harness::{SCENARIOS, Server, World};
use serde_json::{Value, json};

/// What a test says of a conversation.
#[derive(Clone, Copy)]
struct Said<'a> {
    prompt: &'a str,
    answer: &'a str,
    model: &'a str,
    tokens: u64,
    /// Tool, input, output, whether it failed.
    call: Option<(&'a str, &'a str, &'a str, bool)>,
}

const OPUS: &str = "claude-opus-5-5";
const SONNET: &str = "claude-sonnet-4-5";

const ALPHA: &str = "a1fa0000-0000-4000-8000-000000000001";
const BETA: &str = "be7a0000-0000-4000-8000-000000000002";

const WALRUS: Said<'_> = Said {
    prompt: "please reconfigure the walrus",
    answer: "The zebra café is ready.",
    model: OPUS,
    tokens: 5000,
    call: Some(("Bash", "grep platypus /etc/hosts", "kangaroo: three hits", false)),
};
const WEATHER: Said<'_> =
    Said {
        prompt: "東京の天気を調べて", answer: "北京也在下雨。", model: OPUS, tokens: 40, call: None
    };
const CONFIG: Said<'_> = Said {
    prompt: "run load-config twice",
    answer: "It failed.",
    model: SONNET,
    tokens: 700,
    call: Some(("Read", "/w/beta/ocelot.toml", "no such 文件 here", true)),
};
const OPEN: Said<'_> = Said { prompt: "the walrus again", answer: "", model: SONNET, tokens: 90, call: None };

/// A transcript with these, a minute apart from `minute` on.
fn transcript(session: &str, cwd: &str, minute: u32, turns: &[Said<'_>]) -> String {
    let mut lines = String::new();
    let (mut parent, mut number) = (Value::Null, 0);
    for (n, said) in (minute..).zip(turns) {
        let mut push = |role: &str, second: u32, message: Value| {
            number += 1;
            let uuid = format!("{session}-{minute}-{number}");
            let line = json!({"parentUuid": parent, "isSidechain": false, "userType": "external", "cwd": cwd,
                "sessionId": session, "version": "2.1.330", "gitBranch": "main", "type": role, "message": message, "uuid": uuid,
                "timestamp": format!("2026-11-20T{:02}:{:02}:{second:02}.000Z", n / 60, n % 60)});
            lines.push_str(&format!("{line}\n"));
            parent = uuid.into();
        };
        let assistant = |id: &str, tokens: u64, content: Value, stop: &str| {
            json!({"id": format!("msg_{session}_{n}_{id}"), "type": "message", "role": "assistant", "model": said.model,
                "content": [content], "stop_reason": stop, "usage": {"input_tokens": tokens, "output_tokens": 0}})
        };
        push("user", 0, json!({"role": "user", "content": said.prompt}));
        if let Some((name, input, output, failed)) = said.call {
            let id = format!("toolu_{session}_{n}");
            let field = if name == "Bash" { "command" } else { "file_path" };
            let call = json!({"type": "tool_use", "id": id, "name": name, "input": {field: input}});
            push("assistant", 1, assistant("call", 0, call, "tool_use"));
            let result = json!({"type": "tool_result", "tool_use_id": id, "content": output, "is_error": failed});
            push("user", 2, json!({"role": "user", "content": [result]}));
        }
        if !said.answer.is_empty() {
            let text = json!({"type": "text", "text": said.answer});
            push("assistant", 3, assistant("text", said.tokens, text, "end_turn"));
        }
    }
    lines
}

/// A store of four conversations, with what a person says of them.
fn four() -> (World, Server) {
    let world = World::new();
    let files = [
        (format!("-w-alpha/{ALPHA}.jsonl"), transcript(ALPHA, "/w/alpha", 0, &[WALRUS, WEATHER])),
        (format!("-w-beta/{BETA}.jsonl"), transcript(BETA, "/w/beta", 120, &[CONFIG, OPEN])),
    ];
    for (path, text) in &files {
        world.transcript(path, text.as_bytes());
    }
    world.ingest_once();
    let server = world.serve();
    let say = |said: Said<'_>, body: Value| {
        let items = server.items(&[]);
        let id = &items.iter().find(|item| item["prompt_text"] == said.prompt).expect(said.prompt)["id"];
        let path = format!("/api/conversations/{id}/rating");
        put(&server, "PUT", &path, &body);
    };
    say(WALRUS, json!({"rating": 5, "tags": ["marine-life", "keep"], "star": true}));
    say(WEATHER, json!({"rating": 2, "tags": ["keep"], "notes": "the barometer was wrong, 気圧計"}));
    put(&server, "PATCH", &format!("/api/sessions/{BETA}"), &json!({"title": "Quarterly axolotl 計画"}));
    (world, server)
}

fn put(server: &Server, method: &str, path: &str, body: &Value) {
    let headers = [("content-type", "application/json")];
    let answer = server.client().send(method, path, &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

fn prompts(server: &Server, query: &[(&str, &str)]) -> BTreeSet<String> {
    server.items(query).iter().map(|item| item["prompt_text"].as_str().expect("a prompt").to_owned()).collect()
}

fn expected(said: &[Said<'_>]) -> BTreeSet<String> {
    said.iter().map(|said| said.prompt.to_owned()).collect()
}

#[test]
fn words_are_found_wherever_they_stand() {
    let (_world, server) = four();
    // Each is in one place: found there and everywhere, and in no other place.
    for (q, place, said) in [
        ("reconfigure", "prompt", WALRUS),
        ("zebra", "answer", WALRUS),
        ("cafe", "answer", WALRUS),
        ("platypus", "input", WALRUS),
        ("\"grep platypus\"", "input", WALRUS),
        ("ocelot", "input", CONFIG),
        ("kangaroo", "output", WALRUS),
        ("\"three hits\"", "output", WALRUS),
        ("barometer", "note", WEATHER),
        ("marine-life", "tag", WALRUS),
        ("axolotl", "title", CONFIG),
        // One sign, two, many, in the middle of what has no blanks.
        ("京", "answer,prompt", WEATHER),
        ("天気", "prompt", WEATHER),
        ("の天気を調", "prompt", WEATHER),
        ("雨", "answer", WEATHER),
        ("在下雨", "answer", WEATHER),
        ("件", "output", CONFIG),
        ("文件", "output", CONFIG),
        ("圧", "note", WEATHER),
        ("気圧計", "note", WEATHER),
        ("画", "title", CONFIG),
        // Parts of words, in what people write.
        ("configur", "prompt", WALRUS),
        ("rome", "note", WEATHER),
        ("arine", "tag", WALRUS),
        ("xolot", "title", CONFIG),
        ("kanga*", "output", WALRUS),
        ("plat*", "input", WALRUS),
        ("zeb*", "answer", WALRUS),
    ] {
        assert_eq!(prompts(&server, &[("q", q)]), expected(&[said]), "{q}");
        assert_eq!(prompts(&server, &[("q", q), ("in", place)]), expected(&[said]), "{q} in {place}");
        let all = ["prompt", "answer", "input", "output", "note", "tag", "title"];
        for other in all.iter().filter(|other| !place.split(',').any(|place| place == **other)) {
            assert_eq!(prompts(&server, &[("q", q), ("in", other)]), expected(&[]), "{q} in {other}");
        }
        let found = server.items(&[("q", q)]);
        let matches = found[0]["matches"].as_array().expect("matches");
        assert!(matches.iter().any(|found| place.contains(found["in"].as_str().expect("a place"))), "{q}: {matches:?}");
        for found in matches {
            let marked = |piece: &Value| piece["match"] == true && piece["text"] != "";
            assert!(found["snippet"].as_array().expect("a snippet").iter().any(marked), "{q}: {found}");
        }
    }
    for (q, said) in [
        ("walrus", &[WALRUS, OPEN][..]),
        ("walrus kangaroo", &[WALRUS]), // one in the prompt, one in an output
        ("walrus -kangaroo", &[OPEN]),
        ("-walrus", &[WEATHER, CONFIG]),
        ("zebra OR ocelot", &[WALRUS, CONFIG]),
        ("load-config", &[CONFIG]),
        ("\"config load\"", &[]),
        ("\"platypus grep\"", &[]),
        ("気天", &[]),
        ("ebra", &[]),    // no parts of words in answers
        ("angaroo", &[]), // nor in what tools say
        ("walrus keep barometer", &[]),
        ("nowhere", &[]),
    ] {
        assert_eq!(prompts(&server, &[("q", q)]), expected(said), "{q}");
    }
}

#[test]
fn each_filter_leaves_what_it_says() {
    let (_world, server) = four();
    let all = &[WALRUS, WEATHER, CONFIG, OPEN][..];
    let (alpha, beta) = (&[WALRUS, WEATHER][..], &[CONFIG, OPEN][..]);
    for (name, value, said) in [
        ("session_id", ALPHA, alpha),
        ("user_session_id", BETA, beta),
        ("user_session_id", "none", &[]),
        ("project", "/w/alpha", alpha),
        ("project", "/w", all),
        ("project", "beta", beta),
        ("project", "/w/alp", &[]),
        ("kind", "human", all),
        ("kind", "command,shell", &[]),
        ("kind", "all", all),
        ("via", "ide,desktop", &[]),
        ("status", "complete", &[WALRUS, WEATHER, CONFIG]),
        ("status", "open", &[OPEN]),
        ("status", "failed,interrupted", &[]),
        ("model", OPUS, alpha),
        ("model", SONNET, &[CONFIG]),
        ("tool", "Bash", &[WALRUS]),
        ("tool", "Read", &[CONFIG]),
        ("tag", "keep", alpha),
        ("tag", "MARINE-life", &[WALRUS]),
        ("star", "true", &[WALRUS]),
        ("kept", "true", alpha),
        ("kept", "false", &[CONFIG, OPEN]),
        ("star", "false", &[WEATHER, CONFIG, OPEN]),
        ("rating", "5", &[WALRUS]),
        ("rating", ">=2", alpha),
        ("rating", "<5", &[WEATHER]),
        ("rating", "any", alpha),
        ("rating", "none", beta),
        ("has_error", "true", &[CONFIG]),
        ("has_error", "false", &[WALRUS, WEATHER, OPEN]),
        ("since", "2026-11-20T00:01:00Z", &[WEATHER, CONFIG, OPEN]),
        ("until", "2026-11-20T00:01:00Z", &[WALRUS]),
    ] {
        assert_eq!(prompts(&server, &[(name, value)]), expected(said), "{name}={value}");
        let encoded = value.replace('>', "%3E").replace('<', "%3C");
        let (_, page) = server.get(&format!("/api/conversations?count=true&limit=1&{name}={encoded}"));
        assert_eq!(page["count"], json!({"value": said.len(), "exact": true}), "{name}={value}");
        // With a search it leaves the same of what is found.
        let walrus = said.iter().filter(|said| said.prompt.contains("walrus")).copied().collect::<Vec<_>>();
        assert_eq!(prompts(&server, &[(name, value), ("q", "walrus")]), expected(&walrus), "{name}={value}");
    }
    assert_eq!(prompts(&server, &[("tag", "keep"), ("tag", "marine-life")]), expected(&[WALRUS]), "all tags");
    assert_eq!(prompts(&server, &[("tool", "Bash"), ("tool", "Read")]), expected(&[WALRUS, CONFIG]), "any tool");
    assert_eq!(prompts(&server, &[("project", "/w/alpha"), ("rating", "none")]), expected(&[]), "both");
}

#[test]
fn each_order_is_by_what_items_show() {
    let (world, server) = four();
    for scenario in SCENARIOS {
        world.feed(scenario);
        world.projects(scenario);
    }
    world.ingest_once();
    let tokens: BTreeSet<_> = server
        .items(&[("project", "/w")])
        .iter()
        .map(|item| (item["prompt_text"].to_string(), item["tokens"].as_u64()))
        .collect();
    let said = [WALRUS, WEATHER, CONFIG].map(|said| (json!(said.prompt).to_string(), Some(said.tokens)));
    let said: BTreeSet<_> = said.into_iter().chain([(json!(OPEN.prompt).to_string(), Some(0))]).collect();
    assert_eq!(tokens, said);
    for q in [None, Some("walrus OR use-bash OR now")] {
        for (sort, field) in
            [("rating", "rating"), ("length", "prompt_length"), ("tokens", "tokens"), ("cost", "cost_usd")]
        {
            for order in ["desc", "asc"] {
                let mut query = vec![("sort", sort), ("order", order), ("limit", "3")];
                query.extend(q.map(|q| ("q", q)));
                let items = server.items(&query);
                let mut all: Vec<_> = server.items(&query[3..]).iter().map(|item| item["id"].as_i64()).collect();
                let mut ids: Vec<_> = items.iter().map(|item| item["id"].as_i64()).collect();
                ids.sort_unstable();
                all.sort_unstable();
                assert!(ids.len() > 5 && ids == all, "{query:?}: {ids:?} {all:?}");
                let values: Vec<_> = items.iter().map(|item| item[field].as_f64()).collect();
                for pair in values.windows(2) {
                    let right = match (pair[0], pair[1]) {
                        (Some(one), Some(next)) => {
                            one.total_cmp(&next) != if order == "desc" { Ordering::Less } else { Ordering::Greater }
                        }
                        (one, next) => one.is_some() || next.is_none(),
                    };
                    assert!(right, "{query:?}: {values:?}");
                }
                assert!(values.first() != values.last(), "{query:?} tells nothing: {values:?}");
            }
        }
    }
    let best = server.items(&[("q", "walrus"), ("sort", "relevance")]);
    assert_eq!(best.len(), 2);
    let newest = server.items(&[("sort", "time")]);
    let mut oldest = server.items(&[("sort", "time"), ("order", "asc")]);
    oldest.reverse();
    assert_eq!(newest, oldest);
}

/// Of what was there at the begin nothing is doubled and nothing is missing, whatever comes in between two pages.
#[test]
fn pages_stay_true_while_others_come_in() {
    let (world, server) = four();
    for scenario in SCENARIOS {
        world.feed(scenario);
        world.projects(scenario);
    }
    world.ingest_once();
    let ids = |items: &[Value]| items.iter().map(|item| item["id"].as_i64().expect("an id")).collect::<Vec<_>>();
    let mut sessions = 0..;
    for sort in ["time", "rating", "length", "tokens", "cost"] {
        for q in ["", "&q=walrus%20OR%20now%20OR%20please"] {
            let path = format!("/api/conversations?limit=3&sort={sort}{q}");
            let there: BTreeSet<i64> = {
                let query = if q.is_empty() { vec![] } else { vec![("q", "walrus OR now OR please")] };
                ids(&server.items(&query)).into_iter().collect()
            };
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            for page in 0.. {
                let (status, answer) = server.get(&format!("{path}{cursor}"));
                assert_eq!(status, 200, "{answer}");
                seen.extend(ids(answer["items"].as_array().expect("items")));
                match answer["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
                if page < 2 {
                    // Older than all and newer than all, shorter and longer, cheaper and dearer.
                    let n: u32 = sessions.next().expect("another");
                    let session = format!("c0ffee00-0000-4000-8000-{n:012}");
                    let cheap = Said { prompt: "now", tokens: 1, call: None, ..WALRUS };
                    let dear = Said {
                        prompt: "now and then some walrus, please, as long as it takes",
                        tokens: 90_000,
                        ..WALRUS
                    };
                    let text = transcript(&session, "/w/gamma", 200 + n, &[cheap, dear]);
                    let text = if page == 0 { text } else { text.replace("2026-11-20", "2026-11-30") };
                    world.transcript(&format!("-w-gamma/{session}.jsonl"), text.as_bytes());
                    world.ingest_once();
                }
            }
            let once: BTreeSet<i64> = seen.iter().copied().collect();
            assert_eq!(once.len(), seen.len(), "{path}: doubled in {seen:?}");
            let missing: Vec<_> = there.difference(&once).collect();
            assert!(missing.is_empty() && there.len() > 6, "{path}: missing {missing:?} of {there:?}");
        }
    }
}
