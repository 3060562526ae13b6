//! Reads one text out of a payload: what the hook needs of JSON, without a parser that it would pay for.
//!
//! A walk over the outermost object's members. It is lenient where it does not matter (a value that is skipped is only
//! followed to its end) and gives nothing where it does: a text that is not well formed is no text.

use crate::scan::plain_prefix;

/// The string that the outermost object has under `name`; of several the last, as for most parsers. `None` if there is
/// none, or if something else stands there.
pub fn text(json: &[u8], name: &str) -> Option<String> {
    let mut at = Walk { json, at: 0 };
    at.expect(b'{')?;
    let mut found = None;
    while at.peek()? == b'"' {
        let key = at.string()?;
        at.expect(b':')?;
        let value = if at.peek()? == b'"' {
            Some(at.string()?)
        } else {
            at.skip()?;
            None
        };
        if key == name.as_bytes() || key.contains(&b'\\') && unescape(key).as_deref() == Some(name) {
            found = value;
        }
        match at.peek()? {
            b',' => at.at += 1,
            _ => break,
        }
    }
    at.expect(b'}')?;
    unescape(found?)
}

/// A place in the bytes.
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.json.get(self.at)?, b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Over a value that is no string.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// The string that begins here, as it is written; `None` if it has no end.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            end += plain_prefix(self.json.get(end..)?);
            match self.json.get(end)? {
                b'"' => break,
                _ => end += 2, // a backslash, and what it stands before
            }
        }
        self.at = end + 1;
        Some(&self.json[start..end])
    }
}

fn unescape(raw: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = std::str::from_utf8(raw).ok()?;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        text.push(match escape {
            b'"' | b'\\' | b'/' => char::from(*escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex(&mut rest)?;
                match high {
                    0xd800..0xdc00 => {
                        rest = rest.strip_prefix("\\u")?;
                        let low = hex(&mut rest)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?
                    }
                    _ => char::from_u32(high)?,
                }
            }
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

fn hex(rest: &mut &str) -> Option<u32> {
    let digits = rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    *rest = &rest[4..];
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let check = |json: &str, expected: Option<&str>| {
            assert_eq!(text(json.as_bytes(), "prompt").as_deref(), expected, "{json}");
        };
        check(r#"{"prompt":"/rate 5"}"#, Some("/rate 5"));
        check(r#" { "a" : [1, {"prompt": "inner"}, "}"] , "prompt" : "x" } "#, Some("x"));
        check(r#"{"prompt":"a","prompt":"b"}"#, Some("b"));
        check(r#"{"prompt":"a","prompt":7}"#, None);
        check(r#"{"prompt":null,"b":true}"#, None);
        check(r#"{"prompt":{"prompt":"inner"}}"#, None);
        check(r#"{"prompt":""}"#, Some(""));
        check(r#"{"prompt":"a\"b\\c\/\n\tä\u00e4\ud83d\ude00😀"}"#, Some("a\"b\\c/\n\tää😀😀"));
        for broken in [
            r#"{"prompt":"\ud83d"}"#,
            r#"{"prompt":"\ude00"}"#,
            r#"{"prompt":"\ud83dx"}"#,
            r#"{"prompt":"\ud83d\u0041"}"#,
            r#"{"prompt":"\u12"}"#,
            r#"{"prompt":"\u+123"}"#,
            r#"{"prompt":"\x"}"#,
            r#"{"prompt":"x"#,
            r#"{"prompt":"x""#,
            r#"{"prompt":"x\"#,
            r#"{"prompt" "x"}"#,
            r#"["prompt","x"]"#,
            r#""prompt""#,
            "",
            "{}",
        ] {
            check(broken, None);
        }
        assert_eq!(text(b"{\"prompt\":\"\xff\"}", "prompt"), None);
    }
}
