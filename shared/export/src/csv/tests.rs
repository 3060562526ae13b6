//! The table as a spreadsheet gets it.

use super::*;
use crate::sample;

#[test]
fn cells() {
    let check = |given: &str, expected: &str| assert_eq!(text(Some(given)), expected, "{given:?}");
    check("", "");
    check("plain", "plain");
    check("a,b", "\"a,b\"");
    check("say \"hi\"", "\"say \"\"hi\"\"\"");
    check("two\nlines", "\"two\nlines\"");
    check(" kept ", "\" kept \"");
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", " =1", "\u{a0}=1"] {
        check(formula, &format!("\"'{formula}\""));
    }
    check("=\"x\"", "\"'=\"\"x\"\"\"");
    check("a=b", "a=b");
    assert_eq!(text(None), "");
}

#[test]
fn a_row() {
    let mut out = Vec::new();
    head(&mut out).unwrap();
    row(&mut out, &sample::summary()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let (head, row) = text.split_once("\r\n").unwrap();
    assert_eq!(head.split(',').count(), COLUMNS.len());
    let expected = concat!(
        "12,2026-11-22T12:35:59.735Z,2026-11-22T12:36:01.235Z,s,mine,\"'@title\",/home/dev/acme,/home/dev/acme/src,",
        "human,interactive,interrupted,claude-opus-4-5,\"'=run `ls`,\n\"\"please\"\"\",Done.,3,Bash:2 Read:1,1,",
        "200,20,16,2000,0.001330,new-model other-model,2,100,10,,4,1,\"keep, two words\",\"'-1 for speed\n\nok\",1500\r\n",
    );
    assert_eq!(row, expected);
}
