//! What a page shows as the output of a command is what the command prints, but for what differs from run to run: numbers,
//! ids, times and places.

/// What stands behind a number and changes with it.
const UNITS: [&str; 9] = ["ms", "s", "min", "h", "d", "B", "KiB", "MiB", "GiB"];

/// A line without what differs between two runs and two machines.
fn plain(line: &str, home: &str) -> String {
    let line = line.replace(home, "/home/me");
    let line = ["/home/dev", "/home/you"].iter().fold(line, |line, home| line.replace(home, "/home/me"));
    let mut plain = String::new();
    for word in line.split_whitespace() {
        let unit = word.trim_end_matches([',', ';', ')', ':']);
        if plain.ends_with("0 ") && UNITS.contains(&unit) {
            plain.pop();
            plain += &word[unit.len()..];
            plain.push(' ');
            continue;
        }
        let mut number = false;
        for sign in word.chars() {
            let digit = sign.is_ascii_digit();
            match (digit, number) {
                (true, false) => plain.push('0'),
                (true, true) => {}
                // 1.5 is a number as 2 is; so is a time.
                (false, true) if ".:".contains(sign) => continue,
                (false, _) => plain.push(sign),
            }
            number = digit;
        }
        plain.push(' ');
    }
    plain.trim_end().to_owned()
}

/// The first line of `shown` that is not among what was `printed`. `…` stands for anything, in a line and for lines.
pub(super) fn missing<'a>(shown: &'a [String], printed: &str, home: &str) -> Option<&'a str> {
    let printed: Vec<String> = printed.lines().map(|line| plain(line, home)).collect();
    let is_printed = |line: &str| {
        let wanted = plain(line, home);
        let parts: Vec<&str> = wanted.split('…').map(str::trim).collect();
        printed.iter().any(|line| {
            let mut rest = line.as_str();
            let in_order = parts.iter().all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            });
            in_order && (parts.len() > 1 || line.len() == wanted.len())
        })
    };
    shown.iter().map(String::as_str).find(|line| !line.trim().is_empty() && !is_printed(line))
}

#[test]
fn what_differs_from_run_to_run_makes_no_difference() {
    let check = |shown: &str, printed: &str, held: bool| {
        let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
        assert_eq!(missing(&shown, printed, "/tmp/x").is_none(), held, "{shown:?}\n{printed}");
    };
    check("waited 4 ms, free: 3 GiB", "waited 4 d, free: 300 MiB", true);
    check("17 events in 436 KiB", "3 events in 1.5 KiB", true);
    check("at 2026-11-22 12:35:59", "at  2026-11-23 01:02:03.5", true);
    check("made /home/me/a", "made /tmp/x/a", true);
    check("made … a", "made something and a\n", true);
    check("made", "made more", false);
    check("all is well", "", false);
    check("…\nlast", "first\nlast", true);
}
