"""Options that several commands have, and the examples below a command's help."""

from __future__ import annotations

import click

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
as_of_option = click.option(
    "--as-of", metavar="DATE", help="Use the warehouse of what had been published by DATE (see refresh --as-of)."
)


def examples(*lines: str) -> str:
    """An epilog of examples, printed line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 build`, `2,000 builds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
