"""Write the bundled snapshots from a folder of figures: `python -m sources.bundle FOLDER`.

Published values are untouched, with all their traps; rows are ordered by key; gzip carries a fixed timestamp, so
that equal content has an equal hash. `bundled/manifest.json` has the SHA-256, vintage, row count and origin of each.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import yaml

from sources.errors import Refused, SourceError

HERE = Path(__file__).parent
BUNDLED = HERE / "bundled"
MANIFEST = BUNDLED / "manifest.json"


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except FileNotFoundError:
        raise Refused(f"{path} is not there; the folder must hold the files that bundled/origins.yaml names.") from None
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise Refused(f"{path} can't be read as CSV: {error}.") from error
    broken = [number for number, row in enumerate(rows, start=2) if len(row) != len(header)]
    if broken:
        raise Refused(f"{path}: line {broken[0]} has not the header's {len(header)} fields.")
    return header, rows


def render(header: list[str], rows: list[list[str]], key: list[str]) -> bytes:
    """CSV text ordered by key (then by the whole row), packed with gzip under timestamp 0."""
    places = [header.index(column) for column in key]
    ordered = sorted(rows, key=lambda row: ([row[place] for place in places], row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    # Python 3.11's writer leaves a lone carriage return unquoted, and readers would end the row there.
    careful = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in [header, *ordered]:
        (careful if any("\r" in cell for cell in row) else writer).writerow(row)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text.getvalue().encode("utf-8"))
    return packed.getvalue()


def write(folder: Path, target: Path = BUNDLED) -> list[dict[str, Any]]:
    """Write every bundled snapshot and the manifest; gives the manifest back.

    Raises Refused when a file of `origins.yaml` is missing from `folder` or can't be read.
    """
    origins = yaml.safe_load((BUNDLED / "origins.yaml").read_text(encoding="utf-8"))
    manifest = []
    ready: list[tuple[Path, bytes]] = []
    for entry in origins:
        found = next(
            (path for path in (folder / entry["from"], folder / "facts" / entry["from"]) if path.exists()), None
        )
        header, rows = _read(found or folder / entry["from"])
        missing = [column for column in entry["key"] if column not in header]
        if missing:
            raise Refused(f"{found}: its key column {missing[0]} is not there.")
        payload = render(header, rows, entry["key"])
        ready.append((target / entry["file"], payload))
        manifest.append(
            {
                "file": entry["file"],
                "source": entry["source"],
                "role": entry["role"],
                "sha256": hashlib.sha256(payload).hexdigest(),
                "bytes": len(payload),
                "rows": len(rows),
                "vintage": str(entry["vintage"]),
                "vintage_basis": entry["vintage_basis"],
                "retrieved_at": str(entry["retrieved_at"]),
                "origin": entry["origin"],
                **({"totals": entry["totals"]} if entry["role"] == "control_totals" else {}),
            }
        )
    for path, payload in ready:
        path.write_bytes(payload)
    (target / MANIFEST.name).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def manifest() -> list[dict[str, Any]]:
    """What is bundled: one entry a file (see `write`)."""
    found: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return found


def main(arguments: list[str]) -> int:
    """The command; 0 done, 1 a file is missing or faulty, 2 called wrongly."""
    if len(arguments) != 1:
        print("usage: python -m sources.bundle FOLDER", file=sys.stderr)
        return 2
    try:
        entries = write(Path(arguments[0]))
    except SourceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for entry in entries:
        print(f"{entry['file']}: {entry['rows']:,} rows, vintage {entry['vintage']}, {entry['sha256'][:12]}…")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
