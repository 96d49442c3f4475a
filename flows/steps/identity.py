"""What a build is: the hash of the archive's snapshots and of the code that makes a warehouse of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sources.archive import Snapshot

ROOMS = ("sources", "schemas", "transforms", "warehouse", "flows")
CODE_SUFFIXES = {".py", ".yaml", ".csv", ".sql", ".json", ".toml"}


@cache
def code_sha256() -> str:
    """Hash of the code, declarations and code lists that a build depends on (the bundled data apart)."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    files = [path for room in ROOMS for path in (root / room).rglob("*") if path.suffix in CODE_SUFFIXES]
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def staging_code() -> str:
    """What a staged snapshot depends on besides its bytes and its vintage: our code, and the packages that shape it."""
    parts = [code_sha256(), *map(version, ("pandas", "pandera", "pyarrow"))]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def build_id(snapshots: Iterable[Snapshot]) -> str:
    """Names a build by what it is made of: the same snapshots (records included) and the same code give the same id."""
    parts = sorted(json.dumps(asdict(snapshot), sort_keys=True) for snapshot in snapshots)
    return hashlib.sha256("\n".join([code_sha256(), *parts]).encode()).hexdigest()[:12]
