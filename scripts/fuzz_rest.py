"""What schemathesis is told for `scripts/fuzz-rest`: which model there is, and which server errors are meant."""

import json
import zlib

import schemathesis

MODEL = "simulated"
# docs/sessions.md, "Errors": the router is well, the network cannot serve the request now.
DELIBERATE = {
    503: {"no_capable_node", "too_few_nodes", "no_node", "nodes_lost", "not_written", "stopping"},
    504: {"timed_out"},
}


def chance(value):
    """A number from 0 to 99 that is always the same for the same value, so that a case can be repeated."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=repr).encode()) % 100


@schemathesis.hook
def map_body(context, body):
    """Names the model that is there most of the time: what goes no further than an unknown one is soon known."""
    if isinstance(body, dict) and isinstance(body.get("model"), str) and chance(body) < 80:
        suffix = body["model"].rpartition(":")[2] if ":" in body["model"] else ""
        body["model"] = f"{MODEL}:{suffix}" if suffix in {"high-accuracy", "cost-effective", "q8_0"} else MODEL
    return body


@schemathesis.hook
def map_path_parameters(context, parameters):
    """Some of the sessions and requests that are there."""
    lot = chance(parameters)
    for name in {"sid", "tid", "kid"} & set(parameters or {}):
        if lot < 70:
            parameters[name] = lot % 5 + 1
    return parameters


@schemathesis.check
def only_deliberate_server_errors(context, response, case):
    """No other one than those."""
    if response.status_code < 500:
        return
    try:
        code = response.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    assert code in DELIBERATE.get(response.status_code, set()), f"{response.status_code} {code}: {response.text[:300]}"
