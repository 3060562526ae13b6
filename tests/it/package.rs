//! What people install: what lies in the Debian package and the tarball, whether it runs from there, and what the scripts of the package
//! leave alone. The whole story, in a Debian of its own, is `ops/package --check`, which takes minutes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail like tests; skips are printed")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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
        let programs = world.root().join("programs");
        fs::create_dir(&programs).unwrap();
        for name in ["prompt-hook", "ingest", "query-api"] {
            let _ = world.command("strip").arg("-o").arg(programs.join(name)).arg(bin(name)).succeed();
        }
        let [deb, tarball] = package(&world, "out", "1795350951");
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

/// Both packages of a commit of that time, in a folder of that name.
fn package(world: &World, out: &str, time: &str) -> [PathBuf; 2] {
    let [programs, out] = ["programs", out].map(|name| world.root().join(name));
    let make = world.command(repository().join("ops/package")).arg("--binaries").arg(programs).arg("--out").arg(out);
    let made = make.env("SOURCE_DATE_EPOCH", time).env("PROMPT_MANAGER_COMMIT", "0abc123 2026-11-22").succeed();
    let paths: Vec<_> = made.out().lines().map(PathBuf::from).collect();
    paths.try_into().unwrap()
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
    let _ = packages.installer(&tar).succeed();
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
        "share/man/man1/prompt-manager-setup-service.1.gz",
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

    // Units are anybody's: no path of the machine on which they were made, and no data directory, which they would not make.
    let tar_lib = tar.join("lib/prompt-manager");
    for (folder, lib) in [
        (deb.join("usr/lib/systemd/user"), Path::new("/usr/lib/prompt-manager")),
        (tar.join("share/systemd/user"), &tar_lib),
    ] {
        let unit = fs::read_to_string(folder.join("prompt-manager.service")).unwrap();
        let start = format!("ExecStart=:\"{}/ingest\" run --leave-notify", lib.display());
        assert!(unit.lines().any(|line| line == start), "{start}\n{unit}");
        for unit in files(&folder) {
            let text = fs::read_to_string(folder.join(&unit)).unwrap().replace(&lib.display().to_string(), "");
            for alien in ["/tmp/", "@LIB@", "--home", "PROMPT_MANAGER_SPILL"] {
                assert!(!text.contains(alien), "{alien} in {unit}\n{text}");
            }
        }
    }
    let plugin = deb.join("usr/lib/prompt-manager/marketplace/prompt-manager");
    let hooks = fs::read_to_string(plugin.join("hooks/hooks.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&hooks).unwrap();
    assert!(!hooks.contains("--queue"), "{hooks}");
    let readme = fs::read_to_string(plugin.join("README.md")).unwrap();
    assert!(readme.contains("for everybody on this machine") && !readme.contains("one user"), "{readme}");

    packages.check_runs(&deb.join("usr"), "deb");
    packages.check_runs(&tar, "tar");
}

/// apt and dpkg take the package of a later commit for newer, also of the same day; that of the same commit is the same.
#[test]
fn versions_go_by_the_commit() {
    let Some(Packages { world, deb, tarball }) = Packages::make() else { return };
    for (first, again) in [deb.clone(), tarball].into_iter().zip(package(&world, "again", "1795350951")) {
        assert_eq!(first.file_name(), again.file_name());
        assert!(fs::read(&first).unwrap() == fs::read(&again).unwrap(), "{} is not made alike twice", first.display());
    }
    let [later, _] = package(&world, "later", "1795350952");
    let [before, after] = [&deb, &later].map(|deb| {
        let told = world.command("dpkg-deb").args(["--field"]).arg(deb).arg("Version").succeed().out().to_owned();
        assert!(deb.ends_with(format!("prompt-manager_{}_amd64.deb", told.trim())), "{told}");
        told.trim().to_owned()
    });
    assert!(before.starts_with("0.1.0+20261122.123551.0abc123"), "{before}");
    let compare = |words: [&str; 3]| world.command("dpkg").arg("--compare-versions").args(words).run();
    let _ = compare([&before, "lt", &after]).code(0);
    let _ = compare([&after, "lt", "0.2.0"]).code(0);
}

impl Packages {
    /// Has the tarball put itself below `prefix`.
    fn installer(&self, prefix: &Path) -> Cmd {
        let unpacked = self.world.root().join("unpacked");
        fs::create_dir_all(&unpacked).unwrap();
        let unpack = self.world.command("tar").args(["--strip-components=1", "-C"]).arg(&unpacked).arg("-xzf");
        let _ = unpack.arg(&self.tarball).succeed();
        self.command(&self.world.home(), unpacked.join("install.sh")).env("PREFIX", prefix)
    }
}

/// In a home that has nothing, and in one whose folders are closed; over itself; and out again.
#[test]
fn the_tarball_installs_and_goes() {
    let Some(packages) = Packages::make() else { return };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (home, is_new, is_linked) in [("new", true, false), ("closed", false, false), ("linked", true, true)] {
        let home = packages.world.root().join(home);
        let (prefix, mine) = (home.join(".local"), home.join(".local/share/mine"));
        if is_linked {
            fs::create_dir(packages.world.root().join("disk")).unwrap();
            std::os::unix::fs::symlink("disk", &home).unwrap();
        } else {
            fs::create_dir(&home).unwrap();
        }
        if !is_new {
            fs::create_dir_all(mine.parent().unwrap()).unwrap();
            fs::set_permissions(mine.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
            fs::write(&mine, "").unwrap();
        }
        let install = || packages.installer(&prefix).env("HOME", &home).succeed();
        let in_place = prefix.join("bin/prompt-manager");
        fs::create_dir_all(&in_place).unwrap();
        let refused = packages.installer(&prefix).env("HOME", &home).run().code(1);
        assert!(refused.err().contains("there is a folder where a file has to go"), "{refused}");
        fs::remove_dir(&in_place).unwrap();
        let said = install();
        assert!(said.out().contains("Each user sets it up"), "{said}");
        assert_eq!(mode(&prefix.join("share")), if is_new { 0o755 } else { 0o700 });
        let ingest = prefix.join("lib/prompt-manager/ingest");
        let before = fs::File::open(&ingest).unwrap();
        let first = files(&prefix);

        // A file of the version before, which this one does not have.
        let list = prefix.join("lib/prompt-manager/files");
        let listed = fs::read_to_string(&list).unwrap();
        fs::write(&list, listed.clone() + "share/former/gone\n").unwrap();
        fs::create_dir(prefix.join("share/former")).unwrap();
        fs::write(prefix.join("share/former/gone"), "").unwrap();
        let said = install();
        assert!(said.out().contains("Each user renews"), "{said}");
        assert_eq!((files(&prefix), fs::read_to_string(&list).unwrap()), (first, listed));
        assert!(!prefix.join("share/former").exists());
        assert_ne!(before.metadata().unwrap().ino(), fs::metadata(&ingest).unwrap().ino());
        assert_eq!(before.metadata().unwrap().nlink(), 0); // what runs has it still, whole

        if is_linked {
            let _ = packages.command(&home, prefix.join("bin/prompt-manager")).args(["setup", "hooks"]).succeed();
        }
        let out = packages.command(&home, prefix.join("lib/prompt-manager/install.sh")).arg("--uninstall").succeed();
        assert!(out.out().ends_with("and its programs\n"), "{out}");
        if is_linked {
            assert!(out.out().contains("taken out the hooks") && !home.join(".claude/settings.json").exists(), "{out}");
            continue;
        }
        let left: Vec<_> = files(&home).into_iter().collect();
        assert_eq!(left, if is_new { vec![] } else { vec![".local/share/mine"] });
        let _ = packages.installer(&prefix).env("HOME", &home).arg("--uninstall").run().code(1);
    }
}

/// `cargo uninstall` takes the programs, and leaves the command that was copied beside them.
#[test]
fn a_command_without_its_programs_says_so() {
    let world = World::new();
    let left = world.root().join("prompt-manager");
    let _ = fs::copy(repository().join("ops/prompt-manager"), &left).unwrap();
    for args in [&["list"][..], &["--version"], &["help", "once"], &["hook", "Stop"]] {
        let done = world.command(&left).args(args).run().code(127);
        let said =
            format!("this command is left of the installation; install it again, or delete {}\n", left.display());
        assert!(done.out().is_empty() && done.err().ends_with(&said), "{args:?}: {done}");
    }
}

/// As dpkg runs it, with a systemd that notes what it is told: only who has our programs is told something, none is waited for that
/// starts, and no file of a user is touched.
#[test]
fn what_its_scripts_do() {
    let world = World::new();
    let log = world.root().join("log");
    let tools = world.root().join("tools");
    fs::create_dir(&tools).unwrap();
    // The first user has the units of the package, the second has programs from source under the same names, the third's manager
    // makes things up, and the system has nothing.
    let systemctl = format!(
        "#!/bin/sh
case $* in
*list-units*) printf 'user@%s.service loaded\\n' 1000 1001 1002 ;;
*1000@*show*) printf 'ExecStart={{ path={ours}/ingest ; }}\\nId=prompt-manager.service\\n\\nId=prompt-manager-once.service\\n\\nId=prompt-manager-api.service\\nExecStart={{ path={ours}/query-api ; }}\\n' ;;
*1001@*show*) printf 'Id=prompt-manager.service\\nExecStart={{ path=/home/b/.local/lib/prompt-manager/ingest ; }}\\n' ;;
*1002@*show*) printf 'Id=--host=elsewhere.service\\nExecStart={{ path={ours}/ingest ; }}\\n' ;;
*show*) printf 'Id=prompt-manager.service\\n' ;;
*) echo \"$*\" >>{log} ;;
esac\n",
        ours = "/usr/lib/prompt-manager",
        log = log.display()
    );
    fs::write(tools.join("systemctl"), systemctl).unwrap();
    let _ = world.command("chmod").arg("755").arg(tools.join("systemctl")).succeed();
    let check = |args: &[&str], expected: &[&str], said: &str| {
        let _ = fs::remove_file(&log);
        let before = files(&world.home());
        let text = fs::read_to_string(repository().join("ops/debian/maintainer")).unwrap();
        // Where systemd runs there is this folder; a test has one of its own.
        let text = text.replace("/run/systemd/system", &tools.display().to_string());
        let path = format!("{}:/usr/bin:/bin", tools.display());
        let done = world.command("/bin/sh").args(["-c", &text, "script"]).args(args).env("PATH", path).succeed();
        assert!(done.out().contains(said), "{args:?}: {done}");
        let told = fs::read_to_string(&log).unwrap_or_default();
        let told: Vec<_> = told.lines().map(|line| line.replace("--no-ask-password --user --machine=", "")).collect();
        assert_eq!(told, expected, "{args:?}");
        assert_eq!(files(&world.home()), before);
    };
    check(&["configure", ""], &[], "setup service");
    check(
        &["configure", "0.0.9"],
        &["1000@ daemon-reload", "1000@ --no-block try-restart prompt-manager.service prompt-manager-api.service"],
        "upgraded from 0.0.9",
    );
    check(&["upgrade", "0.2.0"], &[], "");
    let stopped = "1000@ stop prompt-manager.path prompt-manager.socket prompt-manager.timer prompt-manager.service \
        prompt-manager-api.path prompt-manager-api.socket prompt-manager-api.timer prompt-manager-api.service";
    check(&["remove"], &[stopped], "data of users stays");
}
