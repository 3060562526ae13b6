//! Bytes that pass a veil piece by piece: a secret may lie over the border of two pieces, so as much is held back as belongs
//! together, of a transcript a line, of any other file all of it.

use super::{Bytes, Veil};

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Passing {
    veil: Veil,
    of: Bytes,
    held: Vec<u8>,
    /// Secrets that were hidden so far.
    pub(crate) hidden: usize,
}

impl Passing {
    /// A file of this name.
    pub(crate) fn new(veil: &Veil, name: &str) -> Self {
        let of = if name.ends_with(".jsonl") { Bytes::Json } else { Bytes::Text };
        Self { veil: veil.clone(), of, held: Vec::new(), hidden: 0 }
    }

    /// Takes a piece, and gives what may go on.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        if !self.veil.is_drawn() {
            return piece.to_vec();
        }
        let whole = match self.of {
            Bytes::Json => piece.iter().rposition(|byte| *byte == b'\n').map(|at| self.held.len() + at + 1),
            Bytes::Value | Bytes::Text => None,
        };
        self.held.extend_from_slice(piece);
        let Some(whole) = whole else { return Vec::new() };
        let rest = self.held.split_off(whole);
        let lines = std::mem::replace(&mut self.held, rest);
        self.let_pass(&lines)
    }

    /// Gives the rest.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held);
        self.let_pass(&rest)
    }

    fn let_pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(bytes.len());
        let lines: Vec<&[u8]> = match self.of {
            Bytes::Json => bytes.split_inclusive(|byte| *byte == b'\n').collect(),
            Bytes::Value | Bytes::Text => vec![bytes],
        };
        for line in lines {
            let (line, hidden) = self.veil.blanked(line.to_vec(), self.of);
            self.hidden += hidden;
            passed.extend(line);
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redact::Rules;
    use std::sync::Arc;

    /// Wherever a file is cut to pieces, it comes out the same.
    #[test]
    fn a_secret_over_a_border_is_hidden() {
        let key = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6");
        let hidden = "*".repeat(key.len());
        let veil = Veil::of(Some(Arc::new(Rules::with(&[], &[]).unwrap())));
        for (name, text) in [("a.jsonl", "{\"a\":\"$\"}\n\n{\"b\":\"x $ y\"}\n{\"c\":\"$"), ("a.txt", "a $\n$\nb $")] {
            let (file, expected) = (text.replace('$', &key), text.replace('$', &hidden));
            for border in 0..=file.len() {
                let mut passing = Passing::new(&veil, name);
                let (first, second) = file.as_bytes().split_at(border);
                let passed = [passing.take(first), passing.take(second), passing.end()].concat();
                assert_eq!(String::from_utf8_lossy(&passed), expected, "{name} {border}");
                assert_eq!(passing.hidden, 3);
            }
            let mut passing = Passing::new(&Veil::default(), name);
            assert_eq!([passing.take(file.as_bytes()), passing.end()].concat(), file.as_bytes());
        }
    }
}
