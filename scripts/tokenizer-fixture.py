#!/usr/bin/env python3
"""Records the token ids that llama.cpp gives for our corpus, which the tokenizer tests compare with.

    scripts/tokenizer-fixture.py path/to/llama-tokenize path/to/model.gguf

The corpus has texts and conversations. Texts are encoded without looking for special tokens. Conversations are put into
the chat template of SmolLM2 here, and special tokens are looked for.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "crates/models/tests/fixtures"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def token_ids(tool, model, text, *options):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        command = [tool, "-m", model, "-f", file.name, "--ids", "--log-disable", "--no-escape", *options]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def conversation(messages):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    turns = (f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n" for message in messages)
    return "".join(turns) + "<|im_start|>assistant\n"


def main(tool, model):
    corpus = json.loads((FIXTURES / "tokenizer-corpus.json").read_text())
    recorded = {
        "texts": [token_ids(tool, model, text, "--no-parse-special") for text in corpus["texts"]],
        "chats": [token_ids(tool, model, conversation(messages)) for messages in corpus["chats"]],
    }
    lines = (f' "{kind}": [\n  ' + ",\n  ".join(map(json.dumps, cases)) + "\n ]" for kind, cases in recorded.items())
    (FIXTURES / "smollm-ids.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
