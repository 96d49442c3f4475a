"""What a check of `doctor` found, and how its values are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

MASK = "(set, not shown)"
_SECRET = re.compile(r"KEY|TOKEN|NOTIFY_URL|SECRET|PASSWORD|AUTH|CREDENTIAL", re.IGNORECASE)

State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """One check: its state, what was found, and what to do where it is not ok."""

    state: State
    what: str
    found: str
    advice: str = ""

    @classmethod
    def of_error(cls, state: State, what: str, error: Exception) -> Finding:
        """An error's first sentence, and the others as advice."""
        first, _, advice = str(error).partition(". ")
        return cls(state, what, first, advice)


def masked(name: str, value: str) -> str:
    """A value without secrets: a secret is hidden, an address loses its credentials and its query."""
    if _SECRET.search(name):
        return MASK
    try:
        parts = urlsplit(value)
        address = parts.netloc.rpartition("@")
    except ValueError:
        return MASK
    if not parts.netloc:
        return MASK if "@" in value else value
    host = f"***@{address[2]}" if address[1] else address[2]
    return urlunsplit((parts.scheme, host, parts.path, "***" if parts.query else "", ""))


def size_text(count: float) -> str:
    """A number of bytes in the largest unit that fits."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
