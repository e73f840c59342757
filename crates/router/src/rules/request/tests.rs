use serde_json::json;

use super::*;

fn ask(changes: Value) -> Result<ChatRequest, Problem> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(changes) = changes else { panic!("an object") };
    body.as_object_mut().unwrap().extend(changes);
    parse(body.to_string().as_bytes(), &Policy::default())
}

#[test]
fn a_bare_request_has_the_documented_defaults() {
    let request = ask(json!({})).unwrap();
    let sampling = Sampling { temperature: 1.0, ..Sampling::greedy(256) };
    let (name, model, prompt) = ("m".to_owned(), ModelId::new("m"), Prompt::user("hi"));
    let expected = ChatRequest { name, model, precision: None, prompt, sampling, stream: false, include_usage: false };
    assert_eq!(request, expected);
}

#[test]
fn a_model_may_name_its_precision() {
    for (name, model, precision) in [
        ("smollm2:f16", "smollm2", Some(Precision::F16)),
        ("smollm2:Q4_K", "smollm2", Some(Precision::Q4K)),
        ("smollm2:latest", "smollm2:latest", None),
        ("smollm2", "smollm2", None),
    ] {
        let request = ask(json!({"model": name})).unwrap();
        assert_eq!((request.model.as_str(), request.precision), (model, precision));
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
        let refused = parse(body.as_bytes(), &Policy::default()).unwrap_err();
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
