//! What a person does with the client, and what our API must tell of it: the same story however the hooks were installed.

use harness::{Claude, Conversation, Server, World};
use serde_json::Value;

/// The sessions of the story, by ids that the client is told to use.
pub(super) const PRINTED: &str = "11111111-1111-4111-8111-111111111111";
pub(super) const FORKED: &str = "22222222-2222-4222-8222-222222222222";
pub(super) const HELPED: &str = "33333333-3333-4333-8333-333333333333";
pub(super) const TYPED: &str = "44444444-4444-4444-8444-444444444444";

/// How often the client is started.
const RUNS: usize = 7;

/// What the hook shows where a rating has no rating in it.
const USAGE: &str = "nothing saved. Usage: /rate 1-5";

/// Plays it: everything but the last word is done when this returns. `rate` is what the rating is called here: `/rate`, or with
/// the plugin's name before it.
pub(super) fn play(claude: &Claude, rate: &str) {
    printed(claude, rate);
    typed(claude, rate);
    resumed(claude, rate);
}

fn printed(claude: &Claude, rate: &str) {
    assert_eq!(claude.print("hello from a script", &["--session-id", PRINTED]), "Answer to: hello from a script");
    assert_eq!(claude.print("please use-bash", &["--resume", PRINTED]), "Answer to: please use-bash");
    // A rating needs no terminal.
    let before = claude.desk().prompts();
    let said = claude.print(&format!("{rate} 4"), &["--resume", PRINTED]);
    assert!(said.contains("rating 4 saved for the previous prompt"), "{said}");
    assert_eq!(claude.desk().prompts(), before, "a rating asked a model");
    let fork = ["--resume", PRINTED, "--fork-session", "--session-id", FORKED];
    assert_eq!(claude.print("another way", &fork), "Answer to: another way");
    assert_eq!(claude.print("please use-agent", &["--session-id", HELPED]), "Answer to: please use-agent");
}

fn typed(claude: &Claude, rate: &str) {
    let (terminal, desk) = (claude.open(&["--session-id", TYPED]), claude.desk());
    terminal.say("hello by hand");
    terminal.shows("● Answer to: hello by hand");

    // Stopped while a tool runs.
    terminal.say("now use-long");
    terminal.shows("tail -f");
    terminal.key("Escape");
    terminal.shows("Interrupted");

    // Typed while Claude works, which goes on once it may.
    terminal.say("now wait-queue then");
    desk.wait_for("now wait-queue then");
    terminal.say("typed while busy");
    terminal.shows("Press up to edit queued messages");
    desk.release("queue");
    terminal.shows("● Answer to: typed while busy");

    // A rating spends no turn and leaves the composer empty; what is none says how it is done.
    let before = desk.prompts();
    terminal.say(&format!("{rate} 5 great #refactor"));
    let screen = terminal.shows("rating 5 saved for the previous prompt");
    assert!(!screen.text().contains("Original prompt"), "the command is shown again:\n{}", screen.text());
    terminal.wait("empty composer", |screen| screen.composer().is_some_and(|text| text.is_empty()));
    for wrong in ["", " 9 too much"] {
        let shown = |screen: &harness::Screen| screen.text().matches(USAGE).count();
        let seen = shown(&terminal.screen());
        terminal.say(&format!("{rate}{wrong}"));
        terminal.wait("one more usage line", |screen| shown(screen) > seen);
        terminal.wait("empty composer", |screen| screen.composer().is_some_and(|text| text.is_empty()));
    }
    assert_eq!(desk.prompts(), before, "a rating asked a model");
    terminal.exit();
}

fn resumed(claude: &Claude, rate: &str) {
    let terminal = claude.open(&["--resume", TYPED]);
    terminal.say("after the pause");
    terminal.shows("● Answer to: after the pause");
    terminal.say(&format!("{rate} 2"));
    terminal.shows("rating 2 saved for the previous prompt");
    terminal.exit();
}

/// Takes in what the story left, and holds the API to it.
pub(super) fn tell(world: &World) {
    // The log of the client tells of no SessionEnd, for it ends itself meanwhile: the queue does.
    let arrived = world.names(&world.data().incoming());
    let ended = arrived.iter().filter(|name| name.ends_with("-SessionEnd.json")).count();
    assert_eq!(ended, RUNS, "each run of the client ends once: {arrived:#?}");
    let _ = world.bin("ingest").args(["once", "--json"]).succeed();
    world.assert_drained();
    let server = world.serve();
    let said = |prompt: &str| conversation(prompt, "complete", &[]);
    check(
        &server,
        PRINTED,
        &[said("hello from a script"), conversation("please use-bash", "complete", &["Bash", "Bash"])],
    );
    check(&server, FORKED, &[said("another way")]);
    check(&server, HELPED, &[conversation("please use-agent", "complete", &["Agent"])]);
    let interrupted = Conversation {
        response: Some("I will wait.".to_owned()),
        tools: vec![("Bash".to_owned(), true)],
        ..conversation("now use-long", "interrupted", &[])
    };
    let typed = [
        said("hello by hand"),
        interrupted,
        said("now wait-queue then"),
        said("typed while busy"),
        said("after the pause"),
    ];
    check(&server, TYPED, &typed);
    rated(&server);
    helped(&server);
}

fn conversation(prompt: &str, status: &str, tools: &[&str]) -> Conversation {
    Conversation {
        session_id: String::new(),
        kind: "human".to_owned(),
        status: status.to_owned(),
        prompt: Some(prompt.to_owned()),
        response: Some(format!("Answer to: {prompt}")),
        tools: tools.iter().map(|name| ((*name).to_owned(), false)).collect(),
    }
}

fn check(server: &Server, session: &str, expected: &[Conversation]) {
    let of_session = |it: &Conversation| Conversation { session_id: session.to_owned(), ..it.clone() };
    let expected: Vec<_> = expected.iter().map(of_session).collect();
    assert_eq!(server.session(session, ""), expected, "session {session}");
}

/// The ratings hang where they were meant, and their commands are no conversations of any kind.
fn rated(server: &Server) {
    let all = server.items(&[("kind", "all")]);
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let commands: Vec<_> = all.iter().filter(|item| text(item, "prompt_text").contains("rate")).collect();
    assert!(commands.is_empty(), "a rating became a conversation: {commands:#?}");
    let rated: Vec<_> = all
        .iter()
        .filter(|item| !item["rating"].is_null())
        .map(|item| (text(item, "prompt_text"), item["rating"].clone()))
        .collect();
    let expected = [("after the pause", 2), ("typed while busy", 5), ("please use-bash", 4)];
    let expected = expected.map(|(prompt, stars)| (prompt.to_owned(), Value::from(stars)));
    assert_eq!(rated, expected, "{all:#?}");
    let tagged = server.items(&[("tag", "refactor")]);
    assert_eq!(tagged.len(), 1, "{tagged:#?}");
    assert_eq!(text(&tagged[0], "prompt_text"), "typed while busy");
}

/// The subagent's own words are there, under the call that started it.
fn helped(server: &Server) {
    let all = server.session(HELPED, "all");
    let of_agent = |it: &&Conversation| it.response.as_deref() == Some("Answer to: Reply with the word done.");
    assert_eq!(all.iter().filter(of_agent).count(), 1, "{all:#?}");
}
