//! The closed vocabularies of a conversation, as the database spells them.

/// Makes an enum whose variants are words of the database.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Its number in narrow rows, the same for ever: its place in [`Self::ALL`].
            pub fn number(self) -> i64 {
                self as i64
            }

            /// The reverse of `number`.
            pub fn from_number(number: i64) -> Option<Self> {
                usize::try_from(number).ok().and_then(|at| Self::ALL.get(at)).copied()
            }

            /// The reverse of `as_str`.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words! {
    /// What opened a conversation.
    Kind {
        /// A prompt that a person (or a script in a person's place) gave.
        Human = "human",
        /// A slash command that ran a turn.
        Command = "command",
        /// `!` and a shell command.
        Shell = "shell",
        /// A built-in that ran no turn, such as /clear.
        Local = "local",
        /// A report of a background task, or anything else nobody typed.
        Notification = "notification",
        /// A prompt that Claude gave to a subagent.
        Subagent = "subagent",
    }
}

impl Kind {
    /// Shown when no kind is asked for.
    pub const LISTED: &'static [Self] = &[Self::Human, Self::Command, Self::Shell];
}

words! {
    /// Through which door it came.
    Via {
        /// A terminal with a person before it.
        Interactive = "interactive",
        /// `claude -p`.
        Print = "print",
        /// The SDK.
        Sdk = "sdk",
        /// An editor's extension.
        Ide = "ide",
        /// The desktop application.
        Desktop = "desktop",
        /// Nothing says so.
        Unknown = "unknown",
    }
}

words! {
    /// Which source saw it.
    SeenBy {
        /// Hooks alone.
        Hook = "hook",
        /// Transcripts alone.
        Transcript = "transcript",
        /// Both.
        Both = "both",
    }
}

words! {
    /// How it ended.
    Status {
        /// With an answer.
        Complete = "complete",
        /// The person stopped it, or it just ended.
        Interrupted = "interrupted",
        /// With an API error.
        Failed = "failed",
        /// Not yet.
        Open = "open",
    }
}

words! {
    /// What a block of a conversation is.
    BlockKind {
        /// What opened it.
        Prompt = "prompt",
        /// What Claude said.
        Text = "text",
        /// What Claude thought.
        Thinking = "thinking",
        /// A tool call; see the conversation's tool calls.
        Tool = "tool",
        /// Something a program put in: a notification, an interruption, a command's output.
        Notice = "notice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers stand in databases: a new word goes to the end of its list, none is ever taken out.
    #[test]
    fn numbers_never_change() {
        let kinds = ["human", "command", "shell", "local", "notification", "subagent"];
        let vias = ["interactive", "print", "sdk", "ide", "desktop", "unknown"];
        let statuses = ["complete", "interrupted", "failed", "open"];
        let sources = ["hook", "transcript", "both"];
        for (number, word) in (0..).zip(kinds) {
            assert_eq!(Kind::from_number(number).map(Kind::as_str), Some(word));
            assert_eq!(Kind::from_word(word).map(Kind::number), Some(number));
        }
        for (number, word) in (0..).zip(vias) {
            assert_eq!(Via::from_number(number).map(Via::as_str), Some(word));
            assert_eq!(Via::from_word(word).map(Via::number), Some(number));
        }
        for (number, word) in (0..).zip(statuses) {
            assert_eq!(Status::from_number(number).map(Status::as_str), Some(word));
            assert_eq!(Status::from_word(word).map(Status::number), Some(number));
        }
        for (number, word) in (0..).zip(sources) {
            assert_eq!(SeenBy::from_number(number).map(SeenBy::as_str), Some(word));
            assert_eq!(SeenBy::from_word(word).map(SeenBy::number), Some(number));
        }
        assert_eq!((Kind::from_number(-1), Kind::from_number(6)), (None, None));
    }
}
