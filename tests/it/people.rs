//! The words that people type, through the real program: the same answers as the API's, for a terminal, a pipe and a program.

mod typed;

use harness::{Cmd, Done, World};
use serde_json::Value;

fn ask(world: &World, args: &[&str]) -> Done {
    world.bin("query-api").args(args).run()
}

/// The same in a terminal; what is said on standard error is told apart.
fn at_terminal(world: &World, args: &str) -> Cmd {
    let line = format!("exec script -q -e -c '{} {args} 2>&3' /dev/null 3>&2", harness::bin("query-api").display());
    world.command("sh").args(["-c", &line])
}

/// The ids that stand at the begin of lines, in their order.
fn ids(done: &Done) -> Vec<i64> {
    done.out().lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn a_program_gets_the_answer_of_the_api() {
    let world = World::captured();
    let server = world.serve();
    for (words, path) in [
        (&["list", "--json"][..], "/api/conversations?limit=20"),
        (&["list", "use-bash", "--json", "--limit", "2"], "/api/conversations?q=use-bash&limit=2"),
        (&["search", "use-bash", "--kind", "all", "--json"], "/api/conversations?kind=all&q=use-bash&limit=10"),
        (&["show", "last", "--json"], "/api/conversations/last"),
        (&["stats", "--json"], "/api/stats"),
        (&["stats", "--kind", "all", "--tz", "+05:45", "--json"], "/api/stats?kind=all&tz=%2B05:45"),
    ] {
        let done = ask(&world, words).code(0);
        assert!(done.err().is_empty(), "{done}");
        assert_eq!((200, done.json()), server.get(path), "{words:?}");
    }
}

#[test]
fn what_is_listed_is_what_the_api_lists() {
    let world = World::captured();
    let server = world.serve();
    let expected: Vec<_> = server.items(&[]).iter().filter_map(|item| item["id"].as_i64()).collect();
    assert_eq!(ids(&ask(&world, &["list", "--limit", "1000"]).code(0)), expected);
    let first = ask(&world, &["list", "--limit", "3"]).code(0);
    assert_eq!(ids(&first), expected[..3]);
    // More than a page of the API has.
    let done = ask(&world, &["list", "--kind", "all", "--limit", "999", "--json"]).code(0);
    let all = server.items(&[("kind", "all")]);
    assert_eq!(done.json()["items"].as_array().map(Vec::len), Some(all.len()));
}

/// Pages of long texts are short, which whoever asks for a list does not see.
#[test]
fn a_list_of_long_prompts_is_whole() {
    const PROMPTS: usize = 11;
    let world = World::new();
    world.data().create().expect("folders");
    for nth in 0..PROMPTS {
        let prompt = format!("prompt {nth} {}", "x".repeat(2 << 20));
        let payload = serde_json::json!({"session_id": format!("s{nth}"), "hook_event_name": "UserPromptSubmit",
            "prompt": prompt, "prompt_id": format!("p{nth}")});
        let name = format!("{}-s{nth}-UserPromptSubmit.json", 1_795_350_951_598_014_047 + nth as u64);
        std::fs::write(world.data().incoming().join(name), payload.to_string()).expect("a file");
    }
    world.ingest_once();
    let server = world.serve();
    let (status, page) = server.get("/api/conversations");
    let items = page["items"].as_array().expect("items").len();
    assert!(status == 200 && items < PROMPTS && page["next_cursor"].is_string(), "{items}");
    let expected: Vec<_> = server.items(&[]).iter().filter_map(|item| item["id"].as_i64()).collect();
    assert_eq!(expected.len(), PROMPTS);
    assert_eq!(ids(&ask(&world, &["list"]).code(0)), expected);
    let found = ask(&world, &["list", "--limit", "10", "--json"]).code(0).json();
    let found: Vec<_> = found["items"].as_array().expect("items").iter().map(|item| item["id"].as_i64()).collect();
    assert!(found.iter().map(|id| id.expect("a number")).eq(expected[..10].iter().copied()), "{found:?}");
    let exported = world.bin("ingest").arg("export").succeed();
    assert_eq!(exported.out().matches("\"prompt_text\":\"prompt ").count(), PROMPTS);
}

#[test]
fn a_conversation_can_be_read() {
    let world = World::captured();
    let found = ask(&world, &["search", "use-bash", "--json"]).code(0).json();
    let item = found["items"].as_array().expect("items").first().expect("one that holds the word").clone();
    let id = item["id"].to_string();
    let page = ask(&world, &["show", &id]).code(0);
    let said = item["response_text"].as_str().expect("an answer").trim();
    for part in [format!("#{id}  "), "> please use-bash".to_owned(), "- Bash echo hello".to_owned(), said.to_owned()] {
        assert!(page.out().contains(&part), "{part}\n{page}");
    }
    let prompt = ask(&world, &["show", &id, "--prompt"]).code(0);
    assert_eq!(Value::from(prompt.out()), item["prompt_text"]);
    let answer = ask(&world, &["show", &id, "--answer"]).code(0);
    assert_eq!(Value::from(answer.out()), item["response_text"]);
}

/// A prompt as somebody could paste it who means harm, stored and shown in every way.
#[test]
fn no_prompt_moves_the_cursor() {
    let world = World::new();
    let evil = "evil \u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{1b}[31m \u{9b}2J \u{202e}txt \u{7f}\u{8}";
    let payload = serde_json::json!({"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": evil,
        "cwd": format!("/tmp/{evil}"), "transcript_path": "", "permission_mode": evil});
    world.hook("UserPromptSubmit", payload.to_string());
    world.ingest_once();
    for args in [&["list"][..], &["search", "evil"], &["show", "last"]] {
        let done = ask(&world, args).code(0);
        assert!(done.out().contains("evil ␛]52;"), "{args:?}\n{done}");
        let obeyed = |sign: char| sign != '\n' && (sign.is_control() || sign == '\u{202e}');
        assert!(!done.out().chars().any(obeyed), "{args:?}: {:?}", done.out());
    }
    let done = ask(&world, &["stats", "--by", "project"]).code(0);
    assert!(done.out().contains("/tmp/evil ␛]52;"), "{done}");
    assert!(!done.out().chars().any(|sign| sign != '\n' && sign.is_control()), "{:?}", done.out());
    // For another program it is what was typed.
    assert_eq!(ask(&world, &["show", "last", "--prompt"]).code(0).out(), evil);
}

#[test]
fn what_cannot_be_done_is_one_line() {
    let world = World::new();
    for (args, code, said) in [
        (&["list"][..], 1, "run `prompt-manager once`, which makes it"),
        (&["list", "--home", "/nowhere"], 1, "no database"),
        (&["show", "abc"], 2, "\"abc\" is no conversation"),
        (&["show"], 2, "<ID>"),
        (&["search"], 2, "<WORDS>..."),
        (&["list", "--limit", "0"], 2, "--limit <N>"),
        (&["list", "--nonsense"], 2, "--nonsense"),
    ] {
        let done = ask(&world, args).code(code);
        assert!(done.err().contains(said) && done.err().lines().count() == 1, "{args:?}\n{done}");
        assert!(done.err().starts_with("prompt-manager: "), "{done}");
        assert!(done.out().is_empty(), "{done}");
    }
    let world = World::captured();
    for (args, code, said) in [
        (&["show", "999999"][..], 1, "There is no conversation 999999."),
        (&["list", "--kind", "x"], 2, "--kind must be"),
        (&["list", "--sort", "relevance"], 2, "--sort can be relevance only with WORDS."),
        (&["list", "--in", "note"], 2, "--in says where WORDS is looked for, and there is no WORDS."),
        (&["split", "last", "--at", "newest"], 2, "\"newest\" is no conversation"),
        (&["split", "last", "--at", "last", "--title", "a", "--title", "b"], 2, "--title has more entries than --at"),
        (&["stats", "--tz", "Berlin"], 2, "--tz must be the name of a zone"),
        (&["stats", "--since", "soon"], 2, "--since must be a time"),
        (&["stats", "--by", "colour"], 2, "--by <WHAT>"),
    ] {
        let done = ask(&world, args).code(code);
        assert!(done.err().contains(said) && done.err().lines().count() == 1, "{args:?}\n{done}");
    }
    let without = ask(&world, &["search", "now", "-use-error", "--limit", "50"]).code(0);
    assert!(without.out().contains("now use-slow") && !without.out().contains("use-error"), "{without}");
    // A program that reads the list gets an empty one; whoever sits there is told.
    for words in [
        &["search", "nowhere-to-be-found"][..],
        &["list", "--tag", "none-has-it"],
        &["sessions", "nowhere-at-all"],
        &["stats", "--project", "/nowhere"],
        &["tags"],
    ] {
        let done = ask(&world, words).code(0);
        assert!(done.out().is_empty(), "{words:?}\n{done}");
        assert_eq!(done.err(), if words == ["tags"] { "no tags yet\n" } else { "nothing found\n" }, "{words:?}");
    }
}

/// The figures of the page are those of the list.
#[test]
fn figures_are_shown() {
    let world = World::captured();
    let listed = ids(&ask(&world, &["list", "--limit", "1000"]).code(0)).len();
    let page = ask(&world, &["stats"]).code(0);
    let told = page.out().lines().find_map(|line| line.strip_prefix("Conversations  ")).expect("the total").trim();
    assert_eq!(told.split_whitespace().next(), Some(&*listed.to_string()), "{page}");
    for head in ["Models", "Projects", "Tools", "Commands"] {
        assert!(page.out().lines().any(|line| line.split("  ").next() == Some(head)), "{head}\n{page}");
    }
    assert!(!page.out().contains("Ratings"), "{page}");
    let _ = ask(&world, &["rate", "last", "5"]).code(0);
    let ratings = ask(&world, &["stats", "--by", "rating"]).code(0);
    assert!(ratings.out().lines().any(|line| line.split_whitespace().take(2).eq(["★★★★★", "1"])), "{ratings}");
}

#[test]
fn readers_may_go_away() {
    let world = World::captured();
    for words in
        ["list --kind all", "list --json", "search use", "show last", "show last --prompt", "stats", "stats --by hour"]
    {
        let line = format!("{{ sleep 0.1; \"$0\" {words}; echo \"code $?\" >&2; }} | true");
        let done = world.command("sh").args(["-c", &line]).arg(harness::bin("query-api")).run();
        assert_eq!(done.err(), "code 0\n", "{words}\n{done}");
    }
}

#[test]
fn what_is_said_is_kept() {
    let world = World::captured();
    let server = world.serve();
    let state = |id: &str| server.get(&format!("/api/conversations/{id}/rating")).1;
    let said = |args: &[&str]| ask(&world, args).code(0).out().to_owned();
    assert!(said(&["rate", "12", "4", "good plan", "--tag", "keep"]).contains("★★★★☆"));
    assert_eq!((&state("12")["rating"], &state("12")["notes"]), (&4.into(), &"good plan".into()));
    said(&["tag", "12", "+Bash", "-keep", "sql"]);
    assert_eq!(state("12")["tags"], serde_json::json!(["Bash", "sql"]));
    assert!(said(&["tag", "12", "-BASH", "--json"]).starts_with('{'));
    assert_eq!(state("12")["tags"], serde_json::json!(["sql"]));
    // As it is shown.
    said(&["tag", "12", "#hash", "-#SQL"]);
    assert_eq!(state("12")["tags"], serde_json::json!(["hash"]));
    said(&["rate", "12", "4", "--tag", "#sql"]);
    said(&["tag", "12", "-#hash"]);
    assert_eq!(state("12")["tags"], serde_json::json!(["sql"]));
    said(&["star", "12"]);
    assert_eq!(state("12")["star"], true);
    said(&["star", "12", "--off"]);
    assert_eq!(said(&["note", "12"]), "good plan\n");
    let _ = world.bin("query-api").args(["note", "12", "-"]).stdin("from a pipe\n").succeed();
    assert_eq!(said(&["note", "12"]), "from a pipe\n");
    // Nothing is no note.
    for args in [&["note", "12", "-"][..], &["note", "12", " \n"], &["rate", "12", "1", ""], &["rate", "12", "1", "-"]]
    {
        let done = world.bin("query-api").args(args).stdin("\n").run().code(2);
        assert!(done.err().contains("`note 12 --remove`") && done.err().lines().count() == 1, "{args:?}\n{done}");
    }
    assert_eq!((&state("12")["rating"], &state("12")["notes"]), (&4.into(), &"from a pipe".into()));
    // An editor gets what there is, and what it leaves counts.
    let editor = at_terminal(&world, "note 12 --edit").env("EDITOR", "sed -i s/pipe/editor/");
    let _ = editor.succeed();
    assert_eq!(state("12")["notes"], "from a editor");
    let failing = at_terminal(&world, "note 12 --edit").env("VISUAL", "false").run().code(2);
    assert!(failing.err().contains("stays as it was"), "{failing}");
    assert!(said(&["note", "12", "another"]).contains("in place of the one before"));
    said(&["note", "12", "--remove"]);
    assert!(said(&["rate", "12", "none"]).contains("#sql"));
    assert_eq!((&state("12")["rating"], &state("12")["notes"]), (&Value::Null, &Value::Null));
    assert_eq!(said(&["tags"]), "tag  conversations\nsql              1\n");
    let mut json = ask(&world, &["rate", "last", "5", "--json"]).code(0).json();
    // With what was said before, which is no part of the state.
    let former = json.as_object_mut().and_then(|json| json.remove("former"));
    assert_eq!(former.map(|former| former["rating"].clone()), Some(Value::Null));
    assert_eq!(json, state("last"));
    assert!(said(&["star", "last"]).starts_with(&format!("{}: ★", json["id"])));
    // No note of an editor is left behind.
    let left: Vec<_> = world.names(world.root()).into_iter().filter(|name| name.contains("note")).collect();
    assert_eq!(left, [""; 0]);
    for (args, code, part) in [
        (&["rate", "12", "6"][..], 2, "\"6\" is no rating"),
        (&["rate", "999999", "5"], 1, "There is no conversation 999999"),
        (&["tag", "12", "a,b"], 2, "the tag `a,b` must not hold a comma"),
        (&["tag", "12", "x", "-X"], 2, "the tag `x` cannot be both put on and taken off"),
        (&["tag", "12", "x", "-"], 2, "`-` names no tag"),
        (&["tag", "12", "+"], 2, "`+` names no tag"),
        (&["tag", "12", "x", ""], 2, "`` names no tag"),
        (&["rate", "12", "5", "--tag", "a,b"], 2, "the tag `a,b` of --tag must not hold a comma"),
        (&["rate", "12", "5", "--tag", ""], 2, "`` of --tag names no tag"),
        (&["note", "12", "--edit"], 2, "(`note 12 TEXT`) or on standard input (`note 12 -`)"),
        (&["tag", "12", "x", "--jsn"], 2, "--jsn"),
        (&["tag", "abc", "x"], 2, "\"abc\" is no conversation"),
        (&["tag", "12", "+-x"], 2, "cannot be taken off"),
        (&["undo", "nothing"], 1, "no session nothing"),
        (&["split", "0914908d-acc8-48aa-98d6-77d558fb9590", "--at", "999999"], 1, "999999"),
    ] {
        let done = ask(&world, args).code(code);
        assert!(done.err().contains(part) && done.err().lines().count() == 1, "{args:?}\n{done}");
    }
}

/// A full disk below the answer is no reason to do it again.
#[test]
fn what_is_done_is_said_to_be() {
    let world = World::captured();
    let server = world.serve();
    let state = || server.get("/api/conversations/12/rating").1;
    let untold = |words: &str| {
        let done = world.command("sh").args(["-c", &format!("\"$0\" {words} > /dev/full")]);
        done.arg(harness::bin("query-api")).run().code(1)
    };
    for (words, said) in [
        ("rate 12 4", "the rating is saved"),
        ("rate 12 4 --json", "the rating is saved"),
        ("tag 12 keep", "the tags are saved"),
        ("note 12 text", "the note is saved"),
        ("star 12", "the star is saved"),
        ("title last Parser", "the change is saved"),
    ] {
        let done = untold(words);
        let said = format!("prompt-manager: {said}; writing the answer to standard output failed: No space left");
        assert!(done.err().starts_with(&said) && done.err().lines().count() == 1, "{words}\n{done}");
    }
    assert_eq!((&state()["rating"], &state()["notes"], &state()["star"]), (&4.into(), &"text".into(), &true.into()));
    assert_eq!(state()["tags"], serde_json::json!(["keep"]));
    // What only asks has saved nothing.
    assert!(untold("note 12").err().contains("failed to write to standard output"));
}

/// Several terminals at once: each tag is there in the end.
#[test]
fn nobody_loses_what_another_says() {
    let world = World::captured();
    std::thread::scope(|scope| {
        for tag in 0..6 {
            let world = &world;
            scope.spawn(move || ask(world, &["tag", "12", &format!("t{tag}")]).code(0).out().len());
        }
    });
    let tags = ask(&world, &["tags", "--json"]).code(0).json();
    assert_eq!(tags["items"].as_array().map(Vec::len), Some(6), "{tags}");
}

/// Writes a note of the newest conversation in an editor; `meanwhile` is done while that is open.
fn edited(world: &World, note: &str, meanwhile: impl FnOnce()) -> Done {
    let [editor, open, close] = ["editor", "open", "close"].map(|name| world.root().join(name));
    let (shown_open, shown_close) = (open.display(), close.display());
    let script =
        format!("touch {shown_open}; while [ ! -e {shown_close} ]; do sleep 0.05; done; printf '{note}' > \"$1\"");
    std::fs::write(&editor, script).expect("an editor");
    let done = std::thread::scope(|scope| {
        let command = at_terminal(world, "note last --edit").env("EDITOR", format!("sh {}", editor.display()));
        let command = command.env("TMPDIR", world.root());
        let done = scope.spawn(move || command.run());
        let begun = std::time::Instant::now();
        while !open.exists() && begun.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        meanwhile();
        std::fs::write(&close, "").expect("a file");
        done.join().expect("the program")
    });
    [open, close].iter().for_each(|path| std::fs::remove_file(path).expect("a file"));
    done
}

#[test]
fn an_editor_may_be_open_for_long() {
    let world = World::captured();
    let server = world.serve();
    let state = |id: &str| server.get(&format!("/api/conversations/{id}/rating")).1;
    let last = state("last")["id"].to_string();
    let drafts = || world.names(world.root()).into_iter().filter(|name| name.contains("note-")).collect::<Vec<_>>();

    // What else is said is no reason to refuse a note.
    let done = edited(&world, "first", || drop(ask(&world, &["star", &last]).code(0))).code(0);
    assert!(done.out().starts_with(&format!("{last}: ")), "{done}");
    assert_eq!((&state(&last)["notes"], &state(&last)["star"]), (&"first".into(), &true.into()));
    assert_eq!(drafts(), [""; 0]);

    // Another note is, and what was typed is still there; as it is when no store takes it.
    let long = "x".repeat(70_000);
    for (typed, theirs, code, why) in [("mine", "theirs", 1, "changed the note"), (&*long, "theirs", 2, "64 KiB")] {
        let done = edited(&world, typed, || drop(ask(&world, &["note", &last, theirs]).code(0))).code(code);
        assert!(done.err().contains(why) && done.err().lines().count() == 1, "{done}");
        assert_eq!(state(&last)["notes"], theirs);
        let left = drafts();
        assert!(left.len() == 1 && done.err().contains(&left[0]), "{left:?}\n{done}");
        let left = world.root().join(&left[0]);
        assert_eq!(std::fs::read_to_string(&left).expect("what was typed"), typed);
        std::fs::remove_file(left).expect("a file");
    }

    // Nothing is no note.
    let done = edited(&world, " ", || ()).code(2);
    assert!(done.err().contains("--remove"), "{done}");
    assert_eq!((drafts(), &state(&last)["notes"]), (Vec::new(), &"theirs".into()));

    // A conversation that comes meanwhile is another one.
    let payload = serde_json::json!({"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": "newer",
        "cwd": "/tmp", "transcript_path": "", "permission_mode": "default"});
    let arrive = || {
        world.hook("UserPromptSubmit", payload.to_string());
        world.ingest_once();
    };
    let done = edited(&world, "second", arrive).code(0);
    assert!(done.out().starts_with(&format!("{last}: ")), "{done}");
    assert_ne!(state("last")["id"].to_string(), last);
    assert_eq!((&state(&last)["notes"], &state("last")["notes"]), (&"second".into(), &Value::Null));
}

#[test]
fn what_is_joined_and_parted_is_told_as_it_is() {
    let world = World::captured();
    let sessions = ask(&world, &["sessions", "--json"]).code(0).json();
    let id = |at: usize| sessions["items"][at]["id"].as_str().expect("a session").to_owned();
    let (one, other, third) = (id(0), id(1), id(2));
    let said = |args: &[&str]| ask(&world, args).code(0).out().to_owned();
    assert_eq!(said(&["merge", &one, &other]), format!("{other} is now in {one}\n"));
    let back = format!("{one} is by itself again; what was merged into it is in {other}\n");
    assert_eq!(said(&["undo", &one]), back);
    assert_eq!(said(&["merge", &one, &other, &third]), format!("{other}, {third} are now in {one}\n"));

    let whole = "0914908d-acc8-48aa-98d6-77d558fb9590";
    let part = ask(&world, &["split", whole, "--at", "12", "--json"]).code(0).json();
    let part = part["made"][0].as_str().expect("a part").to_owned();
    assert_eq!(said(&["undo", &part]), format!("{part} is undone; its conversations are in {whole}\n"));
}
