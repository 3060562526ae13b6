//! The scripted Messages API as a program: it listens on a free port of the loopback, prints the port, and answers until it is
//! ended, or until who started it is gone.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::Path;

use harness::messages::{Desk, serve};

fn main() -> io::Result<()> {
    let desk = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: messages-api FOLDER"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    std::thread::spawn(|| {
        // Whoever started it holds the other end of stdin: its end is ours, however it came.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    serve(&listener, &Desk::at(Path::new(&desk)))
}
