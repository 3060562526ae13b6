//! The scanner's table: where each input ends and what it is called, cut in two at every byte.

use proptest::prelude::*;

use super::*;

/// `end` is where the value is complete, `None` if it never is; then what was picked up, `-` for nothing.
fn check(input: &str, end: Option<usize>, session: &str, event: &str) {
    let text = |token: Option<Token>| token.map_or("-".to_owned(), |token| token.as_str().to_owned());
    for split in 0..=input.len() {
        let (head, tail) = input.as_bytes().split_at(split);
        let mut scanner = JsonScanner::default();
        let found = scanner.push(head).or_else(|| scanner.push(tail).map(|n| split + n));
        assert_eq!(found, end, "end of {input:?} cut at {split}");
        assert_eq!(scanner.is_complete(), end.is_some(), "{input:?} cut at {split}");
        assert_eq!(text(scanner.session_id()), session, "session of {input:?} cut at {split}");
        assert_eq!(text(scanner.hook_event_name()), event, "event of {input:?} cut at {split}");
    }
}

#[test]
fn ends() {
    check("{}", Some(2), "-", "-");
    check("[]", Some(2), "-", "-");
    check(" \r\n\t{}\n", Some(6), "-", "-");
    check(r#"{"a":{"b":[1,{"c":2}]}} {}"#, Some(23), "-", "-");
    check(r#"{"a":"}]\"}{"}tail"#, Some(14), "-", "-");
    check(r#"{"a":"\\"}"#, Some(10), "-", "-");
    check(r#"{"a":"\\\""}"#, Some(12), "-", "-");
    check(r#"["é\u0022\"", "]"]"#, Some(19), "-", "-");
    check(&format!(r#"{{"a":"{}\"{}"}}"#, "x".repeat(70), "y".repeat(40)), Some(120), "-", "-");
}

#[test]
fn what_has_no_end() {
    for endless in
        ["", "  ", "{", r#"{"a":"}"#, r#"{"a":"\"}"#, r#"{"a":[}"#, "12", "true ", "null\n", r#""a""#, "hello {}", "}"]
    {
        check(endless, None, "-", "-");
    }
}

#[test]
fn fields_at_the_top_only() {
    check(r#"{"session_id":"s-1","hook_event_name":"Stop"}"#, Some(45), "s-1", "Stop");
    check(r#"{ "hook_event_name" : "Stop" , "session_id" : "s" "#, None, "s", "Stop");
    check(r#"{"x":{"session_id":"inner"}}"#, Some(28), "-", "-");
    check(r#"[{"session_id":"inner"}]"#, Some(24), "-", "-");
    check(r#"["session_id","x"]"#, Some(18), "-", "-");
    check(r#"{"x":"session_id","y":"hook_event_name"}"#, Some(40), "-", "-");
    check(r#"{"session_id":{"session_id":"inner"},"a":"b"}"#, Some(45), "-", "-");
    check(r#"{"session_id":["a"]}"#, Some(20), "-", "-");
    check(r#"{"session_id":null,"a":"b"}"#, Some(27), "-", "-");
}

#[test]
fn fields_that_fit_a_name_only() {
    check(r#"{"session_id":""}"#, Some(17), "-", "-");
    check(r#"{"session_id":"../x"}"#, Some(21), "-", "-");
    check(r#"{"session_id":"a\u002db"}"#, Some(25), "-", "-");
    check(r#"{"session\u005fid":"a"}"#, Some(23), "-", "-");
    check(r#"{"a\\session_id":"a"}"#, Some(21), "-", "-");
    check(&format!(r#"{{"session_id":"{}"}}"#, "x".repeat(64)), Some(81), &"x".repeat(64), "-");
    check(&format!(r#"{{"session_id":"{}"}}"#, "x".repeat(65)), Some(82), "-", "-");
    check(&format!(r#"{{"{}session_id":"a"}}"#, "x".repeat(64)), Some(82), "-", "-");
}

#[test]
fn the_last_of_several_counts() {
    check(r#"{"session_id":"a","session_id":"b"}"#, Some(35), "b", "-");
    check(r#"{"session_id":"a","session_id":7}"#, Some(33), "-", "-");
}

#[test]
fn garbage_is_borne() {
    check("{]", Some(2), "-", "-");
    check(r#"{:"session_id"::"a"}"#, Some(20), "-", "-");
    check(r#"{,,"session_id" "hook_event_name":"x"}"#, Some(38), "-", "x");
}

#[test]
fn depth() {
    let mut scanner = JsonScanner::default();
    assert_eq!(scanner.push(&[b'['; 100_000]), None);
    assert_eq!(scanner.push(&[b']'; 100_000]), Some(100_000));
    assert_eq!(scanner.max_depth(), 100_000);
    assert_eq!(scanner.push(b"{}"), Some(0), "nothing is looked for after the end");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,80}".prop_map(Value::from),
        r#"["\\{}\[\],:]{0,20}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("session_id|hook_event_name|.{0,12}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever serde_json writes, the scanner ends where it ended and finds what a parser finds.
    #[test]
    fn agrees_with_a_parser(value in any_json(), tail in ".{0,8}", pretty: bool) {
        prop_assume!(value.is_object() || value.is_array());
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut scanner = JsonScanner::default();
        prop_assert_eq!(scanner.push(format!("{text}{tail}").as_bytes()), Some(text.len()));
        let field = |name: &str| value.get(name).and_then(|v| v.as_str()).and_then(|v| Token::new(v.as_bytes()));
        prop_assert_eq!(scanner.session_id(), field("session_id"));
        prop_assert_eq!(scanner.hook_event_name(), field("hook_event_name"));
    }

    /// No bytes whatever upset it, and no cutting of them changes what it says.
    #[test]
    fn any_bytes_in_any_pieces(bytes in prop::collection::vec(prop_oneof![Just(b'{'), Just(b'}'), Just(b'"'), Just(b'\\'), any::<u8>()], 0..200), piece in 1_usize..9) {
        let mut whole = JsonScanner::default();
        let end = whole.push(&bytes);
        let mut cut = JsonScanner::default();
        let mut before = 0;
        let found = bytes.chunks(piece).find_map(|part| {
            let end = cut.push(part).map(|n| before + n);
            before += part.len();
            end
        });
        prop_assert_eq!(found, end);
    }
}
