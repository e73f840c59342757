//! A text in windows, as llama.cpp's `llama-perplexity --kl-divergence` cuts it, so that the figures can be compared:
//!
//! - the tokens of the whole text, with the token that begins a text in front where the model adds one;
//! - windows of 512 of them, one behind the other; what is left over at the end is not scored;
//! - the first token of each window is replaced by the one that begins a text, where the model adds one;
//! - tokens 257 to 511 of a window, counted from 0, are scored: each has at least 257 before it.

use cortensor_protocol::TokenId;

/// Tokens of a window.
pub(super) const WINDOW: usize = 512;
/// The first row that is scored: it says what comes behind half a window.
pub(super) const FIRST: usize = WINDOW / 2;
/// Rows scored of a window. The last row has nothing behind it to be held against.
pub(super) const SCORED: usize = WINDOW - 1 - FIRST;
/// Windows of the longest text: a million tokens.
const MOST: usize = 2048;

/// The windows of a text.
pub(super) struct Windows {
    tokens: Vec<TokenId>,
    begin: Option<TokenId>,
    count: usize,
}

/// Why a text has no windows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text has {tokens} tokens, and a window takes {window}; choose a longer text", window = WINDOW)]
pub(super) struct TooShort {
    tokens: usize,
}

impl Windows {
    /// Of the tokens of a text, and what the model puts before a text, if anything.
    pub(super) fn new(tokens: Vec<TokenId>, begin: Option<TokenId>, most: Option<u32>) -> Result<Self, TooShort> {
        let most = most.map_or(MOST, |most| (most.max(1) as usize).min(MOST));
        let count = (tokens.len() / WINDOW).min(most);
        if count == 0 {
            return Err(TooShort { tokens: tokens.len() });
        }
        Ok(Self { tokens, begin, count })
    }

    /// Windows there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Tokens of the whole text.
    pub(super) fn text_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is more text than is scored.
    pub(super) fn is_cut(&self) -> bool {
        self.tokens.len() / WINDOW > self.count
    }

    /// What the models are given of a window.
    pub(super) fn tokens(&self, window: usize) -> Vec<TokenId> {
        let mut tokens = self.of(window).to_vec();
        if let (Some(first), Some(begin)) = (tokens.first_mut(), self.begin) {
            *first = begin;
        }
        tokens
    }

    /// What is held against the scored rows of a window: each row's next token, and how many tokens are before that one.
    pub(super) fn targets(&self, window: usize) -> Vec<(TokenId, u32)> {
        (0..).zip(self.of(window)).skip(FIRST + 1).map(|(position, token)| (*token, position)).collect()
    }

    fn of(&self, window: usize) -> &[TokenId] {
        self.tokens.chunks_exact(WINDOW).nth(window).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tokens: u32) -> Vec<TokenId> {
        (0..tokens).collect()
    }

    #[test]
    fn windows_lie_one_behind_the_other_and_the_rest_is_left() {
        let windows = Windows::new(text(1300), None, None).unwrap();
        assert_eq!((windows.count(), windows.text_tokens(), windows.is_cut()), (2, 1300, false));
        assert_eq!((windows.tokens(1)[0], windows.tokens(1)[511]), (512, 1023));
        let targets = windows.targets(1);
        assert_eq!((targets.len(), targets[0], targets[254]), (SCORED, (512 + 257, 257), (1023, 511)));
    }

    #[test]
    fn what_begins_a_text_begins_every_window_and_is_never_a_target() {
        let windows = Windows::new(text(1024), Some(7), None).unwrap();
        for window in 0..2 {
            assert_eq!((windows.tokens(window)[0], windows.tokens(window)[1] % 512), (7, 1));
            assert!(windows.targets(window).iter().all(|(token, _)| *token != 7));
        }
    }

    #[test]
    fn a_text_without_a_whole_window_is_refused_and_a_limit_cuts() {
        assert_eq!(Windows::new(text(511), None, None).err(), Some(TooShort { tokens: 511 }));
        let windows = Windows::new(text(2000), None, Some(2)).unwrap();
        assert_eq!((windows.count(), windows.is_cut()), (2, true));
        assert_eq!(Windows::new(text(2000), None, Some(0)).unwrap().count(), 1);
    }
}
