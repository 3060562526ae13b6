//! Pages, filters, orders and searches against what a plain look at every conversation finds, and the plans behind them.

mod long;
mod plain;

use super::*;
use crate::read::query::{Place, Places};
use crate::read::search::scratch::Scratch;
use crate::read::seed::{Row, Store, turn};
use crate::read::span::LastChunk;
use crate::read::{Match, Reader};
use crate::veil::Veil;
use plain::{Seed, Told, call, fits, write};

fn query(typed: &str) -> Option<Query> {
    Query::parse(typed, Places::EVERYWHERE).unwrap()
}

fn searched(typed: &str) -> ListRequest {
    ListRequest { filter: Filter { query: query(typed), ..Filter::default() }, ..ListRequest::default() }
}

fn ids(reader: &mut Reader, request: &ListRequest) -> Vec<i64> {
    reader.list(request).unwrap().items.iter().map(|item| item.turn.id.0).collect()
}

/// Every page, one after the other.
fn pages(reader: &mut Reader, request: &ListRequest) -> Vec<Vec<i64>> {
    let (mut pages, mut request) = (Vec::new(), request.clone());
    loop {
        let page = reader.list(&request).unwrap();
        pages.push(page.items.iter().map(|item| item.turn.id.0).collect());
        match page.next {
            Some(next) => request.after = Some(next),
            None => return pages,
        }
    }
}

#[test]
fn newest_first_and_by_id_where_times_are_equal() {
    let store = Store::new();
    for time in [30, 10, 20, 20, 20] {
        store.turn(&turn("s", time, "p"));
    }
    let mut reader = store.reader();
    for filter in [
        Filter::default(),
        Filter { query: query("p"), ..Filter::default() },
        Filter { sessions: vec!["s".into()], ..Filter::default() },
        Filter { query: query("-q"), ..Filter::default() },
    ] {
        let request = ListRequest { filter, limit: 2, ..ListRequest::default() };
        assert_eq!(pages(&mut reader, &request), [vec![1, 5], vec![4, 3], vec![2]], "{request:?}");
        let oldest = ListRequest { direction: Direction::Ascending, ..request };
        assert_eq!(pages(&mut reader, &oldest), [vec![2, 3], vec![4, 5], vec![1]], "{oldest:?}");
    }
    assert_eq!(pages(&mut reader, &ListRequest { limit: 5, ..ListRequest::default() }).len(), 1);
    assert_eq!(reader.last().unwrap(), Some(ConversationId(1)));
}

#[test]
fn what_is_counted_soon() {
    let store = Store::new();
    store
        .conn
        .execute_batch(
            "with recursive n (n) as (select 1 union all select n + 1 from n where n < 20000)
             insert into facets (timestamp_ms, conversation_id, kind, via, status, failed, prompt_length, tokens)
             select n, n, 0, n % 5 = 0, 0, n % 1000 = 0, 0, 0 from n",
        )
        .unwrap();
    let id = store.turn(&turn("s", 5, "p"));
    let counted = |filter: &Filter| {
        let request = ListRequest { filter: filter.clone(), limit: 1, ..ListRequest::default() };
        store.reader().list_counted_soon(&request).unwrap().count
    };
    let check = |filter: Filter, value, exact| {
        assert_eq!(counted(&filter).unwrap_or(Count { value: 0, exact: true }), Count { value, exact }, "{filter:?}");
    };
    check(Filter::default(), 10_000, false);
    check(Filter { since_ms: Some(15_001), ..Filter::default() }, 5_000, true);
    // Those that do not fit are looked at as well, and here they are too many.
    check(Filter { has_error: Some(true), ..Filter::default() }, 20, false);
    check(Filter { has_error: Some(true), since_ms: Some(10_001), ..Filter::default() }, 10, true);
    check(Filter { sessions: vec!["s".into()], ..Filter::default() }, 1, true);
    check(Filter { query: query("?!"), ..Filter::default() }, 0, true);
    let found = counted(&Filter { query: query("p"), ..Filter::default() }).unwrap();
    assert!(found.value <= 1 && (found.value == 1 || !found.exact), "{found:?} {id:?}");
}

#[test]
fn an_empty_store_has_an_empty_page() {
    let store = Store::new();
    for sort in [Sort::Time, Sort::Rating, Sort::Cost, Sort::Relevance] {
        for typed in ["", "word", "-word", "?!"] {
            let request = ListRequest { sort, count: true, ..searched(typed) };
            let count = Some(Count { value: 0, exact: true });
            let expected = Page { items: vec![], next: None, count, ranked: None, older_sessions: 0 };
            let page = store.reader().list(&request).unwrap();
            assert_eq!(Page { ranked: None, ..page }, expected, "{request:?}");
        }
    }
    assert_eq!(store.reader().last().unwrap(), None);
}

#[test]
fn a_session_is_claude_codes_or_a_persons() {
    let store = Store::new();
    for session in ["a", "a", "a", "b", "c"] {
        store.turn(&turn(session, 1, "p"));
    }
    store
        .conn
        .execute_batch(
            "insert into user_session_members (id, origin_id, user_session_id, session_id, from_conversation_id, created_ms, removed_ms)
             values ('1', 1, 'split', 'a', 3, 1, null), ('2', 1, 'split', 'c', null, 1, null),
                    ('3', 1, 'split', 'b', null, 1, 2)",
        )
        .unwrap();
    let mut reader = store.reader();
    let mut check = |session: &str, either: &[i64], own: &[i64]| {
        let filter = Filter { sessions: vec![session.into()], ..Filter::default() };
        assert_eq!(ids(&mut reader, &ListRequest { filter, ..ListRequest::default() }), either, "{session}");
        let filter = Filter { user_sessions: vec![session.into()], ..Filter::default() };
        assert_eq!(ids(&mut reader, &ListRequest { filter, ..ListRequest::default() }), own, "{session}");
    };
    check("a", &[3, 2, 1], &[2, 1]);
    check("split", &[5, 3], &[5, 3]);
    check("b", &[4], &[4]);
    check("c", &[5], &[]);
    check("none", &[], &[]);
}

/// Pages joined are what a plain look finds, in order, none twice and none missing, whatever is asked.
#[test]
fn pages_are_what_a_plain_look_finds() {
    let mut seed = Seed(7);
    for round in 0..3 {
        let store = Store::new();
        store.conn.execute_batch("begin").unwrap();
        let mut all: Vec<Told> = (0..60 * (round + 1)).map(|_| seed.told()).collect();
        all.iter_mut().for_each(|told| write(&store, told));
        store.refile();
        store.conn.execute_batch("commit").unwrap();
        let mut reader = store.reader();
        for _ in 0..120 {
            let filter = seed.filter();
            let sort = [Sort::Time, Sort::Time, Sort::Rating, Sort::Length][seed.below(4)];
            let direction = if seed.one_in(2) { Direction::Ascending } else { Direction::Descending };
            let limit = 1 + seed.below(20) as u32;
            let mut expected: Vec<_> = all.iter().filter(|told| fits(told, &filter)).collect();
            let key = |told: &Told| match (sort, direction) {
                (Sort::Length, _) => told.prompt.chars().count() as i64,
                (Sort::Rating, Direction::Descending) => told.rating.unwrap_or(-1),
                (Sort::Rating, Direction::Ascending) => told.rating.unwrap_or(i64::MAX),
                _ => 0,
            };
            expected.sort_by_key(|told| (key(told), told.time, told.id));
            if direction == Direction::Descending {
                expected.reverse();
            }
            let expected: Vec<i64> = expected.iter().map(|told| told.id).collect();
            let texts = Texts::default();
            let request = ListRequest { filter, sort, direction, limit, count: true, after: None, texts };
            let pages = pages(&mut reader, &request);
            assert_eq!(pages.concat(), expected, "{request:?}");
            assert!(pages.iter().rev().skip(1).all(|page| page.len() == limit as usize), "{request:?}");
            let page = reader.list(&request).unwrap();
            assert_eq!(page.count, Some(Count { value: expected.len() as u64, exact: true }), "{request:?}");
            let shown =
                request.filter.query.as_ref().is_some_and(|query| {
                    query.clauses().iter().any(|clause| clause.0.iter().all(|term| !term.negated))
                });
            assert!(
                !shown || page.items.iter().all(|item| item.matches.as_ref().is_some_and(|found| !found.is_empty())),
                "{request:?}"
            );
            let mut exported = crate::read::export::Exporter::open(&store.dir).unwrap();
            let exported = exported.select(&request.filter, None).unwrap();
            let mut by_time: Vec<_> = all.iter().filter(|told| fits(told, &request.filter)).collect();
            by_time.sort_by_key(|told| (told.time, told.id));
            assert!(exported.iter().map(|one| one.id.0).eq(by_time.iter().map(|told| told.id)), "{request:?}");
        }
    }
}

#[test]
fn words_find_words_phrases_and_prefixes() {
    let store = Store::new();
    for prompt in ["fix load-config now", "config to load", "NAÏVE café ✅", "loading __init__ v1.2", ""] {
        store.turn(&turn("s", 1, prompt));
    }
    let mut reader = store.reader();
    let mut check = |typed: &str, expected: &[i64]| {
        assert_eq!(ids(&mut reader, &searched(typed)), expected, "{typed:?}");
    };
    check("load config", &[2, 1]);
    check("load-config", &[1]);
    check("\"config to\"", &[2]);
    check("\"config to", &[2]);
    check("load*", &[4, 2, 1]);
    check("load", &[4, 2, 1]);
    check("\"load\"", &[2, 1]);
    check("oad", &[4, 2, 1]);
    check("ad", &[]);
    check("\"load conf\"*", &[1]);
    check("naive CAFE", &[3]);
    check("AÏV", &[3]);
    check("v1.2", &[4]);
    check("__init__", &[4]);
    check("absent", &[]);
    check("load absent", &[]);
    check("absent OR café OR now", &[3, 1]);
    check("-load", &[5, 3]);
    check("✅ ?!", &[]);
    check("✅ café", &[3]);
    check("  ", &[5, 4, 3, 2, 1]);
}

/// Nothing typed is a syntax error, and none of it is a command.
#[test]
fn no_words_can_fail() {
    let store = Store::new();
    store.turn(&turn("s", 1, "p"));
    let mut reader = store.reader();
    let pieces = [
        "\"",
        "'",
        "*",
        "(",
        ")",
        "-",
        "+",
        "^",
        ":",
        "NEAR",
        "AND",
        " OR ",
        "NOT",
        "{",
        "}",
        " ",
        "a",
        "\0",
        "é",
        "\u{301}",
        "_",
        "²",
        "⅓",
        "ª",
        "\u{e000}",
        "\u{200d}",
        "text:",
        "rank",
        ";",
        "--",
        "\\",
        "日本",
        "\u{feff}",
        "a\u{301}bc",
    ];
    let mut seed = Seed(1);
    for _ in 0..600 {
        let typed: String = (0..seed.below(9)).map(|_| seed.pick(&pieces)).collect();
        for sort in [Sort::Time, Sort::Relevance] {
            let request = ListRequest { sort, count: true, ..searched(&typed) };
            reader.list(&request).unwrap_or_else(|error| panic!("{typed:?}: {error}"));
        }
    }
}

/// Words that are common, but only far down the list, are found behind the end of the walk.
#[test]
fn a_walk_in_vain_ends_and_the_search_goes_on() {
    let store = Store::new();
    store.conn.execute_batch("begin").unwrap();
    let (above, hits) = (IN_VAIN as i64 + 700, MOST_COUNTED as i64 + 10);
    for n in 0..above + hits {
        store.turn(&turn("s", -n, if n < above { "other" } else { "common stone" }));
    }
    store.conn.execute_batch("commit").unwrap();
    let mut reader = store.reader();
    for typed in ["common", "comm*", "co*", "common stone", "\"common stone\"", "omm", "common -other", "x OR common"] {
        let request = ListRequest { limit: 2, ..searched(typed) };
        let page = reader.list(&request).unwrap();
        assert_eq!(page.items.iter().map(|item| item.turn.id.0).collect::<Vec<_>>(), [above + 1, above + 2], "{typed}");
        let next = reader.list(&ListRequest { after: page.next, ..request }).unwrap();
        assert_eq!(next.items[0].turn.id.0, above + 3, "{typed}");
    }
    let counted = reader.count(&searched("common").filter).unwrap();
    assert!(counted.value <= MOST_COUNTED && counted.value > 0 && !counted.exact, "{counted:?}");
    let ranked = reader.list(&ListRequest { sort: Sort::Relevance, limit: 3, ..searched("common") }).unwrap();
    assert_eq!(ranked.items.len(), 3);
    assert!(ranked.ranked.is_some_and(|ranked| ranked > 3 && ranked <= MOST_COUNTED as u32), "{:?}", ranked.ranked);
}

#[test]
fn relevance_puts_what_people_wrote_first() {
    let store = Store::new();
    let told = |prompt: &str, answer: &str, output: &str, tag: &str| Told {
        session: "s".into(),
        tool: 1,
        prompt: prompt.into(),
        answer: answer.into(),
        output: output.into(),
        tag: tag.into(),
        ..Told::default()
    };
    for mut told in
        [told("x", "x", "load", ""), told("x", "load", "", ""), told("load", "", "", ""), told("x", "", "", "load")]
    {
        write(&store, &mut told);
    }
    store.refile();
    let request = ListRequest { sort: Sort::Relevance, limit: 3, ..searched("load") };
    assert_eq!(pages(&mut store.reader(), &request), [vec![4, 3, 2], vec![1]]);
}

/// A phrase is true of the texts, however many calls hold its words, and however long a text is.
#[test]
fn a_phrase_is_found_in_the_last_of_many_calls() {
    let store = Store::new();
    let mut told = Told { session: "s".into(), prompt: "x".into(), ..Told::default() };
    write(&store, &mut told);
    for seq in 0..100 {
        call(&store, told.id, seq, "Bash", "config load", "load the config");
    }
    let none: [i64; 0] = [];
    let mut reader = store.reader();
    assert_eq!(ids(&mut reader, &searched(r#""load config""#)), none);
    assert_eq!(ids(&mut reader, &searched(r#"-"load config" x"#)), [1]);
    let long = format!("naïve {} load config", "load x config ".repeat(20_000));
    call(&store, told.id, 100, "Bash", "", &long);
    assert_eq!(ids(&mut reader, &searched(r#""load config""#)), [1]);
    assert_eq!(ids(&mut reader, &searched(r#"-"load config" x"#)), none);
    let page = reader.list(&searched(r#""load config""#)).unwrap();
    let found = page.items[0].matches.as_ref().unwrap();
    assert_eq!((found.len(), found[0].tool_use_id.as_deref()), (1, Some("call 100")));
    assert!(found[0].snippet.iter().any(|piece| piece.matched && piece.text == "load config"));
}

/// Each word of a query is shown, in the text where it stands, as long as few enough places are shown.
#[test]
fn every_word_is_shown() {
    let store = Store::new();
    let mut told = Told { session: "s".into(), prompt: "alpha".into(), ..Told::default() };
    write(&store, &mut told);
    call(&store, told.id, 0, "Bash", "", &format!("beta {} gamma", "x ".repeat(500)));
    for seq in 1..100 {
        call(&store, told.id, seq, "Bash", "", "beta");
    }
    call(&store, told.id, 100, "Bash", "", &format!("{} delta", "x ".repeat(500)));
    let check = |typed: &str, expected: &[&str]| {
        let page = store.reader().list(&searched(typed)).unwrap();
        let told = |found: &Match| {
            let matched = found.snippet.iter().filter(|piece| piece.matched).map(|piece| piece.text.as_str());
            format!("{} {}", found.place.as_str(), matched.collect::<Vec<_>>().join(" "))
        };
        let shown: Vec<_> = page.items[0].matches.as_ref().unwrap().iter().map(told).collect();
        assert_eq!(shown, expected, "{typed}");
    };
    check("alpha", &["prompt alpha"]);
    check("alpha beta", &["prompt alpha", "output beta"]);
    check("beta gamma", &["output beta", "output gamma"]);
    check("beta delta", &["output beta", "output delta"]);
    check("gamma delta alpha", &["prompt alpha", "output gamma", "output delta"]);
    check("alpha beta gamma delta", &["prompt alpha", "output beta", "output gamma"]);
    check("alpha OR delta", &["prompt alpha"]);
    check("beta -zeta", &["output beta"]);
}

#[test]
fn what_takes_long_to_rank_is_ranked_in_stretches() {
    let store = Store::new();
    for nth in 0..12 {
        let prompt = if nth % 3 == 0 { "load" } else { "x" };
        let answer = if nth % 2 == 0 { "load" } else { "x" };
        let mut told =
            Told { session: "s".into(), tool: 1, prompt: prompt.into(), answer: answer.into(), ..Told::default() };
        write(&store, &mut told);
    }
    store.refile();
    let scratch = Scratch::new().unwrap();
    let asked = Asked { conn: &store.conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &Veil::default() };
    for direction in [Direction::Descending, Direction::Ascending] {
        for limit in [1, 2, 50] {
            let mut request = ListRequest { sort: Sort::Relevance, direction, limit, ..searched("load") };
            let (mut found, mut pages) = (Vec::new(), 0);
            loop {
                // No time at all: each stretch is of one row.
                let bounds = Bounds { patience: Duration::ZERO, ..Bounds::PAGE };
                let page = page_within(asked, &request, bounds).unwrap();
                found.extend(page.items.iter().map(|item| item.turn.id.0));
                pages += 1;
                request.after = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!(found, [11, 10, 9, 7, 5, 4, 3, 1], "{limit}");
            assert_eq!(pages, 8);
        }
    }
    // What comes in while somebody turns the pages changes none of them.
    let mut request = ListRequest { sort: Sort::Relevance, limit: 3, ..searched("load") };
    let first = page(asked, &request).unwrap();
    write(&store, &mut Told { session: "s".into(), tool: 1, prompt: "load load".into(), ..Told::default() });
    store.refile();
    request.after = first.next;
    let second = page(asked, &request).unwrap();
    let ids = |page: &Page| page.items.iter().map(|item| item.turn.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second)), (vec![7, 1, 10], vec![4, 11, 9]));
    assert_eq!((first.ranked, second.ranked), (Some(8), Some(8)));
}

#[test]
fn a_title_stands_for_the_first_conversation_of_its_session() {
    let store = Store::new();
    for (session, time, kind) in
        [("a", 1, "notification"), ("a", 2, "human"), ("a", 3, "human"), ("b", 4, "human"), ("b", 5, "human")]
    {
        store.turn(&Row { kind, ..turn(session, time, "x") });
    }
    let run = |sql: &str| store.conn.execute_batch(sql).unwrap();
    run("insert into sessions (session_id, title) values ('a', 'Fix the reloading'), ('b', 'Load pages')");
    let mut reader = store.reader();
    let mut check = |typed: &str, expected: &[i64]| {
        let page = reader.list(&searched(typed)).unwrap();
        let found: Vec<_> = page.items.iter().map(|item| item.turn.id.0).collect();
        assert_eq!(found, expected, "{typed}");
        assert!(page.items.iter().all(|item| item.matches.as_ref().unwrap()[0].place == Place::Title), "{typed}");
    };
    check("load", &[4, 2]);
    check("\"load\"", &[4]);
    check("fix", &[2]);
    run("insert into session_titles values ('1', 1, 'b', 'Mine', 1)");
    check("mine", &[4]);
    check("load", &[2]);
    run("insert into session_titles values ('2', 1, 'b', null, 2)");
    check("load", &[4, 2]);
    run("insert into user_session_members values ('m', 1, 'split', 'b', 5, 1, null)");
    run("insert into session_titles values ('3', 1, 'split', 'Second half', 3)");
    check("half", &[5]);
    run("update sessions set title = null where session_id = 'a'");
    check("load", &[4]);
}

/// The plan of a statement, a line each; of its subqueries only if they are asked for.
fn plan(sql: &str, subqueries: bool) -> String {
    let store = Store::new();
    let mut explain = store.conn.prepare(&format!("explain query plan {sql}")).unwrap();
    let mut rows = explain.raw_query(); // nothing is bound to a statement that is only explained
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        if subqueries || row.get::<_, i64>(1).unwrap() == 0 {
            lines.push(row.get::<_, String>(3).unwrap());
        }
    }
    lines.join("\n")
}

#[test]
fn no_statement_reads_a_whole_table_of_texts() {
    for (name, sql) in rows::STATEMENTS {
        let plan = plan(sql, false);
        let walks = ["newest", "oldest", "further down", "further up"].contains(&name);
        assert!(
            !walks
                || plan.contains("f USING PRIMARY KEY ((timestamp_ms")
                || plan.contains("facets USING PRIMARY KEY ((timestamp_ms"),
            "{name}: {plan}"
        );
        assert!(!walks || !plan.contains("TEMP B-TREE"), "{name}: {plan}");
        // An index made for one question is made of all rows.
        assert!(!plan.contains("AUTOMATIC"), "{name}: {plan}");
    }
    let texts = ["turns", "blocks", "tool_calls", "t", "b", "c", "h"];
    let all = rows::STATEMENTS
        .map(|(_, sql)| sql)
        .into_iter()
        .chain(crate::read::search::STATEMENTS)
        .chain([crate::read::search::CONVERSATIONS])
        .chain(crate::read::snippet::STATEMENTS);
    for sql in all {
        for line in plan(sql, true).lines() {
            let table = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            // An index of kinds or of times leads to half of a table as well.
            let wide = ["turns_kind", "turns_listed", "turns_newest"].iter().any(|index| line.contains(index));
            assert!(!wide && table.is_none_or(|table| !texts.contains(&table)), "{line} in {sql}\n{}", plan(sql, true));
        }
    }
    // FTS5 gets the words (M) and the range of row ids (> <) as well, or it would read all hits for each row.
    let probe = crate::read::search::STATEMENTS.iter().find(|sql| sql.contains("s.rowid between ?2 and ?3")).unwrap();
    assert!(plan(probe, true).contains("VIRTUAL TABLE INDEX 0:M1><"), "{}", plan(probe, true));
}
