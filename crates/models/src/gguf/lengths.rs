//! Walks a header before it is read in earnest: a file says its own lengths, and one that lies must not make us reserve memory
//! for what it does not have.

use std::io::{self, BufReader, ErrorKind, Read, Seek};

/// Arrays within arrays deeper than this are nobody's model.
const DEEPEST: u32 = 4;
/// Dimensions of a tensor that are believed.
const MOST_DIMENSIONS: u64 = 8;

/// What is left of a file.
struct Walk<R> {
    reader: BufReader<R>,
    left: u64,
    version: u32,
}

/// Checks that every length in the header fits into the file of `bytes`.
pub(super) fn check_lengths(reader: impl Read + Seek, bytes: u64) -> io::Result<()> {
    let mut walk = Walk { reader: BufReader::new(reader), left: bytes, version: 0 };
    if &walk.take::<4>()? != b"GGUF" {
        return Err(wrong("no GGUF file"));
    }
    walk.version = u32::from_le_bytes(walk.take()?);
    let (tensors, values) = (walk.length()?, walk.length()?);
    for _ in 0..values {
        walk.text()?;
        let kind = u32::from_le_bytes(walk.take()?);
        walk.value(kind, 0)?;
    }
    (0..tensors).try_for_each(|_| walk.tensor())
}

impl<R: Read + Seek> Walk<R> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.left = self.left.checked_sub(N as u64).ok_or_else(|| wrong("the header ends early"))?;
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| wrong("a length goes beyond the file"))?;
        self.reader.seek_relative(i64::try_from(bytes).map_err(|_| wrong("a length goes beyond the file"))?)
    }

    /// A count; the first version had shorter ones.
    fn length(&mut self) -> io::Result<u64> {
        if self.version == 1 {
            self.take().map(u32::from_le_bytes).map(u64::from)
        } else {
            self.take().map(u64::from_le_bytes)
        }
    }

    fn text(&mut self) -> io::Result<()> {
        let length = self.length()?;
        self.skip(length)
    }

    fn value(&mut self, kind: u32, depth: u32) -> io::Result<()> {
        match kind {
            8 => self.text(),
            9 if depth < DEEPEST => self.array(depth),
            _ => self.skip(width(kind)?),
        }
    }

    fn array(&mut self, depth: u32) -> io::Result<()> {
        let kind = u32::from_le_bytes(self.take()?);
        let count = self.length()?;
        if count > self.left {
            return Err(wrong("an array goes beyond the file"));
        }
        match kind {
            8 | 9 => (0..count).try_for_each(|_| self.value(kind, depth + 1)),
            _ => self.skip(count.checked_mul(width(kind)?).ok_or_else(|| wrong("an array goes beyond the file"))?),
        }
    }

    fn tensor(&mut self) -> io::Result<()> {
        self.text()?;
        let dimensions = u64::from(u32::from_le_bytes(self.take()?));
        if dimensions > MOST_DIMENSIONS {
            return Err(wrong("a tensor has too many dimensions"));
        }
        let mut elements = 1_u64;
        for _ in 0..dimensions {
            let width = self.length()?;
            elements = elements
                .checked_mul(width)
                .filter(|count| *count < 1 << 56)
                .ok_or_else(|| wrong("a tensor is too large"))?;
        }
        self.skip(4 + 8)
    }
}

/// Bytes of a value that is neither text nor array.
fn width(kind: u32) -> io::Result<u64> {
    Ok(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return Err(wrong("a value of an unknown kind")),
    })
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
