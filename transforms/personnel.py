"""Stage uniformed personnel: one row per month-end, mission, contributor and personnel type."""

from __future__ import annotations

from datetime import date
from functools import cache

import pandas as pd

from schemas.incoming.personnel import uniformed_personnel_schema
from schemas.source import Source
from schemas.tables.missions import UNSPECIFIED_MISSION
from schemas.tables.personnel import UNIFORMED_PERSONNEL_TYPES
from transforms import countries, missions
from transforms.dialects import Raw
from transforms.reference_lists import read_list
from transforms.staging import Prepared, Staged, doubled, finish, prepare, require_states

# First month whose report separates staff officers from contingent troops.
STAFF_OFFICERS_APART_SINCE = pd.Timestamp("2017-05-31")
# The series whose figures stay as printed: blank (which is unknown) or with sexes that don't add up to the total.
AS_PRINTED = "ipi_by_sex"
KEY = ["month_end", "mission", "contributor_iso3", "personnel_type"]


@cache
def _types() -> dict[str, str]:
    """This project's personnel types by casefolded printed type."""
    frame = read_list("personnel_types.csv")
    return dict(zip(frame["printed"].str.casefold(), frame["personnel_type"], strict=True))


def _derive(frame: pd.DataFrame) -> pd.DataFrame:
    """Derive month-end, total and blank sexes. A few reports print an earlier day than the month-end; the data hub
    prints no total; one blank sex follows from the total and the other."""
    month_end = frame["month_end"] + pd.offsets.MonthEnd(0)
    total = frame["total"].fillna(frame["female"] + frame["male"])
    sexes = {
        "female": frame["female"].fillna(total - frame["male"]),
        "male": frame["male"].fillna(total - frame["female"]),
    }
    return frame.assign(month_end=month_end.astype("datetime64[us]"), total=total, **sexes)


def _resolve(ready: Prepared, source: str) -> None:
    """Resolve states and personnel types. A printed code replaces a blank or unknown name, which is a signal. An
    unknown state or type rejects its row."""
    rows = ready.rows
    by_name = countries.to_iso3(rows["contributor"], source)
    by_code = countries.of_codes(rows["contributor_iso3"], rows["contributor_m49"])
    iso3 = by_name.fillna(by_code)
    ready.signal("code_for_name", (rows["contributor"].fillna("blank") + " / " + iso3)[by_name.isna() & iso3.notna()])
    known = rows["contributor_iso3"].isin(countries.known_codes())
    contradicted = by_name.notna() & known & (rows["contributor_iso3"] != by_name)
    ready.signal(
        "code_contradicts_name",
        rows.loc[contradicted, "contributor"] + " / " + rows.loc[contradicted, "contributor_iso3"],
    )
    printed = rows["personnel_type"]
    types = printed.map({name: _types().get(str(name).casefold()) for name in printed.unique()}).astype("str")
    ready.rows = rows.assign(
        mission=missions.canonical(rows["mission"]).fillna(UNSPECIFIED_MISSION),
        contributor=rows["contributor"].fillna(""),
        contributor_iso3=iso3,
        personnel_type=types,
        printed_type=printed,
    )
    require_states(ready, ready.rows["contributor"], iso3)
    ready.signal("unresolved_personnel_type", printed[types.isna()])
    known_types = ", ".join(UNIFORMED_PERSONNEL_TYPES)
    ready.reject(
        ready.rows["personnel_type"].isna(),
        "personnel_type",
        "unknown_personnel_type",
        lambda bad: (
            f"personnel_type: expected one of {known_types}, or a known form of it, got '" + bad["printed_type"] + "'"
        ),
    )


def _check_sum(ready: Prepared) -> None:
    """Reject rows whose women and men do not add up to the total, where all three are known."""
    both = ready.rows["female"] + ready.rows["male"]
    ready.reject(
        (both != ready.rows["total"]).fillna(False).astype(bool),
        "total",
        "sum_of_sexes",
        lambda bad: (
            "total: expected women and men to add up, got "
            + bad["female"].astype("str")
            + " + "
            + bad["male"].astype("str")
            + " and "
            + bad["total"].astype("str")
        ),
    )


def _check_sums_of_types(ready: Prepared, raw: Raw) -> None:
    """Compare each sum of types that a published row prints (the dialect's `sums`) with its types that it prints.

    An equal sum is merged into the first of its types; otherwise the whole published row is rejected. A sum without any
    of its types stays a row, since it is the only figure; a signal counts those of several types.
    """
    printed = raw.cells()["personnel_type"]
    for whole, parts in raw.dialect.sums.items():
        rows = ready.rows
        place = pd.Series(raw.published_row(rows.index), index=rows.index)
        is_part = rows["personnel_type"].isin(parts)
        with_parts = place.isin(raw.published_row(printed.index[printed.isin(parts)]))
        is_sum = (rows["personnel_type"] == whole) & with_parts
        added = rows["total"].where(is_part, 0).groupby(place).transform("sum")
        first = pd.Series(rows.index, index=rows.index).where(is_part).groupby(place).transform("min")
        _reject_other_sums(ready, place.isin(place[is_sum & (rows["total"] != added)]), whole, added)
        ready.merge(is_sum[ready.rows.index], "sum_of_types", first)
        if len(parts) > 1:
            ready.signal("sum_without_types", ready.rows.loc[ready.rows["personnel_type"] == whole, "personnel_type"])


def _reject_other_sums(ready: Prepared, wrong: pd.Series, whole: str, added: pd.Series) -> None:
    """Reject the rows where `wrong` is true: their types add up to `added`, and not to the sum printed as `whole`."""
    expected = f"total: expected the types to add up to the figure printed for {whole}, got "
    ready.reject(wrong, "total", "sum_of_types", lambda bad: expected + added[bad.index].astype("str"))


def _merge_doubled(ready: Prepared) -> None:
    """Merge or reject rows with the same key.

    zero_row_beside_real_row  a row of zeros where another row has persons (MINUSTAH, May 2015: 51 rows)
    identical_row             the same figures twice (July 2003 is dated both the 30th and the 31st)
    Any other duplicate contradicts the first row and is rejected.
    """
    ready.rows = ready.rows.assign(empty=(ready.rows["total"] == 0).fillna(False).astype("int64"))
    again, kept = doubled(ready.rows, KEY, ["empty"])
    if not again.any():
        return
    copies = ready.rows.loc[again, ["female", "male", "total"]].fillna(-1)
    originals = ready.rows.loc[kept[again], ["female", "male", "total"]].fillna(-1).set_axis(copies.index)
    same = (copies == originals).all(axis=1).reindex(ready.rows.index, fill_value=False)
    ready.merge(same, "identical_row", kept)
    again = again.reindex(ready.rows.index)
    ready.merge(again & (ready.rows["empty"] == 1), "zero_row_beside_real_row", kept)
    ready.reject(
        again.reindex(ready.rows.index),
        "month_end",
        "doubled_key",
        lambda bad: (
            "month_end: expected one row a month, mission, contributor and personnel type, got a second with "
            "the total " + bad["total"].astype("str") + ", contradicting row " + kept.reindex(bad.index).astype("str")
        ),
    )


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot of the monthly report, the data hub, or IPI's figures by sex or by mission.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    as_printed = raw.dialect.series == AS_PRINTED
    schema = uniformed_personnel_schema(declared.bounds, vintage, blank_totals=as_printed)
    ready = prepare(raw, schema, declared, derive=_derive)
    if not as_printed:
        _check_sum(ready)
    if raw.dialect.sums:
        _check_sums_of_types(ready, raw)
    _resolve(ready, declared.name)
    _merge_doubled(ready)
    rows = ready.rows
    tidy = rows[[*KEY, "female", "male", "total"]].assign(
        includes_staff_officers=(
            (rows["personnel_type"] == "Troops") & (rows["month_end"] < STAFF_OFFICERS_APART_SINCE)
        ).astype("boolean"),
        series=raw.dialect.series,
    )
    return finish(raw, ready, tidy, (tidy["month_end"], tidy["month_end"]))
