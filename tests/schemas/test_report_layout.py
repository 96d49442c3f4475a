"""The declaration of a report's layout: what it must have."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.report_layout import ReportLayout

COLUMNS: list[dict[str, Any]] = [
    {"heading": "Country", "holds": ["contributor"]},
    {"heading": "Type", "holds": ["type"]},
    {"heading": "All|persons", "holds": ["total"]},
]
DATE = {"pattern": r"(\d+)", "format": "%Y"}
WHOLE: dict[str, Any] = {"name": "X1", "note": "made for a test", "columns": COLUMNS, "types": ["Troops"], "date": DATE}


def test_the_line_of_the_headings_is_their_first_lines() -> None:
    layout = ReportLayout(**WHOLE)
    assert layout.heading_line == "Country Type All"
    assert [(column.name, column.figures) for column in layout.columns] == [
        ("Country", False), ("Type", False), ("All persons", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"date": None}, "expected date, undated, or a column that holds the date"),
        ({"types": []}, "expected types, or the type of each column of figures"),
        ({"columns": [*COLUMNS[:2], {"heading": "T", "holds": ["total"], "type": "Troops"}]}, "expected types, or"),
        ({"columns": COLUMNS[1:] * 2}, "expected a column that holds the contributor"),
        ({"columns": COLUMNS[:2]}, "at least 3 items"),
        ({"groups": ["type"]}, "'contributor' or 'mission'"),
        ({"name": "today's"}, "should match pattern"),
        ({"colour": "blue"}, "Extra inputs are not permitted"),
    ],
)
def test_a_faulty_declaration_is_refused_with_the_reason(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        ReportLayout(**{**WHOLE, **change})
    assert message in str(error.value)
