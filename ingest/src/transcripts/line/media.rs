//! Images and documents of a line: what they are and how large, never their bytes.

use store::json::Object;

/// An image or a document, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) kind: MediaKind,
    pub(crate) media_type: Option<String>,
    /// How many bytes it has, where they stand in the line.
    pub(crate) bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Image,
    Document,
}

/// What a content block says of it.
pub(super) fn of(block: &Object<'_>, kind: MediaKind) -> Media {
    let source = block.object("source");
    let field = |name| source.as_ref().and_then(|source| source.text(name));
    let is_base64 = field("type").as_deref() == Some("base64");
    let data = source.as_ref().and_then(|source| source.get("data")).filter(|_| is_base64);
    Media { kind, media_type: field("media_type"), bytes: data.map(|data| decoded_size(data.get())) }
}

/// How many bytes a JSON string of base64 stands for, told from its length.
fn decoded_size(json: &str) -> u64 {
    let escapes = json.bytes().filter(|byte| *byte == b'\\').count(); // of slashes
    let text = json.trim_matches('"');
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    ((text.len() - escapes - padding) as u64) * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_documents_have_a_size() {
        let check = |source: &str, expected: (Option<&str>, Option<u64>)| {
            let json = format!(r#"{{"type":"image","source":{source}}}"#);
            let media = of(&Object::parse(&json).unwrap(), MediaKind::Image);
            assert_eq!((media.media_type.as_deref(), media.bytes), expected, "{source}");
        };
        let png = Some("image/png");
        check(r#"{"type":"base64","media_type":"image/png","data":"aGVsbG8="}"#, (png, Some(5)));
        check(r#"{"type":"base64","media_type":"image/png","data":"aGVsbA=="}"#, (png, Some(4)));
        check(r#"{"type":"base64","media_type":"image/png","data":"aGVsbG8h"}"#, (png, Some(6)));
        check(r#"{"type":"base64","media_type":"image/png","data":"\/\/\/\/"}"#, (png, Some(3)));
        check(r#"{"type":"base64","data":""}"#, (None, Some(0)));
        check(r#"{"type":"url","url":"https://example.com/x.png"}"#, (None, None));
        check("7", (None, None));
    }
}
