"""Claims held against a build: each definition's figure, and the verdict that follows from them by the claim's rules.

A verdict is never written down as an answer. The figures come from the built file, read-only; the rules see nothing but
the figures and what the claim states, in a database of their own. A figure that is missing is NULL: a rule that needs
it then ends in "not in the data", unless an earlier rule speaks of it.
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

from schemas.tables.claims import CLAIM_FIGURES, CLAIMS, QUALIFIERS
from warehouse.claims.files import FOLDER, PENDING, PLACEHOLDER, STATED, Claim, Definition, load_claims
from warehouse.load import BuildError, first_line
from warehouse.query import QueryError, connect

NO_FIGURE = "no figure"
NOT_IN_THE_DATA = "not in the data"
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_KINDS = re.compile(rf'"NULL"|{_WHOLE.pattern}|DECIMAL\(.*\)|DOUBLE|FLOAT|VARCHAR|ENUM\(.*\)|DATE', re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """What a definition came to, with its SQL type; None is no data. An exact figure has no qualifier."""

    definition: Definition
    value: Any = None
    kind: str = '"NULL"'
    pending: int | None = None
    unit: str | None = None
    qualifier: str | None = None

    @property
    def number(self) -> float | None:
        # Sums of fractions can differ in their last digits from run to run; the same snapshots give the same figures.
        return round(float(self.value), 6) if isinstance(self.value, int | float | Decimal) else None

    @property
    def text(self) -> str | None:
        """The figure as it is shown, after the word for how it is meant: about 750."""
        told = shown(self.value, self.unit, self.definition.decimals)
        return told if told is None or self.qualifier is None else f"{self.qualifier} {told}"


@dataclass(frozen=True)
class Judged:
    """A claim, its figures and the verdict that follows; snapshots are (source, SHA-256)."""

    claim: Claim
    figures: tuple[Figure, ...]
    verdict: str
    because: str
    snapshots: tuple[tuple[str, str], ...]
    citation: str


def shown(value: Any, unit: str | None = None, decimals: int | None = None) -> str | None:
    """A figure in words: thousands are grouped (not those of years), fractions have two places unless said."""
    if value is None:
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return f"{value:,.{2 if decimals is None else decimals}f}"
    if isinstance(value, int):
        return str(value) if unit == "year" else f"{value:,}"
    return str(value)


def stated_text(claim: Claim) -> str | None:
    """What the claim states, in words; None where it states no figure."""
    stated = claim.stated
    said = shown(stated.get("value"), claim.unit, None if isinstance(stated.get("value"), int) else 2)
    parts = [] if said is None else [said if stated["qualifier"] == "exact" else f"{stated['qualifier']} {said}"]
    parts += [f"on {stated['day']}"] if "day" in stated else []
    parts += [f"naming {', '.join(stated['names'])}"] if "names" in stated else []
    return ", ".join(parts) or None


def _select(connection: duckdb.DuckDBPyConnection, claim: Claim, field: str, sql: str) -> Any:
    """Run one SELECT of a claim. Raises ClaimError."""
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise claim.error(field, "expected one SELECT statement.")
        return connection.execute(sql)
    except duckdb.Error as error:
        raise claim.error(field, f"the query failed: {first_line(error)}") from error


def _fetch(result: Any, claim: Claim, field: str) -> list[tuple[Any, ...]]:
    try:
        return list(result.fetchall())
    except duckdb.Error as error:
        raise claim.error(field, f"the query failed: {first_line(error)}") from error


def measure(connection: duckdb.DuckDBPyConnection, claim: Claim, definition: Definition) -> Figure:
    """A definition's figure. Raises ClaimError unless its query gives one row with `value`, and perhaps `pending` and
    `qualifier`."""
    field = f"definitions.{definition.id}.sql"
    result = _select(connection, claim, field, definition.sql)
    columns = [column[0] for column in result.description]
    if columns[:1] != ["value"] or columns[1:] not in ([], ["pending"], ["qualifier"], ["pending", "qualifier"]):
        told = f"expected the column value, and perhaps pending and qualifier, got {', '.join(columns)}."
        raise claim.error(field, told)
    kind = str(result.description[0][1])
    if not _KINDS.fullmatch(kind):
        raise claim.error(field, f"expected a number, a text or a day, got {kind}.")
    rows = _fetch(result, claim, field)
    if len(rows) != 1:
        raise claim.error(field, f"expected exactly one row, got {len(rows):,}.")
    row = dict(zip(columns, rows[0], strict=True))
    value, pending, qualifier = row["value"], row.get("pending"), row.get("qualifier")
    if pending is not None and (not isinstance(pending, int) or pending < 0):
        raise claim.error(field, f"pending: expected a whole number of 0 or more, got {pending!r}.")
    if qualifier not in (None, "exact", *QUALIFIERS):
        raise claim.error(field, f"qualifier: expected exact, {', '.join(QUALIFIERS)} or NULL, got {qualifier!r}.")
    unit = definition.unit or claim.unit
    numeric = isinstance(value, int | float | Decimal)
    return Figure(
        definition, value, kind, pending, unit if numeric else None, None if qualifier == "exact" else qualifier
    )


def _literal_column(name: str, kind: str) -> str:
    if kind == '"NULL"':
        return f'? AS "{name}"'
    return f'CAST(? AS {"VARCHAR" if kind.startswith("ENUM") else kind}) AS "{name}"'


def _columns(claim: Claim, figures: Sequence[Figure]) -> list[tuple[str, str, Any]]:
    """What the rules see: name, SQL type, value."""
    stated = claim.stated
    value = stated.get("value")
    kind = "VARCHAR" if isinstance(value, str) else "BIGINT" if isinstance(value, int) else "DOUBLE"
    columns: list[tuple[str, str, Any]] = [
        ("stated", kind, value),
        ("stated_day", "DATE", stated.get("day")),
        ("stated_names", "VARCHAR[]", stated.get("names")),
        ("tolerance_pct", "DOUBLE", stated.get("tolerance_pct")),
    ]
    for figure in figures:
        columns.append((figure.definition.id, figure.kind, figure.value))
        columns.append((figure.definition.id + PENDING, "BIGINT", figure.pending))
    return columns


def judge(apart: duckdb.DuckDBPyConnection, claim: Claim, figures: Sequence[Figure]) -> tuple[str, str]:
    """The verdict and why, by the first rule that holds. `apart` is a database without the warehouse's tables.

    A rule that is neither true nor false lacks a figure: the verdict is then "not in the data", as it is when the last
    rule is come to without a main figure. Every rule is evaluated, so that none is wrong unnoticed. Raises ClaimError.
    """
    columns = _columns(claim, figures)
    given = ", ".join(_literal_column(name, kind) for name, kind, _ in columns)
    values = [value for _, _, value in columns]
    held = []
    for place, rule in enumerate(claim.rules):
        if rule.when is None:
            held.append((rule, None if _missing(figures) else True))
            continue
        field = f"verdicts.{place}.when"
        try:
            result = apart.execute(f"WITH figures AS (SELECT {given}) SELECT ({rule.when}\n) FROM figures", values)
            kind = str(result.description[0][1])
            rows = result.fetchall()
        except duckdb.Error as error:
            raise claim.error(field, f"can't be evaluated: {first_line(error)}") from error
        if kind not in ("BOOLEAN", '"NULL"') or len(rows) != 1:
            raise claim.error(field, f"expected one truth value, got {kind}.")
        held.append((rule, rows[0][0]))
    for rule, holds in held:
        if holds is None:
            missing = _missing(figures, rule.when)
            told = "; ".join(figure.definition.label for figure in missing) or "a figure that the rules need"
            return NOT_IN_THE_DATA, f"This build has no figure for: {told}."
        if holds:
            return rule.verdict, _filled(rule.because, claim, figures)
    raise AssertionError("the last rule always holds")


def _missing(figures: Sequence[Figure], when: str | None = None) -> list[Figure]:
    """The figures that are missing among those that a rule names; among the main ones for the last rule."""
    return [
        figure
        for figure in figures
        if figure.value is None
        and (figure.definition.main if when is None else re.search(rf"\b{figure.definition.id}\b", when))
    ]


def _filled(because: str, claim: Claim, figures: Sequence[Figure]) -> str:
    stated = claim.stated
    words = dict(zip(STATED, (stated.get(name) for name in ("value", "day", "names", "tolerance_pct")), strict=True))
    texts = {name: shown(value, claim.unit, 0) for name, value in words.items() if not isinstance(value, list)}
    texts["stated_names"] = ", ".join(stated.get("names", [])) or None
    for figure in figures:
        texts[figure.definition.id] = figure.text
        texts[figure.definition.id + PENDING] = shown(figure.pending)
    filled = PLACEHOLDER.sub(lambda found: texts[found[1]] or NO_FIGURE, because)
    return " ".join(filled.split())


def _unmet(connection: duckdb.DuckDBPyConnection, claim: Claim) -> list[str]:
    """The needs of a claim that this build does not meet."""
    newest = dict(connection.execute("SELECT source, max(vintage) FROM meta.snapshots GROUP BY source").fetchall())
    return [
        f"no snapshot of {source} of {day} or later"
        for source, day in claim.needs.items()
        if source not in newest or newest[source].isoformat() < day
    ]


def _snapshots(
    connection: duckdb.DuckDBPyConnection, claim: Claim, hashes: set[str]
) -> list[tuple[str, str, str | None]]:
    """(source, SHA-256, citation) of what it rests on: those of its rows, or of the source's table where these don't
    tell."""
    found: list[tuple[str, str, str | None]] = []
    for source in claim.rests_on:
        held = connection.execute(
            "SELECT sha256, citation FROM meta.snapshots WHERE source = ? ORDER BY vintage, sha256", [source]
        ).fetchall()
        used = [row for row in held if row[0] in hashes]
        if not used:
            table = connection.execute(f"SELECT DISTINCT snapshot_sha256 FROM main.{source}").fetchall()
            used = [row for row in held if (row[0],) in table]
        found += [(source, sha256, citation) for sha256, citation in used]
    return found


def check(connection: duckdb.DuckDBPyConnection, apart: duckdb.DuckDBPyConnection, claim: Claim) -> Judged:
    """Hold one claim against a build. Raises ClaimError."""
    unmet = _unmet(connection, claim)
    if unmet:
        figures = tuple(Figure(definition) for definition in claim.definitions)
        verdict, because = NOT_IN_THE_DATA, f"This build has {' and '.join(unmet)}."
        hashes, read_in = set[str](), list[str]()
    else:
        figures = tuple(measure(connection, claim, definition) for definition in claim.definitions)
        verdict, because = judge(apart, claim, figures)
        result = _select(connection, claim, "rows", claim.rows)
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in _fetch(result, claim, "rows")]
        hashes = {row["snapshot_sha256"] for row in rows if row.get("snapshot_sha256")}
        read_in = sorted({row["citation"] for row in rows if row.get("citation")})
    snapshots = _snapshots(connection, claim, hashes)
    told = list(dict.fromkeys(citation for _, _, citation in snapshots if citation))
    told += [f"Read in: {'; '.join(read_in)}."] if read_in else []
    return Judged(
        claim,
        figures,
        verdict,
        because,
        tuple((source, sha256) for source, sha256, _ in snapshots),
        " ".join(told) or f"This build has no snapshot of {', '.join(claim.rests_on)}.",
    )


def judged(connection: duckdb.DuckDBPyConnection, claims: Sequence[Claim]) -> list[Judged]:
    """Hold claims against an open build. Raises ClaimError, naming the file, for the first that can't be."""
    with duckdb.connect(config={"enable_external_access": "false"}) as apart:
        return [check(connection, apart, claim) for claim in claims]


def run(built: Path, folder: Path = FOLDER) -> list[Judged]:
    """Hold every claim against a built file, and fill meta.claims and meta.claim_figures of it.

    Raises ClaimError, naming the file and the field, when one is faulty or its SQL fails.
    """
    claims = load_claims(folder)
    try:
        with connect(built) as connection:
            found = judged(connection, claims)
    except QueryError as error:
        raise BuildError(str(error)) from error
    with duckdb.connect(str(built)) as connection:
        for table, rows in ((CLAIMS, _claim_rows(found)), (CLAIM_FIGURES, _figure_rows(found))):
            if rows:
                places = ", ".join("?" for _ in table.columns)
                connection.executemany(f"INSERT INTO {table.full_name} VALUES ({places})", rows)
    return found


def _claim_rows(found: Sequence[Judged]) -> list[list[Any]]:
    return [
        [
            one.claim.id,
            one.claim.number,
            one.claim.claim,
            one.claim.printed_in,
            one.claim.printed_on,
            stated_text(one.claim),
            one.claim.unit,
            one.verdict,
            one.because,
            " ".join(one.claim.caveats) or None,
            one.citation,
            [source for source, _ in one.snapshots],
            [sha256 for _, sha256 in one.snapshots],
            one.claim.rows,
        ]
        for one in found
    ]


def _figure_rows(found: Sequence[Judged]) -> list[list[Any]]:
    return [
        [
            one.claim.id,
            position,
            figure.definition.id,
            figure.definition.label,
            figure.definition.definition,
            figure.definition.main,
            figure.text,
            figure.number,
            figure.unit,
            figure.pending,
            figure.qualifier,
            figure.definition.sql,
        ]
        for one in found
        for position, figure in enumerate(one.figures, start=1)
    ]
