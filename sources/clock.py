"""The clock that records and vintages are dated by. Tests of many years replace `now`."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
