//! A side that the network answers: its text as it comes, cut into tokens by a tokenizer of this machine.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use cortensor_models::Tokenizer;
use cortensor_protocol::{Prompt, Sampling, TokenId};
use serde_json::{Value, json};

use super::{Comparison, ComparisonPhase, Question, SideState, View, advance, parting::part, score::TOP};
use crate::{
    Failure, FailureCode, NetworkAccess,
    lab::{
        comparison::{ComparedToken, TopToken},
        network::{Heard, Piece},
        side::{HIGH_ACCURACY, Unscored},
    },
};

/// The network, and what its text is cut with.
pub(super) struct Network {
    pub(super) access: NetworkAccess,
    pub(super) tokenizer: Tokenizer,
}

/// Lets the network answer for the side at `index`.
pub(super) async fn answer(network: &Network, question: &Question, view: &View, index: usize) -> Result<(), Failure> {
    let asked = view.borrow().sides[index].remote.as_ref().map(|remote| remote.asked.clone()).unwrap_or_default();
    view.send_modify(|view| {
        view.phase = ComparisonPhase::Answering;
        view.sides[index].state = SideState::Answering;
    });
    let (body, begun, mut first) = (body(&asked, question), Instant::now(), None);
    let heard = network.access.ask(&body, |heard| {
        if !heard.text.is_empty() {
            first.get_or_insert_with(|| begun.elapsed());
        }
        // What cannot be cut now is cut, or told, at the end.
        if let Ok(cut) = network.tokenizer.cut(&heard.text) {
            view.send_modify(|view| show(view, index, heard, cut, question.sampling.max_tokens));
        }
    });
    let heard = heard.await?;
    let cut = network.tokenizer.cut(&heard.text).map_err(|error| Failure::of(FailureCode::Engine, &error))?;
    let total = begun.elapsed();
    view.send_modify(|view| {
        show(view, index, &heard, cut, question.sampling.max_tokens);
        finish(view, index, &heard, first.unwrap_or(total), total);
    });
    Ok(())
}

/// What is posted. Each side reads the question through its own chat template: the network's node does so too.
fn body(asked: &str, question: &Question) -> Value {
    let Sampling { temperature, top_p, max_tokens, .. } = &question.sampling;
    let messages = match &question.prompt {
        Prompt::Chat { messages } => json!(messages),
        Prompt::Text { text } => json!([{"role": "user", "content": text}]),
        Prompt::Tokens { .. } => json!([]),
    };
    // Full weights answer the same on slower hardware, and a comparison can wait.
    let fallback = asked.ends_with(HIGH_ACCURACY).then_some("low_end");
    json!({
        "model": asked,
        "fallback": fallback,
        "messages": messages,
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "logprobs": true,
        "top_logprobs": TOP,
    })
}

fn show(view: &mut Comparison, index: usize, heard: &Heard, cut: Vec<(TokenId, String)>, most: u32) {
    let side = &mut view.sides[index];
    side.precision = heard.precision.or(side.precision);
    if let Some(remote) = &mut side.remote {
        remote.node = heard.node.map(|node| node.to_string());
    }
    side.tokens =
        cut.into_iter().map(|(id, text)| ComparedToken { id, text, divergence: None, top: Vec::new() }).collect();
    part(view);
    advance(view, most);
}

fn finish(view: &mut Comparison, index: usize, heard: &Heard, first: Duration, total: Duration) {
    let sides = view.sides.len();
    let side = &mut view.sides[index];
    let behind_the_first = heard.usage.map_or(0, |usage| usage.completion_tokens.saturating_sub(1));
    let decoding = total.saturating_sub(first).as_secs_f64();
    side.state = SideState::Answered;
    side.finish = heard.finish;
    side.prompt_tokens = heard.usage.map(|usage| usage.prompt_tokens);
    side.first_token_ms = Some(first.as_secs_f64() * 1e3);
    side.decode_tokens_per_second =
        (behind_the_first > 0 && decoding > 0.0).then(|| f64::from(behind_the_first) / decoding);
    let tells_top = tell_top(&mut side.tokens, &heard.pieces, index, sides);
    if let Some(remote) = &mut side.remote {
        remote.tells_top = tells_top;
    }
    side.unscored = Some(if tells_top { Unscored::TopOnly } else { Unscored::TextOnly });
    part(view);
}

/// Gives the tokens that the network cut at the same places what it expected there. Says whether there were any.
fn tell_top(tokens: &mut [ComparedToken], pieces: &[Piece], index: usize, sides: usize) -> bool {
    let told: HashMap<(usize, usize), &Piece> =
        pieces.iter().filter(|piece| !piece.top.is_empty()).map(|piece| ((piece.start, piece.end), piece)).collect();
    let (mut end, mut any) = (0, false);
    for token in tokens {
        let start = end;
        end += token.text.len();
        if let Some(piece) = told.get(&(start, end)) {
            token.top = vec![Vec::new(); sides];
            token.top[index] = piece.top.iter().map(|top| expected(top, token)).collect();
            any = true;
        }
    }
    any
}

/// The network names tokens by their text: only the one that was said is known by its number.
fn expected((text, probability): &(String, f64), said: &ComparedToken) -> TopToken {
    TopToken { id: (*text == said.text).then_some(said.id), text: text.clone(), probability: *probability }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: TokenId, text: &str) -> ComparedToken {
        ComparedToken { id, text: text.to_owned(), divergence: None, top: Vec::new() }
    }

    fn piece(start: usize, end: usize, top: &[(&str, f64)]) -> Piece {
        Piece { start, end, top: top.iter().map(|(text, share)| ((*text).to_owned(), *share)).collect() }
    }

    #[test]
    fn what_the_network_expected_stands_at_tokens_that_it_cut_the_same_way() {
        let mut tokens = [token(7, "light"), token(8, " is"), token(9, " bent")];
        let pieces =
            [piece(0, 2, &[("li", 1.0)]), piece(2, 5, &[("ght", 1.0)]), piece(5, 8, &[(" is", 0.6), (" was", 0.4)])];
        assert!(tell_top(&mut tokens, &pieces, 1, 2));
        assert!(tokens[0].top.is_empty() && tokens[2].top.is_empty());
        let top: Vec<_> = tokens[1].top[1].iter().map(|top| (top.id, top.text.as_str())).collect();
        assert_eq!((tokens[1].top[0].len(), top), (0, vec![(Some(8), " is"), (None, " was")]));
    }

    #[test]
    fn a_network_that_tells_its_text_only_is_known_by_that() {
        let mut tokens = [token(7, "light")];
        assert!(!tell_top(&mut tokens, &[piece(0, 5, &[])], 0, 2));
        assert!(!tell_top(&mut tokens, &[], 0, 2));
    }
}
