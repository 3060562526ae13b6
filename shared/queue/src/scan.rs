//! Finds the end of a JSON payload while it streams by, and its session and event on the way.
//!
//! This is no parser: it follows strings and brackets only, so that the end is known at the very byte, with constant
//! memory and at the speed of a pipe. What it passes may still be no JSON; that is for the reader of the file to say.
//! Only an object or an array has an end here. A payload is never anything else, and where other bytes stop cannot
//! be told from outside (`12` may go on as `123`), so they last until their sender closes.

use crate::Token;

/// Follows one stream of bytes. Start with [`Default`], feed with [`JsonScanner::push`].
#[derive(Clone, Debug, Default)]
pub struct JsonScanner {
    state: State,
    depth: usize,
    max_depth: usize,
    /// The outermost value is an object, so strings at depth 1 are keys and values.
    object: bool,
    role: Role,
    word: Word,
    session: Option<Token>,
    event: Option<Token>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far.
    #[default]
    Before,
    /// Inside the outermost value, outside of any string.
    Inside,
    /// In a string; `recorded` if its text matters.
    InString { recorded: bool },
    /// After a backslash in a string.
    Escaped,
    /// The outermost value is complete.
    Over,
    /// It began with something that has no end of its own.
    Endless,
}

/// What the next string at depth 1 would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Key,
    Value(Option<Field>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Session,
    Event,
}

impl JsonScanner {
    /// Takes the next bytes. `Some(n)` when the outermost value is complete after the first `n` of them, which is
    /// `Some(0)` ever after.
    pub fn push(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Over {
            match self.state {
                State::InString { recorded } => {
                    let plain = plain_prefix(&bytes[at..]);
                    if recorded {
                        self.word.push(&bytes[at..at + plain]);
                    }
                    at += plain;
                    match bytes.get(at) {
                        Some(b'"') => self.end_string(recorded),
                        Some(_) => {
                            // A field with an escape in it is not picked up: our two names and their values have none.
                            self.word.spoil();
                            self.state = State::Escaped;
                        }
                        None => break,
                    }
                }
                State::Escaped => self.state = State::InString { recorded: false },
                State::Before => self.begin(bytes[at]),
                State::Inside => self.step(bytes[at]),
                State::Over | State::Endless => break,
            }
            at += 1;
        }
        (self.state == State::Over).then_some(at)
    }

    /// The outermost value is complete.
    pub fn is_complete(&self) -> bool {
        self.state == State::Over
    }

    /// How deep brackets were nested so far.
    pub fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The top-level `session_id`, if it may stand in a name. Of several the last counts, as for most parsers.
    pub fn session_id(&self) -> Option<Token> {
        self.session
    }

    /// The top-level `hook_event_name`, if it may stand in a name. Of several the last counts.
    pub fn hook_event_name(&self) -> Option<Token> {
        self.event
    }

    fn begin(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'{' | b'[' => {
                self.object = byte == b'{';
                self.state = State::Inside;
                self.open();
            }
            _ => self.state = State::Endless,
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'"' => {
                let recorded = self.at_top() && self.role != Role::Value(None);
                self.word.clear();
                self.state = State::InString { recorded };
            }
            b'{' | b'[' => self.open(),
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Over;
                }
            }
            b',' if self.at_top() => self.role = Role::Key,
            b':' if self.at_top() && self.role == Role::Key => {
                let field = self.word.field();
                if let Some(field) = field {
                    *self.slot(field) = None;
                }
                self.role = Role::Value(field);
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        self.depth += 1;
        self.max_depth = self.max_depth.max(self.depth);
    }

    fn at_top(&self) -> bool {
        self.object && self.depth == 1
    }

    fn end_string(&mut self, recorded: bool) {
        self.state = State::Inside;
        if recorded && let Role::Value(Some(field)) = self.role {
            *self.slot(field) = self.word.token();
        }
    }

    fn slot(&mut self, field: Field) -> &mut Option<Token> {
        match field {
            Field::Session => &mut self.session,
            Field::Event => &mut self.event,
        }
    }
}

/// How many bytes at the start are neither quote nor backslash. In blocks, which the compiler makes vector
/// instructions of: nearly all of a payload is the inside of strings.
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\';
    let (blocks, _) = bytes.as_chunks::<32>();
    let skipped = 32 * blocks.iter().take_while(|block| !block.iter().fold(false, |hit, b| hit | special(b))).count();
    skipped + bytes[skipped..].iter().position(special).unwrap_or(bytes.len() - skipped)
}

/// The text of a short string, or the knowledge that it is none of ours.
#[derive(Clone, Copy, Debug)]
struct Word {
    bytes: [u8; Token::MAX],
    /// Above [`Token::MAX`] once the word is spoilt.
    len: usize,
}

impl Default for Word {
    fn default() -> Self {
        Self { bytes: [0; Token::MAX], len: 0 }
    }
}

impl Word {
    fn clear(&mut self) {
        self.len = 0;
    }

    fn spoil(&mut self) {
        self.len = Token::MAX + 1;
    }

    fn push(&mut self, part: &[u8]) {
        match self.bytes.get_mut(self.len..).and_then(|rest| rest.get_mut(..part.len())) {
            Some(room) => {
                room.copy_from_slice(part);
                self.len += part.len();
            }
            None => self.spoil(),
        }
    }

    fn field(&self) -> Option<Field> {
        match self.bytes.get(..self.len)? {
            b"session_id" => Some(Field::Session),
            b"hook_event_name" => Some(Field::Event),
            _ => None,
        }
    }

    fn token(&self) -> Option<Token> {
        Token::new(self.bytes.get(..self.len)?)
    }
}

#[cfg(test)]
mod tests;
