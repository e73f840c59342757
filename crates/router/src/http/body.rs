//! Reading a request's body, up to a limit and within reasonable time.

use axum::body::Body;
use futures::StreamExt as _;
use tokio::time::timeout;

use super::error::ApiError;
use crate::policy::Policy;

/// Of a body that is too large, this much is read and thrown away, so that the client gets to read the answer instead
/// of finding its connection broken while it still sends.
const THROWN_AWAY: usize = 32 * 1024 * 1024;

/// The whole body. Who sends it too slowly does not hold a connection for ever.
pub(super) async fn read(body: Body, policy: &Policy) -> Result<Vec<u8>, ApiError> {
    read_up_to(body, policy, policy.body_bytes).await
}

/// The same, for a route that takes less.
pub(super) async fn read_up_to(body: Body, policy: &Policy, most: usize) -> Result<Vec<u8>, ApiError> {
    let read = timeout(policy.body(), collect(body, most)).await;
    read.unwrap_or(Err(ApiError::SlowBody { seconds: policy.body_seconds }))
}

async fn collect(body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
        length = length.saturating_add(chunk.len());
        if length <= most {
            bytes.extend_from_slice(&chunk);
        } else if length > THROWN_AWAY {
            break;
        }
    }
    if length > most { Err(ApiError::TooLarge { most }) } else { Ok(bytes) }
}
