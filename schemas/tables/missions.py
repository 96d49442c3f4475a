"""Tables of missions and of the other printed forms of their acronyms."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, flag, number, text, whole

MISSION_KINDS = ("peacekeeping", "special_political", "support", "other", "unspecified", "unresolved")
DATE_PRECISIONS = ("day", "first_of_month", "month", "year")
UNSPECIFIED_MISSION = "UNSPECIFIED"
HOST_ROLES = ("host", "area")

MISSIONS = Table(
    "main",
    "missions",
    "Missions",
    "One row per mission, from the publisher's list of peacekeeping operations and this project's register of "
    "missions that the list does not have (special political missions and offices).",
    ("mission",),
    True,
    {
        "mission": text(
            "The mission's acronym, in the form used in all tables; UNSPECIFIED for rows whose report prints no "
            "mission."
        ),
        "name": text("Full name, from the list, otherwise from the register.", nullable=True),
        "kind": category(
            "peacekeeping, special_political, support (support office) or other; unspecified: the report prints no "
            "mission; unresolved: the acronym is in neither the list nor the register.",
            MISSION_KINDS,
        ),
        "lead_department": text("Lead department (DPO or DPPA) in the publisher's list.", nullable=True),
        "is_active": flag(
            "Whether the mission is active, from the publisher's list after corrections; NULL where not listed.",
            nullable=True,
        ),
        "start_date": day("First day; see start_date_precision.", nullable=True),
        "start_date_precision": category(
            "Precision of start_date; first_of_month: the list prints the 1st, which can stand for the month alone.",
            DATE_PRECISIONS,
            nullable=True,
        ),
        "end_date": day(
            "Last day; see end_date_precision. NULL if the mission is active or the day unknown.", nullable=True
        ),
        "end_date_precision": category("Precision of end_date.", DATE_PRECISIONS, nullable=True),
        "headquarters": text("Place of the headquarters.", nullable=True),
        "longitude": number(
            "Longitude of the headquarters, east positive.", unit="degree", nullable=True, minimum=-180, maximum=180
        ),
        "latitude": number(
            "Latitude of the headquarters, north positive.", unit="degree", nullable=True, minimum=-90, maximum=90
        ),
        "part_of": text("Umbrella mission that this one is part of (UNOSOM for UNOSOM I).", nullable=True),
        "predecessor": text("Mission that this one replaced.", nullable=True),
        "successor": text("Mission that replaced this one.", nullable=True),
        "in_published_list": flag("Whether the mission is in the publisher's list."),
        "source": text("Source of the row."),
        "note": text("Caveats.", nullable=True),
        "snapshot_sha256": text(
            "Snapshot that the row comes from: the list, otherwise the register; NULL for an unresolved acronym.",
            nullable=True,
            pattern=SHA256,
        ),
        "snapshot_row": whole("Number of the row in that snapshot.", unit="row", nullable=True, minimum=1),
    },
    hazards=("Umbrella missions (UNOSOM, UNAVEM, UNEF) and their parts both have rows: never add them.",),
)

MISSION_HOSTS = Table(
    "main",
    "mission_hosts",
    "Host states of missions",
    "One row per mission and state or territory in which it is or was, with the UN's regions of the state.",
    ("mission", "host_iso3"),
    True,
    {
        "mission": text("Mission.", references="missions.mission"),
        "host_iso3": text(
            "State or territory, by its code of today (ESH, XKX, SRB before 2006).", references="countries.iso3"
        ),
        "host": text("Its short English name."),
        "region": text("Its UN M49 region (countries).", nullable=True),
        "sub_region": text("Its UN M49 sub-region.", nullable=True),
        "intermediate_region": text("Its UN M49 intermediate region.", nullable=True),
        "role": category(
            "host: the mission is there; area: a state in the area of a regional office's mandate.", HOST_ROLES
        ),
        "host_from": day("First day there, where it is not the mission's; NULL: with the mission.", nullable=True),
        "host_until": day("Last day there, where it is not the mission's; NULL: with the mission.", nullable=True),
        "sources_disagree": flag("Whether sources disagree on the mission's host states."),
        "source": text("Where the host was read."),
        "note": text("Caveats.", nullable=True),
    },
    hazards=("A mission with several hosts has several rows: never add missions' figures over hosts.",),
)

MISSION_ALIASES = Table(
    "main",
    "mission_aliases",
    "Mission aliases",
    "One row per alternative printed form of a mission's acronym.",
    ("alias",),
    True,
    {
        "alias": text("The printed form."),
        "mission": text("Mission that it refers to.", references="missions.mission"),
        "note": text("Reason for the match.", nullable=True),
    },
)
