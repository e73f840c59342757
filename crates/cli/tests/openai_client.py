"""What a user's program does: the official OpenAI client, pointed at the router. Arguments: base URL, API key."""

import sys

from openai import APIStatusError, OpenAI

base_url, api_key = sys.argv[1:3]
client = OpenAI(base_url=base_url, api_key=api_key, max_retries=0)

models = [model.id for model in client.models.list()]
assert "smollm2-135m-instruct" in models, models

question = [{"role": "user", "content": "What is the capital of France?"}]
answer = client.chat.completions.create(model=models[0], messages=question, max_tokens=24, temperature=0)
text = answer.choices[0].message.content
assert text.strip(), "an empty answer"  # which precision answers, and so what it knows, is for the planner to choose
assert answer.usage.completion_tokens > 0 and answer.usage.prompt_tokens > 0

pieces, finish = [], None
stream = client.chat.completions.create(
    model=models[0], messages=question, max_tokens=24, temperature=0, stream=True, stream_options={"include_usage": True}
)
for chunk in stream:
    for choice in chunk.choices:
        pieces.append(choice.delta.content or "")
        finish = choice.finish_reason or finish
assert "".join(pieces) == text, (pieces, text)
assert finish in ("stop", "length"), finish

for wrong, status in (({"model": "no-such-model"}, 404), ({"max_tokens": 0}, 400)):
    try:
        client.chat.completions.create(**{"model": models[0], "messages": question, **wrong})
    except APIStatusError as error:
        assert error.status_code == status, error
    else:
        raise AssertionError(f"{wrong} was taken")

try:
    OpenAI(base_url=base_url, api_key="sk-wrong", max_retries=0).models.list()
except APIStatusError as error:
    assert error.status_code == 401, error
else:
    raise AssertionError("a wrong key was taken")
print("openai client: all is well")
