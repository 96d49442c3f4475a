"""Compare the claims with a build: compute each definition's figure, and derive the verdict by the claim's rules.

The figures come from the built file, opened read-only. The rules see only the figures and what the claim states, in a
separate database. A missing figure is NULL: a rule that needs it gives the verdict "not in the data", unless an earlier
rule covers that case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from schemas.problems import first_line
from schemas.tables.claims import CLAIM_FIGURES, CLAIMS, QUALIFIERS
from warehouse.claims.files import FOLDER, PENDING, PLACEHOLDER, STATED, Claim, Definition, Rule, load_claims
from warehouse.load import BuildError
from warehouse.query import QueryError, connect, records

Connection = duckdb.DuckDBPyConnection

NO_FIGURE = "no figure"
NOT_IN_THE_DATA = "not in the data"
COLUMNS = (["value"], ["value", "pending"], ["value", "qualifier"], ["value", "pending", "qualifier"])
_TYPES = re.compile(
    r'"NULL"|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|DOUBLE|FLOAT|VARCHAR|ENUM\(.*\)|DATE', re.DOTALL
)


@dataclass(frozen=True)
class Figure:
    """The value of a definition with its SQL type; None is no data. An exact figure has no qualifier."""

    definition: Definition
    value: Any = None
    sql_type: str = '"NULL"'
    pending: int | None = None
    unit: str | None = None
    qualifier: str | None = None

    @property
    def number(self) -> float | None:
        """The figure to six decimals: the last digits of a sum of fractions can differ between runs."""
        return round(float(self.value), 6) if isinstance(self.value, int | float | Decimal) else None

    @property
    def text(self) -> str | None:
        """The figure as it is shown, after its qualifier: about 750."""
        text = shown(self.value, self.unit, self.definition.decimals)
        return text if text is None or self.qualifier is None else f"{self.qualifier} {text}"


@dataclass(frozen=True)
class Judged:
    """A claim with its figures and verdict; snapshots are (source, SHA-256)."""

    claim: Claim
    figures: tuple[Figure, ...]
    verdict: str
    because: str
    snapshots: tuple[tuple[str, str], ...]
    citation: str


def shown(value: Any, unit: str | None = None, decimals: int | None = None) -> str | None:
    """A figure as text: thousands separated (except in years), fractions to two decimals unless given."""
    if value is None:
        return None
    if isinstance(value, float | Decimal):
        return f"{value:,.{2 if decimals is None else decimals}f}"
    if isinstance(value, int):
        return str(value) if unit == "year" else f"{value:,}"
    return value.isoformat() if isinstance(value, date) else str(value)


def stated_text(claim: Claim) -> str | None:
    """What the claim states, as text; None where it states no figure, day or name."""
    stated = claim.stated
    value = shown(stated.value, claim.unit)
    parts = [] if value is None else [value if stated.qualifier == "exact" else f"{stated.qualifier} {value}"]
    parts += [f"on {stated.day}"] if stated.day else []
    parts += [f"naming {', '.join(stated.names)}"] if stated.names else []
    return ", ".join(parts) or None


def _select(
    connection: Connection, claim: Claim, field: str, sql: str
) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """The (name, type) of the columns and the records of one SELECT of a claim. Raises ClaimError."""
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise claim.error(field, "expected one SELECT statement.")
        result = connection.execute(sql)
        return [(column[0], str(column[1])) for column in result.description or []], records(result)
    except duckdb.Error as error:
        raise claim.error(field, f"the query failed: {first_line(error)}") from error


def measure(connection: Connection, claim: Claim, definition: Definition) -> Figure:
    """The figure of a definition. Raises ClaimError when its query does not return one row of COLUMNS."""
    field = f"definitions.{definition.id}.sql"
    columns, rows = _select(connection, claim, field, definition.sql)
    names, sql_type = [name for name, _ in columns], columns[0][1]
    if names not in COLUMNS:
        raise claim.error(
            field, f"expected the column value, and perhaps pending and qualifier, got {', '.join(names)}."
        )
    if not _TYPES.fullmatch(sql_type):
        raise claim.error(field, f"expected a number, a text or a day, got {sql_type}.")
    if len(rows) != 1:
        raise claim.error(field, f"expected exactly one row, got {len(rows):,}.")
    value, pending, qualifier = (rows[0].get(name) for name in COLUMNS[-1])
    if pending is not None and (not isinstance(pending, int) or pending < 0):
        raise claim.error(field, f"pending: expected a whole number of 0 or more, got {pending!r}.")
    if qualifier not in (None, "exact", *QUALIFIERS):
        raise claim.error(field, f"qualifier: expected exact, {', '.join(QUALIFIERS)} or NULL, got {qualifier!r}.")
    unit = definition.unit or claim.unit if isinstance(value, int | float | Decimal) else None
    return Figure(definition, value, sql_type, pending, unit, None if qualifier == "exact" else qualifier)


def _rule_columns(claim: Claim, figures: Sequence[Figure]) -> list[tuple[str, str, Any]]:
    """The columns that the rules can use: name, SQL type, value."""
    stated = claim.stated
    stated_type = {str: "VARCHAR", int: "BIGINT"}.get(type(stated.value), "DOUBLE")
    types = (stated_type, "DATE", "VARCHAR[]", "DOUBLE")
    values = (stated.value, stated.day, list(stated.names) or None, stated.tolerance_pct)
    columns: list[tuple[str, str, Any]] = list(zip(STATED, types, values, strict=True))
    for figure in figures:
        sql_type = "VARCHAR" if figure.sql_type.startswith("ENUM") else figure.sql_type
        columns.append((figure.definition.id, sql_type, figure.value))
        columns.append((figure.definition.id + PENDING, "BIGINT", figure.pending))
    return columns


def judge(rules: Connection, claim: Claim, figures: Sequence[Figure]) -> tuple[str, str]:
    """The verdict and its reason, by the first rule that is true. `rules` is a database without the warehouse's tables.

    A rule that is NULL lacks a figure and gives "not in the data"; so does the last rule without a main figure. Every
    rule is evaluated, so that errors in later rules are noticed. Raises ClaimError.
    """
    columns = _rule_columns(claim, figures)
    selected = ", ".join(
        f'? AS "{name}"' if sql_type == '"NULL"' else f'CAST(? AS {sql_type}) AS "{name}"'
        for name, sql_type, _ in columns
    )
    with_figures = f"WITH figures AS (SELECT {selected})"
    outcomes: list[tuple[Rule, bool | None]] = []
    for place, rule in enumerate(claim.verdicts):
        if rule.when is None:
            outcomes.append((rule, None if _missing(figures) else True))
            continue
        field = f"verdicts.{place}.when"
        try:
            result = rules.execute(
                f"{with_figures} SELECT ({rule.when}\n) FROM figures", [value for _, _, value in columns]
            )
            sql_type, rows = str((result.description or [])[0][1]), result.fetchall()
        except duckdb.Error as error:
            raise claim.error(field, f"can't be evaluated: {first_line(error)}") from error
        if sql_type not in ("BOOLEAN", '"NULL"') or len(rows) != 1:
            raise claim.error(field, f"expected one truth value, got {sql_type}.")
        outcomes.append((rule, rows[0][0]))
    rule, holds = next((rule, holds) for rule, holds in outcomes if holds is not False)
    if holds is None:
        missing = "; ".join(figure.definition.label for figure in _missing(figures, rule.when))
        return NOT_IN_THE_DATA, f"This build has no figure for: {missing or 'a figure that the rules need'}."
    return rule.verdict, _filled(rule.because, claim, figures)


def _missing(figures: Sequence[Figure], when: str | None = None) -> list[Figure]:
    """The missing figures among those that a rule names; for the last rule, among the main ones."""
    return [
        figure
        for figure in figures
        if figure.value is None
        and (figure.definition.main if when is None else re.search(rf"\b{figure.definition.id}\b", when))
    ]


def _filled(because: str, claim: Claim, figures: Sequence[Figure]) -> str:
    """A reason with its {braces} replaced by figures."""
    stated = claim.stated
    values = (stated.value, stated.day, ", ".join(stated.names) or None, stated.tolerance_pct)
    texts = {name: shown(value, claim.unit, 0) for name, value in zip(STATED, values, strict=True)}
    for figure in figures:
        texts[figure.definition.id] = figure.text
        texts[figure.definition.id + PENDING] = shown(figure.pending)
    return " ".join(PLACEHOLDER.sub(lambda name: texts[name[1]] or NO_FIGURE, because).split())


def _unmet(connection: Connection, claim: Claim) -> list[str]:
    """The needs of a claim that this build does not meet."""
    newest = dict(connection.execute("SELECT source, max(vintage) FROM meta.snapshots GROUP BY source").fetchall())
    return [
        f"no snapshot of {source} of {day} or later"
        for source, day in claim.needs.items()
        if source not in newest or newest[source] < day
    ]


def _snapshots(connection: Connection, claim: Claim, hashes: set[str]) -> list[tuple[str, str, str | None]]:
    """(source, SHA-256, citation) of the snapshots of the claim's rows; if these name none, of the source's table."""
    snapshots: list[tuple[str, str, str | None]] = []
    for source in claim.rests_on:
        of_source = connection.execute(
            "SELECT sha256, citation FROM meta.snapshots WHERE source = ? ORDER BY vintage, sha256", [source]
        ).fetchall()
        used = [row for row in of_source if row[0] in hashes]
        if not used:
            in_table = connection.execute(f"SELECT DISTINCT snapshot_sha256 FROM main.{source}").fetchall()
            used = [row for row in of_source if (row[0],) in in_table]
        snapshots += [(source, sha256, citation) for sha256, citation in used]
    return snapshots


def check(connection: Connection, rules: Connection, claim: Claim) -> Judged:
    """Judge one claim on a build. Raises ClaimError."""
    rows: list[dict[str, Any]] = []
    unmet = _unmet(connection, claim)
    if unmet:
        figures = tuple(map(Figure, claim.definitions))
        verdict, because = NOT_IN_THE_DATA, f"This build has {' and '.join(unmet)}."
    else:
        figures = tuple(measure(connection, claim, definition) for definition in claim.definitions)
        verdict, because = judge(rules, claim, figures)
        _, rows = _select(connection, claim, "rows", claim.rows)
    hashes = {row["snapshot_sha256"] for row in rows if row.get("snapshot_sha256")}
    read_in = sorted({row["citation"] for row in rows if row.get("citation")})
    snapshots = _snapshots(connection, claim, hashes)
    citations = list(dict.fromkeys(citation for _, _, citation in snapshots if citation))
    citations += [f"Read in: {'; '.join(read_in)}."] if read_in else []
    citation = " ".join(citations) or f"This build has no snapshot of {', '.join(claim.rests_on)}."
    return Judged(claim, figures, verdict, because, tuple((source, sha) for source, sha, _ in snapshots), citation)


def judged(connection: Connection, claims: Sequence[Claim]) -> list[Judged]:
    """Judge claims on an open build. Raises ClaimError for the first that fails."""
    with duckdb.connect(config={"enable_external_access": "false"}) as rules:
        return [check(connection, rules, claim) for claim in claims]


def run(built: Path, folder: Path = FOLDER) -> list[Judged]:
    """Judge every claim on a built file, and fill its meta.claims and meta.claim_figures. Raises ClaimError."""
    claims = load_claims(folder)
    try:
        with connect(built) as connection:
            results = judged(connection, claims)
    except QueryError as error:
        raise BuildError(str(error)) from error
    with duckdb.connect(str(built)) as connection:
        connection.begin()  # one transaction: else each row would wait for the disk
        for table, rows in (
            (CLAIMS, [_claim_row(one) for one in results]),
            (CLAIM_FIGURES, [row for one in results for row in _figure_rows(one)]),
        ):
            if rows:
                places = ", ".join("?" for _ in table.columns)
                connection.executemany(f"INSERT INTO {table.full_name} VALUES ({places})", rows)
        connection.commit()
    return results


def _claim_row(one: Judged) -> list[Any]:
    claim = one.claim
    row = [claim.id, claim.number, claim.claim, claim.printed.where, claim.printed.date, stated_text(claim), claim.unit]
    row += [one.verdict, one.because, " ".join(claim.caveats) or None, one.citation]
    return [*row, [source for source, _ in one.snapshots], [sha256 for _, sha256 in one.snapshots], claim.rows]


def _figure_rows(one: Judged) -> list[list[Any]]:
    rows = []
    for position, figure in enumerate(one.figures, start=1):
        definition = figure.definition
        row = [one.claim.id, position, definition.id, definition.label, definition.definition, definition.main]
        row += [figure.text, figure.number, figure.unit, figure.pending, figure.qualifier, definition.sql]
        rows.append(row)
    return rows
