"""Compare the same figure from two ledgers, as `reconciliations.yaml` declares.

Each side is a query for (subject, period, value). The sides are full-joined, so that a figure missing on either side
counts as a break. Nothing is rounded before the comparison, and NULL equals nothing. The first reason whose condition
is true explains a break.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, Self

import duckdb
from pydantic import Field, model_validator

from schemas.problems import first_line
from schemas.tables.reconciliations import RECONCILIATION_REASONS, RECONCILIATIONS
from schemas.yaml_files import Declaration, read_yaml
from warehouse import ddl
from warehouse.load import BuildError

DECLARED = Path(__file__).parent / "reconciliations.yaml"
AGREEING = ("equal", "both")
TOLERANCE = 1e-6  # known differences are written in decimals, and rates are binary fractions


class Side(Declaration):
    """One ledger: `what` its figure is, and the query for subject, period and value."""

    what: str = Field(alias="is")
    sql: str


class Explanation(Declaration):
    """A reason, and the SQL condition on subject, period, left_value, right_value and tables under which it applies."""

    reason: str
    when: str


class Known(Declaration):
    """Breaks without a reason that a person has examined: (subject, period, left minus right).

    Where one side has no figure, the difference is the other side's figure.
    """

    why: str
    breaks: tuple[tuple[str, str, float], ...]

    def as_sql(self) -> str:
        """The breaks as FROM clause with the columns s, p and d."""
        rows = ", ".join(f"({ddl.quote(s)}, {ddl.quote(p)}, {by!r}::DOUBLE)" for s, p, by in self.breaks)
        return f"FROM (VALUES {rows}) AS known(s, p, d)"


class Reconciliation(Declaration):
    """Two sides to compare.

    compare  values: both sides have the same figures. presence: the right side has some figure wherever the left has
    """

    name: str
    description: str
    unit: str
    compare: Literal["values", "presence"]
    left: Side
    right: Side
    explained: tuple[Explanation, ...] = ()
    known: Known | None = None

    def sql(self) -> str:
        """The query for the rows of meta.reconciliations."""
        by_value = self.compare == "values"
        agreement = "CASE WHEN left_value = right_value THEN 'equal' ELSE 'differs' END" if by_value else "'both'"
        reasons = " ".join(f"WHEN ({one.when}) THEN {ddl.quote(one.reason)}" for one in self.explained)
        difference = "coalesce(left_value - right_value, left_value, right_value)"
        same = f"s = subject AND p = period AND abs(d - {difference}) < {TOLERANCE}"
        texts = ", ".join(map(ddl.quote, (self.unit, self.left.what, self.right.what)))
        return f"""
            WITH left_side AS (SELECT subject, period, value AS left_value FROM ({self.left.sql})),
            right_side AS (SELECT subject, period, value AS right_value FROM ({self.right.sql})),
            matched AS (
                SELECT subject, period, left_value, right_value, CASE WHEN left_value IS NULL THEN 'only_right'
                    WHEN right_value IS NULL THEN 'only_left' ELSE {agreement} END AS status
                FROM left_side {"FULL" if by_value else "LEFT"} JOIN right_side USING (subject, period)
                WHERE left_value IS NOT NULL OR right_value IS NOT NULL
            ), explained AS (
                SELECT *, CASE WHEN status IN {AGREEING} THEN NULL {reasons} END AS explained_by FROM matched
            )
            SELECT {ddl.quote(self.name)}, subject, period, {texts}, left_value, right_value,
                {"left_value - right_value" if by_value else "NULL"}, status, explained_by,
                status NOT IN {AGREEING} AND explained_by IS NULL
                    AND {f"EXISTS ({self.known.as_sql()} WHERE {same})" if self.known else "false"}
            FROM explained ORDER BY subject, period
        """


class Reason(Declaration):
    """A named reason of breaks."""

    noted: date
    text: str


class Declared(Declaration):
    """The content of reconciliations.yaml; `ledgers` are queries that several sides read, by name."""

    reasons: dict[str, Reason]
    ledgers: dict[str, str] = Field(default_factory=dict)
    reconciliations: tuple[Reconciliation, ...]

    @model_validator(mode="after")
    def _reasons_exist(self) -> Self:
        for reconciliation in self.reconciliations:
            for one in reconciliation.explained:
                if one.reason not in self.reasons:
                    raise ValueError(f"{reconciliation.name}: the reason {one.reason!r} is not among `reasons`")
        return self


@cache
def declared(path: Path = DECLARED) -> Declared:
    """The content of the file. Raises DeclarationError."""
    return read_yaml(path, Declared)


def run(built: Path) -> None:
    """Fill meta.reconciliations and meta.reconciliation_reasons of a built file.

    Raises BuildError, naming the reconciliation, when one of its queries fails.
    """
    content = declared()
    with duckdb.connect(str(built)) as connection:
        connection.begin()  # one transaction: else each row would wait for the disk
        connection.executemany(
            f"INSERT INTO {RECONCILIATION_REASONS.full_name} VALUES (?, ?, ?)",
            [[name, reason.noted, reason.text] for name, reason in content.reasons.items()],
        )
        for name, sql in content.ledgers.items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")
        for reconciliation in content.reconciliations:
            try:
                connection.execute(f"INSERT INTO {RECONCILIATIONS.full_name} {reconciliation.sql()}")
            except duckdb.Error as error:
                raise BuildError(
                    f"The reconciliation {reconciliation.name!r} could not be made: {first_line(error)}"
                ) from error
        connection.commit()
