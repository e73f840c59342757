//! Whether an answer is the one that its node bound itself to.

use cortensor_protocol::{
    ArtifactDigest, Commit, NodeAddress, Precommit, Prompt, TaskId, TokenId, commitment, recover,
};

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
    use cortensor_protocol::{AttemptId, FinishReason};

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
    fn a_precommit_that_is_not_signed_is_refused() {
        let precommit = Precommit { attempt: attempt(), hash: "0xhash".to_owned(), signature: "0x00".to_owned() };
        assert!(check_precommit(NodeAddress::repeat_byte(1), &precommit).unwrap_err().contains("not signed"));
    }
}
