//! Two stores that were imported into each other hold the same, whatever each had before, in whichever order and how often.

mod parted;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use store::human::{Member, Rating, Said, SavedView, Stamp, Title, UserSession};
use store::sieve::Guard;
use store::write::Merged;

use super::*;
use crate::import::stage::{Machine, Piece, assert_same, pieces};

/// Nothing was new.
fn nothing(merged: Merged) -> bool {
    Merged { forgotten: 0, ..merged } == Merged::default()
}

/// Imports them into each other until both have everything, and compares.
fn exchange(a: &mut Machine, b: &mut Machine, a_first: bool) {
    for _ in 0..2 {
        let (first, second) = if a_first { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
        first.import(second);
        second.import(first);
    }
    assert_same(&a.natural(), &b.natural(), "a and b");
    let before = a.natural();
    let again = (a.import(b), b.import(a));
    assert!(nothing(again.0) && nothing(again.1), "{again:?}");
    assert_same(&a.natural(), &before, "again");
}

fn rated(stars: i64) -> Said {
    Said::Rating(Rating::new(stars))
}

/// Two machines with their own hooks, that share the transcripts in different states of growth.
#[test]
fn two_machines() {
    for a_first in [true, false] {
        let (mut a, mut b) = (Machine::new(), Machine::new());
        for (n, piece) in pieces().iter().enumerate() {
            match piece {
                Piece::Event { .. } if n % 2 == 0 => a.get(piece, 10),
                Piece::Event { .. } => b.get(piece, 10),
                Piece::File { .. } => {
                    a.get(piece, 4 + n % 7);
                    b.get(piece, 10 - n % 5);
                }
            }
        }
        for (machine, stars) in [(&mut a, 2), (&mut b, 5)] {
            machine.pass();
            for (n, turn) in machine.turns().iter().enumerate() {
                let row = |what: &str| format!("{what}-{stars}-{n}");
                let at = 1000 + i64::try_from(n).unwrap() * (stars - 3); // now the one, now the other is newer
                machine.say(turn.id, &row("rating"), at, rated(stars));
                machine.say(turn.id, &row("tag"), 1, Said::Tag { tag: "good".to_owned(), present: true });
                machine.say(turn.id, &row("untag"), at, Said::Tag { tag: "good".to_owned(), present: stars == 2 });
                machine.say(turn.id, &row("note"), at, Said::Note((n % 3 > 0).then(|| row("said"))));
                machine.say(turn.id, &row("star"), at, Said::Star(n % 2 == 0));
            }
        }
        exchange(&mut a, &mut b, a_first);
        assert!(a.turns().len() > 5);
    }
}

/// The same queue files taken in by two stores, each under its own origin: one event each, so one conversation each, with
/// what was said in either; even where another store brings the events themselves besides.
#[test]
fn the_same_queue_files_in_both() {
    for a_first in [true, false] {
        let (mut a, mut b) = (Machine::new(), Machine::new());
        let pieces: Vec<_> = pieces().into_iter().filter(|piece| matches!(piece, Piece::Event { .. })).collect();
        for (machine, stars) in [(&mut a, 2), (&mut b, 5)] {
            pieces.iter().for_each(|piece| machine.get(piece, 10));
            machine.pass();
            for (n, turn) in machine.turns().iter().enumerate() {
                machine.say(turn.id, &format!("rating-{stars}-{n}"), stars, rated(stars));
            }
        }
        let told = |machine: &Machine| -> Vec<_> {
            let texts = |id| machine.reader().conversation(id).unwrap().unwrap().blocks.into_iter().map(|it| it.text);
            let turns = machine.turns().into_iter();
            turns.map(|turn| (turn.timestamp_ms, turn.prompt_text, texts(turn.id).collect::<Vec<_>>())).collect()
        };
        let alone = told(&a);
        exchange(&mut a, &mut b, a_first);
        assert_eq!(told(&a), alone, "nothing is doubled");
        for turn in a.turns() {
            let whole = a.whole(turn.id);
            assert_eq!((whole.standing.rating, whole.remarks.len()), (Rating::new(5), 2), "{turn:?}");
        }
    }
}

/// Hides these words.
struct Words(Vec<String>);

impl Guard for Words {
    fn hides(&self) -> bool {
        true
    }

    fn hide_in_json(&self, bytes: &mut [u8]) -> bool {
        self.hide_in_text(bytes)
    }

    fn hide_in_text(&self, bytes: &mut [u8]) -> bool {
        let found = |word: &String| -> Vec<_> {
            let at = bytes.windows(word.len()).enumerate().filter(|(_, here)| *here == word.as_bytes());
            at.map(|(at, _)| at..at + word.len()).collect()
        };
        let found: Vec<_> = self.0.iter().flat_map(found).collect();
        found.iter().for_each(|range| bytes[range.clone()].fill(b'*'));
        !found.is_empty()
    }
}

/// What is hidden here is not what a conversation is recognised by there; what was said of it finds it all the same, whether
/// hooks alone know it, transcripts alone, or both.
#[test]
fn what_was_said_finds_what_is_hidden() {
    for (hooks, files) in [(true, false), (false, true), (true, true)] {
        let wanted = |piece: &&Piece| if matches!(piece, Piece::Event { .. }) { hooks } else { files };
        let (mut a, mut b) = (Machine::new(), Machine::new());
        pieces().iter().filter(wanted).for_each(|piece| a.get(piece, 10));
        a.pass();
        for turn in a.turns() {
            a.say(turn.id, &format!("rating-{}", turn.id.0), 5, rated(4));
        }
        let prompts = a.turns().into_iter().filter_map(|turn| turn.prompt_text).filter(|text| text.len() > 4);
        b.writer.guard(Arc::new(Words(prompts.collect())));
        b.import(&a);
        let turns = b.turns();
        assert_eq!(turns.len(), a.turns().len());
        assert!(turns.iter().filter(|turn| turn.prompt_text.as_ref().is_some_and(|it| it.contains("***"))).count() > 3);
        for turn in turns {
            assert_eq!(b.whole(turn.id).standing.rating, Rating::new(4), "{turn:?}");
        }
        assert_eq!(b.exporter().unplaced().unwrap().len(), 0);
        assert!(nothing(b.import(&a)));
    }
}

/// A store and what became of a backup of it: rows of both join the same origin.
#[test]
fn a_backup_that_went_its_own_way() {
    for a_first in [true, false] {
        let mut a = Machine::new();
        let pieces = pieces();
        pieces.iter().for_each(|piece| a.get(piece, 5));
        a.pass();
        let first = a.turns()[0].id;
        a.say(first, "both have it", 5, rated(3));
        let mut b = a.twin();
        pieces.iter().for_each(|piece| a.get(piece, 10));
        a.pass();
        a.say(first, "newer", 7, rated(1));
        b.say(first, "older", 6, rated(4));
        exchange(&mut a, &mut b, a_first);
        let marks = a.reader().conversation(first).unwrap().unwrap().marks;
        assert_eq!(marks.rating, Rating::new(1));
        assert_eq!(a.whole(first).remarks.len(), 3);
    }
}

/// Splits, titles and views; an undo on either side holds.
#[test]
fn user_sessions_and_views() {
    for a_first in [true, false] {
        let (mut a, mut b) = (Machine::new(), Machine::new());
        for (n, machine) in [&mut a, &mut b].into_iter().enumerate() {
            pieces().iter().for_each(|piece| machine.get(piece, 10));
            machine.pass();
            let origin = machine.writer.origin().to_owned();
            let stamp = |id: &str, created_ms| Stamp { id: id.to_owned(), origin: origin.clone(), created_ms };
            let turns = machine.turns();
            let count = |session: &str| turns.iter().filter(|turn| turn.session_id == session).count();
            let session =
                turns.iter().map(|turn| turn.session_id.clone()).max_by_key(|it| (count(it), it.clone())).unwrap();
            let within: Vec<_> = turns.iter().rev().filter(|turn| turn.session_id == session).collect();
            let from = machine.whole(within[within.len() / 2 + n].id).keys;
            let batch = machine.writer.batch().unwrap();
            let part = format!("part-{n}");
            let ms = 100 + n as i64;
            for id in [&part, &session] {
                batch.add_user_session(&UserSession { stamp: stamp(id, ms) }).unwrap();
            }
            let shared = |id: &str| Stamp { id: id.to_owned(), origin: "5".repeat(32), created_ms: 50 };
            let member = |stamp: Stamp, from, removed_ms| Member {
                stamp,
                user_session_id: part.clone(),
                session_id: session.clone(),
                from,
                removed_ms,
            };
            batch.add_member(&member(stamp(&format!("split-{n}"), ms), Some(from), None), 0).unwrap();
            batch.add_member(&member(shared("undone later"), None, Some(ms)), 0).unwrap();
            batch.add_member(&member(shared("undone here alone"), None, (n == 1).then_some(9)), 0).unwrap();
            let title = |id: &str, title: Option<&str>| Title {
                stamp: stamp(id, ms),
                user_session_id: part.clone(),
                title: title.map(str::to_owned),
            };
            batch.add_title(&title(&format!("title-{n}"), Some("A title"))).unwrap();
            batch.add_title(&title(&format!("no-title-{n}"), None)).unwrap();
            let view = SavedView {
                stamp: shared("view"),
                name: "Mine".to_owned(),
                query: "q=x".to_owned(),
                removed_ms: (n == 0).then_some(3),
            };
            batch.add_saved_view(&view).unwrap();
            batch.commit().unwrap();
        }
        // What both made under one id is the earlier's; here only the origins of that one differ.
        exchange(&mut a, &mut b, a_first);
        let members = a.exporter().cuts().unwrap().members;
        let removed = |id: &str| members.iter().find(|member| member.stamp.id == id).unwrap().removed_ms;
        assert_eq!((removed("undone later"), removed("undone here alone")), (Some(100), Some(9)));
        let parts: std::collections::BTreeSet<_> = a.turns().into_iter().map(|turn| turn.user_session_id).collect();
        assert!(parts.contains("part-0") && parts.contains("part-1"), "{parts:?}");
    }
}

/// A file of a third machine that reaches us twice: longer, shorter, rewritten.
#[test]
fn versions_of_a_file() {
    let line = |n: u32| {
        format!(
            "{{\"type\":\"user\",\"uuid\":\"u{n}\",\"sessionId\":\"s\",\"timestamp\":\"2026-01-01T00:00:{n:02}.000Z\",\"message\":{{\"role\":\"user\",\"content\":\"{} prompt {n}\"}}}}\n",
            "x".repeat(200_000)
        )
    };
    let text = |lines: &[u32]| lines.iter().map(|n| line(*n)).collect::<String>();
    let path = Path::new("-p/s.jsonl");
    let mut source = Machine::new();
    let mut states = Vec::new();
    for lines in [&[1][..], &[1, 2, 3], &[1, 2], &[1, 9], &[1, 9, 4, 5]] {
        source.write(path, text(lines).as_bytes());
        source.pass();
        states.push(source.twin());
    }
    let all = states.last().unwrap().natural();
    assert_eq!(all.iter().filter(|row| row.contains("prompt")).count(), 6);
    // Whatever states come, in whichever order: after the last one everything is there, once.
    for order in [&[0, 1, 2, 3, 4][..], &[4, 3, 2, 1, 0], &[2, 4, 0], &[1, 1, 4], &[3, 1, 4, 1]] {
        let mut here = Machine::new();
        for state in order {
            here.import(&states[*state]);
        }
        assert_same(&here.natural(), &all, &format!("{order:?}"));
        assert!(nothing(here.import(&states[4])), "{order:?}");
        let (mut there, mut last) = (Machine::new(), states.last().unwrap().twin());
        there.import(&here);
        assert_same(&there.natural(), &all, &format!("{order:?}"));
        assert!(nothing(last.import(&there)), "{order:?}");
    }
}

/// Ended after any transaction and run again it ends the same.
#[test]
fn it_goes_on_where_it_ended() {
    let mut source = Machine::new();
    for piece in pieces() {
        source.get(&piece, 10);
    }
    let mut seed = 1_u64;
    let noise: String = (0..30_000_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (seed >> 59) as u8 % 26)
        })
        .collect();
    let big = format!("{{\"type\":\"x\",\"sessionId\":\"big\",\"noise\":\"{noise}\"}}\n");
    source.write(Path::new("-p/big.jsonl"), big.repeat(2).as_bytes());
    source.pass();
    let rated_id = source.turns()[0].id;
    source.say(rated_id, "r", 1, rated(5));
    let mut here = Machine::new();
    let mut ends = 0;
    // Each run gets one transaction further than the one before.
    while {
        let mut left = ends;
        let merged = import(&mut here, &source.dir.database(), &mut |_| match left {
            0 => ControlFlow::Break(()),
            _ => {
                left -= 1;
                ControlFlow::Continue(())
            }
        });
        merged.unwrap().stopped
    } {
        ends += 1;
    }
    assert!(ends >= 3, "{ends}");
    assert_same(&here.natural(), &source.natural(), "in the end");
    assert!(nothing(here.import(&source)));
}

fn import(
    here: &mut Machine,
    path: &Path,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Merged, Error> {
    let places = here.places();
    super::import(&mut here.writer, &places, path, observe)
}

fn check_refused(path: &Path, expected: &str) {
    let before = std::fs::read(path).unwrap();
    let mut here = Machine::new();
    let error = import(&mut here, path, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read(path).unwrap(), before);
    assert_eq!(here.turns().len(), 0);
}

#[test]
fn what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("empty.db"), "").unwrap();
    check_refused(&path("empty.db"), "not a Prompt Manager database");
    std::fs::write(path("text.db"), "some text that is no database at all").unwrap();
    check_refused(&path("text.db"), "not a Prompt Manager database");

    let mut source = Machine::new();
    pieces().iter().for_each(|piece| source.get(piece, 10));
    source.pass();
    let whole = backup(source, &path("whole.db"));
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes()); // user_version
    std::fs::write(path("newer.db"), &newer).unwrap();
    check_refused(&path("newer.db"), "schema 99");
    let mut foreign = whole.clone();
    foreign[68..72].copy_from_slice(&7_u32.to_be_bytes()); // application_id
    std::fs::write(path("foreign.db"), &foreign).unwrap();
    check_refused(&path("foreign.db"), "not a Prompt Manager database");
    std::fs::write(path("cut.db"), &whole[..whole.len() / 2]).unwrap();
    check_refused(&path("cut.db"), "damaged");
    let mut holes = whole;
    holes.chunks_mut(4096).skip(1).step_by(5).for_each(|page| page.fill(0x55));
    std::fs::write(path("holes.db"), &holes).unwrap();
    check_refused(&path("holes.db"), "damaged");

    let mut here = Machine::new();
    let own = here.dir.database();
    let error = import(&mut here, &own, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("this is the database it would be taken into"), "{error}");
    let link = path("link.db");
    std::os::unix::fs::symlink(&own, &link).unwrap();
    assert!(import(&mut here, &link, &mut |_| ControlFlow::Continue(())).is_err());
}

/// Closes a machine and copies its database; the bytes.
fn backup(machine: Machine, to: &Path) -> Vec<u8> {
    let (home, dir) = machine.close();
    std::fs::copy(dir.database(), to).unwrap();
    drop(home);
    std::fs::read(to).unwrap()
}

fn listing(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    found.sort();
    found
}

/// A backup, also from a folder that cannot be written; a live database; a copy of a live one with its -wal. None of them is
/// changed, and nothing is left beside it or beside ours.
#[test]
fn the_other_file_is_not_touched() {
    use std::os::unix::fs::PermissionsExt;
    let mut source = Machine::new();
    pieces().iter().for_each(|piece| source.get(piece, 10));
    source.pass();
    let expected = source.natural();

    let mut here = Machine::new();
    here.import(&source); // live: its -wal is in use
    assert_same(&here.natural(), &expected, "live");

    let dir = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", source.dir.database().display());
        std::fs::copy(from, dir.path().join(format!("copy.db{suffix}"))).unwrap();
    }
    assert_eq!(listing(dir.path()).len(), 2);
    let before = listing(dir.path());
    check_taken(&dir.path().join("copy.db"), &expected);
    assert_eq!(listing(dir.path()), before);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a backup ü%20.db");
    backup(source, &path);
    let before = listing(dir.path());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    check_taken(&path, &expected);
    assert_eq!(listing(dir.path()), before);
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn check_taken(path: &Path, expected: &std::collections::BTreeSet<String>) {
    let mut here = Machine::new();
    import(&mut here, path, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_same(&here.natural(), expected, "taken in");
    let beside = std::fs::read_dir(here.dir.database().parent().unwrap()).unwrap();
    let names: Vec<_> = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("prompts.db")), "{names:?}");
}

/// One thing that a person says: on which machine, about which conversation, when, what.
fn remark() -> impl Strategy<Value = (bool, usize, i64, Said)> {
    let said = prop_oneof![
        proptest::option::of(1..=5_i64).prop_map(|stars| Said::Rating(stars.and_then(Rating::new))),
        ("[ab]", any::<bool>()).prop_map(|(tag, present)| Said::Tag { tag, present }),
        proptest::option::of("[a-z]{1,5}").prop_map(Said::Note),
        any::<bool>().prop_map(Said::Star),
    ];
    (any::<bool>(), 0..50_usize, 0..5_i64, said)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_two_stores_end_equal(
        split in proptest::collection::vec((0..4_u8, 1..=10_usize, 1..=10_usize), 200),
        remarks in proptest::collection::vec(remark(), 0..40),
        early in any::<bool>(),
        a_first in any::<bool>(),
    ) {
        let (mut a, mut b) = (Machine::new(), Machine::new());
        for (piece, (whose, share_a, share_b)) in pieces().iter().zip(split) {
            match (piece, whose) {
                (Piece::Event { .. }, 0 | 1) | (_, 0) => a.get(piece, share_a),
                (Piece::Event { .. }, _) | (_, 1) => b.get(piece, share_b),
                _ => {
                    a.get(piece, share_a);
                    b.get(piece, share_b);
                }
            }
        }
        a.pass();
        b.pass();
        if early {
            a.import(&b);
        }
        for (n, (whose, which, at, said)) in remarks.into_iter().enumerate() {
            let machine = if whose { &mut a } else { &mut b };
            let turns = machine.turns();
            if !turns.is_empty() {
                machine.say(turns[which % turns.len()].id, &format!("row-{n}"), at, said);
            }
        }
        exchange(&mut a, &mut b, a_first);
    }
}
