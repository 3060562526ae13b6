//! The names of all findings of `status`, and which page of docs/trouble tells of each.
//!
//! `doctor` finds more and has a table of its own; a name that both have means the same, and says the same.

macro_rules! codes {
    ($($code:ident $name:literal $page:literal;)*) => {
        /// The name of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(dead_code, reason = "what lies outside of the data directory is found by the ingester")]
        pub(crate) enum Code {
            $(#[doc = $name] $code,)*
        }

        impl Code {
            /// For programs; it stays.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }

        /// Each name, and the page of docs/trouble that tells of it; an empty one where docs/operating-status.md says all.
        pub const CODES: &[(&str, &str)] = &[$(($name, $page),)*];
    };
}

codes! {
    NoIngester "no_ingester" "service-not-running";
    ServiceDown "service_down" "service-not-running";
    QueueWaits "queue_waits" "";
    Trouble "trouble" "database-locked";
    FilesFailed "files_failed" "";
    SpaceLow "space_low" "disk-full";
    SpaceOut "space_out" "disk-full";
    InodesOut "inodes_out" "disk-full";
    ReadOnly "read_only" "queue-unwritable";
    QueueUnwritable "queue_unwritable" "queue-unwritable";
    FileSystem "file_system" "file-system";
    OwnerForeign "owner_foreign" "permissions";
    FolderOpen "folder_open" "permissions";
    SecretOpen "secret_open" "permissions";
    WalLarge "wal_large" "";
    BackupFailed "backup_failed" "backups";
    BackupOld "backup_old" "backups";
    ChoresFailed "chores_failed" "";
    ForgetUnfinished "forget_unfinished" "forget-unfinished";
    HookErrors "hook_errors" "queue-unwritable";
    Clock "clock" "clock-jump";
    Slow "slow" "";
    ProjectsUnreadable "projects_unreadable" "projects-gone";
    NothingYet "nothing_yet" "";
    DatabaseMissing "database_missing" "database-corrupt";
    DatabaseOld "database_old" "";
    DatabaseTooNew "database_too_new" "";
    DatabaseForeign "database_foreign" "";
    DatabaseDamaged "database_damaged" "database-corrupt";
    DatabaseUnreadable "database_unreadable" "database-corrupt";
    DatabaseError "database_error" "";
    DatabaseBusy "database_busy" "database-locked";
    DatabaseSlow "database_slow" "";
    QueueUnreadable "queue_unreadable" "queue-unwritable";
    FailedUnreadable "failed_unreadable" "";
    BackupsUnreadable "backups_unreadable" "";
    IngestersUnreadable "ingesters_unreadable" "";
    HookErrorsUnreadable "hook_errors_unreadable" "";
    SpaceUnreadable "space_unreadable" "";
    HookSettings "hook_settings" "hooks-removed";
    HookForgotten "hook_forgotten" "hooks-removed";
    HooksDisabled "hooks_disabled" "hooks-removed";
    HookEventsMissing "hook_events_missing" "hooks-removed";
    HookProgram "hook_program" "hooks-removed";
    HookDoubled "hook_doubled" "";
    HookElsewhere "hook_elsewhere" "hooks-removed";
    HookSpillElsewhere "hook_spill_elsewhere" "hooks-removed";
    QueueElsewhere "queue_elsewhere" "hooks-removed";
    SetupUnreadable "setup_unreadable" "";
    NotLooked "not_looked" "";
}

/// The name as it stands in the table, for one that was read.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    CODES.iter().map(|(code, _)| *code).find(|code| *code == name)
}
