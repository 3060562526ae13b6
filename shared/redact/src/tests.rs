//! What is found and what is not, and that hiding hides that and nothing else.

use std::borrow::Cow;

use super::*;

mod hidden;
mod keys;
mod work;

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
    check(&"$".repeat(50), "$");
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
        "Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089".to_owned(),
        "docker run -d --name mongo -p 27017:27017 mongo:6".to_owned(),
        "PWD=/home/dev/src/app/.worktrees/fix-8f3e2a1b".to_owned(),
        "OLDPWD=/tmp/tmp.a8Xk2Lm9Qz".to_owned(),
        "key: cache-key-4283fefc63f0cd0e873a0000c6d07ef7".to_owned(),
        "http://localhost:51730/@vite/client".to_owned(),
        "http://localhost:3000/assets/logo.8f3e2a1b@2x.png".to_owned(),
        "webpack://_N_E:./node_modules/x1y2z3@4/dist".to_owned(),
        "token: 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".to_owned(),
        "private_key: /etc/../host-2024a1b2.pem".to_owned(),
        "private_key: /etc/ssl/private/host-2024a1b2.pem".to_owned(),
        "client_key = certs/client-9f8e7d6c.pem".to_owned(),
        "auth_key: k8s/overlays/prod-eu1/values.v2.yaml".to_owned(),
        "sk-learn-pipeline-version-2-of-the-docs-sk-proj-layout".to_owned(),
        "class=sk-proj-list-item-header-v2".to_owned(),
        "docker login --password-stdin < token4acme.txt".to_owned(),
        "gh auth login --token <YOUR-TOKEN-1>; --password \"$DB_PASSWORD2\" --token --verbose-2x".to_owned(),
        "bypass: rule_1a_2b_3c_4d".to_owned(),
        "PASS: gcc.dg/pr12345x.c (test for excess errors)".to_owned(),
        "Cookie: theme=dark; lang=en; consent=all-of-them-please".to_owned(),
        "<password>your password</password> <token>String</token>".to_owned(),
    ] {
        assert_eq!(Rules::ours().find(&text), [], "{text}");
    }
}

/// What Claude Code itself puts around what a shell said, a pipe, a redirection.
#[test]
fn a_value_ends_where_a_tag_begins_or_a_shell_goes_on() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Rules::ours().masked(&text.replace('~', &github()[6..30])), expected, "{text}");
    };
    check("<bash-stdout>DB_PASSWORD=~</bash-stdout>", "<bash-stdout>DB_PASSWORD=[REDACTED:password]</bash-stdout>");
    check("<a>API_TOKEN=~</a>", "<a>API_TOKEN=[REDACTED:secret-value]</a>");
    check("password=~<br>", "password=[REDACTED:password]<br>");
    check("run --token ~>out", "run --token [REDACTED:option-secret]>out");
    check("password=~|cat", "password=[REDACTED:password]|cat");
}

/// Of a header a part may be hidden already, or be one that no secret is.
#[test]
fn a_cookie_is_one_whatever_stands_behind_it() {
    for rest in [
        "",
        "; theme=dark",
        "; csrf=***",
        "; a=[REDACTED:x]",
        "; Domain=example.com; Path=/",
        "; _ga=GA1.2.8.1700000000",
    ] {
        let text = Rules::ours().masked(&format!("Set-Cookie: sid={}{rest}", &github()[6..30])).into_owned();
        assert_eq!(text, "Set-Cookie: sid=[REDACTED:cookie]", "{rest}");
    }
}

#[test]
fn where_two_overlap_they_are_one_of_the_name_that_says_more() {
    let text = format!("password={}-and-more", github());
    let found = Rules::ours().find(&text);
    assert_eq!(found, [Found { range: 9..text.len(), rule: "github-token" }]);
}

const PASSWORD: [&str; 2] = ["hU7-", "zoR4kq"];

/// A, B and C stand for keys, P for a password.
fn filled(template: &str) -> String {
    ["A", "B", "C"].iter().fold(template.replace("<P>", &PASSWORD.concat()), |text, name| {
        text.replace(&format!("<{name}>"), &github().replace('a', &name.to_lowercase().repeat(2)))
    })
}

/// `$` stands for the first mark, `$2` for the second.
fn marked(template: &str) -> String {
    template.replace("$2", "[REDACTED:github-token:2]").replace('$', "[REDACTED:github-token]")
}

#[test]
fn secrets_that_are_not_the_same_have_other_marks() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Rules::ours().masked(&marked(&filled(text))), marked(expected), "{text}");
    };
    check("<A> <B> <A> <B>", "$ $2 $ $2");
    check("<A> password='<P>' <B>", "$ password='[REDACTED:password]' $2");
    // A mark that the text has itself stands for nothing.
    check("$ <A> <A>", "$ $2 $2");
    check("$2 <A> <B>", "$2 $ [REDACTED:github-token:3]");
    let json = format!(r#"{{"a":"{}","b":"{}"}}"#, filled("<A>"), filled("<B> <A>"));
    assert_eq!(Rules::ours().masked_json(&json), marked(r#"{"a":"$","b":"$2 $"}"#));
}

#[test]
fn what_was_seen_masked_comes_back_whole() {
    let check = |said: &str, seen: &[&str], expected: &str| {
        let (said, expected) = (marked(said), marked(&filled(expected)));
        let seen: Vec<String> = seen.iter().map(|text| marked(&filled(text))).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let found = Rules::ours().restored(&said, &seen);
        assert_eq!(found.map_or_else(|error| error.to_string(), Cow::into_owned), expected, "{said} {seen:?}");
    };
    check("a", &["<A>"], "a");
    check("a $ b", &["x <A> y"], "a <A> b");
    check("a $ b $", &["x <A> y"], "a <A> b <A>");
    // Each by its number, whichever was taken off or stands first now.
    check("new: $2", &["old: <A>\nnew: <B>"], "new: <B>");
    check("new: $2\nold: $", &["old: <A>\nnew: <B>"], "new: <B>\nold: <A>");
    // Marks that are text stay text.
    check("a $", &[], "a $");
    check("a $ $2", &["x <A>"], "a <A> $2");
    check("$ and $2!", &["$ and <A>"], "$ and <A>!");
    check("a [REDACTED: $. [REDACTED:github-token:1]", &["<A>"], "a [REDACTED: <A>. [REDACTED:github-token:1]");
    // What was seen earlier comes back as it was, and is nothing to guess from.
    check("old: $", &["new: <B>", "old: <A>"], "old: <A>");
    check("key: $", &["key: <B>", "key: <A>"], "key: <B>");
    let earlier = "is of an earlier text: read the text again, or leave the mark out";
    check("old $", &["none", "old: <A>"], &format!("the mark $ {earlier}"));
    check("see $ $2", &["<A>", "<B> <C>"], &format!("the mark $2 {earlier}"));
}

/// What no rule finds any more once it is sent back would be shown.
#[test]
fn a_mark_out_of_its_place_is_refused() {
    let check = |said: &str, seen: &str, expected: Option<&str>| {
        let found = Rules::ours().restored(said, &[seen]);
        let refused = "needs the words that stood around it, or else its secret would not be hidden";
        let expected = expected.map(str::to_owned).ok_or_else(|| format!("the mark {} {refused}", marks_in(said)));
        assert_eq!(found.map(Cow::into_owned).map_err(|error| error.to_string()), expected, "{said}");
    };
    fn marks_in(said: &str) -> &str {
        &said[said.find('[').unwrap()..=said.find(']').unwrap()]
    }
    let db = &filled("db password='<P>' for staging");
    check("staging password='[REDACTED:password]'", db, Some(&filled("staging password='<P>'")));
    check("staging db: [REDACTED:password]", db, None);
    check("password: no[REDACTED:password]", db, None);
    let key = format!("deploy {}", github());
    check("[REDACTED:github-token]", &key, Some(&github()));
    check("x[REDACTED:github-token]", &key, None);
    check("[REDACTED:github-token]x", &key, None);
    let many = "[REDACTED:private-key]\n".repeat(2_000);
    let long = format!("-----BEGIN PRIVATE KEY-----\n{}\n", "MIIEpAIBAAKCAQEA7bq98xkZ".repeat(40));
    assert_eq!(Rules::ours().restored(&many, &[&long]), Err(Unplaced::Long));
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
    check_theirs(&["id = 'x'\npattern = '(x)?acme()'"], &[], "of acme", "of [REDACTED:x]");
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
