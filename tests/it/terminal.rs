//! What a person at a terminal sees: help that teaches, colour and tables that fit the terminal and are plain when piped, and
//! readers that go away.

use harness::{Cmd, Done, SCENARIOS, World, bin};

/// Every command, with arguments that let it say something.
const SAYING: [&[&str]; 17] = [
    &["--help"],
    &["run", "--help"],
    &["help", "import"],
    &["--version"],
    &["once"],
    &["once", "--json"],
    &["import", "--json"],
    &["status"],
    &["status", "--json"],
    &["doctor"],
    &["failed"],
    &["failed", "--json"],
    &["retry", "--all", "--dry-run"],
    &["prune", "--dry-run"],
    &["rebuild"],
    &["export"],
    &["completions", "bash"],
];

/// A world in which every command has something to say.
fn lived_in() -> World {
    let world = World::new();
    for scenario in SCENARIOS {
        world.projects(scenario);
        world.feed(scenario);
    }
    std::fs::create_dir_all(world.data().incoming()).expect("a folder");
    std::fs::write(world.data().incoming().join("1795350951000000000-s-Stop.json"), "no JSON").expect("a bad file");
    world.ingest_once();
    world
}

fn shell(world: &World, script: &str, args: &[&str]) -> Cmd {
    let command = world.command("sh").args(["-c", script]).arg(bin("ingest")).args(args);
    command.env("PROMPT_MANAGER_PROJECTS", world.projects_root())
}

fn check_alive(done: &Done, what: &str) {
    let code = done.err().lines().rev().find_map(|line| line.strip_prefix("code ")).unwrap_or("none");
    assert!(["0", "1"].contains(&code), "{what}: code {code}\n{done}");
    assert!(!done.err().contains("panicked"), "{what}\n{done}");
}

#[test]
fn readers_may_go_away() {
    let world = lived_in();
    // One that reads a line and leaves, one that has left before the first word, and an stderr that nobody reads.
    for (reader, says) in [
        ("{ \"$0\" \"$@\"; echo \"code $?\" >&2; } | head -n 1", 1),
        ("{ sleep 0.1; \"$0\" \"$@\"; echo \"code $?\" >&2; } | true", 0),
        ("exec 3>&2; { sleep 0.1; \"$0\" \"$@\" 2>&1; echo \"code $?\" >&3; } | true", 0),
    ] {
        for args in SAYING {
            let done = shell(&world, reader, args).run();
            check_alive(&done, &format!("{args:?} with {reader}"));
            assert_eq!(done.out().lines().count(), says, "{args:?}\n{done}");
        }
    }
}

#[test]
fn what_is_piped_is_plain() {
    let world = lived_in();
    for args in SAYING {
        let done = shell(&world, "\"$0\" \"$@\"", args).run();
        assert!(!done.out().contains('\u{1b}') && !done.err().contains('\u{1b}'), "{args:?}\n{done}");
    }
}

/// As it looks in a terminal of so many columns, without the carriage returns.
fn in_terminal(world: &World, columns: usize, args: &str, env: &[(&str, &str)]) -> Option<String> {
    let line = format!("stty cols {columns} rows 40; {} {args}", bin("ingest").display());
    let command = world.command("script").args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm-256color");
    let mut command = env.iter().fold(command, |command, (name, value)| command.env(name, value)).into_command();
    // A program that is missing is no failure of ours.
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

/// The text without what a terminal takes for colours.
fn without_colour(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[test]
fn a_terminal_gets_colour_and_no_long_lines() {
    let world = lived_in();
    if in_terminal(&world, 80, "--version", &[]).is_none() {
        println!("SKIPPED: script(1) is not installed");
        return;
    }
    for columns in [60, 80, 120] {
        for args in ["status", "failed", "once --help", "run --help"] {
            let shown = without_colour(&in_terminal(&world, columns, args, &[]).unwrap_or_default());
            assert!(shown.lines().count() > 1, "{args}: {shown}");
            for line in shown.lines() {
                assert!(line.chars().count() <= columns, "{args} in {columns} columns: {line}\n{shown}");
            }
        }
    }
    let coloured = in_terminal(&world, 80, "status", &[]).unwrap_or_default();
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    let plain = in_terminal(&world, 80, "status", &[("NO_COLOR", "1")]).unwrap_or_default();
    assert!(!plain.contains("\u{1b}["), "{plain}");
}

/// The words under "Commands:" of a help page.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let words = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_help_teaches_by_examples() {
    let world = World::new();
    let all = commands(world.ingest(&["--help"]).code(0).out());
    assert!(all.len() > 10, "{all:?}");
    for command in all.iter().filter(|command| *command != "help") {
        let help = world.ingest(&[command, "--help"]).code(0);
        let examples: Vec<_> = help.out().lines().skip_while(|line| *line != "Examples:").skip(1).collect();
        let shown = examples.iter().filter(|line| line.contains("prompt-manager ")).count();
        assert!(shown > 0, "{command} has no example\n{help}");
    }
}

/// `completions` and `man` speak of the words of another program: those that it has, with the flags that it has.
#[test]
fn the_other_programs_words_are_true() {
    let world = World::new();
    let flags = |text: &str| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let mut found: Vec<_> =
            words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect();
        found.sort();
        found.dedup();
        found
    };
    let _ = world.ingest(&["man", &world.root().join("man").display().to_string()]).code(0).silent();
    let words = commands(world.bin("query-api").arg("--help").succeed().out());
    assert!(words.len() > 3, "{words:?}");
    let completions = world.ingest(&["completions", "bash"]).code(0);
    for word in words.iter().filter(|word| *word != "help") {
        let own = world.bin("query-api").args([word, "--help"]).succeed();
        let page = world.root().join(format!("man/prompt-manager-{word}.1"));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        let plain =
            ["\\fB", "\\fR", "\\fI"].iter().fold(page.clone(), |page, font| page.replace(font, " ")).replace('\\', "");
        assert_eq!(flags(&plain), flags(own.out()), "{page}");
        assert!(completions.out().contains(&format!("prompt__manager__subcmd__{word}")), "{word} is not completed");
    }
}

/// As bash calls it when the person presses Tab: the words typed so far, the last of which is completed.
#[test]
fn bash_completes_behind_the_first_word_too() {
    let world = World::new();
    let script = world.root().join("completions");
    std::fs::write(&script, world.ingest(&["completions", "bash"]).code(0).out()).expect("a script");
    let press = "compopt() { :; }; . \"$0\"; COMP_WORDS=(prompt-manager \"$@\"); COMP_CWORD=$#; \
        _prompt__manager prompt-manager \"${COMP_WORDS[$#]}\" \"${COMP_WORDS[$#-1]}\"; echo \"${COMPREPLY[*]}\"";
    let check = |typed: &[&str], expected: &[&str]| {
        let done = world.command("bash").args(["--norc", "-c", press]).arg(&script).args(typed).succeed();
        let offered: Vec<_> = done.out().split_whitespace().collect();
        assert!(expected.iter().all(|word| offered.contains(word)), "{typed:?}: {expected:?} {offered:?}");
        if let [word] = expected {
            assert_eq!(offered, [*word], "{typed:?}");
        }
    };
    check(&[""], &["once", "list", "setup", "--help"]);
    check(&["sta"], &["star", "stats", "status"]);
    check(&["list", "--"], &["--since", "--home", "--json"]);
    check(&["export", "--format", "m"], &["markdown", "messages"]);
    check(&["setup", ""], &["hooks", "plugin", "service", "refresh", "remove"]);
    check(&["setup", "service", "--sys"], &["--systemd", "--system"]);
    check(&["setup", "service", "--laun"], &["--launchd"]);
    check(&["help", "setup", ""], &["hooks", "service"]);
    check(&["completions", "ba"], &["bash"]);
}
