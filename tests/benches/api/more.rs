//! What one more prompt costs in a store that has many: a queue file, taken in, derived, committed. The cost should not
//! depend on how much is there.
//!
//! The prompts stay in the store, a few of them for each run; they are years old, so that no list shows them first.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use queue::layout::DataDir;

use crate::passes;

/// 2023-01-01, before the first of the generated days, in nanoseconds.
const BEGIN_NS: u128 = 1_672_531_200_000_000_000;
/// How often.
const TIMES: usize = 21;

/// How long each took, sorted.
pub(crate) fn prompts(home: &Path, projects: &Path) -> Vec<Duration> {
    let data = DataDir::new(home);
    let mut ctx = passes::context(home, projects.to_owned());
    // No two runs make the same.
    let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    fs::create_dir_all(data.incoming()).expect("a queue");
    let mut took: Vec<_> = (0..=TIMES)
        .map(|nth| {
            let session = format!("00000000-0000-4000-8000-{:012x}", run % (1 << 48));
            let payload = format!(
                r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src/acme-1","prompt_id":"more-{run}-{nth}","hook_event_name":"UserPromptSubmit","prompt":"one more prompt, number {nth}"}}"#
            );
            let name = format!("{:019}-{session}-UserPromptSubmit.json", BEGIN_NS + run % 1_000_000_000 + nth as u128);
            fs::write(data.incoming().join(name), payload).expect("a queue file");
            let begin = Instant::now();
            let report = passes::pass(&mut ctx);
            assert_eq!(report.stored, 1, "{report:?}");
            begin.elapsed()
        })
        .skip(1) // it opens the store
        .collect();
    took.sort_unstable();
    took
}
