"""Comparing two builds: every difference is counted once and shown, and nothing else is."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from marts_shared import edit

from schemas.tables import DIMENSIONS, FACTS
from warehouse.diff import Change, Diff, DiffError, TableDiff, compare
from warehouse.reports.diff_page import lines, to_html

# The tables of history repeat the same changes and are left out.
COMPARED = {one.name for one in (*DIMENSIONS, *FACTS)}


def table(diff: Diff, name: str) -> TableDiff:
    return next(one for one in diff.tables if one.table == name)


def changes(diff: Diff, name: str, field: str) -> list[Change]:
    return next(one for one in table(diff, name).fields if one.field == field).examples


def test_equal_files_differ_in_nothing(unchecked: Path, after: Path) -> None:
    diff = compare(unchecked, after)
    assert diff.total == 0
    assert not diff.differing
    assert {one.table for one in diff.tables} == COMPARED
    assert lines(diff)[-1] == "Nothing changed."
    assert "Nothing changed." in to_html(diff)


def test_both_files_are_left_as_they_were(unchecked: Path, after: Path) -> None:
    edit(after, "UPDATE fatalities SET gender = 'F'")
    before = [file.read_bytes() for file in (unchecked, after)]
    compare(unchecked, after)
    assert [file.read_bytes() for file in (unchecked, after)] == before
    assert compare(unchecked, unchecked).total == 0


def test_the_builds_are_reported_with_their_newest_vintages(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE meta.builds SET build_id = 'later', code_version = '0.2.0'",
        "INSERT INTO meta.snapshots "
        "SELECT * REPLACE (repeat('9', 64) AS sha256, DATE '2025-06-30' AS vintage) FROM meta.snapshots "
        "WHERE source = 'fatalities'",
        "DELETE FROM meta.snapshots WHERE source = 'mission_register'",
    )
    diff = compare(unchecked, after)
    assert (diff.before.build_id, diff.before.code_version) == ("0123456789ab", "0.1.0")
    assert (diff.after.build_id, diff.after.code_version) == ("later", "0.2.0")
    assert diff.before.vintages["fatalities"] == date(2025, 4, 30)
    assert diff.after.vintages["fatalities"] == date(2025, 6, 30)
    text = lines(diff)
    assert "  fatalities: 2025-04-30 → 2025-06-30" in text
    assert "  mission_register: 2025-04-30 → none" in text
    assert "  missions: 2025-04-30" in text


def test_a_changed_row_counts_once_and_once_for_each_of_its_fields(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET gender = 'F', incident_type = 'Accident' WHERE casualty_id = 'MINUSMA-2013-07-00001'",
        "UPDATE fatalities SET incident_type = 'Accident' WHERE casualty_id = 'MINUSMA-2021-04-00006'",
    )
    diff = table(compare(unchecked, after), "fatalities")
    assert (diff.added, diff.gone, diff.changed) == (0, 0, 2)
    assert [(one.field, one.changed) for one in diff.fields] == [("incident_type", 2), ("gender", 1)]


def test_null_equals_null_and_differs_from_every_value(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET gender = 'M' WHERE casualty_id = 'MINUSMA-2019-01-00003'",
        "UPDATE fatalities SET gender = NULL WHERE casualty_id = 'MINUSMA-2016-02-00002'",
    )
    diff = compare(unchecked, after)
    assert table(diff, "fatalities").changed == 2
    assert changes(diff, "fatalities", "gender") == [
        Change({"casualty_id": "MINUSMA-2016-02-00002"}, "F", None),
        Change({"casualty_id": "MINUSMA-2019-01-00003"}, None, "M"),
    ]
    assert "    MINUSMA-2019-01-00003: NULL → M" in lines(diff)


def test_numbers_and_dates_come_with_the_biggest_difference_first_and_null_last(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET incident_date = incident_date - 1 WHERE casualty_id = 'MINUSMA-2013-07-00001'",
        "UPDATE fatalities SET incident_date = incident_date + 40 WHERE casualty_id = 'UNAMA-2010-01-00007'",
        "UPDATE uniformed_personnel SET male = NULL, female = NULL WHERE total = 110",
        "UPDATE uniformed_personnel SET total = 0, female = 0, male = 0 WHERE total = 100",
        "UPDATE uniformed_personnel SET total = 6, female = 2 WHERE mission = 'MINUSMA' AND total = 5",
    )
    diff = compare(unchecked, after)
    assert [(one.before, one.after) for one in changes(diff, "fatalities", "incident_date")] == [
        (date(2010, 1, 1), date(2010, 2, 10)),
        (date(2013, 7, 6), date(2013, 7, 5)),
    ]
    assert [(one.before, one.after) for one in changes(diff, "uniformed_personnel", "female")] == [
        (10, 0),
        (1, 2),
        (0, None),
    ]
    units = {one.field: one.unit for one in table(diff, "uniformed_personnel").fields}
    assert units == {"female": "person", "male": "person", "total": "person"}


def test_a_key_of_several_columns_finds_the_row(unchecked: Path, after: Path) -> None:
    edit(after, "UPDATE uniformed_personnel SET total = 51 WHERE total = 50")
    [change] = changes(compare(unchecked, after), "uniformed_personnel", "total")
    assert change == Change(
        {
            "month_end": date(2023, 9, 30),
            "mission": "UNSPECIFIED",
            "contributor_iso3": "IND",
            "personnel_type": "Troops",
        },
        50,
        51,
    )


def test_a_row_whose_key_changes_is_gone_and_added(unchecked: Path, after: Path) -> None:
    edit(after, "UPDATE uniformed_personnel SET personnel_type = 'Staff Officer' WHERE total = 50")
    diff = table(compare(unchecked, after), "uniformed_personnel")
    assert (diff.added, diff.gone, diff.changed) == (1, 1, 0)
    report = {"month_end": date(2023, 9, 30), "mission": "UNSPECIFIED", "contributor_iso3": "IND"}
    numbers = {"female": None, "male": None, "total": 50}
    assert diff.examples_gone == [report | {"personnel_type": "Troops"} | numbers]
    assert diff.examples_added == [report | {"personnel_type": "Staff Officer"} | numbers]


def test_where_a_row_comes_from_is_not_compared(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET snapshot_sha256 = repeat('9', 64), snapshot_row = snapshot_row + 1, "
        "last_seen = DATE '2025-06-30'",
    )
    assert not compare(unchecked, after).differing


WITHOUT_CONSTRAINTS = (
    "CREATE TABLE copied AS FROM uniformed_personnel",
    "DROP TABLE uniformed_personnel",
    "ALTER TABLE copied RENAME TO uniformed_personnel",
)


def test_an_enum_is_compared_as_text_whatever_its_values(unchecked: Path, after: Path) -> None:
    edit(
        after,
        *WITHOUT_CONSTRAINTS,
        "ALTER TABLE uniformed_personnel ALTER series TYPE ENUM ('elsewhere', 'data_hub', 'monthly_report')",
        "ALTER TABLE uniformed_personnel ALTER personnel_type TYPE VARCHAR",
        "UPDATE uniformed_personnel SET series = 'elsewhere' WHERE total = 50",
    )
    diff = compare(unchecked, after)
    assert diff.total == 1
    [change] = changes(diff, "uniformed_personnel", "series")
    assert (change.before, change.after) == ("monthly_report", "elsewhere")


def test_a_number_that_became_a_text_is_compared_as_text(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "CREATE TABLE copied AS SELECT * REPLACE (total::VARCHAR AS total) FROM uniformed_personnel",
        "DROP TABLE uniformed_personnel",
        "ALTER TABLE copied RENAME TO uniformed_personnel",
        "UPDATE uniformed_personnel SET total = 'many' WHERE total = '50'",
    )
    diff = compare(unchecked, after)
    assert diff.total == 1
    assert [(one.before, one.after) for one in changes(diff, "uniformed_personnel", "total")] == [("50", "many")]


def test_tables_and_fields_with_most_changes_come_first(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE missions SET headquarters = 'Bamako' WHERE mission = 'MINUSMA'",
        "UPDATE fatalities SET gender = 'F' WHERE gender = 'M'",
        "DELETE FROM assessed_contributions WHERE contributor_iso3 = 'CIV'",
    )
    diff = compare(unchecked, after)
    sizes = [(one.table, one.size) for one in diff.tables]
    assert sizes[:3] == [("fatalities", 4), ("assessed_contributions", 2), ("missions", 1)]
    unchanged = sorted(COMPARED)
    unchanged = [name for name in unchanged if name not in ("fatalities", "assessed_contributions", "missions")]
    assert sizes[3:] == [(name, 0) for name in unchanged]
    assert diff.total == 7
    assert lines(diff)[-1] == f"Unchanged: {', '.join(unchanged)}."


def test_no_more_examples_than_wanted_and_the_rest_is_counted(unchecked: Path, after: Path) -> None:
    edit(after, "UPDATE fatalities SET gender = 'F' WHERE gender = 'M'", "DELETE FROM assessed_contributions")
    diff = compare(unchecked, after, examples=2)
    assert [change.key["casualty_id"] for change in changes(diff, "fatalities", "gender")] == [
        "MINUSMA-2013-07-00001",
        "MINUSMA-2018-05-00004",
    ]
    assert [row["contributor_iso3"] for row in table(diff, "assessed_contributions").examples_gone] == ["BGD", "CIV"]
    text = lines(diff)
    assert "    … and 2 more" in text
    assert "    … and 7 more" in text
    assert "2 of 9 rows" in to_html(diff)


def test_rows_added_come_in_the_order_of_their_key(unchecked: Path, after: Path) -> None:
    for year in ("2031-32", "2029-30", "2030-31"):
        edit(
            after,
            f"INSERT INTO assessed_contributions SELECT * REPLACE ('{year}' AS peacekeeping_year) "
            "FROM assessed_contributions WHERE contributor_iso3 = 'MLI' AND peacekeeping_year = '2018-19'",
        )
    assert table(compare(unchecked, after, examples=2), "assessed_contributions").examples_added == [
        {"peacekeeping_year": "2029-30", "contributor_iso3": "MLI", "amount_usd": Decimal("1000000000.00")},
        {"peacekeeping_year": "2030-31", "contributor_iso3": "MLI", "amount_usd": Decimal("1000000000.00")},
    ]


@pytest.mark.parametrize(("earlier", "word"), [(True, "earlier"), (False, "later")])
def test_a_table_that_only_one_build_has_is_reported(unchecked: Path, after: Path, earlier: bool, word: str) -> None:
    edit(after, "DROP TABLE mission_aliases")
    diff = compare(unchecked, after) if earlier else compare(after, unchecked)
    one = table(diff, "mission_aliases")
    assert (one.rows_before, one.rows_after) == ((1, None) if earlier else (None, 1))
    assert (one.added, one.gone) == ((0, 1) if earlier else (1, 0))
    assert f"  Only the {word} build has this table." in lines(diff)
    assert f"Only the {word} build has this table." in to_html(diff)


def test_an_empty_table_that_only_one_build_has_is_a_difference(unchecked: Path, after: Path) -> None:
    edit(after, "CREATE TABLE new_one (a INTEGER)")
    diff = compare(unchecked, after)
    assert diff.total == 0
    assert [one.table for one in diff.differing] == ["new_one"]
    assert "Nothing changed." not in lines(diff)


def test_a_column_that_only_one_build_has_is_reported(unchecked: Path, after: Path) -> None:
    edit(
        after,
        *WITHOUT_CONSTRAINTS,
        "ALTER TABLE uniformed_personnel DROP COLUMN series",
        'ALTER TABLE uniformed_personnel ADD COLUMN "a ""new"" one" INTEGER',
    )
    diff = compare(unchecked, after)
    one = table(diff, "uniformed_personnel")
    assert (one.columns_added, one.columns_gone, one.size) == (['a "new" one'], ["series"], 0)
    assert diff.differing == [one]
    assert "  Gone columns: series" in lines(diff)
    assert "Gone columns" in to_html(diff)


def test_a_table_that_is_not_declared_is_compared_by_its_number_of_rows(unchecked: Path, after: Path) -> None:
    first = Path(shutil.copy(unchecked, after.with_name("first.duckdb")))
    edit(first, 'CREATE TABLE "of ""others" AS FROM range(5)')
    edit(after, 'CREATE TABLE "of ""others" AS FROM range(100, 103)')
    one = table(compare(first, after), 'of "others')
    assert (one.rows_before, one.rows_after, one.added, one.gone, one.changed) == (5, 3, 0, 2, 0)
    assert one.note == "Compared by its number of rows only: no key is declared for it."


def test_a_table_without_its_key_in_one_build_is_compared_by_its_number_of_rows(unchecked: Path, after: Path) -> None:
    edit(after, "ALTER TABLE uniformed_personnel DROP COLUMN personnel_type")
    one = table(compare(unchecked, after), "uniformed_personnel")
    assert (one.size, one.note) == (0, "Compared by its number of rows only: its key is not in both builds.")


def test_a_key_that_repeats_does_not_multiply_rows(unchecked: Path, after: Path) -> None:
    edit(after, "INSERT INTO uniformed_personnel FROM uniformed_personnel WHERE total = 50")
    one = table(compare(unchecked, after), "uniformed_personnel")
    assert (one.added, one.gone, one.changed) == (1, 0, 0)
    assert one.note == "Compared by its number of rows only: its key repeats."


def test_views_are_not_compared(unchecked: Path, after: Path) -> None:
    edit(after, "CREATE VIEW main.seen AS SELECT 1 AS a")
    assert not compare(unchecked, after).differing


def test_the_same_pair_always_gives_the_same_report(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET gender = 'F', incident_date = incident_date + 1",
        "UPDATE uniformed_personnel SET total = total + 1, male = NULL, female = NULL",
        "DELETE FROM assessed_contributions WHERE peacekeeping_year = '2018-19'",
    )
    reports = {(to_html(diff), json.dumps(diff.as_json())) for diff in (compare(unchecked, after) for _ in range(5))}
    assert len(reports) == 1


def test_json_has_plain_types_and_dates_as_iso_texts(unchecked: Path, after: Path) -> None:
    edit(
        after,
        "UPDATE fatalities SET incident_date = DATE '2010-01-02' WHERE casualty_id = 'UNAMA-2010-01-00007'",
        "UPDATE assessed_contributions SET amount_usd = 0.25 WHERE amount_usd = 700000000.70",
    )
    report = json.loads(json.dumps(compare(unchecked, after).as_json(), allow_nan=False))
    assert report["total"] == 2
    assert report["before"]["vintages"]["missions"] == "2025-04-30"
    money, deaths = report["tables"][:2]
    assert money["table"] == "assessed_contributions"
    assert money["fields"][0]["examples"][0]["after"] == 0.25
    assert deaths["fields"] == [
        {
            "field": "incident_date",
            "unit": None,
            "changed": 1,
            "examples": [
                {"key": {"casualty_id": "UNAMA-2010-01-00007"}, "before": "2010-01-01", "after": "2010-01-02"}
            ],
        }
    ]


def test_a_missing_file_is_reported(unchecked: Path, tmp_path: Path) -> None:
    with pytest.raises(DiffError, match=r"There is no warehouse at .*nowhere\.duckdb"):
        compare(unchecked, tmp_path / "nowhere.duckdb")
    with pytest.raises(DiffError, match="There is no warehouse at"):
        compare(tmp_path, unchecked)


def test_a_foreign_file_is_reported(unchecked: Path, tmp_path: Path) -> None:
    foreign, text, other = tmp_path / "foreign.duckdb", tmp_path / "text.duckdb", tmp_path / "other.sqlite"
    edit(foreign, "CREATE TABLE a (b INTEGER)")
    text.write_text("not a database\n" * 1000)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    with pytest.raises(DiffError, match="foreign.duckdb is no warehouse of this project"):
        compare(unchecked, foreign)
    for file in (text, other):
        with pytest.raises(DiffError, match="can't be opened: IO Error"):
            compare(file, unchecked)


def test_an_unfinished_file_is_reported(unchecked: Path, after: Path) -> None:
    edit(after, "DELETE FROM meta.builds")
    with pytest.raises(DiffError, match="names 0 builds, not one"):
        compare(unchecked, after)


def test_a_damaged_file_is_reported(unchecked: Path, after: Path) -> None:
    whole = after.read_bytes()
    for size in (0, 5000, len(whole) // 2):
        after.write_bytes(whole[:size])
        with pytest.raises(DiffError, match="can't be (opened|read|compared)"):
            compare(unchecked, after)
