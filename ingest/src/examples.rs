//! What `--help` shows by example, where a command has no file of its own for it.

/// Of all commands together.
pub const ALL: &str = "\
Examples:
  prompt-manager once                 take in what there is, now
  prompt-manager run                  stay, and take in what comes
  prompt-manager status               is it going well?
  prompt-manager doctor               is anything wrong that nobody noticed?
  prompt-manager failed               what could not be taken in, and why
  prompt-manager backup ~/safe.db     a checked copy, while everything goes on
  prompt-manager help retry           the options of one command, with examples
";

/// Of `once`.
pub const ONCE: &str = "\
Examples:
  prompt-manager once                          take in what there is
  prompt-manager once --json | jq .stored      the figures for a program
  prompt-manager once --verbose                and say what happens on the way

From cron, every five minutes; 75 means that it will be tried again by itself:
  */5 * * * *  prompt-manager once --quiet >/dev/null || [ $? -eq 75 ]
";

/// Of `run`.
pub const RUN: &str = "\
Examples:
  prompt-manager run                           look every second
  prompt-manager run --every 10s               look less often
  prompt-manager run --cron '*/15 8-18 * * *'  every quarter of an hour from 8:00 to 18:45
  kill -HUP PID                                read config.toml again; status names the process

A supervisor that speaks systemd's protocol (Type=notify-reload, WatchdogSec=) is told when it is ready, that it lives, that
it reads its settings again, and what it did last.
";

/// Of `rebuild`.
pub const REBUILD: &str = "\
Examples:
  prompt-manager rebuild                       derive everything again; on a healthy store nothing changes
  prompt-manager rebuild --index               and make the index of words anew
  prompt-manager rebuild --json                the figures for a program
";

/// Of `recover`.
pub const RECOVER: &str = "\
Examples:
  prompt-manager doctor                        is the database damaged?
  prompt-manager recover                       set it aside and make it anew
";
