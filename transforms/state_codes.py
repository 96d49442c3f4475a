"""The codes of states in Gleditsch and Ward's list (gw) and in that of Correlates of War (cow), joined to ISO3 by day.

`data/state_codes_gw_cow.csv` is a copy of the lists: a code is valid in one or more spells. `data/state_codes_iso3.csv`
says which ISO3 code a state of the list has, and from when to when where it changes; `data/states_without_code.csv` why
territories and other entities have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import pandas as pd

from schemas.tables.state_codes import STATE_CODE_GAPS, STATE_CODES, SYSTEMS
from schemas.validate import conform
from transforms.countries import countries_table
from transforms.reference_lists import read_list

FIRST = date(1816, 1, 1)  # the first day of both lists
DAY = timedelta(days=1)
Span = tuple[date, date]  # first and last day; date.max where it goes on


def _span(first: str, last: str) -> Span:
    return date.fromisoformat(first) if first else FIRST, date.fromisoformat(last) if last else date.max


def _gaps(whole: Span, covered: list[Span]) -> Iterator[Span]:
    """The spans of `whole` that none of the spans `covered` has."""
    first, last = whole
    for begins, ends in sorted(covered):
        if first < begins:
            yield first, min(begins - DAY, last)
        if ends == date.max:
            return
        first = max(first, ends + DAY)
    if first <= last:
        yield first, last


def _days(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows with `valid_from` and `valid_until` of their `span`."""
    table = pd.DataFrame(rows)
    first, last = table["span"].str[0], table["span"].str[1]
    return table.assign(valid_from=pd.to_datetime(first), valid_until=pd.to_datetime(last.where(last != date.max)))


@cache
def state_codes_table() -> pd.DataFrame:
    """The table `main.state_codes` (schemas.tables.state_codes)."""
    states: dict[tuple[str, str], list[Any]] = {}
    for row in read_list("state_codes_iso3.csv").itertuples():
        states.setdefault((str(row.system), str(row.code)), []).append(row)
    rows = []
    for spell in read_list("state_codes_gw_cow.csv").itertuples():
        known = {"system": spell.system, "code": int(str(spell.code)), "abbreviation": spell.abbreviation}
        known |= {"name": spell.name, "is_microstate": spell.microstate == "True"}
        whole, covered = _span(str(spell.valid_from), str(spell.valid_to)), []
        for state in states[str(spell.system), str(spell.code)]:
            first, last = _span(state.iso3_from, state.iso3_until)
            part = max(first, whole[0]), min(last, whole[1])
            if part[0] <= part[1]:
                covered.append(part)
                rows.append({**known, "iso3": state.iso3 or None, "span": part, "note": state.note or None})
        rows += [{**known, "iso3": None, "span": part, "note": "no code in ISO 3166"} for part in _gaps(whole, covered)]
    return conform(_days(rows).sort_values(["system", "code", "valid_from"]), STATE_CODES)


@cache
def state_code_gaps_table() -> pd.DataFrame:
    """The table `main.state_code_gaps` (schemas.tables.state_codes)."""
    without = read_list("states_without_code.csv").set_index("iso3")
    known: dict[tuple[str, str], list[Span]] = {}
    codes = state_codes_table()
    coded = codes[codes["iso3"].notna()]
    for system, iso3, first, last in zip(
        coded["system"], coded["iso3"], coded["valid_from"].dt.date, coded["valid_until"].dt.date, strict=True
    ):
        known.setdefault((system, iso3), []).append((first, date.max if pd.isna(last) else last))
    rows = []
    for system in SYSTEMS:
        for iso3 in countries_table()["iso3"]:
            spans = known.get((system, iso3), [])
            for span in _gaps((FIRST, date.max), spans):
                reason = _reason(span, spans) if spans else without["reason"].get(iso3)
                note = None if spans else without["note"].get(iso3)
                rows.append({"system": system, "iso3": iso3, "span": span, "reason": reason, "note": note})
    return conform(_days(rows), STATE_CODE_GAPS)


def _reason(gap: Span, spans: list[Span]) -> str:
    if gap[1] < min(spans)[0]:
        return "before_first_day"
    return "after_last_day" if gap[0] > max(last for _, last in spans) else "between_spells"
