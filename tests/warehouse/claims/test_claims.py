"""Claims made for the tests: how figures become verdicts, and how faulty claims are reported."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from marts_shared import Connection, select

from flows.steps import build
from warehouse import load
from warehouse.claims import judge
from warehouse.claims.files import FOLDER, ClaimError, load_claims, read_claim
from warehouse.claims.judge import Judged, shown
from warehouse.claims.records import as_shown
from warehouse.load import BuildError

CLAIMS = load_claims()

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
    ({"rows": ...}, "rows", "Field required"),
    ({"printed": {"where": "A paper"}}, "printed.date", "Field required"),
    ({"colour": "red"}, "colour", "Extra inputs are not permitted"),
    ({"claim": "No full stop"}, "claim", "should match pattern"),
    ({"stated": {"value": 3, "qualifier": "roughly"}}, "stated.qualifier", "or 'none', got 'roughly'"),
    ({"stated": {"qualifier": "about"}}, "stated", "expected a value, or the qualifier none"),
    ({"stated": {"qualifier": "none", "value": 3}}, "stated", "expected a value, or the qualifier none"),
    ({"verdicts": [{**RULES[0], "verdict": "true"}, RULES[1]]}, "verdicts.0.verdict", "got 'true'"),
    ({"verdicts": [RULES[0], {**RULES[1], "when": "three > 3"}]}, "verdicts", "`when` in every rule but the last"),
    ({"verdicts": [RULES[1], RULES[1]]}, "verdicts", "`when` in every rule but the last"),
    ({"verdicts": RULES[:1]}, "verdicts", "at least 2 items"),
    ({"verdicts": [{**RULES[0], "because": "It is {four}."}, RULES[1]]}, "verdicts", "{four} is no definition"),
    ({"definitions": [{**DEFINITION, "main": False}]}, "definitions", "`main: true`"),
    ({"definitions": [DEFINITION, DEFINITION]}, "definitions", "expected unique ids"),
    ({"definitions": [{**DEFINITION, "id": "stated"}]}, "definitions", "no name of the rules: stated"),
    ({"definitions": [{**DEFINITION, "id": "a_pending"}]}, "definitions", "no name of the rules: a_pending"),
    ({"rests_on": ["dragons"]}, "rests_on.0", "expected a source with a table of main, got 'dragons'"),
    ({"needs": {"dragons": date(2019, 1, 1)}}, "needs.dragons.[key]", "expected a source with a table of main"),
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


@pytest.mark.parametrize(
    ("fields", "field", "expected"), FAULTY, ids=[f"{i}-{case[1]}" for i, case in enumerate(FAULTY)]
)
def test_a_faulty_claim_is_reported_by_file_and_field(
    empty: Connection, tmp_path: Path, fields: dict[str, Any], field: str, expected: str
) -> None:
    message = fault(empty, tmp_path, **fields)
    assert message.startswith(f"claims/made-claim.yaml: {field}: ")
    assert expected in message and message.endswith(". The build is not published.")
    assert "\n" not in message


def test_a_fault_in_a_rule_after_the_one_that_holds_is_reported(empty: Connection, tmp_path: Path) -> None:
    rules = [RULES[0], {**RULES[0], "when": "four = 4"}, RULES[1]]
    assert "verdicts.1.when" in fault(empty, tmp_path, verdicts=rules)


def test_a_file_is_named_as_its_claim_and_numbers_are_given_once(tmp_path: Path) -> None:
    made(tmp_path, "another-claim", number=2)
    made(tmp_path).rename(tmp_path / "misnamed-claim.yaml")
    with pytest.raises(
        ClaimError, match=r"misnamed-claim\.yaml: id: expected the file's own name, 'misnamed-claim', got 'made-claim'"
    ):
        load_claims(tmp_path)
    (tmp_path / "misnamed-claim.yaml").unlink()
    made(tmp_path, number=2)
    with pytest.raises(ClaimError, match=r"number: 2 is also the number of another-claim\.yaml"):
        load_claims(tmp_path)


@pytest.mark.parametrize("text", ["id: [", "\xff"])
def test_a_file_that_is_no_yaml_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "made-claim.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ClaimError, match=r"made-claim\.yaml: \(top level\): not valid YAML"):
        load_claims(tmp_path)


NOTHING = "SELECT NULL::BIGINT AS value"


def test_a_rule_that_lacks_its_figure_ends_in_not_in_the_data(empty: Connection, tmp_path: Path) -> None:
    one = judged_as(empty, tmp_path, definitions=with_sql(NOTHING))
    assert (one.verdict, one.because) == ("not in the data", "This build has no figure for: The number.")


def test_the_last_rule_without_a_main_figure_ends_in_not_in_the_data(empty: Connection, tmp_path: Path) -> None:
    definitions = [*with_sql(NOTHING), {**DEFINITION, "id": "four", "sql": "SELECT 4 AS value", "main": False}]
    rules = [{**RULES[0], "when": "four = stated"}, RULES[1]]
    assert judged_as(empty, tmp_path, definitions=definitions, verdicts=rules).verdict == "not in the data"


def test_a_missing_second_figure_is_named_and_a_rule_that_does_not_need_it_applies(
    empty: Connection, tmp_path: Path
) -> None:
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
def test_a_qualifier_is_printed_before_the_figure_and_the_number_is_unchanged(
    empty: Connection, tmp_path: Path, columns: str, text: str | None, qualifier: str | None
) -> None:
    (figure,) = judged_as(empty, tmp_path, definitions=with_sql(f"SELECT {columns}")).figures
    assert (figure.text, figure.qualifier, figure.value) == (text, qualifier, 3 if text else None)


def test_a_rule_can_apply_where_its_figure_is_missing(empty: Connection, tmp_path: Path) -> None:
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
def test_figures_of_every_type_can_be_compared_with_the_stated_one(
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
    ("figure", "unit", "pending", "expected"),
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
    figure: str | None, unit: str | None, pending: int | None, expected: str
) -> None:
    assert as_shown({"shown": figure, "unit": unit, "pending": pending}) == expected


def test_rows_give_the_snapshots_and_the_citation_of_a_claim(real: Connection, tmp_path: Path) -> None:
    rows = "SELECT * FROM main.dated_facts WHERE collection = 'cash' AND as_of = '2019-01-11'"
    one = judged_as(real, tmp_path, rows=rows, rests_on=["dated_facts"])
    assert len(one.snapshots) == 1 and one.citation.count("AFP 15 Jan 2019") == 1
    assert len(judged_as(real, tmp_path, rests_on=["dated_facts"]).snapshots) == 3


# In a build


def test_a_build_holds_its_claims_and_their_figures(small: Path) -> None:
    with duckdb.connect(str(small), read_only=True) as connection:
        claims = select(
            connection, "SELECT claim_id, number, verdict::VARCHAR, stated FROM meta.claims ORDER BY number"
        )
        figures = select(connection, "SELECT claim_id, max(position), count(*) FROM meta.claim_figures GROUP BY ALL")
        (ladder,) = select(
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
        (row,) = select(connection, "FROM meta.claims WHERE claim_id = 'one-more-claim'")
    assert row == (
        "one-more-claim", 15, "Three is a number.", "A paper", date(2019, 1, 25), "2013", "year", "not confirmed",
        "It is 3, not 2013.", None, *row[10:13], "SELECT 3 AS n",
    )  # fmt: skip
    assert (row[11], row[12]) == (["fatalities"], ["a" * 64])


def test_a_build_without_claims_is_accepted(built: Path, tmp_path: Path) -> None:
    assert judge.run(built, tmp_path / "nothing here") == []


def test_a_claim_whose_query_fails_stops_publishing(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made(tmp_path / "claims", definitions=with_sql("SELECT count(*) AS value FROM main.dragons"))
    monkeypatch.setattr(judge, "load_claims", lambda _: [read_claim(file)])
    with pytest.raises(BuildError, match=r"^claims/made-claim\.yaml: definitions\.three\.sql: .*not published\.$"):
        build.check(build.Build("x", built, {}))
    with duckdb.connect(str(built), read_only=True) as connection:
        assert select(connection, "SELECT count(*) FROM meta.claims") == [(0,)]


def test_a_claim_can_neither_write_nor_reach_out(built: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("value\n3\n")
    folder = tmp_path / "claims"
    made(folder, definitions=with_sql(f"SELECT value FROM read_csv('{tmp_path / 'secret.csv'}')"))
    with pytest.raises(ClaimError, match="definitions.three.sql"):
        judge.run(built, folder)
