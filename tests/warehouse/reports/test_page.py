"""The pages of a briefing: head, claims and sources, charts, formats, and how they are written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from briefing_shared import briefed, changed, queries, rendered, section

from warehouse.reports import charts, drawings, formats, page
from warehouse.reports.scope import BriefingError


def head(file: Path, mission: str, *days: str) -> str:
    return rendered(file, mission, *days).partition("<dl")[2].partition("</dl>")[0]


def test_the_head_has_the_two_days_of_the_page(small: Path) -> None:
    text = head(small, "MINUSMA", "2019-01-20")
    assert re.findall(r'datetime="([\d-]+)"', text) == ["2019-01-20", "2025-04-30"]
    assert "newest available" in text and "the data on deaths and personnel end on" not in text
    text = head(small, "MINUSMA", "2019-01-20", "2025-05-01")
    assert re.findall(r'datetime="([\d-]+)"', text) == ["2019-01-20", "2025-05-01", "2025-04-30"]
    assert "the data on deaths and personnel end on 30 April 2025" in head(small, "UNAMA", "2025-05-01")
    assert "all records" in head(small, "UNAMA") and "UNAMA: all records to 30 April 2025</title>" in rendered(
        small, "UNAMA"
    )
    assert "MINUSMA: up to 20 January 2019</title>" in rendered(small, "MINUSMA", "2019-01-20")


def test_the_head_names_the_month_of_the_personnel(small: Path) -> None:
    # The report of September 2023 has no missions; of March 2017 there is only IPI's total.
    assert "personnel: report of 31 May 2017" in head(small, "MINUSMA", "2023-10-31")
    assert "personnel: total of 31 March 2017" in head(small, "MINUSMA", "2017-04-15")


def test_a_pages_file_name_has_its_days(small: Path) -> None:
    scope = briefed(small, "UNOSOM I").scope
    assert scope.stem == "UNOSOM-I"
    dated = replace(scope, up_to=date(1993, 1, 1), as_of=date(2022, 1, 31))
    assert dated.stem == "UNOSOM-I_up-to-1993-01-01"  # the folder names the other day


def test_claims_are_on_the_page_of_their_mission_once_they_are_printed(small: Path, tmp_path: Path) -> None:
    assert len(briefed(small, "MINUSMA", "2019-01-25").claims) > 1
    assert briefed(small, "MINUSMA", "2019-01-24").claims == briefed(small, "UNAMA").claims == []
    text = section(rendered(small, "MINUSMA", "2019-01-25"), "claims")
    later = "some definitions cover all time or days after 25 January 2019"
    assert "25 January 2019" in text and later in text
    assert "some definitions cover all time" not in section(rendered(small, "MINUSMA"), "claims")
    assert 'id="claims"' not in rendered(small, "UNAMA")
    copy = Path(shutil.copy(small, tmp_path))
    without = changed(copy, "DROP TABLE meta.claim_figures", "DROP TABLE meta.claims")  # as in an older warehouse
    assert 'id="claims"' not in rendered(without, "MINUSMA")


def test_every_snapshot_of_the_page_is_named_with_its_hash_and_its_defects(small: Path) -> None:
    text = section(rendered(small, "UNOSOM I"), "sources")
    assert "a" * 64 in text and "d" * 64 in text  # fatalities, missions
    assert "c" * 64 not in text  # there are no data on its money
    assert "Fatalities since 1948 The data hub. Licence: CC BY. example.org" in text and "Dates a month coarse." in text
    assert "c" * 64 in section(rendered(small, "MINUSMA"), "sources")


def test_a_section_without_figures_names_no_source(built: Path) -> None:
    costs = "INSERT INTO meta.snapshots BY NAME SELECT * REPLACE ('mission_budgets' AS source) FROM meta.snapshots "
    file = changed(built, f"{costs} WHERE source = 'assessed_contributions'")
    for mission, named in (("MINUSMA", True), ("UNAMA", False)):
        assert ("mission_budgets" in [source.name for source in briefed(file, mission).sources]) == named


def test_published_text_is_escaped_on_the_page_and_in_the_charts(built: Path) -> None:
    file = changed(
        built,
        "UPDATE main.missions SET name = '<script>alert(1)</script> & ''co'''",
        "UPDATE main.countries SET name = '<b>Bangladesh</b> & sons' WHERE iso3 = 'BGD'",
    )
    html = rendered(file, "MINUSMA", "2017-05-30")
    assert "<script" not in html and "<b>" not in html
    assert html.count("&lt;b&gt;Bangladesh&lt;/b&gt; &amp; sons") >= 3
    rows = [{"label": "<b>", "value": 1, "text": "1", "group": "this"}]
    for svg in charts.chart("k", "<i>&", "<u>&", lambda width: charts.bars(rows, width)):
        assert "&lt;i&gt;&amp;</title>" in svg and "&lt;u&gt;&amp;</desc>" in svg and not re.search("<[biu]>", svg)


def test_an_older_warehouse_says_what_to_do(built: Path) -> None:
    with pytest.raises(BriefingError, match="built by older code.*Run `peacekeeping refresh`"):
        briefed(changed(built, "DROP VIEW marts.deadliest_days"), "MINUSMA")
    with pytest.raises(BriefingError, match="built by older code"), queries(built) as query:
        query("SELECT none FROM main.missions")


def test_a_failed_write_leaves_the_page_before(tmp_path: Path) -> None:
    page.write(tmp_path, "A.html", "before")

    def full(_self: Path, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(BriefingError, match="A.html can't be written: No space left"):
            page.write(tmp_path, "A.html", "after")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("A.html", "before")]
    with pytest.raises(BriefingError, match="can't be written.*--output DIR"):
        page.write(tmp_path / "A.html", "B.html", "text")


def test_the_index_links_the_pages_in_its_folder(small: Path, tmp_path: Path) -> None:
    pages = {
        "UNOSOM-I.html": "UNOSOM I",
        "MINUSMA_up-to-2019-01-25.html": "MINUSMA up to 25 January 2019",
        "as_of/2022-01-31/index.html": "31 January 2022",
    }
    (tmp_path / "as_of" / "2022-01-31").mkdir(parents=True)
    for name in (*pages, "as_of/2022-01-31/UNAMA.html"):
        (tmp_path / name).write_text("")
    with queries(small) as query:
        html = page.render_index(query, tmp_path, None)
    assert dict(re.findall(r'<a href="([^"#]+)">([^<]+)</a>', html)) == pages
    # Of UNOSOM and UNOSOM II nothing is known; UNSPECIFIED is no mission.
    assert "3 of the 5 missions in the data have deaths or uniformed personnel" in html


def test_the_index_says_now_only_of_a_mission_known_to_be_active(built: Path, tmp_path: Path) -> None:
    def ends() -> dict[str, str]:
        with queries(built) as query:
            html = page.render_index(query, tmp_path, None)
        return dict(re.findall(r'<th scope="row">([\w ]+)<small>[^<]* to ([^<]+)</small>', html))

    assert ends() == {"MINUSMA": "31 December 2023", "UNAMA": "now", "UNOSOM I": "31 March 1993"}
    # As before the first list; the newest report with missions names MINUSMA.
    changed(built, "UPDATE main.missions SET is_active = NULL, end_date = NULL, end_date_precision = NULL")
    assert ends() == {"MINUSMA": "now", "UNAMA": "end not known", "UNOSOM I": "end not known"}


# Charts


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_contrast_with_the_page(scheme: int) -> None:
    shades = {name: pair[scheme] for name, pair in charts.COLOURS.items()}
    for name in ("ink", "soft", "accent", "malicious"):
        assert contrast(shades[name], shades["paper"]) >= 4.5, name
    for name in ("accident", "illness", "self", "unknown", "quiet"):
        assert contrast(shades[name], shades["paper"]) >= 3, name
    assert len(set(shades.values())) == len(shades)  # `pending` and `pale` have an edge in another colour


def test_a_cause_has_one_colour_everywhere(small: Path) -> None:
    briefing = briefed(small, "MINUSMA")
    svg, html = drawings.draw(briefing)["years"][0], page.render(briefing)
    for cause in ("Malicious Act", "Illness", "To Be Determined"):
        name = drawings.CAUSE_COLOURS[cause]
        assert charts.LIGHT[name] in svg and f"background: var(--{name})" in html


def test_a_chart_is_drawn_wide_and_narrow_with_a_description(small: Path) -> None:
    drawn = drawings.draw(briefed(small, "MINUSMA", "2017-05-30"))["contributors"]
    for svg, width, kind in zip(drawn, (charts.WIDE, charts.NARROW), ("wide", "narrow"), strict=True):
        assert abs(float(re.findall(r' width="([\d.]+)"', svg)[0]) - width) < 12
        assert re.search(r'viewBox="0 0 [\d.]+ [\d.]+" role="img" aria-labelledby="contributors-', svg)
        assert "<desc" in svg and "Bangladesh: 110 → –; India: 105 → 100; France: 25 → 4" in svg
        assert svg.count("role=") == 1 and f'class="chart {kind}"' in svg
    assert page.picture_of("".join(drawn[1:])) is None
    picture = page.picture_of("".join(reversed(drawn)))
    assert picture and picture.title == "Largest contributors on 30 April 2017" and "India: 105" in picture.description


def test_a_line_breaks_where_months_are_missing(built: Path) -> None:
    for day in ("08-31", "09-30"):
        changed(
            built,
            f"INSERT INTO main.uniformed_personnel BY NAME SELECT * REPLACE (DATE '2017-{day}' AS month_end) "
            "FROM main.uniformed_personnel WHERE month_end = DATE '2017-05-31' AND contributor_iso3 = 'IND'",
        )
    svg = drawings.draw(briefed(built, "MINUSMA", "2017-12-31"))["strength"][0]
    lines = re.findall(r'class="mark-line[^>]*><path d="([^"]*)"', svg)
    assert [line.count("L") for line in lines] == [0, 2, 1]  # IPI's month, March to May, August to September


# Formats


def test_formats() -> None:
    first = date(2018, 3, 1)
    assert [formats.percent(value) for value in (None, 0.0, 0.01, 0.05, 93.37)] == [
        "no data", "0 %", "< 0.1 %", "0.1 %", "93.4 %",
    ]  # fmt: skip
    assert [formats.dated(first, precision) for precision in ("day", "first_of_month", "month", "year", None)] == [
        "1 March 2018", "March 2018", "March 2018", "2018", "1 March 2018",
    ]  # fmt: skip
    assert [formats.ordinal(rank) for rank in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th",
    ]  # fmt: skip
    for unit, figure, text in (
        ("person", "1", "person"), ("person", "0", "persons"), ("person", "10, on 2019-01-21", "persons"),
        ("state", "159", "states"), ("percent", "55.1", "percent"), ("rank", "2", "rank"), ("USD", "7", "USD"),
    ):  # fmt: skip
        assert formats.units(unit, figure) == text
    assert formats.measure("assessed_gross_usd") == "assessed, after credits"


@pytest.mark.parametrize(
    ("precision", "amount", "rounded"),
    [
        ("billion, 2 decimals", "1,180", "printed rounded to 10 million"),
        ("billion, 1 decimal", "1,180", "printed rounded to 100 million"),
        ("million", "1,180", "printed rounded to 1 million"),
        ("million, 1 decimal", "1,180.0", None),
        ("million, 2 decimals", "1,180.0", None),
        ("exact dollars", "1,180.0", None),
        (None, "1,180.0", None),
    ],
)
def test_an_amount_has_no_decimal_that_was_not_printed(precision: str | None, amount: str, rounded: str | None) -> None:
    assert (formats.approved(1.18e9, precision), formats.rounded(precision)) == (amount, rounded)


def test_no_other_command_imports_the_charts() -> None:
    heavy = "{'vl_convert', 'jinja2', 'duckdb', 'pandas'}"
    code = f"import sys, flows.cli.main; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
