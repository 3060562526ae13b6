//! The pictures of a conversation: those that a person showed with the prompt, and those that tools gave back. Texts hold
//! placeholders for them (media.rs); here are their bytes, from the same places of the ground.

use rusqlite::{Connection, Row};
use serde_json::Value;

use super::conversation::{span, survivor};
use super::json::mend;
use super::raw::line_at;
use super::span::LastChunk;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span, SpanSource};

/// A picture, known by its place in the order of all pictures of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Where it was shown.
    pub place: PicturePlace,
    /// What it is said to be: `image/png`.
    pub media_type: Option<String>,
    /// Its bytes, in base64 as they were captured.
    pub base64: String,
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

/// All of them, in order. What is damaged or was forgotten has none.
pub(super) fn of(conn: &Connection, id: ConversationId) -> Result<Vec<Picture>, Error> {
    let id = survivor(conn, id)?;
    let mut found = Vec::new();
    for prompt in spans(conn, PROMPTS, id)?.into_iter().flatten() {
        // The text of a prompt is one part of its line; the pictures are its neighbours.
        if let SpanSource::Transcript(transcript) = prompt.source {
            let line = line_at(conn, transcript, prompt.offset)?;
            collect(&line, |line| line.get("message")?.get("content"), PicturePlace::Prompt, &mut found);
        }
    }
    let chunk = LastChunk::default();
    for (call, output) in spans(conn, OUTPUTS, id)?.into_iter().enumerate() {
        if let Some(bytes) = output.map(|output| chunk.bytes(conn, output)).transpose()?.flatten() {
            collect(&bytes, |blocks| Some(blocks), PicturePlace::Call(call), &mut found);
        }
    }
    Ok(found)
}

fn spans(conn: &Connection, sql: &str, id: ConversationId) -> Result<Vec<Option<Span>>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let rows = query.query_map([id.0], |row: &Row<'_>| span(row, 0)).op("list places of pictures")?;
    rows.collect::<Result<_, _>>().op("list places of pictures")
}

/// Adds the pictures of the content blocks that `content` finds.
fn collect(json: &[u8], content: impl Fn(&Value) -> Option<&Value>, place: PicturePlace, found: &mut Vec<Picture>) {
    // Most values hold none, and need not be taken apart.
    if memchr::memmem::find(json, b"\"image\"").is_none() {
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&mend(json)) else { return };
    for block in content(&value).and_then(Value::as_array).into_iter().flatten() {
        let source = &block["source"];
        if block["type"] == "image"
            && let Some(data) = source["data"].as_str()
        {
            let media_type = source["media_type"].as_str().map(str::to_owned);
            found.push(Picture { place, media_type, base64: data.to_owned() });
        }
    }
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
        let given = format!(r#"{{"message":[{}]}}"#, image("CCCC"));
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
            place(&format!("[{}]", image("CCCC"))),
            id = id.0,
        ));
        for id in [id, ConversationId(77)] {
            let found = store.reader().pictures(id).unwrap();
            let found: Vec<_> = found.iter().map(|picture| (picture.place, &*picture.base64)).collect();
            let expected =
                [(PicturePlace::Prompt, "AAAA"), (PicturePlace::Prompt, "BBBB"), (PicturePlace::Call(1), "CCCC")];
            assert_eq!(found, expected);
        }
        assert_eq!(store.reader().pictures(ConversationId(999)).unwrap(), []);
    }
}
