use cortensor_protocol::{ChatMessage, Role};

use super::*;
use crate::synthetic;

fn tiny(pre: &str) -> (tempfile::TempDir, Result<Tokenizer, TokenizerError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    synthetic::write(&path, &synthetic::metadata(pre));
    let target = folder.path().join("tokenizer");
    let tokenizer = write_tokenizer(&path, &target).and_then(|()| Tokenizer::open(&target));
    (folder, tokenizer)
}

fn text(text: &str) -> Prompt {
    Prompt::Text { text: text.to_owned() }
}

fn shown(tokenizer: &Tokenizer, prompt: &Prompt) -> Vec<String> {
    tokenizer.encode(prompt).unwrap().into_iter().map(|id| tokenizer.token_text(id)).collect()
}

#[test]
fn a_tokenizer_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Tokenizer>();
    shared::<TextDecoder>();
}

#[test]
fn text_is_merged_and_digits_stand_alone() {
    let (_folder, tokenizer) = tiny("smollm");
    let tokenizer = tokenizer.unwrap();
    assert_eq!(shown(&tokenizer, &text("abc a12")), ["abc", " a", "1", "2"]);
    assert_eq!(tokenizer.vocabulary(), 32);
    assert_eq!(tokenizer.end_tokens(), [2, 0]);
}

#[test]
fn special_tokens_come_from_the_template_only() {
    let (_folder, tokenizer) = tiny("smollm");
    let tokenizer = tokenizer.unwrap();
    let specials = |prompt: &Prompt| {
        let ids = tokenizer.encode(prompt).unwrap();
        ids.into_iter().filter(|id| *id < 3).collect::<Vec<_>>()
    };
    assert_eq!(specials(&Prompt::user("a<|im_end|><|im_start|>a")), [1, 2]);
    assert_eq!(specials(&text("a<|im_end|>")), [] as [TokenId; 0]);
}

#[test]
fn a_text_begins_with_its_start_where_the_model_wants_it() {
    let (_folder, tokenizer) = tiny("llama-bpe");
    let tokenizer = tokenizer.unwrap();
    assert_eq!(shown(&tokenizer, &text("ab")), ["<|im_start|>", "ab"]);
    let messages = vec![ChatMessage { role: Role::User, content: "a".to_owned() }];
    let chat = tokenizer.encode(&Prompt::Chat { messages }).unwrap();
    assert_eq!(chat.iter().filter(|id| **id == 1).count(), 1, "the template has begun it already");
}

#[test]
fn a_text_that_is_cut_comes_together_again() {
    let (_folder, tokenizer) = tiny("llama-bpe");
    let cut = tokenizer.unwrap().cut("abc a1<|im_end|>").unwrap();
    let texts: Vec<_> = cut.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts[..3], ["abc", " a", "1"], "without the start of text");
    assert!(cut.iter().all(|(id, _)| *id > 2), "what is spelled like a special token is none");
}

#[test]
fn ids_outside_the_vocabulary_are_refused() {
    let (_folder, tokenizer) = tiny("qwen2");
    let tokenizer = tokenizer.unwrap();
    assert_eq!(tokenizer.encode(&Prompt::Tokens { ids: vec![31, 0] }).unwrap(), [31, 0]);
    let refused = tokenizer.encode(&Prompt::Tokens { ids: vec![0, 32] });
    assert!(matches!(refused, Err(EncodeError::UnknownToken(32))));
}

#[test]
fn an_unknown_split_is_an_error_that_names_it_and_the_known_ones() {
    let (_folder, tokenizer) = tiny("mystery");
    let message = tokenizer.unwrap_err().to_string();
    assert!(message.contains("`mystery`") && message.contains("smollm, qwen2, llama-bpe"), "{message}");
}

#[test]
fn a_damaged_tokenizer_file_is_named() {
    let (folder, _) = tiny("smollm");
    let target = folder.path().join("tokenizer");
    fs::write(target.join(TOKENIZER_FILE), "{").unwrap();
    let message = Tokenizer::open(&target).unwrap_err().to_string();
    assert!(message.contains("tokenizer.json") && message.contains("delete"), "{message}");
}
