"""The sections, and a process for each.

A process of its own bounds what a section can do to the others: it can be stopped in the middle
of a compilation, a crash of a driver ends it alone, and its memory is given back. It prints a
line of JSON for every row as soon as it has it, so what was measured before is kept.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .measurements import FAILED, LEFT_OUT, Clock, Row, rows_of

ROOT = Path(__file__).resolve().parents[2]
GRACE = 10.0  # seconds beyond its time in which a section may end what it has begun


class Section(NamedTuple):
    """A module with `measurements(quick)`, and how much of the whole time it may take."""

    name: str
    share: float


# The last one is given all the time that the others leave.
SECTIONS = (
    Section("device", 15),
    Section("contract", 90),
    Section("overhead", 60),
    Section("plans", 25),
    Section("sweep", 50),
    Section("laws", 40),
    Section("host_snapshots", 25),
    Section("transformer", 190),
)


def seconds_for(sections: tuple[Section, ...], left: float) -> float:
    """What the first of the sections may take of the time that is left for all of them."""
    return max(left - GRACE, 0) * sections[0].share / sum(section.share for section in sections)


def here(
    name: str, seconds: float, quick: bool, begun: Callable[[str], object] = lambda what: None
) -> Iterator[Row]:
    """The rows of a section, measured in this process."""
    module = importlib.import_module(f"{__package__}.{name}")
    yield from rows_of(module.measurements(quick), Clock(seconds), begun)


def serve(name: str, seconds: float, quick: bool) -> None:
    """What the section's own process does: lines of JSON, for what it begins and what it finds."""

    def begun(what: str) -> None:
        print(json.dumps({"begun": what}), flush=True)

    for row in here(name, seconds, quick, begun):
        print(json.dumps(row._asdict()), flush=True)


def command(name: str, seconds: float, quick: bool) -> list[str]:
    """What runs `serve` in a process of its own."""
    options = ["--section", name, "--seconds", f"{seconds:.0f}", *["--quick"] * quick]
    return [sys.executable, "-m", "benchmarks.accelerator", *options]


def apart(name: str, seconds: float, command: list[str]) -> Iterator[Row]:
    """The rows of a section, measured by that command."""
    limit = seconds + GRACE
    clock, begun = Clock(limit), name
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,  # so that what the section started ends with it
        ) as process,
    ):
        timer = threading.Timer(clock.left(), _end, [process])
        timer.start()
        try:
            for line in process.stdout or []:
                if not line.startswith("{"):
                    continue  # a library's
                row = json.loads(line)
                if "begun" in row:
                    begun = row["begun"]
                else:
                    yield Row(**row)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
        if code and clock.over():
            yield Row(begun, f"{LEFT_OUT}stopped after {limit:.0f} s of its section")
        elif code:
            said.seek(0)
            last = (said.read().strip().splitlines() or ["it said nothing"])[-1]
            yield Row(begun, f"{FAILED}its process ended with code {code}: {last[:160]}")


def _end(process: subprocess.Popen) -> None:
    """Stop the process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
