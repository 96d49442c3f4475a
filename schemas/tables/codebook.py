"""Tables of the publisher's codebook, and of the published names of this project's columns."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, text

PUBLISHER_FIELDS = (
    "title",
    "description",
    "update_frequency",
    "start_range",
    "end_range",
    "limitations",
    "definition",
    "format",
    "attributes",
)

_DESCRIBED = {
    "first_seen": day("Vintage of the first snapshot with the description."),
    "last_seen": day(
        "Vintage of the newest snapshot with the description; earlier than the other rows' if it was removed since."
    ),
    **ORIGIN,
}

PUBLISHER_DATASETS = Table(
    "meta",
    "publisher_datasets",
    "The publisher's datasets in its own words",
    "One row per dataset that the Peace & Security Data Hub has described, in the newest wording. Empty if the "
    "archive has no snapshot of the codebook. Contacts are removed before anything is stored.",
    ("dataset_id",),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset; meta.published_names maps it to a source."),
        "title": text("Title of the dataset.", nullable=True),
        "description": text("Description by the publisher.", nullable=True),
        "update_frequency": text("Update frequency stated by the publisher.", nullable=True),
        "start_range": text("Start of the data stated by the publisher, as printed.", nullable=True),
        "end_range": text("End of the data stated by the publisher, as printed.", nullable=True),
        "limitations": text("Limitations stated by the publisher.", nullable=True),
        "last_update_date": day(
            "Last update stated by the publisher; NULL where the text is not a date.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_COLUMNS = Table(
    "meta",
    "publisher_columns",
    "The publisher's columns in its own words",
    "One row per dataset and column that the publisher has defined, in the newest wording. As published: see "
    "meta.known_defects for its errors, and marts.dictionary for the matching columns of this warehouse.",
    ("dataset_id", "column_name"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column."),
        "definition": text("Definition by the publisher.", nullable=True),
        "format": text("Type stated by the publisher.", nullable=True),
        "attributes": text(
            "Possible values and their definitions as JSON, where the publisher lists them.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_REVISIONS = Table(
    "meta",
    "publisher_revisions",
    "Revisions of the publisher's codebook",
    "One row per text that changed between two vintages. The date of the last update is not tracked. first_seen and "
    "last_seen show new and removed datasets and columns.",
    ("dataset_id", "column_name", "field", "to_vintage"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column; empty for a text about the dataset."),
        "field": category("Field that changed.", PUBLISHER_FIELDS),
        "old_value": text("Old text; NULL where there was none.", nullable=True),
        "new_value": text("New text; NULL where it was removed.", nullable=True),
        "from_vintage": day("Newest vintage with the old text."),
        "to_vintage": day("First vintage with the new text."),
    },
    rules=(("from_vintage < to_vintage", "the new vintage is later"),),
)

PUBLISHED_NAMES = Table(
    "meta",
    "published_names",
    "Published names of our columns",
    "One row per column of main and published column that it comes from, for the datasets of the Peace & Security "
    "Data Hub in this build. A column can come from several: a state from its name, otherwise from its code.",
    ("table_name", "column_name", "dataset_id", "published_name"),
    True,
    {
        "source": text("Name of the source."),
        "dataset_id": text("The publisher's id of the dataset."),
        "published_name": text("Name of the column in the publisher's API."),
        "table_name": text("Table of main that its rows are loaded into."),
        "column_name": text("Column of that table."),
    },
)
