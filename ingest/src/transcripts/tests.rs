//! Files that grow, move, are rewritten or truncated.

use super::*;
use std::fs;
use std::ops::ControlFlow;

const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";

fn follow(writer: &mut Writer, roots: &[PathBuf], look: &Look, mut took: impl FnMut(Followed)) {
    for Changed { root, files } in changed(writer, roots, look, &mut Ignored::default()).unwrap() {
        let mut left = &files[..];
        while !left.is_empty() {
            took(take_some(writer, &root, &mut left).unwrap());
        }
    }
}

struct World {
    _home: tempfile::TempDir,
    root: PathBuf,
    writer: Writer,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("projects");
        fs::create_dir_all(root.join("-a")).unwrap();
        fs::create_dir_all(root.join("-b")).unwrap();
        let writer = Writer::open(&queue::DataDir::new(home.path().join("data"))).unwrap();
        Self { _home: home, root, writer }
    }

    fn sweep(&mut self) -> u64 {
        self.follow(&self.root.clone(), &Look::Sweep).bytes
    }

    fn follow(&mut self, root: &Path, look: &Look) -> Followed {
        let mut sum = Followed::default();
        follow(&mut self.writer, &[root.to_owned()], look, |followed| {
            sum.files += followed.files;
            sum.bytes += followed.bytes;
        });
        sum
    }

    fn path(&self, project: &str) -> PathBuf {
        self.root.join(project).join(format!("{SESSION}.jsonl"))
    }

    /// The stored bytes of each file row, oldest first.
    fn stored(&mut self) -> Vec<Vec<u8>> {
        let ground = self.writer.ground().unwrap();
        let mut files = ground.files(SESSION).unwrap();
        files.sort_by_key(|file| file.id);
        let read = |file: &store::write::StoredFile| {
            let mut bytes = Vec::new();
            ground
                .bytes(file.id, 0, |chunk| {
                    bytes.extend_from_slice(chunk);
                    ControlFlow::Continue(())
                })
                .unwrap();
            bytes
        };
        files.iter().map(read).collect()
    }
}

#[test]
fn a_file_grows() {
    let mut world = World::new();
    let path = world.path("-a");
    let mut all = Vec::new();
    // Across chunk borders, and with a tail that reaches into the chunk before.
    for (step, size) in [10, 300_000, 224_300, 3_000_000, 1, 262_144].into_iter().enumerate() {
        all.extend((0..size).map(|i| b'a' + ((i * 7 + step) % 23) as u8));
        fs::write(&path, &all).unwrap();
        assert_eq!(world.sweep(), size as u64, "step {step}");
        assert_eq!(world.sweep(), 0, "unchanged after step {step}");
    }
    assert_eq!(world.stored(), [all]);
}

/// A subagent's file of versions 2.0 names its session in its lines alone, and may be met before the first is there.
#[test]
fn a_file_is_taken_in_once_it_tells_whose_it_is() {
    let mut world = World::new();
    let path = world.root.join("-a/agent-0a1b2c3d.jsonl");
    let line = format!("{{\"type\":\"user\",\"text\":\"{}\",\"sessionId\":\"{SESSION}\"}}\n", "x".repeat(600_000));
    for part in ["", "{\"type\":\"us", &line[..500_000]] {
        fs::write(&path, part).unwrap();
        assert_eq!(world.sweep(), 0, "{} bytes", part.len());
    }
    fs::write(&path, &line).unwrap();
    assert_eq!(world.sweep(), line.len() as u64);
    assert_eq!(world.stored(), [line.into_bytes()]);
}

#[test]
fn one_session_is_followed_alone() {
    let mut world = World::new();
    fs::write(world.path("-a"), "mine\n").unwrap();
    fs::write(world.root.join("-a/32ca3953-70ed-4e5e-a315-822529695c59.jsonl"), "other\n").unwrap();
    let look = Look::Sessions(BTreeSet::from([SESSION.to_owned(), "../escape".to_owned()]));
    assert_eq!(world.follow(&world.root.clone(), &look), Followed { files: 1, bytes: 5, ..Followed::default() });
}

#[test]
fn a_moved_file_is_the_same_file() {
    let mut world = World::new();
    fs::write(world.path("-a"), "one\n").unwrap();
    world.sweep();
    fs::rename(world.path("-a"), world.path("-b")).unwrap();
    fs::write(world.path("-b"), "one\ntwo\n").unwrap();
    assert_eq!(world.sweep(), 4);
    assert_eq!(world.stored(), [b"one\ntwo\n".to_vec()]);
}

#[test]
fn a_rewritten_file_keeps_its_old_bytes() {
    let mut world = World::new();
    for text in ["one\ntwo\n", "one\n", "other\nlonger than before\n"] {
        fs::write(world.path("-a"), text).unwrap();
        assert_eq!(world.sweep(), text.len() as u64);
    }
    let texts: Vec<_> = world.stored().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    assert_eq!(texts, ["one\ntwo\n", "one\n", "other\nlonger than before\n"]);
}

#[test]
fn a_copy_over_the_same_path_continues() {
    let mut world = World::new();
    fs::write(world.path("-a"), "one\n").unwrap();
    world.sweep();
    fs::remove_file(world.path("-a")).unwrap();
    fs::write(world.path("-a"), "one\ntwo\n").unwrap();
    assert_eq!(world.sweep(), 4);
    assert_eq!(world.stored().len(), 1);
}

#[test]
fn what_cannot_be_read_waits() {
    let mut world = World::new();
    std::os::unix::fs::symlink("/etc/passwd", world.path("-a")).unwrap();
    fs::write(world.path("-b"), "good\n").unwrap();
    assert_eq!(world.sweep(), 5);
    assert_eq!(world.follow(Path::new("/nonexistent"), &Look::Sweep), Followed::default());
}

#[test]
fn a_large_backlog_comes_in_several_transactions_the_newest_first() {
    let mut world = World::new();
    for (number, size) in [(1, 9), (2, 40), (3, 9)] {
        let path = world.root.join(format!("-a/{number}914908d-acc8-48aa-98d6-77d558fb9590.jsonl"));
        fs::write(&path, vec![b'x'; size * 1024 * 1024]).unwrap();
        let time = SystemTime::now() - std::time::Duration::from_secs(10 - number);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    let mut steps = Vec::new();
    let roots = [world.root.clone()];
    follow(&mut world.writer, &roots, &Look::Sweep, |followed| {
        steps.push((followed.files, followed.bytes / 1024 / 1024));
    });
    assert_eq!(steps, [(1, 16), (0, 16), (0, 16), (2, 10)]);
}
