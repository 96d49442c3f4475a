"""The content of a publisher's file, read without the pipeline's code."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from soak.publishers import STATES, Content


def decoded(source: str, body: bytes) -> Content:
    """The rows of a file. Raises for one that is not of a known form."""
    text = body.decode("utf-8-sig")
    rows = json.loads(text) if text.lstrip()[:1] == "[" else list(csv.DictReader(io.StringIO(text)))
    return frozenset(
        _DECODE[source]({name.casefold().replace(" ", "_"): cell for name, cell in row.items()}) for row in rows
    )


def _iso_day(cell: Any) -> str:
    return cell if isinstance(cell, str) else datetime.fromtimestamp(cell / 1000, UTC).date().isoformat()


_NAMES = {name: iso3 for iso3, (name, _) in STATES.items()}
_DECODE = {
    "fatalities": lambda row: (
        row["casualty_id"], _iso_day(row["incident_date"]), row["mission_acronym"], _NAMES[row["casualty_nationality"]],
        row["casualty_personnel_type"], row["type_of_incident"], row.get("gender", "?"),
    ),
    "uniformed_personnel": lambda row: (
        _iso_day(row["last_reporting_date"]), row["mission_acronym"], _NAMES[row["contributing_country"]],
        row["personnel_type"], int(row["female_personnel"]), int(row["male_personnel"]),
    ),
    "assessed_contributions": lambda row: (
        int(row["calendar_year"]), _NAMES[row["government_donor"]],
        int((row.get("amount") or row["usd_amount"]).replace(" ", "")),
    ),
}  # fmt: skip
