//! Prices as a table: model, tokens, cost.

use super::table::Table;
use super::*;

const NOW: i64 = 1_795_351_000_000; // 2026-11-22
const SPRING: i64 = 1_772_000_000_000; // 2026-02-25

fn usage(model: &str, [input, write, hour, read, output]: [i64; 5]) -> Usage {
    Usage {
        message_id: "m".into(),
        request_id: None,
        model: Some(model.into()),
        input_tokens: input,
        output_tokens: output,
        cache_creation_tokens: write,
        cache_creation_1h_tokens: hour,
        cache_read_tokens: read,
        cost: None,
    }
}

fn check(model: &str, at: i64, tokens: [i64; 5], expected: Result<&str, &str>) {
    let found = match cost(&usage(model, tokens), at) {
        Cost::Known(usd) => Ok(usd.to_string()),
        Cost::Unknown(model) => Err(model),
    };
    assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{model} {tokens:?}");
}

const MILLION: i64 = 1_000_000;

#[test]
fn the_data_file_is_sound() {
    let table = Table::parse(include_str!("../../prices.json")).unwrap();
    let million = |name: &str, at, tokens| match table.cost(&usage(name, tokens), at) {
        Cost::Known(usd) => usd.micros(),
        Cost::Unknown(model) => panic!("{model} has no price at {at}"),
    };
    assert!(table.names().count() > 20);
    for name in table.names() {
        for at in [0, SPRING, NOW, i64::from(u32::MAX) * 1000] {
            let [input, minutes, hour, read, output] = [0, 1, 2, 3, 4].map(|place| {
                let mut tokens = [0; 5];
                tokens[place] = 10_000; // a short prompt
                if place == 2 {
                    tokens[1] = 10_000;
                }
                million(name, at, tokens)
            });
            // What holds of every list price so far; a slip of the pen breaks it.
            assert_eq!(hour, 2 * input, "{name}");
            assert!(minutes * 100 >= 120 * input && minutes * 100 <= 125 * input, "{name}");
            assert!(read * 8 < input && output >= 4 * input, "{name}");
        }
    }
}

#[test]
fn each_kind_of_token_has_its_price() {
    check("claude-opus-4-5-20251101", NOW, [1, 0, 0, 0, 0], Ok("0.000005"));
    check("claude-opus-4-5-20251101", NOW, [100, 0, 0, 0, 100], Ok("0.003000"));
    check("claude-opus-4-5-20251101", NOW, [0, 100, 0, 0, 0], Ok("0.000625"));
    check("claude-opus-4-5-20251101", NOW, [0, 100, 100, 0, 0], Ok("0.001000"));
    check("claude-opus-4-5-20251101", NOW, [0, 100, 40, 0, 0], Ok("0.000775"));
    check("claude-opus-4-5-20251101", NOW, [0, 0, 0, MILLION, 0], Ok("0.500000"));
    check("claude-3-haiku-20240307", NOW, [MILLION, 0, 0, 0, MILLION], Ok("1.500000"));
    // More kept for an hour than kept at all: a figure of a transcript is not to be trusted.
    check("claude-opus-4-5", NOW, [0, 100, 900, -5, 0], Ok("0.001000"));
    // No figure makes it overflow.
    let sum = (i64::MAX as u128) * (15_000_000 + 18_750_000 + 1_500_000 + 75_000_000) + 500_000;
    let shown = format!("{}.{:06}", sum / 1_000_000_000_000, sum / 1_000_000 % 1_000_000);
    check("claude-opus-4-1", NOW, [i64::MAX, i64::MAX, 0, i64::MAX, i64::MAX], Ok(&shown));
}

#[test]
fn prices_have_their_time_and_length() {
    check("claude-sonnet-5-5", NOW, [0, 0, 0, MILLION, 0], Ok("0.100000"));
    check("claude-sonnet-5-5", SPRING, [0, 0, 0, MILLION, 0], Ok("0.200000"));
    check("claude-sonnet-4-5", NOW, [200_000, 0, 0, 0, 0], Ok("0.600000"));
    check("claude-sonnet-4-5[1m]", NOW, [1, 0, 0, 200_000, 1000], Ok("0.142506"));
    check("claude-opus-4-6", SPRING, [300_000, 0, 0, 0, 0], Ok("3.000000"));
    check("claude-opus-4-6", NOW, [300_000, 0, 0, 0, 0], Ok("1.500000"));
    check("claude-haiku-5-5", NOW, [100_000, 0, 0, 0, 0], Ok("0.010000"));
    check("claude-haiku-5-5", NOW, [0, 0, 0, 100_001, 0], Ok("0.005000"));
}

#[test]
fn the_unknown_is_named_and_never_guessed() {
    check("claude-opus-9", NOW, [1, 0, 0, 0, 0], Err("claude-opus-9"));
    check("haiku", NOW, [1, 0, 0, 0, 0], Err("haiku"));
    check("claude-opus-9", NOW, [0; 5], Ok("0.000000"));
    check("<synthetic>", NOW, [9; 5], Ok("0.000000"));
    let nameless = Usage { model: None, ..usage("", [1; 5]) };
    assert_eq!(cost(&nameless, NOW), Cost::Unknown("(no model)".into()));
}

#[test]
fn a_bill_shows_what_is_known() {
    let check = |usages: &[Usage], expected: &str| {
        assert_eq!(serde_json::to_string(&Bill::of(usages, NOW)).unwrap(), expected);
    };
    let (opus, other) = (usage("claude-opus-4-5", [100, 0, 0, 0, 0]), usage("gpt-6", [9; 5]));
    check(&[], r#"{"usd":0.000000,"unknown_models":[]}"#);
    check(&[opus.clone(), opus.clone()], r#"{"usd":0.001000,"unknown_models":[]}"#);
    check(&[opus, other.clone(), other.clone()], r#"{"usd":0.000500,"unknown_models":["gpt-6"]}"#);
    check(&[other], r#"{"usd":null,"unknown_models":["gpt-6"]}"#);
}
