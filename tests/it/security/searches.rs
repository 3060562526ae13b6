//! Whatever is typed into a search, or into any parameter: never an error of ours, and never a write.

use std::collections::BTreeMap;
use std::fs;

use harness::{Seed, World, counted, encode};

use super::{assert_closed, on_two_connections, operations};

const STRINGS: usize = 10_000;

/// Of every run, so that a failure can be looked at again.
const SEED: u64 = 20_261_126;

/// What searches are made of, for people, for FTS5, for SQL and for those who parse them.
const PIECES: &str = "hello ¦ interactive ¦ use-bash ¦ naive ¦ caf\u{e9} ¦ load-config ¦ a ¦ x ¦ foo_bar ¦ v1.2.3 ¦ \
    C:\\Users ¦ /src/lib.rs ¦ \u{65e5}\u{672c}\u{8a9e} ¦ \u{304b} ¦ \u{d55c}\u{ad6d} ¦ \u{1f600} ¦ \
    e\u{301} ¦ \u{202e} ¦ \u{200b} ¦ \u{2060} ¦ \u{feff} ¦ \u{fffd} ¦ \0 ¦ \u{1} ¦ \u{7f} ¦ \u{85} ¦ \
    \u{10ffff} ¦ \" ¦ \" ¦ ' ¦ ` ¦ ( ¦ ) ¦ ((( ¦ ))) ¦ [ ¦ ] ¦ { ¦ } ¦ * ¦ ** ¦ ^ ¦ - ¦ -- ¦ + ¦ : ¦ , ¦ \
    . ¦ ; ¦ % ¦ _ ¦ \\ ¦ / ¦ | ¦ & ¦ < ¦ > ¦ OR ¦ AND ¦ NOT ¦ NEAR( ¦ or ¦ text: ¦ in:prompt ¦ rowid: ¦ \
    ' or 1=1 -- ¦ ; drop table turns; -- ¦ union select ¦ 0x41";

const BLANKS: [&str; 6] = [" ", " ", "  ", "\t", "\n", "\r\n"];

fn typed(seed: &mut Seed, known: &[&str]) -> String {
    let pieces = match seed.below(20) {
        0 => 200,
        1..=4 => 12,
        _ => 4,
    };
    let mut text = String::new();
    for _ in 0..=seed.below(pieces) {
        text.push_str(known[seed.below(known.len())]);
        if seed.below(2) == 0 {
            text.push_str(BLANKS[seed.below(BLANKS.len())]);
        }
    }
    text
}

/// The hash of each file of the database: what is not there after as before was written.
fn bytes_of_the_database(world: &World) -> BTreeMap<String, blake3::Hash> {
    let folder = world.data().database().parent().expect("a folder").to_owned();
    let names = world.names(&folder).into_iter().filter(|name| !name.ends_with("-shm")); // where readers say that they read
    names.map(|name| (name.clone(), blake3::hash(&fs::read(folder.join(name)).expect("a file")))).collect()
}

#[test]
fn no_search_is_an_error_of_ours() {
    let world = World::captured();
    let server = world.serve();
    assert_eq!(server.get("/api/conversations?q=hello").0, 200);
    let before = bytes_of_the_database(&world);
    let mut seed = Seed::new(SEED);
    let known: Vec<&str> = PIECES.split(" ¦ ").collect();
    let texts: Vec<_> = (0..STRINGS).map(|_| typed(&mut seed, &known)).collect();
    on_two_connections(&server, &texts, |client, text| {
        let response = client.get(&format!("/api/conversations?limit=3&q={}", encode(text)));
        // Too long, in signs or in words, is the one thing that is wrong with a search.
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count();
        let right = match response.status {
            200 => text.chars().count() <= 1000,
            400 => text.chars().count() > 1000 || words > 32,
            _ => false,
        };
        assert!(right, "{text:?}: {} {}", response.status, response.text());
    });
    assert_eq!(bytes_of_the_database(&world), before, "searching writes nothing");
    counted(texts.len(), "made-up searches");
}

/// Parameters that are known, unknown, doubled and broken, on every path that only reads.
#[test]
fn no_parameter_is_an_error_of_ours() {
    let world = World::captured();
    let server = world.serve();
    let operations = operations(&server);
    let reads: Vec<_> = operations.iter().filter(|(method, path)| method == "GET" && path != "/api/events").collect();
    assert_eq!(server.get("/api/conversations?q=hello").0, 200);
    let before = bytes_of_the_database(&world);
    let names: Vec<&str> =
        "q ¦ in ¦ limit ¦ cursor ¦ session_id ¦ user_session_id ¦ project ¦ kind ¦ via ¦ status ¦ model ¦ \
        tool ¦ tag ¦ star ¦ rating ¦ has_error ¦ since ¦ until ¦ sort ¦ order ¦ count ¦ format ¦ tz ¦ by ¦ \
        id ¦ ids ¦ offset ¦ Q ¦ q[] ¦ tag[0]"
            .split(" ¦ ")
            .chain([""])
            .collect();
    let values: Vec<&str> =
        "0 ¦ 1 ¦ -1 ¦ 50 ¦ 201 ¦ 1e9 ¦ 99999999999999999999 ¦ true ¦ false ¦ none ¦ any ¦ all ¦ >=4 ¦ <0 ¦ >= ¦ \
        1..5 ¦ human ¦ human,command ¦ 2026-11-22 ¦ 2026-11-22T00:00:00Z ¦ 7d ¦ now ¦ 9999-12-31T23:59:59Z ¦ \
        -9999-01-01 ¦ UTC ¦ Europe/Berlin ¦ ../../etc/passwd ¦ time ¦ relevance ¦ -time ¦ jsonl ¦ csv ¦ \
        AQAAAaIDQZZ3AAAAAAAAAAw ¦ \u{e9} ¦ NaN"
            .split(" ¦ ")
            .chain([""])
            .collect();
    let raw = ["%", "%zz", "%ff", "%00", "%c0%af", "&&&", "===", "?", "q=a&q=b", "%71=a", "q=%f0%9f", "+", "q=a;b"];
    let known: Vec<&str> = PIECES.split(" ¦ ").collect();
    let mut seed = Seed::new(SEED);
    let uris: Vec<String> = (0..STRINGS / 2)
        .map(|_| {
            let path = &reads[seed.below(reads.len())].1;
            let mut pairs = Vec::new();
            for _ in 0..=seed.below(3) {
                pairs.push(match seed.below(8) {
                    0 => raw[seed.below(raw.len())].to_owned(),
                    1 => format!("{}={}", names[seed.below(names.len())], encode(&typed(&mut seed, &known))),
                    _ => format!("{}={}", names[seed.below(names.len())], encode(values[seed.below(values.len())])),
                });
            }
            let mut uri = format!("{path}?{}", pairs.join("&"));
            uri.truncate(12_000); // what is above is the head's business; all of it is ASCII
            uri
        })
        .collect();
    on_two_connections(&server, &uris, |client, uri| {
        let response = client.get(uri);
        assert!(
            response.status < 500 || response.status == 503 && uri.contains("readyz"),
            "{uri}: {}",
            response.status
        );
        assert_closed(&response, uri);
        if response.status >= 400 {
            assert_eq!(response.header("content-type"), Some("application/problem+json"), "{uri}");
            assert_eq!(response.json()["status"], response.status, "{uri}");
        }
    });
    assert_eq!(bytes_of_the_database(&world), before, "reading writes nothing");
    counted(uris.len(), "made-up query strings");
}
