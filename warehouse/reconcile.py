"""Reconciliations: the same figure from two ledgers, or a figure that another ledger must have something for.

`reconciliations.yaml` declares them. Each side is a query for (subject, period, value); the sides are joined in full,
so that what is missing on either counts, nothing is rounded before the comparison, and NULL equals nothing. A break is
explained by the first reason whose condition holds for it, or stands as unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import yaml

from schemas.tables.reconciliations import RECONCILIATION_REASONS, RECONCILIATIONS
from warehouse import ddl
from warehouse.load import BuildError, first_line

DECLARED = Path(__file__).parent / "reconciliations.yaml"
AGREEING = ("equal", "both")
SAME = 1e-6  # a known difference is written in decimals, and rates differ by binary fractions
_FIELDS = {"name", "description", "unit", "compare", "left", "right"}


@dataclass(frozen=True)
class Side:
    """One ledger: what its figure is, and the query that gives subject, period and value."""

    what: str
    sql: str


@dataclass(frozen=True)
class Reconciliation:
    """Two sides held against each other.

    compare    values: they must be equal, and each must have what the other has; presence: where the left has
               something the right must have something too
    reasons    (reason, condition) in order; a condition may use subject, period, left_value, right_value and tables
    known      (subject, period, by how much) of the breaks without a reason that were looked at; any other is a
               warning. Of a figure that one side lacks it is the other's
    """

    name: str
    description: str
    unit: str
    compare: Literal["values", "presence"]
    left: Side
    right: Side
    reasons: tuple[tuple[str, str], ...]
    known: tuple[tuple[str, str, float], ...] = ()
    why: str | None = None

    def sql(self) -> str:
        """The query for the rows of meta.reconciliations."""
        join = "FULL JOIN" if self.compare == "values" else "LEFT JOIN"
        agreeing = "CASE WHEN left_value = right_value THEN 'equal' ELSE 'differs' END"
        explained = " ".join(f"WHEN ({when}) THEN {ddl.quote(reason)}" for reason, when in self.reasons)
        explained = f"CASE WHEN status IN {AGREEING} THEN NULL {explained} END"
        by = "coalesce(left_value - right_value, left_value, right_value)"
        same = f"s = subject AND p = period AND abs(d - {by}) < {SAME}"
        listed = f"EXISTS ({self.listed()} WHERE {same})" if self.known else "false"
        return f"""
            WITH left_side AS (SELECT subject, period, value AS left_value FROM ({self.left.sql})),
            right_side AS (SELECT subject, period, value AS right_value FROM ({self.right.sql})),
            matched AS (
                SELECT subject, period, left_value, right_value
                FROM left_side {join} right_side USING (subject, period)
                WHERE left_value IS NOT NULL OR right_value IS NOT NULL
            ), judged AS (
                SELECT *, CASE WHEN left_value IS NULL THEN 'only_right' WHEN right_value IS NULL THEN 'only_left'
                    ELSE {agreeing if self.compare == "values" else "'both'"} END AS status
                FROM matched
            ), explained AS (
                SELECT *, {explained} AS explained_by FROM judged
            )
            SELECT {ddl.quote(self.name)}, subject, period, {ddl.quote(self.unit)}, {ddl.quote(self.left.what)},
                {ddl.quote(self.right.what)}, left_value, right_value,
                {"left_value - right_value" if self.compare == "values" else "NULL"}, status, explained_by,
                status NOT IN {AGREEING} AND explained_by IS NULL AND {listed}
            FROM explained ORDER BY subject, period
        """

    def listed(self) -> str:
        """The known breaks as rows of SQL: subject, period, by how much."""
        rows = ", ".join(f"({ddl.quote(s)}, {ddl.quote(p)}, {float(by)!r}::DOUBLE)" for s, p, by in self.known)
        return f"FROM (VALUES {rows}) AS known(s, p, d)"


def _read(entry: Mapping[str, Any], reasons: Mapping[str, Any]) -> Reconciliation:
    name = entry.get("name", "an entry")
    missing = sorted(_FIELDS - set(entry))
    unknown = sorted(set(entry) - _FIELDS - {"explained", "known"})
    if missing or unknown:
        told = [f"{', '.join(missing)} is missing"] * bool(missing) + [f"{', '.join(unknown)} is unknown"] * bool(
            unknown
        )
        raise ValueError(f"{DECLARED.name}: {name}: {'; '.join(told)}.")
    if entry["compare"] not in ("values", "presence"):
        raise ValueError(f"{DECLARED.name}: {name}: compare: expected values or presence, got {entry['compare']!r}.")
    known = entry.get("known", {})
    if known and set(known) != {"why", "breaks"}:
        raise ValueError(f"{DECLARED.name}: {name}: known: expected why and breaks, got {', '.join(sorted(known))}.")
    explained = tuple((rule["reason"], rule["when"]) for rule in entry.get("explained", ()))
    for reason, _ in explained:
        if reason not in reasons:
            raise ValueError(f"{DECLARED.name}: {name}: the reason {reason!r} is not among the reasons of the file.")
    return Reconciliation(
        name,
        entry["description"],
        entry["unit"],
        entry["compare"],
        Side(entry["left"]["is"], entry["left"]["sql"]),
        Side(entry["right"]["is"], entry["right"]["sql"]),
        explained,
        tuple((str(subject), str(period), float(by)) for subject, period, by in known.get("breaks", ())),
        known.get("why"),
    )


class Declared(NamedTuple):
    """What the file has: reasons (noted, text) and ledgers (queries that several sides read) by name."""

    reconciliations: list[Reconciliation]
    reasons: dict[str, dict[str, str]]
    ledgers: dict[str, str]


@cache
def declared(path: Path = DECLARED) -> Declared:
    """What the file declares. Raises ValueError for a faulty entry."""
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    reasons: dict[str, dict[str, str]] = text["reasons"]
    for name, reason in reasons.items():
        if set(reason) != {"noted", "text"}:
            raise ValueError(f"{path.name}: reason {name}: expected noted and text, got {', '.join(sorted(reason))}.")
    return Declared([_read(entry, reasons) for entry in text["reconciliations"]], reasons, text.get("ledgers", {}))


def run(built: Path) -> None:
    """Fill meta.reconciliations and meta.reconciliation_reasons of a built file.

    Raises BuildError, naming the reconciliation, when one can't be asked.
    """
    reconciliations, reasons, ledgers = declared()
    with duckdb.connect(str(built)) as connection:
        told = ", ".join(
            f"({', '.join(ddl.literal(cell) for cell in (name, reason['noted'], reason['text']))})"
            for name, reason in reasons.items()
        )
        connection.execute(f"INSERT INTO {RECONCILIATION_REASONS.full_name} VALUES {told}")
        for name, sql in ledgers.items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")
        for reconciliation in reconciliations:
            try:
                connection.execute(f"INSERT INTO {RECONCILIATIONS.full_name} {reconciliation.sql()}")
            except duckdb.Error as error:
                raise BuildError(
                    f"The reconciliation {reconciliation.name!r} could not be made: {first_line(error)}"
                ) from error
