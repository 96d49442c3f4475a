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
    "first_seen": day("Vintage of the first snapshot that describes it."),
    "last_seen": day("Vintage of the newest snapshot that describes it: an older one than the rest is gone since."),
    **ORIGIN,
}

PUBLISHER_DATASETS = Table(
    "meta",
    "publisher_datasets",
    "The publisher's datasets in its own words",
    "One row a dataset that the Peace & Security Data Hub has ever described, in the newest published wording; empty "
    "while no snapshot of its codebook is held. Contacts are left out before anything is stored.",
    ("dataset_id",),
    True,
    {
        "dataset_id": text("The publisher's id; meta.published_names tells which of our sources it is."),
        "title": text("Its name.", nullable=True),
        "description": text("What the publisher says it is.", nullable=True),
        "update_frequency": text("How often the publisher says it is updated.", nullable=True),
        "start_range": text("What the publisher says it begins with, as printed.", nullable=True),
        "end_range": text("What the publisher says it ends with, as printed.", nullable=True),
        "limitations": text("What the publisher warns of.", nullable=True),
        "last_update_date": day(
            "When the publisher says it was last updated; NULL where that is no date.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_COLUMNS = Table(
    "meta",
    "publisher_columns",
    "The publisher's columns in its own words",
    "One row a dataset and column that the publisher has ever defined, in the newest published wording. As published: "
    "see meta.known_defects for what is wrong in it, and marts.dictionary for our columns beside it.",
    ("dataset_id", "column_name"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column."),
        "definition": text("What the publisher says it holds.", nullable=True),
        "format": text("What the publisher says its type is.", nullable=True),
        "attributes": text(
            "The values it can have and their definitions, as JSON, where the publisher lists them.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_REVISIONS = Table(
    "meta",
    "publisher_revisions",
    "Revisions of the publisher's codebook",
    "One row a wording that changed between two vintages. The date of the last update changes with every update and "
    "is none; new and gone datasets and columns are told by first_seen and last_seen.",
    ("dataset_id", "column_name", "field", "to_vintage"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column; empty for what is said of the whole dataset."),
        "field": category("What changed.", PUBLISHER_FIELDS),
        "old_value": text("The wording before; NULL where there was none.", nullable=True),
        "new_value": text("The wording after; NULL where there is none any more.", nullable=True),
        "from_vintage": day("Newest vintage that shows the old wording."),
        "to_vintage": day("First vintage that shows the new wording."),
    },
    rules=(("from_vintage < to_vintage", "time runs forward"),),
)

PUBLISHED_NAMES = Table(
    "meta",
    "published_names",
    "Published names of our columns",
    "One row a column of main and the published column that it comes from, for the datasets of the Peace & Security "
    "Data Hub that this build has a snapshot of. Several can make one: a state comes from its name, or else its code.",
    ("table_name", "column_name", "dataset_id", "published_name"),
    True,
    {
        "source": text("Name of the source."),
        "dataset_id": text("The publisher's id of the dataset."),
        "published_name": text("The column's name in the publisher's API."),
        "table_name": text("The table of main that its rows go to."),
        "column_name": text("The column of that table."),
    },
)
