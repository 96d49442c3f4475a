"""Shared by the tests of the warehouse: rows of the reference tables, made by hand for a few states and missions."""

from __future__ import annotations

import pandas as pd

from transforms.countries import aliases_table
from transforms.income_groups import country_years_table, development_ladders
from transforms.missions import hosts_table
from transforms.state_codes import state_code_gaps_table, state_codes_table

STATES = ("BGD", "CIV", "FRA", "IND", "MLI", "MNE", "SCG", "SOM", "XKX")
MISSIONS = ("MINUSMA", "UNOSOM", "UNOSOM I", "UNOSOM II")


def reference_rows(sha256: str) -> dict[str, pd.DataFrame]:
    """The reference tables of the small warehouse by their full names; `sha256` is the snapshot of its figures."""
    groups = pd.DataFrame(
        [(2017, "BGD", "Lower middle income")],
        columns=["year", "economy_code", "income_group"],
    ).assign(basis="classified", world_bank_region=None, snapshot_sha256=sha256, snapshot_row=1)
    groups = groups.assign(iso3=groups["economy_code"], economy=groups["economy_code"])
    hosts = hosts_table()
    return {
        "main.income_groups": groups,
        "main.country_years": country_years_table(groups, None),
        "main.development_ladders": development_ladders(),
        "main.country_aliases": _of_these_states(aliases_table()),
        "main.mission_hosts": hosts[hosts["mission"].isin(MISSIONS)],
        "main.state_codes": _of_these_states(state_codes_table()),
        "main.state_code_gaps": _of_these_states(state_code_gaps_table()),
    }


def _of_these_states(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["iso3"].isin(STATES)]
