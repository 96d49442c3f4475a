"""Refuse a PDF that unpacks to too much, before anything else reads it: a small file can fill the memory."""

from __future__ import annotations

import re
import zlib

from schemas.validate import ContractError

MAX_STREAM_BYTES = 64_000_000  # unpacked; the largest of a report is a picture of 17 MB
MAX_ALL_BYTES = 256_000_000  # unpacked; a report has 19 MB
MAX_OTHERWISE_PACKED_BYTES = 20_000  # of a stream that is packed in another way; no report has one
STREAM = re.compile(rb"(?<!end)stream\r?\n")
OTHER_PACKING = re.compile(rb"/(LZWDecode|RunLengthDecode|ASCII85Decode|ASCIIHexDecode|LZW|RL|A85|AHx)\b")
DICTIONARY_BYTES = 1_000  # how far before a stream its description begins, at most


def require_unpackable(payload: bytes) -> None:
    """Raise ContractError where a stream of a PDF, or all together, unpack to more than a report can have."""
    size = 0
    for start in STREAM.finditer(payload):
        end = payload.find(b"endstream", start.end())
        packed = payload[start.end() : end if end >= 0 else None]
        described = payload[max(0, start.start() - DICTIONARY_BYTES) : start.start()].rpartition(b" obj")[2]
        if OTHER_PACKING.search(described) and len(packed) > MAX_OTHERWISE_PACKED_BYTES:
            raise ContractError(
                "The PDF has a stream that is packed in a way that no report is; expected FlateDecode. "
                "Load the publisher's own file."
            )
        unpacked = _unpacked(packed)
        largest = max(len(unpacked), len(_unpacked(unpacked)))  # a stream can be packed twice
        size += largest
        if largest > MAX_STREAM_BYTES or size > MAX_ALL_BYTES:
            raise ContractError(
                f"The PDF unpacks to more than {MAX_STREAM_BYTES:,} bytes in one stream or {MAX_ALL_BYTES:,} in all; "
                "no report does. Load the publisher's own file."
            )


def _unpacked(packed: bytes) -> bytes:
    """The unpacked bytes, one more than allowed at most; none where they are not packed with zlib."""
    try:
        return zlib.decompressobj().decompress(packed, MAX_STREAM_BYTES + 1)
    except zlib.error:
        return b""
