"""The templates' settings, and values as a page prints them: a missing value in words, never as a zero."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
NO_DATA = "no data"
MEASURES = {
    "approved_usd": "approved",
    "spent_usd": "spent",
    "accounts_usd": "in the accounts",
    "assessed_gross_usd": "assessed, after credits",
}
STATUSES = {"paid_on_time": "on time", "paid_late": "late, in full", "not_paid_in_full": "not in full"}
COUNTED = ("person", "state", "day", "month", "mission", "row", "column")  # units with a plural

Amount = Decimal | float


def templates(filters: Mapping[str, Any]) -> Environment:
    """The templates of the pages, with these filters. Values are escaped; a missing one is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment


def number(value: int | None) -> str:
    """A count with thousands separators."""
    return NO_DATA if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """A share to a tenth. Values below 0.05 print as `< 0.1 %`."""
    if value is None:
        return NO_DATA
    return "< 0.1 %" if 0 < value < 0.05 else "0 %" if value == 0 else f"{value:.1f} %"


def units(unit: str, figure: str | None) -> str:
    """A unit beside a figure: 1 person, 10 persons; percent, rank and USD have no plural."""
    return f"{unit}s" if unit in COUNTED and figure != "1" else unit


def _step(precision: str | None) -> float | None:
    """To what an amount was rounded where it was printed, in USD; None: to the dollar, or unknown."""
    match = re.match(r"(billion|million)(?:, (\d+) decimals?)?", precision or "")
    return float({"million": 10**6, "billion": 10**9}[match[1]] / 10 ** int(match[2] or 0)) if match else None


def approved(value: Amount, precision: str | None) -> str:
    """An amount in millions of dollars, without decimals that were not printed."""
    return f"{float(value) / 1e6:,.{0 if (_step(precision) or 0) >= 1e6 else 1}f}"


def rounded(precision: str | None) -> str | None:
    """To what an amount was rounded, where that is coarser than the page prints; else None."""
    step = _step(precision)
    return f"printed rounded to {step / 1e6:g} million" if step and step >= 1e6 else None


def millions(value: Amount | None) -> str:
    """An amount in millions of dollars."""
    return NO_DATA if value is None else f"${float(value) / 1e6:,.0f} m"


def dollars(value: Amount | None) -> str:
    """An amount in a sentence."""
    if value is None:
        return NO_DATA
    amount = float(value)
    return f"${amount / 1e9:,.2f} billion" if amount >= 1e9 else f"${amount / 1e6:,.0f} million"


def day(value: date | None) -> str:
    """25 January 2019."""
    return "not known" if value is None else f"{value.day} {value:%B} {value.year}"


def dated(value: date | None, precision: str | None) -> str:
    """A day as exactly as it is known."""
    if value is None or precision not in ("year", "month", "first_of_month"):
        return day(value)
    return str(value.year) if precision == "year" else f"{value:%B} {value.year}"


def incomplete(row: Mapping[str, Any]) -> str:
    """What a period lacks because of rejected rows, from a row of meta.incomplete_periods."""
    period = "the newest snapshot" if row["period"] == "all" else row["period"]
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
        period = day(date.fromisoformat(period))
    rejected = f"{row['rows_rejected']:,} {units('row', str(row['rows_rejected']))} rejected"
    if row["missing"] is None:
        return f"of {period} {rejected}, and what they would add is not known"
    share = "" if row["share_pct"] is None else f" ({percent(row['share_pct'])})"
    return f"{period} lacks about {_missing(row)}{share}, {rejected}"


def _missing(row: Mapping[str, Any]) -> str:
    """The missing part and the complete sum, in the unit of the measure."""
    missing, complete = row["missing"], row["published"] + row["missing"]
    if row["measure"].endswith("_usd"):
        return f"${missing:,.0f} of ${complete:,.0f}"
    if row["measure"].endswith("_pct"):
        return f"{missing:.2f} of {complete:.2f} percent"
    what = "uniformed personnel of all missions" if row["measure"] == "total" else "rows"
    return f"{missing:,.0f} of {complete:,.0f} {what}"


def ordinal(rank: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def level(group: str, discounts: Mapping[str, str]) -> str:
    """A group of levels and what it pays."""
    name = group.replace("|special", " or special").replace("|", " or ").replace("-", "–")
    return f"{name} · {discounts[group]}" if group in discounts else "level not known" if group == "unknown" else name


def measure(name: str) -> str:
    """The name of a measure of a mission's money."""
    return MEASURES[name]


FILTERS: dict[str, Any] = {
    "number": number, "percent": percent, "dollars": dollars, "day": day, "dated": dated, "measure": measure,
    "place": ordinal, "units": units, "approved": approved, "rounded": rounded, "incomplete": incomplete,
    "level": level, "status": STATUSES.__getitem__, "cause": str.capitalize, "host": lambda url: urlsplit(url).netloc,
}  # fmt: skip
