"""Read the declared claims: one YAML file per claim in this folder.

Each is a sentence that somebody printed, with the queries that test it. Figures of the data are not written down here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from schemas.tables import TABLES
from schemas.tables.claims import VERDICTS
from schemas.yaml_files import Declaration, DeclarationError, read_yaml
from warehouse.load import BuildError

FOLDER = Path(__file__).parent
STATED = ("stated", "stated_day", "stated_names", "tolerance_pct")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PENDING = "_pending"


class ClaimError(BuildError):
    """A claim's declaration is faulty or its SQL fails, so the build is not published. Names the file and the field."""

    def __init__(self, file: str, field: str, fault: str) -> None:
        super().__init__(f"claims/{file}: {field}: {fault.rstrip('.')}. The build is not published.")


def _known_source(name: str) -> str:
    if f"main.{name}" not in TABLES:
        raise ValueError("expected a source with a table of main")
    return name


Text = Annotated[str, StringConstraints(min_length=1)]
Sentence = Annotated[
    str, StringConstraints(min_length=10, pattern=r"\.$"), AfterValidator(lambda text: " ".join(text.split()))
]
Sql = Annotated[str, StringConstraints(min_length=8, strip_whitespace=True)]
Source = Annotated[str, AfterValidator(_known_source)]


class Printed(Declaration):
    """Where and when the claim was printed."""

    where: Text
    date: date


class Stated(Declaration):
    """The figure that the claim states and its qualifier; also a day or names that it states.

    `tolerance_pct` is the largest deviation that this project counts as "about".
    """

    qualifier: Literal["exact", "about", "more than", "at least", "rank", "none"]
    value: int | float | str | None = None
    day: date | None = None
    names: tuple[Text, ...] = ()
    tolerance_pct: float | None = Field(None, gt=0, le=100)

    @model_validator(mode="after")
    def _value_fits_qualifier(self) -> Self:
        if (self.value is None) != (self.qualifier == "none"):
            raise ValueError("expected a value, or the qualifier none")
        return self


class Definition(Declaration):
    """One way to understand the claim.

    `sql` returns one row: `value` (a number, a text or a day; NULL is no data), if needed `pending` (how many values it
    depends on are still to be determined), if needed `qualifier` (about, more than, less than, at least; exact is the
    same as none). `main` marks what the claim most plainly means.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Text
    definition: Sentence
    sql: Sql
    main: bool = False
    unit: Text | None = None
    decimals: int | None = Field(None, ge=0, le=6)


class Rule(Declaration):
    """A verdict and its reason, with figures in {braces}.

    `when` is SQL over the definitions' ids, `<id>_pending`, and STATED; only the last rule of a claim has none.
    """

    verdict: Literal[VERDICTS]  # type: ignore[valid-type]
    because: Sentence
    when: str | None = None


class Claim(Declaration):
    """A claim as declared.

    needs     source and day: without a snapshot of that source of that day or later there is no verdict
    rows      query for the rows behind the main figures; `snapshot_sha256` and `citation` give their origin
    verdicts  rules in order: the first one that is true gives the verdict
    rests_on  sources of the main figures and of those in `because`
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$")]
    number: int = Field(ge=1)
    claim: Sentence
    printed: Printed
    unit: Text | None
    stated: Stated
    needs: dict[Source, date] = Field(default_factory=dict)
    definitions: tuple[Definition, ...] = Field(min_length=1)
    rows: Sql
    verdicts: tuple[Rule, ...] = Field(min_length=2)
    caveats: tuple[Sentence, ...]
    rests_on: tuple[Source, ...] = Field(min_length=1)

    @field_validator("definitions")
    @classmethod
    def _definitions_are_unique(cls, definitions: Sequence[Definition]) -> Sequence[Definition]:
        ids = [definition.id for definition in definitions]
        for name in ids:
            if ids.count(name) > 1 or name in STATED or name.endswith(PENDING):
                raise ValueError(f"expected unique ids that are no name of the rules: {name}")
        if not any(definition.main for definition in definitions):
            raise ValueError("expected `main: true` in one or more")
        return definitions

    @field_validator("verdicts")
    @classmethod
    def _rules_are_complete(cls, rules: Sequence[Rule], info: ValidationInfo) -> Sequence[Rule]:
        *others, last = rules
        if last.when is not None or any(rule.when is None for rule in others):
            raise ValueError("expected `when` in every rule but the last")
        ids = {definition.id for definition in info.data.get("definitions", ())}
        known = ids | {name + PENDING for name in ids} | set(STATED)
        for rule in rules:
            for name in PLACEHOLDER.findall(rule.because):
                if ids and name not in known:
                    raise ValueError(f"{{{name}}} is no definition; there are {', '.join(sorted(ids))}")
        return rules

    def error(self, field: str, fault: str) -> ClaimError:
        """A fault of a field of this claim."""
        return ClaimError(f"{self.id}.yaml", field, fault)


def load_claims(folder: Path = FOLDER) -> list[Claim]:
    """All claims, by their numbers. Raises ClaimError for the first faulty file."""
    claims = sorted((read_claim(path) for path in sorted(folder.glob("*.yaml"))), key=lambda claim: claim.number)
    for before, claim in pairwise(claims):
        if before.number == claim.number:
            raise claim.error("number", f"{claim.number} is also the number of {before.id}.yaml.")
    return claims


def read_claim(path: Path) -> Claim:
    """Read one declaration. Raises ClaimError naming the file and the field."""
    try:
        claim = read_yaml(path, Claim)
    except DeclarationError as error:
        raise ClaimError(path.name, *error.faults[0]) from error
    if claim.id != path.stem:
        raise ClaimError(path.name, "id", f"expected the file's own name, {path.stem!r}, got {claim.id!r}.")
    return claim
