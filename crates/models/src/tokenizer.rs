//! Text to token ids and back, exactly as the model was trained to have it.
//!
//! Exact means: the ids llama.cpp gives. They travel between nodes and are what is audited, so they must mean the same
//! everywhere. A tokenizer we do not know is an error, never a guess.

mod chat;
mod pieces;
mod write;

pub use pieces::TextDecoder;
pub(crate) use write::is_written;
pub use write::write_tokenizer;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cortensor_protocol::{Prompt, TokenId};
use serde::{Deserialize, Serialize};

use self::{
    chat::{ChatTemplate, Part},
    pieces::Pieces,
};
use crate::gguf::GgufError;

/// The file that the `tokenizers` crate reads.
const TOKENIZER_FILE: &str = "tokenizer.json";
/// The file with the chat template and the names of the tokens it uses.
const CONFIG_FILE: &str = "tokenizer_config.json";

/// Tokens that end an answer in the models that have them, besides those the file names.
const ENDS_OF_TURN: [&str; 6] =
    ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<end_of_turn>"];

/// The tokenizer of a model.
#[derive(Debug)]
pub struct Tokenizer {
    plain: tokenizers::Tokenizer,
    specials: Vec<(String, TokenId)>,
    template: Option<ChatTemplate>,
    pieces: Arc<Pieces>,
    begin: Option<TokenId>,
    ends: Vec<TokenId>,
}

/// What `tokenizer_config.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Config {
    #[serde(default)]
    add_bos_token: bool,
    #[serde(default)]
    bos_token: Option<String>,
    #[serde(default)]
    eos_token: Option<String>,
    #[serde(default)]
    eot_token: Option<String>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    chat_template: Option<String>,
}

/// Why there is no tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The model file cannot be read.
    #[error("the tokenizer cannot be read from the model file; delete the file and get it again")]
    Model(#[source] GgufError),
    /// A kind of tokenizer we cannot make.
    #[error("{path} has a tokenizer of the kind `{kind}`; only `gpt2` is known, use another model")]
    UnknownKind {
        /// The model file.
        path: PathBuf,
        /// What it says.
        kind: String,
    },
    /// A way of splitting text that we do not know. Guessing would give answers that are worse without any error.
    #[error("{path} splits text in the way `{pre}`; known are {known}, use another model", known = write::KNOWN_SPLITS.join(", "))]
    UnknownSplit {
        /// The model file.
        path: PathBuf,
        /// What it says.
        pre: String,
    },
    /// A tokenizer file cannot be written.
    #[error("{path} cannot be written; free disk space or check that you may write there, then start again")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A tokenizer file cannot be read.
    #[error("{path} cannot be read; delete its folder and start again to make it anew")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A tokenizer file is damaged.
    #[error("{path} is damaged; delete its folder and start again to make it anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What its reader said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why a prompt has no token ids.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A conversation without messages.
    #[error("the conversation is empty; send at least one message")]
    NoMessages,
    /// The model has no chat template.
    #[error("the model takes no conversations; send a plain prompt")]
    NoTemplate,
    /// The chat template refuses the conversation.
    #[error("the model's chat template does not take this conversation; change the order or the roles of its messages")]
    Template(#[source] minijinja::Error),
    /// A token id that is not in the vocabulary.
    #[error("token {0} is not in the model's vocabulary; use the ids of this model's own tokenizer")]
    UnknownToken(TokenId),
    /// No two characters are left to mark the messages with.
    #[error("the conversation uses every private character there is; send less text")]
    NoMark,
    /// The tokenizer failed.
    #[error("the text cannot be encoded; send other text")]
    Text(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Tokenizer {
    /// Opens the folder of [`crate::Artifact::tokenizer`].
    pub fn open(folder: &Path) -> Result<Self, TokenizerError> {
        let config: Config = parse(&folder.join(CONFIG_FILE), |bytes| serde_json::from_slice(bytes))?;
        let mut plain: tokenizers::Tokenizer =
            parse(&folder.join(TOKENIZER_FILE), |bytes| serde_json::from_slice(bytes))?;
        // The names of special tokens in a text stay text; `encode_with_specials` finds those that are meant.
        plain.set_encode_special_tokens(true);
        let specials = specials(&plain);
        let template = config.chat_template.as_deref().map(|source| ChatTemplate::new(source, &config));
        let template = template
            .transpose()
            .map_err(|source| TokenizerError::Damaged { path: folder.join(CONFIG_FILE), source: source.into() })?;
        let begin = config.bos_token.as_deref().filter(|_| config.add_bos_token);
        Ok(Self {
            begin: begin.and_then(|name| plain.token_to_id(name)),
            ends: ends(&config, &specials),
            pieces: Arc::new(Pieces::new(&plain)),
            template,
            specials,
            plain,
        })
    }

    /// The token ids of a prompt.
    ///
    /// A conversation is put into the model's chat template, and only the template's own special tokens count: what a
    /// message says stays text, even if it is spelled like one. The same holds for a plain text.
    pub fn encode(&self, prompt: &Prompt) -> Result<Vec<TokenId>, EncodeError> {
        match prompt {
            Prompt::Chat { messages } => {
                let template = self.template.as_ref().ok_or(EncodeError::NoTemplate)?;
                self.encode_with_specials(&template.render(messages, &self.specials)?)
            }
            Prompt::Text { text } => {
                let mut ids: Vec<_> = self.begin.into_iter().collect();
                self.encode_plain(text, &mut ids)?;
                Ok(ids)
            }
            Prompt::Tokens { ids } => match ids.iter().find(|id| **id >= self.vocabulary()) {
                Some(unknown) => Err(EncodeError::UnknownToken(*unknown)),
                None => Ok(ids.clone()),
            },
        }
    }

    /// A decoder for one answer.
    pub fn decoder(&self) -> TextDecoder {
        TextDecoder::new(Arc::clone(&self.pieces))
    }

    /// A text cut into its tokens, each with the text that is complete with it: put together they are the text again.
    pub fn cut(&self, text: &str) -> Result<Vec<(TokenId, String)>, EncodeError> {
        let (mut ids, mut decoder) = (Vec::new(), self.decoder());
        self.encode_plain(text, &mut ids)?;
        Ok(ids.into_iter().map(|id| (id, decoder.push(id))).collect())
    }

    /// One token for people to read: special tokens by name, part of a character as `�`.
    pub fn token_text(&self, id: TokenId) -> String {
        self.pieces.shown(id)
    }

    /// Tokens in the vocabulary.
    pub fn vocabulary(&self) -> u32 {
        self.pieces.count()
    }

    /// The tokens that end an answer: end of text and end of turn.
    pub fn end_tokens(&self) -> &[TokenId] {
        &self.ends
    }

    fn encode_with_specials(&self, parts: &[Part]) -> Result<Vec<TokenId>, EncodeError> {
        let mut ids = Vec::new();
        for part in parts {
            match part {
                Part::Special(id) => ids.push(*id),
                Part::Text(text) => self.encode_plain(text, &mut ids)?,
            }
        }
        // Most templates begin with the start of text themselves.
        if let Some(begin) = self.begin.filter(|begin| ids.first() != Some(begin)) {
            ids.insert(0, begin);
        }
        Ok(ids)
    }

    fn encode_plain(&self, text: &str, ids: &mut Vec<TokenId>) -> Result<(), EncodeError> {
        let encoding = self.plain.encode_fast(text, false).map_err(EncodeError::Text)?;
        ids.extend_from_slice(encoding.get_ids());
        Ok(())
    }
}

/// The special tokens, longest name first, so that the first that fits is the one that is meant.
fn specials(tokenizer: &tokenizers::Tokenizer) -> Vec<(String, TokenId)> {
    let added = tokenizer.get_added_tokens_decoder().into_iter();
    let mut specials: Vec<_> =
        added.filter(|(_, token)| token.special).map(|(id, token)| (token.content, id)).collect();
    specials.sort_by(|left, right| right.0.len().cmp(&left.0.len()).then_with(|| left.0.cmp(&right.0)));
    specials
}

fn ends(config: &Config, specials: &[(String, TokenId)]) -> Vec<TokenId> {
    let ids: HashMap<&str, TokenId> = specials.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    let named = config.eos_token.as_deref().into_iter().chain(config.eot_token.as_deref());
    let mut ends = Vec::new();
    for id in named.chain(ENDS_OF_TURN).filter_map(|name| ids.get(name)) {
        if !ends.contains(id) {
            ends.push(*id);
        }
    }
    ends
}

fn parse<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    path: &Path,
    parser: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<T, TokenizerError> {
    let bytes = fs::read(path).map_err(|source| TokenizerError::Read { path: path.to_owned(), source })?;
    parser(&bytes).map_err(|source| TokenizerError::Damaged { path: path.to_owned(), source: source.into() })
}

#[cfg(test)]
mod tests;
