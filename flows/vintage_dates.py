"""Vintages as people write them on the command line."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime


class WrongDate(ValueError):
    """The text is no vintage."""


def parse_vintage(text: str) -> date:
    """A publication date, YYYY-MM-DD, or YYYY-MM, which means the month's last day (today in this month).

    Raises WrongDate, also for a day to come.
    """
    today = datetime.now(UTC).date()
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            year, month = int(text[:4]), int(text[5:])
            found = date(year, month, calendar.monthrange(year, month)[1])
            found = today if (year, month) == (today.year, today.month) else found
        else:
            found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except (ValueError, calendar.IllegalMonthError):
        raise WrongDate(f"A vintage is a date, YYYY-MM-DD or YYYY-MM, got {text!r}.") from None
    if found > today:
        raise WrongDate(f"The vintage {found} lies in the future.")
    return found
