"""Tables of claims that are checked against the warehouse."""

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

# Qualifiers of figures that are not exact.
QUALIFIERS = ("about", "more than", "less than", "at least")


CLAIMS = Table(
    "meta",
    "claims",
    "Claims checked against this build",
    "One row per published claim. Each build computes the verdict from the figures in meta.claim_figures by the rules "
    "of the claim's declaration: another vintage can give another verdict.",
    ("claim_id",),
    True,
    {
        "claim_id": text("Id of the claim."),
        "number": whole("Position in the list of claims.", unit=None, minimum=1),
        "claim": text("The claim, in this project's words."),
        "printed_in": text("Publication that printed it."),
        "printed_on": day("Day of publication."),
        "stated": text("Stated figure, with its qualifier; NULL where the claim states none.", nullable=True),
        "unit": text("Unit of the stated figure, and of the figures without a unit of their own.", nullable=True),
        "verdict": category("Result of comparing the claim with the figures.", VERDICTS),
        "because": text("Reason for the verdict, with the figures."),
        "caveats": text("Caveats for citing it.", nullable=True),
        "citation": text("Citation of the sources that it is based on, with the vintages."),
        "sources": texts("Source of each snapshot in snapshot_sha256s, in the same order."),
        "snapshot_sha256s": texts("Snapshots that it is based on (meta.snapshots)."),
        "rows_sql": text("Query for the rows behind the main figure."),
    },
    hazards=("A verdict without its definition is misleading: cite it with the figures of meta.claim_figures.",),
)

CLAIM_FIGURES = Table(
    "meta",
    "claim_figures",
    "Figures behind the claims",
    "One row per claim and definition: the most plausible reading of the claim (is_main) and the other definitions "
    "that could be meant.",
    ("claim_id", "position"),
    True,
    {
        "claim_id": text("Claim (meta.claims)."),
        "position": whole("Position among the definitions of the claim, from 1.", unit=None, minimum=1),
        "definition_id": text("Id of the definition in the claim's rules."),
        "label": text("The definition in a few words."),
        "definition": text("The definition in one sentence."),
        "is_main": flag("Whether it is the most plausible reading of the claim."),
        "value_text": text(
            "Figure as displayed, with its qualifier: a number, a day or a text; NULL means no data.", nullable=True
        ),
        "value": number(
            "Figure if it is a number, to six decimals; read it with its qualifier.",
            unit=None,
            nullable=True,
            minimum=-1e15,
            maximum=1e15,
        ),
        "unit": text("Unit of the figure; NULL where it is not a number.", nullable=True),
        "pending": whole(
            "Number of values still to be determined that it depends on; NULL where none can be.",
            unit="value",
            nullable=True,
        ),
        "qualifier": category("Qualifier of the figure; NULL where it is exact.", QUALIFIERS, nullable=True),
        "sql": text("Query that computes the figure."),
    },
    rules=(("value IS NULL OR value_text IS NOT NULL", "a number has a displayed text"),),
)
