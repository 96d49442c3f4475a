"""Checks a build is held against before it may be published: keys and references of every table, and the promises
of `checks.yaml`, each one SQL query for one number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from schemas.columns import Table
from schemas.problems import first_line
from schemas.tables import FACTS, TABLES
from warehouse import ddl, reconcile
from warehouse.load import BuildError

PROMISES = Path(__file__).parent / "checks.yaml"
_EACH_FACT = re.compile(r"\{each fact: (.*?)\}")


@dataclass(frozen=True)
class Check:
    """One query for one number, and what it may be."""

    name: str
    description: str
    sql: str
    severity: Literal["error", "warn"]
    minimum: int | None = 0
    maximum: int | None = 0

    def expected(self) -> str:
        if self.minimum == self.maximum:
            return f"{self.minimum:,}"
        if self.maximum is None:
            return f"{self.minimum:,} or more"
        return f"{self.minimum:,} to {self.maximum:,}" if self.minimum else f"at most {self.maximum:,}"


@dataclass(frozen=True)
class Outcome:
    """A check and what was found; NULL and fractions are never taken for a whole number."""

    check: Check
    found: float | None

    @property
    def passed(self) -> bool:
        low, high = self.check.minimum, self.check.maximum
        if self.found is None:
            return False
        return (low is None or self.found >= low) and (high is None or self.found <= high)

    def as_row(self) -> str:
        """The outcome as a row of meta.checks, in SQL."""
        cells: list[str | bool] = [
            self.check.name,
            self.check.description,
            self.check.expected(),
            str(self.found),
            self.passed,
        ]
        return f"({', '.join(ddl.literal(cell) for cell in [*cells, self.check.severity])})"


class ChecksFailed(BuildError):
    """A build broke a promise of severity error: it is not published."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        told = "; ".join(
            f"{outcome.check.name}: expected {outcome.check.expected()}, found {outcome.found}" for outcome in failed
        )
        super().__init__(f"{len(failed)} check(s) failed, the build is not published: {told}.")
        self.failed = list(failed)


def key_check(table: Table) -> Check:
    """The key is unique."""
    key = ", ".join(table.key)
    return Check(
        f"key: {table.full_name}",
        f"({key}) is unique in {table.full_name}",
        f"SELECT count(*) FROM (SELECT {key} FROM {table.full_name} GROUP BY ALL HAVING count(*) > 1)",
        "error",
    )


def reference_checks(table: Table) -> list[Check]:
    """Every reference is found."""
    return [
        Check(
            f"reference: {table.full_name}.{name}",
            f"every {table.full_name}.{name} is in {other}",
            f"SELECT count(*) FROM {table.full_name} AS t WHERE {name} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o.{key} = t.{name})",
            "error",
        )
        for name, other, key in ddl.references(table)
    ]


def reconciliation_check(reconciliation: reconcile.Reconciliation) -> Check:
    """Every break of a reconciliation has a named reason or is known, and what is known still breaks."""
    broken = f"status NOT IN {reconcile.AGREEING} AND explained_by IS NULL"
    gone = f"(subject, period) IN (SELECT (s, p) {reconciliation.listed()}) AND NOT ({broken})"
    return Check(
        f"reconciliation: {reconciliation.name}",
        "breaks in meta.reconciliations that no named reason explains and nobody has looked at, and known ones that "
        "are none any more" + (f"; known: {reconciliation.why}" if reconciliation.why else ""),
        f"SELECT count(*) FROM meta.reconciliations WHERE name = {ddl.quote(reconciliation.name)} "
        f"AND ({broken} AND NOT known{f' OR {gone}' if reconciliation.known else ''})",
        "warn",
    )


def _for_each_fact(template: re.Match[str]) -> str:
    return " ".join(template[1].replace("NAME", table.name) for table in FACTS)


@cache
def promises() -> list[Check]:
    """The checks of checks.yaml. Raises ValueError when an entry is incomplete."""
    found = []
    for entry in yaml.safe_load(PROMISES.read_text(encoding="utf-8")):
        fields: dict[str, Any] = dict(entry)
        missing = {"name", "severity", "description", "sql", "expect"} - set(fields)
        if missing:
            raise ValueError(
                f"{PROMISES.name}: {fields.get('name', 'an entry')}: {', '.join(sorted(missing))} is missing."
            )
        bounds = fields.pop("expect")
        fields.pop("why", None)
        fields["sql"] = _EACH_FACT.sub(_for_each_fact, fields["sql"])
        found.append(Check(**fields, minimum=bounds.get("min", 0), maximum=bounds.get("max")))
    return found


def all_checks() -> list[Check]:
    """Keys, references, promises, reconciliations."""
    found = []
    for table in TABLES.values():
        if table.key:
            found.append(key_check(table))
        found += reference_checks(table)
    return found + promises() + [reconciliation_check(one) for one in reconcile.declared().reconciliations]


def run(built: Path, checks: Sequence[Check] | None = None) -> list[Outcome]:
    """Run the checks on a built file and write meta.checks into it. Raises BuildError when a query can't be run."""
    outcomes = []
    try:
        with duckdb.connect(str(built)) as connection:
            for check in all_checks() if checks is None else checks:
                row = connection.execute(check.sql).fetchone()
                outcomes.append(Outcome(check, None if row is None else row[0]))
            rows = ", ".join(outcome.as_row() for outcome in outcomes)
            connection.execute(f"INSERT INTO meta.checks VALUES {rows}")
    except duckdb.Error as error:
        raise BuildError(f"The checks could not be run: {first_line(error)}") from error
    return outcomes


def require(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The failed warnings. Raises ChecksFailed when a check of severity error failed."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    errors = [outcome for outcome in failed if outcome.check.severity == "error"]
    if errors:
        raise ChecksFailed(errors)
    return failed
