//! The bytes behind each token, and text from tokens as they come.

use std::{collections::HashMap, sync::Arc};

use cortensor_protocol::TokenId;

/// The bytes of every token.
#[derive(Debug)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, Default)]
struct Piece {
    bytes: Box<[u8]>,
    special: bool,
}

impl Pieces {
    pub(super) fn new(tokenizer: &tokenizers::Tokenizer) -> Self {
        let letters = byte_letters();
        let added = tokenizer.get_added_tokens_decoder();
        let mut pieces = Vec::new();
        for (token, id) in tokenizer.get_vocab(true) {
            let index = id as usize;
            if pieces.len() <= index {
                pieces.resize(index + 1, Piece::default());
            }
            pieces[index] = match added.get(&id) {
                Some(added) => Piece { bytes: added.content.as_bytes().into(), special: added.special },
                None => Piece { bytes: bytes_of(&token, &letters), special: false },
            };
        }
        Self { pieces }
    }

    /// Number of tokens.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.pieces.len()).unwrap_or(u32::MAX)
    }

    /// A token for people to read.
    pub(super) fn shown(&self, id: TokenId) -> String {
        self.get(id).map_or_else(String::new, |piece| String::from_utf8_lossy(&piece.bytes).into_owned())
    }

    fn get(&self, id: TokenId) -> Option<&Piece> {
        self.pieces.get(id as usize)
    }
}

/// Turns the tokens of one answer into text, as they come.
#[derive(Debug)]
pub struct TextDecoder {
    pieces: Arc<Pieces>,
    pending: Vec<u8>,
}

impl TextDecoder {
    pub(super) fn new(pieces: Arc<Pieces>) -> Self {
        Self { pieces, pending: Vec::new() }
    }

    /// The text that is complete with this token: empty while a character is not, and for special tokens.
    pub fn push(&mut self, id: TokenId) -> String {
        let Some(piece) = self.pieces.get(id).filter(|piece| !piece.special) else { return String::new() };
        self.pending.extend_from_slice(&piece.bytes);
        let complete = self.pending.len() - incomplete_tail(&self.pending);
        let text = String::from_utf8_lossy(&self.pending[..complete]).into_owned();
        self.pending.drain(..complete);
        text
    }

    /// What is left at the end: `�` for a character that was never completed, otherwise nothing.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Bytes at the end that may become a character with those to come.
fn incomplete_tail(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map_or(&[] as &[u8], |chunk| chunk.invalid());
    let may_go_on = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    if may_go_on { last.len() } else { 0 }
}

/// The letter that stands for each byte in the vocabulary of a byte-level tokenizer: printable Latin-1 for itself, the others
/// in order from U+0100.
fn byte_letters() -> HashMap<char, u8> {
    let mut replaced = 0x100..;
    (0..=u8::MAX)
        .filter_map(|byte| {
            let printable = matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
            let letter = if printable { char::from(byte) } else { char::from_u32(replaced.next()?)? };
            Some((letter, byte))
        })
        .collect()
}

fn bytes_of(token: &str, letters: &HashMap<char, u8>) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(token.len());
    for letter in token.chars() {
        match letters.get(&letter) {
            Some(byte) => bytes.push(*byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(pieces: &[&[u8]]) -> TextDecoder {
        let piece = |bytes: &&[u8]| Piece { bytes: (*bytes).into(), special: *bytes == b"<end>" };
        TextDecoder::new(Arc::new(Pieces { pieces: pieces.iter().map(piece).collect() }))
    }

    #[test]
    fn every_byte_has_its_own_letter() {
        let letters = byte_letters();
        assert_eq!(letters.len(), 256);
        assert_eq!((letters[&'Ġ'], letters[&'Ċ'], letters[&'a']), (b' ', b'\n', b'a'));
    }

    #[test]
    fn a_character_comes_when_it_is_complete() {
        let mut decoder = decoder(&[b"a\xF0", b"\x9F\x8D", b"\x8B!", b"<end>"]);
        let texts: Vec<_> = [0, 1, 3, 2, 99].into_iter().map(|id| decoder.push(id)).collect();
        assert_eq!(texts, ["a", "", "", "🍋!", ""]);
        assert_eq!(decoder.finish(), "");
    }

    #[test]
    fn bytes_that_are_no_character_are_shown_as_such() {
        let mut decoder = decoder(&[b"\xFFa", b"\xE2\x82", b"b"]);
        assert_eq!(decoder.push(0), "\u{FFFD}a");
        assert_eq!(decoder.push(1), "");
        assert_eq!(decoder.push(2), "\u{FFFD}b");
        assert_eq!(decoder.push(1), "");
        assert_eq!(decoder.finish(), "\u{FFFD}");
        assert_eq!(decoder.finish(), "");
    }
}
