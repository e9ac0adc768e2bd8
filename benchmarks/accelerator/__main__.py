"""`python -m benchmarks.accelerator`: what this machine's accelerator shows, in one table.

Without an accelerator it measures the CPU, at the same sizes unless told `--quick`. It needs no
network; PyTorch, which one section compares with, may be missing. The table is saved as JSON,
after every section, with the numbers behind it. Exit code 1 where a measurement failed.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .measurements import FAILED, Row
from .sections import SECTIONS, apart, command, here, seconds_for, serve


def main(arguments: list[str] | None = None) -> int:
    """Run the sections and print the table."""
    options = parse(arguments)
    if options.section:
        serve(options.section, options.seconds, options.quick)
        return 0
    sections = tuple(s for s in SECTIONS if s.name in (options.only or [s.name]))
    end = time.monotonic() + 60 * options.minutes
    found: dict[str, list[Row]] = {}
    took: dict[str, float] = {}
    for number, section in enumerate(sections):
        begin = time.monotonic()
        rows = found[section.name] = []
        seconds = seconds_for(sections[number:], end - begin)
        for row in rows_of_section(options, section.name, seconds):
            rows.append(row)
            print(f"{section.name}: {row.what}: {row.figure}", file=sys.stderr, flush=True)
        took[section.name] = round(time.monotonic() - begin, 1)
        save(options.out, found, took)
    print(table(found))
    print(f"\n{sum(took.values()):.0f} s; written to {options.out}")
    return int(any(row.figure.startswith(FAILED) for rows in found.values() for row in rows))


def rows_of_section(options: argparse.Namespace, name: str, seconds: float) -> Iterator[Row]:
    """Measured here or, so that it cannot harm the others, in a process of its own."""
    if options.here:
        return here(name, seconds, options.quick)
    return apart(name, seconds, command(name, seconds, options.quick))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser("python -m benchmarks.accelerator", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0, help="for all of it")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only whether it runs")
    parser.add_argument("--only", nargs="+", choices=names, metavar="SECTION", help=str(names))
    parser.add_argument("--here", action="store_true", help="all sections in this process")
    parser.add_argument("--out", type=Path, default=Path("accelerator.json"))
    parser.add_argument("--section", choices=names, help=argparse.SUPPRESS)  # as a child
    parser.add_argument("--seconds", type=float, default=60.0, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def save(path: Path, found: dict[str, list[Row]], took: dict[str, float]) -> None:
    """Everything so far, for machines to read."""
    sections = {
        name: {"seconds": took[name], "rows": [row._asdict() for row in rows]}
        for name, rows in found.items()
    }
    path.write_text(json.dumps(sections, indent=1) + "\n", "utf-8")


def table(found: dict[str, list[Row]]) -> str:
    """All rows under each other."""
    header = ("what", "measured", "goal")
    rows = [header, *((r.what, r.figure, r.goal) for rows in found.values() for r in rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"| {' | '.join(cell.ljust(n) for cell, n in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


if __name__ == "__main__":
    sys.exit(main())
