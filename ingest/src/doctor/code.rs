//! Everything that doctor looks for: a table with a line for each finding. docs/operating-doctor.md has the same lines; a
//! test compares the two.

use status::Severity;

/// What stands in the table of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Its name for programs.
    pub(super) name: &'static str,
    /// How bad it is.
    pub(super) severity: Severity,
    /// Whether `--repair` mends it.
    pub(super) mended: bool,
    /// What it means.
    pub(super) means: &'static str,
    /// What to do about it.
    pub(super) next: &'static str,
}

macro_rules! codes {
    ($($code:ident $name:literal $severity:ident $mended:literal $means:literal $next:literal;)*) => {
        /// A finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Code {
            $(#[doc = $means] $code,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$code,)*];

            /// Its line.
            pub(super) const fn about(self) -> About {
                match self {
                    $(Self::$code => About {
                        name: $name,
                        severity: Severity::$severity,
                        mended: $mended,
                        means: $means,
                        next: $next,
                    },)*
                }
            }
        }
    };
}

codes! {
    // The queue and its law: each file is in one place.
    ArchiveRowMissing "archive_row_missing" Error true
        "an archived file is not in the database"
        "run `prompt-manager doctor --repair`: it goes back into the queue and is taken in again";
    ArchiveChanged "archive_changed" Warning false
        "an archived file is not what the database has under its name"
        "the database has the file as it was captured; look at the disk, then move the archived one away";
    PackUnreadable "pack_unreadable" Warning false
        "a packed day cannot be read"
        "the database has its events; look at the disk, and put the file back from a backup of yours if you have one";
    ArchiveStrange "archive_strange" Note false
        "something in the archive is none of our files"
        "move it away";
    FailedAndStored "failed_and_stored" Warning false
        "a file in failed is in the database"
        "run `prompt-manager retry NAME`: it is counted as a replay and goes to the archive";
    FailedWithoutNote "failed_without_note" Warning false
        "a file in failed has no note that says why"
        "run `prompt-manager retry --reason unknown`: it is tried again";
    NoteWithoutFile "note_without_file" Note true
        "a note in failed belongs to no file"
        "run `prompt-manager doctor --repair`, which removes it";
    TwiceInQueue "twice_in_queue" Warning false
        "the same file is in two places of the queue"
        "nothing is stored twice; run `prompt-manager once`, then doctor again";
    WaitingAndStored "waiting_and_stored" Note false
        "a file in the queue is in the database already"
        "the next pass counts it as a replay and moves it to the archive";
    QueueStrange "queue_strange" Warning false
        "something in the queue is no queue file, or cannot be taken"
        "move it away, or give it to the user who runs the ingester";
    TmpStale "tmp_stale" Warning false
        "a dead hook's file has been in tmp for longer than 36 hours"
        "run `prompt-manager once`, and see to it that the ingester runs";
    SpillWaits "spill_waits" Warning false
        "files have been in the hook's spill place for longer than an hour"
        "run `prompt-manager once`; if they stay, the ingester looks for another spill place than the hook writes to";
    FolderMissing "folder_missing" Warning true
        "a folder of the data directory is missing"
        "run `prompt-manager doctor --repair`, which makes it";
    // The database.
    DatabaseDamaged "database_damaged" Error false
        "the database is damaged"
        "stop the ingester and run `prompt-manager recover`: the file is set aside and made anew";
    EngineOld "engine_old" Error false
        "the engine has a bug that can lose commits"
        "install a newer version of Prompt Manager";
    SchemaDiffers "schema_differs" Error true
        "an index, a view or a trigger of the database is missing"
        "run `prompt-manager doctor --repair`, which makes it again";
    SchemaOther "schema_other" Warning false
        "a table, an index or a view is another than ours, or none of ours"
        "undo what was changed by hand, or run `prompt-manager recover`";
    EventDamaged "event_damaged" Error true
        "the bytes of a stored event are not those that were captured"
        "run `prompt-manager doctor --repair`: they come back from the archive if it has them";
    EventMisfiled "event_misfiled" Error false
        "a stored event stands under another time, session or kind than its name and its bytes say"
        "the row was changed after it was stored: put it right by its name and bytes, then run `prompt-manager rebuild`";
    EventDoubled "event_doubled" Warning false
        "one queue file is stored twice with different bytes"
        "both are kept; look whether two hooks write under one name, or the clock stood still";
    RatingWaits "rating_waits" Warning false
        "a rating that was given in a session has no prompt before it"
        "run `prompt-manager import`, should the session's transcript be left out; else rate it with `prompt-manager rate`";
    TranscriptDamaged "transcript_damaged" Error false
        "a stored transcript cannot be given back as it was written"
        "run `prompt-manager recover` while the original or a backup is there";
    UuidDoubled "uuid_doubled" Note false
        "two lines of one transcript have the same id and different contents"
        "nothing: both are kept, and the first counts";
    ReferencesBroken "references_broken" Error false
        "captured rows refer to rows that are not there"
        "stop the ingester and run `prompt-manager recover`";
    IdsMissing "ids_missing" Error true
        "ids of conversations are missing to which something refers"
        "run `prompt-manager doctor --repair`, which puts them back";
    DerivedLoose "derived_loose" Warning true
        "derived rows belong to no conversation"
        "run `prompt-manager doctor --repair`, which removes them";
    SaidDiffers "said_differs" Warning true
        "what lists show of ratings, stars, tags, notes and titles is not what their histories say"
        "run `prompt-manager doctor --repair`, which tells it from the histories again";
    WordsDamaged "words_damaged" Error true
        "the index of words is damaged"
        "run `prompt-manager doctor --repair`, which makes it anew";
    WordsMissing "words_missing" Warning true
        "texts are missing in the index of words: a search does not find them"
        "run `prompt-manager doctor --repair`, or `rebuild --index` if there are many";
    WordsStray "words_stray" Warning true
        "the index of words has texts that belong to nothing"
        "run `prompt-manager doctor --repair`, which removes them";
    Unrecognised "unrecognised" Error false
        "a conversation has no key: derived again, it would get another id, without its rating"
        "do not rebuild; run `prompt-manager recover`, which takes the keys from a backup";
    Unheard "unheard" Warning false
        "ratings, tags or notes belong to a conversation that is not there"
        "run `prompt-manager rebuild`; if they stay, the conversation comes back with its transcript or its backup";
    SessionsWait "sessions_wait" Warning true
        "sessions have waited for more than an hour to be derived"
        "run `prompt-manager doctor --repair`, or `once`, and see to it that the ingester runs";
    DerivedDiffers "derived_differs" Warning true
        "conversations are not what deriving makes of what was captured"
        "run `prompt-manager doctor --repair`, which derives these sessions again, or `rebuild` for all";
    CountsDiffer "counts_differ" Warning true
        "the counts of which source saw a conversation are not what counting gives"
        "run `prompt-manager doctor --repair`, which counts again";
    ListsDiffer "lists_differ" Warning true
        "what lists are filtered and sorted by is not what the conversations say"
        "run `prompt-manager doctor --repair`, which makes it again";
    // Claude Code's side.
    HookSettings "hook_settings" Warning false
        "Claude Code's settings cannot be read"
        "make it a file of strict JSON that you may read, as Claude Code does: look at it with `ls -l`";
    HookNotCalled "hook_not_called" Warning false
        "no hook captures prompts, and none was captured for a week"
        "run `prompt-manager setup hooks`; until then prompts come from transcripts alone";
    HookEventsMissing "hook_events_missing" Warning false
        "the hook is called for some events only"
        "run `prompt-manager setup hooks`, which adds the others";
    HooksDisabled "hooks_disabled" Warning false
        "hooks are turned off"
        "take `disableAllHooks` or PROMPT_MANAGER_DISABLE out of the settings, unless that is wanted";
    HookProgram "hook_program" Error false
        "the hook's program is missing or cannot be run"
        "run `prompt-manager setup hooks`, which puts a copy in its place and names that";
    HookOpen "hook_open" Error false
        "others may write to the program that Claude Code runs at each prompt"
        "close it as the line says and run `prompt-manager setup refresh`, which puts a new copy in its place";
    HookOld "hook_old" Warning false
        "the copy of the hook that Claude Code runs is not the one of this version"
        "run `prompt-manager setup refresh`, which renews it";
    HookDoubled "hook_doubled" Note false
        "both the settings and the plugin call the hook"
        "each event is kept once; take one of them out: `prompt-manager setup hooks --remove` or `prompt-manager setup plugin --remove`";
    HookForgotten "hook_forgotten" Warning false
        "the hook was set up in settings that do not call it any more"
        "run `prompt-manager setup hooks`, or `prompt-manager setup plugin`, to have it called again, or with --remove to strike that off";
    SetupUnreadable "setup_unreadable" Warning false
        "what was set up is not known: its record cannot be read"
        "move the file away, and set up again what you want: `prompt-manager setup hooks`, `setup plugin`, `setup service`";
    HookElsewhere "hook_elsewhere" Error false
        "the hook writes to another queue than the one that is read"
        "run `prompt-manager setup hooks`, or `prompt-manager setup plugin`, with the --home that is meant, or set `home` in config.toml";
    HookSpillElsewhere "hook_spill_elsewhere" Warning false
        "the hook's spill place is another than the one that is read"
        "run `prompt-manager setup hooks`, or `prompt-manager setup plugin`, or set `spill` in config.toml";
    HooksLost "hooks_lost" Warning false
        "transcripts tell of runs of our hook of which there is no event"
        "the transcript has what was said; look into logs/hook-errors.log, and whether PROMPT_MANAGER_DISABLE was set, or `ignore`";
    HookFailed "hook_failed" Warning false
        "Claude Code tells that our hook failed or was ended"
        "look into logs/hook-errors.log, and raise its `timeout` in the settings";
    LinkUnread "link_unread" Note false
        "a link leads to transcripts, and links are not followed: these are not read"
        "list the folder where it leads, beside those that are read, as `projects` in config.toml";
    // The machine.
    FolderOpen "folder_open" Warning true
        "others may look into a folder"
        "run `prompt-manager doctor --repair`, which closes it";
    FileOpen "file_open" Warning true
        "others may read a file"
        "run `prompt-manager doctor --repair`, which closes it";
    SecretOpen "secret_open" Error true
        "others may read the database, a backup or a token"
        "run `prompt-manager doctor --repair`, which closes it; a token that was read should be replaced";
    OwnerForeign "owner_foreign" Error false
        "something in the data directory belongs to another user"
        "give it to the user who runs the ingester: `sudo chown -R USER` the data directory";
    TimesAhead "times_ahead" Note false
        "events were captured or stored at times that are still to come: the clock was wrong"
        "nothing: they are kept, and stand in the order of these times";
    LeftOver "left_over" Warning true
        "a part of a backup or a pack was left by a process that died"
        "run `prompt-manager doctor --repair`, which removes it";
    RestoreUnfinished "restore_unfinished" Warning false
        "a restored database is ready and not in its place"
        "stop all programs of Prompt Manager and run `prompt-manager once`, which puts it in place";
    StagingLeft "staging_left" Note false
        "a restore or a recovery died before it was decided"
        "nothing was changed by it; the next one removes what it left";
    SetAside "set_aside" Note false
        "a database that was set aside is kept for more than 30 days"
        "remove it if you do not need it";
    TooMany "too_many" Note false
        "there are more findings of a kind than are listed"
        "mend those that are listed, and run doctor again";
    DatabaseUnread "database_unread" Error false
        "the database, or a part of it, could not be looked at"
        "see what the line says, look at the disk and the rights of the database folder, and run doctor again";
    NotLooked "not_looked" Warning false
        "something could not be looked at"
        "see what the line says, and run doctor again";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.about().name).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let about = code.about();
            assert!(about.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", about.name);
            assert!(!about.means.ends_with('.') && !about.next.ends_with('.'), "{}", about.name);
            assert_eq!(about.mended, about.next.contains("doctor --repair"), "{}", about.name);
        }
    }

    /// The page has exactly these lines, in this order.
    #[test]
    fn the_page_has_the_same_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/", "../docs/operating-doctor.md");
        let page = std::fs::read_to_string(page).unwrap();
        let found: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let line = |code: &Code| {
            let About { name, severity, mended, means, .. } = code.about();
            let severity = format!("{severity:?}").to_lowercase();
            format!("| `{name}` | {severity} | {} | {means} |", if mended { "yes" } else { "" })
        };
        let wanted: Vec<_> = Code::ALL.iter().map(line).collect();
        assert_eq!(found, wanted, "the table should be:\n{}", wanted.join("\n"));
    }
}
