//! What is told: hooks and their events, lines of the transcript, files that come once more.

use std::fs;

use queue::{QueueName, Token};

use super::action::{Clock, Event, Place, What};
use super::files::{Part, hash};
use super::hook::Hook;
use super::ledger::Breach;
use super::machine::Machine;
use super::people::{Prompt, SESSIONS, prompt_id, text_of};

/// The time of the first prompt.
const BEGIN_NS: u64 = 1_795_350_951_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

impl Machine {
    pub(super) fn hook(&mut self, event: Event) -> Result<(), Breach> {
        let mut hook = self.hook_of(event);
        hook.append(&mut self.ledger);
        hook.rename(&mut self.ledger)
    }

    pub(super) fn begin(&mut self, event: Event) {
        let hook = self.hook_of(event);
        self.hooks.push(hook);
    }

    pub(super) fn hook_of(&mut self, event: Event) -> Hook {
        let session = usize::from(event.session) % SESSIONS.len();
        let ns = match event.clock {
            Clock::Stands(which) if !self.times.is_empty() => self.times[usize::from(which) % self.times.len()],
            _ => BEGIN_NS + (self.times.len() + self.people.prompts.len()) as u64 * SECOND_NS,
        };
        self.payloads += 1;
        let (session, ns, what, payload) = match event.what {
            What::Prompt => self.prompt(None, session, ns),
            What::Told(which) => {
                let untold = |prompt: &Prompt| prompt.hook.is_none();
                let told: Vec<_> =
                    (0..self.people.prompts.len()).filter(|n| untold(&self.people.prompts[*n])).collect();
                let n = (!told.is_empty()).then(|| told[usize::from(which) % told.len()]);
                self.prompt(n, session, ns)
            }
            What::Answer => {
                let last = self.people.prompts.iter().rposition(|prompt| prompt.session == session);
                let id = last.map_or(String::new(), |n| format!(r#""prompt_id":"{}","#, prompt_id(n)));
                let text = format!(r#"{id}"last_assistant_message":"answer {}""#, self.payloads);
                (session, ns, "Stop", self.payload("Stop", session, &text))
            }
            What::Bad(which) => {
                let text = match which % 3 {
                    0 => String::new(),
                    1 => format!("no JSON, but {}", self.payloads),
                    _ => format!(r#"{{"session_id":"{}","n":{}"#, SESSIONS[session], self.payloads),
                };
                (session, ns, "Stop", text)
            }
        };
        self.times.push(ns);
        let token = |word: &str| Token::new(word.as_bytes()).expect("a word");
        let name = QueueName { captured_ns: ns, session: token(SESSIONS[session]), event: token(what) };
        let place = match event.place {
            Place::Queue => self.data.queue(),
            Place::Spill => self.spill.clone(),
        };
        Hook::begin(&place, name, payload.as_bytes(), &mut self.ledger)
    }

    /// The hook's event of the `n`-th prompt, or of a new one.
    pub(super) fn prompt(&mut self, n: Option<usize>, session: usize, ns: u64) -> (usize, u64, &'static str, String) {
        let n = n.unwrap_or_else(|| {
            self.people.prompts.push(Prompt { session, ns, hook: None, is_in_transcript: false });
            self.people.prompts.len() - 1
        });
        let Prompt { session, ns, .. } = self.people.prompts[n];
        let text = format!(r#""prompt_id":"{}","prompt":"{}""#, prompt_id(n), text_of(n));
        let payload = self.payload("UserPromptSubmit", session, &text);
        self.people.prompts[n].hook = Some(hash(payload.as_bytes()));
        (session, ns, "UserPromptSubmit", payload)
    }

    pub(super) fn payload(&self, event: &str, session: usize, text: &str) -> String {
        let session = SESSIONS[session];
        format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","hook_event_name":"{event}",{text}}}"#
        )
    }

    pub(super) fn line(&mut self, which: u8, new: bool) {
        let people = &mut self.people;
        let untold: Vec<_> = (0..people.prompts.len()).filter(|n| !people.prompts[*n].is_in_transcript).collect();
        let n = if new || untold.is_empty() {
            let ns = BEGIN_NS + (self.times.len() + people.prompts.len()) as u64 * SECOND_NS;
            let session = usize::from(which) % SESSIONS.len();
            people.prompts.push(Prompt { session, ns, hook: None, is_in_transcript: false });
            people.prompts.len() - 1
        } else {
            untold[usize::from(which) % untold.len()]
        };
        people.write_line(n);
        self.step("transcript lines");
    }

    /// Puts a file of the archive into incoming once more.
    pub(super) fn again(&mut self, which: u8) {
        let now = self.files.now();
        let archived: Vec<_> = now
            .iter()
            .filter(|entry| entry.part == Part::Archive && self.ledger.is_stored(&entry.hash))
            .filter_map(|entry| Some((entry, QueueName::numbered(entry.name())?)))
            .collect();
        let Some((entry, name)) = archived.get(usize::from(which) % archived.len().max(1)) else { return };
        let to = self.data.incoming().join(name.to_string());
        if to.exists() {
            return;
        }
        fs::copy(&entry.path, &to).expect("a copy of what was taken in");
        self.ledger.given(&fs::read(&to).expect("the copy"));
        self.step("files that came twice");
    }
}
