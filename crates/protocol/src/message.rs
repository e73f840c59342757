//! The messages on the one WebSocket between node and router: one JSON object each, tagged by `type`.
//!
//! docs/protocol.md tells the order they come in.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ArtifactDigest, AttemptId, FinishReason, Mode, ModelId, NodeAddress, Precision, PriceList, Prompt, Sampling,
    Settlement, Standing, TierReport, TokenId,
};

/// The version this crate speaks.
pub const PROTOCOL_VERSION: u16 = 2;

/// The versions a peer built from this crate understands, oldest first.
pub const SUPPORTED_VERSIONS: &[u16] = &[1, PROTOCOL_VERSION];

/// The first version in which a router says where a node stands. An unknown message ends a connection, so that a node
/// of an older version is not told.
pub const STANDING_VERSION: u16 = 2;

/// The first version in which a settlement may take an earlier one back ([`crate::SettlementStatus::Reversed`]).
pub const REVERSAL_VERSION: u16 = 2;

/// What a node says. What concerns a task names the attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NodeMessage {
    /// Answer to the challenge: who I am, proven.
    Hello(Hello),
    /// What I serve from now on; replaces what I offered before. No offers: I am paused or draining.
    Offers {
        /// One for each loaded artifact.
        offers: Vec<Offer>,
    },
    /// I am here, and this is my load.
    Heartbeat(Heartbeat),
    /// I accept the task.
    Ack {
        /// Which.
        #[serde(flatten)]
        attempt: AttemptId,
    },
    /// I do not take the task. Neutral: it costs no reputation.
    Refuse {
        /// Which.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Why.
        reason: RefusalReason,
    },
    /// The next tokens of an answer.
    Tokens {
        /// Of which.
        #[serde(flatten)]
        attempt: AttemptId,
        /// In order, none left out.
        tokens: Vec<StreamedToken>,
    },
    /// I have the whole answer and bind myself to it.
    Precommit(Precommit),
    /// Here is the answer.
    Commit(Commit),
    /// I took the task and could not do it.
    Failed {
        /// Which.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Why.
        reason: FailureReason,
    },
    /// Every settlement up to this one is in my own ledger.
    SettledUpTo {
        /// The last one.
        sequence: u64,
    },
    /// I am leaving on purpose; what I hold is to go to others.
    Goodbye,
}

/// What a router says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RouterMessage {
    /// First message on a connection: prove who you are.
    Challenge(Challenge),
    /// You are registered.
    Welcome(Welcome),
    /// You are not; the connection ends.
    Rejected(Rejection),
    /// You are being tested: this many of so many tests are done.
    Testing {
        /// Finished.
        done: u32,
        /// All.
        total: u32,
    },
    /// The tests are over, or a later one changed something.
    Tier(TierReport),
    /// Where you stand: after the welcome, and whenever there is more in your record. See [`STANDING_VERSION`].
    Standing(Box<Standing>),
    /// A task for you.
    Assign(Box<Assignment>),
    /// Stop working on the task and commit what you have.
    Cancel {
        /// Which.
        #[serde(flatten)]
        attempt: AttemptId,
        /// Why.
        reason: CancelReason,
    },
    /// The task is settled; this is what it paid, or why not.
    Settlement(Settlement),
}

/// The router's first message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Challenge {
    /// Versions the router speaks.
    pub versions: Vec<u16>,
    /// The network's name; `practice` pays practice credits.
    pub network: String,
    /// Names the router's ledger: a random UUID, made and stored once with its database. Settlement numbers count
    /// within it, so that a node does not take a new router's first settlement for an old one's.
    pub ledger: String,
    /// 32 random bytes in hexadecimal, good for this connection only.
    pub nonce: String,
}

/// The node's answer to the challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// One of the router's versions.
    pub version: u16,
    /// Whose key signed.
    pub address: NodeAddress,
    /// EIP-191 signature of [`crate::registration_text`], `0x` and 130 hexadecimal digits.
    pub signature: String,
    /// Name and version of the node's program.
    pub software: String,
    /// What the node runs on.
    pub hardware: HardwareSummary,
    /// The last settlement in the node's own ledger; later ones are sent again.
    pub last_settlement: u64,
}

/// Most characters of a name that a node gives: of its software, processor or accelerator.
pub const LONGEST_NAME: usize = 128;

/// What a node tells of its hardware. A claim: the tier comes from tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HardwareSummary {
    /// Processor model.
    pub cpu: String,
    /// Physical cores.
    pub cores: u32,
    /// Total memory in bytes.
    pub memory_bytes: u64,
    /// Usable accelerator, if any.
    pub accelerator: Option<String>,
}

/// The router takes the node in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The router's name.
    pub router: String,
    /// Send a heartbeat at least this often, in milliseconds.
    pub heartbeat_ms: u64,
    /// The tier of earlier tests, if there is one for this node.
    pub tier: Option<TierReport>,
    /// What this network pays its nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<PriceList>,
}

/// The router turns the node away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Rejection {
    /// For programs.
    pub code: RejectionCode,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Why a node was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// No common protocol version.
    UnsupportedVersion,
    /// The signature is not that address's.
    BadSignature,
    /// This identity is connected already and alive.
    AlreadyConnected,
    /// A message that breaks the protocol.
    ProtocolViolation,
    /// No heartbeat in time.
    Silent,
    /// The router is stopping; try again soon.
    Stopping,
}

/// A loaded artifact and how many tasks at a time it takes: the node's credit to the router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Model.
    pub model: ModelId,
    /// Exact format of the weights.
    pub precision: Precision,
    /// Digest of the file.
    pub artifact: ArtifactDigest,
    /// Most tokens of prompt and answer together.
    pub context_tokens: u32,
    /// Parameters of the model.
    pub parameters: u64,
    /// Tasks at a time.
    pub slots: u32,
    /// What the miner chose.
    pub mode: Mode,
    /// What it computes on.
    #[serde(default)]
    pub device: DeviceKind,
}

/// What a model computes on. Honest answers of different kinds differ by rounding, so they are held to different measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A processor.
    #[default]
    Processor,
    /// A card of NVIDIA's.
    Cuda,
    /// Apple's graphics cores.
    Metal,
}

impl DeviceKind {
    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

/// Sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Tasks being worked on.
    pub running: u32,
    /// Share of the processor in use, 0 to 1.
    #[serde(deserialize_with = "crate::number::finite")]
    pub cpu_load: f32,
    /// Memory free for more, in bytes.
    pub free_memory_bytes: u64,
}

/// Where a task comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A user's request, paid by the user.
    User,
    /// A test by the network, paid by network incentives.
    NetworkTest,
}

/// A task for a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which.
    #[serde(flatten)]
    pub attempt: AttemptId,
    /// Where it comes from, as far as the node is to know: a round of Proof of Inference says `user` like the traffic that
    /// it is to look like, and its settlement says what it was.
    pub kind: TaskKind,
    /// The artifact it must be done on.
    pub artifact: ArtifactDigest,
    /// What to continue.
    pub prompt: Prompt,
    /// How.
    pub sampling: Sampling,
    /// Tokens of the answer that another node has given before it was lost; the answer goes on behind them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continue_after: Vec<TokenId>,
    /// Milliseconds until the precommit must be in.
    pub precommit_within_ms: u64,
}

/// Why a node takes no task just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// All slots are taken.
    AtCapacity,
    /// The artifact is not loaded (any more).
    NotLoaded,
    /// The miner paused, is switching or stopping.
    Draining,
}

/// Why a node is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Nobody waits for the answer any more: commit what there is, it is paid.
    ClientGone,
    /// The time for the answer is up: commit what there is, it is paid.
    TimeUp,
    /// A deadline passed; this attempt is over.
    TooLate,
}

/// Why a node could not do what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FailureReason {
    /// The prompt does not fit the context; a larger one may hold it.
    ContextExceeded {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Most tokens there may be.
        context_tokens: u32,
    },
    /// The prompt cannot be used: the request's own error.
    BadPrompt {
        /// What is wrong with it.
        message: String,
    },
    /// The engine failed; another node may do better.
    Engine {
        /// What it said.
        message: String,
    },
}

/// One token of an answer on its way to the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamedToken {
    /// Index in the vocabulary.
    pub id: TokenId,
    /// What it adds to the text; empty while a character is incomplete.
    pub text: String,
    /// If asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<TokenLogprob>,
}

/// Log-probability of a token and of the likeliest ones at its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// Natural logarithm of the chosen token's probability.
    #[serde(deserialize_with = "crate::number::finite")]
    pub logprob: f32,
    /// Likeliest tokens: id, text, natural logarithm of the probability; likeliest first.
    #[serde(deserialize_with = "crate::number::finite")]
    pub top: Vec<(TokenId, String, f32)>,
}

/// A node binds itself to an answer before it shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precommit {
    /// Of which.
    #[serde(flatten)]
    pub attempt: AttemptId,
    /// [`crate::commitment`], `0x` and 64 hexadecimal digits.
    pub hash: String,
    /// EIP-191 signature of the hash's text, `0x` and 130 hexadecimal digits.
    pub signature: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Of which.
    #[serde(flatten)]
    pub attempt: AttemptId,
    /// The answer's tokens: the same as were streamed, and as the precommit binds.
    pub tokens: Vec<TokenId>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Milliseconds from taking the task to the first token, by the node's clock.
    pub first_token_ms: u32,
    /// Milliseconds from taking the task to the last token, by the node's clock.
    pub total_ms: u32,
}

#[cfg(test)]
mod tests;
