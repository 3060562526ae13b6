//! Queue files as hooks leave them while nobody takes them in: half prompts, half answers, the same in every run but for
//! their time, which is the hour before this one. Files of a day long gone would be packed too, once it is gone long enough.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// In seconds.
const HOUR: u64 = 3600;

/// Writes so many files of `size` bytes into `incoming`, those of a session one after the other, `events` of each.
///
/// # Panics
/// When one cannot be written.
pub fn backlog(incoming: &Path, files: usize, size: usize, events: usize) {
    fs::create_dir_all(incoming).expect("a queue");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let begin_ns = (now / HOUR - 1) * HOUR * 1_000_000_000;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..files {
        let session = format!("00000000-0000-4000-8000-{:012x}", n / events);
        let (event, field) =
            if n % 2 == 0 { ("UserPromptSubmit", "prompt") } else { ("Stop", "last_assistant_message") };
        let prompt = n / 2;
        let mut payload = format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{prompt}","hook_event_name":"{event}","{field}":""#
        );
        while payload.len() < size - 2 {
            // Words that a compressor meets again now and then, as in prose.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let common = (random >> 33) % (1 << (4 + (random >> 60)));
            payload.push_str(&format!("w{common:x} "));
        }
        payload.truncate(size - 2);
        payload.push_str("\"}");
        let name = format!("{:019}-{session}-{event}.json", begin_ns + n as u64 * 1_000_000);
        fs::write(incoming.join(name), payload).expect("a queue file");
    }
}
