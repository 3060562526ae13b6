//! JSON as RFC 8259 has it, read by nothing but this file: what other readers are compared with. It keeps no value, only what a
//! text is and how deep it is nested, and it does not recurse.

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json {
    /// What the outermost value begins with.
    pub first: u8,
    /// Brackets within brackets.
    pub depth: usize,
    /// Behind the last byte of the value.
    pub end: usize,
}

/// What the bytes are, if they are one value with nothing but blanks around it.
pub fn json(bytes: &[u8]) -> Option<Json> {
    let mut at = Reader { bytes, at: 0 };
    at.blanks();
    let first = at.peek()?;
    let depth = at.value()?;
    let end = at.at;
    at.blanks();
    (at.at == bytes.len()).then_some(Json { first, depth, end })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// One value with all that is in it; gives how deep it is.
    fn value(&mut self) -> Option<usize> {
        let (mut open, mut deepest) = (Vec::new(), 0);
        loop {
            // A value begins here, or a container ends that has just begun.
            self.blanks();
            match self.peek()? {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    open.push(bracket);
                    deepest = deepest.max(open.len());
                    self.blanks();
                    // In ASCII both closing brackets stand two behind their opening ones.
                    if self.take(bracket + 2).is_none() {
                        if bracket == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                    open.pop();
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.word()?,
            }
            // Behind a value: a comma and the next one, or the end of what it stands in.
            loop {
                let Some(bracket) = open.last().copied() else { return Some(deepest) };
                self.blanks();
                if self.take(b',').is_some() {
                    if bracket == b'{' {
                        self.blanks();
                        self.key()?;
                    }
                    break;
                }
                self.take(bracket + 2)?;
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.blanks();
        self.take(b':')
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => return self.take(b'"'),
                b'\\' => {
                    self.at += 1;
                    match self.peek()? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                            self.at += 5;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()))?;
        self.at += word.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_rfc_has_it() {
        let good = [
            "{}",
            "[]",
            " [ ] ",
            "0",
            "-0.5e+7",
            "\"\"",
            "null",
            "[1,2]",
            "{\"a\":[{},\"\\u00e9\\n\"]}",
            "\"\\ud800\"",
            "[[[]],[]]",
            "{\"a\":1,\"a\":2}",
            "\t[true , false]\r\n",
        ];
        for text in good {
            assert!(json(text.as_bytes()).is_some(), "{text}");
        }
        let bad = [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "1e",
            "+1",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "tru",
            "nul",
            "[1 2]",
            "{a:1}",
            "[]]",
            "{}{}",
            "[}",
            "\u{feff}{}",
            "'a'",
            "{\"a\":1 \"b\":2}",
            "[,1]",
            "//",
            "NaN",
        ];
        for text in bad {
            assert_eq!(json(text.as_bytes()), None, "{text}");
        }
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert_eq!(json(deep.as_bytes()).map(|it| (it.first, it.depth)), Some((b'[', 200_000)));
        assert_eq!(json(b" {\"a\":[]} ").map(|it| (it.depth, it.end)), Some((2, 9)));
    }

    /// serde_json, which the product reads with, sees the same in every way to break a text by one byte.
    #[test]
    fn as_serde_sees_it() {
        let text = br#"{"a":[1,-2.5e3,"\u00e9\\",true,null],"b":{"c":""}} "#;
        let mut seen = [0, 0];
        for at in 0..text.len() {
            for byte in 0..=127 {
                let mut other = text.to_vec();
                other[at] = byte;
                let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&other).is_ok();
                assert_eq!(json(&other).is_some(), is_json, "{}", String::from_utf8_lossy(&other));
                seen[usize::from(is_json)] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n > 500), "{seen:?}");
    }
}
