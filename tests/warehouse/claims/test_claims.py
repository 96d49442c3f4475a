"""Claims held against the warehouse: the verdict follows from the figures, and a faulty claim is told by file and field.

First the article's fourteen on the bundled figures, against numbers known from elsewhere; then claims made for the test.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from marts_shared import Connection, asked, fill, insert, put
from tests_shared import CATALOGUE

from flows.steps import build
from flows.steps.registry import tables_of
from schemas.tables import TABLES
from schemas.tables.claims import VERDICTS
from schemas.tables.payments import DATED_FACTS
from sources import bundle
from transforms.staging import Staged
from transforms.vintages import Vintage
from warehouse import load
from warehouse.claims import judge
from warehouse.claims.files import FOLDER, SCHEMA, ClaimError, load_claims, read_claim
from warehouse.claims.judge import Judged, shown, stated_text
from warehouse.claims.records import as_shown
from warehouse.load import BuildError

FILES = {
    "fatalities": ["fatalities_2025-04.csv.gz"],
    "uniformed_personnel": ["uniformed_personnel_2015-01_2025-07.csv.gz"],
    "mission_strength": ["mission_strength_1990-11_2017-03.csv.gz"],
    "missions": ["missions_2024-02.csv.gz"],
    "assessed_contributions": ["assessed_contributions_2013-2024.csv.gz"],
    "government_revenue": ["government_revenue_2013-2024.csv.gz"],
    "peacekeeping_levels": ["peacekeeping_levels_2013-2024.csv.gz"],
    "scale_of_assessments": ["scale_of_assessments_1946-2027.csv.gz"],
    "regular_budget_payments": ["regular_budget_payments_2019-2026.csv.gz"],
    "mission_budgets": ["mission_budgets_expenditure_2018-19_2024-25.csv.gz"],
}  # fmt: skip
FACTS = ["dated_facts_arrears.csv.gz", "dated_facts_cash.csv.gz", "dated_facts_minusma.csv.gz"]
CLAIMS = load_claims()


@pytest.fixture(scope="module")
def real(bundled: Callable[[str], Staged]) -> Iterator[Connection]:
    """The tables that the claims ask, of the bundled snapshots, with what meta knows of them."""
    entries = {entry["file"]: entry for entry in bundle.manifest()}

    def sha256(file: str) -> str:
        return hashlib.sha256((bundle.BUNDLED / file).read_bytes()).hexdigest()

    with duckdb.connect() as connection:
        fill(connection, bundled, FILES)
        found = [Vintage(sha256(file), date.fromisoformat(entries[file]["vintage"]), bundled(file)) for file in FACTS]
        tables = tables_of(CATALOGUE["dated_facts"], found)
        insert(connection, DATED_FACTS, tables[DATED_FACTS.full_name])
        connection.execute("DELETE FROM meta.snapshots")
        snapshots = [
            (source, entries[file]["vintage"], sha256(file), CATALOGUE[source].citation_of(entries[file]["vintage"]))
            for source, files in {**FILES, "dated_facts": FACTS}.items()
            for file in files
        ]
        put(connection, "meta.snapshots", "source vintage sha256 citation", *snapshots)
        yield connection


@pytest.fixture(scope="module")
def found(real: Connection) -> dict[str, Judged]:
    return {one.claim.id: one for one in judge.judged(real, CLAIMS)}


def changed(connection: Connection, name: str, *changes: str) -> Judged:
    """The claim after these changes, which are then undone."""
    connection.execute("BEGIN")
    try:
        for change in changes:
            connection.execute(change)
        (one,) = judge.judged(connection, [claim for claim in CLAIMS if claim.id == name])
    finally:
        connection.execute("ROLLBACK")
    return one


def values(judged: Judged, *names: str) -> list[Any]:
    figures = {figure.definition.id: figure.value for figure in judged.figures}
    return [figures[name] for name in names]


# The article


def test_the_verdicts_of_the_article_s_fourteen_claims(found: dict[str, Judged]) -> None:
    assert [(one.claim.number, one.claim.id, one.verdict) for one in found.values()] == [
        (1, "chadians-killed-2019-01", "confirmed with a correction"),
        (2, "wounded-2019-01", "not in the data"),
        (3, "deadliest-attacks", "confirmed"),
        (4, "minusma-fatalities", "out of date"),
        (5, "deadliest-mission", "depends on the definition"),
        (6, "minusma-size", "not confirmed"),
        (7, "largest-missions", "confirmed"),
        (8, "developing-contributors", "confirmed"),
        (9, "minusma-deployed", "confirmed"),
        (10, "wealthier-states-pay", "confirmed"),
        (11, "largest-payer", "confirmed"),
        (12, "us-arrears", "confirmed with a correction"),
        (13, "cash-for-two-months", "confirmed"),
        (14, "states-pay-late", "confirmed"),
    ]


KNOWN = {
    "chadians-killed-2019-01": {
        "killed": 10, "chadians": 10, "uniformed": 10, "attack_day": date(2019, 1, 20), "on_printed_day": 0,
        "rows_published": 10, "registered_in_january": 9,
    },
    "wounded-2019-01": {"wounded": None, "killed": 10, "columns_on_wounded": 0},
    "deadliest-attacks": {
        "rank_all_staff": 8, "rank_uniformed": 7, "shared_all_staff": 3, "shared_uniformed": 3, "rank_in_minusma": 1,
    },
    "minusma-fatalities": {
        "to_end_of_2018": 177, "to_event": 188, "to_article": 190, "rows_to_article": 190, "malicious_to_article": 118,
        "to_now": 311,
    },
    "deadliest-mission": {
        "active_malicious": 1, "ever_malicious": 2, "active_all_causes": 3, "ever_all_causes": 7,
        "ever_malicious_now": 1, "first_of_all_time_from": date(2021, 1, 13), "malicious_deaths": 118, "deaths": 190,
        "leader_malicious": "ONUC 135", "leader_all_causes": "UNIFIL 313",
    },
    "minusma-size": {
        "uniformed_before": 13_532, "uniformed_fact": 14_769, "uniformed_after": 13_997, "civilians": 1_584,
        "all_before": 13_532 + 1_584, "all_fact": 14_769 + 1_584,
    },
    "largest-missions": {
        "rank_before": 3, "rank_after": 3, "month_before": date(2018, 2, 28), "uniformed_before": 13_532,
        "rank_peacekeeping": 3, "missions_before": 23, "peacekeeping_before": 15, "political_before": 7,
        "others_before": 1,
    },
    "developing-contributors": {
        "month_before": date(2018, 2, 28), "first_three": "Burkina Faso, Bangladesh, Chad",
        "first_three_troops": "Burkina Faso, Chad, Bangladesh", "first_three_after": "Bangladesh, Burkina Faso, Chad",
    },
    "minusma-deployed": {"start": date(2013, 4, 25), "first_strength": date(2013, 7, 31)},
    "largest-payer": {
        "rank_assessed": 1, "amount": 1_971_130_833, "first": "United States of America 28.17 %",
        "second": "China 12.71 %", "rank_regular_budget": 1, "rank_all_revenue": 1,
    },
    "us-arrears": {
        "owed": 776_000_000, "owed_in_september": 1_000_000_000, "as_of": date(2019, 1, 1),
        "regular_budget": 381_000_000,
    },
    "cash-for-two-months": {"months": 2, "a_year_before": 4, "said_on": date(2019, 1, 11)},
    "states-pay-late": {
        "on_time": 34, "late": 112, "not_in_full": 47, "late_or_not_in_full": 159, "in_full_2018": 152,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_each_ladder_has_the_figures_known_from_elsewhere(found: dict[str, Judged], name: str) -> None:
    assert dict(zip(KNOWN[name], values(found[name], *KNOWN[name]), strict=True)) == KNOWN[name]


def test_what_is_still_to_be_determined_stands_beside_the_figure(found: dict[str, Judged]) -> None:
    pending = {figure.definition.id: figure.pending for figure in found["minusma-fatalities"].figures}
    assert (pending["to_article"], pending["to_end_of_2018"], pending["rows_to_article"]) == (4, 4, None)
    assert "4 of its deaths still to be determined" in found["deadliest-mission"].because


def test_a_figure_that_is_not_exact_says_how_it_is_meant(found: dict[str, Judged]) -> None:
    told = {(name, figure.definition.id): figure.text for name, one in found.items() for figure in one.figures}
    assert told["us-arrears", "owed"] == "about 776,000,000"
    assert told["us-arrears", "owed_in_september"] == "more than 1,000,000,000"
    assert told["us-arrears", "cap_related"] == "more than 500,000,000"
    assert told["us-arrears", "regular_budget"] == "381,000,000"
    assert told["us-arrears", "all_states"] == told["states-pay-late", "peacekeeping_arrears"] == "about 2,000,000,000"
    assert told["cash-for-two-months", "months"] == "less than 2"
    assert told["minusma-size", "civilians"] == "1,584" and told["minusma-size", "uniformed_fact"] == "14,769"
    assert "owed about 2,000,000,000 USD" in found["states-pay-late"].because
    assert "September 2018 gives more than 1,000,000,000 USD" in found["us-arrears"].because
    assert "covered less than 2 months of operations" in found["cash-for-two-months"].because
    assert [
        one.claim.id for one in found.values() if "less than less" in one.because or "about about" in one.because
    ] == []


def test_how_a_fact_is_meant_follows_the_fact(real: Connection) -> None:
    one = changed(real, "us-arrears", "UPDATE main.dated_facts SET qualifier = 'exact' WHERE as_of = '2019-01-01'")
    assert "gives 776,000,000 USD" in one.because
    one = changed(real, "minusma-size", "UPDATE main.dated_facts SET qualifier = 'about' WHERE subject = 'civilian'")
    assert "With about 1,584 civilians" in one.because


def test_a_rank_says_which_missions_it_is_among(found: dict[str, Judged]) -> None:
    assert (
        "rank 3 of 23 missions on 2018-02-28 (13,532), of which 15 are peacekeeping operations, 7 special political "
        "missions and 1 of another kind (support offices); among the peacekeeping operations alone it was rank 3."
    ) in found["largest-missions"].because


def test_the_share_without_china_is_of_the_whole_that_has_china_in_it(found: dict[str, Judged]) -> None:
    because = found["wealthier-states-pay"].because
    assert "96.1 % of 2018-19, 83.4 % of the same whole without China" in because
    assert not [figure for figure in found["wealthier-states-pay"].figures if "income" in figure.definition.definition]


def test_shares_by_level_add_up_from_the_rows(real: Connection, found: dict[str, Judged]) -> None:
    developing = "('D', 'E', 'F', 'G', 'H|I', 'J')"
    troops = asked(
        real,
        f"SELECT sum(total) FILTER (level IN {developing}), sum(total) FROM main.uniformed_personnel AS p "
        "JOIN main.peacekeeping_levels AS l ON l.contributor_iso3 = p.contributor_iso3 AND scale_period = '2016-2018' "
        "WHERE mission = 'MINUSMA' AND month_end = '2018-02-28'",
    )
    assert troops == [(1464 + 10432 + 20, 13_532)]  # levels H and I, J, D to G
    assert values(found["developing-contributors"], "developing") == [pytest.approx(100 * 11_916 / 13_532)]
    wealthier, without = values(found["wealthier-states-pay"], "wealthier", "without_china")
    assert (round(wealthier, 1), round(wealthier - without, 2)) == (96.1, 12.71)


def test_because_tells_the_figures(found: dict[str, Judged]) -> None:
    assert "rank 8 of all days of all missions counting all staff" in found["deadliest-attacks"].because
    assert "2019-01-20, not 2019-01-21" in found["chadians-killed-2019-01"].because
    assert "177 is the count up to the end of 2018" in found["minusma-fatalities"].because
    assert "plausible (15,116 to 16,353)" in found["minusma-size"].because
    assert "gives about 776,000,000 USD (Reuters idUSKCN1PB2OD Jan 2019)" in found["us-arrears"].because
    assert "34 states paid on time, 112 late and 47 not in full" in found["states-pay-late"].because
    assert not [one.claim.id for one in found.values() if "{" in one.because or "no figure" in one.because]


def test_a_claim_rests_on_the_snapshots_of_its_rows(found: dict[str, Judged]) -> None:
    def of(name: str) -> set[tuple[str, str]]:
        return {(source, sha256) for source, sha256 in found[name].snapshots}

    def held(source: str, file: str) -> tuple[str, str]:
        return source, hashlib.sha256((bundle.BUNDLED / file).read_bytes()).hexdigest()

    assert of("us-arrears") == {held("dated_facts", "dated_facts_arrears.csv.gz")}
    assert of("cash-for-two-months") == {held("dated_facts", "dated_facts_cash.csv.gz")}
    assert of("minusma-size") == {
        held("uniformed_personnel", "uniformed_personnel_2015-01_2025-07.csv.gz"),
        held("dated_facts", "dated_facts_minusma.csv.gz"),
    }
    assert of("deadliest-attacks") == {held("fatalities", "fatalities_2025-04.csv.gz")}  # by the table: no row tells
    for one in found.values():
        assert {source for source, _ in one.snapshots} == set(one.claim.rests_on)


def test_a_citation_names_publisher_vintage_and_where_a_fact_was_read(found: dict[str, Judged]) -> None:
    assert found["minusma-fatalities"].citation == (
        'United Nations, Peace & Security Data Hub, "Fatalities in PKOs and SPMs since 1948" (DPPADPOSS-FATALITIES), '
        "vintage 2025-04-04."
    )
    assert found["us-arrears"].citation.endswith("Read in: Reuters idUSKCN1PB2OD Jan 2019.")


def test_every_claim_names_the_article_and_a_sentence_of_its_own() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 15))
    for claim in CLAIMS:
        assert claim.printed_in.startswith("UN Dispatch, ") and claim.printed_on == "2019-01-25"
        assert len(claim.definitions) >= 3, claim.id


def test_no_claim_copies_a_figure_of_the_data() -> None:
    """Only what the article states stands in a claim; counts, ranks and amounts come from the tables."""
    copied = [10_432, 13_532, 14_769, 13_997, 1_584, 188, 190, 311, 118, 135, 313, 112, 159, "28.17", "776"]
    for claim in CLAIMS:
        text = (FOLDER / claim.file).read_text(encoding="utf-8").replace(",", "").replace("_", " ")
        assert not [figure for figure in copied if f" {figure}" in text], claim.file


def test_all_claims_together_take_less_than_a_second(real: Connection, found: dict[str, Judged]) -> None:
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        judge.judged(real, CLAIMS)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 1.0


# The verdict follows from the figures

TO_ARTICLE = "FROM main.fatalities WHERE mission = 'MINUSMA' AND incident_date BETWEEN '2019-01-01' AND '2019-01-25'"
ATTACK = "mission = 'MINUSMA' AND incident_date = '2019-01-20'"
BY_MINUSMA = "main.uniformed_personnel SET female = NULL, male = NULL, total = {} WHERE mission = 'MINUSMA'"
WEALTHIER = "SELECT contributor_iso3 FROM main.peacekeeping_levels WHERE level IN ('A', 'B', 'C|special')"
US_DEBT = "main.dated_facts SET value = {} WHERE collection = 'arrears' AND as_of = '2019-01-01'"
WOUNDED = (
    "INSERT INTO main.dated_facts BY NAME SELECT * REPLACE ('wounded' AS subject, {} AS value, "
    "DATE '2019-01-20' AS as_of_from, DATE '2019-01-20' AS as_of_to, 999 AS snapshot_row) FROM main.dated_facts "
    "WHERE collection = 'minusma' LIMIT 1"
)

CHANGES: list[tuple[str, list[str], str]] = [
    ("chadians-killed-2019-01", [f"UPDATE main.fatalities SET incident_date = '2019-01-21' WHERE {ATTACK}"], "confirmed"),
    (
        "chadians-killed-2019-01",
        [f"UPDATE main.fatalities SET nationality_iso3 = 'MLI' WHERE {ATTACK} AND casualty_id LIKE '%07-00001'"],
        "confirmed with a correction",
    ),
    ("chadians-killed-2019-01", [f"DELETE FROM main.fatalities WHERE {ATTACK} AND casualty_id LIKE '%38'"], "not confirmed"),
    ("chadians-killed-2019-01", [f"DELETE FROM main.fatalities WHERE {ATTACK}"], "not confirmed"),
    ("chadians-killed-2019-01", ["DELETE FROM meta.snapshots WHERE source = 'fatalities'"], "not in the data"),
    ("wounded-2019-01", [WOUNDED.format(25)], "confirmed"),
    ("wounded-2019-01", [WOUNDED.format(24)], "not confirmed"),
    ("deadliest-attacks", [f"DELETE FROM main.fatalities WHERE {ATTACK} AND casualty_id NOT LIKE '%38'"], "not confirmed"),
    (
        "deadliest-attacks",
        [f"UPDATE main.fatalities SET personnel_type = 'Local' WHERE {ATTACK} AND casualty_id NOT LIKE '%38'"],
        "depends on the definition",
    ),
    ("minusma-fatalities", [f"DELETE {TO_ARTICLE}"], "confirmed"),
    ("minusma-fatalities", [f"DELETE {TO_ARTICLE} AND incident_date > '2019-01-20'"], "out of date"),
    (
        "minusma-fatalities",
        ["DELETE FROM main.fatalities WHERE mission = 'MINUSMA' AND incident_date = '2018-10-27'"],
        "not confirmed",
    ),
    ("minusma-fatalities", ["UPDATE meta.snapshots SET vintage = '2019-01-24'"], "not in the data"),
    ("deadliest-mission", ["DELETE FROM main.fatalities WHERE mission IN ('ONUC', 'UNIFIL', 'UNAMID')"], "depends on the definition"),
    ("deadliest-mission", ["DELETE FROM main.fatalities WHERE mission <> 'MINUSMA'"], "confirmed"),
    (
        "deadliest-mission",
        ["UPDATE main.fatalities SET incident_type = 'Illness' WHERE mission = 'MINUSMA' AND nationality_iso3 <> 'TCD'"],
        "not confirmed",
    ),
    ("minusma-size", [f"UPDATE {BY_MINUSMA.format('2 * total')}"], "depends on the definition"),
    (
        "minusma-size",
        [f"UPDATE {BY_MINUSMA.format('2 * total')}", "DELETE FROM main.dated_facts"],
        "confirmed",
    ),
    ("minusma-size", ["DELETE FROM main.dated_facts WHERE subject = 'civilian'"], "not confirmed"),
    ("minusma-size", ["DELETE FROM main.uniformed_personnel WHERE mission = 'MINUSMA'"], "not in the data"),
    ("largest-missions", [f"UPDATE {BY_MINUSMA.format(0)}"], "not confirmed"),
    ("largest-missions", [f"UPDATE {BY_MINUSMA.format(0)} AND month_end = '2018-02-28'"], "depends on the definition"),
    (
        "developing-contributors",
        ["DELETE FROM main.uniformed_personnel WHERE mission = 'MINUSMA' AND contributor_iso3 = 'BFA'"],
        "confirmed with a correction",
    ),
    ("developing-contributors", ["UPDATE main.peacekeeping_levels SET level = 'B' WHERE level = 'J'"], "not confirmed"),
    ("developing-contributors", ["DELETE FROM main.peacekeeping_levels"], "not in the data"),
    ("minusma-deployed", ["UPDATE main.missions SET start_date = '2012-12-20' WHERE mission = 'MINUSMA'"], "depends on the definition"),
    (
        "minusma-deployed",
        [
            "UPDATE main.missions SET start_date = '2012-12-20' WHERE mission = 'MINUSMA'",
            "DELETE FROM main.mission_strength WHERE mission = 'MINUSMA' AND month_end < '2014-01-01'",
        ],
        "not confirmed",
    ),
    ("minusma-deployed", ["DELETE FROM main.mission_strength"], "not in the data"),
    (
        "wealthier-states-pay",
        [f"UPDATE main.assessed_contributions SET amount_usd = 1 WHERE contributor_iso3 IN ({WEALTHIER})"],
        "not confirmed",
    ),
    (
        "wealthier-states-pay",
        [
            f"UPDATE main.assessed_contributions SET amount_usd = 1 WHERE contributor_iso3 IN ({WEALTHIER}) "
            "AND contributor_iso3 <> 'CHN'"
        ],
        "depends on the definition",
    ),
    ("wealthier-states-pay", ["DELETE FROM main.assessed_contributions"], "not in the data"),
    ("largest-payer", ["UPDATE main.assessed_contributions SET amount_usd = 1 WHERE contributor_iso3 = 'USA'"], "not confirmed"),
    ("largest-payer", ["DELETE FROM main.assessed_contributions WHERE contributor_iso3 = 'USA'"], "not in the data"),
    ("us-arrears", [f"UPDATE {US_DEBT.format(750_000_000)} AND fund = 'peacekeeping'"], "confirmed"),
    ("us-arrears", [f"UPDATE {US_DEBT.format(787_500_000)} AND fund = 'peacekeeping'"], "confirmed with a correction"),
    ("us-arrears", [f"UPDATE {US_DEBT.format(787_500_001)} AND fund = 'peacekeeping'"], "not confirmed"),
    ("us-arrears", ["DELETE FROM main.dated_facts"], "not in the data"),
    (
        "cash-for-two-months",
        ["UPDATE main.dated_facts SET statement = replace(statement, 'than two', 'than three') WHERE collection = 'cash'"],
        "not confirmed",
    ),
    ("cash-for-two-months", ["DELETE FROM main.dated_facts WHERE as_of = '2019-01-11'"], "not in the data"),
    (
        "states-pay-late",
        ["UPDATE main.regular_budget_payments SET payment_status = 'paid_on_time' WHERE payment_status = 'paid_late'"],
        "not confirmed",
    ),
    ("states-pay-late", ["DELETE FROM main.regular_budget_payments WHERE year = 2019"], "not in the data"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "verdict"), CHANGES)
def test_another_figure_in_the_tables_gives_another_verdict(
    real: Connection, name: str, changes: list[str], verdict: str
) -> None:
    assert changed(real, name, *changes).verdict == verdict


def test_every_claim_is_seen_with_another_verdict_and_with_those_of_its_rules(found: dict[str, Judged]) -> None:
    seen = {name: {one.verdict} for name, one in found.items()}
    for name, _, verdict in CHANGES:
        seen[name].add(verdict)
    assert [name for name, verdicts in seen.items() if len(verdicts) == 1] == []
    unused = {
        claim.id: {rule.verdict for rule in claim.rules} - seen[claim.id]
        for claim in CLAIMS
        if {rule.verdict for rule in claim.rules} - seen[claim.id]
    }
    # Would need a published count of uniformed personnel, or of malicious acts, that is 177.
    assert unused == {"minusma-fatalities": {"depends on the definition"}}


def test_without_rows_nothing_is_in_the_data() -> None:
    with duckdb.connect() as connection:
        load.create_empty(connection)
        found = judge.judged(connection, CLAIMS)
    assert {one.verdict for one in found} == {"not in the data"}
    assert {figure.value for one in found for figure in one.figures} <= {None, 0}
    assert {one.snapshots for one in found} == {()}


def test_a_missing_figure_is_named(real: Connection) -> None:
    assert changed(real, "us-arrears", "DELETE FROM main.dated_facts").because == (
        "This build has no figure for: Owed to peacekeeping, newest statement before the article."
    )
    assert changed(real, "states-pay-late", "DELETE FROM meta.snapshots").because == (
        "This build has no snapshot of regular_budget_payments of 2019-12-27 or later."
    )


# Claims made for the test

MADE: dict[str, Any] = {
    "id": "made-claim",
    "number": 1,
    "claim": "Three is a number.",
    "printed": {"where": "A paper", "date": date(2019, 1, 25)},
    "unit": "person",
    "stated": {"value": 3, "qualifier": "exact"},
    "definitions": [
        {"id": "three", "label": "The number", "definition": "It is three.", "sql": "SELECT 3 AS value", "main": True}
    ],
    "rows": "SELECT 3 AS n",
    "verdicts": [
        {"verdict": "confirmed", "when": "three = stated", "because": "It is {three}."},
        {"verdict": "not confirmed", "because": "It is {three}, not {stated}."},
    ],
    "caveats": [],
    "rests_on": ["fatalities"],
}


def made(folder: Path, name: str = "made-claim", **fields: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yaml"
    declared = {key: value for key, value in {**MADE, "id": name, **fields}.items() if value is not ...}
    file.write_text(yaml.safe_dump(declared, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def with_sql(sql: str, **more: Any) -> list[dict[str, Any]]:
    return [{**MADE["definitions"][0], "sql": sql, **more}]


@pytest.fixture(scope="module")
def empty() -> Iterator[Connection]:
    with duckdb.connect() as connection:
        load.create_empty(connection)
        yield connection


def judged_as(connection: Connection, folder: Path, **fields: Any) -> Judged:
    (one,) = judge.judged(connection, [read_claim(made(folder, **fields))])
    return one


def fault(connection: Connection, folder: Path, **fields: Any) -> str:
    with pytest.raises(ClaimError) as caught:
        judged_as(connection, folder, **fields)
    return str(caught.value)


RULES = MADE["verdicts"]
DEFINITION = MADE["definitions"][0]
FAULTY: list[tuple[dict[str, Any], str, str]] = [
    ({"rows": ...}, "(top level)", "'rows' is a required property"),
    ({"printed": {"where": "A paper"}}, "printed", "'date' is a required property"),
    ({"colour": "red"}, "(top level)", "'colour' was unexpected"),
    ({"claim": "No full stop"}, "claim", "does not match"),
    ({"stated": {"value": 3, "qualifier": "roughly"}}, "stated.qualifier", "'roughly' is not one of"),
    ({"stated": {"qualifier": "about"}}, "stated", "'value' is a required property"),
    ({"verdicts": [{**RULES[0], "verdict": "true"}, RULES[1]]}, "verdicts.0.verdict", "'true' is not one of"),
    ({"verdicts": [RULES[0], {**RULES[1], "when": "three > 3"}]}, "verdicts.1.when", "it has no `when`"),
    ({"verdicts": [RULES[1], RULES[1]]}, "verdicts.0.when", "only the last rule has none"),
    ({"verdicts": RULES[:1]}, "verdicts", "is too short"),
    ({"verdicts": [{**RULES[0], "because": "It is {four}."}, RULES[1]]}, "verdicts.0.because", "{four} is no definition"),
    ({"definitions": [{**DEFINITION, "main": False}]}, "definitions", "`main: true`"),
    ({"definitions": [DEFINITION, DEFINITION]}, "definitions.1.id", "'three' is there twice"),
    ({"definitions": [{**DEFINITION, "id": "stated"}]}, "definitions.0.id", "use for something else"),
    ({"definitions": [{**DEFINITION, "id": "a_pending"}]}, "definitions.0.id", "use for something else"),
    ({"rests_on": ["dragons"]}, "rests_on", "'dragons' is no source"),
    ({"needs": {"dragons": date(2019, 1, 1)}}, "needs", "'dragons' is no source"),
    ({"definitions": with_sql("SELECT unnest([1, 2]) AS value")}, "definitions.three.sql", "exactly one row, got 2"),
    ({"definitions": with_sql("SELECT 1 AS value WHERE false")}, "definitions.three.sql", "exactly one row, got 0"),
    ({"definitions": with_sql("SELECT 1 AS number")}, "definitions.three.sql", "expected the column value"),
    ({"definitions": with_sql("SELECT [1] AS value")}, "definitions.three.sql", "a number, a text or a day, got INTEGER[]"),
    ({"definitions": with_sql("SELECT true AS value")}, "definitions.three.sql", "got BOOLEAN"),
    ({"definitions": with_sql("SELECT 1 AS value, -1 AS pending")}, "definitions.three.sql", "0 or more, got -1"),
    ({"definitions": with_sql("SELECT 1 AS value, 'roughly' AS qualifier")}, "definitions.three.sql", "or NULL, got 'roughly'"),
    ({"definitions": with_sql("SELECT 1 AS value, 2 AS other")}, "definitions.three.sql", "perhaps pending and qualifier, got"),
    ({"definitions": with_sql("SELECT count(*) AS value FROM main.dragons")}, "definitions.three.sql", "dragons does not exist"),
    ({"definitions": with_sql("SELECT error('no such day') AS value")}, "definitions.three.sql", "no such day"),
    ({"definitions": with_sql("SELECT 1 AS value; SELECT 2 AS value")}, "definitions.three.sql", "one SELECT statement"),
    ({"definitions": with_sql("DELETE FROM main.fatalities")}, "definitions.three.sql", "one SELECT statement"),
    ({"rows": "SELECT dragons FROM main.fatalities"}, "rows", "dragons"),
    ({"verdicts": [{**RULES[0], "when": "four = stated"}, RULES[1]]}, "verdicts.0.when", "four"),
    ({"verdicts": [{**RULES[0], "when": "three + stated"}, RULES[1]]}, "verdicts.0.when", "expected one truth value"),
    (
        {"verdicts": [{**RULES[0], "when": "(SELECT count(*) FROM main.fatalities) = 0"}, RULES[1]]},
        "verdicts.0.when",
        "fatalities does not exist",
    ),
    (
        {"verdicts": [{**RULES[0], "when": "(SELECT count(*) FROM read_text('/etc/hostname')) > 0"}, RULES[1]]},
        "verdicts.0.when",
        "disabled",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field", "told"), FAULTY, ids=[f"{i}-{case[1]}" for i, case in enumerate(FAULTY)])
def test_a_faulty_claim_is_told_by_file_and_field(
    empty: Connection, tmp_path: Path, fields: dict[str, Any], field: str, told: str
) -> None:
    message = fault(empty, tmp_path, **fields)
    assert message.startswith(f"claims/made-claim.yaml: {field}: ")
    assert told in message and message.endswith(". The build is not published.")
    assert "\n" not in message


def test_a_rule_after_the_one_that_holds_is_not_wrong_unnoticed(empty: Connection, tmp_path: Path) -> None:
    rules = [RULES[0], {**RULES[0], "when": "four = 4"}, RULES[1]]
    assert "verdicts.1.when" in fault(empty, tmp_path, verdicts=rules)


def test_a_file_is_named_as_its_claim_and_numbers_are_given_once(tmp_path: Path) -> None:
    made(tmp_path, "another-claim", number=2)
    made(tmp_path).rename(tmp_path / "misnamed-claim.yaml")
    with pytest.raises(ClaimError, match=r"misnamed-claim\.yaml: id: 'made-claim' must be the file's own"):
        load_claims(tmp_path)
    (tmp_path / "misnamed-claim.yaml").unlink()
    made(tmp_path, number=2)
    with pytest.raises(ClaimError, match=r"number: 2 is also the number of another-claim\.yaml"):
        load_claims(tmp_path)


@pytest.mark.parametrize("text", ["id: [", "\xff"])
def test_a_file_that_is_no_yaml_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "made-claim.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ClaimError, match=r"made-claim\.yaml: \(whole file\): is not valid YAML"):
        load_claims(tmp_path)


def test_the_schema_s_verdicts_are_the_table_s() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert tuple(schema["$defs"]["verdict"]["properties"]["verdict"]["enum"]) == VERDICTS
    assert len(VERDICTS) == 6


NOTHING = "SELECT NULL::BIGINT AS value"


def test_a_rule_that_lacks_its_figure_ends_in_not_in_the_data(empty: Connection, tmp_path: Path) -> None:
    one = judged_as(empty, tmp_path, definitions=with_sql(NOTHING))
    assert (one.verdict, one.because) == ("not in the data", "This build has no figure for: The number.")


def test_so_does_the_last_rule_without_a_main_figure(empty: Connection, tmp_path: Path) -> None:
    definitions = [*with_sql(NOTHING), {**DEFINITION, "id": "four", "sql": "SELECT 4 AS value", "main": False}]
    rules = [{**RULES[0], "when": "four = stated"}, RULES[1]]
    assert judged_as(empty, tmp_path, definitions=definitions, verdicts=rules).verdict == "not in the data"


def test_a_missing_neighbour_is_said_and_harms_no_rule_that_does_not_need_it(empty: Connection, tmp_path: Path) -> None:
    definitions = [DEFINITION, {**DEFINITION, "id": "four", "sql": "SELECT NULL AS value", "main": False}]
    rules = [{**RULES[0], "because": "It is {three}, of {four} ({four_pending})."}, RULES[1]]
    one = judged_as(empty, tmp_path, definitions=definitions, verdicts=rules)
    assert (one.verdict, one.because) == ("confirmed", "It is 3, of no figure (no figure).")


@pytest.mark.parametrize(
    ("columns", "text", "qualifier"),
    [
        ("3 AS value, 'about' AS qualifier", "about 3", "about"),
        ("3 AS value, 'exact' AS qualifier", "3", None),
        ("3 AS value, NULL AS qualifier", "3", None),
        ("3 AS value, 1 AS pending, 'more than' AS qualifier", "more than 3", "more than"),
        ("NULL::BIGINT AS value, 'about' AS qualifier", None, "about"),
    ],
)
def test_a_qualifier_stands_before_the_figure_and_leaves_the_number(
    empty: Connection, tmp_path: Path, columns: str, text: str | None, qualifier: str | None
) -> None:
    (figure,) = judged_as(empty, tmp_path, definitions=with_sql(f"SELECT {columns}")).figures
    assert (figure.text, figure.qualifier, figure.value) == (text, qualifier, 3 if text else None)


def test_a_rule_can_speak_of_what_is_missing(empty: Connection, tmp_path: Path) -> None:
    rules = [{"verdict": "out of date", "when": "three IS NULL", "because": "Not any more."}, *RULES]
    assert judged_as(empty, tmp_path, definitions=with_sql(NOTHING), verdicts=rules).verdict == "out of date"
    assert judged_as(empty, tmp_path, verdicts=rules).verdict == "confirmed"


@pytest.mark.parametrize(
    ("sql", "stated", "when"),
    [
        ("SELECT DATE '2019-01-20' AS value", {"qualifier": "none", "day": date(2019, 1, 20)}, "three = stated_day"),
        ("SELECT 'Chad' AS value", {"qualifier": "exact", "value": "Chad"}, "three = stated"),
        ("SELECT 'Chad, Mali' AS value", {"qualifier": "none", "names": ["Chad", "Mali"]}, "string_split(three, ', ') = stated_names"),
        ("SELECT 1.5::DECIMAL(9, 2) AS value", {"qualifier": "exact", "value": 1.5}, "three = stated"),
        ("SELECT sum(n) AS value FROM range(3) AS t(n)", {"qualifier": "exact", "value": 3}, "three = stated"),
        ("SELECT 104.9 AS value", {"qualifier": "about", "value": 100, "tolerance_pct": 5}, "abs(three - stated) <= tolerance_pct"),
        ("SELECT 5 AS value, 2 AS pending", {"qualifier": "exact", "value": 3}, "three - three_pending = stated"),
        ("SELECT incident_type AS value FROM (SELECT 'Illness'::ENUM('Illness', 'Accident') AS incident_type)", {"qualifier": "exact", "value": "Illness"}, "three = stated"),
    ],
)  # fmt: skip
def test_figures_of_every_kind_meet_what_is_stated(
    empty: Connection, tmp_path: Path, sql: str, stated: dict[str, Any], when: str
) -> None:
    rules = [{**RULES[0], "when": when}, RULES[1]]
    assert judged_as(empty, tmp_path, definitions=with_sql(sql), stated=stated, verdicts=rules).verdict == "confirmed"


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (13532, "person", None, "13,532"),
        (2013, "year", None, "2013"),
        (0, "person", None, "0"),
        (28.1655, "percent", None, "28.17"),
        (28.1655, "percent", 1, "28.2"),
        (Decimal("1971130833.00"), "USD", 0, "1,971,130,833"),
        (date(2019, 1, 20), None, None, "2019-01-20"),
        ("ONUC 135", None, None, "ONUC 135"),
        (None, "person", None, None),
    ],
)
def test_a_figure_in_words(value: Any, unit: str | None, decimals: int | None, text: str | None) -> None:
    assert shown(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("figure", "unit", "pending", "told"),
    [
        ("10", "person", 0, "10 (persons)"),
        ("1", "person", None, "1 (person)"),
        ("159", "state", 4, "159 (states), 4 still to be determined"),
        ("2", "month", None, "2 (months)"),
        ("8", "rank", None, "8 (rank)"),
        ("28.2", "percent", None, "28.2 (percent)"),
        ("2019-01-20", None, None, "2019-01-20"),
        (None, "person", None, "no data"),
    ],
)
def test_a_figure_is_shown_with_its_unit_in_the_plural_where_it_is_not_one(
    figure: str | None, unit: str | None, pending: int | None, told: str
) -> None:
    assert as_shown({"shown": figure, "unit": unit, "pending": pending}) == told


def test_what_is_stated_in_words() -> None:
    told = {claim.id: stated_text(claim) for claim in CLAIMS}
    assert told["minusma-fatalities"] == "177" and told["minusma-size"] == "more than 15,000"
    assert told["deadliest-mission"] == "rank 1" and told["us-arrears"] == "about 750,000,000"
    assert told["chadians-killed-2019-01"] == "10, on 2019-01-21" and told["minusma-deployed"] == "2013"
    assert told["developing-contributors"] == "more than 50, naming Burkina Faso, Chad, Bangladesh"
    assert told["states-pay-late"] is None


def test_rows_tell_what_a_claim_rests_on_and_where_it_was_read(real: Connection, tmp_path: Path) -> None:
    rows = "SELECT * FROM main.dated_facts WHERE collection = 'cash' AND as_of = '2019-01-11'"
    one = judged_as(real, tmp_path, rows=rows, rests_on=["dated_facts"])
    assert len(one.snapshots) == 1 and one.citation.count("AFP 15 Jan 2019") == 1
    assert len(judged_as(real, tmp_path, rests_on=["dated_facts"]).snapshots) == 3


# In a build


def test_a_build_holds_its_claims_and_their_figures(small: Path) -> None:
    with duckdb.connect(str(small), read_only=True) as connection:
        claims = asked(connection, "SELECT claim_id, number, verdict::VARCHAR, stated FROM meta.claims ORDER BY number")
        figures = asked(connection, "SELECT claim_id, max(position), count(*) FROM meta.claim_figures GROUP BY ALL")
        (ladder,) = asked(
            connection,
            "SELECT definition_id, label, is_main, value_text, value, unit, pending, starts_with(sql, 'SELECT count(*)') "
            "FROM meta.claim_figures WHERE claim_id = 'minusma-fatalities' AND position = 1",
        )
    assert [row[:2] for row in claims] == [(claim.id, claim.number) for claim in CLAIMS]
    assert sorted(figures) == sorted((claim.id, len(claim.definitions), len(claim.definitions)) for claim in CLAIMS)
    # By hand: of the six of MINUSMA in the small warehouse four are of incidents up to 25 January 2019.
    assert ladder == ("to_article", "Casualties up to the article's date", True, "4", 4.0, "person", 0, True)


def test_a_claim_is_added_without_code(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    made(folder, "one-more-claim", number=15, unit="year", stated={"value": 2013, "qualifier": "exact"})
    for file in FOLDER.glob("*.yaml"):
        shutil.copy(file, folder)
    assert len(judge.run(built, folder)) == 15
    with duckdb.connect(str(built), read_only=True) as connection:
        (row,) = asked(connection, "FROM meta.claims WHERE claim_id = 'one-more-claim'")
    assert row == (
        "one-more-claim", 15, "Three is a number.", "A paper", date(2019, 1, 25), "2013", "year", "not confirmed",
        "It is 3, not 2013.", None, *row[10:13], "SELECT 3 AS n",
    )  # fmt: skip
    assert (row[11], row[12]) == (["fatalities"], ["a" * 64])


def test_no_claims_are_no_fault(built: Path, tmp_path: Path) -> None:
    assert judge.run(built, tmp_path / "nothing here") == []


def test_a_claim_whose_query_fails_stops_publishing(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(tmp_path / "claims", definitions=with_sql("SELECT count(*) AS value FROM main.dragons"))
    monkeypatch.setattr(judge, "load_claims", lambda _: [read_claim(file)])
    with pytest.raises(BuildError, match=r"^claims/made-claim\.yaml: definitions\.three\.sql: .*not published\.$"):
        build.check(build.Build("x", built, {}))
    with duckdb.connect(str(built), read_only=True) as connection:
        assert asked(connection, "SELECT count(*) FROM meta.claims") == [(0,)]


def test_a_claim_can_neither_write_nor_reach_out(built: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("value\n3\n")
    folder = tmp_path / "claims"
    made(folder, definitions=with_sql(f"SELECT value FROM read_csv('{tmp_path / 'secret.csv'}')"))
    with pytest.raises(ClaimError, match="definitions.three.sql"):
        judge.run(built, folder)


def test_both_tables_are_written_by_the_build_itself() -> None:
    assert {"meta.claims", "meta.claim_figures"} <= set(TABLES)
    assert [table.full_name for table in build.WRITTEN_IN_BUILD if "claim" in table.name] == [
        "meta.claims",
        "meta.claim_figures",
    ]
