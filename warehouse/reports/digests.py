"""Digests of a page's figures and words, without its provenance: whether a page changed, and in which section.

The templates mark with the filter `provenance` what says only from which build, snapshots and vintages a page was made.
A page has the digests of its parts in a `meta` element of its own.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from markupsafe import Markup

# Noncharacters of Unicode, which no text for interchange has; none of them is left in a page.
BEGIN, END, DIGESTS = "\ufdd0", "\ufdd1", "\ufdd2"
HEAD = "head"  # what is in no section: title, style, head and foot


def provenance(value: object) -> Markup:
    """The value, marked as provenance."""
    return Markup("{}{}{}").format(BEGIN, value, END)


def with_digests(marked: str) -> str:
    """The page of a marked text: without the marks, and with its digests where DIGESTS stands."""
    digests = " ".join(f"{name}:{digest}" for name, digest in _digests(marked).items())
    return re.sub(f"[{BEGIN}{END}]", "", marked).replace(DIGESTS, digests)


def _digests(marked: str) -> dict[str, str]:
    """The digest of each section by its name, and of all the rest as HEAD."""
    counted = re.sub(f"{BEGIN}.*?{END}", "", marked, flags=re.DOTALL)
    parts = re.split(r'(<section aria-labelledby="(\w+)">.*?</section>)', counted, flags=re.DOTALL)
    texts = {HEAD: "".join(parts[::3]), **dict(zip(parts[2::3], parts[1::3], strict=True))}
    return {name: blake2b(text.encode(), digest_size=16).hexdigest() for name, text in texts.items()}


def differing(before: str, after: str) -> list[str] | None:
    """The parts of a page that differ between two states of it, HEAD first; None where one of them has no digests."""
    old, new = _read(before), _read(after)
    if not (old and new):
        return None
    return [name for name in {**new, **old} if old.get(name) != new.get(name)]


def _read(page: str) -> dict[str, str]:
    match = re.search(r'<meta name="digests" content="([\w: -]+)">', page)
    return dict(part.split(":") for part in match[1].split()) if match else {}
