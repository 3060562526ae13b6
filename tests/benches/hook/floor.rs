//! The least that could be called a hook: read stdin, write a file, rename it. No name from the payload, no lock, no
//! check of any result, no second place. It has the same C entry as the hook and the same one large read.
#![no_main]

use std::ffi::c_int;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let _ = store();
    0
}

fn store() -> Option<()> {
    let queue = PathBuf::from(std::env::var_os("QUEUE")?);
    let ns = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let (tmp, incoming) = (queue.join(format!("tmp/{ns}.json")), queue.join(format!("incoming/{ns}.json")));
    let mut bytes = Vec::with_capacity(64 * 1024); // else the first reads are small ones
    std::io::stdin().read_to_end(&mut bytes).ok()?;
    File::create_new(&tmp).ok()?.write_all(&bytes).ok()?;
    fs::rename(&tmp, &incoming).ok()
}
