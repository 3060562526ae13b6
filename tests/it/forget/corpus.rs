//! Real sessions: one conversation is forgotten, and no other has changed, then or after a rebuild.

use std::collections::BTreeMap;
use std::fs;

use harness::{Corpus, World};
use queue::layout::DataDir;
use store::{BlockKind, ConversationId, Status};

use super::{forget, ingest};
use harness::rows;

/// Conversations that are forgotten: of each session the first, the last and one in the middle.
const SAMPLE: usize = 24;
const LARGEST: u64 = 400_000;

/// All that was asked, answered and done. What a neighbour says of it may change (docs/privacy.md): the title of the session, the
/// client's summary of all that was before, and by what stood behind a turn when it ended and whether it was interrupted.
fn told(dir: &DataDir) -> BTreeMap<ConversationId, (Option<ConversationId>, String)> {
    let mut found = BTreeMap::new();
    for mut row in rows::all(dir) {
        let turn = &row.turn;
        row.blocks.retain(|block| block.kind != BlockKind::Notice);
        let is_complete = matches!(turn.status, Status::Complete | Status::Failed).then_some(turn.status);
        let of = (turn.id, &turn.session_id, turn.parent_id, &turn.agent_id, turn.kind, turn.via, is_complete);
        let said = (turn.timestamp_ms, &turn.prompt_text, &turn.response_text, &turn.model, &turn.cwd);
        let did = (&row.blocks, &row.tool_calls, &row.usage);
        found.insert(turn.id, (turn.parent_id, format!("{of:#?}\n{said:#?}\n{did:#?}")));
    }
    found
}

#[test]
fn forgetting_one_changes_no_other() {
    let Some(corpus) = Corpus::find() else { return };
    let mut forgotten = 0;
    let paths = corpus.transcripts();
    let small = paths.iter().filter(|path| fs::metadata(corpus.root().join(path)).is_ok_and(|it| it.len() < LARGEST));
    // From all over the list: neighbours are of one repository.
    let small: Vec<_> = small.collect();
    for at in (0..small.len()).map(|n| n * 7 % small.len()) {
        if forgotten >= SAMPLE {
            break;
        }
        let path = small[at];
        let world = World::new();
        let _ = ingest(&world, &["import", "--quiet"]).arg(corpus.root().join(path)).run();
        let before = told(world.data());
        let own: Vec<_> = before.iter().filter(|(_, (parent, _))| parent.is_none()).map(|(id, _)| *id).collect();
        if own.len() < 2 {
            continue;
        }
        let chosen = [own[own.len() / 2], own[0], own[own.len() - 1]][forgotten % 3];
        let _ = forget(&world, &["--conversation", &chosen.0.to_string()]);
        forgotten += 1;
        let mut gone = vec![chosen];
        while let Some(more) = before
            .iter()
            .find(|(id, (parent, _))| parent.is_some_and(|parent| gone.contains(&parent)) && !gone.contains(id))
        {
            gone.push(*more.0);
        }
        let expected: BTreeMap<_, _> = before.into_iter().filter(|(id, _)| !gone.contains(id)).collect();
        let look = |when: &str| {
            let found = told(world.data());
            assert!(found.keys().eq(expected.keys()), "{path} without {chosen:?}, {when}: {:?}", found.keys());
            for (id, (_, row)) in &found {
                assert_eq!(*row, expected[id].1, "{path} without {chosen:?}, {when}: {id:?}");
            }
        };
        look("after forget");
        let _ = ingest(&world, &["rebuild", "--quiet"]).succeed();
        look("after a rebuild");
    }
    println!("{forgotten} conversations forgotten, no other changed");
    assert!(forgotten >= SAMPLE / 2, "the sample is too small: {forgotten}");
}
