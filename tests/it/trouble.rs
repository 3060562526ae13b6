//! Trouble as an operator meets it, made for real on a machine where everything runs: `status`, `doctor`, the API and the health page
//! name it by the same code with the same next step, hooks go on and lose nothing, and once it is over all is well again
//! without help. docs/trouble has a page for each.
//!
//! The disks are small ones of our own, in a mount namespace that ends with the test. That needs the right to mount.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail like tests; skips are printed")]

mod beside; // troubles that no finding is about
mod clock; // a clock that jumps, and what goes for its age
mod pages; // docs/trouble against the codes
mod stage; // the machine

use harness::example;
use stage::{Stage, eventually};

/// A trouble: a line of the table.
struct Row {
    /// Its page in docs/trouble.
    page: &'static str,
    /// What names it everywhere.
    code: &'static str,
    /// Options of the disk.
    disk: &'static str,
    /// Makes it; `false` where this machine cannot.
    make: fn(&mut Stage) -> bool,
    /// Ends it, by what the page says.
    end: fn(&mut Stage),
}

const DISK: &str = "size=24m";

/// What makes it is a script that ends well.
fn made(stage: &Stage, script: &str) -> bool {
    let done = stage.sh(script);
    let is_made = done.status.success();
    if !is_made {
        println!("SKIPPED: {done}");
    }
    is_made
}

fn ended(stage: &Stage, script: &str) {
    let _ = stage.sh(script).code(0);
}

fn recovered(stage: &mut Stage) {
    // 75: the API has just looked once more.
    eventually("it is made anew", || match stage.ingest(&["recover"]).status.code() {
        Some(75) => false,
        code => code == Some(0) || panic!("recover ends with {code:?}"),
    });
    stage.start();
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident: $row:expr;)*) => {
        const TABLE: &[&Row] = &[$(&$row),*];

        $($(#[$doc])* #[test] fn $name() { check(&$row); })*

        #[test]
        fn every_trouble_has_its_page() {
            pages::check(TABLE);
        }
    };
}

table! {
    disk_full: Row {
        page: "disk-full",
        code: "space_out",
        disk: DISK,
        make: |stage| made(stage, "cat /dev/zero > \"$0/filler\" 2>/dev/null; test -s \"$0/filler\""),
        end: |stage| ended(stage, "rm \"$0/filler\""),
    };
    no_inodes: Row {
        page: "disk-full",
        code: "inodes_out",
        disk: "size=24m,nr_inodes=150",
        make: |stage| made(stage, "n=0; while : > \"$0/filler$n\"; do n=$((n+1)); done 2>/dev/null; test $n -gt 0"),
        end: |stage| ended(stage, "rm \"$0\"/filler*"),
    };
    /// A foreign program writes to it and does not end.
    database_locked: Row {
        page: "database-locked",
        code: "trouble",
        disk: DISK,
        make: |stage| {
            let database = stage.world.data().database();
            stage.foreign("sqlite3", &[database.to_str().unwrap()], ".timeout 60000\nbegin exclusive;\n");
            true
        },
        end: Stage::leave,
    };
    /// As after a power cut on a disk that lies: noise in the file. `run` ends, and `recover` is what a person says.
    database_corrupt: Row {
        page: "database-corrupt",
        code: "database_damaged",
        disk: DISK,
        make: |stage| {
            stage.end("-KILL");
            ended(stage, "rm -f \"$0\"/database/prompts.db-*; head -c 600000 /dev/urandom > \"$0/database/prompts.db\"");
            stage.serve();
            stage.start();
            assert_eq!(stage.ended(), Some(1));
            true
        },
        end: recovered,
    };
    /// Noise in one page that only those who store events read: whoever looks sees nothing of it.
    page_corrupt: Row {
        page: "database-corrupt",
        code: "database_damaged",
        disk: DISK,
        make: |stage| {
            stage.end("-TERM");
            let database = stage.world.data().database();
            let _ = stage.inside(example("plant")).arg(database).arg("noise-in-sessions").run().code(0);
            stage.serve();
            stage.prompts();
            stage.start();
            assert_eq!(stage.ended(), Some(1));
            let _ = stage.ingest(&["once"]).code(1);
            true
        },
        end: recovered,
    };
    /// Somebody moved it to a larger disk.
    database_a_link: Row {
        page: "database-corrupt",
        code: "database_unreadable",
        disk: DISK,
        make: |stage| {
            stage.end("-TERM");
            if !made(stage, "mkdir \"$HOME/big\" && mv \"$0\"/database/prompts.db* \"$HOME/big\" && ln -s \"$HOME/big/prompts.db\" \"$0/database\"") {
                return false;
            }
            stage.start();
            assert_eq!(stage.ended(), Some(78));
            true
        },
        end: |stage| {
            ended(stage, "rm \"$0/database/prompts.db\" && mv \"$HOME\"/big/* \"$0/database\"");
            stage.start();
        },
    };
    database_gone: Row {
        page: "database-corrupt",
        code: "database_missing",
        disk: DISK,
        make: |stage| made(stage, "mkdir \"$HOME/away\" && mv \"$0\"/database/prompts.db* \"$HOME/away\""),
        end: |stage| ended(stage, "mv \"$HOME\"/away/* \"$0/database\""),
    };
    queue_unwritable: Row {
        page: "queue-unwritable",
        code: "queue_unwritable",
        disk: DISK,
        make: |stage| made(stage, "mount --bind \"$0/queue\" \"$0/queue\" && mount -o remount,bind,ro \"$0/queue\""),
        end: |stage| ended(stage, "mount -o remount,bind,rw \"$0/queue\""),
    };
    disk_read_only: Row {
        page: "queue-unwritable",
        code: "read_only",
        disk: DISK,
        make: |stage| made(stage, "mount -o remount,ro \"$0\""),
        end: |stage| ended(stage, "mount -o remount,rw \"$0\""),
    };
    /// Ten years ahead while three prompts were asked, then right again.
    clock_jump: Row {
        page: "clock-jump",
        code: "clock",
        disk: DISK,
        make: |stage| {
            stage.settle("before the jump");
            stage.prompts_at(2_110_883_751_000_000_000);
            stage.settle("while the clock is ahead");
            true
        },
        end: |_| {},
    };
    /// What starts there refuses it.
    unsupported_file_system: Row {
        page: "file-system",
        code: "file_system",
        disk: DISK,
        make: |stage| {
            stage.end("-TERM");
            if !made(stage, "bindfs -o nonempty \"$0\" \"$0\"") {
                return false;
            }
            stage.start();
            assert_eq!(stage.ended(), Some(78));
            true
        },
        end: |stage| {
            ended(stage, "umount -l \"$0\"");
            stage.start();
        },
    };
    permissions_too_open: Row {
        page: "permissions",
        code: "secret_open",
        disk: DISK,
        make: |stage| made(stage, "chmod 755 \"$0\" \"$0/database\" && chmod 644 \"$0/database/prompts.db\""),
        end: |stage| {
            let _ = stage.ingest(&["doctor", "--repair"]).code(0);
        },
    };
    folders_too_open: Row {
        page: "permissions",
        code: "folder_open",
        disk: DISK,
        make: |stage| made(stage, "chmod 777 \"$0/queue\" \"$0/queue/incoming\""),
        end: |stage| ended(stage, "chmod -R go-rwx \"$0\""),
    };
    /// As after a `sudo`: what starts there refuses it.
    owner_foreign: Row {
        page: "permissions",
        code: "owner_foreign",
        disk: DISK,
        make: |stage| {
            stage.end("-TERM");
            if !made(stage, "chown 1000 \"$0/queue/archive\"") {
                return false;
            }
            stage.start();
            assert_eq!(stage.ended(), Some(78));
            true
        },
        end: |stage| {
            stage.do_as_told("owner_foreign");
            stage.start();
        },
    };
    /// What the hook of a `sudo claude` captured: it alone is not taken in.
    queue_file_foreign: Row {
        page: "permissions",
        code: "owner_foreign",
        disk: DISK,
        make: |stage| {
            stage.end("-TERM");
            stage.prompts();
            let is_made = made(stage, "chown 1000 \"$0\"/queue/incoming/*");
            stage.start();
            is_made
        },
        end: |stage| stage.do_as_told("owner_foreign"),
    };
    queue_unchangeable: Row {
        page: "queue-unwritable",
        code: "queue_unwritable",
        disk: DISK,
        make: |stage| made(stage, "chattr +i \"$0/queue/incoming\""),
        end: |stage| stage.do_as_told("queue_unwritable"),
    };
    projects_gone: Row {
        page: "projects-gone",
        code: "projects_unreadable",
        disk: DISK,
        make: |stage| made(stage, "mv \"$HOME/.claude/projects\" \"$HOME/moved\""),
        end: |stage| {
            ended(stage, "mv \"$HOME/moved\" \"$HOME/.claude/projects\"");
            stage.transcript();
        },
    };
    /// Prompts come from the transcript meanwhile.
    hooks_removed: Row {
        page: "hooks-removed",
        code: "hook_forgotten",
        disk: DISK,
        make: |stage| {
            std::fs::write(stage.claude().join("settings.json"), "{}\n").unwrap();
            stage.transcript();
            stage.settle("without hooks");
            true
        },
        end: |stage| {
            let _ = stage.ingest(&["setup", "hooks"]).code(0);
        },
    };
    /// A pipe to which nobody writes, as tools that keep secrets put one there: nobody waits for it.
    settings_pipe: Row {
        page: "hooks-removed",
        code: "hook_settings",
        disk: DISK,
        make: |stage| made(stage, "cd \"$HOME/.claude\" && mv settings.json kept.json && mkfifo settings.json"),
        end: |stage| ended(stage, "cd \"$HOME/.claude\" && mv kept.json settings.json"),
    };
    hook_program_gone: Row {
        page: "hooks-removed",
        code: "hook_program",
        disk: DISK,
        make: |stage| {
            std::fs::remove_file(stage.world.root().join("state/prompt-manager/bin/prompt-hook")).is_ok()
        },
        end: |stage| {
            let _ = stage.ingest(&["setup", "hooks"]).code(0);
        },
    };
    service_not_running: Row {
        page: "service-not-running",
        code: "service_down",
        disk: DISK,
        make: |stage| {
            stage.end("-KILL");
            true
        },
        end: Stage::start,
    };
}

/// The codes of what asks for something.
fn codes(told: &[(String, String)]) -> Vec<&str> {
    // A note asks for nothing; that times were ahead once stays true.
    told.iter().map(|(code, _)| code.as_str()).filter(|code| *code != "times_ahead").collect()
}

fn check(row: &Row) {
    let Some(mut stage) = Stage::new(row.disk) else { return };
    let what = row.page;
    stage.prompts();
    stage.settle(what);
    for told in stage.told() {
        assert_eq!(codes(&told), [""; 0], "{what}: all is well before");
    }
    if !(row.make)(&mut stage) {
        return;
    }
    if row.code != "clock" {
        stage.prompts();
    }
    let mut last = None;
    let named =
        |told: &[(String, String)]| told.iter().find(|(code, _)| code == row.code).map(|(_, step)| step.clone());
    eventually(&format!("{what}: {} is told", row.code), || {
        let told = stage.told();
        let steps = told.each_ref().map(|told| named(told));
        let is_told = steps.iter().all(Option::is_some);
        last = Some((told, steps));
        is_told
    });
    let (told, steps) = last.unwrap();
    assert!(steps.iter().all(|step| *step == steps[0]), "{what}: one next step everywhere: {told:#?}");
    let page = stage.page();
    assert!(page.contains(&format!("<code class=\"quiet\">{}</code>", row.code)), "{what}: {page}");
    (row.end)(&mut stage);
    stage.prompts();
    stage.settle(what);
    let mut last = None;
    let begin = std::time::Instant::now();
    loop {
        let told = stage.told();
        if told.iter().all(|told| codes(told).is_empty()) && !stage.page().contains(row.code) {
            break;
        }
        assert!(begin.elapsed().as_secs() < 120, "{what}: it is still told: {told:#?} {last:?}");
        last = Some(told);
    }
    stage.check_law(what);
}
