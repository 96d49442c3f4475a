"""The data that the publishers' replica serves, made from the bundled snapshots.

`bundled_datasets` gives psdata's datasets as rows of its JSON: days in epoch milliseconds, unknown numbers and codes
null, unknown texts empty. No reply of DPO-PKBUDGET was ever recorded: see `_budget_lines`.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import yaml
from report_pdfs import LAYOUTS, Figures, report

from sources import bundle

Row = dict[str, Any]

FATALITIES, PERSONNEL, MISSIONS = "DPPADPOSS-FATALITIES", "DPO-UCHISTORICAL", "DPPADPOSS-PKO"
BUDGETS = "DPO-PKBUDGET"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
APPROVED = "mission_budgets_approved_2009-10_2025-26.csv.gz"
SPENT = "mission_budgets_expenditure_2018-19_2024-25.csv.gz"
# Stages of approval that cover a complete year; the other stages are prorated shares.
FULL_YEAR_STAGES = ["approved", "initial approval"]
# Columns of the API, and what they are called in the bundled compilation of the monthly reports.
PERSONNEL_NAMES = {
    "last_reporting_date": "month_end",
    "mission_acronym": "mission",
    "contributing_country": "contributor_as_printed",
    "personnel_type": "personnel_type_as_printed",
    "female_personnel": "female",
    "male_personnel": "male",
}
DATES = {"incident_date", "last_update", "start_date", "end_date", "last_reporting_date"}
COUNTS = {"female_personnel", "male_personnel"}

_DESCRIBED = yaml.safe_load(Path(__file__).with_name("replica_codebook.yaml").read_text(encoding="utf-8"))
COLUMNS: dict[str, tuple[str, ...]] = {
    entry["Dataset ID"]: tuple(entry["columns"]) for entry in _DESCRIBED if "columns" in entry
}
CODEBOOK_FIELDS = (
    "Dataset ID",
    "Column definitions",
    "Name",
    "Description",
    "Update Frequency",
    "Start Range",
    "End Range",
    "Limitations and Exceptions",
    "Additional Notes",
    "Data Owner",
    "Data Steward",
    "Technical Focal Point",
    "Last Update Date",
)


@dataclass
class Dataset:
    """Rows as in the API's JSON, made on first use, and the time of their last change."""

    make: Callable[[], list[Row]]
    modified: datetime

    @cached_property
    def rows(self) -> list[Row]:
        return self.make()


@dataclass(frozen=True)
class File:
    body: bytes
    content_type: str
    modified: datetime | None


def bundled_datasets() -> dict[str, Dataset]:
    """psdata's datasets from the newest bundled snapshots."""
    sources = {FATALITIES: "fatalities", PERSONNEL: "uniformed_personnel", MISSIONS: "missions"}
    datasets = {}
    for name, source in sources.items():
        entry = _snapshot(source)
        make = partial(_bundled_rows, name, entry["file"], entry["vintage"])
        datasets[name] = Dataset(make, _midnight(entry["vintage"]))
    (vintage,) = (entry["vintage"] for entry in bundle.manifest() if entry["file"] == SPENT)
    return {**datasets, BUDGETS: Dataset(_budget_lines, _midnight(vintage))}


def contributions_file() -> File:
    """CEB's file with the byte order mark that CEB writes."""
    entry = _snapshot("assessed_contributions")
    body = BYTE_ORDER_MARK + gzip.decompress((bundle.BUNDLED / entry["file"]).read_bytes())
    return File(body, "text/csv; charset=utf-8", _midnight(entry["vintage"]))


@cache
def scale_workbook() -> File:
    """The scale of assessments in the layout of the Committee's workbook: a row per state, a column per period."""
    entry = _snapshot("scale_of_assessments")
    rates = _read(entry["file"]).pivot(index="member_state", columns=["period_from", "period_to"], values="rb_rate_pct")
    rates = rates.sort_index(axis="columns")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Scale"
    # A period is headed by its years in two rows: 1946 alone, 1950 over 1951, 1953 over 1954-1955.
    sheet.append(["", *("" if begin == end else int(begin) for begin, end in rates.columns)])
    last = (int(end) if int(end) - int(begin) < 2 else f"{int(begin) + 1}-{end}" for begin, end in rates.columns)
    sheet.append(["Member State", *last])
    for state, *values in rates.itertuples():
        sheet.append([state, *("          -" if pd.isna(value) else float(value) for value in values)])
    packed = io.BytesIO()
    book.save(packed)
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return File(packed.getvalue(), content_type, _midnight(entry["vintage"]))


@cache
def monthly_report() -> File:
    """The report of July 2025 as PDF, in the layout of its month, from the bundled figures."""
    entry = _snapshot("uniformed_personnel")
    month = _read(entry["file"]).query("month_end == @entry['vintage']")
    names = ["mission", "contributor_as_printed", "personnel_type_as_printed"]
    month = month.sort_values(names)
    rows = [Figures(*row[:3], *map(int, row[3:])) for row in month[[*names, "male", "female"]].itertuples(index=False)]
    day = date.fromisoformat(entry["vintage"])
    return File(report(LAYOUTS["S"], rows, day), "application/pdf", _midnight(entry["vintage"]))


def published_reports() -> list[tuple[str, bytes]]:
    """The three newest published reports in PEACEKEEPING_TEST_DATA, the newest last; none where it is not set."""
    folder = Path(os.environ.get("PEACEKEEPING_TEST_DATA", "")) / "raw" / "troops" / "pdf"
    return [(file.name, file.read_bytes()) for file in sorted(folder.glob("*.pdf"))[-3:]]


def default_codebook(datasets: Mapping[str, Dataset]) -> list[dict[str, Any]]:
    """The API's metadata; the last update is that of the dataset served, null where none is."""
    entries = []
    for described in _DESCRIBED:
        stated = dict(described)
        definitions = [
            {"Column Name": name, "Definition": text, "Format": form, "Attributes": None}
            for name, (text, form) in stated.pop("columns", {}).items()
        ]
        dataset = datasets.get(stated["Dataset ID"])
        stated["Column definitions"] = definitions or None
        stated["Last Update Date"] = dataset.modified.date().isoformat() if dataset else None
        entries.append(dict.fromkeys(CODEBOOK_FIELDS) | stated)
    return entries


def _snapshot(source: str) -> dict[str, Any]:
    """The manifest's entry of a source's newest bundled snapshot."""
    snapshots = [one for one in bundle.manifest() if one["source"] == source and one["role"] == "snapshot"]
    return max(snapshots, key=lambda entry: str(entry["vintage"]))


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _read(file: str) -> pd.DataFrame:
    """A bundled CSV file, all cells as text."""
    return pd.read_csv(bundle.BUNDLED / file, dtype=str, keep_default_na=False)


@cache
def _bundled_rows(name: str, file: str, vintage: str) -> list[Row]:
    """The rows of a bundled file. Cached, because a hundred thousand take a second: callers must not change them."""
    frame = _read(file)
    if name == PERSONNEL:
        # The API has no rows without a mission or without the numbers by sex; the monthly reports do.
        frame = frame[(frame[["mission", "female", "male"]] != "").all(axis="columns")]
        frame = frame.rename(columns={ours: theirs for theirs, ours in PERSONNEL_NAMES.items()})
    if name == FATALITIES:
        frame = frame.sort_values("incident_date", kind="stable")
    number = COLUMNS[name][0]
    frame = frame.assign(last_update=vintage, type_of_casualty="Fatality", **{number: range(1, len(frame) + 1)})
    frame = frame.reindex(columns=list(COLUMNS[name]), fill_value="")
    return _records(frame.assign(**{column: _as_json_has_it(frame[column]) for column in frame}))


def _as_json_has_it(values: pd.Series) -> pd.Series:
    """A column of texts with the types that it has in the API's JSON."""
    if values.name in DATES:
        return _epoch_ms(values)
    if values.name in COUNTS:
        return values.astype(int)
    if values.name == "m49_code":
        return pd.to_numeric(values)
    return values.replace("", None) if values.name == "isocode3" else values


def _epoch_ms(days: pd.Series) -> pd.Series:
    stamps = pd.to_datetime(days.replace("", None))
    return ((stamps - pd.Timestamp(0)) // pd.Timedelta(milliseconds=1)).astype("Int64")


def _records(frame: pd.DataFrame) -> list[Row]:
    """Rows with None for missing values, as JSON has no NaN."""
    objects = frame.astype(object)
    return objects.where(objects.notna(), None).to_dict("records")


@cache
def _budget_lines() -> list[Row]:
    """Rows with the columns of DPO-PKBUDGET, and figures that are not its own, which are unknown here.

    One line, called a total, for each mission-year whose expenditure is bundled, in thousands; beside it the approved
    amount where one for the complete year is bundled, else null. The real dataset has lines by class and subclass.
    """
    approved = _read(APPROVED).query("stage in @FULL_YEAR_STAGES")
    approved = approved.drop_duplicates(["pk_fiscal_year", "mission"], keep="last")
    lines = _read(SPENT).merge(
        approved[["pk_fiscal_year", "mission", "amount_usd"]],
        how="left",
        left_on=["pk_fiscal_year", "entity"],
        right_on=["pk_fiscal_year", "mission"],
        suffixes=("_spent", "_approved"),
    )
    granted, spent = pd.to_numeric(lines["amount_usd_approved"]), pd.to_numeric(lines["amount_usd_spent"])
    return _records(
        pd.DataFrame(
            {
                "Mission_acronym": lines["entity"],
                "Start_date": _epoch_ms(lines["period_start"]),
                "End_date": _epoch_ms(lines["period_end"]),
                "Budget_class": "Total requirements",
                "Budget_subclass": "",
                "Apportionment": granted / 1000,
                "Expenditure": spent / 1000,
                "Variance": (granted - spent) / 1000,
                "Document_symbol": lines["source_symbol"],
            }
        )
    )
