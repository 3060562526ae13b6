//! `prompt-hook EVENT [--queue DIR] [--spill DIR] [--strict] [--rate | --rate-plugin]`: stdin into the queue, exit 0,
//! not a byte of output. (With one of the last two, one kind of prompt is answered: module `answer`.)
//!
//! Claude Code waits for this program at each prompt and tool call, so it has a C entry instead of std's: that alone
//! saves some twenty system calls. What std would set up is not missed: there are no threads, nothing is printed, and
//! a closed stdin, stdout or stderr is harmless because stdin is not touched again once a file has been opened.
#![no_main]

use std::ffi::{c_char, c_int};
use std::panic;

use prompt_hook::{Options, capture};
use queue::sys;

#[global_allocator]
static MEMORY: sys::QuietMemory = sys::QuietMemory;

/// Always 0. Any other code shows an error to the user, and 2 would throw the prompt away.
#[expect(unsafe_code, reason = "the one exported symbol of this program, and the arguments that come with it")]
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    panic::set_hook(Box::new(|_| sys::exit()));
    sys::private_umask();
    sys::ignore_write_signals();
    // SAFETY: these are the arguments of `main`, untouched.
    let arguments = unsafe { sys::arguments(argc, argv) };
    capture(&Options::new(arguments, |name| std::env::var_os(name)))
}
