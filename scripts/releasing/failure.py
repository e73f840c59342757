"""How scripts/release ends when something is wrong."""

import sys
from typing import NoReturn


def fail(message: str, hint: str) -> NoReturn:
    sys.exit(f"error: {message}\nhint: {hint}")
