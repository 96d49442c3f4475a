"""A small warehouse made by hand that passes every check, built once per session. Tests change copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from marts_shared import fill
from reference_shared import reference_rows

from schemas.tables import TABLES
from schemas.tables.quality import INCOMPLETE_PERIODS
from schemas.validate import conform
from transforms.staging import Staged
from warehouse import checks, load
from warehouse.claims import judge

SHA = {
    "fatalities": "a" * 64, "personnel": "b" * 64, "money": "c" * 64, "list": "d" * 64, "register": "e" * 64,
    "codebook": "1" * 64,
}  # fmt: skip
BETWEEN = ("from_vintage", "to_vintage")


def _rows(names: str, *rows: tuple[Any, ...], **same: Any) -> pd.DataFrame:
    """A frame from a line of column names and one tuple a row; `same` has the columns that never change."""
    return pd.DataFrame(list(rows), columns=names.split()).assign(**same)


def _numbered(frame: pd.DataFrame, sha256: str) -> pd.DataFrame:
    return frame.assign(snapshot_sha256=sha256, snapshot_row=range(1, len(frame) + 1))


def _days(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in names})


def _countries() -> pd.DataFrame:
    return _days(
        _rows(
            "iso3 name m49 kind existed_from existed_until successors_iso3",
            ("BGD", "Bangladesh", "050", "current", None, None, None),
            ("CIV", "Côte d'Ivoire", "384", "current", None, None, None),
            ("FRA", "France", "250", "current", None, None, None),
            ("IND", "India", "356", "current", None, None, None),
            ("MLI", "Mali", "466", "current", None, None, None),
            ("MNE", "Montenegro", "499", "current", None, None, None),
            ("SCG", "Serbia and Montenegro", "891", "dissolved", "1992-04-27", "2006-06-05", "SRB;MNE"),
            ("SOM", "Somalia", "706", "current", None, None, None),
            ("XKX", "Kosovo", None, "user_assigned", None, None, None),
            source="made up for the tests",
        ),
        "existed_from",
        "existed_until",
    ).assign(region_basis="m49", is_permanent_member=False)


def _missions() -> pd.DataFrame:
    frame = _days(
        _rows(
            "mission kind start_date end_date part_of predecessor successor longitude latitude sha",
            ("MINUSMA", "peacekeeping", "2013-04-25", "2023-12-31", None, None, None, -8.0, 12.65, "list"),
            ("UNAMA", "special_political", "2002-03-28", None, None, None, None, None, None, "register"),
            ("UNOSOM", "peacekeeping", "1992-04-01", "1995-03-31", None, None, None, None, None, "list"),
            ("UNOSOM I", "peacekeeping", "1992-04-01", "1993-03-31", "UNOSOM", None, "UNOSOM II", 45, 2, "list"),
            ("UNOSOM II", "peacekeeping", "1993-03-01", "1995-03-31", "UNOSOM", "UNOSOM I", None, 45, 2, "list"),
            ("UNSPECIFIED", "unspecified", None, None, None, None, None, None, None, "register"),
            source="made up for the tests",
        ),
        "start_date",
        "end_date",
    )
    day = frame["start_date"].notna()
    return frame.assign(
        name="A mission's name",
        is_active=pd.Series([False, True, False, False, False, None], dtype="boolean"),
        start_date_precision=pd.Series("day", index=frame.index).where(day),
        in_published_list=frame["sha"] == "list",
        snapshot_sha256=frame["sha"].map(SHA),
        snapshot_row=range(1, len(frame) + 1),
    )


def _fatalities() -> pd.DataFrame:
    frame = _rows(
        "casualty_id incident_date mission nationality_iso3 personnel_type incident_type gender",
        ("MINUSMA-2013-07-00001", "2013-07-06", "MINUSMA", "IND", "Military", "Malicious Act", "M"),
        ("MINUSMA-2016-02-00002", "2016-02-12", "MINUSMA", "MLI", "Local", "Malicious Act", "F"),
        ("MINUSMA-2019-01-00003", "2019-01-20", "MINUSMA", "BGD", "Police", "Malicious Act", None),
        ("MINUSMA-2018-05-00004", "2018-05-05", "MINUSMA", "FRA", "Military Observer", "Illness", "M"),
        ("MINUSMA-2020-03-00005", "2020-03-03", "MINUSMA", "FRA", "International Civilian", "To Be Determined", "M"),
        ("MINUSMA-2021-04-00006", "2021-04-04", "MINUSMA", "IND", "Military", "To Be Determined", "M"),
        ("UNAMA-2010-01-00007", "2010-01-01", "UNAMA", None, "Other", "Accident", "F"),
        ("UNOSOMI-1992-09-00008", "1992-09-14", "UNOSOM I", "SCG", "Military", "To Be Determined", None),
        first_seen=pd.Timestamp("2021-06-30"),
        last_seen=pd.Timestamp("2025-04-30"),
    )
    state = frame["nationality_iso3"]
    status = state.notna().map({True: "known", False: "undetermined"})
    frame = frame.assign(nationality_iso3_other=state.map({"SCG": "MNE"}), nationality_status=status)
    return _numbered(_days(frame, "incident_date"), SHA["fatalities"])


def _states() -> pd.DataFrame:
    """The newest states of the fatalities, and an earlier state of one whose cause was still to be determined."""
    newest = _fatalities().assign(unpublished="").rename(columns={"last_seen": "seen_to"})
    ill = newest["casualty_id"] == "MINUSMA-2018-05-00004"
    seen_to = newest["seen_to"]
    first = newest["first_seen"]
    before = newest[ill].assign(incident_type="To Be Determined", seen_from=first, seen_to=first, superseded_on=seen_to)
    return pd.concat([before, newest.assign(seen_from=first.where(~ill, seen_to))], ignore_index=True)


def _revisions() -> pd.DataFrame:
    return _days(
        _rows(
            "casualty_id field old_value new_value from_vintage to_vintage",
            ("MINUSMA-2018-05-00004", "incident_type", "To Be Determined", "Illness", "2021-06-30", "2025-04-30"),
        ),
        *BETWEEN,
    )


def _personnel() -> pd.DataFrame:
    frame = _rows(
        "month_end mission contributor_iso3 personnel_type female male total",
        ("2017-04-30", "MINUSMA", "IND", "Troops", 10, 90, 100),
        ("2017-04-30", "MINUSMA", "IND", "Experts on Mission", 1, 4, 5),
        ("2017-04-30", "UNAMA", "IND", "Individual Police", 2, 3, 5),
        ("2017-04-30", "MINUSMA", "BGD", "Troops", 0, 110, 110),
        ("2017-04-30", "MINUSMA", "FRA", "Formed Police Units", 5, 20, 25),
        ("2017-04-30", "MINUSMA", "CIV", "Troops", 0, 0, 0),
        ("2017-05-31", "MINUSMA", "IND", "Troops", 12, 85, 97),
        ("2017-05-31", "MINUSMA", "IND", "Staff Officer", 1, 2, 3),
        ("2017-05-31", "MINUSMA", "FRA", "Staff Officer", 0, 4, 4),
        ("2023-09-30", "UNSPECIFIED", "IND", "Troops", None, None, 50),
        ("2023-09-30", "UNSPECIFIED", "IND", "Individual Police", None, None, 7),
        ("2023-09-30", "UNSPECIFIED", "FRA", "Troops", 1, 2, 3),
        ("2023-09-30", "UNSPECIFIED", "FRA", "Formed Police Units", None, None, 4),
        series="monthly_report",
    )
    frame = _numbered(_days(frame, "month_end"), SHA["personnel"])
    before = frame["month_end"] == pd.Timestamp("2017-04-30")
    return frame.assign(includes_staff_officers=before & (frame["personnel_type"] == "Troops"))


def _contributions() -> pd.DataFrame:
    frame = _rows(
        "peacekeeping_year period_start period_end contributor_iso3 amount_usd",
        ("2018-19", "2018-07-01", "2019-06-30", "BGD", 3_000_000_000.00),
        ("2018-19", "2018-07-01", "2019-06-30", "CIV", 2_000_000_000.00),
        ("2018-19", "2018-07-01", "2019-06-30", "FRA", 3_000_000_000.00),
        ("2018-19", "2018-07-01", "2019-06-30", "IND", 1_000_000_000.00),
        ("2018-19", "2018-07-01", "2019-06-30", "MLI", 1_000_000_000.00),
        ("2019-20", "2019-07-01", "2020-06-30", "BGD", 1_100_000_001.10),
        ("2019-20", "2019-07-01", "2020-06-30", "CIV", 700_000_000.70),
        ("2019-20", "2019-07-01", "2020-06-30", "FRA", 1_100_000_001.10),
        ("2019-20", "2019-07-01", "2020-06-30", "IND", 1_100_000_001.10),
        contributor_as_published="as printed",
    )
    return _numbered(_days(frame, "period_start", "period_end"), SHA["money"])


def _snapshots() -> pd.DataFrame:
    return _rows(
        "source sha256 rows_read rows_out_of_scope rows_in rows_staged",
        ("fatalities", SHA["fatalities"], 8, 0, 8, 8),
        ("uniformed_personnel", SHA["personnel"], 13, 0, 13, 13),
        ("assessed_contributions", SHA["money"], 11, 2, 9, 9),
        ("missions", SHA["list"], 4, 0, 4, 4),
        ("mission_register", SHA["register"], 2, 0, 2, 2),
        ("publisher_codebook", SHA["codebook"], 4, 0, 4, 4),
        vintage=pd.Timestamp("2025-04-30"),
        vintage_basis="a stated date",
        origin="bundled",
        url="https://example.org/file.csv",
        retrieved_at="2025-05-01",
        dialect="psdata-csv",
        bytes=1234,
        rows_rejected=0,
        rows_merged=0,
        citation="A publisher's file, 2025",
        covers_from=pd.NaT,
        covers_to=pd.NaT,
    )


def _codebook() -> dict[str, pd.DataFrame]:
    """What the publisher says of one dataset and of three of its columns, one of them reworded, and our names."""
    seen = {"first_seen": pd.Timestamp("2023-12-10"), "last_seen": pd.Timestamp("2025-04-30")}
    dataset = "DPPADPOSS-FATALITIES"
    return {
        "meta.publisher_datasets": _numbered(
            _rows("dataset_id title limitations", (dataset, "Fatalities", "May be incomplete."), **seen),
            SHA["codebook"],
        ),
        "meta.publisher_columns": _numbered(
            _rows(
                "column_name definition format",
                ("type_of_incident", "What the death\nwas caused by | or not.", "String"),
                ("casualty_nationality", None, "String"),
                ("Isocode3", "Code of the nationality.", None),
                dataset_id=dataset,
                **seen,
            ),
            SHA["codebook"],
        ),
        "meta.publisher_revisions": _days(
            _rows(
                "dataset_id column_name field old_value new_value from_vintage to_vintage",
                (dataset, "type_of_incident", "definition", "The cause.", "What the death was caused by.",
                 "2023-12-10", "2025-04-30"),
            ),
            *BETWEEN,
        ),
        "meta.published_names": _rows(
            "published_name table_name column_name",
            ("type_of_incident", "fatalities", "incident_type"),
            ("casualty_nationality", "fatalities", "nationality_iso3"),
            ("isocode3", "fatalities", "nationality_iso3"),
            ("gender", "fatalities", "gender"),
            source="fatalities",
            dataset_id=dataset,
        ),
    }  # fmt: skip


def _money() -> dict[str, pd.DataFrame]:
    """One row of each table of budgets, assessments, rates, payments and dated facts."""
    days = {"period_start": pd.Timestamp("2018-07-01"), "period_end": pd.Timestamp("2019-06-30")}
    year = {"peacekeeping_year": "2018-19", **days}
    mission = {"mission": "MINUSMA", "mission_as_published": "MINUSMA"}
    state = {"contributor_iso3": "FRA", "contributor_as_published": "France"}
    cited = {"citation": "A/74/736"}
    assessed = {"assessed_gross_usd": 5e6, "assessed_net_usd": 4e6, "document_symbol": "ST/ADM/SER.B/1"}
    rows: dict[str, dict[str, object]] = {
        "mission_budgets": {
            **year, **mission, **cited, "measure": "spent", "stage": "performance report", "amount_usd": 1e9,
            "publication": "performance",
        },
        "mission_budget_lines": {
            **year, **mission, "budget_class": "Operational costs", "budget_subclass": "Fuel", "apportionment_usd": 2e6,
            "expenditure_usd": 3e6, "variance_usd": -1e6, "document_symbol": "A/74/736", "is_total": False,
            "publication": "data_hub",
        },
        "budget_totals": {**year, **cited, "stage": "initial", "amount_usd": 6.69e9},
        "mission_assessments": {**year, **mission, **assessed, **cited, "credit_usd": -1e6},
        "state_mission_assessments": {**year, **state, **mission, **assessed, **cited, "grade": "read"},
        "peacekeeping_levels": {
            **year, **state, "scale_period": "2016-2018", "level": "A", "regular_rate_pct": 4.859,
            "effective_rate_pct": 6.2801, "assessed_share_pct": 6.28, "fit": "ok",
        },
        "peacekeeping_rates": {**cited, "basis": "printed", "period": "2017", "contributor_iso3": "FRA", "rate_pct": 6.28},
        "regular_budget_payments": {
            **state, "year": 2019, "regular_rate_pct": 4.427, "assessed_usd": 1.2e8, "payment_status": "paid_on_time",
            "payment_date": pd.Timestamp("2019-01-30"), "honour_roll_as_of": pd.Timestamp("2019-12-27"),
            "document_symbol": "ST/ADM/SER.B/992",
        },
        "dated_facts": {
            **cited, "collection": "arrears", "as_of": "2019-01-01", "as_of_from": pd.Timestamp("2019-01-01"),
            "as_of_to": pd.Timestamp("2019-01-01"), "precision": "day", "subject": "USA", "fund": "peacekeeping",
            "value": 7.76e8, "qualifier": "about", "statement": "owed",
        },
        "mission_strength": {
            **mission, "month_end": pd.Timestamp("2017-03-31"), "contributors": 50, "troops": 10, "police": 2,
            "observers": 1, "total": 13, "reported_on": pd.Timestamp("2017-03-31"),
        },
        "contributor_strength": {
            **state, "month_end": pd.Timestamp("2014-03-31"), "troops": 10, "police": 2, "experts_on_mission": 1, "total": 13,
            "reported_on": pd.Timestamp("2014-03-31"),
        },
        "government_revenue": {**year, **state, "revenue_kind": "other", "amount_usd": -1.5},
        "scale_of_assessments": {**state, "period_from": 1977, "period_to": 1977, "rate_pct": 5.66},
    }  # fmt: skip
    origin = {"snapshot_sha256": SHA["money"], "snapshot_row": 1}
    return {f"main.{name}": pd.DataFrame([{**row, **origin}]) for name, row in rows.items()}


def _meta() -> dict[str, pd.DataFrame]:
    """The tables of meta but those of the codebook."""
    raw = {"source": "fatalities", "snapshot_sha256": SHA["fatalities"]}
    noted = pd.Timestamp("2025-01-02")
    return {
        "meta.builds": _rows(
            "build_id code_version code_sha256 duckdb_version snapshots",
            ("0123456789ab", "0.1.0", "f" * 64, duckdb.__version__, 6),
        ),
        "meta.snapshots": _snapshots(),
        "meta.rejected_rows": pd.DataFrame(columns=[*raw, "row_number", "raw_row", "check_name", "reason"]),
        "meta.incomplete_periods": pd.DataFrame(columns=list(INCOMPLETE_PERIODS.columns)),
        "meta.merged_rows": pd.DataFrame(columns=[*raw, "row_number", "rule", "into_row"]),
        "meta.signals": pd.DataFrame(columns=[*raw, "kind", "value", "rows"]),
        "meta.control_totals": _rows(
            "source total subject period value origin",
            ("uniformed_personnel", "printed grand total of the month", "all", "2017-04-30", 245.0, "made up"),
        ),
        "meta.corrections": _rows(
            "source correction_id status where_row expected corrected reason noted",
            ("missions", "unama-active", "applied", "{}", "{}", "{}", "it runs", noted),
        ),
        "meta.known_defects": _rows(
            "source defect_id noted description status",
            ("missions", "coarse", noted, "Dates a month coarse.", "not asked"),
        ),
    }


def hand_made() -> dict[str, pd.DataFrame]:
    """Rows of every table that a build is given, by its full name, in the declared shape."""
    frames = {
        **_money(),
        **reference_rows(SHA["money"]),
        "main.countries": _countries(),
        "main.missions": _missions(),
        "main.mission_aliases": _rows("alias mission note", ("UNOSOM-I", "UNOSOM I", None)),
        "main.fatalities": _fatalities(),
        "main.uniformed_personnel": _personnel(),
        "main.assessed_contributions": _contributions(),
        "main.fatality_states": _states(),
        "main.fatality_revisions": _revisions(),
        "main.uniformed_personnel_revisions": _days(
            _rows(
                "month_end mission contributor_iso3 personnel_type field old_value new_value from_vintage to_vintage",
                ("2017-04-30", "MINUSMA", "IND", "Troops", "total", 99, 100, "2017-05-31", "2025-07-31"),
                series="monthly_report",
            ),
            "month_end",
            *BETWEEN,
        ),
        "main.uniformed_personnel_superseded": _personnel().head(1),
        "main.assessed_contribution_revisions": _days(
            _rows(
                "peacekeeping_year contributor_iso3 field old_value new_value from_vintage to_vintage",
                ("2018-19", "FRA", "amount_usd", 1.0, 2.0, "2023-12-31", "2024-12-31"),
            ),
            *BETWEEN,
        ),
        **_meta(),
        **_codebook(),
    }
    return {name: conform(frame, TABLES[name]) for name, frame in frames.items()}


def to_parquet(frames: dict[str, pd.DataFrame], folder: Path) -> dict[str, Path]:
    """Write frames as the files that `warehouse.load.build` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.parquet" for name in frames}
    for name, frame in frames.items():
        frame.to_parquet(files[name], index=False)
    return files


@pytest.fixture(scope="session")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The hand-made rows as the files that `warehouse.load.build` takes. Read only."""
    return to_parquet(hand_made(), tmp_path_factory.mktemp("parquet"))


@pytest.fixture(scope="session")
def unchecked(tmp_path_factory: pytest.TempPathFactory, parquet: dict[str, Path]) -> Path:
    """The small warehouse as built, its checks not yet run. Read only."""
    file = tmp_path_factory.mktemp("unchecked") / "built.duckdb"
    load.build(file, parquet)
    return file


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, unchecked: Path) -> Path:
    """The small warehouse, built and checked, with the claims judged on it. Read only."""
    file = tmp_path_factory.mktemp("small") / "small.duckdb"
    shutil.copy(unchecked, file)
    checks.require(checks.run(file))
    judge.run(file)
    return file


@pytest.fixture
def built(unchecked: Path, tmp_path: Path) -> Path:
    """A copy of the small warehouse before its checks, to be changed at will."""
    return Path(shutil.copy(unchecked, tmp_path / "built.duckdb"))


@pytest.fixture
def after(unchecked: Path, tmp_path: Path) -> Path:
    """A copy of the small warehouse with an odd name, to be changed and compared with `unchecked`."""
    return Path(shutil.copy(unchecked, tmp_path / "after's.duckdb"))


@pytest.fixture(scope="session")
def real(bundled: Callable[[str], Staged]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that marts and claims read, filled from the bundled snapshots. Undo every change."""
    with duckdb.connect() as connection:
        fill(connection, bundled)
        yield connection
