//! What every part does with a world: lets passes live until nothing is left to do, and reads what was stored.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use harness::{World, law};
use ingest::pass::{self, Context, Effort};
use ingest::step::go_on;
use settings::{Layer, Settings};
use store::read::Reader;
use store::read::export::{Exporter, FileFilter};

/// Longer than a file without a writer may lie in tmp.
const LATER: Duration = Duration::from_secs(40 * 3600);

/// Where the hook writes when its queue is closed to it.
pub(crate) fn spill(world: &World) -> std::path::PathBuf {
    world.root().join("state/prompt-manager/spill")
}

/// What passes within this process need to work on `world`.
pub(crate) fn context(world: &World) -> Context {
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        spill: Some(spill(world)),
        projects: Some(vec![world.projects_root()]),
        // Some worlds are small disks.
        min_space: Some(1),
        ..Layer::default()
    };
    let settings = Settings::resolve(flags, &|_| None).unwrap_or_else(|error| panic!("settings: {error}"));
    Context::new(&settings, Arc::new(AtomicBool::new(false)))
}

/// Lets passes live until the queue is empty, tmp too: nearly two days later, when what a dead hook began is given up.
///
/// # Panics
/// When that never comes.
pub(crate) fn drain(world: &World) {
    world.data().create().unwrap_or_else(|error| panic!("a data directory: {error}"));
    let mut context = context(world);
    for _ in 0..1000 {
        let later = SystemTime::now() + LATER;
        let report = pass::run(&mut context, later, Effort::Everything, &mut go_on);
        let report = report.unwrap_or_else(|error| panic!("a pass that nothing hinders fails: {error}"));
        assert_eq!(report.trouble, None, "a pass that nothing hinders");
        if is_drained(world) && report.busy == 0 && !report.more && is_derived(world) {
            return;
        }
    }
    panic!("still something to do after a thousand passes: {}", world.tree());
}

/// No session waits for newer rules, as after an upgrade.
fn is_derived(world: &World) -> bool {
    let health = Reader::open(world.data()).and_then(|mut reader| reader.health());
    health.unwrap_or_else(|error| panic!("the store: {error}")).older_sessions == 0
}

fn is_drained(world: &World) -> bool {
    let data = world.data();
    let places =
        [data.tmp(), data.incoming(), data.processing(), spill(world).join("tmp"), spill(world).join("incoming")];
    places.iter().all(|place| law::names(place).is_empty())
}

/// A program of the world that runs to its end and succeeds.
pub(crate) fn ingest(world: &World, args: &[&str]) {
    let _ = world.ingest(args).code(0);
}

/// How many lines of the transcript of `session` the store gives back.
///
/// # Panics
/// When they are not those of `expected`, byte for byte.
pub(crate) fn given_back(world: &World, session: &str, expected: &[u8]) -> u64 {
    let filter = FileFilter { sessions: Some([session.to_owned()].into()), superseded: true };
    let mut bytes = Vec::new();
    let read = Exporter::open(world.data()).and_then(|mut exporter| {
        let files = exporter.files(&filter)?;
        assert!(files.len() <= 1, "a transcript is stored {} times", files.len());
        files.iter().try_for_each(|file| {
            exporter.read_file(file, |piece| {
                bytes.extend_from_slice(piece);
                Ok::<_, store::Error>(())
            })
        })
    });
    read.unwrap_or_else(|error| panic!("read a transcript back: {error}"));
    assert!(bytes == expected, "a transcript is given back as {} bytes instead of {}", bytes.len(), expected.len());
    expected.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Demands that deriving everything again from what was captured changes nothing.
///
/// # Panics
/// When it does.
pub(crate) fn check_derived(world: &World) {
    let report = world.ingest(&["rebuild", "--json"]).code(0).json();
    assert_eq!(report["changed"], 0, "conversations that a rebuild makes otherwise: {report}");
}
