"""The comparison of two builds as text and as a page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from marts_shared import edit

from warehouse.diff import compare
from warehouse.reports.diff_page import lines, shown, to_html


def test_the_text_report_reads_as_a_whole(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE assessed_contributions SET amount_usd = 1100000002.10 "
        "WHERE contributor_iso3 = 'IND' AND amount_usd = 1100000001.10",
        "DELETE FROM assessed_contributions WHERE contributor_iso3 = 'MLI'",
    )
    text = lines(compare(unchecked, after))
    assert text[text.index("") + 1 : -2] == [
        "Assessed contributions to UN peacekeeping by peacekeeping year and member state (assessed_contributions)",
        "  9 → 8 rows: 1 gone, 1 changed",
        "  amount_usd [USD] changed in 1 row",
        "    2019-20, IND: 1,100,000,001.10 → 1,100,000,002.10",
        "  Gone:",
        "    2018-19, MLI: amount_usd 1,000,000,000.00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "true"),
        (1234567, "1,234,567"),
        (Decimal("1234.50"), "1,234.50"),
        (date(2025, 1, 2), "2025-01-02"),
        ("", '""'),
        ("a ", '"a "'),
        ("a\nb\x1b[31m", r"a\nb\x1b[31m"),
        ("Côte d'Ivoire", "Côte d'Ivoire"),
    ],
)
def test_a_value_is_shown_on_one_line_with_what_can_not_be_seen(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_year_has_no_thousands_separator(unchecked: Path, after: Path) -> None:
    row = "INSERT INTO scale_of_assessments SELECT * REPLACE"
    edit(
        after,
        "UPDATE scale_of_assessments SET period_to = 1979, rate_pct = 6",
        f"{row} (2019 AS period_from, 2021 AS period_to) FROM scale_of_assessments",
        "UPDATE uniformed_personnel SET total = 2024 WHERE total = 50",
    )
    diff = compare(unchecked, after)
    text = "\n".join(lines(diff))
    assert "    1977, FRA: 1977 → 1979\n" in text and "    1977, FRA: 5.66 → 6.0\n" in text
    assert "    2019, FRA: " in text and "period_to 2021" in text
    assert "50 → 2,024" in text  # persons
    page = to_html(diff)
    assert re.findall(r">((?:1,9|2,0)\d\d)<", page) == ["2,024"]
    assert {">1977<", ">1979<", ">2019<", ">2021<"} <= set(re.findall(r">\d{4}<", page))


def test_what_would_be_markup_is_text_in_the_page(unchecked: Path, after: Path) -> None:
    evil = "<script>alert(1)</script>"
    edit(
        after,
        f"UPDATE fatalities SET nationality_as_published = '{evil}'",
        f"UPDATE meta.builds SET build_id = '{evil}', code_version = '\"><img src=x>'",
        f"INSERT INTO fatalities SELECT * EXCLUDE (is_uniformed) REPLACE ('{evil}' AS casualty_id) FROM fatalities LIMIT 1",
        f'CREATE TABLE "{evil}" (a INTEGER)',
        f'ALTER TABLE uniformed_personnel ADD COLUMN "<b>_{evil}" INTEGER',
    )
    page = to_html(compare(unchecked, after))
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<(script|img|b)\b", page)


class Outline(HTMLParser):
    """Headings, header cells and addresses of a page; fails where tags are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in {"meta", "wbr"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_needs_no_other_file_and_is_well_formed(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET gender = 'F', incident_date = incident_date + 1",
        "UPDATE uniformed_personnel SET total = 1000000 WHERE total = 50",
        "DELETE FROM assessed_contributions WHERE peacekeeping_year = '2018-19'",
        "DROP TABLE mission_aliases",
    )
    page = to_html(compare(unchecked, after))
    outline = Outline(page)
    assert not re.search(r"https?:|//|@import|url\(|<(script|link|img|iframe)", page.replace("<!DOCTYPE html>", ""))
    assert outline.attributes[0] == ("html", {"lang": "en"})
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(outline.headings, outline.headings[1:], strict=False))
    assert all("scope" in attributes for tag, attributes in outline.attributes if tag == "th")
    ids = [attributes["id"] for _, attributes in outline.attributes if "id" in attributes]
    assert len(ids) == len(set(ids)) == 4
    assert {attributes["href"] for tag, attributes in outline.attributes if tag == "a"} == {f"#{one}" for one in ids}
    assert "1,000,000" in page


def test_a_page_without_examples_is_well_formed(unchecked: Path, after: Path) -> None:
    edit(after, "UPDATE fatalities SET gender = 'F'", "DELETE FROM assessed_contributions")
    diff = compare(unchecked, after, examples=0)
    assert {one.table: one.changed for one in diff.tables}["fatalities"] == 6
    Outline(to_html(diff))
    Outline(to_html(replace(diff, tables=[])))
