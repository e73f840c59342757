"""What llama.cpp's `llama-perplexity` says of a model file, for the measurements that hold ours against it."""

import os
import pathlib
import re
import subprocess
import sys
import time


def run(program: pathlib.Path, *arguments: str) -> str:
    """What it prints, and behind that how many tokens a second it scored."""
    command = [str(program), "-c", "512", "-t", str(os.cpu_count()), *arguments]
    said, begun, windows = [], 0.0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as running:
        for line in running.stdout:
            said.append(line)
            if found := re.search(r"(?:computing|calculating perplexity) over (\d+) chunks", line):
                begun, windows = time.monotonic(), int(found.group(1))
    seconds = time.monotonic() - begun
    if running.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{''.join(said)[-2000:]}")
    if windows == 0:
        sys.exit("error: llama-perplexity does not say over how many chunks; its output has changed")
    return "".join(said) + f"\nscored {windows * 512 / seconds:.1f} tokens per second\n"


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"error: llama-perplexity does not say {pattern!r}; its output has changed")
    return float(found.group(1))


def throughput(text: str) -> float:
    return number(r"scored ([\d.]+) tokens per second", text)


def keep_reference(program: pathlib.Path, model: pathlib.Path, text: pathlib.Path, base: str) -> dict[str, float]:
    """Scores the reference and keeps its distributions in `base`, as 16-bit steps of log-probabilities."""
    said = run(program, "-m", str(model), "-f", str(text), "--kl-divergence-base", base)
    return {"perplexity": number(r"Final estimate: PPL = ([\d.]+)", said), "throughput": throughput(said)}


def apart(program: pathlib.Path, model: pathlib.Path, base: str) -> dict[str, float]:
    """How far a file is from the reference that was kept in `base`."""
    said = run(program, "-m", str(model), "--kl-divergence-base", base, "--kl-divergence")
    return {
        "perplexity": number(r"Mean PPL\(Q\)\s*:\s*([\d.]+)", said),
        "divergence": number(r"Mean\s+KLD:\s*([\d.]+)", said),
        "same_top": number(r"Same top p:\s*([\d.]+)", said),
        "change": number(r"RMS Δp\s*:\s*([\d.]+)", said),
        "throughput": throughput(said),
    }
