"""`peacekeeping claims`: text, Markdown, JSON and rows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import duckdb
import pytest

IDS = [
    "chadians-killed-2019-01", "wounded-2019-01", "deadliest-attacks", "minusma-fatalities", "deadliest-mission",
    "minusma-size", "largest-missions", "developing-contributors", "minusma-deployed", "wealthier-states-pay",
    "largest-payer", "us-arrears", "cash-for-two-months", "states-pay-late",
]  # fmt: skip
CITATION = (
    'United Nations, Peace & Security Data Hub, "Fatalities in PKOs and SPMs since 1948" (DPPADPOSS-FATALITIES), '
    "vintage 2025-04-04."
)


def test_the_list_has_every_claim_with_its_verdict_and_why(built: Any) -> None:
    done = built("claims")
    head, *lines = done.stdout.splitlines()
    assert head == "number\tid\tverdict\tbecause"
    assert [line.split("\t")[:2] for line in lines] == [[str(n), name] for n, name in enumerate(IDS, start=1)]
    assert lines[3].startswith("4\tminusma-fatalities\tout of date\t177 is the count up to the end of 2018.")
    assert "`peacekeeping claims ID`" in done.stderr


def test_one_claim_is_shown_with_verdict_figures_caveats_origin_and_citation(built: Any) -> None:
    text = built("claims", "minusma-fatalities").stdout
    assert built("claims", "4").stdout == text
    lines = text.splitlines()
    assert lines[0] == "4. minusma-fatalities"
    assert "Verdict: out of date" in lines and "Stated: 177 (persons)" in lines
    assert "* Casualties up to the article's date: 190 (persons), 4 still to be determined" in lines
    assert "- Casualties up to the event: 188 (persons), 4 still to be determined" in lines
    assert "- Casualties up to the end of 2018: 177 (persons), 4 still to be determined" in lines
    assert "    The same up to 31 December 2018." in lines
    assert any(line.startswith("Caveats: All staff and all causes are counted") for line in lines)
    sha256 = built.ask("SELECT sha256 FROM meta.snapshots WHERE source = 'fatalities' AND vintage = '2025-04-04'")
    assert f"- fatalities, vintage 2025-04-04, SHA-256 {sha256}" in lines
    assert lines[-1] == f"Citation: {CITATION}"
    assert "* Wounded, by a dated fact: no data" in built("claims", "wounded-2019-01").stdout


def test_json_has_every_claim_with_its_figures(built: Any) -> None:
    every = json.loads(built("claims", "--json").stdout)
    assert [claim["id"] for claim in every] == IDS
    one = json.loads(built("claims", "us-arrears", "--json").stdout)
    assert one == every[11]
    assert (one["verdict"], one["stated"], one["unit"]) == ("confirmed with a correction", "about 750,000,000", "USD")
    figures = {figure["id"]: figure for figure in one["figures"]}
    assert figures["owed"]["value"] == 776_000_000 and figures["owed"]["is_main"] is True
    assert figures["as_of"]["shown"] == "2019-01-01" and figures["as_of"]["value"] is None
    assert figures["owed"]["sql"].startswith("SELECT any_value(value)")
    assert [rest["source"] for rest in one["rests_on"]] == ["dated_facts"] and len(one["rests_on"][0]["sha256"]) == 64


def test_the_query_of_each_figure_returns_the_figure(built: Any) -> None:
    """The stored query can be run by a reader and returns the stored figure."""
    for claim in json.loads(built("claims", "--json").stdout)[3:5]:
        for figure in claim["figures"][:2]:
            assert built.ask(figure["sql"]).split(",")[0] == figure["shown"]


def test_markdown_is_ready_to_paste(built: Any) -> None:
    text = built("claims", "deadliest-mission", "--format", "markdown").stdout
    assert text.startswith("## MINUSMA is the deadliest UN peacekeeping mission in the world.\n")
    assert "\n**Depends on the definition.** By malicious acts it is rank 1" in text
    assert "\n| **Missions then active, by malicious acts** | 1 (rank), 4 still to be determined | Rank by" in text
    assert "\n| Mission of all time with most deaths by malicious acts | ONUC 135 |" in text
    assert f"\n> {CITATION} " in text
    listed = built("claims", "-f", "markdown").stdout.splitlines()
    assert listed[:2] == ["| number | id | verdict | because |", "|---|---|---|---|"] and len(listed) == 16
    rows = built("claims", "us-arrears", "--rows", "-f", "markdown").stdout.splitlines()
    assert len(rows) == 3 and "Reuters idUSKCN1PB2OD Jan 2019" in rows[2]


def test_rows_are_those_behind_the_main_figure(built: Any) -> None:
    head, *lines = built("claims", "chadians-killed-2019-01", "--rows").stdout.splitlines()
    assert head.split("\t")[:4] == ["casualty_id", "incident_date", "mission", "nationality_iso3"]
    assert len(lines) == 10 and {line.split("\t")[3] for line in lines} == {"TCD"}
    rows = json.loads(built("claims", "minusma-fatalities", "--rows", "--json").stdout)
    assert len(rows) == 190 and rows[-1]["incident_date"] == "2019-01-25"
    for name in IDS:
        assert built("claims", name, "--rows").stdout


def test_the_warehouse_is_only_read(built: Any) -> None:
    before = hashlib.sha256(built.warehouse.read_bytes()).hexdigest()
    built("claims", "minusma-size", "--rows")
    built("claims")
    assert hashlib.sha256(built.warehouse.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dragons"], "There is no claim 'dragons'. Known claims: chadians-killed-2019-01, wounded-2019-01, "),
        (["15"], "There is no claim '15'."),
        (["dragons", "--rows", "--json"], "Known claims: "),
        (["--rows"], "--rows shows the rows of one claim: name it."),
        (["--json", "--format", "markdown"], "exclude each other"),
        (["--format", "html"], "'html' is not one of"),
        (["--as-of", "soon"], "soon"),
    ],
)
def test_a_wrong_command_is_2_and_says_what_is_right(built: Any, arguments: list[str], message: str) -> None:
    done = built("claims", *arguments, code=2)
    assert message in done.stderr and done.stdout == ""


def test_a_warehouse_without_claims_says_to_refresh(copy: Any) -> None:
    with duckdb.connect(str(copy.warehouse)) as connection:
        connection.execute("DROP TABLE meta.claims; DROP TABLE meta.claim_figures")
    for arguments in ([], ["us-arrears"], ["us-arrears", "--rows"]):
        message = copy("claims", *arguments, code=1).stderr
        assert message == (
            "error: This warehouse was built before claims were kept. Run `peacekeeping refresh` to build it again.\n"
        )


def test_without_a_warehouse_or_that_of_the_day_it_says_what_to_run(fresh: Any) -> None:
    assert "Run `peacekeeping refresh` first." in fresh("claims", code=1).stderr
    assert "Run `peacekeeping refresh --as-of 2022-01` first." in fresh("claims", "--as-of", "2022-01", code=1).stderr


@pytest.mark.slow
def test_as_of_a_day_a_claim_is_judged_by_what_had_been_published(copy: Any) -> None:
    copy("refresh", "--as-of", "2022-01")
    claims = {claim["id"]: claim for claim in json.loads(copy("claims", "--json", "--as-of", "2022-01").stdout)}
    assert claims["minusma-fatalities"]["verdict"] == "out of date"
    assert claims["minusma-fatalities"]["figures"][0]["pending"] == 7  # 4 of them were determined since
    assert claims["minusma-fatalities"]["citation"].endswith("vintage 2021-06-30.")
    assert claims["us-arrears"]["verdict"] == "not in the data"
    assert claims["us-arrears"]["rests_on"] == []
