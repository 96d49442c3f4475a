"""The flow `brief`: pages in the data folder, artifacts, and errors in one sentence."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import date
from functools import partial
from importlib import import_module
from typing import Any

import duckdb
import pytest
from server_api import api

from flows.steps.briefings import BriefingWriter
from flows.steps.settings import Paths

flow_module = import_module("flows.brief")


@pytest.fixture
def brief(on_server: str, where: Paths) -> Any:
    """Run the flow; returns its final state."""
    return partial(flow_module.brief, return_state=True)


def artifacts(prefect_api: str) -> list[str]:
    """The texts of the artifacts with the key `briefings`, oldest first."""
    reply = api(prefect_api, "artifacts/filter", {"artifacts": {"key": {"any_": ["briefings"]}}})
    return [artifact["data"] for artifact in sorted(reply, key=lambda artifact: artifact["created"])]


@pytest.mark.usefixtures("built")
@pytest.mark.server
def test_the_pages_are_written_into_the_data_folder_and_named_in_an_artifact(
    run: Any, brief: Any, where: Paths, prefect_api: str
) -> None:
    state = brief(mission="MINUSMA", up_to=date(2019, 1, 25))
    assert (state.is_completed(), state.message) == (True, f"wrote 1 page to {where.data / 'briefings'}")
    names = sorted(file.name for file in (where.data / "briefings").iterdir())
    assert names == ["MINUSMA_up-to-2019-01-25.html", "index.html"]

    texts = artifacts(prefect_api)
    assert len(texts) == 1 and str(where.data / "briefings" / names[1]) in texts[0]
    assert f"| MINUSMA | `{names[0]}` | new page |" in texts[0]
    drawn = b64decode(re.findall(r"data:image/svg\+xml;base64,([^)]+)", texts[0])[0]).decode()
    assert "Deaths in MINUSMA by year of the incident and cause" in drawn and drawn.endswith("</svg>")
    # By year up to 2019-01-25: 6, 39, 29, 39, 42, 22 and the first thirteen of 2019, 190 in all.
    assert "2013: 6; 2014: 39; 2015: 29; 2016: 39; 2017: 42; 2018: 22; 2019: 13" in texts[0]

    page = where.data / "briefings" / names[0]
    before = (page.read_bytes(), page.stat().st_mtime_ns)
    state = brief(mission="MINUSMA", up_to=date(2019, 1, 25))
    assert state.message == f"wrote no page to {where.data / 'briefings'}; 1 unchanged"
    run_name = api(prefect_api, f"flow_runs/{state.state_details.flow_run_id}")["name"]
    assert run_name == "brief MINUSMA up to 2019-01-25 · wrote no page, 1 unchanged"
    assert (page.read_bytes(), page.stat().st_mtime_ns) == before
    assert names[0] not in artifacts(prefect_api)[-1]

    wrong = brief(mission="MINUSMAA")
    assert wrong.is_failed() and str(wrong.message).startswith(
        "No mission is called 'MINUSMAA'. Close to it: MINUSMA, "
    )


@pytest.mark.usefixtures("built")
@pytest.mark.server
def test_every_missions_pages_are_written_in_batches_and_listed_in_the_index(
    run: Any, brief: Any, where: Paths, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = brief(up_to=date(1960, 12, 31), batch=40)
    folder = where.data / "briefings"
    pages = sorted(file.name for file in folder.iterdir() if file.name != "index.html")
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        begun = connection.execute(
            "SELECT DISTINCT mission FROM fatalities WHERE incident_date <= '1960-12-31'"
        ).fetchall()
    assert {f"{mission}_up-to-1960-12-31.html" for (mission,) in begun} <= set(pages) and len(pages) < 40
    left = int(str(state.message).partition("; ")[2].split()[0])
    assert state.message == f"wrote {len(pages)} pages to {folder}; {left} missions had not begun" and left > 60
    index = (folder / "index.html").read_text()
    assert all(page in index for page in pages)
    artifact = artifacts(prefect_api)[-1]
    assert (
        "![Deaths in ONUC by year of the incident and cause](data:image/svg+xml;base64," in artifact
    )  # the newest by then

    # When a batch fails, the run fails; the pages of the others are there, and listed.
    real, last = BriefingWriter.pages, sorted(pages)[-1].partition("_")[0]

    def failing(writer: BriefingWriter, missions: Any) -> Any:
        if last in missions:
            raise OSError(28, "No space left on device", "page")
        return real(writer, missions)

    monkeypatch.setattr(BriefingWriter, "pages", failing)
    for page in folder.iterdir():
        page.unlink()
    state = brief(up_to=date(1960, 12, 31), batch=40)
    assert state.is_failed() and state.message.startswith("1 of 3 batches failed; ")
    assert "No space left on device (page)" in state.message
    assert 0 < len(list(folder.glob("*_up-to-*.html"))) < len(pages) and (folder / "index.html").exists()


@pytest.mark.usefixtures("built")
@pytest.mark.server
def test_pages_of_a_build_that_was_replaced_meanwhile_are_written_once_more(
    run: Any, brief: Any, where: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = flow_module.build_id_of, []

    def older(connection: Any) -> str:
        read.append(real(connection))
        return "older" if len(read) == 1 else read[-1]

    monkeypatch.setattr(flow_module, "build_id_of", older)
    state = brief(up_to=date(1960, 12, 31), batch=60)
    assert state.is_completed() and len(read) == 3  # two batches, and the one that had read another build again
    assert "unchanged" not in state.message  # the run wrote them all, some in its first attempt


@pytest.mark.server
def test_an_expected_error_ends_in_a_failed_state_with_a_sentence(brief: Any, where: Paths) -> None:
    state = brief(mission="MINUSMA")
    assert state.is_failed() and str(state.message).startswith("There is no warehouse at ")
    state = brief(up_to=date(2999, 1, 1))
    assert (
        state.is_failed()
        and state.message == "up_to is a day that is not in the future, got 2999-01-01. No page was written."
    )
    assert not (where.data / "briefings").exists()
