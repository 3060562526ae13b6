//! The rules that keep prompts, each of which a test can break to show that it would be missed.
//!
//! Each rule asks [`broken`] at the one place where it is kept. That is `false`, and gone from what is compiled, but in a program
//! that was built with the feature `broken` for the negative controls of tests/prove: there `$PROMPT_MANAGER_TEST_BREAK` names
//! the rule that does not hold. No program that is installed has that feature, and none holds the variable's name.

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A commit waits for the disk.
    FullSync,
    /// A file leaves the queue after its row is committed.
    CommitBeforeMove,
    /// What an event is known by becomes durable with the event itself.
    KeyWithRow,
    /// An event is known by its bytes too, not by its name alone.
    HashInKey,
    /// After locking, the name must still mean the locked file.
    InodeRecheck,
    /// A file is locked before it gets its name in processing.
    LockBeforeRename,
    /// No rename replaces a file.
    NoReplace,
    /// A file whose reader died begins its next attempt when it is read, alone.
    AttemptSingly,
    /// A connection whose sync failed is never used again.
    NoSyncAgain,
    /// A file in processing is taken over only from the dead, which the lock tells.
    RescueByLock,
    /// A file in tmp is taken over only from the dead, which the lock tells.
    AdoptByLock,
    /// A transaction that writes has the write lock from its beginning.
    BeginImmediate,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FullSync,
        Self::CommitBeforeMove,
        Self::KeyWithRow,
        Self::HashInKey,
        Self::InodeRecheck,
        Self::LockBeforeRename,
        Self::NoReplace,
        Self::AttemptSingly,
        Self::NoSyncAgain,
        Self::RescueByLock,
        Self::AdoptByLock,
        Self::BeginImmediate,
    ];

    /// As the variable names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullSync => "synchronous FULL",
            Self::CommitBeforeMove => "commit before move",
            Self::KeyWithRow => "key and row in one transaction",
            Self::HashInKey => "hash in the key",
            Self::InodeRecheck => "inode recheck",
            Self::LockBeforeRename => "lock before rename",
            Self::NoReplace => "no replacing rename",
            Self::AttemptSingly => "attempt raised singly",
            Self::NoSyncAgain => "no retry after a failed fsync",
            Self::RescueByLock => "rescue by lock",
            Self::AdoptByLock => "tmp adoption by lock",
            Self::BeginImmediate => "BEGIN IMMEDIATE",
        }
    }
}

/// Whether this rule does not hold in this process.
#[cfg(not(feature = "broken"))]
#[inline(always)]
pub const fn broken(_: Rule) -> bool {
    false
}

/// Whether this rule does not hold in this process.
#[cfg(feature = "broken")]
pub fn broken(rule: Rule) -> bool {
    std::env::var_os("PROMPT_MANAGER_TEST_BREAK").is_some_and(|name| name == rule.name())
}
