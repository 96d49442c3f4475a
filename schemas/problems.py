"""Problems: what a check of a file found wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """What a check found wrong with a file.

    check    the check's name, by which a person can accept it
    refuses  whether the file is kept out for it; otherwise it is a warning
    text     what was expected and what came, in a sentence
    """

    check: str
    refuses: bool
    text: str


def beyond(value: float, bound: Mapping[str, Any]) -> bool | None:
    """Whether a value is over a bound: True over `refuse`, False over `warn` alone, None within both."""
    if value > bound.get("refuse", float("inf")):
        return True
    return False if value > bound.get("warn", float("inf")) else None


def outside(value: float, bound: Mapping[str, Any]) -> bool | None:
    """Whether a value is outside a range: True outside `refuse`, False outside `warn` alone, None within both."""
    for name, refuses in (("refuse", True), ("warn", False)):
        limits = bound.get(name)
        if limits and not limits["min"] <= value <= limits["max"]:
            return refuses
    return None


def problems_if(refuses: bool | None, check: str, text: str) -> list[Problem]:
    """The problem, where `beyond` or `outside` found one; nothing where they gave None."""
    return [] if refuses is None else [Problem(check, refuses, text)]


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without the full stop. DuckDB adds the statement and a caret below it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
