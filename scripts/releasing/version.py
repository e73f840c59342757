"""Which version is released, and which of two is newer."""

import pathlib
import re

from releasing.failure import fail

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NUMBER = r"(0|[1-9][0-9]*)"
PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(?:-({PART}(?:\.{PART})*))?")


def workspace_version() -> str:
    return re.search(r'^\[workspace\.package\][^\[]*?^version = "(.+?)"', (ROOT / "Cargo.toml").read_text(), re.M | re.S)[1]


def order(version: str) -> tuple:
    """What versions are compared by, as semver has it: a pre-release is older than its version, numbers are older than words."""
    match = VERSION.fullmatch(version)
    if not match:
        fail(f"'{version}' is not a version", "write it like 0.2.0, or like 0.2.0-beta.1")
    numbers = tuple(map(int, match.groups()[:3]))
    parts = match[4].split(".") if match[4] else []
    return numbers, not parts, [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
