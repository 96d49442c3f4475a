"""Corruptions of real files that keep their form, each given to `peacekeeping load --dry-run`: which are noticed?

    python tests/corruptions.py [COUNT] [--first NUMBER] [--all]

A corruption is harmful when it changes a published total by more than 1 %: of a measure, or of the number of rows, by
period, and by period and each column by which totals are published. A harmful one must be refused or named in a warning.
Each is seeded by its number, so that a run can be repeated.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from click.testing import CliRunner
from tests_shared import CATALOGUE, bundled_rows, to_csv

from flows.cli.main import app
from flows.steps import fetch
from flows.steps.ingest import LOADED, InputFile, PublicationDates, examine, store
from flows.steps.registry import comparison_of, read, stage_rows
from flows.steps.staging_cache import StagingCache
from schemas.validate import ContractError
from sources.archive import Archive
from sources.errors import Refused
from transforms.neighbours import ROWS, total

Rows = list[dict[str, str]]
HARMFUL = 0.01
SMALLEST = {ROWS: 5, "total": 20, "female": 20, "male": 20}  # persons; below, real months differ by as many


@dataclass(frozen=True)
class Case:
    """A real file, and what is archived when it is loaded.

    archived  rows of an earlier file; None: the bundled files
    measures, state, day   the published columns with figures, the state, and the period
    texts     columns with other values, which can be shifted and sorted
    """

    name: str
    source: str
    rows: Rows
    vintage: str
    archived: Rows | None
    archived_vintage: str
    measures: list[str]
    state: str
    day: str
    texts: list[str]
    pairs: list[tuple[str, str]] = field(default_factory=list)
    key: str | None = None  # a column with an id; a repeated row gets a new one


def cases() -> list[Case]:
    """The files: fatalities as a newer vintage; a month, a year or a period that is new; and whole files again."""
    personnel = bundled_rows("uniformed_personnel_2015-01_2025-07.csv.gz")
    money = bundled_rows("assessed_contributions_2013-2024.csv.gz")
    scale = bundled_rows("scale_of_assessments_1946-2027.csv.gz")
    strength = bundled_rows("mission_strength_1990-11_2017-03.csv.gz")
    payments = bundled_rows("regular_budget_payments_2019-2026.csv.gz")
    fatal = bundled_rows("fatalities_2025-04.csv.gz")

    def split(rows: Rows, column: str, value: str) -> tuple[Rows, Rows]:
        return [row for row in rows if row[column] == value], [row for row in rows if row[column] < value]

    counts, types = ["male", "female", "total"], ["personnel_type_as_printed", "mission", "contributor_as_printed"]
    files = [
        Case("fatalities, a newer vintage", "fatalities", fatal, "2025-05-01", None, "", [], "casualty_nationality",
             "incident_date", ["type_of_incident", "mission_acronym", "casualty_personnel_type", "gender",
             "casualty_nationality"], [("mission_acronym", "casualty_nationality"),
             ("casualty_personnel_type", "type_of_incident")], "casualty_id"),
        Case("personnel, all months again", "uniformed_personnel", personnel, "2025-08-15", None, "", counts,
             "contributor_as_printed", "month_end", types, [("male", "female"), ("male", "total")]),
    ]  # fmt: skip
    for month in ("2025-07-31", "2024-10-31", "2022-02-28", "2019-06-30", "2016-08-31"):
        new, old = split(personnel, "month_end", month)
        files.append(
            Case(f"personnel, {month} new", "uniformed_personnel", new, month, old, old[-1]["month_end"], counts,
                 "contributor_as_printed", "month_end", types, [("male", "female"), ("male", "total")])
        )  # fmt: skip
    for year in ("2024", "2021", "2016"):
        new, old = split(money, "calendar_year", year)
        files.append(
            Case(f"contributions, {year} new", "assessed_contributions", new, f"{year}-12-31", old,
                 f"{int(year) - 1}-12-31", ["amount"], "government_donor", "calendar_year", ["government_donor"])
        )  # fmt: skip
    files.append(
        Case("contributions, all years again", "assessed_contributions", money, "2025-06-30", None, "", ["amount"],
             "government_donor", "calendar_year", ["government_donor"])
    )  # fmt: skip
    files.append(
        Case("scale, all periods again", "scale_of_assessments", scale, "2025-06-30", None, "", ["rb_rate_pct"],
             "member_state", "period_from", ["member_state"])
    )  # fmt: skip
    files.append(
        Case("strength, all months again", "mission_strength", strength, "2026-11-25", None, "",
             ["troops", "police", "observers", "total"], "mission", "report_date", ["mission"], [("troops", "police")])
    )  # fmt: skip
    files.append(
        Case("payments, all years again", "regular_budget_payments", payments, "2026-11-25", None, "",
             ["rb_assessment_usd"], "member_state", "year", ["payment_status", "payment_date"])
    )  # fmt: skip
    return files


def number(text: str) -> float | None:
    try:
        return float(text.replace(" ", ""))
    except ValueError:
        return None


def figure(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.10g}"


def shifted(case: Case, rows: Rows, rng: random.Random) -> str:
    column = rng.choice(case.measures + case.texts)
    values = [row[column] for row in rows]
    by = rng.choice([1, -1, 2, 7])
    for place, row in enumerate(rows):
        row[column] = values[(place + by) % len(rows)]
    return f"{column} shifted by {by} rows"


def sorted_alone(case: Case, rows: Rows, rng: random.Random) -> str:
    column = rng.choice(case.measures + case.texts)
    values = sorted((row[column] for row in rows), reverse=rng.random() < 0.5)
    for row, value in zip(rows, values, strict=True):
        row[column] = value
    return f"{column} sorted by itself"


def scaled(case: Case, rows: Rows, rng: random.Random) -> str:
    factor = rng.choice([10, 0.1, 1_000, 1_000_000, 0.001, 0.000_001])
    whole = rng.random() < 0.6
    state = rng.choice(sorted({row[case.state] for row in rows}))
    for row in rows:
        for column in case.measures:
            value = number(row[column])
            if value is not None and (whole or row[case.state] == state):
                counts = case.source in ("uniformed_personnel", "mission_strength")
                row[column] = figure(round(value * factor) if counts else round(value * factor, 6))
    return f"figures of {'all' if whole else state} times {factor:g}"


def swapped(case: Case, rows: Rows, rng: random.Random) -> str:
    one, other = rng.choice(case.pairs)
    for row in rows:
        row[one], row[other] = row[other], row[one]
    return f"{one} and {other} swapped"


def repeated(case: Case, rows: Rows, rng: random.Random) -> str:
    size = rng.randint(max(5, len(rows) // 40), max(6, len(rows) // 8))
    start = rng.randrange(len(rows) - size)
    block = [dict(row) for row in rows[start : start + size]]
    others = sorted({row[case.state] for row in rows})
    for place, row in enumerate(block):
        if case.key:
            row[case.key] = f"{row[case.key][:-5]}{90_000 + place:05d}"
        else:
            row[case.state] = others[(others.index(row[case.state]) + 37) % len(others)]
    rows[start:start] = block
    return f"{size} rows repeated with other keys"


def moved_in_time(case: Case, rows: Rows, rng: random.Random) -> str:
    by = rng.choice(["day", "month"])
    back = rng.random() < 0.5
    for row in rows:
        text = row[case.day]
        if "-" not in text:
            row[case.day] = str(int(text) + (-1 if back else 1))
            continue
        days = (1 if by == "day" else 30) * (-1 if back else 1)
        row[case.day] = (date.fromisoformat(text[:10]) + timedelta(days=days)).isoformat()
    return f"dates moved by a {by} {'back' if back else 'on'}"


def given_to_another(case: Case, rows: Rows, rng: random.Random) -> str:
    states = sorted({row[case.state] for row in rows if row[case.state].strip()})
    one, other = rng.sample(states, 2)
    for row in rows:
        if row[case.state] == one:
            row[case.state] = other
    return f"rows of {one} given to {other}"


def zeros(case: Case, rows: Rows, rng: random.Random) -> str:
    period = rng.choice(sorted({row[case.day] for row in rows}))
    for row in rows:
        if row[case.day] == period:
            row.update({column: "0" for column in case.measures if row[column].strip()})
    return f"zeros in {period}"


def rotated_in_block(case: Case, rows: Rows, rng: random.Random) -> str:
    column = rng.choice(case.measures + case.texts)
    size = rng.randint(max(4, len(rows) // 60), max(5, len(rows) // 10))
    start = rng.randrange(len(rows) - size)
    values = [row[column] for row in rows[start : start + size]]
    for place, row in enumerate(rows[start : start + size]):
        row[column] = values[(place + 1) % size]
    return f"{column} shifted within {size} rows"


def lost_rows(case: Case, rows: Rows, rng: random.Random) -> str:
    size = rng.randint(max(4, len(rows) // 50), max(5, len(rows) // 5))
    start = rng.randrange(len(rows) - size)
    del rows[start : start + size]
    return f"{size} rows left out"


KINDS: dict[str, Callable[[Case, Rows, random.Random], str]] = {
    "a column shifted": shifted,
    "a column sorted by itself": sorted_alone,
    "figures scaled": scaled,
    "two columns swapped": swapped,
    "rows repeated with other keys": repeated,
    "dates moved": moved_in_time,
    "one state's rows given to another": given_to_another,
    "zeros in a period": zeros,
    "a column shifted within a block": rotated_in_block,
    "rows left out": lost_rows,
}


def possible(case: Case) -> list[str]:
    """The kinds of corruption that the file can have."""
    return [
        name
        for name in KINDS
        if not (name == "two columns swapped" and not case.pairs)
        and not (name in ("figures scaled", "zeros in a period") and not case.measures)
    ]


def totals(case: Case, file: Path) -> dict[tuple[str, ...], float] | None:
    """Every total of a file that a warehouse publishes; None where its rows can't be staged."""
    source = CATALOGUE[case.source]
    try:
        rows = stage_rows(source, read(source, file), date.fromisoformat(case.vintage)).rows
    except (ContractError, Refused):
        return None
    how = comparison_of(source)
    groups = [*how.groups, *(["incident_type", "gender"] if case.source == "fatalities" else [])]
    period = [how.period] if how.period else []
    sums = {}
    for measure in how.measures:
        for by in [[], *[[group] for group in groups]]:
            for name, value in total(rows, measure, [*period, *by]).items():
                sums[(measure, *by, str(name))] = float(value)
    return sums


def harmed(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> bool:
    """Whether a total changed by more than 1 % and by more than SMALLEST."""
    for name in before.keys() | after.keys():
        old, new = before.get(name, 0.0), after.get(name, 0.0)
        if abs(new - old) > max(HARMFUL * abs(old), SMALLEST.get(name[0], 0)):
            return True
    return False


@dataclass(frozen=True)
class Outcome:
    """The outcome of one corruption: refused, warned or accepted; `harmful` as above."""

    number: int
    case: str
    kind: str
    what: str
    came: str
    harmful: bool
    text: str


class Bench:
    """A folder in which cases are prepared once, and files are loaded into a data folder that never changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready: dict[str, tuple[Path, set[str], dict[tuple[str, ...], float]]] = {}

    def prepare(self, case: Case) -> tuple[Path, set[str], dict[tuple[str, ...], float]]:
        """The data folder of a case, the warnings that its own file has, and its totals."""
        if case.name not in self.ready:
            data, file = self.folder / f"data-{len(self.ready)}", self.folder / "file.csv"
            archive, cache = Archive(data / "raw"), StagingCache(data / "staged")
            if case.archived is None:
                fetch.ensure_bundled(archive, {case.source: CATALOGUE[case.source]})
            else:
                file.write_bytes(to_csv(case.archived))
                input_file = InputFile(
                    CATALOGUE[case.source], file, LOADED, "archived", PublicationDates(case.archived_vintage)
                )
                store(archive, cache, examine(archive, cache, input_file))
            file.write_bytes(to_csv(case.rows))
            code, lines = self.load(case, data, file)
            before = totals(case, file)
            if code or before is None:
                raise AssertionError(f"{case.name}: the file itself is refused: {lines}")
            self.ready[case.name] = (data, set(lines), before)
        return self.ready[case.name]

    def load(self, case: Case, data: Path, file: Path) -> tuple[int, list[str]]:
        """The exit code of `load --dry-run`, and its warnings or its error."""
        os.environ["PEACEKEEPING_DATA"] = str(data)
        original, fetch.ensure_bundled = fetch.ensure_bundled, lambda *_: 0
        try:
            result = CliRunner().invoke(app, ["load", case.source, str(file), "--vintage", case.vintage, "--dry-run"])
        finally:
            fetch.ensure_bundled = original
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        lines = result.stderr.splitlines()
        return result.exit_code, [line for line in lines if line.startswith(("warning:", "error:", "notice:"))]

    def judge(self, number: int, case: Case, kind: str) -> Outcome:
        """Corrupt a file and load it."""
        data, usual, before = self.prepare(case)
        rng = random.Random(number)
        rows = [dict(row) for row in case.rows]
        what = KINDS[kind](case, rows, rng)
        file = self.folder / "file.csv"
        file.write_bytes(to_csv(rows))
        code, lines = self.load(case, data, file)
        new = [line for line in lines if line not in usual]
        after = totals(case, file)
        came = "refused" if code else "warned" if new else "accepted"
        return Outcome(number, case.name, kind, what, came, after is None or harmed(before, after), " ".join(new)[:300])


def outcomes(count: int, first: int = 0) -> Iterator[Outcome]:
    """Corruptions number `first` and on, over the cases and kinds in turn."""
    files = cases()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in range(first, first + count):
            case = files[number % len(files)]
            kinds = possible(case)
            yield bench.judge(number, case, kinds[number // len(files) % len(kinds)])


def table(judged: list[Outcome]) -> str:
    """The score as Markdown: by kind, how many were refused, named in a warning, accepted; and of those the harmful."""
    counts = Counter((one.kind, one.came) for one in judged)
    silent = Counter(one.kind for one in judged if one.came == "accepted" and one.harmful)
    lines = ["| corruption | tried | refused | warned | accepted | accepted and harmful |", "|---|--:|--:|--:|--:|--:|"]
    for kind in KINDS:
        cells = [counts[kind, came] for came in ("refused", "warned", "accepted")]
        lines.append(f"| {kind} | {sum(cells)} | " + " | ".join(map(str, cells)) + f" | {silent[kind]} |")
    cells = [sum(one.came == came for one in judged) for came in ("refused", "warned", "accepted")]
    lines.append(f"| all | {len(judged)} | " + " | ".join(map(str, cells)) + f" | {sum(silent.values())} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="print each corruption")
    options = parser.parse_args()
    judged: list[Outcome] = []
    began = time.perf_counter()
    for one in outcomes(options.count, options.first):
        judged.append(one)
        silent = one.came == "accepted" and one.harmful
        if options.all or silent:
            mark = "SILENT " if silent else ""
            print(f"{mark}{one.number} {one.case}: {one.what}: {one.came} {one.text}", flush=True)
    print(table(judged))
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return int(any(one.came == "accepted" and one.harmful for one in judged))


if __name__ == "__main__":
    sys.exit(main())
