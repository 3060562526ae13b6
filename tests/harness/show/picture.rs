//! A small PNG: a chart as a person would paste it. Stored without compression, which every reader of PNG takes.

/// Bars of these heights in percent, as base64.
pub(crate) fn bars(heights: &[usize]) -> String {
    let (bar, high) = (26, 150);
    let wide = heights.len() * bar + 6;
    let mut rows = Vec::new();
    for y in 0..high {
        rows.push(0); // no filter
        for x in 0..wide {
            let inside = x % bar > 5 && heights.get(x / bar).is_some_and(|percent| (high - y) * 100 < percent * high);
            rows.extend(if inside { [0x3b, 0x6e, 0xa8] } else { [0xf4, 0xf4, 0xf2] });
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = |n: usize| u32::try_from(n).expect("a small picture").to_be_bytes();
    chunk(&mut png, b"IHDR", &[&size(wide)[..], &size(high), &[8, 2, 0, 0, 0]].concat());
    chunk(&mut png, b"IDAT", &stored(&rows));
    chunk(&mut png, b"IEND", b"");
    base64(&png)
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).expect("a small chunk").to_be_bytes());
    let from = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = png[from..].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    png.extend((!sum).to_be_bytes());
}

/// A zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let pieces = data.chunks(60_000).count();
    for (nth, piece) in data.chunks(60_000).enumerate() {
        let length = u16::try_from(piece.len()).expect("a piece");
        out.push(u8::from(nth + 1 == pieces));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(piece);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            text.push(if at <= three.len() { SIGNS[bits >> (18 - 6 * at) & 63].into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: &str) {
        assert_eq!(base64(bytes.as_bytes()), expected, "{bytes}");
    }

    #[test]
    fn texts_of_base64() {
        check("", "");
        check("h", "aA==");
        check("hi", "aGk=");
        check("hi!", "aGkh");
        check("hi!~~?", "aGkhfn4/");
    }

    #[test]
    fn sums() {
        let mut png = Vec::new();
        chunk(&mut png, b"IEND", b"");
        assert_eq!(png, b"\0\0\0\0IEND\xae\x42\x60\x82");
        assert_eq!(stored(b"a")[8..], [0x00, 0x62, 0x00, 0x62]);
    }
}
