//! Whether an answer is the one that its node bound itself to.

use cortensor_protocol::{
    ArtifactDigest, Commit, NodeAddress, Precommit, Prompt, StreamedToken, TaskId, TokenId, commitment, recover,
};

/// Most text of one token. An honest one is far shorter.
const LONGEST_TEXT: usize = 1024;

/// Whose answer to what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    pub(crate) node: NodeAddress,
    pub(crate) task: TaskId,
    pub(crate) artifact: ArtifactDigest,
}

impl Binding {
    /// The hash that these tokens must have been bound with.
    pub(crate) fn hash(&self, tokens: &[TokenId]) -> String {
        commitment(&self.node, self.task, &self.artifact, tokens)
    }
}

/// The reason not to pay, if there is one.
pub(crate) fn check_precommit(node: NodeAddress, precommit: &Precommit) -> Result<(), String> {
    match recover(&precommit.hash, &precommit.signature) {
        Ok(signer) if signer == node => Ok(()),
        Ok(_) => Err("the precommit is signed by another key".to_owned()),
        Err(error) => Err(format!("the precommit is not signed: {error}")),
    }
}

/// The reason not to pass tokens on, if there is one: they are kept for the client, who may be slow.
pub(crate) fn check_tokens(asked: Option<u8>, tokens: &[StreamedToken]) -> Result<(), String> {
    let most = usize::from(asked.unwrap_or_default());
    if tokens.iter().any(|token| top(token).len() > most) {
        return Err(format!("a token came with more than the {most} log-probabilities that were asked for"));
    }
    let texts = tokens.iter().flat_map(|token| top(token).iter().map(|(_, text, _)| text).chain([&token.text]));
    if texts.map(String::len).any(|length| length > LONGEST_TEXT) {
        return Err(format!("the text of one token is longer than {LONGEST_TEXT} bytes"));
    }
    Ok(())
}

fn top(token: &StreamedToken) -> &[(TokenId, String, f32)] {
    token.logprob.as_ref().map(|logprob| logprob.top.as_slice()).unwrap_or_default()
}

/// The reason not to pay, if there is one. That the hash fits is for the task to say.
pub(crate) fn check_commit(prompt: &Prompt, streamed: &[TokenId], commit: &Commit) -> Result<(), String> {
    if commit.tokens != streamed {
        return Err("the committed tokens are not the ones that were streamed".to_owned());
    }
    let most = prompt.most_tokens();
    if u64::from(commit.prompt_tokens) > most {
        return Err(format!(
            "{} prompt tokens were claimed and there cannot be more than {most}",
            commit.prompt_tokens
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{AttemptId, FinishReason, TokenLogprob};

    use super::*;

    fn attempt() -> AttemptId {
        AttemptId { task: TaskId(uuid::Uuid::nil()), number: 1 }
    }

    #[test]
    fn an_answer_other_than_the_streamed_one_or_with_impossible_claims_is_refused() {
        let prompt = Prompt::user("hi");
        for (tokens, prompt_tokens, refused) in
            [(vec![1, 2], 5, None), (vec![1], 5, Some("streamed")), (vec![1, 2], 100_000, Some("claimed"))]
        {
            let (attempt, finish) = (attempt(), FinishReason::Stop);
            let commit = Commit { attempt, tokens, finish, prompt_tokens, first_token_ms: 0, total_ms: 0 };
            let checked = check_commit(&prompt, &[1, 2], &commit);
            assert_eq!(checked.is_ok(), refused.is_none());
            assert!(checked.is_ok() || checked.unwrap_err().contains(refused.unwrap()));
        }
    }

    #[test]
    fn tokens_larger_than_any_honest_one_are_refused() {
        let long = |length| "x".repeat(length);
        let token = |text: String, top: Option<Vec<String>>| {
            let top = top.map(|texts| texts.into_iter().map(|text| (1, text, -0.5)).collect());
            StreamedToken { id: 1, text, logprob: top.map(|top| TokenLogprob { logprob: -0.5, top }) }
        };
        for (asked, token, refused) in [
            (None, token(long(1024), None), None),
            (None, token(long(1025), None), Some("longer")),
            (Some(2), token(long(1), Some(vec![long(1024); 2])), None),
            (Some(2), token(long(1), Some(vec![long(1); 3])), Some("more than the 2")),
            (Some(2), token(long(1), Some(vec![long(1025)])), Some("longer")),
            (Some(0), token(long(1), Some(Vec::new())), None),
            (None, token(long(1), Some(vec![long(1)])), Some("more than the 0")),
        ] {
            let checked = check_tokens(asked, &[token]);
            assert_eq!(checked.is_ok(), refused.is_none(), "{checked:?}");
            assert!(checked.is_ok() || checked.unwrap_err().contains(refused.unwrap()));
        }
    }

    #[test]
    fn a_precommit_that_is_not_signed_is_refused() {
        let precommit = Precommit { attempt: attempt(), hash: "0xhash".to_owned(), signature: "0x00".to_owned() };
        assert!(check_precommit(NodeAddress::repeat_byte(1), &precommit).unwrap_err().contains("not signed"));
    }
}
