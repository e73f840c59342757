//! The texts a node signs, and who signed them.
//!
//! secp256k1 over EIP-191 messages, as Ethereum wallets do: a node's key is an ordinary wallet key, and what it signs
//! is readable text that cannot be mistaken for a transaction.

use std::str::FromStr;

use alloy_primitives::{Signature, keccak256};

use crate::{ArtifactDigest, NodeAddress, TaskId, TokenId};

/// Why a signature says nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SigningError {
    /// Not 65 bytes in hexadecimal.
    #[error("the signature is not 65 bytes in hexadecimal")]
    Malformed,
    /// The high-s twin of a signature: the same message signed by nobody.
    #[error("the signature is not in its normal form (s is in the upper half)")]
    Malleable,
    /// No key has this signature.
    #[error("the signature belongs to no key")]
    Unrecoverable,
}

/// What a node signs to register: bound to the network, the connection's nonce, the version and the address.
pub fn registration_text(network: &str, nonce: &str, version: u16, address: &NodeAddress) -> String {
    format!("Cortensor node registration\nnetwork: {network}\nversion: {version}\naddress: {address}\nnonce: {nonce}")
}

/// The precommit hash: binds node, task, artifact and the answer's token ids.
///
/// `keccak256(domain ‖ address ‖ task ‖ artifact ‖ count ‖ ids)`, integers big-endian; `0x` and 64 hexadecimal digits.
pub fn commitment(address: &NodeAddress, task: TaskId, artifact: &ArtifactDigest, tokens: &[TokenId]) -> String {
    let mut bytes = b"cortensor/precommit/1".to_vec();
    bytes.extend_from_slice(address.as_slice());
    bytes.extend_from_slice(task.0.as_bytes());
    bytes.extend_from_slice(artifact.as_bytes());
    bytes.extend_from_slice(&(tokens.len() as u64).to_be_bytes());
    tokens.iter().for_each(|token| bytes.extend_from_slice(&token.to_be_bytes()));
    keccak256(&bytes).to_string()
}

/// Who signed `text` (EIP-191).
pub fn recover(text: &str, signature: &str) -> Result<NodeAddress, SigningError> {
    let signature = Signature::from_str(signature).map_err(|_| SigningError::Malformed)?;
    if signature.normalize_s().is_some() {
        return Err(SigningError::Malleable);
    }
    signature.recover_address_from_msg(text).map_err(|_| SigningError::Unrecoverable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commitment_changes_with_everything_it_binds() {
        let address = NodeAddress::repeat_byte(1);
        let (task, artifact) = (TaskId(uuid::Uuid::nil()), ArtifactDigest::new([2; 32]));
        let base = commitment(&address, task, &artifact, &[1, 2]);
        let others = [
            commitment(&NodeAddress::repeat_byte(3), task, &artifact, &[1, 2]),
            commitment(&address, TaskId(uuid::Uuid::from_u128(1)), &artifact, &[1, 2]),
            commitment(&address, task, &ArtifactDigest::new([4; 32]), &[1, 2]),
            commitment(&address, task, &artifact, &[1]),
            commitment(&address, task, &artifact, &[2, 1]),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert_eq!(base.len(), 66);
    }

    #[test]
    fn a_signature_that_is_none_is_refused_with_its_reason() {
        assert_eq!(recover("text", "0x12"), Err(SigningError::Malformed));
        assert_eq!(recover("text", "not hexadecimal"), Err(SigningError::Malformed));
    }

    #[test]
    fn the_high_s_twin_of_a_good_signature_is_refused() {
        // Signed by the well-known key 1; its twin has s' = n - s and the other parity.
        let twin = format!("0x{}{}1c", "11".repeat(32), "ff".repeat(16) + &"e0".repeat(16));
        assert_eq!(recover("text", &twin), Err(SigningError::Malleable));
    }
}
