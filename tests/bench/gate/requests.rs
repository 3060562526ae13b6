//! What a list and a search cost the server, without its start.

use harness::Client;

use super::baseline::Count;
use super::callgrind;
use super::passes::{COUNTED, queue};

/// Of each.
const REQUESTS: u64 = 10;
/// Items of an answer. Few, because the server ends a list that takes it too long, and under callgrind everything does.
const ITEMS: usize = 5;
/// How often it is tried on a machine that is too busy even for these.
const TRIES: usize = 10;
/// A list, and a search for a word that nearly every prompt holds.
const ASKED: [(&str, &str); 2] =
    [("list of 5", "/api/conversations?limit=5"), ("common word, 5", "/api/conversations?limit=5&q=w1")];

/// Instructions and allocations of a request of each kind.
pub(super) fn instructions() -> Vec<Count> {
    if !callgrind::can() {
        return Vec::new();
    }
    let world = queue(COUNTED);
    let _ = world.ingest_once();
    let serve = callgrind::under(&world, callgrind::stripped("query-api"));
    let server = world.serve_by(serve.args(["serve", "--listen", "127.0.0.1:0"]));
    let mut client = server.client();
    let mut part = 0;
    let mut dump = || {
        let _ = world.command("vgdb").arg(format!("--pid={}", server.pid())).args(["dump", "part"]).succeed();
        part += 1;
        part
    };
    let mut counts = Vec::new();
    for (what, path) in ASKED {
        // Statements are prepared and pages read once.
        let _ = ask(&mut client, path, 2);
        let part = (0..TRIES).find_map(|_| {
            let _ = dump();
            let whole = ask(&mut client, path, REQUESTS);
            let part = dump();
            whole.then_some(part)
        });
        let part = part.unwrap_or_else(|| panic!("{path} was never answered whole: the machine is too busy"));
        counts.extend(callgrind::cost(&world, Some(part)).each(REQUESTS).counts(what));
    }
    counts
}

/// Whether all answers were whole.
fn ask(client: &mut Client, path: &str, times: u64) -> bool {
    let items = (0..times).map(|_| {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()["items"].as_array().map_or(0, Vec::len)
    });
    // Each is asked, whatever the others were.
    items.filter(|items| *items != ITEMS).count() == 0
}
