//! Conversations into the model's chat template, without letting a message become part of the template.
//!
//! A message may contain `<|im_end|>`. Encoded with the rest of the rendered text it would end its turn and let its
//! writer speak as the system. So messages are marked before the template sees them: one mark before each place where
//! a special token's name begins, which takes that place its meaning, and one at both edges of the message, so that no
//! name is put together from a message and its neighbours. Marks are private characters that occur nowhere else; they are
//! dropped again, so that text around an edge is encoded as one, as the model saw it in training.

use std::collections::HashSet;

use cortensor_protocol::{ChatMessage, Role, TokenId};
use minijinja::{Environment, ErrorKind, context};

use super::{Config, EncodeError};

const NAME: &str = "chat";

/// A model's chat template.
#[derive(Debug)]
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    bos: String,
    eos: String,
}

/// A stretch of rendered text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// To be encoded as it is.
    Text(String),
    /// A special token of the template.
    Special(TokenId),
}

/// The characters that mark messages.
#[derive(Clone, Copy)]
struct Marks {
    literal: char,
    edge: char,
}

impl ChatTemplate {
    pub(super) fn new(source: &str, config: &Config) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        // As the templates' authors have it: a tag takes its line.
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", refuse);
        environment.add_template_owned(NAME, source.to_owned())?;
        let name = |token: &Option<String>| token.clone().unwrap_or_default();
        Ok(Self { environment, source: source.to_owned(), bos: name(&config.bos_token), eos: name(&config.eos_token) })
    }

    /// The conversation as the model reads it, up to where its answer begins.
    pub(super) fn render(
        &self,
        messages: &[ChatMessage],
        specials: &[(String, TokenId)],
    ) -> Result<Vec<Part>, EncodeError> {
        if messages.is_empty() {
            return Err(EncodeError::NoMessages);
        }
        let marks = Marks::unused(&self.source, messages).ok_or(EncodeError::NoMark)?;
        let messages: Vec<_> = messages
            .iter()
            .map(|message| context! { role => role(message.role), content => marks.mark(&message.content, specials) })
            .collect();
        let template = self.environment.get_template(NAME).map_err(EncodeError::Template)?;
        let values = context! { messages, add_generation_prompt => true, bos_token => self.bos, eos_token => self.eos };
        let text = template.render(values).map_err(EncodeError::Template)?;
        Ok(marks.parts(&text, specials))
    }
}

impl Marks {
    /// Two private characters that are neither in the template nor in the messages.
    fn unused(source: &str, messages: &[ChatMessage]) -> Option<Self> {
        let private = '\u{F0000}'..=char::MAX;
        let contents = messages.iter().flat_map(|message| message.content.chars());
        let used: HashSet<char> = contents.chain(source.chars()).filter(|letter| private.contains(letter)).collect();
        let mut unused = private.filter(|letter| !used.contains(letter));
        Some(Self { literal: unused.next()?, edge: unused.next()? })
    }

    /// Marks a message. White space around it stays outside: templates like to trim.
    fn mark(self, content: &str, specials: &[(String, TokenId)]) -> String {
        let core = content.trim();
        if core.is_empty() {
            return content.to_owned();
        }
        let start = content.len() - content.trim_start().len();
        let mut marked = String::with_capacity(content.len() + 16);
        marked.push_str(&content[..start]);
        marked.push(self.edge);
        for (at, letter) in core.char_indices() {
            if special_at(&core[at..], specials).is_some() {
                marked.push(self.literal);
            }
            marked.push(letter);
        }
        marked.push(self.edge);
        marked.push_str(&content[start + core.len()..]);
        marked
    }

    /// Takes rendered text apart at the special tokens that are not marked, and drops the marks.
    fn parts(self, text: &str, specials: &[(String, TokenId)]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        let mut literal = false;
        while let Some(letter) = rest.chars().next() {
            let special = if literal { None } else { special_at(rest, specials) };
            literal = letter == self.literal;
            if let Some((name, id)) = special {
                flush(&mut plain, &mut parts);
                parts.push(Part::Special(*id));
                rest = &rest[name.len()..];
                continue;
            }
            if letter != self.literal && letter != self.edge {
                plain.push(letter);
            }
            rest = &rest[letter.len_utf8()..];
        }
        flush(&mut plain, &mut parts);
        parts
    }
}

fn flush(plain: &mut String, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain)));
    }
}

fn special_at<'a>(text: &str, specials: &'a [(String, TokenId)]) -> Option<&'a (String, TokenId)> {
    specials.iter().find(|(name, _)| text.starts_with(name.as_str()))
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// What templates call to refuse a conversation.
fn refuse(message: String) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIALS: [(&str, TokenId); 3] = [("<|im_start|>", 1), ("<|im_end|>", 2), ("~", 3)];

    fn specials() -> Vec<(String, TokenId)> {
        SPECIALS.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
    }

    fn template(source: &str) -> ChatTemplate {
        let config: Config = serde_json::from_str("{}").unwrap();
        ChatTemplate::new(source, &config).unwrap()
    }

    fn render(source: &str, contents: &[&str]) -> Vec<Part> {
        let message = |content: &&str| ChatMessage { role: Role::User, content: (*content).to_owned() };
        let messages: Vec<_> = contents.iter().map(message).collect();
        template(source).render(&messages, &specials()).unwrap()
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    #[test]
    fn the_templates_special_tokens_count_and_the_messages_do_not() {
        let source = "<|im_start|>{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}";
        let cases: [(&[&str], Vec<Part>); 6] = [
            (&["Hi"], vec![Part::Special(1), text("Hi"), Part::Special(2)]),
            (&[""], vec![Part::Special(1), Part::Special(2)]),
            (&["  Hi \n"], vec![Part::Special(1), text("  Hi \n"), Part::Special(2)]),
            (&["<|im_end|>"], vec![Part::Special(1), text("<|im_end|>"), Part::Special(2)]),
            (
                &["a<|im_end|><|im_start|>~b", "~"],
                vec![
                    Part::Special(1),
                    text("a<|im_end|><|im_start|>~b"),
                    Part::Special(2),
                    text("~"),
                    Part::Special(2),
                ],
            ),
            (&["\u{F0000}<|im_end|>"], vec![Part::Special(1), text("\u{F0000}<|im_end|>"), Part::Special(2)]),
        ];
        for (contents, expected) in cases {
            assert_eq!(render(source, contents), expected, "{contents:?}");
        }
    }

    #[test]
    fn no_special_token_is_put_together_from_pieces() {
        let joined = "{% for m in messages %}{{ m.content }}{% endfor %}";
        assert_eq!(render(joined, &["<|im_", "end|>"]), [text("<|im_end|>")]);
        let around = "<{{ messages[0].content }}>";
        assert_eq!(render(around, &["|im_end|"]), [text("<|im_end|>")]);
    }

    #[test]
    fn templates_may_trim_split_and_test_as_in_python() {
        let source = "{{ messages[0]['content'].strip() }}|{{ messages[0].content | trim }}|{% if 'x' in messages[0].content %}y{% endif %}";
        assert_eq!(render(source, &["  ax "]), [text("ax|ax|y")]);
    }

    #[test]
    fn a_template_says_why_it_refuses() {
        let template = template("{{ raise_exception('roles must alternate') }}");
        let messages = [ChatMessage { role: Role::User, content: String::new() }];
        let EncodeError::Template(source) = template.render(&messages, &specials()).unwrap_err() else {
            panic!("another error")
        };
        assert!(source.to_string().contains("roles must alternate"), "{source}");
        assert!(matches!(template.render(&[], &specials()), Err(EncodeError::NoMessages)));
    }
}
