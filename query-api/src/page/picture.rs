//! What a picture is, told by its own bytes: what it is said to be may be anything, and a browser is told our word.

/// A picture that a browser may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its media type.
    pub(crate) name: &'static str,
    /// Width and height in pixels, where its first bytes say so.
    pub(crate) size: Option<(u32, u32)>,
}

/// A picture of a conversation, before its bytes are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// In what a tool call gave back, counted from 0, or with the prompt.
    pub(crate) call: Option<usize>,
    /// `None`: a browser shows none of this kind.
    pub(crate) kind: Option<Kind>,
    /// How large it is.
    pub(crate) bytes: usize,
}

/// PNG, JPEG, GIF or WebP.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    let (name, size) = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', rest @ ..] => {
            ("image/png", rest.get(8..16).map(|size| (long(&size[..4]), long(&size[4..]))))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', rest @ ..] => {
            let size = |size: &[u8]| {
                (u32::from(size[0]) | u32::from(size[1]) << 8, u32::from(size[2]) | u32::from(size[3]) << 8)
            };
            ("image/gif", rest.get(..4).map(size))
        }
        [0xff, 0xd8, 0xff, ..] => ("image/jpeg", jpeg(&bytes[2..])),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("image/webp", None),
        _ => return None,
    };
    Some(Kind { name, size: size.filter(|(wide, high)| (1..=20_000).contains(wide) && (1..=20_000).contains(high)) })
}

fn long(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The size stands in the first frame's head, behind segments that are passed over.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        let &[0xff, mark, high, low, ..] = rest else { return None };
        if matches!(mark, 0xc0..=0xcf) && !matches!(mark, 0xc4 | 0xc8 | 0xcc) {
            let size = rest.get(5..9)?;
            return Some((long(&size[2..]), long(&size[..2])));
        }
        rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low])).max(2)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let check = |bytes: &[u8], expected: Option<(&str, Option<(u32, u32)>)>| {
            assert_eq!(kind(bytes).map(|kind| (kind.name, kind.size)), expected, "{bytes:?}");
        };
        check(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\0\x10", Some(("image/png", Some((256, 16)))));
        check(b"\x89PNG\r\n\x1a\n", Some(("image/png", None)));
        check(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x10", Some(("image/png", None)));
        check(b"GIF89a\x02\x01\x03\0", Some(("image/gif", Some((258, 3)))));
        check(b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x20\0\x40", Some(("image/jpeg", Some((64, 32)))));
        check(b"\xff\xd8\xff\xe0\0\0", Some(("image/jpeg", None)));
        check(b"RIFF\0\0\0\0WEBPVP8 ", Some(("image/webp", None)));
        for none in [&b""[..], b"<svg xmlns=", b"<html>", b"%PDF-1.7", b"GIF", b"RIFF\0\0\0\0WAVE"] {
            check(none, None);
        }
    }
}
