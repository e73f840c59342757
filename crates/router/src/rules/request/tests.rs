use cortensor_protocol::{ChatMessage, ModelId, Precision, Role};
use serde_json::json;

use super::*;
use crate::rules::choice::{Choice, Fallback, Preference, Sla};

fn ask_in(form: Form, terms: Option<&Terms>, changes: Value) -> Result<CompletionRequest, Problem> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "prompt": "hi"});
    let Value::Object(changes) = changes else { panic!("an object") };
    body.as_object_mut().unwrap().extend(changes);
    parse(form, body.as_object().unwrap(), terms, &Policy::default())
}

fn ask(changes: Value) -> Result<CompletionRequest, Problem> {
    ask_in(Form::Chat, None, changes)
}

fn sold(changes: Value) -> Terms {
    let mut body = json!({"model": "m"});
    let Value::Object(changes) = changes else { panic!("an object") };
    body.as_object_mut().unwrap().extend(changes);
    crate::rules::session::new_session(body.as_object().unwrap(), &Policy::default()).unwrap().terms
}

#[test]
fn a_bare_request_has_the_documented_defaults() {
    let request = ask(json!({})).unwrap();
    let sampling = Sampling { temperature: 1.0, ..Sampling::greedy(256) };
    let wanted = Wanted { name: "m".to_owned(), model: ModelId::new("m"), choice: Choice::default() };
    let expected = CompletionRequest {
        form: Form::Chat,
        wanted,
        prompt: Prompt::user("hi"),
        sampling,
        stream: false,
        include_usage: false,
        timeout: None,
        precommit_timeout: None,
        reference: None,
    };
    assert_eq!(request, expected);
}

#[test]
fn a_model_may_name_its_precision() {
    use Preference::{Any, CostEffective, HighAccuracy};
    for (name, model, preference, exact) in [
        ("smollm2:f16", "smollm2", Any, Some(Precision::F16)),
        ("smollm2:Q4_K", "smollm2", Any, Some(Precision::Q4K)),
        ("smollm2:high-accuracy", "smollm2", HighAccuracy, None),
        ("smollm2:cost-effective", "smollm2", CostEffective, None),
        ("smollm2:latest", "smollm2:latest", Any, None),
        ("smollm2", "smollm2", Any, None),
    ] {
        let Wanted { model: read, choice, .. } = ask(json!({"model": name})).unwrap().wanted;
        assert_eq!((read.as_str(), choice.preference, choice.exact), (model, preference, exact));
    }
    for field in ["high_accuracy", "f16"] {
        let by_field = ask(json!({"precision": field})).unwrap().wanted.choice;
        let suffix = field.replace('_', "-");
        assert_eq!(by_field, ask(json!({"model": format!("m:{suffix}")})).unwrap().wanted.choice);
    }
}

#[test]
fn the_network_s_form_has_three_kinds_of_prompt() {
    let chat = |messages: &[(Role, &str)]| {
        let message = |(role, content): &(Role, &str)| ChatMessage { role: *role, content: (*content).to_owned() };
        Prompt::Chat { messages: messages.iter().map(message).collect() }
    };
    for (changes, prompt) in [
        (json!({}), chat(&[(Role::User, "hi")])),
        (json!({"prompt_type": 0, "prompt_template": ""}), chat(&[(Role::User, "hi")])),
        (json!({"prompt_type": 1}), Prompt::Text { text: "hi".to_owned() }),
        (
            json!({"prompt_type": 2, "prompt_template": "be brief"}),
            chat(&[(Role::System, "be brief"), (Role::User, "hi")]),
        ),
    ] {
        let asked = ask_in(Form::Network, Some(&sold(json!({}))), changes).unwrap();
        assert_eq!(asked.prompt, prompt);
    }
}

#[test]
fn a_session_fixes_the_model_and_its_precision_but_not_the_fallback() {
    let terms = sold(json!({"precision": "high_accuracy", "fallback": "quantized"}));
    for (changes, fallback) in [
        (json!({"model": null}), Some(Fallback::Quantized)),
        (json!({"model": "default"}), Some(Fallback::Quantized)),
        (json!({"fallback": "none"}), None),
        (json!({"model": "m:high-accuracy", "fallback": "low_end"}), Some(Fallback::LowEnd)),
    ] {
        let wanted = ask_in(Form::Network, Some(&terms), changes).unwrap().wanted;
        assert_eq!((wanted.model.as_str(), wanted.choice.preference), ("m", Preference::HighAccuracy));
        assert_eq!((wanted.choice.fallback, wanted.choice.sla), (fallback, Some(Sla::Low)));
    }
    for changes in [json!({"model": "other"}), json!({"precision": "any"}), json!({"model": "m:q4_0"})] {
        let refused = ask_in(Form::Network, Some(&terms), changes).unwrap_err();
        assert!(matches!(refused, Problem::BadRequest { code: "fixed_by_session", .. }), "{refused}");
    }
}

#[test]
fn wrong_fields_of_a_text_request_are_refused_by_name() {
    for (changes, param) in [
        (json!({"prompt": null}), "prompt"),
        (json!({"prompt": ""}), "prompt"),
        (json!({"prompt": ["a", "b"]}), "prompt"),
        (json!({"prompt_type": 3}), "prompt_type"),
        (json!({"prompt_type": 2}), "prompt_template"),
        (json!({"timeout": 0}), "timeout"),
        (json!({"timeout": 901}), "timeout"),
        (json!({"precommit_timeout": "soon"}), "precommit_timeout"),
        (json!({"client_reference": 5}), "client_reference"),
        (json!({"client_reference": "x".repeat(257)}), "client_reference"),
        (json!({"logprobs": 5}), "logprobs"),
        (json!({"echo": true}), "echo"),
        (json!({"suffix": "x"}), "suffix"),
        (json!({"best_of": 2}), "best_of"),
    ] {
        let Err(Problem::BadRequest { param: Some(named), .. }) =
            ask_in(Form::Network, Some(&sold(json!({}))), changes.clone())
        else {
            panic!("not refused: {changes}")
        };
        assert_eq!(named, param, "{changes}");
    }
}

#[test]
fn wrong_fields_are_refused_by_name() {
    for (changes, param) in [
        (json!({"model": null}), "model"),
        (json!({"model": 3}), "model"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": "hi"}), "messages"),
        (json!({"messages": [{"role": "wizard", "content": "hi"}]}), "messages"),
        (json!({"messages": [{"content": "hi"}]}), "messages"),
        (json!({"messages": [{"role": "user", "content": null}]}), "messages"),
        (json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}), "messages"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"max_tokens": 1.5}), "max_tokens"),
        (json!({"max_tokens": "10"}), "max_tokens"),
        (json!({"max_completion_tokens": 0}), "max_completion_tokens"),
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": 0}), "top_p"),
        (json!({"top_p": 1.01}), "top_p"),
        (json!({"top_k": -2}), "top_k"),
        (json!({"presence_penalty": -3}), "presence_penalty"),
        (json!({"frequency_penalty": 3}), "frequency_penalty"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": ""}), "stop"),
        (json!({"stop": [1]}), "stop"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"n": 2}), "n"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"stream_options": true}), "stream_options"),
        (json!({"tools": [{}]}), "tools"),
        (json!({"logit_bias": {"1": 2}}), "logit_bias"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
        (json!({"precision": "best"}), "precision"),
        (json!({"precision": "f16", "model": "m:q4_0"}), "precision"),
        (json!({"fallback": "low_end"}), "fallback"),
    ] {
        let Err(Problem::BadRequest { param: Some(named), .. }) = ask(changes.clone()) else {
            panic!("not refused: {changes}")
        };
        assert_eq!(named, param, "{changes}");
    }
}

#[test]
fn what_is_not_a_json_object_is_refused() {
    for body in ["", "{", "[]", "\"text\"", "nonsense", "{\"model\": \"m\",}"] {
        let refused = object(body.as_bytes()).unwrap_err();
        assert!(matches!(refused, Problem::BadRequest { code: "invalid_json", .. }), "{body}");
    }
}

#[test]
fn everything_that_is_served_is_taken_over() {
    let request = ask(json!({
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ],
        "max_tokens": 5, "max_completion_tokens": 7, "temperature": 0, "top_p": 0.5, "top_k": 40, "seed": 1,
        "presence_penalty": -2, "frequency_penalty": 2, "stop": "x", "logprobs": true, "top_logprobs": 3,
        "stream": true, "stream_options": {"include_usage": true}, "n": 1, "tools": [], "user": "someone",
    }))
    .unwrap();
    let sampling = Sampling {
        max_tokens: 7,
        temperature: 0.0,
        top_p: Some(0.5),
        top_k: Some(40),
        presence_penalty: -2.0,
        frequency_penalty: 2.0,
        stop: vec!["x".to_owned()],
        top_logprobs: Some(3),
    };
    assert_eq!(request.sampling, sampling);
    assert!(request.stream && request.include_usage);
    let Prompt::Chat { messages } = request.prompt else { panic!("a conversation") };
    assert_eq!((messages[0].role, messages[1].content.as_str()), (Role::System, "ab"));
}

#[test]
fn a_client_that_asks_for_too_many_tokens_gets_the_most_there_are() {
    let most = Policy::default().most_answer_tokens;
    assert_eq!(ask(json!({"max_tokens": 1_000_000})).unwrap().sampling.max_tokens, most);
}
