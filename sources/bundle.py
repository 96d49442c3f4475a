"""Write the bundled snapshots from a folder of figures: `python -m sources.bundle FOLDER`.

Published values are not changed. Rows are ordered by key and gzip has a fixed timestamp, so that equal content has an
equal hash. `bundled/manifest.json` has the SHA-256, vintage, row count and origin of each file.
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

from schemas.files import csv_writer
from sources.catalogue import read_yaml
from sources.errors import Refused, SourceError

BUNDLED = Path(__file__).parent / "bundled"
MANIFEST = BUNDLED / "manifest.json"
COPIED = ("file", "source", "role", "vintage", "vintage_basis", "retrieved_at", "origin")  # from origins.yaml


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except FileNotFoundError:
        raise Refused(f"{path} is not there; expected the files that bundled/origins.yaml names.") from None
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise Refused(f"{path} can't be read as CSV: {error}.") from error
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise Refused(f"{path}: line {line}: expected {len(header)} fields as in the header, got {len(row)}.")
    return header, rows


def render(header: list[str], rows: list[list[str]], key: list[str]) -> bytes:
    """CSV text ordered by key (then by all columns), packed with gzip under timestamp 0."""
    places = [header.index(column) for column in key]
    text = io.StringIO(newline="")
    write_row = csv_writer(text)
    for row in [header, *sorted(rows, key=lambda row: ([row[place] for place in places], row))]:
        write_row(row)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text.getvalue().encode("utf-8"))
    return packed.getvalue()


def write(folder: Path, target: Path = BUNDLED) -> list[dict[str, Any]]:
    """Write every bundled snapshot and the manifest, once all are read; returns the manifest.

    Raises Refused when a file of `origins.yaml` is missing from `folder` or can't be read.
    """
    entries, payloads = [], []
    for origin in read_yaml(BUNDLED / "origins.yaml"):
        path = folder / origin["from"]
        if not path.exists() and (folder / "facts" / origin["from"]).exists():
            path = folder / "facts" / origin["from"]
        header, rows = _read(path)
        missing = [column for column in origin["key"] if column not in header]
        if missing:
            raise Refused(f"{path}: expected the key column {missing[0]}, got the columns {', '.join(header)}.")
        payload = render(header, rows, origin["key"])
        payloads.append(payload)
        entry: dict[str, Any] = {name: str(origin[name]) for name in COPIED}
        entry |= {"sha256": hashlib.sha256(payload).hexdigest(), "bytes": len(payload), "rows": len(rows)}
        if "totals" in origin:
            entry["totals"] = origin["totals"]
        entries.append(entry)
    for entry, payload in zip(entries, payloads, strict=True):
        (target / entry["file"]).write_bytes(payload)
    (target / MANIFEST.name).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return entries


def manifest() -> list[dict[str, Any]]:
    """What is bundled: one entry a file (see `write`)."""
    entries: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return entries


def main(arguments: list[str]) -> int:
    """The command; 0 done, 1 a file is missing or faulty, 2 wrong arguments."""
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
