//! The text of an answer on its way out: stop texts are found before any part of them was shown.

use cortensor_protocol::StreamedToken;

/// Holds tokens back while their text may still become a stop text, or is an incomplete character.
pub(crate) struct Answer {
    stop: Vec<String>,
    held: Vec<StreamedToken>,
}

/// What a token brought.
#[derive(Debug, PartialEq)]
pub(crate) enum Shown {
    /// These can be shown.
    Tokens(Vec<StreamedToken>),
    /// A stop text came: these are the last, the last one cut where the stop text begins.
    Stopped(Vec<StreamedToken>),
}

impl Answer {
    /// An answer that ends before any of the texts in `stop`.
    pub(crate) fn new(mut stop: Vec<String>) -> Self {
        stop.retain(|text| !text.is_empty());
        Self { stop, held: Vec::new() }
    }

    /// Adds a token.
    pub(crate) fn push(&mut self, token: StreamedToken) -> Shown {
        let incomplete = token.text.is_empty();
        self.held.push(token);
        let text = self.held_text();
        if let Some(end) = self.stop_in(&text) {
            return Shown::Stopped(self.cut(end));
        }
        if incomplete {
            return Shown::Tokens(Vec::new());
        }
        Shown::Tokens(self.release(text.len() - self.beginning_of_stop(&text)))
    }

    /// The end: everything held back, and `rest`, the text of bytes that never became a character.
    pub(crate) fn finish(&mut self, rest: &str) -> Vec<StreamedToken> {
        if let Some(last) = self.held.last_mut() {
            last.text.push_str(rest);
        }
        match self.stop_in(&self.held_text()) {
            Some(end) => self.cut(end),
            None => std::mem::take(&mut self.held),
        }
    }

    fn held_text(&self) -> String {
        self.held.iter().map(|token| token.text.as_str()).collect()
    }

    fn stop_in(&self, text: &str) -> Option<usize> {
        self.stop.iter().filter_map(|stop| text.find(stop.as_str())).min()
    }

    /// Length of the longest end of `text` that is the beginning of a stop text.
    fn beginning_of_stop(&self, text: &str) -> usize {
        let beginnings = self.stop.iter().flat_map(|stop| stop.char_indices().map(|(end, _)| &stop[..end]));
        beginnings.filter(|beginning| text.ends_with(beginning)).map(str::len).max().unwrap_or(0)
    }

    /// Takes the tokens whose text lies before `end`.
    fn release(&mut self, end: usize) -> Vec<StreamedToken> {
        let mut length = 0;
        let free = self.held.iter().take_while(|token| {
            length += token.text.len();
            length <= end
        });
        let free = free.count();
        self.held.drain(..free).collect()
    }

    /// Takes the tokens that begin before `end`, and cuts the last of them there.
    fn cut(&mut self, end: usize) -> Vec<StreamedToken> {
        let mut left = end;
        let mut shown = Vec::new();
        for mut token in self.held.drain(..) {
            if left == 0 {
                break;
            }
            token.text.truncate(left);
            left -= token.text.len();
            shown.push(token);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> StreamedToken {
        StreamedToken { id: 0, text: text.to_owned(), logprob: None }
    }

    fn texts(tokens: &[StreamedToken]) -> String {
        tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join("|")
    }

    /// What is shown after each piece, joined by `|`; `!` after the piece that stopped it, `.` after the end.
    fn shown(stop: &[&str], pieces: &[&str]) -> Vec<String> {
        let mut answer = Answer::new(stop.iter().map(|text| (*text).to_owned()).collect());
        let mut steps = Vec::new();
        for piece in pieces {
            match answer.push(token(piece)) {
                Shown::Tokens(tokens) => steps.push(texts(&tokens)),
                Shown::Stopped(tokens) => {
                    steps.push(texts(&tokens) + "!");
                    return steps;
                }
            }
        }
        steps.push(texts(&answer.finish("")) + ".");
        steps
    }

    #[test]
    fn without_stop_texts_every_token_is_shown_at_once() {
        assert_eq!(shown(&[], &["a", "b"]), ["a", "b", "."]);
        assert_eq!(shown(&[""], &["a", "b"]), ["a", "b", "."]);
    }

    #[test]
    fn no_part_of_a_stop_text_is_shown() {
        assert_eq!(shown(&["STOP"], &["a", "xS", "T", "OP", "z"]), ["a", "", "", "x!"]);
        assert_eq!(shown(&["STOP"], &["S", "T", "X"]), ["", "", "S|T|X", "."]);
        assert_eq!(shown(&["STOP"], &["a", "ST"]), ["a", "", "ST."]);
        assert_eq!(shown(&["bc", "ab"], &["xabc"]), ["x!"]);
        assert_eq!(shown(&["\n"], &["\n"]), ["!"]);
    }

    #[test]
    fn stop_texts_of_several_bytes_a_character_are_cut_between_characters() {
        assert_eq!(shown(&["ende€"], &["äend", "e€"]), ["", "ä!"]);
        assert_eq!(shown(&["€€"], &["a€", "€"]), ["", "a!"]);
    }

    #[test]
    fn incomplete_characters_wait_for_the_token_that_completes_them() {
        assert_eq!(shown(&[], &["a", "", "", "好"]), ["a", "", "", "||好", "."]);
        let mut answer = Answer::new(Vec::new());
        answer.push(token(""));
        assert_eq!(texts(&answer.finish("\u{fffd}")), "\u{fffd}");
    }
}
