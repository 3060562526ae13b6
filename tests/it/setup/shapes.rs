//! Settings files as people have them: what becomes of each, and that it comes back.
//!
//! The client is an old one, to which few events are known and all is said in one line, so that a page shows it whole; a last
//! shape shows what a new one gets.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Instant;

use harness::World;

use super::{claude, config, setup};

/// What is made of a file.
enum Becomes {
    /// Another, which a page in snapshots/ shows; and `--remove` gives the first one back, byte for byte.
    Changed,
    /// It stays as it is, and this is said.
    Refused(&'static str),
}

use Becomes::{Changed, Refused};

/// Each has a name of its own.
const SHAPES: [(&str, &str, Becomes); 39] = [
    ("empty", "", Changed),
    ("blank", "\n \n", Changed),
    ("nothing in it", "{}", Changed),
    ("nothing in it, with a line end", "{}\n", Changed),
    ("nothing in it, on two lines", "{\n}\n", Changed),
    ("other settings", "{\n  \"model\": \"opus\",\n  \"env\": {\n    \"A\": \"1\"\n  }\n}\n", Changed),
    ("no line end at the end", "{\n  \"model\": \"opus\"\n}", Changed),
    ("indented by four", "{\n    \"model\": \"opus\",\n    \"hooks\": {}\n}\n", Changed),
    ("indented by tabs", "{\n\t\"model\": \"opus\",\n\t\"hooks\": {\n\t\t\"Stop\": []\n\t}\n}\n", Changed),
    ("not indented", "{\n\"model\": \"opus\"\n}\n", Changed),
    ("lines of Windows", "{\r\n  \"model\": \"opus\",\r\n  \"hooks\": {}\r\n}\r\n", Changed),
    ("on one line", "{\"model\": \"opus\", \"env\": {\"A\": \"1\"}}", Changed),
    ("on one line, tight", "{\"model\":\"opus\",\"env\":{\"A\":\"1\"}}", Changed),
    (
        "on one line, with hooks",
        "{\"hooks\":{\"Stop\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\"}]}]}}",
        Changed,
    ),
    ("in no order", "{  \"model\" :\"opus\" ,\n\"a\":\t[ 1,2 ,3]\n  , \"hooks\":{ } }", Changed),
    (
        "other hooks",
        "{\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\n            \"type\": \"command\",\n            \"command\": \"notify-send done\"\n          }\n        ]\n      }\n    ],\n    \"PreToolUse\": [\n      {\n        \"matcher\": \"Bash\",\n        \"hooks\": [{\"type\": \"command\", \"command\": \"guard\", \"timeout\": 60}]\n      }\n    ]\n  },\n  \"model\": \"opus\"\n}\n",
        Changed,
    ),
    (
        "hooks of nobody",
        "{\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": []\n      },\n      7,\n      {\"hooks\": \"x\"}\n    ]\n  }\n}\n",
        Changed,
    ),
    (
        "an event that is not known",
        "{\n  \"hooks\": {\n    \"OfTomorrow\": [\n      {\"hooks\": [{\"type\": \"agent\", \"prompt\": \"x\"}]}\n    ]\n  }\n}\n",
        Changed,
    ),
    (
        "the same by hand",
        "{\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"/home/u/.local/lib/prompt-manager/prompt-hook\", \"args\": [\"Stop\"], \"timeout\": 5}]}]\n  }\n}\n",
        Changed,
    ),
    (
        "the same by hand, for a shell",
        "{\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\n            \"type\": \"command\",\n            \"command\": \"'/a b/prompt-hook' Stop --queue ~/q\",\n            \"timeout\": 60\n          },\n          {\n            \"type\": \"command\",\n            \"command\": \"other\"\n          }\n        ]\n      }\n    ]\n  }\n}\n",
        Changed,
    ),
    (
        "the same by hand, by the one command",
        "{\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"prompt-manager hook Stop || true\"}]}]\n  }\n}\n",
        Changed,
    ),
    (
        "the same twice",
        "{\n  \"hooks\": {\n    \"Stop\": [\n      {\"hooks\": [{\"type\": \"command\", \"command\": \"prompt-hook Stop\"}, {\"type\": \"command\", \"command\": \"/l/prompt-hook\", \"args\": []}]},\n      {\"hooks\": [{\"type\": \"command\", \"command\": \"prompt-hook Stop\"}]}\n    ]\n  }\n}\n",
        Changed,
    ),
    (
        "the same for some tools",
        "{\n  \"hooks\": {\n    \"PostToolUse\": [\n      {\"matcher\": \"Edit|Write\", \"hooks\": [{\"type\": \"command\", \"command\": \"prompt-hook PostToolUse\"}, {\"type\": \"command\", \"command\": \"format\"}]}\n    ]\n  }\n}\n",
        Changed,
    ),
    (
        "a line that does more",
        "{\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"prompt-hook Stop; notify-send done\"}]}]\n  }\n}\n",
        Changed,
    ),
    ("letters of all kinds", "{\n  \"größe\": \"日本語 🙂 e\u{301}\",\n  \"שלום\": \"\u{200f}\"\n}\n", Changed),
    (
        "escapes",
        "{\n  \"a\": \"\\u00e4\\/\\ud83d\\ude42\\ud800 \\\"hooks\\\": {\",\n  \"\\u0068ooks\": {}\n}\n",
        Changed,
    ),
    (
        "numbers as nobody reads them",
        "{\n  \"a\": 1e999,\n  \"b\": 12345678901234567890.10,\n  \"c\": -0.0E+0\n}\n",
        Changed,
    ),
    (
        "the same name twice elsewhere",
        "{\n  \"a\": 1,\n  \"a\": 2,\n  \"env\": {\"B\": \"1\", \"B\": \"2\"}\n}\n",
        Changed,
    ),
    ("a comment", "{\n  // mine\n  \"model\": \"opus\"\n}\n", Refused("line 2, column 3: a comment")),
    ("a comment of several lines", "{\n  \"model\": \"opus\" /* mine */\n}\n", Refused("line 2, column 19: a comment")),
    ("a comma too many", "{\n  \"model\": \"opus\",\n}\n", Refused("line 2, column 18: a comma behind the last entry")),
    ("half a file", "{\n  \"model\": \"op", Refused("line 2, column")),
    ("a byte order mark", "\u{feff}{}\n", Refused("line 1, column 1: a byte order mark")),
    ("a list", "[]\n", Refused("line 1, column 1: the settings must be an object, {…}, and is a list")),
    (
        "hooks as a list",
        "{\"hooks\": []}\n",
        Refused("line 1, column 11: `hooks` must be an object, {…}, and is a list"),
    ),
    ("hooks null", "{\"hooks\": null}\n", Refused("line 1, column 11: `hooks` must be an object, {…}, and is null")),
    (
        "an event null",
        "{\"hooks\": {\"Stop\": null}}\n",
        Refused("line 1, column 20: `Stop` must be a list, […], and is null"),
    ),
    (
        "an event as text",
        "{\"hooks\": {\"Stop\": \"x\"}}\n",
        Refused("line 1, column 20: `Stop` must be a list, […], and is a text"),
    ),
    ("hooks twice", "{\"hooks\": {},\n\"hooks\": {}}\n", Refused("line 2, column 1: a second `hooks`")),
];

/// A world with an old client and these settings.
fn world(text: &str) -> World {
    let world = World::new();
    claude(&world, "1.0.40");
    fs::create_dir(config(&world)).expect("a folder");
    fs::write(config(&world).join("settings.json"), text).expect("settings");
    world
}

fn text(world: &World) -> String {
    fs::read_to_string(config(world).join("settings.json")).expect("settings")
}

/// As it is in every world.
fn shown(world: &World, text: &str) -> String {
    text.replace(&world.root().display().to_string(), "/w").replace('\r', "␍")
}

#[test]
fn before_and_after() {
    for (name, before, becomes) in SHAPES {
        let world = world(before);
        let Refused(expected) = becomes else {
            let done = setup(&world, &["hooks"]).succeed();
            let after = text(&world);
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name.replace(", ", "-").replace(' ', "-"), shown(&world, &after));
            });
            let again = setup(&world, &["hooks"]).succeed();
            assert_eq!((again.out(), text(&world)), ("nothing to do\n", after), "{name}\n{done}");
            let removed = setup(&world, &["hooks", "--remove"]).succeed();
            assert_eq!(text(&world), before, "{name}\n{removed}");
            assert_eq!(world.names(&config(&world)), ["settings.json"], "{name}");
            continue;
        };
        let done = setup(&world, &["hooks"]).run().code(1);
        assert!(done.err().contains("settings.json: ") && done.err().contains(expected), "{name}\n{done}");
        assert_eq!(done.err().lines().count(), 1, "{done}");
        assert_eq!(text(&world), before, "{name}");
        assert_eq!(world.names(&config(&world)), ["settings.json"], "{name}");
        assert!(!world.root().join("state").exists(), "nothing is set up before everything was looked at");
    }
}

#[test]
fn a_new_client_gets_every_event_without_a_shell() {
    let world = world("{}");
    claude(&world, "2.1.330");
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("a-new-client", shown(&world, &text(&world)));
    });
}

#[test]
fn no_file() {
    let world = World::new();
    claude(&world, "1.0.40");
    let _ = setup(&world, &["hooks"]).succeed();
    assert_eq!(config(&world).metadata().expect("the folder").mode() & 0o7777, 0o700);
    assert_eq!(config(&world).join("settings.json").metadata().expect("the file").mode() & 0o7777, 0o600);
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert!(!config(&world).exists(), "{}", world.tree());
}

#[test]
fn what_stays_of_a_file() {
    let world = world("{}\n");
    let settings = config(&world).join("settings.json");
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o640)).expect("a mode");
    std::os::unix::fs::chown(&settings, None, Some(12)).ok();
    let kind =
        |path: &std::path::Path| path.metadata().map(|meta| (meta.mode(), meta.uid(), meta.gid())).expect("a file");
    let before = kind(&settings);
    let _ = setup(&world, &["hooks"]).succeed();
    assert_eq!(kind(&settings), before);
    assert_eq!(kind(&config(&world).join("settings.json.before-prompt-manager")).0 & 0o7777, 0o600);

    // A person who may not write to it has a reason.
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o444)).expect("a mode");
    let done = setup(&world, &["hooks"]).run().code(1);
    assert!(done.err().contains("is read-only and is left so; run: chmod u+w"), "{done}");
    assert_eq!(text(&world), "{}\n");
}

#[test]
fn links_stay_links() {
    let world = world("{}\n");
    let settings = config(&world).join("settings.json");
    let dotfiles = world.home().join("dotfiles");
    fs::create_dir(&dotfiles).expect("a folder");
    fs::rename(&settings, dotfiles.join("claude.json")).expect("moved");
    symlink("../dotfiles/link", &settings).expect("a link");
    symlink("claude.json", dotfiles.join("link")).expect("a link");
    let _ = setup(&world, &["hooks"]).succeed();
    assert!(settings.is_symlink() && dotfiles.join("link").is_symlink());
    assert!(text(&world).contains("prompt-hook"));
    assert_eq!(world.names(&dotfiles), ["claude.json", "link"]);
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert_eq!((text(&world).as_str(), settings.is_symlink()), ("{}\n", true));

    // The file is gone: it is made where the link leads, and taken away again.
    fs::remove_file(dotfiles.join("claude.json")).expect("removed");
    let _ = setup(&world, &["hooks"]).succeed();
    assert!(dotfiles.join("claude.json").is_file() && settings.is_symlink());
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert!(!dotfiles.join("claude.json").exists() && settings.is_symlink());
    fs::remove_dir_all(&dotfiles).expect("removed");
    let done = setup(&world, &["hooks"]).run().code(1);
    assert!(done.err().contains("there is no such folder; make it, or mend the link"), "{done}");

    // The repository of a person goes while our entries are in it: there is nothing left to take them out of.
    fs::create_dir(&dotfiles).expect("a folder");
    fs::remove_file(&settings).expect("removed");
    symlink("../dotfiles/claude.json", &settings).expect("a link");
    let _ = setup(&world, &["hooks"]).succeed();
    fs::remove_dir_all(&dotfiles).expect("removed");
    let _ = setup(&world, &["remove"]).succeed();
    assert!(!world.data().setup().exists() && settings.is_symlink());
}

/// A history of permissions that grew for years, and nesting that no parser by recursion would survive.
#[test]
fn huge() {
    let rules: Vec<_> = (0..50_000).map(|n| format!("      \"Bash({n}{})\"", "x".repeat(190))).collect();
    let before = format!("{{\n  \"permissions\": {{\n    \"allow\": [\n{}\n    ]\n  }}\n}}\n", rules.join(",\n"));
    assert!(before.len() > 10_000_000);
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for before in [before, deep] {
        let world = world(&before);
        let began = Instant::now();
        let _ = setup(&world, &["hooks"]).succeed();
        let put = began.elapsed();
        assert!(
            text(&world).starts_with(&before[..before.trim_end().len() - 3]) && text(&world).contains("prompt-hook")
        );
        let began = Instant::now();
        let _ = setup(&world, &["hooks", "--remove"]).succeed();
        println!("{} bytes: set up in {put:?}, taken out in {:?}", before.len(), began.elapsed());
        assert_eq!(text(&world), before);
    }
}
