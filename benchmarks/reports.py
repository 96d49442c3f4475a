"""How long the published reports take to read, each in this process on one core.

    python benchmarks/reports.py FOLDER

FOLDER has the publisher's PDFs. Seconds of CPU, without the imports.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from transforms.reports.reading import read_report


def main() -> None:
    """Measure and print, the slowest last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    measured = []
    for path in sorted(parser.parse_args().folder.glob("*.pdf")):
        began = time.process_time()
        with path.open("rb") as file:
            (frame, _, rows), _ = read_report(file)
        seconds = time.process_time() - began
        measured.append((seconds, frame["month_end"].iloc[0], frame["report_layout"].iloc[0], rows, path.name))
    for seconds, month_end, layout, rows, name in sorted(measured):
        print(f"{seconds:6.2f} s  {month_end}  {layout:3}  {rows:5,} rows  {name}")


if __name__ == "__main__":
    main()
