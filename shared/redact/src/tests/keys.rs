//! A private key is found in every form in which programs show the file that it is in.

use crate::Rules;

/// So many lines of 64 signs, and a shorter last one.
fn body(lines: usize) -> Vec<String> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sign = |at: usize| char::from(SIGNS[(at * at * 31 + at * 7 + at / 64) % 64]);
    let line = |line: usize| (0..64).map(|at| sign(line * 64 + at)).collect::<String>();
    (0..lines).map(line).chain(["Zx8=".to_owned()]).collect()
}

/// Holds that nothing is left of a key of so many lines in which `form` makes each line of its file, counted from 1, what is shown.
fn check(lines: usize, kind: &str, form: impl Fn(usize, &str) -> String) {
    let body = body(lines);
    let ends = [format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----")];
    let file = [&ends[..1], &body, &ends[1..]].concat();
    let shown: String = file.iter().zip(1..).map(|(line, number)| form(number, line) + "\n").collect();
    let text = format!("before\n{shown}after\n");
    let found = Rules::ours().masked(&text);
    assert!(found.starts_with("before\n") && found.ends_with("after\n"), "{found}");
    assert!(found.contains(&ends[0]) && found.contains(&ends[1]), "{found}");
    assert!(found.contains("[REDACTED:private-key]"), "nothing is hidden in {text}");
    for line in &body {
        assert!(!found.contains(line), "{line} is left in {found}");
    }
}

#[test]
fn in_every_form_of_a_file() {
    let forms: [fn(usize, &str) -> String; 15] = [
        |_, line| line.to_owned(),
        |_, line| format!("    {line}"),
        |_, line| format!("{line}\r"),
        |at, line| format!("{at:>6}→{line}"),
        |at, line| format!("{at:>6}\t{line}"),
        |at, line| format!("/home/dev/.ssh/id_rsa:{at}:{line}"),
        |at, line| format!("id_rsa-{at}-{line}"),
        |_, line| format!("> > {line}"),
        |_, line| format!("-{line}"),
        |_, line| format!("# {line}"),
        |_, line| format!("    \"{line}\\n\" +"),
        |_, line| format!("  '{line}',"),
        |_, line| format!("{line}$"),
        |_, line| format!("\u{1b}[32m{line}\u{1b}[0m"),
        |at, line| {
            format!("\u{1b}[35mid_rsa\u{1b}[m\u{1b}[36m:\u{1b}[m\u{1b}[32m{at}\u{1b}[m\u{1b}[36m:\u{1b}[m{line}")
        },
    ];
    for form in forms {
        for (lines, kind) in
            [(1, "PRIVATE KEY"), (3, "EC PRIVATE KEY"), (26, "RSA PRIVATE KEY"), (400, "OPENSSH PRIVATE KEY")]
        {
            check(lines, kind, form);
        }
        check(310, "PGP PRIVATE KEY BLOCK", form);
    }
}

/// Where only its beginning is shown.
#[test]
fn without_its_end() {
    let lines = body(9);
    let text = |form: &dyn Fn(usize, &str) -> String| {
        let file = [&["-----BEGIN RSA PRIVATE KEY-----".to_owned()], &lines[..9]].concat();
        file.iter().zip(1..).map(|(line, number)| form(number, line) + "\n").collect::<String>()
    };
    for text in [
        text(&|_, line| line.to_owned()),
        text(&|at, line| format!("{at:>6}→{line}")),
        text(&|_, line| format!("> {line}")),
    ] {
        let found = Rules::ours().masked(&text);
        assert!(lines[..9].iter().all(|line| !found.contains(line)), "{found}");
    }
}

#[test]
fn what_only_speaks_of_one_is_left() {
    let check = |text: &str| assert_eq!(Rules::ours().masked(text), text);
    check("if text.contains(\"-----BEGIN RSA PRIVATE KEY-----\") {\n    return Err(Error::Key);\n}\n");
    check("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n");
    check("    1→-----BEGIN PRIVATE KEY-----\n    2→<your key>\n    3→-----END PRIVATE KEY-----\n");
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    check(&format!("b\"-----BEGIN PRIVATE KEY-----\",\n// sha256\nconst HASH: &str = \"{hash}\";\n"));
}
