//! What is found and what is not, and that hiding hides that and nothing else.

use super::*;

mod hidden;

/// A made-up key, in parts: none stands here whole.
pub(crate) fn github() -> String {
    format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6".chars().rev().collect::<String>())
}

/// `$` stands for a key; what is expected to be shown of it is `[REDACTED:github-token]`.
fn check(template: &str, expected: &str) {
    let text = template.replace('$', &github());
    let expected = expected.replace('$', "[REDACTED:github-token]");
    assert_eq!(Rules::ours().masked(&text), expected, "{template}");
}

#[test]
fn our_rules_are_forty_and_more_and_have_one_name_each() {
    let mut ids: Vec<_> = Rules::ours().ids().collect();
    let all = ids.len();
    assert!(all >= 40, "{all}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn a_key_is_found_wherever_a_word_begins() {
    check("", "");
    check("$", "$");
    check("a $ b $", "a $ b $");
    check("TOKEN=$;x", "TOKEN=$;x");
    check("**$**", "**$**");
    check("é$é", "é$é");
    check(r"line\n$\nline", r"line\n$\nline");
    check(r"\u0022$\u0022", r"\u0022$\u0022");
    check("%20$", "%20$");
    check("\u{1b}[31m$\u{1b}[0m", "\u{1b}[31m$\u{1b}[0m");
    check("\u{1b}[1;31m$", "\u{1b}[1;31m$");
    check(r"\x1b[31m$", r"\x1b[31m$");
    check("$$", "$");
}

#[test]
fn what_merely_looks_like_one_is_none() {
    let key = github();
    for text in [
        format!("x{key}"),
        format!("1m{key}"),
        "ghp_".to_owned() + &"a".repeat(36),
        "ghp_short".to_owned(),
        "ghp_".to_owned() + "EXAMPLE" + &key[4..33],
        "password = config.password2;".to_owned(),
        "password: String,".to_owned(),
        "let token = self.next_token()?;".to_owned(),
        "PASSWORD=${DB_PASSWORD}".to_owned(),
        "https://user:password@host/".to_owned(),
        "https://host:8080/@scope/x".to_owned(),
        "password=*******".to_owned(),
        "key: [REDACTED:secret-value]".to_owned(),
    ] {
        assert_eq!(Rules::ours().find(&text), [], "{text}");
    }
}

#[test]
fn where_two_overlap_they_are_one_of_the_name_that_says_more() {
    let text = format!("password={}-and-more", github());
    let found = Rules::ours().find(&text);
    assert_eq!(found, [Found { range: 9..text.len(), rule: "github-token" }]);
    assert_eq!(found[0].mark(), "[REDACTED:github-token]");
}

#[test]
fn what_was_seen_masked_comes_back_whole() {
    let key = github();
    let check = |said: &str, seen: &[&str], expected: &str| {
        let (seen, mark) =
            (seen.iter().map(|text| text.replace('$', &key)).collect::<Vec<_>>(), "[REDACTED:github-token]");
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let found = Rules::ours().restored(&said.replace('$', mark), &seen).replace(&key, "KEY");
        assert_eq!(found.replace(mark, "$"), expected, "{said} {seen:?}");
    };
    check("a $ b", &["x $ y"], "a KEY b");
    check("a $ b $", &["x $ y"], "a $ b $");
    check("a $ b $", &["x $ y", "$ $"], "a KEY b KEY");
    check("a $", &[], "a $");
    check("a", &["$"], "a");
    check("a [REDACTED:", &["$"], "a [REDACTED:");
}

fn rule(text: &str) -> Rule {
    toml::from_str(text).unwrap()
}

fn check_theirs(rules: &[&str], allow: &[&str], text: &str, expected: &str) {
    let rules: Vec<_> = rules.iter().map(|text| rule(text)).collect();
    let allow: Vec<_> = allow.iter().map(|&word| word.to_owned()).collect();
    let found = Rules::with(&rules, &allow).map(|rules| rules.masked(text).into_owned());
    assert_eq!(found.unwrap_or_else(|error| error.to_string()), expected);
}

#[test]
fn rules_of_a_person() {
    let ticket = "id = 'ticket'\npattern = 'ACME-[0-9]{4}'";
    check_theirs(&[ticket], &[], "see ACME-1234 and ACME-12", "see [REDACTED:ticket] and ACME-12");
    check_theirs(&[ticket], &["acme-1"], "see ACME-1234, ACME-2345", "see ACME-1234, [REDACTED:ticket]");
    let name = "id = 'name'\nkeywords = ['client']\npattern = '([A-Z][a-z]+) Ltd'";
    check_theirs(&[name], &[], "Client: Umbrella Ltd", "Client: [REDACTED:name] Ltd");
    check_theirs(&[name], &[], "Umbrella Ltd", "Umbrella Ltd");
    check_theirs(&["id = 'x'\npattern = '('"], &[], "", "rule `x`: unclosed group");
    check_theirs(
        &["id = 'a]'\npattern = 'a'"],
        &[],
        "",
        "rule `a]`: an id has letters, digits, `-`, `_` and `.`, at most 64",
    );
    check_theirs(
        &["id = 'x'\npattern = '(a{999}){9999}'"],
        &[],
        "",
        "rule `x`: Compiled regex exceeds size limit of 4194304 bytes.",
    );
    check_theirs(&["id = 'x'\npattern = ''"], &[], "a\u{e9}", "a\u{e9}");
}
