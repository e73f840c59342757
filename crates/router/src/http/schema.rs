//! The bodies of requests, for the `OpenAPI` document. What they mean is read in `rules::request` and `rules::session`.

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr, Schema,
        schema::{ArrayBuilder, SchemaType, Type},
    },
};

/// What a field may hold.
enum Kind {
    Text,
    Word(&'static [&'static str]),
    Whole(i64, i64),
    Number(f64, f64),
    Flag,
    Messages,
    Stops,
    Nested(Box<Object>),
}

use Kind::{Flag, Messages, Nested, Number, Stops, Text, Whole, Word};

/// Name, what it may hold, what it means.
type Field = (&'static str, Kind, &'static str);

const ANY_NUMBER: i64 = 4_294_967_295;

fn sampling() -> Vec<Field> {
    vec![
        ("max_tokens", Whole(1, ANY_NUMBER), "Most tokens of the answer"),
        ("temperature", Number(0.0, 2.0), "0 is greedy: always the likeliest token"),
        ("top_p", Number(0.0, 1.0), "Above 0: the smallest set of tokens whose probabilities add up to this"),
        ("top_k", Whole(-1, ANY_NUMBER), "This many likeliest tokens; 0 and -1: all"),
        ("presence_penalty", Number(-2.0, 2.0), "Against tokens that occurred"),
        ("frequency_penalty", Number(-2.0, 2.0), "Against tokens for each time they occurred"),
        ("stop", Stops, "Texts that end the answer"),
        ("stream", Flag, "Server-sent events instead of one answer"),
        ("timeout", Whole(1, 900), "Seconds until the whole answer must be there"),
        (
            "precommit_timeout",
            Whole(1, 900),
            "Seconds from a node's taking the task until it must be bound to its answer",
        ),
        ("client_reference", Text, "The client's own name for the request, kept with it"),
    ]
}

fn choice() -> Vec<Field> {
    vec![
        (
            "precision",
            Text,
            "cost_effective, high_accuracy, any, or a format of weights such as f16; also as a suffix of the model's name, `m:high-accuracy`",
        ),
        (
            "fallback",
            Word(&["low_end", "quantized", "full_precision", "none"]),
            "What may serve instead where nothing as asked for is there",
        ),
        ("task_class", Word(&["general", "basic"]), "basic: classification and the like, to low-end nodes first"),
    ]
}

fn object(required: &[&str], fields: impl IntoIterator<Item = Field>) -> Object {
    let mut object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object));
    for (name, kind, description) in fields {
        object = object.property(name, kind.schema(description));
    }
    required.iter().fold(object, |object, name| object.required(*name)).build()
}

impl Kind {
    fn schema(self, description: &str) -> RefOr<Schema> {
        let of = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind)).description(Some(description));
        match self {
            Text => of(Type::String).into(),
            Word(words) => of(Type::String).enum_values(Some(words.iter().copied())).into(),
            Whole(least, most) => of(Type::Integer).minimum(Some(least)).maximum(Some(most)).into(),
            Number(least, most) => of(Type::Number).minimum(Some(least)).maximum(Some(most)).into(),
            Flag => of(Type::Boolean).into(),
            Messages => list(message(), description),
            Nested(object) => (*object).into(),
            Stops => list(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build(), description),
        }
    }
}

fn list(items: Object, description: &str) -> RefOr<Schema> {
    ArrayBuilder::new().items(items).description(Some(description)).into()
}

fn message() -> Object {
    let fields = [("role", Word(&["system", "user", "assistant"]), "Who says it"), ("content", Text, "What is said")];
    object(&["role", "content"], fields)
}

macro_rules! body {
    ($name:ident, $required:expr, $fields:expr, $example:expr) => {
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let mut schema = object(&$required, $fields);
                schema.examples = vec![$example];
                schema.into()
            }
        }

        impl ToSchema for $name {}
    };
}

body!(
    ChatBody,
    ["model", "messages"],
    [
        ("model", Text, "The model, with what is chosen of it behind a colon"),
        ("messages", Messages, "The conversation, oldest first"),
        ("session_id", Whole(1, i64::MAX), "The session that pays; a session's own key needs none"),
        ("logprobs", Flag, "Log-probabilities of the answer's tokens"),
        ("top_logprobs", Whole(0, 20), "Of this many likeliest tokens at each place"),
    ]
    .into_iter()
    .chain(choice())
    .chain(sampling()),
    json!({"model": "m:cost-effective", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 32})
);

body!(
    CompletionBody,
    ["model", "prompt"],
    [
        ("model", Text, "The model, with what is chosen of it behind a colon"),
        ("prompt", Text, "The text to continue, as it is"),
        ("session_id", Whole(1, i64::MAX), "The session that pays; a session's own key needs none"),
    ]
    .into_iter()
    .chain(choice())
    .chain(sampling()),
    json!({"model": "m", "prompt": "Once upon a time", "max_tokens": 32})
);

body!(
    NetworkBody,
    ["prompt"],
    [
        ("session_id", Whole(1, i64::MAX), "The session, if the address does not say it"),
        ("prompt", Text, "What is asked"),
        ("prompt_type", Whole(0, 2), "0 the model's own chat form, 1 as it is, 2 with `prompt_template` before it"),
        ("prompt_template", Text, "Instructions, for `prompt_type` 2"),
        ("model", Text, "The session's own; may be left out"),
    ]
    .into_iter()
    .chain(choice().into_iter().skip(1))
    .chain(sampling()),
    json!({"session_id": 1, "prompt": "Hello", "prompt_type": 0, "max_tokens": 32, "timeout": 60})
);

body!(
    CreateBody,
    ["model"],
    [
        ("name", Text, "For people"),
        ("metadata", Text, "The owner's own notes"),
        ("model", Text, "The model; `model_identifier` is the same"),
        ("min_nodes", Whole(1, 1000), "Default 1"),
        ("max_nodes", Whole(1, 1000), "Default 3"),
        ("redundant", Whole(1, 16), "Different nodes that answer each request; default 1"),
        ("validator_nodes", Whole(0, 1000), "1 or more: validators look at every greedy answer; default 0"),
        ("mode", Whole(0, 2), "0 ephemeral; 1 hybrid and 2 dedicated are not sold by this router"),
        (
            "reserve_ephemeral_nodes",
            Flag,
            "Nodes that served the session are set aside for it for `reserve_period`, at most `max_nodes`"
        ),
        ("sla", Whole(0, 2), "0 low, 1 medium, 2 high: among equals the nearest level"),
        ("reserve_period", Whole(0, 86_400), "Seconds after a node's last task; default 300"),
        ("max_task_count", Whole(1, 1000), "Requests at a time; default 5"),
        ("deposit", Text, "Credits to move into the session, such as \"2.5\""),
        ("label", Text, "The name of its first key"),
    ]
    .into_iter()
    .chain(choice()),
    json!({"name": "reports", "model": "m", "precision": "high_accuracy", "fallback": "low_end", "deposit": "2.5"})
);

body!(
    DepositBody,
    ["key", "amount"],
    [
        ("key", Text, "The client's own name for this deposit: sent again with the same one, it is made once"),
        ("amount", Text, "Credits, such as \"2.5\""),
    ],
    json!({"key": "january", "amount": "2.5"})
);

body!(KeyBody, [], [("label", Text, "For people")], json!({"label": "the batch job"}));

body!(
    WithdrawalTermsBody,
    ["network", "ledger", "signer", "final_after_seconds"],
    [
        ("network", Text, "The network's name"),
        ("ledger", Text, "The name of the router's ledger"),
        ("signer", Text, "Address of the key that signs statements"),
        ("final_after_seconds", Whole(0, i64::MAX), "After how many seconds pay is final at the latest"),
    ],
    json!({"network": "practice", "ledger": "9a1b...", "signer": "0x...", "final_after_seconds": 604_800})
);

body!(
    WithdrawalBody,
    ["request", "signature"],
    [
        ("request", Nested(Box::new(object(&["ledger", "node", "payout", "nonce"], request()))), ""),
        ("signature", Text, "EIP-191 signature of the request's text by the node's key"),
    ],
    json!({
        "request": {"ledger": "9a1b...", "node": "0x...", "payout": "0x...", "amount": null, "nonce": "0190..."},
        "signature": "0x..."
    })
);

fn request() -> [Field; 5] {
    [
        ("ledger", Text, "The name of the router's ledger"),
        ("node", Text, "Address of the node"),
        ("payout", Text, "Address that the pay goes to"),
        ("amount", Text, "Base units (10^-18 credit); left out or null: all that can be withdrawn"),
        ("nonce", Text, "A UUID: the node's name for this withdrawal, which is made once"),
    ]
}

body!(
    StatementBody,
    ["statement", "signature"],
    [
        ("statement", Nested(Box::new(object(&[], statement()))), ""),
        ("signature", Text, "EIP-191 signature of the statement's text by the router's key"),
    ],
    json!({"statement": {"what": "practice credits, ...", "amount": "1000000000000000"}, "signature": "0x..."})
);

fn statement() -> [Field; 11] {
    [
        ("what", Text, "What the amounts are: practice credits, which have no value"),
        ("network", Text, "The network's name"),
        ("ledger", Text, "The name of the router's ledger"),
        ("node", Text, "Address of the node"),
        ("payout", Text, "Address that the pay goes to"),
        ("amount", Text, "Base units (10^-18 credit)"),
        ("total", Text, "What the node has withdrawn so far, in base units"),
        ("at", Whole(0, i64::MAX), "Milliseconds since 1970, by the router's clock"),
        ("transfer", Whole(1, i64::MAX), "The line in the router's ledger"),
        ("nonce", Text, "The node's name for the withdrawal"),
        ("signer", Text, "Address of the router's key"),
    ]
}

/// An error, as every route tells it.
pub(super) struct ErrorBody;

impl PartialSchema for ErrorBody {
    fn schema() -> RefOr<Schema> {
        let fields = [
            ("message", Text, "What is wrong and what to do"),
            ("type", Text, "The kind of error"),
            ("code", Text, "For programs"),
        ];
        let error = object(&["message", "type", "code"], fields);
        ObjectBuilder::new().property("error", error).required("error").into()
    }
}

impl ToSchema for ErrorBody {}
