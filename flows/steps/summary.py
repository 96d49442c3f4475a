"""The summary of a refresh: for the command line, as JSON, and as Markdown for the Prefect UI."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from flows.steps.fetch import FetchResult
    from flows.steps.staging import StageReport

log = logging.getLogger("peacekeeping.refresh")

WITH_WARNINGS = "with warnings"  # how the headline of a run with warnings begins
SHOWN_CHANGES = 3  # tables in a run's name

# What became of a refresh: the name of its final state.
Outcome = Literal["Published", "PublishedWithWarnings", "NothingNew", "KeptLastGood", "Refused", "Failed"]
NOT_ASKED = "not asked"  # how a source was obtained that was not to be fetched
# The tables with the rows of a source, where it is not the table of main that has the source's name.
TABLES = {"publisher_codebook": ("meta.publisher_datasets", "meta.publisher_columns")}
COUNTS = (
    "rows: in the source's table in this build. snapshots: all in this build, of every vintage; "
    "rows_in = staged + rejected + merged: summed over them, as in meta.snapshots."
)


def tables_of(source: str) -> tuple[str, ...]:
    """The tables with the rows of a source."""
    return TABLES.get(source, (f"main.{source}",))


@dataclass
class Summary:
    """What a refresh did: printed by the command, in an artifact, and in the run's final state."""

    published: str | None = None
    build_id: str | None = None
    warehouse: str | None = None
    as_of: date | None = None
    nothing_new: bool = False
    obtained: list[FetchResult] = field(default_factory=list)
    staged: list[StageReport] = field(default_factory=list)
    tables: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] | None = None  # by table, those of meta too; None where nothing was published
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    reconciliations: list[dict[str, object]] = field(default_factory=list)
    changes: list[dict[str, object]] | None = None
    checks_failed: list[dict[str, object]] | None = None  # None where no check ran
    claims: list[dict[str, object]] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> list[dict[str, object]]:
        """One row for each source: how it was obtained, its newest vintage, row counts (COUNTS), seconds."""
        how = {obtained.source: obtained.outcome for obtained in self.obtained}
        return [
            {
                "source": report.source,
                "how": how.get(report.source, NOT_ASKED),
                "vintage": max((str(account["vintage"])[:10] for account in report.accounts), default="none"),
                "rows": None if self.rows is None else sum(self.rows.get(name, 0) for name in tables_of(report.source)),
                "snapshots": len(report.accounts),
                "rows_in": report.total("rows_in"),
                "staged": report.total("rows_staged"),
                "rejected": report.total("rows_rejected"),
                "merged": report.total("rows_merged"),
                "seconds": round(report.seconds, 2),
            }
            for report in self.staged
        ]

    def warn(self, warning: str) -> None:
        """Record and log a warning."""
        self.warnings.append(warning)
        log.warning("%s", warning)

    def record_fetch(self, result: FetchResult, optional: bool) -> None:
        """Record and log a fetch that fell back: as a failure when the reply was refused, else as a warning."""
        for warning in result.warnings:
            self.warn(f"{result.source}: {warning}")
        message = f"{result.source}: {result.message}"
        if result.outcome == "refused" and not optional:
            self.failures.append(message)
            log.error("%s", message)
        elif result.outcome not in ("fetched", "unchanged"):
            self.warn(message)

    def record_published(self, at: str, rows: Mapping[str, int]) -> None:
        """Record when the build was published, and its rows by table of `main`."""
        self.published, self.rows = at, rows
        self.tables = {name: count for name, count in rows.items() if name.startswith("main.")}
        since = "The first build" if self.changes is None else "Since the build before"
        log.info("%s: %s.", since, self.changed())

    @property
    def outcome(self) -> Outcome:
        """What became of the refresh.

        Refused: a publisher's reply was, and nothing else failed; the other sources can have been published.
        KeptLastGood: a publisher could not be reached, and nothing was new.
        """
        if self.failures:
            refused = [f"{one.source}: {one.message}" for one in self.obtained if one.outcome == "refused"]
            return "Refused" if set(self.failures) <= set(refused) else "Failed"
        if self.published:
            return "PublishedWithWarnings" if self.warnings else "Published"
        return "KeptLastGood" if self._kept("unreachable", "unavailable") else "NothingNew"

    def _kept(self, *outcomes: str) -> list[str]:
        return [one.source for one in self.obtained if one.outcome in outcomes]

    def result(self) -> str:
        """The end of the run's name: the newest vintage of the chosen sources, and what changed."""
        vintage = max((one.vintage for one in self.obtained if one.vintage), default=None)
        happened = {"NothingNew": "nothing new", "KeptLastGood": "kept last good", "Failed": "failed"}
        what = happened.get(self.outcome) or (self._changes_of_run() if self.published else "refused, nothing new")
        return f"{vintage} · {what}" if vintage else what

    def _changes_of_run(self) -> str:
        """The changes as in `changed`, of the first tables; without the table's name where it is the only source."""
        parts = self.changed().split("; ")
        if len(self.obtained) == 1 and len(parts) == 1:
            parts = [parts[0].removeprefix(f"{self.obtained[0].source} ")]
        more = len(parts) - SHOWN_CHANGES
        parts = parts[:SHOWN_CHANGES] + ([f"{more} more tables"] if more > 0 else [])
        return "; ".join(parts) + (", with warnings" if self.outcome == "PublishedWithWarnings" else "")

    def headline(self) -> str:
        """One sentence: what happened."""
        fallback, refused = self._kept("unreachable", "unavailable"), self._kept("refused")
        parts = [WITH_WARNINGS] if self.warnings and not self.failures else []
        if self.published:
            parts.append(f"published build {self.build_id}{self._as_of()}: {self.changed()}")
        elif self.nothing_new:
            parts.append(f"nothing new, build {self.build_id} is current")
        else:
            parts.append("nothing published")
        if fallback:
            parts.append(f"publisher not reached, kept last good: {', '.join(fallback)}")
        if refused:
            parts.append(f"reply refused, kept last good: {', '.join(refused)}")
        if self.failures:
            parts.append(f"{len(self.failures)} failure(s): {self.failures[0]}")
        return "; ".join(parts)

    def changed(self) -> str:
        """The changes since the previous build by table (`fatalities +79, 115 revised`); of a first build its size."""
        if self.changes is None:
            return f"{sum(self.tables.values()):,} rows in {len(self.tables)} tables"
        tables = []
        for change in self.changes:
            parts = [
                f"{sign}{int(str(change[what])):,}{word}"
                for what, sign, word in (("added", "+", ""), ("gone", "-", ""), ("changed", "", " revised"))
                if change[what]
            ]
            tables.append(f"{change['table']} {', '.join(parts)}")
        return "; ".join(tables) or "no row changed"

    def _as_of(self) -> str:
        return f" as of {self.as_of}" if self.as_of else ""

    def as_json(self) -> dict[str, object]:
        """The summary for scripts."""
        return {
            "published": self.published,
            "build_id": self.build_id,
            "nothing_new": self.nothing_new,
            "warehouse": self.warehouse,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "sources": self.lines(),
            "obtained": [vars(obtained) for obtained in self.obtained],
            "tables": dict(self.tables),
            "reconciliations": self.reconciliations,
            "changes": self.changes,
            "checks_failed": self.checks_failed,
            "warnings": self.warnings,
            "failures": self.failures,
            "seconds": round(self.seconds, 2),
        }


def other_warnings(summary: Summary) -> list[str]:
    """The warnings that don't repeat how a source was obtained."""
    messages = {f"{obtained.source}: {obtained.message}" for obtained in summary.obtained}
    return [warning for warning in summary.warnings if warning not in messages]


def markdown(summary: Summary) -> str:
    """The run's summary as Markdown: what changed, then what went wrong, then the sources. It fits a screen's width."""
    lines = [f"## {_heading(summary)}", "", *_changed(summary)]
    news = [
        f"**{o.source}**: {o.message}"
        for o in summary.obtained
        if o.outcome not in ("unchanged", "offline") and f"{o.source}: {o.message}" not in summary.failures
    ]
    for title, entries in (
        ("Failures", summary.failures),
        ("Warnings", other_warnings(summary)),
        ("Publishers", news),
    ):
        if entries:
            lines += [f"### {title}", "", *[f"- {entry}" for entry in entries], ""]
    lines += _sources(summary)
    if summary.reconciliations:
        lines += [_reconciled(summary.reconciliations), ""]
    return "\n".join([*lines, f"Took {summary.seconds:.1f} s.", ""])


def _heading(summary: Summary) -> str:
    """What happened, in one line."""
    as_of = f" as of {summary.as_of}" if summary.as_of else ""
    if summary.published:
        what = f"Published build {summary.build_id}{as_of}"
    elif summary.nothing_new:
        what = f"Nothing new: build {summary.build_id}{as_of} is current"
    else:
        what = "Nothing published"
    counts = [
        f"{len(entries)} {noun}{'' if len(entries) == 1 else 's'}"
        for entries, noun in ((summary.failures, "failure"), (summary.warnings, "warning"))
        if entries
    ]
    return " · ".join([what, *counts])


def _changed(summary: Summary) -> list[str]:
    """The changes since the build before by table, the largest first."""
    if not summary.published:
        return []
    if not summary.changes:
        first = "This is the first build: " if summary.changes is None else ""
        return [f"{first}{summary.changed()}.", ""] if first else ["No row changed since the build before.", ""]
    rows = [
        [str(one["table"]), *(f"{one[what]:,}" for what in ("added", "gone", "changed"))] for one in summary.changes
    ]
    return _table(["changed since the build before", "added", "gone", "revised"], rows, texts=1)


def _sources(summary: Summary) -> list[str]:
    """The sources that were to be fetched, then the others; where nothing was staged, how each was obtained."""
    if not summary.staged:
        obtained = [[o.source, o.outcome, o.vintage or "none"] for o in summary.obtained]
        return _table(["source", "how", "vintage"], obtained, texts=3) if obtained else []
    counts = ("rows", "snapshots", "rows_in", "rejected", "merged")
    asked: list[list[str]] = []
    others: list[list[str]] = []
    for line in summary.lines():
        numbers = ["–" if line[name] is None else f"{line[name]:,}" for name in counts]
        source, how, vintage = (str(line[name]) for name in ("source", "how", "vintage"))
        if how == NOT_ASKED:
            others.append([source, vintage, *numbers])
        else:
            asked.append([source, how, vintage, *numbers])
    columns = ["vintage", "rows", "snapshots", "rows in", "rejected", "merged"]
    return [
        *(_table(["source", "how", *columns], asked, texts=3) if asked else []),
        *(_table(["source from the archive" if asked else "source", *columns], others, texts=2) if others else []),
        "The *vintage* is the newest. *Rows* are those of the source's table in this build, which has each casualty, "
        "month or year once; *missions* has those of this project's register too. *Rows in*, of which some were "
        "*rejected* or *merged*, are summed over all *snapshots* of the source, of every vintage, as in "
        "`meta.snapshots`.",
        "",
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """A table in Markdown; the columns after the first `texts` are numbers."""
    marks = ["---"] * texts + ["--:"] * (len(columns) - texts)
    return [*("| " + " | ".join(cells) + " |" for cells in (columns, marks, *rows)), ""]


def _reconciled(reconciliations: Sequence[Mapping[str, object]]) -> str:
    """The reconciliations in a sentence; the artifact `reconciliations` has each one."""
    compared, agree, explained, unexplained = (
        sum(int(str(one[name])) for one in reconciliations)
        for name in ("compared", "agreeing", "explained", "unexplained")
    )
    return (
        f"{compared:,} figures were compared with another ledger: {agree:,} agree, {explained:,} breaks have a named "
        f"reason, {unexplained:,} are unexplained."
    )


def claims_markdown(claims: Sequence[Mapping[str, object]]) -> str:
    """The claims as a list: verdict, claim, reason. The cells of Prefect's tables don't wrap."""
    return "\n".join(f"- **{claim['verdict']}**: {claim['claim']} *{claim['because']}*" for claim in claims) + "\n"
