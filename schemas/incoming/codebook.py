"""Schema of the publisher's codebook, from which the contacts are removed before it is stored."""

from __future__ import annotations

from datetime import date

import pandera.pandas as pa

from schemas.incoming.cells import Bounds, frame_schema, text


def publisher_codebook_schema(bounds: Bounds, _vintage: date) -> pa.DataFrameSchema:
    """Codebook rows: one describes a dataset where it names no column, otherwise a column of the dataset.

    Only the dataset's id is required. Ranges and dates stay texts: the publisher writes them in free form.
    """
    described = ("column_name", "title", "description", "update_frequency", "start_range", "end_range", "limitations",
                 "last_update_date", "definition", "format", "attributes")  # fmt: skip
    cells = {"dataset_id": text("a dataset's id"), **dict.fromkeys(described, text(nullable=True))}
    return frame_schema("publisher_codebook", cells, bounds)
