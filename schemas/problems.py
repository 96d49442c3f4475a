"""Problems that the checks of a file report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """A failed check of a file.

    check    name of the check, by which a person can accept the file
    refuses  whether the file is refused; otherwise the problem is a warning
    text     expected and actual values, in a sentence
    """

    check: str
    refuses: bool
    text: str


def beyond(value: float, bound: Mapping[str, Any]) -> bool | None:
    """Compare a value with a bound: True above `refuse`, False above `warn` only, None within both."""
    if value > bound.get("refuse", float("inf")):
        return True
    return False if value > bound.get("warn", float("inf")) else None


def outside(value: float, bound: Mapping[str, Any]) -> bool | None:
    """Compare a value with a range: True outside `refuse`, False outside `warn` only, None within both."""
    for name, refuses in (("refuse", True), ("warn", False)):
        limits = bound.get(name)
        if limits and not limits["min"] <= value <= limits["max"]:
            return refuses
    return None


def problems_if(refuses: bool | None, check: str, text: str) -> list[Problem]:
    """A list with the problem, or empty if `beyond` or `outside` returned None."""
    return [] if refuses is None else [Problem(check, refuses, text)]


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without the full stop. DuckDB adds the statement and a caret below it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
