"""A page is written again when its figures or words change, not when only its provenance does."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from briefing_shared import briefed, changed, queries

from warehouse.reports import page

MISSIONS = ("MINUSMA", "UNAMA", "UNOSOM I")
# What a refresh changes in any case, on each snapshot of the page and in the record of the build.
LATER_BUILD = (
    "UPDATE meta.snapshots SET vintage = vintage + 1, citation = citation || ' Of the next day.', url = url || '?2'",
    "UPDATE meta.builds SET build_id = 'later', code_version = '99'",
)


@pytest.fixture
def file(small: Path, tmp_path: Path) -> Path:
    """A copy of the small warehouse."""
    return Path(shutil.copy(small, tmp_path))


def write_pages(file: Path, folder: Path) -> dict[str, str]:
    """Write every mission's page; what changed on each of those that were written."""
    written = [page.write_page(folder, briefed(file, mission)) for mission in MISSIONS]
    return {one.mission: one.changed for one in written if one.changed}


def contents(folder: Path) -> dict[str, str]:
    return {file.stem: file.read_text() for file in folder.iterdir()}


def test_a_later_build_with_the_same_figures_rewrites_no_page(file: Path, tmp_path: Path) -> None:
    assert write_pages(file, tmp_path / "pages") == dict.fromkeys(MISSIONS, "new page")
    before = contents(tmp_path / "pages")
    assert set(before) == {"MINUSMA", "UNAMA", "UNOSOM-I"}
    assert write_pages(changed(file, *LATER_BUILD), tmp_path / "pages") == {}
    assert contents(tmp_path / "pages") == before
    # A page that is written for another reason has the later build and the later vintage.
    assert ">later<" not in before["UNAMA"] and "30 April 2025" in before["UNAMA"]
    (tmp_path / "pages" / "UNAMA.html").unlink()
    assert write_pages(file, tmp_path / "pages") == {"UNAMA": "new page"}
    after = contents(tmp_path / "pages")["UNAMA"]
    assert ">later<" in after and "1 May 2025" in after and "30 April 2025" not in after


@pytest.mark.parametrize(
    ("statement", "rewritten"),
    [
        ("UPDATE main.fatalities SET gender = 'M' WHERE mission = 'UNAMA'", {"UNAMA": "Deaths"}),
        # A casualty moves to another cause of the same mission: the ranks by that cause are on every page.
        (
            "UPDATE main.fatalities SET incident_type = 'Illness' WHERE casualty_id = 'MINUSMA-2019-01-00003'",
            {"MINUSMA": "Deaths", "UNAMA": "Deaths", "UNOSOM I": "Deaths"},
        ),
        (
            "UPDATE main.uniformed_personnel SET total = 6, male = 4 WHERE mission = 'UNAMA'",
            {"UNAMA": "Who sends personnel"},
        ),
        ("UPDATE main.missions SET name = 'Another name' WHERE mission = 'UNAMA'", {"UNAMA": "Head"}),
    ],
    ids=["deaths", "ranks", "personnel", "name"],
)
def test_a_change_rewrites_the_pages_with_the_figure_and_no_others(
    file: Path, tmp_path: Path, statement: str, rewritten: dict[str, str]
) -> None:
    write_pages(file, tmp_path / "pages")
    before = contents(tmp_path / "pages")
    assert write_pages(changed(file, statement, *LATER_BUILD), tmp_path / "pages") == rewritten
    after = contents(tmp_path / "pages")
    assert {stem for stem in after if after[stem] != before[stem]} == {one.replace(" ", "-") for one in rewritten}


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-900], lambda text: text.replace("digests", ""), lambda _: "\udcff"]
)
def test_a_damaged_page_or_one_of_an_earlier_version_is_written_again(small: Path, tmp_path: Path, damage: Any) -> None:
    written = page.write_page(tmp_path, briefed(small, "UNAMA")).file
    whole = written.read_text()
    written.write_text(damage(whole), encoding="utf-8", errors="surrogateescape")
    assert page.write_page(tmp_path, briefed(small, "UNAMA")).changed == "whole page"
    assert written.read_text() == whole


def test_no_mark_is_left_in_a_page(small: Path, tmp_path: Path) -> None:
    text = page.write_page(tmp_path, briefed(small, "MINUSMA")).file.read_text()
    assert not [sign for sign in text if "\ufdd0" <= sign <= "\ufdef"]


def test_the_index_names_the_build_and_the_day_of_the_last_check(small: Path, tmp_path: Path) -> None:
    with queries(small) as query:
        html = page.render_index(query, tmp_path, None, page.Checked("3 pages", date(2025, 6, 1)))
        (build,) = query("SELECT build_id FROM meta.builds")
    line = (
        f'<time datetime="2025-06-01">1 June 2025</time><small>3 pages, against build <code>{build["build_id"]}</code>'
    )
    assert line in html
