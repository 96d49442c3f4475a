"""Shorthands for the tests of file forms: write rows as CSV, JSON, workbook or zip, and read them as the pipeline does."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from tests_shared import CATALOGUE

from flows.steps import registry
from schemas.validate import ContractError
from transforms.dialects import Raw

NOTICAS = ["casualty_id", "incident_date", "mission_acronym", "casualty_nationality", "casualty_personnel_type",
           "type_of_incident"]  # fmt: skip
PKO = ["mission_acronym", "mission_name", "lead_department", "mission_isactive", "start_date", "end_date",
       "mission_location", "mission_longitude", "mission_latitude"]  # fmt: skip
CEB = ["government_donor", "entity", "rev_type", "calendar_year", "amount"]
COLUMNS = {
    "fatalities": NOTICAS,
    "uniformed_personnel": ["contributing_country", "mission_acronym", "personnel_type", "female_personnel",
                            "male_personnel", "last_reporting_date"],
    "missions": PKO,
    "assessed_contributions": CEB,
    "scale_of_assessments": ["member_state", "period_from", "period_to", "rb_rate_pct"],
}  # fmt: skip
IN_JSON = ["fatalities", "uniformed_personnel", "missions"]
Cells = Sequence[Sequence[Any]]


def read(source: str, payload: bytes) -> Raw:
    """Read a file's bytes as the pipeline does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        return registry.read(CATALOGUE[source], file)


def refusal(source: str, payload: bytes) -> str:
    """The one-line message with which a file is refused."""
    with pytest.raises(ContractError) as caught:
        read(source, payload)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def printed(raw: Raw) -> dict[int, list[str]]:
    """The cells as published, by row number."""
    return dict(zip(raw.printed.index.tolist(), raw.printed.to_numpy().tolist(), strict=True))


def row(source: str, number: int = 0) -> list[str]:
    return [f"{column} {number}" for column in COLUMNS[source]]


def objects(source: str, rows: Cells) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS[source], cells, strict=True)) for cells in rows]


def lines_of_json(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def csv_of(lines: Cells, separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(lines)
    return text.getvalue().encode()


def xlsx_of(**content: Cells) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, lines in content.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def zip_of(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()
