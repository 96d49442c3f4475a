"""A replica of the publishers on loopback: `python tests/replica.py`, or `with Replica() as replica:` in a test.

It speaks as psdata's API and the file servers of CEB and the Committee on Contributions do, from the bundled snapshots
or from rows that a test puts there, and it misbehaves on demand, so that every fault a publisher may have can be seen
without a network. The pipeline finds it through PEACEKEEPING_PSDATA_URL, PEACEKEEPING_CEB_URL and
PEACEKEEPING_CONTRIBUTIONS_URL. How the real API writes no value in text columns of the missions, compares values in a
filter, or words an error is not known: there the replica does what is plain. No reply of DPO-PKBUDGET was ever
recorded: what is served under that name has its columns, and figures that are not its own (see `_budget_lines`).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import re
import select
import socket
import socketserver
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum
from functools import cache, cached_property, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from sources import bundle
from sources.errors import Refused

Row = dict[str, Any]

HOST = "127.0.0.1"
PSDATA_ENVIRONMENT, CEB_ENVIRONMENT = "PEACEKEEPING_PSDATA_URL", "PEACEKEEPING_CEB_URL"
CONTRIBUTIONS_ENVIRONMENT = "PEACEKEEPING_CONTRIBUTIONS_URL"
CEB_FILE = "/ceb/revenue_government_donors.csv"
SCALE_FILE = "/contributions/Scale of Assessments for RB 1946-2027.xlsx"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON_TYPE, CSV_TYPE, HTML_TYPE = "application/json", "text/csv; charset=utf-8", "text/html; charset=utf-8"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

FATALITIES, PERSONNEL, MISSIONS = "DPPADPOSS-FATALITIES", "DPO-UCHISTORICAL", "DPPADPOSS-PKO"
BUDGETS, UNDESCRIBED = "DPO-PKBUDGET", "DPO-PKEXP"
# What the columns mean, in our own words. The texts of isocode3 and m49_code are swapped for the personnel, as in the
# publisher's own codebook, and texts can be missing.
DEFINITIONS: dict[str, dict[str, tuple[str | None, str | None]]] = {
    FATALITIES: {
        "id": ("Number of the row in this reply.", "Number"),
        "incident_date": ("Day on which the incident happened.", "Date"),
        "casualty_id": ("Identifier of the casualty's notification.", "String"),
        "mission_acronym": ("Acronym of the mission in which the casualty served.", "String"),
        "type_of_casualty": ("Kind of casualty; deaths only.", "String"),
        "gender": ("M or F; empty where it is not known.", "String"),
        "casualty_nationality": ("Name of the casualty's country of nationality.", "String"),
        "casualty_personnel_type": ("Kind of personnel that the casualty belonged to.", "String"),
        "type_of_incident": ("What the death was caused by.", "String"),
        "m49_code": ("Numeric M49 code of the nationality.", "Number"),
        "isocode3": ("Three-letter ISO 3166 code of the nationality.", "String"),
        "last_update": ("Day on which the dataset was last updated.", "Date"),
    },
    PERSONNEL: {
        "contribution_id": ("Number of the contribution.", "Number"),
        "isocode3": ("Numeric M49 code of the contributing country.", "String"),
        "m49_code": ("Three-letter ISO 3166 code of the contributing country.", "Number"),
        "contributing_country": ("Name of the country that sends the personnel.", "String"),
        "mission_acronym": ("Acronym of the mission.", "String"),
        "personnel_type": ("Troops, staff officers, experts on mission or police.", "String"),
        "female_personnel": ("Number of women.", "Number"),
        "male_personnel": ("Number of men.", "Number"),
        "last_reporting_date": ("Last day of the month reported.", "Date"),
    },
    MISSIONS: {
        "id": (None, "Number"),
        "mission_acronym": ("Acronym of the operation.", "String"),
        "mission_name": ("Full name of the operation.", "String"),
        "lead_department": ("Department of the Secretariat that leads it.", "String"),
        "mission_isactive": ("Whether the operation is still running.", "String"),
        "start_date": ("Day on which the mandate began.", "Date"),
        "end_date": ("Day on which the mandate ended.", "Date"),
        "mission_location": ("Where its headquarters are.", "String"),
        "mission_longitude": ("Longitude of the headquarters.", "String"),
        "mission_latitude": ("Latitude of the headquarters.", None),
        "last_update": ("Day on which the dataset was last updated.", "Date"),
    },
    BUDGETS: {
        "Mission_acronym": ("Acronym of the mission.", "String"),
        "Start_date": ("First day of the period; peacekeeping budgets run from 1 July.", "Date"),
        "End_date": ("Last day of the period; peacekeeping budgets run to 30 June.", "Date"),
        "Budget_class": ("Category of the budget.", "String"),
        "Budget_subclass": ("Part of the category.", "String"),
        "Apportionment": ("Approved by the General Assembly, in thousands of US dollars.", "Number"),
        "Expenditure": ("Spent, in thousands of US dollars.", "Number"),
        "Variance": ("Apportionment less expenditure; negative where more was spent.", "Number"),
        "Document_symbol": ("Symbol of the report.", "String"),
    },
}
COLUMNS = {dataset: tuple(definitions) for dataset, definitions in DEFINITIONS.items()}
DATES = frozenset(
    {"incident_date", "last_update", "start_date", "end_date", "last_reporting_date", "Start_date", "End_date"}
)
WHOLE = frozenset({"female_personnel", "male_personnel"})
AMOUNTS = ("Apportionment", "Expenditure", "Variance")
# What the lines of DPO-PKBUDGET are made from: stages of approval that are of a whole year, without prorated shares.
APPROVED = "mission_budgets_approved_2009-10_2025-26.csv.gz"
SPENT = "mission_budgets_expenditure_2018-19_2024-25.csv.gz"
WHOLE_YEAR = ("approved", "initial approval")
NUMBERED = ("id", "contribution_id")
# What a column of the API is called in the monthly reports' figures.
IN_THE_REPORTS = {
    "last_reporting_date": "month_end",
    "mission_acronym": "mission",
    "contributing_country": "contributor_as_printed",
    "personnel_type": "personnel_type_as_printed",
    "female_personnel": "female",
    "male_personnel": "male",
}
DAY_MS = 86_400_000
FIRST_DAY = date(1970, 1, 1).toordinal()


class Fault(StrEnum):
    """What can go wrong between a publisher and us."""

    TOO_MANY_REQUESTS = "too-many-requests"
    ODD_RETRY_AFTER = "odd-retry-after"
    REQUEST_TIMEOUT = "request-timeout"
    TOO_EARLY = "too-early"
    SERVER_ERROR = "server-error"
    INSUFFICIENT_STORAGE = "insufficient-storage"
    UNKNOWN_ERROR = "unknown-error"
    STALLED_BODY = "stalled-body"
    CUT_BODY = "cut-body"
    SHORT_LENGTH = "short-length"
    CUT_GZIP = "cut-gzip"
    HTML = "html"
    WRONG_CONTENT_TYPE = "wrong-content-type"
    RENAMED_COLUMN = "renamed-column"
    DROPPED_COLUMN = "dropped-column"
    DOUBLED_KEY = "doubled-key"
    MOVING_PAGE = "moving-page"
    FIXED_PAGES = "fixed-pages"
    REPEATED_PAGE = "repeated-page"
    ENDLESS = "endless"
    REDIRECT = "redirect"
    GZIP_BOMB = "gzip-bomb"


# These come about while the bytes are sent; the answer is the right one before.
ON_THE_WIRE = frozenset({Fault.STALLED_BODY, Fault.CUT_BODY, Fault.SHORT_LENGTH, Fault.ENDLESS, Fault.GZIP_BOMB})
IN_THE_COLUMNS = frozenset({Fault.RENAMED_COLUMN, Fault.DROPPED_COLUMN})
# What is put in place of the parameters asked for: pages of 50 rows, or the first page for any other.
IN_THE_PAGING = {Fault.FIXED_PAGES: {"per_page": "50"}, Fault.REPEATED_PAGE: {"page_num": "1"}}
# The last one is no status of HTTP; a proxy gives it for an error of the server that it does not know.
STATUSES = {
    Fault.TOO_MANY_REQUESTS: 429,
    Fault.ODD_RETRY_AFTER: 429,
    Fault.REQUEST_TIMEOUT: 408,
    Fault.TOO_EARLY: 425,
    Fault.SERVER_ERROR: 500,
    Fault.INSUFFICIENT_STORAGE: 507,
    Fault.UNKNOWN_ERROR: 520,
}
RETRY_AFTER = {Fault.TOO_MANY_REQUESTS: "1", Fault.ODD_RETRY_AFTER: "0.129"}


@dataclass(frozen=True)
class Request:
    """What was asked, and the status it got; headers are spelled as the client spelled them."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int


@dataclass
class Dataset:
    """Rows in the JSON wire form, made when they are first asked for, and when they last changed."""

    make: Callable[[], list[Row]]
    modified: datetime

    @cached_property
    def rows(self) -> list[Row]:
        return self.make()

    @cached_property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))


@dataclass(frozen=True)
class File:
    body: bytes
    content_type: str
    modified: datetime


@dataclass
class Answer:
    """A reply before it is sent. `dataset` is the one whose page it is."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    dataset: str = ""


@dataclass
class _Misbehaviour:
    fault: Fault
    left: int | None
    only: str

    def applies(self, path: str, answer: Answer) -> bool:
        if self.only not in path:
            return False
        if self.fault is Fault.MOVING_PAGE or self.fault in IN_THE_PAGING:
            return bool(answer.dataset)
        if self.fault is Fault.DOUBLED_KEY:
            return bool(answer.dataset) and answer.body.startswith(b"[{")
        if self.fault in IN_THE_COLUMNS:
            return bool(answer.dataset) or (answer.status == 200 and answer.content_type.startswith("text/csv"))
        if self.fault in ON_THE_WIRE or self.fault in (Fault.WRONG_CONTENT_TYPE, Fault.CUT_GZIP):
            return answer.status == 200
        return True


class _BadRequest(Exception):
    """A parameter that the API can't read."""


@cache
def _epoch_ms(day: str) -> int:
    return (date.fromisoformat(day).toordinal() - FIRST_DAY) * DAY_MS


@cache
def _iso(milliseconds: int) -> str:
    return date.fromordinal(FIRST_DAY + milliseconds // DAY_MS).isoformat()


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)


def _read_csv(payload: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        plain = gzip.decompress(payload) if payload[:2] == b"\x1f\x8b" else payload
        lines = list(csv.reader(io.StringIO(plain.decode("utf-8-sig"), newline=""), strict=True))
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise Refused(f"It can't be read as CSV: {error}.") from error
    header = lines.pop(0) if lines else []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise Refused(f"Row {number} has {len(line)} fields, the header has {len(header)}.")
    return header, lines


def _dataset_of(header: list[str]) -> str:
    """Whose columns these are, in the API's CSV or in the compiled form of the bundled snapshots."""
    for column, dataset in (
        ("casualty_id", FATALITIES),
        ("mission_name", MISSIONS),
        ("contribution_id", PERSONNEL),
        ("contributor_as_printed", PERSONNEL),
        ("Budget_class", BUDGETS),
    ):
        if column in header:
            return dataset
    raise Refused(f"Its columns are those of none of {', '.join(COLUMNS)}.")


def to_wire(payload: bytes, vintage: str) -> tuple[str, list[Row]]:
    """A CSV file (or its gzip) in the API's or the compiled form: whose rows it has, and those in the JSON wire form.

    The compiled forms leave out what the API repeats in every row or merely numbers; `vintage` (an ISO day) is
    their last update. The API has no rows without a mission or a sex, so those of the monthly reports are left out.

    Raises Refused when it is no such file.
    """
    header, lines = _read_csv(payload)
    dataset = _dataset_of(header)
    compiled = dataset != BUDGETS and not set(header) & set(NUMBERED)
    place = {name: position for position, name in enumerate(header)}
    if compiled and dataset == PERSONNEL:
        place = {column: place[name] for column, name in IN_THE_REPORTS.items() if name in place}
    absent = {"isocode3", "m49_code", "gender", "type_of_casualty", "last_update", *NUMBERED}
    missing = [column for column in COLUMNS[dataset] if column not in place and column not in absent]
    if missing:
        raise Refused(f"Its column {IN_THE_REPORTS.get(missing[0], missing[0]) if compiled else missing[0]} is gone.")
    if compiled and dataset == PERSONNEL:
        shown = [place[column] for column in ("mission_acronym", "female_personnel", "male_personnel")]
        lines = [line for line in lines if all(line[position] for position in shown)]
    if compiled and dataset == FATALITIES:
        lines.sort(key=lambda line: line[place["incident_date"]])
    usual = {"type_of_casualty": "Fatality", "last_update": vintage}
    columns = [(column, place.get(column), usual.get(column, "")) for column in COLUMNS[dataset]]
    rows = []
    try:
        for number, line in enumerate(lines, start=1):
            row = {name: _value(name, default if at is None else line[at]) for name, at, default in columns}
            rows.append(row | {columns[0][0]: number} if compiled else row)
    except ValueError as error:
        raise Refused(f"It has a value that does not fit its column: {error}.") from error
    return dataset, rows


def _value(column: str, text: str) -> Any:
    """A cell of a CSV file as the API's JSON has it."""
    if column in DATES:
        return _epoch_ms(text) if text else None
    if column in WHOLE or column in NUMBERED:
        return int(text) if text else None
    if column == "m49_code" or column in AMOUNTS:
        return float(text) if text else None
    return (text or None) if column == "isocode3" else text


def _cell(column: str, value: Any) -> str:
    """A value of the API's JSON as its CSV has it."""
    if value is None:
        return ""
    if column in DATES and isinstance(value, int):
        with suppress(ValueError, OverflowError):
            return _iso(value)
    return str(value)


def _as_json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _as_csv(lines: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    # Python 3.11's writer leaves a lone carriage return unquoted, and readers would end the row there.
    careful = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for line in lines:
        (careful if any("\r" in cell for cell in line) else writer).writerow(line)
    return text.getvalue().encode("utf-8")


@cache
def _bundled_rows(file: str, vintage: str) -> list[Row]:
    """Kept for the process, because a hundred thousand rows take a second; nobody may change them in place."""
    return to_wire((bundle.BUNDLED / file).read_bytes(), vintage)[1]


def _snapshots() -> dict[str, dict[str, Any]]:
    """The newest bundled snapshot of each source."""
    return {entry["source"]: entry for entry in bundle.manifest() if entry["role"] == "snapshot"}


def bundled_datasets(fatalities: str = "fatalities_2025-04.csv.gz") -> dict[str, Dataset]:
    """psdata's datasets from the bundled snapshots; each is converted when it is first asked for."""
    vintages = {entry["file"]: entry["vintage"] for entry in bundle.manifest()}
    newest = _snapshots()
    files = {
        FATALITIES: fatalities,
        PERSONNEL: newest["uniformed_personnel"]["file"],
        MISSIONS: newest["missions"]["file"],
    }
    made_of_files = {
        dataset: Dataset(partial(_bundled_rows, file, vintages[file]), _midnight(vintages[file]))
        for dataset, file in files.items()
    }
    return {**made_of_files, BUDGETS: Dataset(_budget_lines, _midnight(vintages[SPENT]))}


@cache
def _budget_lines() -> list[Row]:
    """DPO-PKBUDGET's wire form, to be tried: not its figures, which nobody here has seen.

    One line for each mission-year of which the bundled compilations have the spending, called a total because it is
    one, in thousands; beside it what was approved, where they have one amount for the whole year, else null. The real
    dataset has lines of classes and subclasses.
    """

    def amounts(file: str, mission: str) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
        header, lines = _read_csv((bundle.BUNDLED / file).read_bytes())
        for cells in (dict(zip(header, line, strict=True)) for line in lines):
            if cells.get("stage", "approved") in WHOLE_YEAR:
                yield (cells["pk_fiscal_year"], cells[mission]), cells

    def thousands(usd: Decimal | None) -> float | None:
        return None if usd is None else float(usd / 1000)

    approved = {key: Decimal(cells["amount_usd"]) for key, cells in amounts(APPROVED, "mission")}
    rows = []
    for (year, mission), cells in amounts(SPENT, "entity"):
        spent, granted = Decimal(cells["amount_usd"]), approved.get((year, mission))
        rows.append(
            {
                "Mission_acronym": mission,
                "Start_date": _epoch_ms(cells["period_start"]),
                "End_date": _epoch_ms(cells["period_end"]),
                "Budget_class": "Total requirements",
                "Budget_subclass": "",
                "Apportionment": thousands(granted),
                "Expenditure": thousands(spent),
                "Variance": thousands(None if granted is None else granted - spent),
                "Document_symbol": cells["source_symbol"],
            }
        )
    return rows


def _contributions() -> File:
    """CEB's file as bundled, with the byte order mark that CEB writes."""
    entry = _snapshots()["assessed_contributions"]
    body = BYTE_ORDER_MARK + gzip.decompress((bundle.BUNDLED / entry["file"]).read_bytes())
    return File(body, CSV_TYPE, _midnight(entry["vintage"]))


@cache
def _scale() -> File:
    """The scale of assessments as bundled, laid out like the Committee's workbook: a row a state, a column a period."""
    entry = _snapshots()["scale_of_assessments"]
    header, lines = _read_csv((bundle.BUNDLED / entry["file"]).read_bytes())
    place = {name: position for position, name in enumerate(header)}
    periods: dict[tuple[str, str], None] = {}
    states: dict[str, dict[tuple[str, str], str]] = {}
    for line in sorted(lines, key=lambda line: line[place["period_from"]]):
        period = (line[place["period_from"]], line[place["period_to"]])
        periods[period] = None
        states.setdefault(line[place["member_state"]], {})[period] = line[place["rb_rate_pct"]]
    first = ["", *("" if begin == end else begin for begin, end in periods)]
    last = [
        "Member State",
        *(end if int(end) - int(begin) < 2 else f"{int(begin) + 1}-{end}" for begin, end in periods),
    ]
    rows = [
        [state, *(rates.get(period, "          -") for period in periods)] for state, rates in sorted(states.items())
    ]
    return File(as_workbook([first, last, *rows]), XLSX_TYPE, _midnight(entry["vintage"]))


def as_workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows of cells as an Excel workbook of one sheet, the same bytes for the same rows; decimal texts are numbers.

    As small as ISO/IEC 29500 lets one be: texts stand in their cells, and there are no styles.
    """
    sheet = "".join(f"<row>{''.join(map(_as_cell, cells))}</row>" for cells in rows)
    main, packages = (f"http://schemas.openxmlformats.org/{name}/2006" for name in ("spreadsheetml", "package"))
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relation = '<Relationships xmlns="{}/relationships"><Relationship Id="r" Type="{}/{}" Target="{}"/></Relationships>'
    members = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": relation.format(packages, office, "officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}/main" xmlns:r="{office}"><sheets>'
        '<sheet name="Scale" sheetId="1" r:id="r"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation.format(packages, office, "worksheet", "sheet.xml"),
        "xl/sheet.xml": f'<worksheet xmlns="{main}/main"><sheetData>{sheet}</sheetData></worksheet>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            # A member's default date is the same fixed day, 1980-01-01, wherever and whenever it is written.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _as_cell(text: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return f"<c><v>{text}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' if text else "<c/>"


def default_codebook(datasets: Mapping[str, Dataset]) -> list[dict[str, Any]]:
    """The metadata with what a reader of the real ones must cope with.

    Contacts (invented ones) stand beside the descriptions, anything can be null, and datasets are named that nobody
    here serves.
    """
    entries = [
        _entry(
            FATALITIES,
            {
                "Name": "Fatalities in PKOs and SPMs since 1948",
                "Description": "Deaths of staff and peacekeepers in peacekeeping and special political missions.",
                "Update Frequency": "Daily",
                "Start Range": "1948-01-01",
                "Limitations and Exceptions": "Rows from before the year 2000 may be incomplete.",
                "Data Owner": "Operations Desk",
                "Data Steward": "Jane Doe",
                "Technical Focal Point": "jane.doe@example.org",
            },
        ),
        _entry(
            PERSONNEL,
            {
                "Name": "Uniformed personnel contributed, by month",
                "Description": "Troops, police and experts by country, mission and kind of personnel.",
                "Update Frequency": "Monthly",
                "Start Range": "2010-01-31",
                "Limitations and Exceptions": "Some months are missing.",
            },
        ),
        _entry(
            MISSIONS,
            {
                "Name": "Peacekeeping operations",
                "Description": "Operations past and present, with their headquarters and dates.",
                "Start Range": "1948-01-01",
            },
        ),
        _entry(
            BUDGETS,
            {
                "Name": "Annual budgets of peacekeeping missions",
                "Description": "Budgets and expenditure by class and subclass, from performance reports.",
                "Update Frequency": "Annually",
                "Start Range": "2010-07-01",
                "Limitations and Exceptions": "Two missions are not in it.",
            },
        ),
        _entry(UNDESCRIBED, {}),
    ]
    for entry in entries:
        dataset = datasets.get(entry["Dataset ID"])
        entry["Last Update Date"] = dataset.modified.date().isoformat() if dataset else None
    return entries


def _entry(dataset: str, stated: dict[str, str]) -> dict[str, Any]:
    usual = (
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
    )
    definitions = [
        {"Column Name": column, "Definition": text, "Format": form, "Attributes": None}
        for column, (text, form) in DEFINITIONS.get(dataset, {}).items()
    ]
    return {"Dataset ID": dataset, "Column definitions": definitions or None} | dict.fromkeys(usual) | stated


def _page(dataset: Dataset, columns: list[str], query: Mapping[str, str]) -> list[Row]:
    rows = dataset.rows
    for clause in filter(None, query.get("filter", "").split(";")):
        name, colon, values = clause.partition(":")
        column = next((column for column in columns if column.lower() == name.strip().lower()), None)
        if not colon or column is None:
            raise _BadRequest(f"The filter {clause!r} is not column:value,value with a column of this dataset.")
        wanted = set(values.split(","))
        rows = [row for row in rows if _cell(column, row.get(column)) in wanted]
    number = _counting(query, "page_num") or 1
    size = _counting(query, "per_page") or max(len(rows), 1)
    return rows[(number - 1) * size : number * size]


def _counting(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is not None and not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
        raise _BadRequest(f"{name} is {text!r}; it must be a whole number from 1.")
    return None if text is None else int(text)


def _with_columns(answer: Answer, change: Callable[[list[str]], dict[str, str]]) -> bytes:
    """The body with some columns; `change` gives the old and new names of those that stay."""
    if answer.content_type == JSON_TYPE:
        rows = json.loads(answer.body)
        names = change(list(dict.fromkeys(name for row in rows for name in row)))
        return _as_json([{names[name]: value for name, value in row.items() if name in names} for row in rows])
    mark = BYTE_ORDER_MARK if answer.body.startswith(BYTE_ORDER_MARK) else b""
    header, lines = _read_csv(answer.body)
    names = change(header)
    stay = [position for position, name in enumerate(header) if name in names]
    return mark + _as_csv([list(names.values()), *([line[position] for position in stay] for line in lines)])


def _renamed(columns: list[str]) -> dict[str, str]:
    third = columns[2] if len(columns) > 2 else ""
    new = {"type_of_incident": "incident_kind"} if "type_of_incident" in columns else {third: f"{third}_new"}
    return {name: new.get(name, name) for name in columns}


def _without_third(columns: list[str]) -> dict[str, str]:
    return {name: name for name in columns[:2] + columns[3:]}


BOMB_BLOCKS = 4096
# zlib.crc32 of 4 GiB of zeros (computing it takes longer than a test should), and their number modulo 4 GiB.
BOMB_TRAILER = 0xD202EF8D.to_bytes(4, "little") + bytes(4)


@cache
def _bomb() -> tuple[bytes, bytes, bytes]:
    """The start, the repeated block (1 MiB of zeros) and the end of a gzip file that unpacks to 4 GiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush ends on a byte and refers to nothing before it, so the block can stand any number of times.
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", block, packer.flush() + BOMB_TRAILER


class Replica:
    """The publishers on 127.0.0.1, in threads of this process.

    `requests` lists what was asked; `codebook` is the metadata, served as it stands there (`put` does not touch it).
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset] | None = None,
        port: int = 0,
        log: Callable[[str], None] | None = None,
    ) -> None:
        given = bundled_datasets() if datasets is None else datasets
        self.requests: list[Request] = []
        self.codebook = default_codebook(given)
        self.log = log
        self._datasets = {name.upper(): dataset for name, dataset in given.items()}
        self._files = {CEB_FILE: _contributions(), SCALE_FILE: _scale()}
        self._faults: list[_Misbehaviour] = []
        self._lock = threading.RLock()
        self._port = port
        self._server: _Server | None = None

    def __enter__(self) -> Replica:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Replica:
        self._server = _Server(self, self._port)
        loop = partial(self._server.serve_forever, poll_interval=0.02)
        threading.Thread(target=loop, daemon=True, name="replica").start()
        return self

    def stop(self) -> None:
        """End at once: replies under way are broken off."""
        server, self._server = self._server, None
        if server is not None:
            server.end()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("The replica is not running.")
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def psdata_url(self) -> str:
        return f"{self.url}/public"

    @property
    def ceb_url(self) -> str:
        return f"{self.url}/ceb"

    @property
    def contributions_url(self) -> str:
        return f"{self.url}/contributions"

    def rows(self, dataset: str) -> list[Row]:
        """A copy of a dataset's rows, to be changed and put back."""
        return [dict(row) for row in self._datasets[dataset.upper()].rows]

    def put(self, dataset: str, rows: list[Row], modified: datetime | None = None) -> None:
        """Replace a dataset, or add one. `modified` (default: now) is what Last-Modified says."""
        kept = list(rows)
        with self._lock:
            old = self._datasets.get(dataset.upper())
            stamp = modified or _later_than(old.modified if old else None)
            self._datasets[dataset.upper()] = Dataset(lambda: kept, stamp)

    def put_file(self, path: str, body: bytes, content_type: str = CSV_TYPE, modified: datetime | None = None) -> None:
        """Replace the file under a path of the server (such as CEB_FILE), or add one."""
        with self._lock:
            old = self._files.get(path)
            self._files[path] = File(body, content_type, modified or _later_than(old.modified if old else None))

    def misbehave(self, fault: Fault, times: int | None = None, only: str | None = None) -> None:
        """Do so for the next `times` requests (None: for ever) whose path contains `only`.

        A request meets one fault; of several the earliest that is not used up. A fault that a reply can't have
        (a column of something without columns, the body of a 404) waits for one that can.
        """
        with self._lock:
            self._faults.append(_Misbehaviour(fault, times, only or ""))

    def behave(self) -> None:
        """End all faults; rows that came by moving pages stay."""
        with self._lock:
            self._faults.clear()

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[Answer, Fault | None]:
        """The reply, and the fault that it has or that is to come about while it is sent."""
        try:
            answer = self._right_answer(path, query)
        except _BadRequest as error:
            answer = Answer(400, JSON_TYPE, _as_json({"error": str(error)}))
        fault = self._next_fault(path, answer)
        if fault in IN_THE_PAGING:
            answer = self._right_answer(path, {**query, **IN_THE_PAGING[fault]})
        elif fault in STATUSES:
            waits = {"Retry-After": RETRY_AFTER[fault]} if fault in RETRY_AFTER else {}
            answer = Answer(STATUSES[fault], JSON_TYPE, _as_json({"error": "Not now."}), waits)
        elif fault is not None:
            answer = self._spoilt(answer, fault)
        if answer.status == 200:
            answer.headers["ETag"] = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        return answer, fault

    def _right_answer(self, path: str, query: Mapping[str, str]) -> Answer:
        file = self._files.get(path)
        if file:
            return Answer(200, file.content_type, file.body, _last_modified(file.modified))
        parts = path.split("/")
        match parts:
            case ["", "public", "data", name, ("json" | "csv") as form] if name.upper() in self._datasets:
                dataset = self._datasets[name.upper()]
                columns = dataset.columns or list(COLUMNS.get(name.upper(), ()))
                rows = _page(dataset, columns, query)
                if form == "json":
                    content_type, body = JSON_TYPE, _as_json(rows)
                else:
                    lines = [[_cell(column, row.get(column)) for column in columns] for row in rows]
                    content_type, body = CSV_TYPE, _as_csv([columns, *lines])
                return Answer(200, content_type, body, _last_modified(dataset.modified), name.upper())
            case ["", "public", "metadata", name]:
                every = name.lower() == "all"
                found = [e for e in self.codebook if every or str(e.get("Dataset ID")).upper() == name.upper()]
                if every or found:
                    return Answer(200, JSON_TYPE, _as_json(found))
        return Answer(404, JSON_TYPE, _as_json({"error": f"There is nothing at {path}."}))

    def _next_fault(self, path: str, answer: Answer) -> Fault | None:
        with self._lock:
            for entry in self._faults:
                if entry.left != 0 and entry.applies(path, answer):
                    entry.left = None if entry.left is None else entry.left - 1
                    return entry.fault
        return None

    def _spoilt(self, answer: Answer, fault: Fault) -> Answer:
        match fault:
            case Fault.REDIRECT:
                return Answer(302, HTML_TYPE, b"", {"Location": "http://localhost.invalid/"})
            case Fault.HTML:
                page = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon.</body></html>\n"
                return Answer(200, HTML_TYPE, page)
            case Fault.WRONG_CONTENT_TYPE:
                answer.content_type = "image/png"
            case Fault.RENAMED_COLUMN:
                answer.body = _with_columns(answer, _renamed)
            case Fault.DROPPED_COLUMN:
                answer.body = _with_columns(answer, _without_third)
            case Fault.DOUBLED_KEY:
                answer.body = re.sub(rb'^\[\{("[^"]*"):', rb"[{\1:null,\1:", answer.body)
            case Fault.CUT_GZIP:
                packed = gzip.compress(answer.body, mtime=0)
                answer.body = packed[: len(packed) // 2]
                answer.headers["Content-Encoding"] = "gzip"
            case Fault.MOVING_PAGE:
                self._insert_on_top(answer.dataset)
            case Fault.GZIP_BOMB:
                answer.headers["Content-Encoding"] = "gzip"
        return answer

    def _insert_on_top(self, name: str) -> None:
        """A row like the first one comes before it, under a key of its own where the dataset has one."""
        with self._lock:
            old = self._datasets[name]
            if not old.rows:
                return
            new, number = dict(old.rows[0]), len(old.rows) + 1
            if "casualty_id" in new:
                new["casualty_id"] = f"{str(new['casualty_id']).rpartition('-')[0]}-9{number:04}"
            elif "mission_name" in new:
                new["mission_acronym"] = f"NEW{number}"
            counter = next((column for column in NUMBERED if column in new), None)
            rows = [new, *old.rows]
            self.put(name, [row | {counter: at} for at, row in enumerate(rows, start=1)] if counter else rows)


def _last_modified(modified: datetime) -> dict[str, str]:
    return {"Last-Modified": format_datetime(modified.astimezone(UTC), usegmt=True)}


def _later_than(old: datetime | None) -> datetime:
    """Now, to the second as HTTP tells it, but later than what is replaced: If-Modified-Since must see the change."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now if old is None else max(now, old + timedelta(seconds=1))


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that it can end them."""

    request_queue_size = 64

    def __init__(self, replica: Replica, port: int) -> None:
        self.replica = replica
        self.ending = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which can take seconds on a machine without a network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that go in the middle of a reply are what some faults are for.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        self.ending.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "replica"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        replica = self.server.replica
        try:
            target = urlsplit(self.path)
        except ValueError:
            self.send_error(400)
            return
        path, query = unquote(target.path), dict(parse_qsl(target.query, keep_blank_values=True))
        answer, fault = replica.answer(path, query)
        if answer.status == 200 and fault not in ON_THE_WIRE and self._is_known(answer):
            answer.status, answer.body = 304, b""
        replica.requests.append(Request(path, query, dict(self.headers.items()), answer.status))
        if replica.log:
            replica.log(f"GET {self.path} {answer.status}" + (f" ({fault})" if fault else ""))
        self._send(answer, fault)

    def _is_known(self, answer: Answer) -> bool:
        """Whether the client says that it has this body (If-None-Match goes before If-Modified-Since)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return bool(known & {"*", answer.headers["ETag"]})
        try:
            since = parsedate_to_datetime(self.headers["If-Modified-Since"])
            modified = parsedate_to_datetime(answer.headers["Last-Modified"])
        except (KeyError, TypeError, ValueError):
            return False
        return modified <= (since if since.tzinfo else since.replace(tzinfo=UTC))

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.content_type)
            if fault is Fault.ENDLESS:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(_stated_length(answer, fault)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = self.close_connection or fault in ON_THE_WIRE
        match fault:
            case Fault.STALLED_BODY:
                self.wfile.write(answer.body[: len(answer.body) // 2])
                self._stall()
            case Fault.CUT_BODY:
                self.wfile.write(answer.body[: len(answer.body) // 2])
            case Fault.ENDLESS:
                # The body over and over; an empty chunk would be the end.
                body = answer.body or b" "
                while not self.server.ending.is_set():
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
            case Fault.GZIP_BOMB:
                for piece in _bomb_pieces():
                    self.wfile.write(piece)
            case _:
                self.wfile.write(answer.body)

    def _stall(self) -> None:
        """Nothing more, until the server ends or the client goes."""
        while not self.server.ending.wait(0.05):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """The replica keeps its own log."""


def _stated_length(answer: Answer, fault: Fault | None) -> int:
    if fault is Fault.GZIP_BOMB:
        return sum(map(len, _bomb_pieces()))
    return len(answer.body) // 2 if fault is Fault.SHORT_LENGTH else len(answer.body)


def _bomb_pieces() -> Iterator[bytes]:
    start, block, end = _bomb()
    yield start
    for _ in range(BOMB_BLOCKS // 64):
        yield block * 64
    yield end


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 (any free one) to 65535.")
    return int(text)


def _fault(text: str) -> tuple[Fault, int | None]:
    name, equals, times = text.partition("=")
    if name not in list(Fault):
        raise argparse.ArgumentTypeError(f"{name!r} is no fault; there are {', '.join(Fault)}.")
    if equals and not re.fullmatch(r"[1-9][0-9]{0,8}", times):
        raise argparse.ArgumentTypeError(f"{times!r} is no number of times; give a whole number from 1.")
    return Fault(name), int(times) if equals else None


def _dataset(text: str) -> tuple[str, Dataset]:
    """A dataset from a file; a bundled file keeps its vintage, any other was last updated when it was written."""
    name, equals, where = text.partition("=")
    if not equals or name.upper() not in COLUMNS:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE with one of {', '.join(COLUMNS)}.")
    try:
        payload = Path(where).read_bytes()
        written = datetime.fromtimestamp(Path(where).stat().st_mtime, UTC).date().isoformat()
        vintages = {entry["sha256"]: entry["vintage"] for entry in bundle.manifest()}
        vintage = vintages.get(hashlib.sha256(payload).hexdigest(), written)
        found, rows = to_wire(payload, vintage)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{where} can't be read ({error.strerror}).") from error
    except Refused as error:
        raise argparse.ArgumentTypeError(f"{where}: {error}") from error
    if found != name.upper():
        raise argparse.ArgumentTypeError(f"{where} has the columns of {found}, not of {name.upper()}.")
    return found, Dataset(lambda: rows, _midnight(vintage))


def _log(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """The command; 0 ended by Ctrl-C, 1 the port can't be had, 2 called wrongly."""
    parser = argparse.ArgumentParser(
        prog="python tests/replica.py",
        description="Serve what the publishers serve, on loopback, from the bundled snapshots.",
        epilog=f"Faults: {', '.join(Fault)}.",
    )
    parser.add_argument("--port", type=_port, default=8099, help="default 8099; 0 is any free one")
    parser.add_argument(
        "--dataset", type=_dataset, action="append", default=[], metavar="NAME=FILE", help="rows from a CSV file"
    )
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="NAME[=TIMES]", help="misbehave (for ever)"
    )
    try:
        options = parser.parse_args(arguments)
        replica = Replica(bundled_datasets() | dict(options.dataset), options.port, _log)
        for fault, times in options.fault:
            replica.misbehave(fault, times)
        with replica:
            print(f"The publishers' replica serves on {replica.url}; end it with Ctrl-C.")
            print(f"export {PSDATA_ENVIRONMENT}={replica.psdata_url}")
            print(f"export {CEB_ENVIRONMENT}={replica.ceb_url}")
            print(f"export {CONTRIBUTIONS_ENVIRONMENT}={replica.contributions_url}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"error: Port {options.port} can't be had: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
