"""The command `doctor`: what is well and what is not, each with what to do.

Imported by `flows.cli.main`, so nothing heavy at the top.
"""

from __future__ import annotations

import json

import click


@click.command(
    short_help="See whether everything a run needs is well.",
    epilog="\b\nExamples:\n"
    "  peacekeeping doctor                     each finding: ok, warn or bad, and what to do\n"
    "  peacekeeping doctor --json              the same for scripts",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """See whether everything a run needs is well; changes nothing.

    Versions, the data folder and its disk, the writer's lock, the archive, what killed runs left, the published
    warehouse, the Prefect server, telemetry, and the settings in force with secrets masked. The exit code is 1 when
    something is bad; a warning is none.
    """
    from flows.cli import console
    from flows.cli import doctor_checks as examiner
    from flows.cli.main import fail
    from flows.steps.settings import paths

    examiner.prepared()
    found = examiner.examine(paths())
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in found], indent=1, ensure_ascii=False))
    else:
        columns = ["state", "what", "found", "what to do"]
        console.show_table(columns, [[one.state, one.what, one.found, one.advice] for one in found])
    bad = examiner.summed(found)["bad"]
    if bad:
        fail(f"{'One thing is' if bad == 1 else f'{bad} things are'} bad: see above.")
