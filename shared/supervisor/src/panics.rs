//! What a panic tells: where it happened, and nothing else. Its message may quote what a person wrote, as that of a slice of a text
//! does, and the log of a service is read by others.

use std::io::Write;

/// From now on, in every thread. `program` is who says it. It writes to standard error itself: what logs may be what failed.
pub fn tell_place_only(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let _ = writeln!(std::io::stderr(), "{program}: panicked at {place}; please report this"); // nobody may be reading
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// In a process of its own: a hook is everybody's.
    #[test]
    fn nothing_is_quoted() {
        const CHILD: &str = "PANICS_CHILD";
        if std::env::var_os(CHILD).is_some() {
            tell_place_only("a program");
            let text = std::hint::black_box("what a pérson wrote");
            let _ = std::thread::spawn(move || text[..9].len()).join(); // in the middle of the é
            let _ = std::thread::spawn(|| panic!("{}", "another pérson's words")).join();
            return;
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--exact", "panics::tests::nothing_is_quoted", "--nocapture"]).env(CHILD, "1");
        let done = command.env("RUST_BACKTRACE", "full").output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap() + &String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "{said}");
        let told =
            said.lines().filter(|line| line.starts_with("a program: panicked at ") && line.contains("panics.rs:"));
        assert_eq!(told.count(), 2, "{said}");
        assert!(!said.contains("rson"), "{said}");
    }
}
