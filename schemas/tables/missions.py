"""Tables of missions and of the other printed forms of their acronyms."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, flag, number, text, whole

MISSION_KINDS = ("peacekeeping", "special_political", "support", "other", "unspecified", "unresolved")
DATE_PRECISIONS = ("day", "first_of_month", "month", "year")
UNSPECIFIED_MISSION = "UNSPECIFIED"

MISSIONS = Table(
    "main",
    "missions",
    "Missions",
    "One row a mission: the publisher's list of peacekeeping operations, and this project's register for the "
    "special political missions and offices that no list has.",
    ("mission",),
    True,
    {
        "mission": text("The mission's acronym, the form all tables use; UNSPECIFIED where a report prints none."),
        "name": text("Full name.", nullable=True),
        "kind": category(
            "peacekeeping, special political, support office, other; unspecified: the report prints no "
            "mission; unresolved: an acronym that neither the list nor the register knows.",
            MISSION_KINDS,
        ),
        "lead_department": text("DPO or DPPA, as the publisher's list has it.", nullable=True),
        "is_active": flag(
            "Whether the publisher's list calls it active, corrected; NULL where not listed.", nullable=True
        ),
        "start_date": day("First day; see start_date_precision.", nullable=True),
        "start_date_precision": category(
            "How exact start_date is; first_of_month: the list prints the 1st, which it "
            "also does where it knows only the month.",
            DATE_PRECISIONS,
            nullable=True,
        ),
        "end_date": day("Last day; see end_date_precision. NULL while it runs or where unknown.", nullable=True),
        "end_date_precision": category("How exact end_date is.", DATE_PRECISIONS, nullable=True),
        "headquarters": text("Place of the headquarters.", nullable=True),
        "longitude": number(
            "Longitude of the headquarters, east positive.", unit="degree", nullable=True, minimum=-180, maximum=180
        ),
        "latitude": number(
            "Latitude of the headquarters, north positive.", unit="degree", nullable=True, minimum=-90, maximum=90
        ),
        "host_iso3": text("ISO3 of the host states or territories, separated by semicolons.", nullable=True),
        "part_of": text("The umbrella mission of which this one is a part (UNOSOM of UNOSOM I).", nullable=True),
        "predecessor": text("The mission it took over from.", nullable=True),
        "successor": text("The mission that took over.", nullable=True),
        "in_published_list": flag("Whether the publisher's list has it."),
        "source": text("Where the row's facts come from."),
        "note": text("What a reader must know.", nullable=True),
        "snapshot_sha256": text(
            "The snapshot this row comes from: of the list, else of the register; NULL for an unresolved acronym.",
            nullable=True,
            pattern=SHA256,
        ),
        "snapshot_row": whole("The row's number in that snapshot.", unit="row", nullable=True, minimum=1),
    },
    hazards=("Umbrella missions (UNOSOM, UNAVEM, UNEF) stand beside their parts: never add both.",),
)

MISSION_ALIASES = Table(
    "main",
    "mission_aliases",
    "Mission aliases",
    "Other printed forms of a mission's acronym, and which mission is meant.",
    ("alias",),
    True,
    {
        "alias": text("The printed form."),
        "mission": text("The mission meant.", references="missions.mission"),
        "note": text("Why they are the same.", nullable=True),
    },
)
