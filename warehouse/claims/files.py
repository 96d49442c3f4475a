"""The claims as they are declared: one YAML a claim in `claims/`, held against `claim.schema.json`.

What the fields mean:

    printed      where and when the claim was printed
    stated       the figure that the claim states and how it is meant; `day` is a day, `names` are names that it states,
                 `tolerance_pct` how far off the project lets "about" be
    needs        source and day: without a snapshot of that source of that day or later the build can't judge the claim
    definitions  the ladder; `sql` gives one row with `value` (a number, a text or a day; NULL is no data) and, where
                 values are still to be determined, how many (`pending`), and where the figure is not exact how it is
                 meant (`qualifier`: about, more than, less than, at least; shown before the figure); `main` is what
                 the claim most plainly means
    rows         query for the rows behind the main figure; its column `snapshot_sha256` tells what they rest on
    verdicts     rules in order; `when` is SQL over the definitions' ids, `<id>_pending`, `stated`, `stated_day`,
                 `stated_names` and `tolerance_pct`; the last has none; {braces} in `because` are filled with figures
    rests_on     sources of the main figures and of those that `because` tells
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from schemas.tables import TABLES
from warehouse.load import BuildError

FOLDER = Path(__file__).parent
SCHEMA = FOLDER / "claim.schema.json"
STATED = ("stated", "stated_day", "stated_names", "tolerance_pct")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PENDING = "_pending"


class ClaimError(BuildError):
    """A claim's declaration is faulty or can't be asked: the build is not published. Names the file and the field."""

    def __init__(self, file: str, field: str, told: str) -> None:
        super().__init__(f"claims/{file}: {field}: {told.rstrip('.')}. The build is not published.")


@dataclass(frozen=True)
class Definition:
    """One rung of the ladder."""

    id: str
    label: str
    definition: str
    sql: str
    main: bool = False
    unit: str | None = None
    decimals: int | None = None


@dataclass(frozen=True)
class Rule:
    """A verdict, why, and when; the last rule of a claim has no `when`."""

    verdict: str
    because: str
    when: str | None = None


@dataclass(frozen=True)
class Claim:
    """A claim as declared."""

    file: str
    id: str
    number: int
    claim: str
    printed_in: str
    printed_on: str
    unit: str | None
    stated: dict[str, Any]
    needs: dict[str, str]
    definitions: tuple[Definition, ...]
    rows: str
    rules: tuple[Rule, ...]
    caveats: tuple[str, ...]
    rests_on: tuple[str, ...]

    def error(self, field: str, told: str) -> ClaimError:
        return ClaimError(self.file, field, told)


def load_claims(folder: Path = FOLDER) -> list[Claim]:
    """All claims, by their numbers. Raises ClaimError for the first faulty file."""
    claims = sorted((read_claim(path) for path in sorted(folder.glob("*.yaml"))), key=lambda claim: claim.number)
    for before, claim in pairwise(claims):
        if before.number == claim.number:
            raise claim.error("number", f"{claim.number} is also the number of {before.file}.")
    return claims


def read_claim(path: Path) -> Claim:
    """Read one declaration. Raises ClaimError naming the file and the field."""
    declared = _read_yaml(path)
    for field, told in _schema_faults(declared):
        raise ClaimError(path.name, field, told)
    if declared["id"] != path.stem:
        raise ClaimError(path.name, "id", f"{declared['id']!r} must be the file's own name, {path.stem!r}.")
    claim = Claim(
        file=path.name,
        id=declared["id"],
        number=declared["number"],
        claim=" ".join(declared["claim"].split()),
        printed_in=declared["printed"]["where"],
        printed_on=declared["printed"]["date"],
        unit=declared["unit"],
        stated=declared["stated"],
        needs=declared.get("needs", {}),
        definitions=tuple(Definition(**{**entry, "sql": entry["sql"].strip()}) for entry in declared["definitions"]),
        rows=declared["rows"].strip(),
        rules=tuple(Rule(**entry) for entry in declared["verdicts"]),
        caveats=tuple(" ".join(text.split()) for text in declared["caveats"]),
        rests_on=tuple(declared["rests_on"]),
    )
    for field, told in _faults(claim):
        raise claim.error(field, told)
    return claim


def _read_yaml(path: Path) -> Any:
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return _plain(yaml.load(path.read_text(encoding="utf-8"), Loader=loader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClaimError(path.name, "(whole file)", f"is not valid YAML: {error}") from error


def _plain(value: Any) -> Any:
    """The same with days as texts: the schema knows no other."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _schema_faults(declared: Any) -> Iterator[tuple[str, str]]:
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = jsonschema.Draft202012Validator(schema).iter_errors(declared)
    for error in sorted(found, key=lambda error: list(map(str, error.absolute_path))):
        yield ".".join(map(str, error.absolute_path)) or "(top level)", f"{error.message}."


def _faults(claim: Claim) -> Iterator[tuple[str, str]]:
    """What the schema has no word for."""
    known: set[str] = set()
    for place, definition in enumerate(claim.definitions):
        field = f"definitions.{place}.id"
        if definition.id in known:
            yield field, f"{definition.id!r} is there twice."
        if definition.id in STATED or definition.id.endswith(PENDING):
            yield field, f"{definition.id!r} is a name that the rules use for something else."
        known.add(definition.id)
    if not any(definition.main for definition in claim.definitions):
        yield "definitions", "one at least must have `main: true`."
    fillable = known | {name + PENDING for name in known} | set(STATED)
    for place, rule in enumerate(claim.rules):
        last = place == len(claim.rules) - 1
        if last and rule.when is not None:
            yield f"verdicts.{place}.when", "the last rule is the one that holds when no other does: it has no `when`."
        if not last and rule.when is None:
            yield f"verdicts.{place}.when", "is missing: only the last rule has none."
        for name in PLACEHOLDER.findall(rule.because):
            if name not in fillable:
                yield f"verdicts.{place}.because", f"{{{name}}} is no definition; there are {', '.join(sorted(known))}."
    for field, sources in (("rests_on", claim.rests_on), ("needs", claim.needs)):
        for source in sources:
            if f"main.{source}" not in TABLES:
                yield field, f"{source!r} is no source of a table of main."
