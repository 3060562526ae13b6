//! What a setup of services leaves alone because it is somebody else's, and what it remembers.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Machine, paths};

/// A `crontab` whose text lies in a file.
pub(super) fn crontab(machine: &Machine) -> PathBuf {
    let text = machine.world.root().join("crontab");
    let script = format!(
        "f='{}'\ncase $1 in -l) [ -f \"$f\" ] || {{ echo no crontab for you >&2; exit 1; }}; exec /bin/cat \"$f\";; -) exec /bin/cat >\"$f\";; -r) exec /bin/rm -f \"$f\";; esac",
        text.display()
    );
    machine.tool("crontab", &script);
    text
}

/// A user may have several data directories, and a manager has one place of our names.
#[test]
fn services_of_another_data_directory_stay() {
    let machine = Machine::new("home");
    let text = crontab(&machine);
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=active;; esac");
    machine.tool("launchctl", "");
    let (one, two) = (machine.home.join("on e's 100%"), machine.home.join("two"));
    let setup = |home: &Path, words: &[&str]| machine.ingest(&[&["setup"], words].concat()).arg("--home").arg(home);
    for (manager, place) in
        [("--systemd", ".config/systemd/user"), ("--launchd", "Library/LaunchAgents"), ("--cron", "")]
    {
        let _ = setup(&one, &["service", manager]).succeed();
        let state = || {
            let folder = machine.home.join(place);
            let files = if manager == "--cron" { vec![text.clone()] } else { paths(&folder) };
            files.iter().map(|path| fs::read_to_string(path).expect("a file")).collect::<Vec<_>>()
        };
        let before = state();
        let _ = machine.asked();
        let done = setup(&two, &["service", manager]).run().code(1);
        let quoted = format!("'{}'", one.display().to_string().replace('\'', r"'\''"));
        let how = format!("setup service --remove {manager} --home {quoted}");
        assert!(done.err().contains(&how), "{how}\n{done}");
        let done = setup(&two, &["service", "--remove", manager]).succeed();
        assert!(done.out().contains("kept what") && done.out().contains(&how), "{done}");
        // As if they had been its own, and the other had come since.
        let record = two.join("setup.json");
        fs::write(&record, fs::read(one.join("setup.json")).expect("a record")).expect("a record");
        let done = setup(&two, &["refresh"]).succeed();
        assert!(done.out().contains("kept what"), "{done}");
        let done = setup(&two, &["remove"]).succeed();
        assert!(done.out().contains("kept what") && !record.exists(), "{done}");
        assert_eq!(state(), before);
        let asked = machine.asked();
        let changes = asked
            .iter()
            .filter(|line| ["stop", "disable", "bootout", "crontab -"].iter().any(|word| line.contains(word)));
        assert_eq!(changes.filter(|line| !line.ends_with("-l")).count(), 0, "{asked:?}");
        let _ = setup(&one, &["service", "--remove"]).succeed();
        let _ = setup(&two, &["service", manager]).succeed();
        // What starts things for a folder that is gone is nobody's.
        fs::remove_dir_all(&two).expect("removed");
        let _ = setup(&one, &["service", manager]).succeed();
        let _ = setup(&one, &["service", "--remove"]).succeed();
    }
    fs::remove_dir_all(&one).expect("removed");
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

/// The place that was chosen stays until another is chosen; a shell's variable is heard once.
#[test]
fn where_the_api_listens_stays_through_an_upgrade() {
    let machine = Machine::new("home");
    let text = crontab(&machine);
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=active;; esac");
    let socket = || fs::read_to_string(machine.units().join("prompt-manager-api.socket")).expect("a unit");
    let done = machine.ingest(&["setup", "service", "--systemd", "--listen", "127.0.0.1:9000"]).succeed();
    assert!(done.out().ends_with("the API listens on http://127.0.0.1:9000\n"), "{done}");
    let _ = machine.asked();
    let _ = machine.ingest(&["setup", "refresh"]).env("PROMPT_MANAGER_LISTEN", "127.0.0.1:7000").succeed();
    assert!(socket().contains("ListenStream=127.0.0.1:9000\n"));
    let asked = machine.asked();
    assert!(!asked.iter().any(|line| line.contains(" stop ")), "{asked:?}");
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    assert!(socket().contains("ListenStream=127.0.0.1:9000\n"));
    // Another in config.toml, and none chosen beside it: the socket is opened anew.
    let _ = machine.ingest(&["setup", "service", "--systemd", "--listen", "127.0.0.1:8765"]).succeed();
    let config = machine.home.join(".config/prompt-manager");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.toml"), "listen = '127.0.0.1:9001'\n").expect("config.toml");
    let _ = machine.asked();
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert!(socket().contains("ListenStream=127.0.0.1:9001\n"));
    let asked: Vec<_> = machine.asked().into_iter().filter(|line| !line.contains(" show ")).collect();
    assert!(asked[0].contains(" stop ") && asked[0].contains("prompt-manager-api.socket"), "{asked:?}");
    assert!(asked.last().is_some_and(|line| line.ends_with(" start prompt-manager-api.socket")), "{asked:?}");
    fs::remove_file(config.join("config.toml")).expect("removed");

    let _ = machine.ingest(&["setup", "service", "--launchd"]).env("PROMPT_MANAGER_LISTEN", "127.0.0.1:9002").succeed();
    let plist = machine.home.join("Library/LaunchAgents/io.prompt-manager.api.plist");
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert!(
        fs::read_to_string(plist).expect("an agent").contains("<string>--listen</string>\n\t\t<string>127.0.0.1:9002<")
    );
    let _ = machine.ingest(&["setup", "service", "--cron", "--listen", "127.0.0.1:9003"]).succeed();
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert!(fs::read_to_string(text).expect("lines").contains(" --listen '127.0.0.1:9003' >/dev/null"));
}

/// A variable that said where they lie may be gone.
#[test]
fn units_are_found_where_they_were_written() {
    let machine = Machine::new("home");
    let chosen = machine.home.join("chosen");
    let _ = machine.ingest(&["setup", "service", "--systemd"]).env("XDG_CONFIG_HOME", &chosen).succeed();
    let unit = chosen.join("systemd/user/prompt-manager.service");
    let before = fs::read_to_string(&unit).expect("a unit");
    fs::write(&unit, before.replace("5min", "6min")).expect("a unit");
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert_eq!(fs::read_to_string(&unit).expect("a unit"), before);
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

/// A unit of a person's own stays, runs on, and is started at the next boot.
#[test]
fn units_of_our_names_that_are_not_ours_are_left_alone() {
    let machine = Machine::new("home");
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=active;; esac");
    let theirs = machine.units().join("prompt-manager-once.timer");
    let wanted = machine.units().join("timers.target.wants/prompt-manager-once.timer");
    fs::create_dir_all(wanted.parent().expect("a folder")).expect("a folder");
    fs::write(&theirs, "[Timer]\nOnCalendar=daily\n").expect("a unit");
    std::os::unix::fs::symlink(&theirs, &wanted).expect("a link");
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
    let asked = machine.asked();
    let stopped = asked.iter().any(|line| !line.contains(" show ") && line.contains("once.timer"));
    assert!(!stopped && theirs.exists() && wanted.is_symlink(), "{asked:?}");
    // A link is a person's own too, wherever it leads.
    let elsewhere = machine.home.join("dotfiles.service");
    fs::write(&elsewhere, "# Made by `prompt-manager setup service`\n").expect("a unit");
    let link = machine.units().join("prompt-manager.service");
    std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
    let done = machine.ingest(&["setup", "service", "--systemd"]).run().code(1);
    assert!(done.err().contains("is a link") && link.is_symlink(), "{done}");
    // So is what lies in a folder that is to hold them.
    let folder = machine.home.join("into");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("prompt-manager.service"), "mine").expect("a file");
    let done = machine.ingest(&["setup", "service", "--systemd", "--into"]).arg(&folder).run().code(1);
    assert!(done.err().contains("we have not made it"), "{done}");
    assert_eq!(fs::read_to_string(folder.join("prompt-manager.service")).expect("a file"), "mine");
}

/// Claude Code deletes them after 30 days: what only the shell names goes on record.
#[test]
fn transcripts_that_this_shell_alone_names_are_read_by_a_service() {
    let machine = Machine::new("home");
    let home = &machine.home;
    let recorded = || {
        let text = fs::read_to_string(home.join(".local/share/prompt-manager/setup.json")).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        record["projects"]
            .as_array()
            .expect("roots")
            .iter()
            .filter_map(|root| root.as_str().map(PathBuf::from))
            .collect::<Vec<_>>()
    };
    let setup = |words: &[&str]| machine.ingest(&[&["setup"], words].concat());
    let moved = home.join(".config/claude");
    let done = setup(&["service", "--launchd"]).env("CLAUDE_CONFIG_DIR", &moved).succeed();
    let (usual, moved) = (home.join(".claude/projects"), moved.join("projects"));
    assert_eq!(recorded(), std::slice::from_ref(&moved));
    let line = format!("reads the transcripts in {}, {}\n", usual.display(), moved.display());
    assert!(done.out().contains(&line), "{done}");
    // By the other variable, and where no service is set up.
    let listed = format!("{}:/b", moved.display());
    let done = setup(&["refresh", "--projects"]).env("PROMPT_MANAGER_PROJECTS", listed).succeed();
    assert_eq!(recorded(), [moved.clone(), "/b".into()]);
    assert!(done.out().ends_with(&line.replace('\n', ", /b\n")), "{done}");
    let done = setup(&["refresh", "--projects"]).succeed();
    assert!(done.out().ends_with(&line.replace('\n', ", /b\n")), "{done}");
    // Where a file says it, the file counts.
    fs::create_dir_all(home.join(".config/prompt-manager")).expect("a folder");
    fs::write(home.join(".config/prompt-manager/config.toml"), "projects = ['/c']\n").expect("config.toml");
    let done = setup(&["service", "--launchd"]).env("CLAUDE_CONFIG_DIR", home.join("d")).succeed();
    let note = format!("so that {} is not read", home.join("d/projects").display());
    assert!(done.out().contains(&note) && done.out().contains("reads the transcripts in /c\n"), "{done}");
    assert_eq!(recorded(), [moved, "/b".into()]);
}
