"""Completeness: what a period lacks because rows of it were rejected, in persons or dollars.

A rejected row counts by what it contains. Its period, key and figure are read off the cells that are right; a figure
that can't be read is estimated by that of the same key in the nearest other period.
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
STAGINGS = 20
MAX_ESTIMATED = 20_000  # rejected rows; a file with more is refused for their number
WHOLE = "all"  # the period of a source that has none


@dataclass(frozen=True)
class Salvage:
    """How rejected rows are read as far as they can be.

    stage    stages rows of the file
    become   for an incoming column the tidy columns that it becomes, where they have other names
    """

    stage: Callable[[Raw], Staged]
    become: Mapping[str, Sequence[str]]


def unread_rows(raw: Raw, staged: Staged, salvage: Salvage, how: Comparison) -> pd.DataFrame:
    """The rejected rows as tidy rows, indexed by row number; what can't be told of them is missing.

    The cells at fault are replaced by those of rows that passed, the rows are staged once more, and what came of the
    replaced cells is made missing. The columns are the key and the measures.
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
        # Measures must fit each other, so they are one row's; other cells differ, so that few rows get the same key.
        values = passed.iloc[:1] if column in how.measures else passed.drop_duplicates()
        printed.loc[places, theirs[column]] = [values.iloc[place % len(values)] for place in range(len(places))]
    for _ in range(STAGINGS):  # rows that get the same key as another are left out: they are staged after it
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
    """The unread rows with the measures as printed where these are right, in the rows of which a measure is at fault.

    What was staged of them is a stand-in's, also where it was derived (the total of women and men).
    """
    at_fault = rejected[rejected["column_name"].isin(how.measures) & (rejected["check_name"] != "doubled_key")]
    rows = unread.index.intersection(pd.Index(at_fault["row_number"]))
    for name in how.measures if len(rows) else []:
        unread.loc[rows, name] = None
        right = rows.difference(pd.Index(at_fault.loc[at_fault["column_name"] == name, "row_number"]))
        if name in theirs and len(right):
            printed = parse_text(raw.printed.loc[right, theirs[name]], raw.dialect)
            values = parse_numbers(printed, raw.dialect, 2) * raw.dialect.units.get(name, 1)
            unread.loc[right, name] = values.astype(object).where(values.notna(), None)
    return unread


def _staged_alone(raw: Raw, printed: pd.DataFrame, salvage: Salvage) -> pd.DataFrame:
    """The tidy rows of some rows of the file; none where none passes."""
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
    """For each incoming column the numbers of the rows whose cell is at fault; the measures of a row go together."""
    came_of = {tidy: incoming for incoming, names in become.items() for tidy in names}
    measures = [name for name in how.measures if name in theirs]
    found: dict[str, list[int]] = {}
    for row in rejected[rejected["check_name"] != "doubled_key"].itertuples():
        name = str(row.column_name)
        column = name if name in theirs else came_of.get(name, "")
        for one in measures if column in measures else [column]:
            if one in theirs:
                found.setdefault(one, []).append(int(str(row.row_number)))
    return found


def incomplete_periods(staged: Staged, held: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """What each period of a snapshot lacks: period, measure, rows_rejected, published, missing, share_pct.

    `missing` and `share_pct` are missing themselves where the figure of a rejected row can't be estimated. A row whose
    period can't be told counts in each period of the file that lacks its key. Of more than MAX_ESTIMATED rows nothing
    is told but that each period can lack some.

    held  the rows of other snapshots: their periods serve for the estimate where the file has none, and what they have
          of a source without periods is not missing
    """
    if not len(staged.unread):
        return pd.DataFrame(columns=INCOMPLETE_COLUMNS)
    rows, measure = staged.rows, how.measure
    if how.period is None and held is not None:
        rows = pd.concat([held, rows])[list(how.key)].drop_duplicates()
    found = []
    for period, some in _estimates(staged, held, how).groupby("period", sort=True):
        of_period = rows[rows[how.period] == period] if how.period else rows
        published = float(len(of_period) if measure == ROWS else of_period[measure].sum())
        missing = float(some["value"].abs().sum()) if some["value"].notna().all() else None
        whole = None if missing is None else published + missing
        found.append(
            {
                "period": period_label(period),
                "measure": measure,
                "rows_rejected": int(some["row_number"].nunique()),
                "published": published,
                "missing": missing,
                "share_pct": 100 * missing / whole if whole and missing is not None else None,
            }
        )
    return pd.DataFrame(found)


def with_estimates(staged: Staged, held: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """The snapshot's rows together with the rejected ones as far as these can be told, for comparing sums.

    What its rejected rows lack is told by `incomplete_periods`; in the sums it would be told a second time.
    """
    if not len(staged.unread) or how.period is None:
        return staged.rows
    placed = _estimates(staged, held, how)
    placed = placed[~placed["row_number"].duplicated(keep=False)].drop(columns=how.period)
    placed = placed.rename(columns={"period": how.period})
    placed[how.measure] = placed["value"]
    for name in staged.rows.columns.difference(placed.columns):
        if staged.rows[name].nunique(dropna=False) == 1:
            placed[name] = staged.rows[name].iloc[0]
    types = {name: kind for name, kind in staged.rows.dtypes.items() if name in placed}
    return pd.concat([staged.rows, placed[list(types)].astype(types)], ignore_index=True)


def with_unread_keys(staged: Staged, how: Comparison) -> pd.DataFrame:
    """The keys of the snapshot's rows and of the rejected ones: a row that is there and rejected is not missing."""
    keys = list(how.key)
    unread = staged.unread.reindex(columns=keys).dropna()
    return pd.concat([staged.rows[keys], unread.astype(staged.rows[keys].dtypes)], ignore_index=True)


def _estimates(staged: Staged, held: pd.DataFrame | None, how: Comparison) -> pd.DataFrame:
    """The unread rows with the `period` that each is or can be of, and the `value` of the first measure."""
    rows, unread = staged.rows, staged.unread
    if len(unread) > MAX_ESTIMATED:
        unread = pd.DataFrame(dict.fromkeys(unread), index=unread.index[:1])
    placed = _placed(rows, unread, how)
    every = rows
    if held is not None:
        every = pd.concat([rows, held])
    return placed.assign(value=_estimated(placed, every, how.measure, how))


def _placed(rows: pd.DataFrame, unread: pd.DataFrame, how: Comparison) -> pd.DataFrame:
    """The unread rows with their `period`, one row for each period that a row can be of."""
    found = unread.reset_index()
    if how.period is None:
        return found.assign(period=WHOLE)
    known = found[how.period].notna()
    periods = rows[[how.period]].drop_duplicates().rename(columns={how.period: "period"})
    spread = found[~known].merge(periods, how="cross")
    rest = [name for name in how.key if name != how.period]
    held = rows[[how.period, *rest]].rename(columns={how.period: "period"}).astype(dict.fromkeys(rest, object))
    spread = spread.merge(held.drop_duplicates(), on=["period", *rest], how="left", indicator="there")
    lacking = spread["there"] == "left_only"
    nowhere = ~lacking.groupby(spread["row_number"]).transform("any")
    here = spread["period"] == spread["row_number"].map(_of_both_sides(rows[how.period], found["row_number"]))
    certain = (here & (lacking | nowhere)).groupby(spread["row_number"]).transform("any")
    spread = spread[(lacking | nowhere) & (here | ~certain)].drop(columns="there")
    placed = found[known].assign(period=found.loc[known, how.period])
    return pd.concat([frame for frame in (placed, spread) if len(frame)], ignore_index=True)


def _of_both_sides(periods: pd.Series, numbers: pd.Series) -> pd.Series:
    """For row numbers the period of the rows before and after, where it is the same; `periods` by row number."""
    every = periods.reindex(periods.index.union(pd.Index(numbers)))
    before, after = every.ffill(), every.bfill()
    return before.where(before == after).loc[numbers.drop_duplicates()]


def _estimated(placed: pd.DataFrame, every: pd.DataFrame, measure: str, how: Comparison) -> pd.Series:
    """The figure of each row: its own, or that of its key in the nearest period that has it."""
    if measure == ROWS:
        known = every[list(how.key)].drop_duplicates().assign(known=True)
        there = placed[list(how.key)].merge(known, on=list(how.key), how="left")["known"].notna()
        return (~there).astype("float64").set_axis(placed.index)
    own = pd.to_numeric(placed[measure], errors="coerce")
    if how.period is None or own.notna().all():
        return own
    return own.fillna(_of_nearest_period(placed[own.isna()], every, measure, how))


def _of_nearest_period(placed: pd.DataFrame, every: pd.DataFrame, measure: str, how: Comparison) -> pd.Series:
    """The figure of each row's key in the nearest period that has it: the same one in another snapshot, or another.

    Of rows whose key is not known, or stands nowhere, there is none.
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
