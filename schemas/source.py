"""The declaration of a source: the pydantic models of `sources/<name>.yaml` and of `sources/publishers.yaml`.

`sources.catalogue` reads the files. The other packages take the `Source`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from schemas.dialect import Dialect

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]+$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Address = Annotated[str, Field(pattern="^https://")]
Path = Annotated[str, Field(pattern="^/")]
Sentence = Annotated[str, Field(min_length=10)]
Names = Annotated[list[str], Field(min_length=1)]
Texts = Annotated[dict[str, str], Field(min_length=1)]
Number = int | float
End = Annotated[str, Field(pattern="^(min|max)$")]
Positive = Annotated[int, Field(ge=1)]
ContentType = Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")]


class Part(BaseModel):
    """A part of a declaration: immutable, without unknown fields; values are not converted to other types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OneOrMore(Part):
    """A part in which each key is optional and at least one is given."""

    @model_validator(mode="after")
    def _is_not_empty(self) -> OneOrMore:
        if not self.model_fields_set:
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


class Publisher(Part):
    """Who publishes; `base_url` is the start of its files' addresses, which the environment variable can replace.

    Both are empty for figures that are compiled from documents.
    """

    title: str
    landing_page: str
    base_url: str = ""
    environment: str = ""

    @model_validator(mode="after")
    def _has_both(self) -> Publisher:
        if bool(self.base_url) != bool(self.environment):
            raise ValueError("expected base_url and environment, or neither")
        return self


class Licence(Part):
    """Name and address of a licence."""

    name: Annotated[str, Field(min_length=3)]
    url: Address


class Freshness(Part):
    """How many days after the last day covered a source is late, and stale (flows/cli/freshness.py)."""

    late_after_days: Positive
    stale_after_days: Positive
    why: Sentence


class Live(Part):
    """Where the dataset is fetched: paths below the publisher's base URL, and the content types to accept.

    rows_per_page  how many rows to request at once; None where the publisher serves a file
    """

    path: Path
    content_types: Annotated[list[ContentType], Field(min_length=1)]
    metadata: Path | None = None
    rows_per_page: Positive | None = None


class Coverage(Part):
    """How the snapshots of a source make one table (transforms/vintages.py).

    rule              union: every key ever published, in its newest state; replace_periods: a newer snapshot replaces
                      the periods that it has; newest: the newest snapshot alone
    column            the column of the period or day
    measures          the columns that are added up when snapshots are compared; rows are counted where none is named
    groups            the columns by which sums are compared
    unspecified       for a column the value that means that the publisher names none
    rows_are_persons  a rejected row is one person; it does not make a period incomplete
    precedence        the series, the preferred first
    publications      the column that names the publication, where a source has several that are independent
    """

    rule: Literal["union", "replace_periods", "newest"]
    column: str
    measures: list[str] = []
    groups: list[str] = []
    unspecified: dict[str, str] = {}
    rows_are_persons: bool = False
    precedence: list[str] = []
    publications: str | None = None

    @property
    def period(self) -> str | None:
        """The column of the period, where a newer snapshot replaces periods."""
        return self.column if self.rule == "replace_periods" else None


class Counts(Part):
    """The fewest and most rows."""

    min: Positive
    max: Positive


class Share(Part):
    """The largest share, from 0 to 1."""

    max: Annotated[Number, Field(ge=0, le=1)]


class Limits(OneOrMore):
    """Above `warn` is a warning, above `refuse` the file is refused."""

    warn: Number | None = None
    refuse: Number | None = None


class Range(Part):
    min: Number
    max: Number


class Ranges(OneOrMore):
    """Outside `warn` is a warning, outside `refuse` the file is refused."""

    warn: Range | None = None
    refuse: Range | None = None


class Measured(Part):
    """A bound says what it was measured on, and when it was noted."""

    measured: Sentence
    noted: Day


class MeasuredLimits(Measured):
    warn: Number
    refuse: Number


class RowRatio(Measured):
    """The rows of the later vintage as a multiple of the earlier one's."""

    min: Annotated[Number, Field(gt=0, le=1)]
    max: Annotated[Number, Field(ge=1)]


class Revised(Measured):
    """The share of a column's values that may differ between vintages: of all, and of those that are not pending."""

    any: Limits | None = None
    settled: Limits | None = None
    pending: Names | None = None

    @model_validator(mode="after")
    def _has_limits(self) -> Revised:
        if not (self.any or self.settled):
            raise ValueError("expected any, settled or both")
        return self


class LateRows(Measured):
    """How many new rows may be of days that the vintage before could have known."""

    column: str
    warn: int
    refuse: int


class GroupBounds(OneOrMore):
    """How much of the sum may move to or from one group, and how much a group may have that is in one period only."""

    moved: Number | None = None
    gone_or_new: Number | None = None


class PeriodBounds(OneOrMore):
    """Bounds on a measure between two periods; a key with another name is a column of groups."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, GroupBounds]

    sum: Ranges | None = None
    typical: Ranges | None = None
    # Not named `keys`: dict(model), which Prefect calls, would take it for the method of a mapping.
    key_share: Annotated[Limits | None, Field(alias="keys")] = None
    most_times: Annotated[Number, Field(gt=1)] | None = None
    moved: Limits | None = None
    unchanged: Limits | None = None


class PeriodException(Part):
    """A period in which checks do not apply: the change is real, or an error that is kept as published."""

    period: str
    checks: Names
    why: Sentence


class NextPeriod(Measured):
    """How a new period is compared with the nearest one (transforms/adjacent_periods.py)."""

    near_days: Positive
    far: Range
    measures: Annotated[dict[str, PeriodBounds], Field(min_length=1)]
    gap_days: Limits | None = None
    exceptions: list[PeriodException] = []


class Neighbours(Part):
    """How a snapshot is compared with those published just before and after it (transforms/neighbours.py)."""

    rows: RowRatio
    revised: Annotated[dict[str, Revised], Field(min_length=1)] | None = None
    totals: MeasuredLimits | None = None
    unknown_to_both: MeasuredLimits | None = None
    late_rows: LateRows | None = None
    next_period: NextPeriod | None = None


class ControlTotal(MeasuredLimits):
    """A total that the publisher prints, and the rows whose sum it is compared with (transforms.control_totals)."""

    total: str
    measure: str
    by: str | None = None
    where: Texts | None = None


class Envelope(Part):
    """What a snapshot must look like: fewer rows than `min` are refused, more than `max` are a warning."""

    rows: Counts
    rejected_share: Share
    against_neighbours: Neighbours
    why: Sentence
    rows_per_period: Counts | None = None
    control_totals: list[ControlTotal] = []
    newest_within_days: Positive | None = None


class Scope(Part):
    """Which rows of the file are of this source: those with the values under `only`, but not those under `without`."""

    rule: str
    only: dict[str, Names] = {}
    without: dict[str, Names] = {}


class KnownDefect(Part):
    """An error of the publication that is kept. `expect` counts the cases that are left, of `cases` when noted."""

    id: Slug
    noted: Day
    text: Sentence
    expect: Annotated[str, Field(pattern="^SELECT ")] | None = None
    cases: Positive | None = None

    @model_validator(mode="after")
    def _can_count(self) -> KnownDefect:
        if self.cases and not self.expect:
            raise ValueError("cases needs expect")
        return self


class Correction(Part):
    """Cells to `set` in the row `where`, as long as the publisher prints what is under `expect`."""

    id: Slug
    where: Texts
    expect: Texts
    set: Texts
    reason: Sentence
    noted: Day


def _named_publisher(value: Any, info: ValidationInfo) -> Any:
    """The publisher of that name among `context["publishers"]`."""
    known = (info.context or {}).get("publishers", {})
    if isinstance(value, str) and value not in known:
        raise ValueError(f"expected a publisher of publishers.yaml ({', '.join(known)})")
    return known[value] if isinstance(value, str) else value


NamedPublisher = Annotated[Publisher, BeforeValidator(_named_publisher)]


class Reports(Part):
    """A page that links reports of a source, each a file (flows/steps/fetch_reports.py).

    page   its path below the publisher's base URL
    link   what the last part of a report's address has to match (a pattern)
    most   how many to look at, the first on the page: the newest come first
    """

    publisher: NamedPublisher
    page: Path
    link: Annotated[str, Field(min_length=3)]
    content_types: Annotated[list[ContentType], Field(min_length=1)]
    most: Positive


class Source(Part):
    """A dataset that somebody publishes.

    optional         whether a warehouse is complete without any snapshot of it
    reports          where its reports are linked, besides the address under `live`
    remove_contacts  whether names and addresses of people are removed before a file is stored (sources/codebook.py)
    table            the table that its rows go to
    stage            the function (raw rows, source, vintage) -> Staged, by its dotted name
    becomes          for an incoming column the columns of the table that are made of it, where their names differ
    bounds           for an incoming column its least (min) and largest (max) value
    """

    name: Annotated[str, Field(pattern="^[a-z][a-z_]+$")]
    title: Sentence
    description: Annotated[str, Field(min_length=20)]
    publisher: NamedPublisher
    producer: str
    licence: Licence
    citation: Annotated[str, Field(pattern=r"\{vintage\}")]
    landing_page: Address
    optional: bool = False
    remove_contacts: bool = False
    cadence: Literal["daily", "weekly", "monthly", "yearly", "irregular"]
    freshness: Annotated[Freshness | None, Field(validate_default=True)] = None
    live: Annotated[Live | None, Field(validate_default=True)] = None
    reports: Reports | None = None
    table: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")]
    stage: Annotated[str, Field(pattern=r"^transforms(\.\w+)+$")]
    becomes: dict[str, Names] = {}
    coverage: Coverage
    envelope: Envelope
    scope: Scope | None = None
    bounds: dict[str, Annotated[dict[End, Number | str], Field(min_length=1)]]
    dialects: Annotated[list[Dialect], Field(min_length=1)]
    known_defects: list[KnownDefect]
    corrections: list[Correction]

    @field_validator("freshness")
    @classmethod
    def _has_freshness(cls, value: Freshness | None, info: ValidationInfo) -> Freshness | None:
        if value is None and info.data.get("cadence", "irregular") != "irregular":
            raise ValueError("required unless cadence is irregular")
        return value

    @field_validator("live")
    @classmethod
    def _has_address(cls, value: Live | None, info: ValidationInfo) -> Live | None:
        publisher = info.data.get("publisher")
        if publisher and bool(value) != bool(publisher.base_url):
            has = "one" if publisher.base_url else "none"
            raise ValueError(f"required exactly where the publisher has a base_url; {publisher.title} has {has}")
        return value

    @property
    def workbook(self) -> bool:
        """Whether one of its forms is an Excel workbook."""
        return any(dialect.format == "xlsx" for dialect in self.dialects)

    @property
    def pdf_forms(self) -> set[str]:
        """The names of its forms that are PDFs."""
        return {dialect.name for dialect in self.dialects if dialect.format == "pdf"}

    def citation_of(self, vintage: str, form: str = "") -> str:
        """The citation of one vintage, published in the form of that name."""
        own = next((dialect.citation for dialect in self.dialects if dialect.name == form), None)
        return (own or self.citation).format(vintage=vintage)
