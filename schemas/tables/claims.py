"""The tables of claims held against the warehouse (see schemas.tables for the others)."""

from __future__ import annotations

from schemas.columns import Table, category, day, flag, number, text, texts, whole

VERDICTS = (
    "confirmed",
    "confirmed with a correction",
    "depends on the definition",
    "out of date",
    "not confirmed",
    "not in the data",
)

# How a figure can be meant that is not exact.
QUALIFIERS = ("about", "more than", "less than", "at least")


CLAIMS = Table(
    "meta",
    "claims",
    "Claims held against this build",
    "One row a sentence that somebody printed. The verdict follows from the figures in meta.claim_figures by the rules "
    "of the claim's declaration, anew in each build: another vintage can give another verdict.",
    ("claim_id",),
    True,
    {
        "claim_id": text("The claim's name."),
        "number": whole("Its place in the list of claims.", unit=None, minimum=1),
        "claim": text("What is claimed, in this project's words."),
        "printed_in": text("Where it was printed."),
        "printed_on": day("When it was printed."),
        "stated": text("The figure stated, with its qualifier; NULL where the claim states none.", nullable=True),
        "unit": text("Unit of the figure stated and of the figures that name no other.", nullable=True),
        "verdict": category("What the figures say of it.", VERDICTS),
        "because": text("Why, with the figures."),
        "caveats": text("What a reader must know before citing it.", nullable=True),
        "citation": text("How to cite what it rests on, with the vintages."),
        "sources": texts("Source of each snapshot in snapshot_sha256s, in the same order."),
        "snapshot_sha256s": texts("The snapshots that it rests on (meta.snapshots)."),
        "rows_sql": text("Query for the rows behind the main figure."),
    },
    hazards=("A verdict without its definition misleads: cite the figures of meta.claim_figures with it.",),
)

CLAIM_FIGURES = Table(
    "meta",
    "claim_figures",
    "Figures behind the claims",
    "One row a claim and definition: the ladder of neighbouring definitions, the one that the claim most plainly means "
    "(is_main) and those that a reader could take for it.",
    ("claim_id", "position"),
    True,
    {
        "claim_id": text("The claim (meta.claims)."),
        "position": whole("Place in the ladder, from 1.", unit=None, minimum=1),
        "definition_id": text("The definition's name, as the claim's rules use it."),
        "label": text("The definition in a few words."),
        "definition": text("The definition in one sentence."),
        "is_main": flag("Whether the claim most plainly means it."),
        "value_text": text(
            "The figure as it is shown, with its qualifier: a number, a day or a text; NULL is no data.", nullable=True
        ),
        "value": number(
            "The figure where it is a number, to six decimals; read it with its qualifier.",
            unit=None,
            nullable=True,
            minimum=-1e15,
            maximum=1e15,
        ),
        "unit": text("Unit of the figure; NULL where it is no number.", nullable=True),
        "pending": whole(
            "How many values that it depends on are still to be determined; NULL where none can be.",
            unit="value",
            nullable=True,
        ),
        "qualifier": category("How the figure is meant; NULL where it is exact.", QUALIFIERS, nullable=True),
        "sql": text("Query that gives it."),
    },
    rules=(("value IS NULL OR value_text IS NOT NULL", "a number is shown"),),
)
