"""Stage the publisher's codebook: its descriptions of datasets and columns, and how they changed.

An entry describes a dataset (its `column_name` is empty) or one of its columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from schemas.incoming.codebook import publisher_codebook_schema
from schemas.source import Source
from schemas.tables.codebook import PUBLISHER_FIELDS
from transforms import revisions
from transforms.dialects import Raw
from transforms.parsing import parse_days
from transforms.staging import Prepared, Staged, finish, prepare
from transforms.vintages import Vintage

KEY = ["dataset_id", "column_name"]
_OF_A_COLUMN = ["definition", "format", "attributes"]


def _reject_unusable(ready: Prepared) -> None:
    """Reject definitions without a column name, and duplicate entries: it is unknown which of them is valid."""
    rows = ready.rows
    ready.reject(
        rows["column_name"].isna() & rows[_OF_A_COLUMN].notna().any(axis=1),
        "column_name",
        "nameless_definition",
        lambda bad: "column_name: expected the name of the column that is defined, got nothing in " + bad["dataset_id"],
    )
    ready.reject(
        ready.rows.duplicated(KEY, keep=False),
        "column_name",
        "doubled_key",
        lambda bad: (
            "column_name: expected one description of "
            + (bad["dataset_id"] + " " + bad["column_name"].fillna("")).str.strip()
            + ", got several that differ"
        ),
    )


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot: one row per entry. An unreadable date of last update is missing and a signal.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, publisher_codebook_schema(declared.bounds, vintage), declared)
    _reject_unusable(ready)
    printed = ready.rows["last_update_date"]
    days = parse_days(printed, raw.dialect)
    ready.signal("unreadable_date", printed[printed.notna() & days.isna()])
    columns = [*KEY, *PUBLISHER_FIELDS]
    tidy = ready.rows[columns].astype("str").assign(last_update_date=days)
    tidy["column_name"] = tidy["column_name"].fillna("")
    nothing = pd.Series(pd.NaT, index=tidy.index, dtype="datetime64[us]")  # a codebook covers no period
    return finish(raw, ready, tidy, (nothing, nothing))


def newest_and_revised(vintages: Sequence[Vintage]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every published entry in its newest wording (KEY, PUBLISHER_FIELDS, last_update_date, first_seen, last_seen,
    origin), and the changed texts (KEY, field, old_value, new_value, from_vintage, to_vintage).

    The date of last update is not tracked.
    """
    dates = pd.concat([vintage.rows() for vintage in vintages])[[*revisions.ORIGIN, "last_update_date"]]
    history = revisions.states([_with_entry_key(vintage) for vintage in vintages], "entry")
    newest = revisions.newest(history).merge(dates, on=revisions.ORIGIN, how="left", validate="1:1")
    revised = revisions.revisions(history, "entry", PUBLISHER_FIELDS)
    return newest, revised.merge(newest[["entry", *KEY]], on="entry", how="left")


def _with_entry_key(vintage: Vintage) -> Vintage:
    """A vintage with one key column, `entry`. Names have no line breaks, so the key is unique."""
    rows = vintage.staged.rows.drop(columns="last_update_date")
    return replace(
        vintage, staged=replace(vintage.staged, rows=rows.assign(entry=rows["dataset_id"] + "\n" + rows["column_name"]))
    )
