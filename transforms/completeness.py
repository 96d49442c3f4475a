"""Estimate the persons or dollars that a period lacks because rows of it were rejected.

Period, key and figure of a rejected row are read from its valid cells. A figure that can't be read is estimated by that
of the same key in the nearest other period.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from schemas.tables.quality import INCOMPLETE_PERIODS
from schemas.validate import ContractError
from transforms.dialects import Raw
from transforms.neighbours import ROWS, Comparison
from transforms.parsing import parse_numbers, parse_text
from transforms.periods import period_label
from transforms.reading import BROKEN_COLUMNS
from transforms.staging import Staged

INCOMPLETE_COLUMNS = [name for name in INCOMPLETE_PERIODS.columns if name not in ("source", "snapshot_sha256")]
MAX_STAGINGS = 20
MAX_ESTIMATED = 20_000  # rejected rows; a file with more is refused anyway
NO_PERIOD = "all"  # period of a source without periods


@dataclass(frozen=True)
class Salvage:
    """How the readable parts of rejected rows are staged.

    stage    stages rows of the file
    become   for an incoming column, the tidy columns derived from it, where the names differ
    """

    stage: Callable[[Raw], Staged]
    become: Mapping[str, Sequence[str]]


def unread_rows(raw: Raw, staged: Staged, salvage: Salvage, how: Comparison) -> pd.DataFrame:
    """The keys and measures of the rejected rows, by row number; unreadable values are missing.

    Faulty cells are replaced by cells of valid rows, the rows are staged again, and the columns derived from replaced
    cells are set to missing.
    """
    columns = [*how.key, *(name for name in how.measures if name != ROWS)]
    numbers = pd.Index(staged.rejected["row_number"].unique(), name="row_number")
    unread = pd.DataFrame(index=numbers, columns=columns)
    printed = raw.printed.loc[raw.printed.index.intersection(numbers)].copy()
    theirs = {mine: column for column, mine in raw.dialect.matched(list(raw.printed.columns)).items()}
    theirs |= {mine: mine for mine in raw.dialect.gathered}
    faulty = _faulty_columns(staged.rejected, theirs, salvage.become, how)
    for column, rows in faulty.items():
        places = printed.index.intersection(rows)
        passed = raw.printed.loc[staged.rows.index, theirs[column]]
        # Measures must be consistent, so they come from one row; other cells vary, so that few rows share a key.
        values = passed.iloc[:1] if column in how.measures else passed.drop_duplicates()
        printed.loc[places, theirs[column]] = [values.iloc[place % len(values)] for place in range(len(places))]
    # Rows with the same key as another are merged or rejected: they are staged in a later round.
    for _ in range(MAX_STAGINGS):
        left = printed[unread.loc[printed.index].isna().all(axis=1)]
        again = _staged_alone(raw, left, salvage).reindex(columns=columns).astype(object)
        if not len(again):
            break
        unread.loc[again.index] = again
    for column, rows in faulty.items():
        known = [name for name in salvage.become.get(column, [column]) if name in unread]
        unread.loc[unread.index.intersection(rows), known] = None
    return _with_printed_measures(unread, raw, staged.rejected, theirs, how)


def _with_printed_measures(
    unread: pd.DataFrame, raw: Raw, rejected: pd.DataFrame, theirs: Mapping[str, str], how: Comparison
) -> pd.DataFrame:
    """Replace the measures of rows in which a measure is faulty by the valid printed ones.

    Their staged measures come from the replacement row, including derived ones (the total of women and men).
    """
    at_fault = rejected[rejected["column_name"].isin(how.measures) & (rejected["check_name"] != "doubled_key")]
    rows = unread.index.intersection(pd.Index(at_fault["row_number"]))
    for name in how.measures if len(rows) else []:
        unread.loc[rows, name] = None
        valid = rows.difference(pd.Index(at_fault.loc[at_fault["column_name"] == name, "row_number"]))
        if name in theirs and len(valid):
            printed = parse_text(raw.printed.loc[valid, theirs[name]], raw.dialect)
            values = parse_numbers(printed, raw.dialect, 2) * raw.dialect.units.get(name, 1)
            unread.loc[valid, name] = values.astype(object).where(values.notna(), None)
    return unread


def _staged_alone(raw: Raw, printed: pd.DataFrame, salvage: Salvage) -> pd.DataFrame:
    """Stage some rows of the file. Returns an empty frame if none passes."""
    if not len(printed):
        return pd.DataFrame()
    only = replace(raw, printed=printed, broken=pd.DataFrame(columns=BROKEN_COLUMNS), rows_read=len(printed))
    try:
        return salvage.stage(only).rows
    except ContractError:
        return pd.DataFrame()


def _faulty_columns(
    rejected: pd.DataFrame, theirs: Mapping[str, str], become: Mapping[str, Sequence[str]], how: Comparison
) -> dict[str, list[int]]:
    """Numbers of the rows with a faulty cell, by incoming column. One faulty measure makes a row's measures faulty."""
    came_of = {tidy: incoming for incoming, names in become.items() for tidy in names}
    measures = [name for name in how.measures if name in theirs]
    faulty: dict[str, list[int]] = {}
    for row in rejected[rejected["check_name"] != "doubled_key"].itertuples():
        name = str(row.column_name)
        column = name if name in theirs else came_of.get(name, "")
        for one in measures if column in measures else [column]:
            if one in theirs:
                faulty.setdefault(one, []).append(int(str(row.row_number)))
    return faulty


def incomplete_periods(staged: Staged, others: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """What each period of a snapshot lacks: period, measure, rows_rejected, published, missing, share_pct.

    `missing` and `share_pct` are NULL if the figure of a rejected row can't be estimated. A row with an unknown period
    counts in each period of the file that lacks its key. With more than MAX_ESTIMATED rejected rows, nothing is
    estimated and each period of the file is listed.

    others  rows of other snapshots: used for estimates; their rows of a source without periods are not missing
    """
    if not len(staged.unread):
        return pd.DataFrame(columns=INCOMPLETE_COLUMNS)
    rows, measure = staged.rows, how.measure
    if how.period is None and others is not None:
        rows = pd.concat([others, rows])[list(how.key)].drop_duplicates()
    incomplete = []
    for period, rejected in _estimates(staged, others, how).groupby("period", sort=True):
        of_period = rows[rows[how.period] == period] if how.period else rows
        published = float(len(of_period) if measure == ROWS else of_period[measure].sum())
        missing = float(rejected["value"].abs().sum()) if rejected["value"].notna().all() else None
        complete = None if missing is None else published + missing
        incomplete.append(
            {
                "period": period_label(period),
                "measure": measure,
                "rows_rejected": int(rejected["row_number"].nunique()),
                "published": published,
                "missing": missing,
                "share_pct": 100 * missing / complete if complete and missing is not None else None,
            }
        )
    return pd.DataFrame(incomplete)


def with_estimates(staged: Staged, others: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """The snapshot's rows and the readable rejected rows, for comparing sums.

    `incomplete_periods` already reports what the rejected rows lack, so sums must not report it again.
    """
    if not len(staged.unread) or how.period is None:
        return staged.rows
    placed = _estimates(staged, others, how)
    placed = placed[~placed["row_number"].duplicated(keep=False)].drop(columns=how.period)
    placed = placed.rename(columns={"period": how.period})
    placed[how.measure] = placed["value"]
    for name in staged.rows.columns.difference(placed.columns):
        if staged.rows[name].nunique(dropna=False) == 1:
            placed[name] = staged.rows[name].iloc[0]
    types = {name: kind for name, kind in staged.rows.dtypes.items() if name in placed}
    return pd.concat([staged.rows, placed[list(types)].astype(types)], ignore_index=True)


def with_unread_keys(staged: Staged, how: Comparison) -> pd.DataFrame:
    """The keys of the snapshot's rows and of the rejected ones: a rejected row is not a missing row."""
    keys = list(how.key)
    unread = staged.unread.reindex(columns=keys).dropna()
    return pd.concat([staged.rows[keys], unread.astype(staged.rows[keys].dtypes)], ignore_index=True)


def _estimates(staged: Staged, others: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """The rejected rows with the `period` that each has or can have, and the `value` of the main measure."""
    rows, unread = staged.rows, staged.unread
    if len(unread) > MAX_ESTIMATED:
        unread = pd.DataFrame(dict.fromkeys(unread), index=unread.index[:1])
    placed = _placed(rows, unread, how)
    every = rows
    if others is not None:
        every = pd.concat([rows, others])
    return placed.assign(value=_estimated(placed, every, how.measure, how))


def _placed(rows: pd.DataFrame, unread: pd.DataFrame, how: Comparison) -> pd.DataFrame:
    """The rejected rows with their `period`, one row for each possible period."""
    rejected = unread.reset_index()
    if how.period is None:
        return rejected.assign(period=NO_PERIOD)
    known = rejected[how.period].notna()
    periods = rows[[how.period]].drop_duplicates().rename(columns={how.period: "period"})
    spread = rejected[~known].merge(periods, how="cross")
    rest = [name for name in how.key if name != how.period]
    present_keys = rows[[how.period, *rest]].rename(columns={how.period: "period"}).astype(dict.fromkeys(rest, object))
    spread = spread.merge(present_keys.drop_duplicates(), on=["period", *rest], how="left", indicator="present")
    lacking = spread["present"] == "left_only"
    nowhere = ~lacking.groupby(spread["row_number"]).transform("any")
    here = spread["period"] == spread["row_number"].map(_of_both_sides(rows[how.period], rejected["row_number"]))
    certain = (here & (lacking | nowhere)).groupby(spread["row_number"]).transform("any")
    spread = spread[(lacking | nowhere) & (here | ~certain)].drop(columns="present")
    placed = rejected[known].assign(period=rejected.loc[known, how.period])
    return pd.concat([frame for frame in (placed, spread) if len(frame)], ignore_index=True)


def _of_both_sides(periods: pd.Series, numbers: pd.Series) -> pd.Series:
    """For row numbers, the period of the rows before and after if it is the same. `periods` is by row number."""
    every = periods.reindex(periods.index.union(pd.Index(numbers)))
    before, after = every.ffill(), every.bfill()
    return before.where(before == after).loc[numbers.drop_duplicates()]


def _estimated(placed: pd.DataFrame, every: pd.DataFrame, measure: str, how: Comparison) -> pd.Series:
    """The figure of each row: its own, or that of its key in the nearest period."""
    if measure == ROWS:
        known = every[list(how.key)].drop_duplicates().assign(known=True)
        there = placed[list(how.key)].merge(known, on=list(how.key), how="left")["known"].notna()
        return (~there).astype("float64").set_axis(placed.index)
    own = pd.to_numeric(placed[measure], errors="coerce")
    if how.period is None or own.notna().all():
        return own
    return own.fillna(_of_nearest_period(placed[own.isna()], every, measure, how))


def _of_nearest_period(placed: pd.DataFrame, every: pd.DataFrame, measure: str, how: Comparison) -> pd.Series:
    """The figure of each row's key in the nearest period with that key (also the same period in another snapshot).

    Rows with an unknown or new key are missing from the result.
    """
    rest = [name for name in how.key if name != how.period]
    known = placed.dropna(subset=rest).astype({name: every[name].dtype for name in rest})
    ordered = {period: place for place, period in enumerate(sorted({*every[how.period], *known["period"]}))}
    both = known[[*rest, "period"]].reset_index().merge(every[[*rest, how.period, measure]], on=rest)
    if not len(both):
        return pd.Series(dtype="float64")
    both["distance"] = (both[how.period].map(ordered) - both["period"].map(ordered)).abs()
    nearest = both.sort_values("distance", kind="stable").drop_duplicates("index")
    return nearest.set_index("index")[measure].astype("float64")
