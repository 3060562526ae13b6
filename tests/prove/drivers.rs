//! Each rule and what shows that it holds.

mod names;
mod order;
mod owners;
mod stage;
mod traced;

use queue::broken::Rule;

pub(crate) use stage::context;

/// What a driver found broken. It is about its rule alone: whatever else goes wrong is a panic.
pub(crate) type Breach = String;

/// Shows that a rule holds, or how it is broken.
pub(crate) type Driver = fn() -> Result<(), Breach>;

/// All of them.
pub(crate) const DRIVERS: [(Rule, Driver); 12] = [
    (Rule::FullSync, order::synced_before_it_leaves),
    (Rule::CommitBeforeMove, order::committed_before_it_leaves),
    (Rule::KeyWithRow, order::no_key_without_its_row),
    (Rule::HashInKey, names::two_events_of_one_name),
    (Rule::InodeRecheck, names::another_file_behind_the_name),
    (Rule::LockBeforeRename, owners::four_that_live),
    (Rule::NoReplace, names::two_hooks_of_one_nanosecond),
    (Rule::AttemptSingly, owners::neighbours_of_a_killer),
    (Rule::NoSyncAgain, order::no_second_sync),
    (Rule::RescueByLock, owners::four_that_live),
    (Rule::AdoptByLock, owners::a_hook_that_pauses),
    (Rule::BeginImmediate, order::no_writer_is_refused),
];
