//! What is asked of a model, and how an answer may end.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::TokenId;

/// Who says a chat message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions for the whole conversation.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The role, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// What the model is to continue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Prompt {
    /// A conversation, to be put into the model's own chat template.
    Chat {
        /// The messages, oldest first.
        messages: Vec<ChatMessage>,
    },
    /// A text as it is.
    Text {
        /// The text.
        text: String,
    },
    /// Token ids as they are: what an audit replays.
    Tokens {
        /// Indexes in the model's vocabulary.
        ids: Vec<TokenId>,
    },
}

impl Prompt {
    /// A conversation of one user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self::Chat { messages: vec![ChatMessage { role: Role::User, content: content.into() }] }
    }

    /// The prompt as a person reads it: who says what, a line between messages; token ids as numbers.
    pub fn as_text(&self) -> String {
        match self {
            Self::Chat { messages } => {
                let said = messages.iter().map(|message| format!("{}: {}", message.role.words(), message.content));
                said.collect::<Vec<_>>().join("\n\n")
            }
            Self::Text { text } => text.clone(),
            Self::Tokens { ids } => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// The most tokens this prompt can honestly be: one a byte, and room for the chat template.
    ///
    /// A bound for plausibility, not an estimate.
    pub fn most_tokens(&self) -> u64 {
        let count = match self {
            Self::Chat { messages } => messages.iter().map(|message| message.content.len() + 32).sum::<usize>() + 128,
            Self::Text { text } => text.len() + 8,
            Self::Tokens { ids } => ids.len(),
        };
        count as u64
    }
}

/// How the next token is picked, and when to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Most tokens to generate; at least 1.
    pub max_tokens: u32,
    /// 0 is greedy: always the likeliest token, reproducible.
    #[serde(deserialize_with = "crate::number::finite")]
    pub temperature: f32,
    /// Keep the smallest set of tokens whose probabilities add up to this; 0 < `top_p` ≤ 1.
    #[serde(default, deserialize_with = "crate::number::finite")]
    pub top_p: Option<f32>,
    /// Keep this many likeliest tokens.
    pub top_k: Option<u32>,
    /// Added against tokens that occurred, -2 to 2.
    #[serde(deserialize_with = "crate::number::finite")]
    pub presence_penalty: f32,
    /// Added against tokens for each time they occurred, -2 to 2.
    #[serde(deserialize_with = "crate::number::finite")]
    pub frequency_penalty: f32,
    /// Texts that end the answer; at most four. They are not part of it.
    pub stop: Vec<String>,
    /// Log-probabilities of this many likeliest tokens with each token.
    pub top_logprobs: Option<u8>,
}

impl Sampling {
    /// Greedy decoding of up to `max_tokens` tokens.
    pub fn greedy(max_tokens: u32) -> Self {
        Self {
            max_tokens,
            temperature: 0.0,
            top_p: None,
            top_k: None,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            stop: Vec::new(),
            top_logprobs: None,
        }
    }

    /// Whether the answer is reproducible.
    pub fn is_greedy(&self) -> bool {
        self.temperature <= 0.0
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended it, or a stop text came.
    Stop,
    /// `max_tokens` or the model's context was reached.
    Length,
    /// The client went away or the node was told to stop.
    Cancelled,
}
