"""Reconciliations: both sides count, nothing is rounded, NULL equals nothing; a break has a reason or is unexplained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from warehouse import reconcile
from warehouse.load import BuildError
from warehouse.reconcile import Reconciliation

Row = tuple[Any, ...]
NONE = "SELECT '' AS subject, '' AS period, 0 AS value WHERE false"


def rows(*given: Row) -> str:
    return "FROM (VALUES " + ", ".join(f"('{s}', '{p}', {v})" for s, p, v in given) + ") AS t(subject, period, value)"


def declared(left: str, right: str, **fields: Any) -> Reconciliation:
    sides = {"left": {"is": "l", "sql": left}, "right": {"is": "r", "sql": right}}
    return Reconciliation.model_validate(
        {"name": "n", "description": "d", "unit": "u", "compare": "values", **sides, **fields}
    )


def reconciled(left: str, right: str, compare: Any = "values", *reasons: tuple[str, str]) -> list[Row]:
    """subject, left_value, right_value, difference, status, explained_by of each row."""
    explained = [{"reason": reason, "when": when} for reason, when in reasons]
    with duckdb.connect() as connection:
        answer = connection.execute(declared(left, right, compare=compare, explained=explained).sql()).fetchall()
    return [(row[1], *row[6:11]) for row in answer]


def test_equal_figures_agree_and_others_differ_by_left_minus_right() -> None:
    assert reconciled(rows(("A", "1", 5), ("B", "1", 7)), rows(("A", "1", 5), ("B", "1", 10))) == [
        ("A", 5, 5, 0, "equal", None),
        ("B", 7, 10, -3, "differs", None),
    ]


def test_what_either_side_lacks_is_a_break() -> None:
    assert reconciled(rows(("A", "1", 5)), rows(("A", "2", 5))) == [
        ("A", 5, None, None, "only_left", None),
        ("A", None, 5, None, "only_right", None),
    ]


def test_null_equals_nothing() -> None:
    breaks = reconciled(rows(("A", "1", "NULL::INT"), ("B", "1", 0)), rows(("A", "1", 0), ("B", "1", "NULL::INT")))
    assert [row[4] for row in breaks] == ["only_right", "only_left"]
    assert reconciled(rows(("A", "1", "NULL::INT")), rows(("A", "1", "NULL::INT"))) == []


def test_nothing_is_rounded_before_it_is_compared() -> None:
    breaks = reconciled(rows(("A", "1", "100.004::DECIMAL(18, 3)")), rows(("A", "1", "100::DECIMAL(18, 3)")))
    assert [row[4] for row in breaks] == ["differs"]


def test_presence_compares_only_whether_the_right_side_has_a_row() -> None:
    left, right = rows(("A", "1", 5), ("B", "1", 5)), rows(("A", "1", 900), ("C", "1", 1))
    assert reconciled(left, right, "presence") == [
        ("A", 5, 900, None, "both", None),
        ("B", 5, None, None, "only_left", None),
    ]


def test_the_first_reason_that_holds_explains_a_break_and_none_explains_agreement() -> None:
    left, right = rows(("A", "1", 1), ("B", "1", 1), ("C", "1", 1), ("D", "1", 1)), rows(("A", "1", 1), ("B", "1", 2))
    compared = reconciled(
        left, right, "values", ("gone", "right_value IS NULL AND subject <> 'D'"), ("any", "subject < 'D'")
    )
    assert {row[0]: row[5] for row in compared} == {"A": None, "B": "any", "C": "gone", "D": None}


def test_a_break_is_known_only_by_its_place_and_its_size() -> None:
    known = (("A", "1", 2.0), ("B", "1", 2.0), ("C", "1", 4.0), ("D", "1", 0.0), ("E", "1", 1.0))
    left = rows(("A", "1", 5), ("B", "1", 5), ("C", "1", 4), ("D", "1", 5), ("E", "1", 2))
    right = rows(("A", "1", 3), ("B", "1", 4), ("D", "1", 5), ("E", "1", 1))
    explained = [{"reason": "why", "when": "subject = 'E'"}]
    query = declared(left, right, explained=explained, known={"why": "w", "breaks": known}).sql()
    with duckdb.connect() as connection:
        is_known = {row[1]: row[11] for row in connection.execute(query).fetchall()}
    # A is off by the known 2; B by another; C is missing on the right, with the known 4; D agrees; E has a reason.
    assert is_known == {"A": True, "B": False, "C": True, "D": False, "E": False}


def test_every_figure_is_a_break_where_the_other_side_is_empty() -> None:
    assert [row[4] for row in reconciled(rows(("A", "1", 1), ("B", "1", 1)), NONE)] == ["only_left", "only_left"]


# The declaration


def declaration(change: Callable[[dict[str, Any]], None], folder: Path) -> Path:
    text = {
        "reasons": {"why": {"noted": "2026-11-25", "text": "because"}},
        "reconciliations": [
            {
                "name": "n",
                "description": "d",
                "unit": "u",
                "compare": "values",
                "left": {"is": "l", "sql": NONE},
                "right": {"is": "r", "sql": NONE},
                "explained": [{"reason": "why", "when": "true"}],
                "known": {"why": "looked at", "breaks": [["A", "2019", 1.5]]},
            }
        ],
    }
    change(text)
    file = folder / "reconciliations.yaml"
    file.write_text(yaml.safe_dump(text))
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text["reconciliations"][0].pop("unit"), r"reconciliations\.0\.unit: Field required"),
        (lambda text: text["reconciliations"][0].update(tolerance=1), r"reconciliations\.0\.tolerance: Extra inputs"),
        (
            lambda text: text["reconciliations"][0].update(compare="roughly"),
            r"0\.compare: Input should be 'values' or 'presence', got 'roughly'",
        ),
        (lambda text: text["reconciliations"][0]["known"].pop("why"), r"0\.known\.why: Field required"),
        (lambda text: text["reasons"].clear(), "n: the reason 'why' is not among `reasons`"),
        (lambda text: text["reasons"]["why"].pop("noted"), r"reasons\.why\.noted: Field required"),
    ],
)
def test_a_faulty_declaration_names_the_entry_and_the_field(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"reconciliations.yaml: .*{message}"):
        reconcile.declared(declaration(change, tmp_path))


def test_a_sound_declaration_is_read(tmp_path: Path) -> None:
    content = reconcile.declared(declaration(lambda _: None, tmp_path))
    (one,) = content.reconciliations
    assert (one.name, [(reason.reason, reason.when) for reason in one.explained]) == ("n", [("why", "true")])
    assert one.known and (one.known.breaks, one.known.why) == ((("A", "2019", 1.5),), "looked at")


def test_every_declared_reason_is_used_and_dated() -> None:
    content = reconcile.declared()
    assert {why.reason for one in content.reconciliations for why in one.explained} == set(content.reasons)
    assert len({one.name for one in content.reconciliations}) == len(content.reconciliations) >= 18


# In a build


def test_a_build_is_reconciled_and_its_reasons_recorded(built: Path) -> None:
    reconcile.run(built)
    with duckdb.connect(str(built)) as connection:
        totals = connection.execute(
            "SELECT left_value, right_value, status FROM meta.reconciliations "
            "WHERE name = 'monthly reports'' sums and their printed grand totals'"
        ).fetchall()
        noted = connection.execute("SELECT count(*), min(noted)::VARCHAR FROM meta.reconciliation_reasons").fetchall()
        (summed,) = connection.execute(
            "SELECT compared, agreeing, explained, unexplained, known FROM marts.reconciliation_summary "
            "WHERE name = 'monthly reports'' sums and their printed grand totals'"
        ).fetchall()
    assert totals == [(245, 245, "equal")]  # the hand-made month, and its hand-made printed total
    assert noted == [(len(reconcile.declared().reasons), "2026-11-25")]
    assert summed == (1, 1, 0, 0, 0)


def test_the_summary_counts_breaks_with_and_without_a_reason(built: Path) -> None:
    with duckdb.connect(str(built)) as connection:
        for subject, status, reason in (
            ("A", "equal", "NULL"), ("B", "both", "NULL"), ("C", "differs", "'r2'"), ("D", "only_left", "'r1'"),
            ("E", "only_right", "'r1'"), ("F", "differs", "NULL"), ("G", "only_left", "NULL"), ("H", "only_left", "NULL"),
        ):  # fmt: skip
            connection.execute(
                "INSERT INTO meta.reconciliations "
                f"VALUES ('n', '{subject}', 'p', 'u', 'l', 'r', 1, 1, 0, '{status}', {reason}, {subject == 'F'})"
            )
        assert connection.execute("FROM marts.reconciliation_summary").fetchall() == [
            ("n", 8, 2, 3, 3, 1, "r1 2, r2 1")
        ]


def test_a_reconciliation_whose_query_fails_is_named(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = reconcile.declared().model_copy(
        update={"reconciliations": [declared("SELECT nothing", NONE, name="mine")]}
    )
    monkeypatch.setattr(reconcile, "declared", lambda: content)
    with pytest.raises(BuildError, match="'mine' could not be made"):
        reconcile.run(built)
