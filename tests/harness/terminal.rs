//! A person at a terminal: keys go in, the screen comes out, through tmux, which is what a person could look into too.
//!
//! Nothing waits for a time: every wait is for something that the screen shows, and one that never comes ends the test with the
//! screen as it is.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Cmd, Done, World};

/// Longer than anything takes that a person waits for, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the screen is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A program at a terminal of 120 columns.
pub struct Terminal<'w> {
    world: &'w World,
    socket: PathBuf,
}

/// What the terminal shows.
pub struct Screen(String);

impl Screen {
    /// All of it, a line each.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What stands in the client's composer: between the last two rules, behind its sign. `None` while there is no composer.
    pub fn composer(&self) -> Option<String> {
        let lines: Vec<_> = self.0.lines().collect();
        let rule = |line: &&str| line.starts_with("────");
        let last = lines.iter().rposition(rule)?;
        let first = lines[..last].iter().rposition(rule)?;
        let text = lines[first + 1..last].join("\n");
        Some(text.strip_prefix('❯')?.trim().to_owned())
    }
}

impl<'w> Terminal<'w> {
    pub(crate) fn open(world: &'w World, command: Cmd) -> Self {
        // A short path: that of a socket has a limit.
        let terminal = Self { world, socket: world.root().join("tmux") };
        let command = command.into_command();
        let mut tmux = terminal.tmux(&["new-session", "-d", "-x", "120", "-y", "50", "env", "-i"]);
        let pairs = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in pairs {
            tmux = tmux.arg(format!("{}={}", name.display(), value.display()));
        }
        let _ = tmux.arg(command.get_program()).args(command.get_args()).succeed();
        terminal
    }

    /// What is shown now; nothing once the program has ended.
    pub fn screen(&self) -> Screen {
        Screen(self.tmux(&["capture-pane", "-p"]).run().out().to_owned())
    }

    /// Waits until the screen is as `is` says, which people would call `what`.
    ///
    /// # Panics
    /// When it never is.
    pub fn wait(&self, what: &str, is: impl Fn(&Screen) -> bool) -> Screen {
        let begin = Instant::now();
        loop {
            let screen = self.screen();
            if is(&screen) {
                return screen;
            }
            assert!(begin.elapsed() < PATIENCE, "no {what} on the screen:\n{}", screen.text());
            thread::sleep(LOOK);
        }
    }

    /// Waits until the screen shows this text.
    ///
    /// # Panics
    /// When it never does.
    pub fn shows(&self, text: &str) -> Screen {
        self.wait(text, |screen| screen.text().contains(text))
    }

    /// Types a line and Enter.
    ///
    /// # Panics
    /// When the composer does not take it.
    pub fn say(&self, line: &str) {
        self.write(line);
        self.key("Enter");
    }

    /// Types a text, and waits until the composer holds it.
    ///
    /// # Panics
    /// When it never does.
    pub fn write(&self, text: &str) {
        let _ = self.tmux(&["send-keys", "-l", text]).succeed();
        self.wait(text, |screen| screen.composer().is_some_and(|composer| composer.ends_with(text.trim_end())));
    }

    /// Presses a key by its tmux name: `Enter`, `Escape`, `C-u`.
    ///
    /// # Panics
    /// When tmux does not take it.
    pub fn key(&self, name: &str) {
        let _ = self.tmux(&["send-keys", name]).succeed();
    }

    /// Leaves by `/exit`, and waits until the program has ended.
    ///
    /// # Panics
    /// When it never does.
    pub fn exit(self) {
        self.say("/exit");
        let begin = Instant::now();
        while self.tmux(&["has-session"]).run().status.success() {
            assert!(begin.elapsed() < PATIENCE, "it does not end:\n{}", self.screen().text());
            thread::sleep(LOOK);
        }
    }

    fn tmux(&self, args: &[&str]) -> Cmd {
        // The server outlives its last session for no longer than it must: it is ended with this value.
        self.world
            .command("tmux")
            .env("LANG", "C.UTF-8")
            .arg("-S")
            .arg(&self.socket)
            .args(["-f", "/dev/null"])
            .args(args)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _: Done = self.tmux(&["kill-server"]).run();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(screen: &str, expected: Option<&str>) {
        assert_eq!(Screen(screen.to_owned()).composer(), expected.map(str::to_owned), "{screen}");
    }

    #[test]
    fn composers() {
        check("", None);
        check("─────\n❯ \n─────\n  auto", Some(""));
        check("❯ said\n─────\n❯ being typed\n─────\n  auto", Some("being typed"));
        check("─────\n❯ two\n  lines\n─────", Some("two\n  lines"));
    }
}
