//! Debian's own cron runs the lines that `setup service --cron` writes: in a mount, process and network namespace of its own, with a
//! spool, a `/run` and a crontab of its own, so that no crontab of this machine is seen or changed. It ends with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use harness::{World, bin};

/// What cron, a shell and a path in between them could stumble over.
const ODD: &str = "ho me/100% \"it's\" <ä>&$HOME";

/// Everything that cron reads or writes lies on file systems of its own. It says nothing to anybody but `sendmail`.
const STAGE: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool/cron
mount -t tmpfs tmpfs /etc/cron.d
mount --bind /dev/null /etc/crontab
# Cron takes the home from here.
awk -F: -v OFS=: '$1 == "root" { $6 = ENVIRON["HOME"] } 1' /etc/passwd > /run/passwd
mount --bind /run/passwd /etc/passwd
mkdir /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
chmod 1730 /var/spool/cron/crontabs
if [ -e /usr/sbin/sendmail ]; then
    printf '#!/bin/sh\ncat >> "%s"\n' "$WORLD/mail" > /run/sendmail
    chmod 755 /run/sendmail
    mount --bind /run/sendmail "$(readlink -f /usr/sbin/sendmail)"
fi
printf '# mine\n5 4 * * * true 100\\%%\n' | crontab -
"$INGEST" setup service --cron $LOOK > "$WORLD/said"
crontab -l > "$WORLD/with"
"$INGEST" setup service --cron $LOOK >> "$WORLD/said"
crontab -l | cmp - "$WORLD/with"
# As often as cron can, so that a test can wait for it.
crontab -l | sed 's|^\*/5 |* |' | crontab -
cron -f &
while [ ! -e "$WORLD/enough" ]; do sleep 0.1; done
kill $!
wait || :
"$INGEST" setup service --remove >> "$WORLD/said"
crontab -l > "$WORLD/without"
"#;

struct Stage {
    world: World,
    home: PathBuf,
    child: Child,
}

impl Stage {
    /// Cron, with our lines for this way of looking.
    fn start(look: &str) -> Self {
        let world = World::new();
        let home = world.root().join(ODD);
        let lib = home.join("lib");
        fs::create_dir_all(&lib).expect("a directory");
        for name in ["ingest", "query-api"] {
            fs::copy(bin(name), lib.join(name)).expect("a program");
        }
        fs::create_dir_all(home.join(".config/prompt-manager")).expect("a directory");
        let listen = format!("listen = 'unix:{}'\n", world.root().join("api.sock").display());
        fs::write(home.join(".config/prompt-manager/config.toml"), listen).expect("config.toml");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-c", STAGE]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &home).env("LOOK", look);
        command.env("WORLD", world.root()).env("INGEST", lib.join("ingest"));
        let child = command.spawn().expect("unshare runs");
        Self { world, home, child }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.root().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.home.join(".local/share/prompt-manager")
    }

    /// As Claude Code would, with the places of this home.
    fn hook(&self) {
        let queue = self.data().join("queue");
        let hook = self.world.bin("prompt-hook").args(["UserPromptSubmit", "--queue"]).arg(queue);
        let _ =
            hook.stdin(r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"hi"}"#).succeed().silent();
    }

    fn wait_for(&mut self, what: &str, seconds: u64, fits: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !fits(self) {
            assert!(self.child.try_wait().expect("a child").is_none(), "the stage ended, waiting for {what}");
            let mail = self.text("mail");
            assert!(
                Instant::now() < deadline,
                "waited {seconds} s for {what}; said:\n{}\nmail:\n{mail}",
                self.text("said")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn is_taken_in(&self) -> bool {
        let archive = fs::read_dir(self.data().join("queue/archive")).into_iter().flatten().flatten();
        archive.flat_map(|day| fs::read_dir(day.path()).into_iter().flatten()).flatten().next().is_some()
    }

    /// Ends cron; our lines are gone then, and nobody got mail.
    fn end(mut self) {
        fs::write(self.path("enough"), "").expect("a file");
        let status = self.child.wait().expect("the stage ends");
        assert!(status.success(), "{status}\n{}", self.text("said"));
        assert_eq!(self.text("without"), "# mine\n5 4 * * * true 100\\%\n");
        assert!(self.text("with").starts_with(&self.text("without")), "{}", self.text("with"));
        assert!(self.text("said").contains("your crontab: nothing to do"), "{}", self.text("said"));
        assert_eq!(self.text("mail"), "");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill(); // with it goes everything in its namespace
        let _ = self.child.wait();
    }
}

/// Namespaces want root. Cron itself is no question: `./ops/test` installs it.
#[expect(clippy::print_stdout, reason = "a skip is said")]
fn may_run() -> bool {
    assert!(Path::new("/usr/sbin/cron").exists(), "cron is missing: ./ops/test installs what the tests need");
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: only root can give cron a spool of its own");
    }
    is_root
}

#[test]
fn at_a_boot_both_are_started() {
    if !may_run() {
        return;
    }
    let mut stage = Stage::start("");
    stage.wait_for("the ingester", 60, |stage| stage.data().join("database/prompts.db").exists());
    stage.wait_for("the API", 60, |stage| stage.path("api.sock").exists());
    stage.hook();
    stage.wait_for("a prompt that the hook wrote", 30, Stage::is_taken_in);
    stage.end();
}

#[test]
fn a_pass_comes_by_the_clock() {
    if !may_run() {
        return;
    }
    let mut stage = Stage::start("--timer");
    stage.wait_for("the API", 60, |stage| stage.path("api.sock").exists());
    stage.hook();
    stage.wait_for("a prompt that the hook wrote", 100, Stage::is_taken_in);
    let lines = stage.text("with").lines().filter(|line| line.contains("/lib/ingest")).count();
    assert_eq!(lines, 1, "{}", stage.text("with"));
    stage.end();
}
