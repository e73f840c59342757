//! The first words: the router challenges, the node proves who it is.

use std::time::Duration;

use cortensor_protocol::{
    Challenge, Hello, NodeMessage, Rejection, RejectionCode, RouterMessage, SUPPORTED_VERSIONS, Welcome,
    registration_text,
};
use tokio::time::timeout;

use super::{
    Ended, NodeConfig,
    connection::{Socket, receive, send},
};

const DEADLINE: Duration = Duration::from_secs(15);

/// Registers over a fresh connection. Ends with what the router said of itself.
pub(super) async fn register(socket: &mut Socket, config: &NodeConfig) -> Result<(Challenge, Welcome), Ended> {
    timeout(DEADLINE, exchange(socket, config)).await.unwrap_or(Err(Ended::Silent))
}

async fn exchange(socket: &mut Socket, config: &NodeConfig) -> Result<(Challenge, Welcome), Ended> {
    let challenge = match receive(socket).await? {
        RouterMessage::Challenge(challenge) => challenge,
        RouterMessage::Rejected(rejection) => return Err(Ended::Rejected(rejection)),
        _ => return Err(Ended::Unintelligible),
    };
    let hello = hello(config, &challenge).await?;
    send(socket, &NodeMessage::Hello(hello)).await?;
    match receive(socket).await? {
        RouterMessage::Welcome(welcome) => Ok((challenge, welcome)),
        RouterMessage::Rejected(rejection) => Err(Ended::Rejected(rejection)),
        _ => Err(Ended::Unintelligible),
    }
}

async fn hello(config: &NodeConfig, challenge: &Challenge) -> Result<Hello, Ended> {
    let version = common_version(&challenge.versions).ok_or_else(|| too_far_apart(&challenge.versions))?;
    let address = config.identity.address();
    let text = registration_text(&challenge.network, &challenge.nonce, version, &address);
    Ok(Hello {
        version,
        address,
        signature: config.identity.sign(&text)?,
        software: config.software.clone(),
        hardware: config.hardware.clone(),
        last_settlement: config.ledger.last_sequence(&challenge.ledger).await?,
    })
}

fn common_version(theirs: &[u16]) -> Option<u16> {
    SUPPORTED_VERSIONS.iter().copied().filter(|version| theirs.contains(version)).max()
}

fn too_far_apart(theirs: &[u16]) -> Ended {
    let update = if theirs.iter().min() > SUPPORTED_VERSIONS.last() {
        "update this program"
    } else {
        "the router is older: ask its operator to update it"
    };
    let message =
        format!("this node speaks protocol versions {SUPPORTED_VERSIONS:?} and the router {theirs:?}; {update}");
    Ended::Rejected(Rejection { code: RejectionCode::UnsupportedVersion, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_taken_and_no_common_version_says_who_is_to_update() {
        for (theirs, common) in [(&[0, 1][..], Some(1)), (&[1, 2], Some(2)), (&[2, 3], Some(2)), (&[7], None)] {
            assert_eq!(common_version(theirs), common);
        }
        assert!(too_far_apart(&[7]).to_string().contains("update this program"));
        assert!(too_far_apart(&[0]).to_string().contains("ask its operator"));
    }
}
