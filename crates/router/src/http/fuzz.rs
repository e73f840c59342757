//! The bodies of requests, up to where the database would be asked.

use std::time::Duration;

use cortensor_protocol::{AuditClaim, AuditReport};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::audits;
use crate::{
    fuzz::{Almost, LONGEST_ERROR},
    policy::Policy,
    rules::{
        price::most_cost,
        problem::Problem,
        request::{CompletionRequest, Form, object, parse, session_id},
        session::{NewSession, Terms, deposit, label, new_session},
    },
};

/// Most of a session that is kept in the database.
const LARGEST_TERMS: usize = 16 << 10;

fn completions() -> Vec<Value> {
    vec![
        json!({"model": "m", "messages": [{"role": "system", "content": "be brief"}, {"role": "user",
            "content": [{"type": "text", "text": "hi"}]}], "max_tokens": 8, "temperature": 0.5, "top_p": 0.9, "top_k": 40,
            "presence_penalty": 1, "frequency_penalty": -1, "stop": ["a", "b"], "logprobs": true, "top_logprobs": 2}),
        json!({"model": "m:high-accuracy", "precision": "high_accuracy", "fallback": "low_end", "task_class": "basic",
            "messages": [{"role": "user", "content": "hi"}], "stream": true, "stream_options": {"include_usage": true},
            "n": 1, "tools": [], "response_format": {"type": "text"}, "max_completion_tokens": 8}),
        json!({"model": "m:q8_0", "prompt": ["once"], "max_tokens": 8, "stop": "a", "echo": false, "logprobs": null}),
        json!({"session_id": 1, "prompt": "hi", "prompt_type": 2, "prompt_template": "be brief", "timeout": 60,
            "precommit_timeout": 30, "client_reference": "r", "stream": false}),
    ]
}

fn sessions() -> Vec<Value> {
    vec![
        json!({"name": "n", "metadata": "{}", "min_nodes": 1, "max_nodes": 5, "redundant": 2, "validator_nodes": 1,
            "mode": 0, "reserve_ephemeral_nodes": true, "sla": 2, "model": "m", "precision": "cost_effective",
            "fallback": "full_precision", "task_class": "general", "reserve_period": 300, "max_task_count": 5,
            "deposit": "2.5", "label": "l"}),
        json!({"model_identifier": "m:f16", "deposit": "1"}),
        json!({"key": "january", "amount": "2.5"}),
    ]
}

fn audits() -> Vec<Value> {
    vec![
        json!({"held": ["07".repeat(32)]}),
        json!({"engine": "e 1", "found": "margins", "margins": [0.0, 0.5]}),
        json!({"engine": "e 1", "found": "not_held"}),
        json!({"engine": "e 1", "found": "unusable", "message": "too long"}),
    ]
}

fn fields(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn terms(policy: &Policy) -> Terms {
    new_session(fields(&sessions()[0]), policy).unwrap().terms
}

#[test]
fn the_real_bodies_are_real() {
    let policy = Policy::default();
    let [chat, chosen, text, network] = &completions()[..] else { panic!("four") };
    for (form, body) in [(Form::Chat, chat), (Form::Chat, chosen), (Form::Text, text)] {
        parse(form, fields(body), None, &policy).unwrap();
    }
    parse(Form::Network, fields(network), Some(&terms(&policy)), &policy).unwrap();
    new_session(fields(&sessions()[1]), &policy).unwrap();
    deposit(fields(&sessions()[2])).unwrap();
    read::<AuditClaim>(audits()[0].to_string().as_bytes()).unwrap();
    for report in &audits()[1..] {
        read::<AuditReport>(report.to_string().as_bytes()).unwrap();
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    audits::decode(body).map_err(|error| error.to_string())
}

/// Says no in few words.
fn refused(problem: &Problem) {
    let said = problem.to_string();
    assert!(said.len() <= LONGEST_ERROR, "{} bytes: {:.200}", said.len(), said);
}

#[test]
fn whatever_is_asked_is_read_or_refused() {
    let (real, policy) = (completions(), Policy::default());
    let terms = terms(&policy);
    bolero::check!().with_type::<Almost>().for_each(|almost| {
        let object = match object(&almost.of(&real)) {
            Ok(object) => object,
            Err(problem) => return refused(&problem),
        };
        if let Err(problem) = session_id(&object) {
            refused(&problem);
        }
        for form in [Form::Chat, Form::Text, Form::Network] {
            for terms in [None, Some(&terms)] {
                match parse(form, &object, terms, &policy) {
                    Ok(request) => served(&request, &policy),
                    Err(problem) => refused(&problem),
                }
            }
        }
    });
}

/// What the rest of the router relies on.
fn served(request: &CompletionRequest, policy: &Policy) {
    let sampling = &request.sampling;
    assert!((1..=policy.most_answer_tokens).contains(&sampling.max_tokens));
    assert!((0.0..=2.0).contains(&sampling.temperature));
    assert!(sampling.top_p.is_none_or(|top_p| top_p > 0.0 && top_p <= 1.0));
    assert!(sampling.top_k.is_none_or(|top_k| top_k > 0));
    assert!(sampling.top_logprobs.is_none_or(|top| top <= 20));
    assert!(sampling.stop.len() <= 4 && sampling.stop.iter().all(|stop| (1..=256).contains(&stop.len())));
    assert!(request.wanted.name.len() <= LONGEST_ERROR, "a name that errors say back");
    assert!(request.timeout.is_none_or(|timeout| timeout <= Duration::from_secs(900)));
    most_cost(&policy.prices(), request.wanted.choice, &request.prompt, sampling.max_tokens);
}

#[test]
fn whatever_session_is_wanted_is_sold_or_refused() {
    let (real, policy) = (sessions(), Policy::default());
    bolero::check!().with_type::<Almost>().for_each(|almost| {
        let Ok(object) = object(&almost.of(&real)) else { return };
        match new_session(&object, &policy) {
            Ok(NewSession { terms, .. }) => {
                let kept = serde_json::to_string(&terms).unwrap();
                assert!(kept.len() <= LARGEST_TERMS, "{} bytes of terms", kept.len());
                assert_eq!(serde_json::from_str::<Terms>(&kept).unwrap(), terms);
            }
            Err(problem) => refused(&problem),
        }
        if let Err(problem) = deposit(&object).map(drop).and_then(|()| label(&object).map(drop)) {
            refused(&problem);
        }
    });
}

#[test]
fn whatever_a_validator_says_is_read_or_refused() {
    let real = audits();
    bolero::check!().with_type::<Almost>().for_each(|almost| {
        let body = almost.of(&real);
        if let Err(said) = read::<AuditClaim>(&body) {
            assert!(said.len() <= LONGEST_ERROR, "{said:.200}");
        }
        match read::<AuditReport>(&body) {
            Ok(report) => {
                let written = serde_json::to_string(&report).unwrap();
                assert_eq!(serde_json::from_str::<AuditReport>(&written).unwrap(), report);
            }
            Err(said) => assert!(said.len() <= LONGEST_ERROR, "{said:.200}"),
        }
    });
}
