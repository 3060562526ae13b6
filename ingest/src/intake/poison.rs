//! For tests alone: the process dies of a queue file that holds a certain text, as it would of a bug that only this file
//! meets. Release builds have none of it.

/// Dies if `payload` holds the text in `$PROMPT_MANAGER_TEST_POISON`.
#[cfg(debug_assertions)]
pub(crate) fn die_of(payload: &[u8]) {
    let Some(poison) = std::env::var_os("PROMPT_MANAGER_TEST_POISON") else { return };
    let poison = poison.as_encoded_bytes();
    if !poison.is_empty() && payload.windows(poison.len()).any(|window| window == poison) {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub(crate) fn die_of(_payload: &[u8]) {}
