//! Figures held to a naive count of the conversations, whatever became of these before.

use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::ids::Key;
use crate::latency;
use crate::quarter::command;
use crate::read::inspect::Inspector;
use crate::read::seed::{Store, turn};
use crate::words::Status;
use crate::write::{Lineage, Look, Part, Replaced, Session, ToolCall, Turn, Usage, Writer};

/// 2026-03-29 01:00 UTC: in Berlin the clock goes from two to three.
const SPRING: i64 = 1_774_746_000_000;
const MODELS: [Option<&str>; 3] = [None, Some("a"), Some("b")];
const FOLDERS: [Option<&str>; 4] = [None, Some("/p"), Some("/p/sub"), Some("/q")];
const PROMPTS: [Option<&str>; 5] =
    [None, Some("/go now"), Some("!git log"), Some(""), Some("a longer prompt, of more than thirty signs")];
const TOOLS: [&str; 2] = ["Bash", "Edit"];

fn berlin(ms: i64) -> i32 {
    if ms < SPRING { 3600 } else { 7200 }
}

/// What a test says of a conversation.
#[derive(Clone, Debug)]
struct Made {
    session: bool,
    quarter: i64,
    kind: usize,
    via: usize,
    folder: usize,
    prompt: usize,
    failed: bool,
    seen: (bool, bool),
    /// Tool, milliseconds, failed.
    calls: Vec<(usize, Option<i64>, bool)>,
    /// Model, tokens, price.
    usage: Vec<(usize, i64, Option<i64>)>,
}

fn made() -> impl Strategy<Value = Made> {
    let calls = proptest::collection::vec((0..TOOLS.len(), proptest::option::of(0..5000_i64), any::<bool>()), 0..3);
    let usage = proptest::collection::vec((0..MODELS.len(), 0..1000_i64, proptest::option::of(0..1_000_000_i64)), 0..3);
    let place = (any::<bool>(), -30..30_i64, 0..Kind::ALL.len(), 0..Via::ALL.len());
    let rest = (0..FOLDERS.len(), 0..PROMPTS.len(), any::<bool>(), any::<(bool, bool)>(), calls, usage);
    (place, rest).prop_map(|((session, quarter, kind, via), (folder, prompt, failed, seen, calls, usage))| Made {
        session,
        quarter,
        kind,
        via,
        folder,
        prompt,
        failed,
        seen,
        calls,
        usage,
    })
}

fn of(n: usize, made: &Made) -> Turn {
    Turn {
        keys: vec![Key::Line([n as u8; 16])],
        former_keys: Vec::new(),
        session_id: if made.session { "s" } else { "t" }.into(),
        parent: None,
        agent_id: None,
        ordinal: n as i64,
        timestamp_ms: SPRING + made.quarter * 1_000_000, // two in one quarter now and then
        ended_ms: None,
        kind: Kind::ALL[made.kind],
        via: Via::ALL[made.via],
        status: if made.failed { Status::Failed } else { Status::Complete },
        prompt_text: PROMPTS[made.prompt].map(str::to_owned),
        response_text: None,
        prompt_id: None,
        model: None,
        cwd: FOLDERS[made.folder].map(str::to_owned),
        from_hook: made.seen.0,
        from_transcript: made.seen.1,
        metadata: "{}".into(),
        blocks: Vec::new(),
        tool_calls: made
            .calls
            .iter()
            .map(|(tool, duration_ms, is_error)| ToolCall {
                tool_use_id: None,
                name: TOOLS[*tool].into(),
                is_error: *is_error,
                refused: false,
                finished: true,
                started_ms: None,
                duration_ms: *duration_ms,
                input: None,
                output: None,
            })
            .collect(),
        usage: made
            .usage
            .iter()
            .enumerate()
            .map(|(at, (model, tokens, cost))| Usage {
                message_id: format!("{n} {at}"),
                request_id: None,
                model: MODELS[*model].map(str::to_owned),
                input_tokens: *tokens,
                output_tokens: tokens * 2,
                cache_creation_tokens: tokens * 3,
                cache_creation_1h_tokens: 0,
                cache_read_tokens: tokens * 4,
                cost: *cost,
            })
            .collect(),
    }
}

/// Puts these in place of all that is there; the sessions are at home where `home` says.
fn put(writer: &mut Writer, all: &[Made], home: usize, look: Look) -> Replaced {
    let turns: Vec<Turn> = all.iter().enumerate().map(|(n, made)| of(n, made)).collect();
    let part = |session: &str| {
        let cwd = FOLDERS[home].map(str::to_owned);
        let facts = Session { session_id: session.into(), cwd, ..Session::default() };
        (session.to_owned(), Part { facts, parser: crate::PARSER, ..Part::default() })
    };
    let batch = writer.batch().unwrap();
    let done = batch.replace(&Lineage { parts: [part("s"), part("t")].into(), turns }, look, 0).unwrap();
    batch.commit().unwrap();
    done
}

/// Calls, failures, and how many took how long.
type Called = (i64, i64, BTreeMap<i64, i64>);

/// The same by looking at each conversation.
fn naive(all: &[Made], home: usize, request: &StatsRequest) -> Stats {
    let mut stats = Stats {
        lengths: std::iter::once(0).chain(LENGTHS).map(|from| (from, 0)).collect(),
        rated_lengths: vec![Ratings::default(); LENGTHS.len() + 1],
        ..Stats::default()
    };
    let (mut days, mut projects) = (BTreeMap::new(), BTreeMap::new());
    let (mut models, mut tools, mut commands) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (n, made) in all.iter().enumerate() {
        let turn = of(n, made);
        let cwd = turn.cwd.clone().or(FOLDERS[home].map(str::to_owned));
        let inside = |project: &String| {
            cwd.as_ref().is_some_and(|cwd| cwd == project || cwd.starts_with(&format!("{project}/")))
        };
        if !request.project.as_ref().is_none_or(inside)
            || !(request.vias.is_empty() || request.vias.contains(&turn.via))
            || !(request.kinds.is_empty() || request.kinds.contains(&turn.kind))
            || request.since_ms.is_some_and(|since| turn.timestamp_ms < since)
            || request.until_ms.is_some_and(|until| turn.timestamp_ms >= until)
        {
            continue;
        }
        let here = turn.timestamp_ms + i64::from(berlin(turn.timestamp_ms)) * 1000;
        let day: &mut Figures = days.entry(Day(here.div_euclid(DAY_MS))).or_default();
        let project: &mut Figures = projects.entry(cwd).or_default();
        if !request.kinds.is_empty() || Kind::LISTED.contains(&turn.kind) {
            let failed = i64::from(made.failed || made.calls.iter().any(|call| call.2));
            for figures in [&mut *day, &mut *project, &mut stats.total] {
                figures.conversations += 1;
                figures.failed += failed;
            }
            let time = chrono_free(here);
            stats.hours[time.0][time.1] += 1;
            match made.seen {
                (true, false) => stats.seen.hook_only += 1,
                (false, true) => stats.seen.transcript_only += 1,
                _ => stats.seen.both += 1,
            }
            if let Some(prompt) = &turn.prompt_text {
                let bucket =
                    stats.lengths.iter().rposition(|(from, _)| prompt.chars().count() as i64 >= *from).unwrap();
                stats.lengths[bucket].1 += 1;
            }
        }
        let is_command = !request.kinds.is_empty() || Kind::LISTED.contains(&turn.kind) || turn.kind == Kind::Local;
        let prompt = turn.prompt_text.as_deref().filter(|_| is_command);
        if let Some(name) = prompt.and_then(|prompt| command(turn.kind, prompt)) {
            *commands.entry(name).or_insert(0) += 1;
        }
        for used in &turn.usage {
            let model: &mut Tokens = models.entry(used.model.clone()).or_default();
            for tokens in [&mut day.tokens, &mut project.tokens, &mut stats.total.tokens, model] {
                tokens.messages += 1;
                tokens.input += used.input_tokens;
                tokens.output += used.output_tokens;
                tokens.cache_creation += used.cache_creation_tokens;
                tokens.cache_read += used.cache_read_tokens;
                tokens.cost += used.cost.unwrap_or(0);
                tokens.unpriced += i64::from(used.cost.is_none());
            }
        }
        for call in &turn.tool_calls {
            let tool: &mut Called = tools.entry(call.name.clone()).or_default();
            tool.0 += 1;
            tool.1 += i64::from(call.is_error);
            if let Some(took) = call.duration_ms {
                *tool.2.entry(latency::bucket(took)).or_default() += 1;
            }
        }
    }
    stats.days = days.into_iter().filter(|(_, it)| *it != Figures::default()).collect();
    stats.projects = projects.into_iter().filter(|(_, it)| *it != Figures::default()).collect();
    stats.models = models.into_iter().collect();
    stats.commands = commands.into_iter().collect();
    for (name, (calls, failures, took)) in tools {
        let took = Latency::of(&took.into_iter().collect::<Vec<_>>());
        stats.tools.push(Tool { name, calls, failures, took });
    }
    sorted(stats)
}

/// The weekday, Monday first, and the hour, counted on from a Monday.
fn chrono_free(here: i64) -> (usize, usize) {
    const MONDAY: i64 = 1_774_224_000_000; // 2026-03-23
    let hours = (here - MONDAY).div_euclid(HOUR_MS).rem_euclid(7 * 24) as usize;
    (hours / 24, hours % 24)
}

/// Lists by name: how equals are ordered is no matter.
fn sorted(mut stats: Stats) -> Stats {
    stats.models.sort_by(|a, b| a.0.cmp(&b.0));
    stats.projects.sort_by(|a, b| a.0.cmp(&b.0));
    stats.tools.sort_by(|a, b| a.name.cmp(&b.name));
    stats.commands.sort();
    stats
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Growth, moves between sessions, times and folders, removal, and a rebuild: the sums are those of what is there.
    #[test]
    fn sums_are_those_of_the_conversations(
        steps in proptest::collection::vec((proptest::collection::vec(made(), 0..8), 0..FOLDERS.len()), 1..4),
        quarters in (-40..20_i64, 0..50_i64),
    ) {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        let mut writer = Writer::open(&dir).unwrap();
        for (all, at) in &steps {
            put(&mut writer, all, *at, Look::Digests);
        }
        let (all, at) = steps.last().unwrap();
        let mut reader = Reader::open(&dir).unwrap();
        let requests = [
            StatsRequest::default(),
            StatsRequest { vias: vec![Via::Interactive, Via::Print, Via::Sdk], ..StatsRequest::default() },
            StatsRequest { kinds: vec![Kind::Subagent, Kind::Shell], ..StatsRequest::default() },
            StatsRequest { project: Some("/p".into()), ..StatsRequest::default() },
            StatsRequest {
                since_ms: Some(SPRING + quarters.0 * 900_000),
                until_ms: Some(SPRING + (quarters.0 + quarters.1) * 900_000),
                ..StatsRequest::default()
            },
        ];
        for request in &requests {
            prop_assert_eq!(sorted(reader.stats(request, &berlin).unwrap()), naive(all, *at, request), "{:?}", request);
        }
        prop_assert_eq!(Inspector::open(&dir).unwrap().misfiled().unwrap(), 0);
        prop_assert_eq!(put(&mut writer, all, *at, Look::Rows), Replaced::Written { changed: 0, removed: 0 });
        prop_assert_eq!(sorted(reader.stats(&requests[0], &berlin).unwrap()), naive(all, *at, &requests[0]));
    }
}

#[test]
fn lists_begin_with_the_largest() {
    let home = tempfile::tempdir().unwrap();
    let dir = queue::DataDir::new(home.path());
    let made = |folder, prompt, tool, model, cost| Made {
        session: true,
        quarter: 0,
        kind: 1,
        via: 0,
        folder,
        prompt,
        failed: false,
        seen: (true, true),
        calls: vec![(tool, None, false)],
        usage: vec![(model, 1, Some(cost))],
    };
    let all = [made(1, 1, 0, 1, 5), made(3, 1, 1, 2, 9), made(3, 1, 1, 1, 3)];
    put(&mut Writer::open(&dir).unwrap(), &all, 0, Look::Digests);
    let stats = Reader::open(&dir).unwrap().stats(&StatsRequest::default(), &berlin).unwrap();
    assert!(stats.projects.is_sorted_by_key(|(_, it)| Reverse(it.conversations)) && stats.projects.len() == 2);
    assert!(stats.models.is_sorted_by_key(|(_, it)| Reverse(it.cost)) && stats.models.len() == 2);
    assert!(stats.tools.is_sorted_by_key(|tool| Reverse(tool.calls)) && stats.tools.len() == 2);
    assert_eq!(stats.commands, [("/go".to_owned(), 3)]);
}

/// The newest rating of a conversation counts, on the day it was given, whichever of its ids it was given to.
#[test]
fn ratings_as_they_are_now() {
    let store = Store::new();
    store.turn(&turn("s", SPRING, "one"));
    store.turn(&turn("s", SPRING + 1, "two"));
    let print = store.turn(&turn("s", SPRING + 2, "one of more than thirty characters"));
    store.say(&format!(
        "update turns set via = 'print' where id = {0};
         insert into conversation_ids (id, created_ms) values (77, 0);
         insert into aliases values (77, 1);
         insert into rating_history values
            ('a', 1, 1, 1, {SPRING}), ('b', 1, 77, 5, {SPRING} + 86400000), ('c', 1, 2, 3, {SPRING}),
            ('d', 1, 2, null, {SPRING} + 5), ('e', 1, {0}, 4, {SPRING} + 86400001), ('f', 1, {0}, 2, {SPRING});",
        print.0
    ));
    store.refile();
    let mut reader = store.reader();
    let mut check = |request: StatsRequest, expected: &[(i64, [i64; 5])]| {
        let Stats { ratings: found, rated_lengths, .. } = reader.stats(&request, &berlin).unwrap();
        let by_length: i64 = rated_lengths.iter().map(Ratings::count).sum();
        assert_eq!(by_length, found.iter().map(|(_, it)| it.count()).sum::<i64>(), "{request:?}");
        let expected: Vec<_> = expected.iter().map(|(day, counts)| (Day(*day), Ratings(*counts))).collect();
        assert_eq!(found, expected, "{request:?}");
    };
    check(StatsRequest::default(), &[(20_542, [0, 0, 0, 1, 1])]);
    check(StatsRequest { vias: vec![Via::Print], ..StatsRequest::default() }, &[(20_542, [0, 0, 0, 1, 0])]);
    check(StatsRequest { until_ms: Some(SPRING + 900_000), ..StatsRequest::default() }, &[]);
    check(StatsRequest { project: Some("/none".into()), ..StatsRequest::default() }, &[]);
    let lengths = reader.stats(&StatsRequest::default(), &berlin).unwrap().rated_lengths;
    assert_eq!(lengths[..4], [[0, 0, 0, 0, 1], [0; 5], [0, 0, 0, 1, 0], [0; 5]].map(Ratings));
    assert_eq!(Ratings([0, 0, 0, 1, 1]).mean(), Some(4.5));
    assert_eq!(Ratings::default().mean(), None);
}
