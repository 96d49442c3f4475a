"""Stage fatalities: one row per casualty, from the notifications of casualties (NOTICAS)."""

from __future__ import annotations

from datetime import date

import pandas as pd

from schemas.incoming.fatalities import fatalities_schema
from schemas.source import Source
from transforms import countries, missions
from transforms.dialects import Raw
from transforms.staging import Prepared, Staged, doubled, finish, prepare

UNDETERMINED = "ZZ [Undetermined]"
_SAME_PERSON = ["incident_date", "mission", "personnel_type", "incident_type", "gender"]


def _resolve(ready: Prepared, source: str) -> None:
    """Resolve names to codes. The printed name takes precedence, because the printed codes have gaps; the code is used
    if the name is blank or unknown. Unknown names, and codes that contradict a name, are signals. A row that stays
    unresolved is kept."""
    rows = ready.rows
    published = rows["nationality"]
    by_name = countries.to_iso3(published.mask(published == UNDETERMINED), source)
    by_code = countries.of_codes(rows["printed_iso3"], rows["printed_m49"]).mask(published == UNDETERMINED)
    from_code = by_name.isna() & by_code.notna()
    iso3 = by_name.fillna(by_code)
    unresolved = by_name.isna() & published.notna() & (published != UNDETERMINED)
    undetermined = iso3.isna() & ~unresolved
    contradicted = rows["printed_iso3"].notna() & iso3.notna() & (rows["printed_iso3"] != iso3)
    ready.signal("unresolved_nationality", published[unresolved])
    ready.signal("code_for_blank_name", iso3[from_code & published.isna()])
    ready.signal("code_contradicts_name", published[contradicted] + " / " + rows.loc[contradicted, "printed_iso3"])
    status = pd.Series("known", index=rows.index).mask(undetermined, "undetermined").mask(unresolved, "unresolved")
    status = status.mask(from_code, "from_code")
    ready.rows = rows.assign(
        mission=missions.canonical(rows["mission"]),
        nationality_as_published=published,
        nationality_iso3=iso3,
        nationality_status=status,
    )


def _merge_doubled(ready: Prepared) -> None:
    """Merge or reject rows with the same casualty_id.

    identical_row                   the same row twice
    one_casualty_two_nationalities  the rows differ in nationality only, and one is a state that existed on the day and
                                    has since been dissolved (Serbia and Montenegro, and Montenegro): that state is
                                    kept, the other becomes nationality_iso3_other
    Any other duplicate contradicts the first row and is rejected.
    """
    rows = ready.rows
    dissolved = countries.dissolved_states().set_index("iso3")
    began = rows["nationality_iso3"].map(dissolved["existed_from"])
    ended = rows["nationality_iso3"].map(dissolved["existed_until"])
    existed = (began <= rows["incident_date"]) & (rows["incident_date"] <= ended)
    ready.rows = rows = rows.assign(rank=(~existed).astype("int64"), nationality_iso3_other=None)
    again, kept = doubled(rows, ["casualty_id"], ["rank"])
    if not again.any():
        return
    original = rows.loc[kept[again]].set_axis(rows.index[again])
    copy = rows[again]
    same = pd.Series(True, index=copy.index)
    for column in _SAME_PERSON:
        same &= (copy[column] == original[column]) | (copy[column].isna() & original[column].isna())
    equal_state = copy["nationality_as_published"].fillna("") == original["nationality_as_published"].fillna("")
    identical = same & equal_state
    two = same & ~equal_state & (original["rank"] == 0) & (copy["rank"] == 1) & copy["nationality_iso3"].notna()
    two &= ~copy["casualty_id"].where(two).duplicated()
    others = copy.loc[two, "nationality_iso3"].set_axis(pd.Index(kept[again][two]))
    ready.rows.loc[others.index, "nationality_iso3_other"] = others
    ready.merge(identical.reindex(rows.index, fill_value=False), "identical_row", kept)
    ready.merge(two.reindex(ready.rows.index, fill_value=False), "one_casualty_two_nationalities", kept)
    ready.reject(
        again.reindex(ready.rows.index),
        "casualty_id",
        "doubled_key",
        lambda bad: (
            "casualty_id: expected once, got '"
            + bad["casualty_id"]
            + "' again, contradicting row "
            + kept.reindex(bad.index).astype("str")
        ),
    )


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, fatalities_schema(declared.bounds, vintage), declared)
    _resolve(ready, declared.name)
    _merge_doubled(ready)
    columns = [
        "casualty_id",
        "incident_date",
        "mission",
        "nationality_iso3",
        "nationality_iso3_other",
        "nationality_as_published",
        "nationality_status",
        "personnel_type",
        "incident_type",
        "gender",
    ]
    tidy = ready.rows[columns].astype(dict.fromkeys(columns[2:] + columns[:1], "str"))
    return finish(raw, ready, tidy, (tidy["incident_date"], tidy["incident_date"]))
