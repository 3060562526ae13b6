//! One event on its way: into the queue, and if that fails at any step, into the spill place.

use std::path::PathBuf;
use std::slice;
use std::time::{SystemTime, UNIX_EPOCH};

use queue::name::{QueueName, Token};

use crate::draft::Draft;
use crate::fault::{self, Fault};
use crate::options::Options;

/// Bytes come in, a file comes out. Nothing here fails: faults are gathered, and noted at the end.
pub(crate) struct Event<'a> {
    options: &'a Options,
    name: QueueName,
    /// Where nothing was tried yet.
    places: slice::Iter<'a, PathBuf>,
    draft: Option<Draft>,
    /// Drafts that could not be finished. They stay, for an ingester to find, until the event is in place elsewhere.
    left: Vec<Draft>,
    faults: Vec<Fault>,
    /// There is something to say even if the event is stored.
    noted: bool,
}

impl<'a> Event<'a> {
    /// An event that was captured at `now`, unless the options know better.
    pub(crate) fn new(options: &'a Options, now: SystemTime) -> Self {
        let now_ns = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = QueueName {
            captured_ns: options.captured_ns.unwrap_or(u64::try_from(now_ns).unwrap_or(QueueName::MAX_NS)),
            session: options.session.unwrap_or(Token::UNKNOWN),
            event: options.event.unwrap_or(Token::UNKNOWN),
        };
        let places = options.places.iter();
        Self { options, name, places, draft: None, left: Vec::new(), faults: Vec::new(), noted: false }
    }

    /// Says what the payload calls itself; what it leaves open is taken from the arguments and the environment.
    pub(crate) fn call(&mut self, session: Option<Token>, event: Option<Token>) {
        self.name.session = session.or(self.options.session).unwrap_or(Token::UNKNOWN);
        self.name.event = event.or(self.options.event).unwrap_or(Token::UNKNOWN);
    }

    /// Saves `bytes`.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.try_each_place(|draft| draft.append(bytes));
        }
    }

    /// Keeps a fault that did not come from a place.
    pub(crate) fn note(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.noted = true;
    }

    /// Ends it: the file is complete, however little came. It is filed under its own type, or `as_type`. Whether it is in place.
    pub(crate) fn place(&mut self, as_type: Option<Token>) -> bool {
        let name = QueueName { event: as_type.unwrap_or(self.name.event), ..self.name };
        let strict = self.options.strict;
        let placed = self.try_each_place(|draft| draft.place(name, strict));
        if placed {
            self.left.drain(..).for_each(Draft::discard);
        }
        if let Some(log) = &self.options.errors
            && (self.noted || !placed)
            && !self.faults.is_empty()
        {
            fault::note(log, self.name.event, if placed { "stored" } else { "lost" }, &self.faults);
        }
        placed
    }

    /// Does `step` on the draft, and if it fails, on one in the next place that has all bytes so far.
    fn try_each_place(&mut self, step: impl Fn(&mut Draft) -> Result<(), Fault>) -> bool {
        while let Some(mut draft) = self.draft.take().or_else(|| self.open()) {
            match step(&mut draft) {
                Ok(()) => {
                    self.draft = Some(draft);
                    return true;
                }
                Err(fault) => {
                    self.faults.push(fault);
                    self.left.push(draft);
                }
            }
        }
        false
    }

    fn open(&mut self) -> Option<Draft> {
        // The same name in both places: should both files be seen, they are known as one event.
        let name = QueueName { captured_ns: self.left.last().map_or(self.name, Draft::name).captured_ns, ..self.name };
        for place in self.places.by_ref() {
            let draft = Draft::create(place, name).and_then(|mut draft| match self.left.last() {
                Some(left) => draft.append_from(left).map(|()| draft),
                None => Ok(draft),
            });
            match draft {
                Ok(draft) => return Some(draft),
                Err(fault) => self.faults.push(fault),
            }
        }
        None
    }
}
