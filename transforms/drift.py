"""Drift: how a vintage's rows differ from those of the vintages published just before and after it.

A list that shrinks or grows all at once, or lacks what the vintage before and the one after both have, is rather a
broken reply than news. What only the vintage before has may have been withdrawn: that is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from schemas.validate import ContractError

EXAMPLES = 3


@dataclass(frozen=True)
class Neighbour:
    """A vintage published before or after the one that is judged: tidy rows of the same series."""

    vintage: date
    rows: pd.DataFrame


def require_like_neighbours(
    rows: pd.DataFrame,
    before: Neighbour | None,
    after: Neighbour | None,
    *,
    key: Sequence[str],
    period: str | None,
    bounds: Mapping[str, float],
) -> list[str]:
    """Hold a vintage's tidy rows against its neighbours in publication order, where there are any; what wants a look.

    `bounds` are the least and greatest share of an earlier vintage's rows that a later one may have. With `period`
    (a column of the key: month, year) only the periods that both cover are compared.

    Raises ContractError when the number of rows is out of bounds, or when keys are missing that both neighbours have.
    """
    told: list[str] = []
    for neighbour, earlier in ((before, True), (after, False)):
        if neighbour is None:
            continue
        mine, theirs = _common(rows, neighbour.rows, period)
        old, new = (theirs, mine) if earlier else (mine, theirs)
        if len(old) and not bounds["min"] <= len(new) / len(old) <= bounds["max"]:
            where = f" in the {period.replace('_', ' ')}s that both cover" if period else ""
            raise ContractError(
                f"It has {len(mine):,} rows{where}, the vintage of {neighbour.vintage} has {len(theirs):,}: the later "
                f"was expected to have {bounds['min']:g} to {bounds['max']:g} times the rows of the earlier. Part of "
                "it may be missing or doubled; if the publisher means it, widen envelope.against_neighbours."
            )
    if before is None:
        return told
    gone = _missing(rows, before.rows, key, period)
    if after is not None and len(gone):
        both = gone.merge(after.rows[list(key)].drop_duplicates(), on=list(key))
        if len(both):
            raise ContractError(
                f"{len(both):,} rows are not in it that the vintages of {before.vintage} and {after.vintage} both have "
                f"({_examples(both)}). Part of it is missing; get it again."
            )
    if len(gone):
        told.append(f"{len(gone):,} rows of the vintage of {before.vintage} are not in it ({_examples(gone)})")
    return told


def _common(one: pd.DataFrame, other: pd.DataFrame, period: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the periods that both cover; all rows where there are no periods."""
    if period is None:
        return one, other
    return one[one[period].isin(other[period])], other[other[period].isin(one[period])]


def _missing(rows: pd.DataFrame, before: pd.DataFrame, key: Sequence[str], period: str | None) -> pd.DataFrame:
    """The keys of `before` that are not in `rows`."""
    mine, theirs = (frame[list(key)].drop_duplicates() for frame in _common(rows, before, period))
    marked = theirs.merge(mine, on=list(key), how="left", indicator=True)
    return marked.loc[marked["_merge"] == "left_only", list(key)]


def _examples(keys: pd.DataFrame) -> str:
    shown = [", ".join(_text(value) for value in row) for row in keys.head(EXAMPLES).itertuples(index=False)]
    return "; ".join(shown) + ("; …" if len(keys) > EXAMPLES else "")


def _text(value: Any) -> str:
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)
