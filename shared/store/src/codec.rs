//! How bytes lie in a row: as they are when small or dense, else packed by zstd, with its checksum: a bit that a disk flips
//! among packed letters would give back others, and of a transcript there is no other hash than that of its end.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// As they are.
const PLAIN: i64 = 0;
/// One zstd frame.
const ZSTD: i64 = 1;
/// Beyond it packing costs more than it saves.
const LEVEL: i32 = 3;
/// From so many bytes on,
const LARGE: usize = 64 * 1024;
/// this one: it takes a thirtieth off the chunks of transcripts, for 4 ns a byte instead of 2. The next ones take less off for more.
const LARGE_LEVEL: i32 = 5;
/// Below this a frame's header eats the gain.
const WORTH_IT: usize = 256;

/// Bytes ready for a row.
pub(crate) struct Packed<'a> {
    pub(crate) codec: i64,
    pub(crate) bytes: Cow<'a, [u8]>,
}

/// Packs `bytes` if that makes them smaller.
pub(crate) fn pack(bytes: &[u8]) -> Packed<'_> {
    if bytes.len() >= WORTH_IT
        && let Ok(frame) = compress(bytes)
        && frame.len() < bytes.len()
    {
        return Packed { codec: ZSTD, bytes: Cow::Owned(frame) };
    }
    Packed { codec: PLAIN, bytes: Cow::Borrowed(bytes) }
}

thread_local! {
    /// Making a context costs as much as packing 2 KiB, so each thread keeps one of each level.
    static COMPRESSORS: RefCell<[Option<Compressor<'static>>; 2]> = const { RefCell::new([None, None]) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSORS.with_borrow_mut(|[small, large]| {
        let (kept, level) = if bytes.len() < LARGE { (small, LEVEL) } else { (large, LARGE_LEVEL) };
        match kept {
            Some(compressor) => compressor.compress(bytes),
            None => {
                let mut compressor = Compressor::new(level)?;
                compressor.include_checksum(true)?;
                kept.insert(compressor).compress(bytes)
            }
        }
    })
}

fn decompress(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| match kept {
        Some(decompressor) => decompressor.decompress(bytes, size),
        None => kept.insert(Decompressor::new()?).decompress(bytes, size),
    })
}

/// Gives back what [`pack`] was given; `size` is its length.
pub(crate) fn unpack(codec: i64, bytes: Vec<u8>, size: usize) -> io::Result<Vec<u8>> {
    let unpacked = if codec == PLAIN { bytes } else { decompress(&bytes, size)? };
    if unpacked.len() == size {
        Ok(unpacked)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} bytes instead of {size}", unpacked.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], codec: i64) {
        let packed = pack(input);
        assert_eq!(packed.codec, codec, "{} bytes", input.len());
        assert_eq!(unpack(packed.codec, packed.bytes.into_owned(), input.len()).unwrap(), input);
    }

    #[test]
    fn round_trips() {
        check(b"", PLAIN);
        check(b"{}", PLAIN);
        check(&vec![b'a'; 300_000], ZSTD);
        let dense: Vec<u8> = blake3::Hasher::new().finalize_xof().by_ref_bytes(4096);
        check(&dense, PLAIN);
    }

    trait Bytes {
        fn by_ref_bytes(self, n: usize) -> Vec<u8>;
    }

    impl Bytes for blake3::OutputReader {
        fn by_ref_bytes(mut self, n: usize) -> Vec<u8> {
            let mut bytes = vec![0; n];
            self.fill(&mut bytes);
            bytes
        }
    }

    /// A flipped bit in the middle of a transcript was given back as another letter, and nothing told of it.
    #[test]
    fn a_flipped_bit_gives_back_no_other_bytes() {
        let text: String = (0..300).map(|n| format!("{n} bottles of {} on the wall\n", n * 7919 % 1000)).collect();
        let packed = pack(text.as_bytes());
        assert_eq!(packed.codec, ZSTD);
        for bit in 0..packed.bytes.len() * 8 {
            let mut bytes = packed.bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let unpacked = unpack(ZSTD, bytes, text.len());
            assert!(unpacked.is_err() || unpacked.is_ok_and(|it| it == text.as_bytes()), "bit {bit}");
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert!(unpack(ZSTD, b"no frame".to_vec(), 8).is_err());
        assert!(unpack(PLAIN, b"short".to_vec(), 8).is_err());
    }
}
