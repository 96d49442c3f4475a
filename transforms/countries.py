"""Resolve names of states to ISO 3166 alpha-3 codes; dissolved states keep their own codes.

Current codes come from pycountry. `data/` has the dissolved states, the spellings that the UN prints (truncated,
broken, renamed), preferred names, and the regions and groups of the UN's list M49. An unknown name stays unresolved and
becomes a signal; nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pandas as pd
import pycountry

from schemas.tables.countries import COUNTRIES, COUNTRY_ALIASES
from schemas.validate import shape
from transforms.reference_lists import read_list

REGION_COLUMNS = [
    "region",
    "sub_region",
    "intermediate_region",
    "region_basis",
    "is_least_developed",
    "is_landlocked_developing",
    "is_small_island_developing",
]


def _key(name: str) -> str:
    """A name for comparison: no accents or case, plain apostrophes, single spaces, no trailing footnote marks."""
    plain = unicodedata.normalize("NFKD", name.replace("\u2019", "'").replace("\u2018", "'"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"\s+", " ", plain).strip().rstrip("*").strip().casefold()


@cache
def dissolved_states() -> pd.DataFrame:
    """Dissolved states: iso3, name, m49, existed_from, existed_until (days), successors_iso3, source."""
    frame = read_list("dissolved_states.csv")
    for column in ("existed_from", "existed_until"):
        frame[column] = pd.to_datetime(frame[column], format="%Y-%m-%d").astype("datetime64[us]")
    return frame


@cache
def code_list(source: str = "") -> dict[str, str]:
    """ISO3 codes by name (as returned by `_key`), for one source.

    Some aliases apply to one source only: `Republic of` is the Republic of Korea in the monthly reports, which truncate
    names. Raises ValueError when a name has two codes.
    """
    codes: dict[str, str] = {}

    def add(name: str, iso3: str, override: bool = False) -> None:
        key = _key(name)
        if not override and codes.setdefault(key, iso3) != iso3:
            raise ValueError(f"the name {name!r} stands for {codes[key]} and {iso3}")
        codes[key] = iso3

    for country in pycountry.countries:
        names = {country.name, getattr(country, "official_name", ""), getattr(country, "common_name", "")}
        for name in sorted(names - {""}):
            add(name, country.alpha_3)
            if name.count(", ") == 1:  # 'Korea, Republic of' is printed as 'Republic of Korea'
                add(" ".join(reversed(name.split(", "))), country.alpha_3)
    for row in dissolved_states().itertuples():
        add(str(row.name), str(row.iso3))
    for row in read_list("country_aliases.csv").itertuples():
        if row.source in ("", source):
            add(str(row.alias), str(row.iso3), override=True)
    return codes


def to_iso3(names: pd.Series, source: str = "") -> pd.Series:
    """ISO3 codes of printed names; missing for names in no code list. Each distinct name is looked up once."""
    codes = code_list(source)
    distinct = pd.Series(names.dropna().unique())
    iso3 = dict(zip(distinct, distinct.map(lambda name: codes.get(_key(str(name)))), strict=True))
    return names.map(iso3).astype("str")


def plain(name: str) -> str:
    """A name as people may type it: small letters and digits without accents, single spaces, no leading the."""
    return re.sub(r"[^a-z0-9]+", " ", _key(name)).strip().removeprefix("the ")


@cache
def aliases_table() -> pd.DataFrame:
    """The table `main.country_aliases` (schemas.tables.countries). Raises ValueError when a name has two codes."""
    codes: dict[str, str] = {}
    named = [(name, iso3) for name, iso3 in code_list("typed").items() if "\ufffd" not in name]
    named += [(code, state.alpha_3) for state in pycountry.countries for code in (state.alpha_2, state.alpha_3)]
    named += list(zip(countries_table()["iso3"], countries_table()["iso3"], strict=True))
    named += list(zip(countries_table()["name"], countries_table()["iso3"], strict=True))
    for name, iso3 in named:
        if codes.setdefault(plain(name), iso3) != iso3:
            raise ValueError(f"the name {name!r} stands for {codes[plain(name)]} and {iso3}")
    return shape(pd.DataFrame(sorted(codes.items()), columns=["alias", "iso3"]), COUNTRY_ALIASES)


@cache
def _by_m49() -> dict[int, str]:
    """ISO3 codes by M49 code."""
    table = countries_table().dropna(subset=["m49"])
    return dict(zip(table["m49"].astype("int64"), table["iso3"], strict=True))


def of_codes(iso3: pd.Series, m49: pd.Series) -> pd.Series:
    """ISO3 codes of printed codes: the ISO3 code if known, otherwise from the M49 code; missing if both are unknown."""
    return iso3.where(iso3.isin(known_codes())).fillna(m49.map(_by_m49())).astype("str")


@cache
def known_codes() -> frozenset[str]:
    """All ISO3 codes of `countries_table`."""
    return frozenset(countries_table()["iso3"])


@cache
def regions() -> pd.DataFrame:
    """Regions and groups of states by ISO3 code: those in M49's list, and those that this project assigns.

    A group is missing for a state that is not in the list.
    """
    listed = read_list("m49_regions.csv").set_index("iso3")
    table = pd.concat([listed.assign(region_basis="m49"), _assigned_regions().assign(region_basis="assigned")])
    for group in ("least_developed", "landlocked_developing", "small_island_developing"):
        table[f"is_{group}"] = (table[group] == "x").astype("boolean").mask(table[group].isna())
    places = ["region", "sub_region", "intermediate_region"]
    return table.assign(**{place: table[place].mask(table[place] == "") for place in places})[REGION_COLUMNS]


def _assigned_regions() -> pd.DataFrame:
    return read_list("regions_assigned.csv").set_index("iso3")


@cache
def countries_table() -> pd.DataFrame:
    """The table `main.countries` (schemas.tables.countries): current, dissolved and user-assigned codes."""
    preferred = read_list("country_names.csv").set_index("iso3")["name"].to_dict()
    current = pd.DataFrame(
        [
            {
                "iso3": country.alpha_3,
                "name": preferred.get(country.alpha_3) or getattr(country, "common_name", country.name),
                "m49": country.numeric,
                "kind": "current",
                "source": "ISO 3166-1 (pycountry)",
            }
            for country in pycountry.countries
        ]
    )
    kosovo = pd.DataFrame(
        [
            {
                "iso3": "XKX",
                "name": "Kosovo",
                "kind": "user_assigned",
                "source": "user-assigned code, as the World Bank and the EU use it; not in ISO 3166",
            }
        ]
    )
    table = pd.concat([current, dissolved_states().assign(kind="dissolved"), kosovo], ignore_index=True)
    for column in ("successors_iso3", "m49"):
        table[column] = table[column].mask(table[column] == "")
    table = table.join(regions(), on="iso3")
    table["is_permanent_member"] = table["iso3"].isin(read_list("permanent_members.csv")["iso3"]).astype("boolean")
    return shape(table.sort_values("iso3"), COUNTRIES)
