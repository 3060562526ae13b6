//! The pictures of a conversation: those that a person showed with the prompt, and those that tools gave back. Texts hold
//! placeholders for them (media.rs); here are their bytes, from the same places of the ground. They may be many and large, so
//! values are read one after the other, are not taken apart further than to their pictures, and only what is asked for is kept.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rusqlite::{Connection, Row};
use serde_json::value::RawValue;

use super::conversation::{span, survivor};
use super::json::mend;
use super::raw::line_at;
use super::span::LastChunk;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span, SpanSource};

/// Digits of base64 in which a picture says what it is.
const HEAD: usize = 4_096;

/// A picture, without most of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Where it was shown.
    pub place: PicturePlace,
    /// What it is said to be: `image/png`.
    pub media_type: Option<String>,
    /// Its first bytes, in base64 as they were captured.
    pub head: String,
    /// Of how many digits of base64 that is the beginning.
    pub digits: usize,
}

/// Where a picture was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PicturePlace {
    /// With the prompt.
    Prompt,
    /// In what this tool call gave back, counted from 0.
    Call(usize),
}

const PROMPTS: &str = "
    select source, source_id, source_offset, source_length
      from blocks where conversation_id = ?1 and kind = 'prompt' order by seq";

const OUTPUTS: &str = "
    select output_source, output_source_id, output_offset, output_length
      from tool_calls where conversation_id = ?1 order by seq";

/// All of them in order, or those of one call. What is damaged or was forgotten has none.
pub(super) fn of(conn: &Connection, id: ConversationId, call: Option<usize>) -> Result<Vec<Picture>, Error> {
    let mut found = Vec::new();
    each(conn, id, call, |place, media_type, data| {
        let head = data.get(..HEAD).unwrap_or(data).to_owned();
        found.push(Picture { place, media_type, head, digits: data.trim_end_matches('=').len() });
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// All bytes of the `n`th of them, or of those of one call, in base64. What comes after it is not read.
pub(super) fn bytes(
    conn: &Connection,
    id: ConversationId,
    call: Option<usize>,
    n: usize,
) -> Result<Option<String>, Error> {
    let (mut found, mut before) = (None, 0);
    each(conn, id, call, |_, _, data| {
        if before == n {
            found = Some(data.to_owned());
            return ControlFlow::Break(());
        }
        before += 1;
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Shows `see` one after the other, with its place, its type and its digits, until it has seen enough.
fn each(
    conn: &Connection,
    id: ConversationId,
    only: Option<usize>,
    mut see: impl FnMut(PicturePlace, Option<String>, &str) -> ControlFlow<()>,
) -> Result<(), Error> {
    let id = survivor(conn, id)?;
    let prompts = if only.is_none() { spans(conn, PROMPTS, id)? } else { Vec::new() };
    for prompt in prompts.into_iter().flatten() {
        // The text of a prompt is one part of its line; the pictures are its neighbours.
        if let SpanSource::Transcript(transcript) = prompt.source {
            let line = line_at(conn, transcript, prompt.offset)?;
            if pictures(&line, true, |kind, data| see(PicturePlace::Prompt, kind, data)).is_break() {
                return Ok(());
            }
        }
    }
    let chunk = LastChunk::default();
    let outputs = spans(conn, OUTPUTS, id)?.into_iter().enumerate();
    for (call, output) in outputs.filter(|(call, _)| only.is_none_or(|only| only == *call)) {
        if let Some(bytes) = output.map(|output| chunk.bytes(conn, output)).transpose()?.flatten()
            && pictures(&bytes, false, |kind, data| see(PicturePlace::Call(call), kind, data)).is_break()
        {
            break;
        }
    }
    Ok(())
}

fn spans(conn: &Connection, sql: &str, id: ConversationId) -> Result<Vec<Option<Span>>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let rows = query.query_map([id.0], |row: &Row<'_>| span(row, 0)).op("list places of pictures")?;
    rows.collect::<Result<_, _>>().op("list places of pictures")
}

/// The fields of an object, not taken apart.
fn fields(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

/// Shows `see` the pictures among content blocks: those of a line, or the value itself.
fn pictures(
    json: &[u8],
    is_line: bool,
    mut see: impl FnMut(Option<String>, &str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // Most values hold none, and need not be taken apart.
    if memchr::memmem::find(json, b"\"image\"").is_none() {
        return ControlFlow::Continue(());
    }
    let mended = mend(json);
    let blocks = || {
        let json = std::str::from_utf8(&mended).ok()?;
        let content = match is_line {
            true => fields(fields(json)?.get("message")?.get())?.get("content")?.get(),
            false => json,
        };
        serde_json::from_str::<Vec<&RawValue>>(content).ok()
    };
    for block in blocks().unwrap_or_default() {
        let Some(block) = fields(block.get()) else { continue };
        let text = |value: Option<&&RawValue>| serde_json::from_str::<String>(value?.get()).ok();
        if text(block.get("type")).as_deref() == Some("image")
            && let Some(source) = block.get("source").and_then(|source| fields(source.get()))
            && let Some(data) = source.get("data").and_then(|data| data.get().strip_prefix('"')?.strip_suffix('"'))
        {
            let media_type = text(source.get("media_type"));
            match data.contains('\\') {
                true => see(media_type, &text(source.get("data")).unwrap_or_default())?,
                false => see(media_type, data)?,
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{Store, turn};

    #[test]
    fn pictures_of_prompts_and_of_tools() {
        let store = Store::new();
        let image = |data: &str| format!(r#"{{"type":"image","source":{{"media_type":"image/png","data":"{data}"}}}}"#);
        let asked = format!(r#"{{"message":{{"content":[{{"text":"ask"}},{},{}]}}}}"#, image("AAAA"), image("BBBB"));
        let given = format!(r#"{{"message":[{}]}}"#, image(r"CC\n=="));
        let text = format!("{{}}\n{asked}\n{given}\n");
        let file = SpanSource::Transcript(store.transcript(text.as_bytes()));
        let place = |part: &str| {
            let offset = text.find(part).unwrap() as u64;
            let (source, id, offset, length) = Span { source: file, offset, length: part.len() as u32 }.columns();
            format!("{source}, {id}, {offset}, {length}")
        };
        let id = store.turn(&turn("s", 1000, "ask"));
        store.say(&format!(
            "delete from blocks;
             insert into blocks (conversation_id, seq, kind, at_ms, tool_use_id, source, source_id, source_offset, source_length)
             values ({id}, 0, 'prompt', 0, null, {});
             insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     output_source, output_source_id, output_offset, output_length)
             values ({id}, 0, 'a', 'Bash', 0, 0, 1, 0, 0, null, null, null, null), ({id}, 1, 'b', 'Read', 0, 0, 1, 0, 0, {});
             insert into conversation_ids (id, created_ms) values (77, 0);
             insert into aliases values (77, {id});",
            place("\"ask\""),
            place(&format!("[{}]", image(r"CC\n=="))),
            id = id.0,
        ));
        for id in [id, ConversationId(77)] {
            let found = store.reader().pictures(id, None).unwrap();
            let found: Vec<_> = found.iter().map(|picture| (picture.place, &*picture.head, picture.digits)).collect();
            let expected = [
                (PicturePlace::Prompt, "AAAA", 4),
                (PicturePlace::Prompt, "BBBB", 4),
                (PicturePlace::Call(1), "CC\n==", 3),
            ];
            assert_eq!(found, expected);
            let bytes = |call, n| store.reader().picture(id, call, n).unwrap();
            let all = [0, 1, 2, 3].map(|n| bytes(None, n));
            assert_eq!(all.each_ref().map(Option::as_deref), [Some("AAAA"), Some("BBBB"), Some("CC\n=="), None]);
            assert_eq!([bytes(Some(1), 0).as_deref(), bytes(Some(1), 1).as_deref()], [Some("CC\n=="), None]);
            assert_eq!([bytes(Some(0), 0), bytes(Some(9), 0)], [None, None]);
            assert_eq!(store.reader().pictures(id, Some(1)).unwrap().len(), 1);
        }
        assert_eq!(store.reader().pictures(ConversationId(999), None).unwrap(), []);
    }

    /// What is no picture hides none.
    #[test]
    fn odd_blocks() {
        let check = |json: &str, expected: &[&str]| {
            let mut found = Vec::new();
            let end = pictures(json.as_bytes(), false, |_, data| {
                found.push(data.to_owned());
                ControlFlow::Continue(())
            });
            assert_eq!(
                (found, end),
                (expected.iter().map(|&data| data.to_owned()).collect(), ControlFlow::Continue(())),
                "{json}"
            );
        };
        let image = r#"{"type":"image","source":{"data":"AA"}}"#;
        check(&format!("[{image}, 1, null, [], {{\"type\": 7}}, {image}]"), &["AA", "AA"]);
        check(r#"[{"type":"image","source":"x"},{"type":"image"},{"type":"image","source":{"data":5}}]"#, &[]);
        check(r#"{"type":"image","source":{"data":"AA"}}"#, &[]);
        check("[\"image\"", &[]);
    }
}
