"""The lines of a table as rows of figures, names of groups, and printed totals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.report_layout import NAMES, ReportLayout
from schemas.validate import ContractError
from transforms.reports.layouts import plain
from transforms.reports.tables import WRAPPED, TableLine

UNREADABLE = "The page can't be read for certain: load the month's figures as CSV."


@dataclass
class Row:
    """A line of figures: of a contributor, in a mission where it is printed, of a type where it is printed."""

    line: TableLine
    contributor: str
    mission: str
    type: str
    date: str

    @property
    def figures(self) -> dict[str, int]:
        return self.line.figures


@dataclass(frozen=True)
class Total:
    """A printed total: of a mission, a contributor, or all (`grand`); the names of its group, inner ones too."""

    line: TableLine
    level: str
    names: dict[str, str]

    def covers(self, row: Row) -> bool:
        """Whether a row is one of those that it adds up."""
        return all(getattr(row, held) == name for held, name in self.names.items())

    @property
    def what(self) -> str:
        """What it is the total of, in words."""
        names = [name for held in NAMES if (name := self.names.get(held))]
        return f"total of {' in '.join(names)}" if names else "grand total"


@dataclass
class Body:
    """What the pages print."""

    rows: list[Row] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    row_count: tuple[TableLine, int] | None = None


class Reader:
    """Reads line after line, keeping the names of the current groups."""

    def __init__(self, layout: ReportLayout) -> None:
        self.layout = layout
        self.body = Body()
        self.names = dict.fromkeys(NAMES, "")
        self.named: TableLine | None = None  # the last line of the current contributor's name
        self.beside: Row | None = None  # the row on the line that names it
        self.open = False  # whether rows came after the last total of the outer group
        self.width = [column.name for column in layout.columns if column.figures]
        held = {one for column in layout.columns for one in column.holds}
        # The names that are printed, the outer group first.
        self.printed = [*layout.groups, *(name for name in NAMES if name in held and name not in layout.groups)]

    def read(self, lines: Iterable[TableLine]) -> Body:
        """The rows and totals of all lines. Raises ContractError for a line that no rule reads."""
        for line in lines:
            if line.figures and self._is_row(line):
                self._row(line)
            elif line.figures:
                self._total(line)
            elif self._is_number_of_rows(line):
                self._count(line)
            else:
                self._name(line)
        return self.body

    def _is_row(self, line: TableLine) -> bool:
        if self.layout.types:
            return "type" in line.texts
        return not self._level(line)

    def _row(self, line: TableLine) -> None:
        missing = [name for name in self.width if name not in line.figures]
        if missing:
            raise ContractError(
                f"{line.place}: expected a figure under each of {', '.join(self.width)}; there is none under "
                f"{', '.join(missing)}. {UNREADABLE}"
            )
        for held in self.printed:
            if held in line.texts:
                self._enter(held, line.texts[held], line)
            elif held not in self.layout.groups or not self.names[held]:
                raise ContractError(f"{line.place}: figures without a {held}. {UNREADABLE}")
        names = dict(self.names)
        kind, day = line.texts.get("type", ""), line.texts.get("date", "")
        row = Row(line, names["contributor"], names["mission"], kind, day)
        self.body.rows.append(row)
        if self.named is line:
            self.beside = row
        self.open = True

    def _enter(self, held: str, name: str, line: TableLine) -> None:
        """Enter a group; entering another outer group leaves the inner one."""
        groups = self.layout.groups
        if name != self.names[held] and groups and held == groups[0]:
            for inner in NAMES:
                self.names[inner] = "" if inner in groups[1:] else self.names[inner]
            self.open = False
        self.names[held] = name
        if held == "contributor":
            self.named, self.beside = line, None

    def _name(self, line: TableLine) -> None:
        """A line of names alone: it begins groups, or goes on with a name that is wrapped."""
        if set(line.texts) - set(NAMES) or not line.texts:
            shown = " ".join([*line.texts.values(), *([str(line.bare)] if line.bare is not None else [])])
            raise ContractError(
                f"{line.place}: expected a row, a name or a total of the layout {self.layout.name}, "
                f"got {shown[:60]!r}. {UNREADABLE}"
            )
        contributor = line.texts.get("contributor")
        if contributor and len(line.texts) == 1 and self._goes_on(line):
            self._wrap(contributor, line)
            return
        for held in self.layout.groups:
            if held in line.texts:
                self._enter(held, line.texts[held], line)
        stray = [text for held, text in line.texts.items() if held not in self.layout.groups]
        if stray:
            raise ContractError(f"{line.place}: {stray[0][:60]!r} stands without figures. {UNREADABLE}")

    def _goes_on(self, line: TableLine) -> bool:
        """Whether a contributor's name goes on from the line above, which names the current one."""
        named = self.named
        if named is None or named.page != line.page or line.bare is not None:
            return False
        last = self.body.rows[-1] if self.body.rows else None
        below = last is not None and last is not self.beside and last.line.page == line.page
        if below and last is not None and last.line.top > named.top:
            return False
        return line.top - named.top <= WRAPPED * max(line.size, named.size)

    def _wrap(self, rest: str, line: TableLine) -> None:
        """Add the rest of a wrapped name; the name can go on below it."""
        self.names["contributor"] += f" {rest}"
        if self.beside is not None:
            self.beside.contributor = self.names["contributor"]
        self.named = line

    def _total(self, line: TableLine) -> None:
        level = self._level(line)
        if not level and not any(line.figures.values()) and not set(line.texts) - set(NAMES):
            return  # zeros without a type are no row: they change no total
        if not level:
            label = " ".join(text for held, text in line.texts.items() if held != "date") or "no label"
            raise ContractError(
                f"{line.place}: expected a row or a total of the layout {self.layout.name}"
                f"{self._current()}, got figures with {label[:60]!r}. {UNREADABLE}"
            )
        if level == "heading":
            for held in self.layout.groups:
                if held in line.texts:
                    self._enter(held, line.texts[held], line)
                    level = held
        if line.bare is not None and self.layout.row_count:
            self.body.row_count = (line, line.bare)
        self.body.totals.append(Total(line, level, self._group(level)))
        if self.layout.groups and level == self.layout.groups[0]:
            self.open = False

    def _group(self, level: str) -> dict[str, str]:
        groups = self.layout.groups
        if level == "grand":
            return {}
        return {held: self.names[held] for held in groups[: groups.index(level) + 1]} if level in groups else {}

    def _current(self) -> str:
        names = [name for name in self.names.values() if name]
        return f" under {' and '.join(names)}" if names else ""

    def _level(self, line: TableLine) -> str:
        """The level of a total by its label; `heading` for figures beside a group's name, empty for no total."""
        texts = [text for held, text in line.texts.items() if held != "date"]
        label, printed = plain(" ".join(texts)), self.layout.totals
        levels = [*reversed(self.layout.groups), "grand"]
        if not label:
            if self.layout.groups and self.open and "" in getattr(printed, self.layout.groups[0]):
                return self.layout.groups[0]
            return "grand" if "" in printed.grand else ""
        for level in levels:
            for pattern in getattr(printed, level):
                if pattern and pattern != "heading" and self._is_labelled(label, pattern):
                    return level
        named = [held for held in self.layout.groups if held in line.texts]
        return "heading" if len(texts) == 1 and named and "heading" in getattr(printed, named[0]) else ""

    def _is_labelled(self, label: str, pattern: str) -> bool:
        """Whether a label is of a pattern; a name in it can be cut off, in the label or where the group is named."""
        held = re.search(r"\{(\w+)\}", pattern)
        if not held:
            return label == plain(pattern)
        before, _, after = plain(pattern).partition(held[0])
        name, printed = plain(self.names[held[1]]), label.removeprefix(before).removesuffix(after)
        fits = label.startswith(before) and label.endswith(after) and bool(name) and bool(printed)
        return fits and (name.startswith(printed) or printed.startswith(name))

    def _is_number_of_rows(self, line: TableLine) -> bool:
        return self.layout.row_count and line.bare is not None and not line.texts

    def _count(self, line: TableLine) -> None:
        self.body.row_count = (line, line.bare or 0)
