//! What a list and a search cost the server, without its start.

use harness::{Client, Generator, encode};

use super::baseline::Count;
use super::callgrind;
use super::passes::{SEED, corpus};

/// Of each.
const REQUESTS: u64 = 5;

/// Instructions and allocations of a request of each kind.
pub(super) fn instructions() -> Vec<Count> {
    if !callgrind::can() {
        return Vec::new();
    }
    let world = corpus();
    let _ = world.import();
    let serve = callgrind::under(&world, callgrind::stripped("query-api"));
    let server = world.serve_by(serve.args(["serve", "--listen", "127.0.0.1:0"]));
    let search = format!("/api/conversations?q={}", encode(Generator::new(SEED).word(40)));
    let paths = ["/api/conversations", search.as_str()];
    let mut client = server.client();
    // Statements are prepared and pages read once.
    paths.iter().for_each(|path| ask(&mut client, path, 2));
    let dump = || {
        let _ = world.command("vgdb").arg(format!("--pid={}", server.pid())).args(["dump", "part"]).succeed();
    };
    dump();
    let mut counts = Vec::new();
    for (nth, path) in paths.iter().enumerate() {
        ask(&mut client, path, REQUESTS);
        dump();
        let what = if nth == 0 { "list" } else { "search of a common word" };
        counts.extend(callgrind::cost(&world, Some(nth + 2)).each(REQUESTS).counts(what));
    }
    counts
}

fn ask(client: &mut Client, path: &str, times: u64) {
    for _ in 0..times {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        let items = answer.json()["items"].as_array().map_or(0, Vec::len);
        assert!(items > 0, "nothing is found by {path}");
    }
}
