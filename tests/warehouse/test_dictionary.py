"""The dictionary in docs/: every table, view and column, as the declarations and the marts have them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from schemas.tables import TABLES
from warehouse import dictionary

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rendered() -> str:
    return dictionary.render()


def sections(text: str) -> dict[str, list[list[str]]]:
    """The rows of each section's table: column, type, unit, null, meaning."""
    tables: dict[str, list[list[str]]] = {}
    for section in text.split("\n### ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        tables[section.splitlines()[0].strip()] = [
            [cell.strip() for cell in line.replace("\\|", "\0").strip("|").split("|")] for line in lines[1:]
        ]
    return tables


def test_every_column_of_the_warehouse_has_its_row(rendered: str, unchecked: Path) -> None:
    with duckdb.connect(str(unchecked), read_only=True) as connection:
        listed = connection.execute(
            "SELECT schema_name || '.' || table_name, list(column_name ORDER BY position) FROM meta.columns GROUP BY ALL"
        ).fetchall()
    # A macro with an argument says in its text which columns it has.
    output = {name: [row[0].strip("*") for row in rows] for name, rows in sections(rendered).items() if "(" not in name}
    assert output == dict(listed)
    assert all(len(row) == 5 for rows in sections(rendered).values() for row in rows)


def test_a_row_has_type_unit_null_and_meaning(rendered: str) -> None:
    personnel = {row[0]: row[1:] for row in sections(rendered)["main.uniformed_personnel"]}
    assert personnel["includes_staff_officers"][:3] == ["BOOLEAN", "", ""]
    assert personnel["female"] == ["BIGINT", "person", "yes", "Women; NULL where the publication prints no sexes."]
    assert personnel["**contributor_iso3**"] == ["VARCHAR", "", "", "Contributing state. \u2192 main.countries.iso3"]


def test_keys_are_bold_and_nothing_else_is(rendered: str) -> None:
    for name, table in TABLES.items():
        bold = [row[0].strip("*") for row in sections(rendered)[name] if row[0].startswith("**")]
        assert sorted(bold) == sorted(table.key), name


def test_every_table_and_view_is_introduced_with_its_hazards(rendered: str) -> None:
    assert all(table.comment() in rendered for table in TABLES.values())
    assert "- Numbers deployed on that day: never add months." in rendered


def test_the_dictionary_in_docs_is_the_one_of_the_declarations(rendered: str) -> None:
    assert (ROOT / "docs" / "dictionary.md").read_text(encoding="utf-8") == rendered, "run `make dictionary`"


def test_the_command_writes_the_file(tmp_path: Path, rendered: str) -> None:
    assert dictionary.main([str(tmp_path / "dictionary.md")]) == 0
    assert (tmp_path / "dictionary.md").read_text(encoding="utf-8") == rendered


@pytest.mark.parametrize("arguments", [[], ["a.md", "b.md"], ["--warehouse", "w.duckdb"], ["a.md", "-w", "w"]])
def test_wrong_arguments_print_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        dictionary.main(arguments)
    assert "python -m warehouse.dictionary [-h] [--warehouse WAREHOUSE] FILE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_publisher_s_descriptions_are_printed_after_ours(tmp_path: Path, unchecked: Path, rendered: str) -> None:
    assert dictionary.main([str(tmp_path / "with.md"), "--warehouse", str(unchecked)]) == 0
    text = (tmp_path / "with.md").read_text(encoding="utf-8")
    fatalities = {row[0].strip("*"): row[4] for row in sections(text)["main.fatalities"]}
    assert fatalities["incident_type"].replace("\0", "|") == (
        "The publisher's six types. To Be Determined is a state that will change, not a cause. "
        "The publisher: DPPADPOSS-FATALITIES.type_of_incident, “What the death was caused by | or not.”."
    )
    assert fatalities["nationality_iso3"].endswith(
        "main.countries.iso3 The publisher: DPPADPOSS-FATALITIES.isocode3, “Code of the nationality.”."
    )
    plain = [line.split(" The publisher: ")[0].removesuffix(" |") for line in text.splitlines()]
    assert plain == [line.removesuffix(" |") for line in rendered.splitlines()]


def test_a_missing_or_foreign_warehouse_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.duckdb"
    duckdb.connect(str(old)).close()
    for warehouse in (tmp_path / "none.duckdb", old):
        assert dictionary.main([str(tmp_path / "with.md"), "--warehouse", str(warehouse)]) == 1
        output = capsys.readouterr().err
        assert output.startswith("error: ") and "Traceback" not in output
    assert not (tmp_path / "with.md").exists()
