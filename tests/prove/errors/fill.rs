//! Small disks that are filled and freed again and again, of bytes and of names for files, in memory and on ext4.
//!
//! Before, while and after it is full hooks write and passes run. The hook's second place is on another disk. Nothing is deleted
//! to make room, and the first pass with room does the rest.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use harness::World;

use crate::disk::{Disk, Kind};
use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::Run;
use crate::stage;

/// Cycles in the life of one disk.
const LIVES: u64 = 10;

pub(super) fn run(run: &Run) -> Figures {
    let mut figures = Figures::default();
    let kinds = [
        (Kind::Tmpfs("size=8m,mode=700"), Full::Bytes),
        (Kind::Ext4, Full::Bytes),
        (Kind::Tmpfs("size=64m,nr_inodes=120,mode=700"), Full::Names),
    ];
    let cycles = run.of(12, 200);
    for round in 0.. {
        if figures.get("disks filled and freed") >= cycles {
            break;
        }
        let lives = LIVES.min(run.of(4, LIVES));
        let (kind, of) = kinds[round % kinds.len()];
        let Some(of_life) = live(kind, of, lives) else {
            run.left_out("no small disk");
            break;
        };
        figures.add(&of_life);
    }
    figures
}

/// Of what a disk has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    Bytes,
    Names,
}

fn live(kind: Kind, of: Full, cycles: u64) -> Option<Figures> {
    let world = World::new();
    let _disk = Disk::new(kind, 16, world.root().join("image"), world.data().root())?;
    stage::drain(&world);
    let (mut figures, mut ledger) = (Figures::default(), Ledger::default());
    let filler = world.data().root().join("filler");
    let once = |code| {
        let command = world.bin("ingest").args(["once", "--quiet", "--projects"]).arg(world.projects_root());
        let _ = command.env("PROMPT_MANAGER_MIN_SPACE", "1").env("PROMPT_MANAGER_ARCHIVE", "off").run().code(code);
    };
    for cycle in 0..cycles {
        let hooks = |ledger: &mut Ledger, what: &str| {
            for n in 0..5 {
                let payload = format!(
                    r#"{{"session_id":"s","prompt_id":"p{cycle}-{n}","hook_event_name":"UserPromptSubmit","prompt":"{what} {cycle} {n} {}"}}"#,
                    "x".repeat(2_000)
                );
                world.hook("UserPromptSubmit", payload.clone());
                ledger.enter(payload.into_bytes(), Fate::Acked);
            }
        };
        hooks(&mut ledger, "before");
        fs::create_dir_all(&filler).unwrap_or_else(|error| panic!("a folder: {error}"));
        fill(&filler, of);
        hooks(&mut ledger, "full");
        once(75);
        hooks(&mut ledger, "full again");
        once(75);
        fs::remove_dir_all(&filler).unwrap_or_else(|error| panic!("free the disk: {error}"));
        once(0);
        let left = [world.data().incoming(), world.data().processing(), stage::spill(&world).join("incoming")];
        for place in left {
            assert_eq!(
                harness::law::names(&place),
                [""; 0],
                "one pass with room leaves something in {}",
                place.display()
            );
        }
        figures.count("disks filled and freed", 1);
        figures.count("of them of files' names", u64::from(of == Full::Names));
    }
    figures.add(&ledger.check(&world));
    Some(figures)
}

/// Writes until the disk takes no more files, if it may hold only so many, or no more bytes.
fn fill(folder: &Path, of: Full) {
    let create = |n: usize| File::create(folder.join(n.to_string()));
    match of {
        Full::Names => {
            let most = (0..10_000).take_while(|n| create(*n).is_ok()).count();
            assert!(most < 10_000, "a disk for few files takes {most}");
        }
        Full::Bytes => {
            let mut file = create(0).unwrap_or_else(|error| panic!("a filler: {error}"));
            for size in [1 << 20, 4_096, 1] {
                let piece = vec![b'x'; size];
                while file.write_all(&piece).is_ok() {}
            }
        }
    }
}
