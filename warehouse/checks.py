"""The checks that a build must pass before it is published.

They are the keys and references of all tables, the declared checks of `checks.yaml`, and one check per
reconciliation. Each is one SQL query that returns one number, with bounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import duckdb

from schemas.columns import Table
from schemas.problems import first_line
from schemas.tables import FACTS, TABLES
from schemas.yaml_files import Declaration, read_yaml
from warehouse import ddl, reconcile
from warehouse.load import BuildError

DECLARED = Path(__file__).parent / "checks.yaml"
_EACH_FACT = re.compile(r"\{each fact: (.*?)\}")


class Bounds(Declaration):
    """The numbers that a check accepts; `max` None means no upper bound."""

    min: int = 0
    max: int | None = None

    def __str__(self) -> str:
        if self.min == self.max:
            return f"{self.min:,}"
        if self.max is None:
            return f"{self.min:,} or more"
        return f"{self.min:,} to {self.max:,}" if self.min else f"at most {self.max:,}"


NONE = Bounds(max=0)
# Days of the facts that say when a row was seen, or which year it is of.
NO_DAY_OF_A_STATE = ("first_seen", "last_seen", "period_start", "period_end")


class Check(Declaration):
    """A query that returns one number, and its bounds. A failed check of severity error stops publishing."""

    name: str
    severity: Literal["error", "warn"] = "error"
    description: str
    why: str | None = None
    sql: str
    expect: Bounds = NONE


class DeclaredCheck(Check):
    """A check of checks.yaml, where severity and bounds are required."""

    severity: Literal["error", "warn"]
    expect: Bounds


@dataclass(frozen=True)
class Outcome:
    """A check and the number that its query returned; None where it returned NULL or no row."""

    check: Check
    found: float | None

    @property
    def passed(self) -> bool:
        bounds = self.check.expect
        return self.found is not None and self.found >= bounds.min and (bounds.max is None or self.found <= bounds.max)

    def as_row(self) -> str:
        """The outcome as a row of meta.checks, in SQL."""
        check = self.check
        cells: list[str | bool] = [
            check.name,
            check.description,
            str(check.expect),
            str(self.found),
            self.passed,
            check.severity,
        ]
        return f"({', '.join(ddl.literal(cell) for cell in cells)})"


class ChecksFailed(BuildError):
    """Checks of severity error failed, so the build is not published."""

    def __init__(self, failed: Sequence[Outcome]) -> None:
        reasons = "; ".join(f"{one.check.name}: expected {one.check.expect}, found {one.found}" for one in failed)
        super().__init__(f"{len(failed)} check(s) failed, the build is not published: {reasons}.")
        self.failed = list(failed)


def key_check(table: Table) -> Check:
    """The check that a table's key is unique."""
    key, name = ", ".join(table.key), table.full_name
    return Check(
        name=f"key: {name}",
        description=f"({key}) is unique in {name}",
        sql=f"SELECT count(*) FROM (SELECT {key} FROM {name} GROUP BY ALL HAVING count(*) > 1)",
    )


def reference_checks(table: Table) -> list[Check]:
    """The checks that a table's references exist in the tables they refer to."""
    return [
        Check(
            name=f"reference: {table.full_name}.{name}",
            description=f"every {table.full_name}.{name} is in {other}",
            sql=f"SELECT count(*) FROM {table.full_name} AS t WHERE {name} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o.{key} = t.{name})",
        )
        for name, other, key in ddl.references(table)
    ]


def reconciliation_check(reconciliation: reconcile.Reconciliation) -> Check:
    """The check that a reconciliation has no new break, and that its known breaks still occur."""
    broken = f"status NOT IN {reconcile.AGREEING} AND explained_by IS NULL"
    condition = f"{broken} AND NOT known"
    known = reconciliation.known
    if known:
        condition += f" OR (subject, period) IN (SELECT (s, p) {known.as_sql()}) AND NOT ({broken})"
    return Check(
        name=f"reconciliation: {reconciliation.name}",
        severity="warn",
        description="breaks in meta.reconciliations that have no reason and are not listed as known, and known ones "
        "that no longer occur" + (f"; known: {known.why}" if known else ""),
        sql=f"SELECT count(*) FROM meta.reconciliations WHERE name = {ddl.quote(reconciliation.name)} "
        f"AND ({condition})",
    )


def state_code_check() -> Check:
    """The check that each state and day of the facts has one code of each system, or a reason why it has none."""
    days = []
    for table in FACTS:
        states = [name for name, other, _ in ddl.references(table) if other == "main.countries"]
        own = [name for name, column in table.columns.items() if column.metadata["sql"] == "DATE"]
        days += [(table.full_name, state, day) for state in states for day in own if day not in NO_DAY_OF_A_STATE]
    facts = " UNION ".join(f"SELECT {state} AS iso3, {day} AS day FROM {table}" for table, state, day in days)
    within = "day BETWEEN valid_from AND coalesce(valid_until, DATE '9999-12-31')"
    counts = ", ".join(
        f"(SELECT count(*) FROM main.{table} AS t WHERE t.system = s.system AND t.iso3 = f.iso3 AND {within})"
        for table in ("state_codes", "state_code_gaps")
    )
    return Check(
        name="state codes",
        description="each state on each day of the facts has exactly one code of each system, or one reason for none",
        sql=f"SELECT count(*) FROM (SELECT {counts} FROM ({facts}) AS f "
        "CROSS JOIN (VALUES ('gw'), ('cow')) AS s(system) "
        "WHERE f.iso3 IS NOT NULL AND f.day IS NOT NULL) AS counted(codes, gaps) WHERE codes + gaps <> 1",
    )


@cache
def declared(file: Path = DECLARED) -> list[Check]:
    """The checks of checks.yaml, `{each fact: …}` repeated for each table of facts. Raises DeclarationError."""

    def repeat(template: re.Match[str]) -> str:
        return " ".join(template[1].replace("NAME", table.name) for table in FACTS)

    return [
        check.model_copy(update={"sql": _EACH_FACT.sub(repeat, check.sql)})
        for check in read_yaml(file, list[DeclaredCheck])
    ]


def all_checks() -> list[Check]:
    """The checks of keys, references, checks.yaml and reconciliations."""
    checks = []
    for table in TABLES.values():
        if table.key:
            checks.append(key_check(table))
        checks += reference_checks(table)
    return (
        checks
        + [state_code_check()]
        + declared()
        + [reconciliation_check(one) for one in reconcile.declared().reconciliations]
    )


def run(built: Path, checks: Sequence[Check] | None = None) -> list[Outcome]:
    """Run the checks on a built file and fill its meta.checks. Raises BuildError when a query fails."""
    outcomes = []
    try:
        with duckdb.connect(str(built)) as connection:
            for check in all_checks() if checks is None else checks:
                row = connection.execute(check.sql).fetchone()
                outcomes.append(Outcome(check, row[0] if row else None))
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
