//! What people install: what lies in the Debian package and the tarball, whether it runs from there, and what the scripts of the package
//! leave alone. The whole story, in a Debian of its own, is `ops/package --check`, which takes minutes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail like tests; skips are printed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Cmd, World, bin, repository};

/// Both, made of the programs that are tested. `None`, and a word about it, where such packages are not made.
struct Packages {
    world: World,
    deb: PathBuf,
    tarball: PathBuf,
}

impl Packages {
    fn make() -> Option<Self> {
        let is_there =
            |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|done| done.status.success());
        if let Some(tool) = ["dpkg-deb", "dpkg", "gzip", "strip"].into_iter().find(|tool| !is_there(tool)) {
            println!("SKIPPED: there is no {tool}");
            return None;
        }
        let world = World::new();
        // What is there to debug is nine tenths of them, and would take a minute to pack.
        let (programs, out) = (world.root().join("programs"), world.root().join("out"));
        fs::create_dir(&programs).unwrap();
        for name in ["prompt-hook", "ingest", "query-api"] {
            let _ = world.command("strip").arg("-o").arg(programs.join(name)).arg(bin(name)).succeed();
        }
        let make =
            world.command(repository().join("ops/package")).arg("--binaries").arg(programs).arg("--out").arg(&out);
        let made = make.env("SOURCE_DATE_EPOCH", "1795350951").succeed();
        let paths: Vec<_> = made.out().lines().map(PathBuf::from).collect();
        let [deb, tarball] = <[PathBuf; 2]>::try_from(paths).unwrap();
        Some(Self { world, deb, tarball })
    }

    fn command(&self, home: &Path, program: PathBuf) -> Cmd {
        let command = self.world.command(program).env("HOME", home).env_remove("PROMPT_MANAGER_HOME");
        let unset = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
        unset.into_iter().fold(command, |command, name| command.env_remove(name))
    }

    /// Programs below `prefix` work for a user who has nothing yet.
    fn check_runs(&self, prefix: &Path, what: &str) {
        let home = self.world.root().join(format!("home-{what}"));
        fs::create_dir_all(home.join(".claude")).unwrap();
        let ours = |args: &[&str]| self.command(&home, prefix.join("bin/prompt-manager")).args(args);
        let version = ours(&["--version"]).succeed();
        assert!(version.out().starts_with("prompt-manager "), "{what}: {version}");
        let set_up = ours(&["setup", "hooks"]).succeed();
        assert!(set_up.out().contains("settings.json"), "{what}: {set_up}");
        let hook =
            self.command(&home, home.join(".local/state/prompt-manager/bin/prompt-hook")).arg("UserPromptSubmit");
        let payload = r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"packed"}"#;
        let _ = hook.stdin(payload).run().code(0).silent();
        assert!(ours(&["once"]).succeed().out().starts_with("1 event stored"), "{what}");
        assert!(ours(&["list"]).succeed().out().contains("packed"), "{what}");
    }
}

/// The files below `root`, by their path there.
fn files(root: &Path) -> BTreeSet<String> {
    let (mut found, mut dirs) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn what_is_in_them_and_runs() {
    let Some(packages) = Packages::make() else { return };
    let (deb, tar) = (packages.world.root().join("deb"), packages.world.root().join("tar"));
    let _ = packages.world.command("dpkg-deb").arg("-x").args([&packages.deb, &deb]).succeed();
    fs::create_dir(&tar).unwrap();
    let unpack = packages.world.command("tar").args(["--strip-components=1", "-C"]).arg(&tar).arg("-xzf");
    let _ = unpack.arg(&packages.tarball).succeed();
    let (in_deb, in_tar) = (files(&deb.join("usr")), files(&tar));
    for name in [
        "bin/prompt-manager",
        "lib/prompt-manager/ingest",
        "lib/prompt-manager/query-api",
        "lib/prompt-manager/prompt-hook",
        "lib/prompt-manager/marketplace/.claude-plugin/marketplace.json",
        "lib/prompt-manager/marketplace/prompt-manager/bin/prompt-hook",
        "share/bash-completion/completions/prompt-manager",
        "share/fish/vendor_completions.d/prompt-manager.fish",
        "share/man/man1/prompt-manager.1.gz",
        "share/man/man1/prompt-manager-list.1.gz",
        "share/man/man1/prompt-manager-run.1.gz",
        "share/doc/prompt-manager/docs/openapi.json",
    ] {
        assert!(in_deb.contains(name) && in_tar.contains(name), "{name}\n{in_deb:#?}\n{in_tar:#?}");
    }
    for name in ["lib/systemd/user/prompt-manager.service", "share/doc/prompt-manager/copyright"] {
        assert!(in_deb.contains(name), "{name}\n{in_deb:#?}");
    }
    assert!(in_tar.contains("share/systemd/user/prompt-manager.service"), "{in_tar:#?}");
    let control = packages.world.command("dpkg-deb").arg("-I").arg(&packages.deb).succeed();
    assert!(control.out().contains("Package: prompt-manager\n"), "{control}");

    // Units are anybody's: no path of the machine on which they were made.
    for (folder, lib) in [
        (deb.join("usr/lib/systemd/user"), "/usr/lib/prompt-manager"),
        (tar.join("share/systemd/user"), "%h/.local/lib/prompt-manager"),
    ] {
        let unit = fs::read_to_string(folder.join("prompt-manager.service")).unwrap();
        let start = format!("ExecStart=:\"{lib}/ingest\" run --home \"%h/.local/share/prompt-manager\" --leave-notify");
        assert!(unit.lines().any(|line| line == start), "{start}\n{unit}");
        for unit in files(&folder) {
            let text = fs::read_to_string(folder.join(&unit)).unwrap();
            assert!(!text.contains("/tmp/") && !text.contains("@LIB@"), "{unit}\n{text}");
        }
    }
    let hooks = deb.join("usr/lib/prompt-manager/marketplace/prompt-manager/hooks/hooks.json");
    let hooks = fs::read_to_string(hooks).unwrap();
    serde_json::from_str::<serde_json::Value>(&hooks).unwrap();
    assert!(!hooks.contains("--queue"), "{hooks}");

    packages.check_runs(&deb.join("usr"), "deb");
    packages.check_runs(&tar, "tar");
}

/// As dpkg runs them, with a systemd that notes what it is told: the ingester is started again before the API, and no file of a user is
/// touched, nor on removal.
#[test]
fn what_its_scripts_do() {
    let world = World::new();
    let log = world.root().join("log");
    let tools = world.root().join("tools");
    fs::create_dir(&tools).unwrap();
    let systemctl = format!(
        "#!/bin/sh\ncase $* in *list-units*) echo 'user@1000.service loaded' ;; *) echo \"$*\" >>{} ;; esac\n",
        log.display()
    );
    fs::write(tools.join("systemctl"), systemctl).unwrap();
    let _ = world.command("chmod").arg("755").arg(tools.join("systemctl")).succeed();
    let check = |script: &str, args: &[&str], expected: &[&str], said: &str| {
        let _ = fs::remove_file(&log);
        let before = files(&world.home());
        let text = fs::read_to_string(repository().join("ops/debian").join(script)).unwrap();
        // Where systemd runs there is this folder; a test has one of its own.
        let text = text.replace("/run/systemd/system", &tools.display().to_string());
        let path = format!("{}:/usr/bin:/bin", tools.display());
        let done = world.command("/bin/sh").args(["-c", &text, script]).args(args).env("PATH", path).succeed();
        assert!(done.out().contains(said), "{script} {args:?}: {done}");
        let told = fs::read_to_string(&log).unwrap_or_default();
        let told: Vec<_> = told.lines().filter(|line| line.contains("try-restart") || line.contains("stop")).collect();
        assert_eq!(told, expected, "{script} {args:?}");
        assert_eq!(files(&world.home()), before);
    };
    let user = "--user --machine=1000@";
    check("postinst", &["configure", ""], &[], "setup service");
    check(
        "postinst",
        &["configure", "0.0.9"],
        &[
            &format!("{user} try-restart prompt-manager.service prompt-manager-once.service"),
            &format!("{user} try-restart prompt-manager-api.service"),
        ],
        "upgraded from 0.0.9",
    );
    check("prerm", &["upgrade", "0.2.0"], &[], "");
    check("prerm", &["remove"], &[&format!("{user} stop prompt-manager*")], "data of users stays");
}
