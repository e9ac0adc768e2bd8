"""What a section is made of: measurements, each of which may fail without stopping the next.

A section is a function `measurements(quick)` that yields them one by one; `quick` asks for sizes
that show in seconds, on a CPU, that all of it runs.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

FAILED, LEFT_OUT = "failed: ", "left out: "


class Row(NamedTuple):
    """One line of the table, and the numbers behind it."""

    what: str
    figure: str  # what was measured, with its unit
    goal: str = ""
    values: dict[str, Any] | None = None  # what the file keeps besides


class Clock:
    """The time that a section has."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the end; below 0 after it."""
        return self._end - time.monotonic()

    def over(self) -> bool:
        """Whether no more should be measured."""
        return self.left() <= 0


class Measurement(NamedTuple):
    """A named part of a section; `run` yields rows, and may look at the clock between them."""

    what: str
    run: Callable[[Clock], Iterable[Row]]


class LeftOut(Exception):
    """Why something cannot be measured here: no failure."""


def told(error: BaseException) -> str:
    """What an error says in the table: its first line, not too long."""
    if isinstance(error, LeftOut):
        return f"{LEFT_OUT}{error}"
    lines = str(error).strip().splitlines() or [""]
    return f"{FAILED}{type(error).__name__}: {lines[0][:160]}"


def rows_of(
    measurements: Iterable[Measurement],
    clock: Clock,
    begun: Callable[[str], object] = lambda what: None,
) -> Iterator[Row]:
    """All rows; where a measurement raises, one that says so, and the next measurement is made.

    `begun` is told what is measured next.
    """
    for one in measurements:
        if clock.over():
            yield Row(one.what, f"{LEFT_OUT}the time of this section is used up")
            continue
        begun(one.what)
        try:
            yield from one.run(clock)
        except Exception as error:
            yield Row(one.what, told(error))
