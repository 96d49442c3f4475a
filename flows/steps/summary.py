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
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    reconciliations: list[dict[str, object]] = field(default_factory=list)
    changes: list[dict[str, object]] | None = None
    checks_failed: list[dict[str, object]] | None = None  # None where no check ran
    claims: list[dict[str, object]] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> list[dict[str, object]]:
        """One row for each source: how it was obtained, its vintage, row counts, seconds."""
        how = {obtained.source: obtained.outcome for obtained in self.obtained}
        return [
            {
                "source": report.source,
                "how": how.get(report.source, "not asked"),
                "vintage": max((str(account["vintage"])[:10] for account in report.accounts), default="none"),
                "rows_in": report.total("rows_in"),
                "staged": report.total("rows_staged"),
                "rejected": report.total("rows_rejected"),
                "merged": report.total("rows_merged"),
                "in_table": report.rows,
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
        self.published = at
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
    """The run's summary as Markdown."""
    headline = summary.headline()
    lines = [f"# {headline[:1].upper()}{headline[1:]}", "", f"Took {summary.seconds:.1f} s."]
    if summary.staged:
        lines += [
            "",
            "| source | how | vintage | rows in | loaded | rejected | merged | in table | took |",
            "|---|---|---|--:|--:|--:|--:|--:|--:|",
        ]
        for line in summary.lines():
            counts = [f"{line[name]:,}" for name in ("rows_in", "staged", "rejected", "merged", "in_table")]
            cells = [str(line["source"]), str(line["how"]), str(line["vintage"]), *counts, f"{line['seconds']:.2f} s"]
            lines.append("| " + " | ".join(cells) + " |")
        lines += [
            "",
            "Rows in = loaded + rejected + merged, over all snapshots of a source; the table holds each casualty, "
            "month or year once.",
        ]
    for title, entries in (
        ("Sources", [f"**{o.source}**: {o.message}" for o in summary.obtained]),
        ("Warnings", other_warnings(summary)),
        ("Failures", summary.failures),
    ):
        if entries:
            lines += ["", f"## {title}", "", *[f"- {entry}" for entry in entries]]
    if summary.reconciliations:
        lines += _reconciled(summary.reconciliations)
    return "\n".join([*lines, ""])


def _reconciled(reconciliations: Sequence[Mapping[str, object]]) -> list[str]:
    """The section on reconciliations: their sum in a sentence, and each in a row."""
    counts = ("compared", "agreeing", "explained", "unexplained")
    total = {name: sum(int(str(one[name])) for one in reconciliations) for name in counts}
    return [
        "",
        "## Reconciliations",
        "",
        f"{total['compared']:,} figures were compared with another ledger: {total['agreeing']:,} agree, "
        f"{total['explained']:,} breaks have a named reason, {total['unexplained']:,} are unexplained.",
        "",
        "| what | compared | agree | explained | unexplained |",
        "|---|--:|--:|--:|--:|",
        *[
            "| " + " | ".join([str(one["name"]), *[f"{one[name]:,}" for name in counts]]) + " |"
            for one in reconciliations
        ],
    ]
