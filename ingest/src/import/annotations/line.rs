//! One line of an exported jsonl: the fields that tell what people said, without the rest, whatever its length.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Fault;

/// Kept of a line. Everything else is the conversation itself.
const KEPT: [&str; 18] = [
    "type",
    "version",
    "id",
    "origin",
    "created_ms",
    "removed_ms",
    "keys",
    "session_id",
    "ratings",
    "tags",
    "notes",
    "stars",
    "members",
    "user_session_id",
    "title",
    "name",
    "query",
    "from",
];

/// What was kept.
#[derive(Debug)]
pub(super) struct Line(pub(super) Map<String, Value>);

impl Line {
    /// Reads to the end of the line; `None` for an empty one. Beside it, the bytes that were read.
    pub(super) fn read(reader: &mut impl BufRead) -> Result<(Option<Self>, u64), Fault> {
        let mut line = ToNewline { reader, bytes: 0, is_over: false, is_blank: true };
        let found = parse(&mut line);
        // To the end, also behind something that cannot be read.
        let rest = io::copy(&mut line, &mut io::sink()).map_err(Fault::Read);
        let (bytes, is_blank) = (line.bytes, line.is_blank);
        rest?;
        Ok((if is_blank { None } else { Some(found?) }, bytes))
    }
}

fn parse(line: &mut impl Read) -> Result<Line, Fault> {
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(line));
    // The parser's own words may hold a value; a prompt must not come into an error text.
    let say = |error: &serde_json::Error| match error.classify() {
        serde_json::error::Category::Io => {
            Fault::Read(io::Error::from(error.io_error_kind().unwrap_or(io::ErrorKind::Other)))
        }
        serde_json::error::Category::Eof => Fault::Bad("the line ends in the middle of its object".to_owned()),
        _ => Fault::Bad(format!("expected one JSON object, found something else at byte {}", error.column())),
    };
    match Line::deserialize(&mut json) {
        Ok(found) => json.end().map(|()| found).map_err(|error| say(&error)),
        Err(error) => Err(say(&error)),
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Line;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut kept = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    if KEPT.contains(&name.as_str()) {
                        kept.insert(name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Line(kept))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Ends at a newline, which is taken and not given.
struct ToNewline<'r, R> {
    reader: &'r mut R,
    bytes: u64,
    is_over: bool,
    is_blank: bool,
}

impl<R: BufRead> Read for ToNewline<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        let from = self.reader.fill_buf()?;
        let length = from.len().min(into.len());
        let newline = from[..length].iter().position(|byte| *byte == b'\n');
        self.is_over = newline.is_some() || from.is_empty();
        let length = newline.unwrap_or(length);
        into[..length].copy_from_slice(&from[..length]);
        self.is_blank &= into[..length].trim_ascii().is_empty();
        let taken = length + usize::from(newline.is_some());
        self.reader.consume(taken);
        self.bytes += taken as u64;
        Ok(length)
    }
}
