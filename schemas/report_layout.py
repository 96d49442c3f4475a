"""The layout of a monthly report's pages: the model of `transforms/data/report_layouts.yaml`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.yaml_files import Declaration

Name = Literal["contributor", "mission"]
Held = Literal["contributor", "mission", "type", "date", "male", "female", "total"]
Texts = tuple[Annotated[str, Field(min_length=1)], ...]
FIGURES = ("male", "female", "total")
NAMES = ("contributor", "mission")


class Column(Declaration):
    """A column: its heading as printed (`|` is a line break) and what its cells hold.

    type  the personnel type of all its figures, where the report has a column for each type
    """

    heading: str
    holds: Annotated[tuple[Held, ...], Field(min_length=1)]
    type: str = ""

    @property
    def figures(self) -> bool:
        """Whether its cells are figures."""
        return self.holds[0] in FIGURES

    @property
    def name(self) -> str:
        """The heading on one line."""
        return self.heading.replace("|", " ")


class PrintedDate(Declaration):
    """Where the page prints the month: a pattern with one group, and the group's format (strptime)."""

    pattern: str
    format: str


class Totals(Declaration):
    """The labels of the totals by what they add up; {mission} and {contributor} are the names of the group.

    An empty label is a line of figures alone. `heading`: the figures stand on the line of the group's name.
    """

    mission: tuple[str, ...] = ()
    contributor: tuple[str, ...] = ()
    grand: tuple[str, ...] = ()


class Undated(Declaration):
    """A report that prints no date: its month, the figures of its grand total by which it is recognised, and why."""

    month_end: date
    grand_total: dict[str, int]
    why: Annotated[str, Field(min_length=20)]


class ReportLayout(Declaration):
    """A layout of the monthly reports.

    title         what the text above the headings has to match (a pattern); empty where there is none
    groups        the names that are printed once above the rows of their group, the outer first; others are on each row
    ruled         whether the cells are ruled; a contributor's cell can span several rows
    types         the personnel types as printed
    totals        the totals that are printed
    row_count     whether the number of rows can be printed at the end
    zero_cells    whether zeros are rows, where there is a column for each type
    page_numbers  whether each page says which of how many it is
    """

    name: Annotated[str, Field(pattern=r"^[A-Z]\d?[a-z]?$")]
    note: Annotated[str, Field(min_length=10)]
    title: str = ""
    date: PrintedDate | None = None
    undated: tuple[Undated, ...] = ()
    columns: Annotated[tuple[Column, ...], Field(min_length=3)]
    groups: tuple[Name, ...] = ()
    ruled: bool = False
    types: Texts = ()
    totals: Totals = Totals()
    row_count: bool = False
    zero_cells: bool = True
    page_numbers: bool = False

    @model_validator(mode="after")
    def _says_month_and_type(self) -> ReportLayout:
        held = [one for column in self.columns for one in column.holds]
        if not (self.date or self.undated or "date" in held):
            raise ValueError("expected date, undated, or a column that holds the date")
        if bool(self.types) == any(column.type for column in self.columns):
            raise ValueError("expected types, or the type of each column of figures")
        if "contributor" not in held:
            raise ValueError("expected a column that holds the contributor")
        return self

    @property
    def heading_line(self) -> str:
        """The first line of the headings."""
        return " ".join(column.heading.split("|")[0] for column in self.columns)
