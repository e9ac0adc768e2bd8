"""The pieces of a schedule: which formula rules from which step to which.

A composition knows its joins, so a picture need not look for them and a table can name what lies
between. A schedule is asked about its first `end` steps. Where there are more than `most` pieces,
those of cycles are told as one: a million restarts are one piece.

A class without a rule here is one piece, and what comes after its length is held.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._algebra import Mapped, Maximum, Minimum, Pair, Product, Sum
from ._join import Join
from ._repeat import Repeat
from ._schedule import Schedule
from ._tables import Interpolated, PiecewiseConstant
from ._time import Every, Reverse, Shift, Until
from ._time_scale import TimeScale

HELD = "held"
STILL = ("Constant", HELD)  # nothing moves in these
_SIGNS = {Sum: "{} + {}", Product: "{} * {}", Minimum: "min({}, {})", Maximum: "max({}, {})"}


class Piece(NamedTuple):
    """What rules from step `begin` to the one before step `end`: the name of a class, as a rule."""

    kind: str
    begin: int
    end: int


@functools.singledispatch
def pieces(schedule: Schedule, end: int, most: int) -> list[Piece]:
    """The pieces of a schedule whose numbers are known, in order, from step 0 to step `end`."""
    del most
    return _lasting(type(schedule).__name__, schedule, end)


def _lasting(kind: str, schedule: Schedule, end: int) -> list[Piece]:
    """One piece as long as the schedule, and its last value after that."""
    length: Any = schedule.steps
    stop = end if length is None else min(int(length), end)
    return _some([Piece(kind, 0, stop), Piece(HELD, stop, end)])


def _some(found: Iterable[Piece]) -> list[Piece]:
    """Those that are not empty."""
    return [piece for piece in found if piece.begin < piece.end]


def _moved(found: Iterable[Piece], steps: int, low: int, high: int) -> list[Piece]:
    """Pieces `steps` later, cut off at `low` and `high`."""
    return _some(Piece(p.kind, max(p.begin + steps, low), min(p.end + steps, high)) for p in found)


def kinds_in(found: Iterable[Piece]) -> str:
    """The names of pieces, each once."""
    return ", ".join(dict.fromkeys(piece.kind for piece in found))


@pieces.register
def _(schedule: Join, end: int, most: int) -> list[Piece]:
    starts = [int(start) for start in schedule.starts if start < end]
    if len(starts) > most:
        names = ", ".join(dict.fromkeys(type(group).__name__ for group in schedule.groups))
        return _lasting(f"phases of {names}", schedule, end)
    segments = schedule.segments[: len(starts)]

    def found(each: int) -> list[Piece]:
        parts: list[Piece] = []
        for segment, low, high in zip(segments, starts, [*starts[1:], end], strict=True):
            parts += _moved(pieces(segment, high - low, each) if high > low else [], low, low, high)
        return parts

    parts = found(most)
    return parts if len(parts) <= most else found(1)


@pieces.register
def _(schedule: Repeat, end: int, most: int) -> list[Piece]:
    base: Any = schedule.schedule.steps
    begins = _begins(schedule, int(base), end, most)
    inner = pieces(schedule.schedule, max(int(base), 1), most)
    counted = schedule.shifts is None or not np.any(schedule.shifts)
    if len(begins) * len(inner) > most or not counted:
        return _lasting(f"cycles of {kinds_in(inner)}", schedule, end)
    length: Any = schedule.steps
    stop = end if length is None else min(int(length), end)
    parts: list[Piece] = []
    for k, (low, high) in enumerate(zip(begins, [*begins[1:], stop], strict=True)):
        own = base if schedule.starts is None else schedule.lengths[k]
        scale: Any = TimeScale(int(own), int(base))
        moved = [Piece(p.kind, scale(p.begin), scale(p.end)) for p in inner]
        parts += _moved(moved, low, low, high)
    return [*parts, *_some([Piece(HELD, stop, end)])]


def _begins(schedule: Repeat, base: int, end: int, most: int) -> list[int]:
    """Where cycles begin before step `end`: all of them, or one more than `most`."""
    count: Any = most + 1 if schedule.cycles is None else min(int(schedule.cycles), most + 1)
    if schedule.starts is None:
        return list(range(0, min(end, count * base), base))
    return [int(start) for start in schedule.starts[:-1][:count] if start < end]


@pieces.register
def _(schedule: Shift, end: int, most: int) -> list[Piece]:
    offset: Any = int(schedule.offset)
    held = _some([Piece(HELD, 0, min(offset, end))])
    if offset >= end:
        return held
    return held + _moved(pieces(schedule.schedule, end - offset, most), offset, max(offset, 0), end)


@pieces.register
def _(schedule: Until, end: int, most: int) -> list[Piece]:
    stop: Any = min(int(schedule.end), end)
    found = pieces(schedule.schedule, stop, most) if stop else []
    return [*found, *_some([Piece(HELD, stop, end)])]


@pieces.register
def _(schedule: Every, end: int, most: int) -> list[Piece]:
    interval: Any = int(schedule.interval)
    found = pieces(schedule.schedule, -(-end // interval), most)
    return _moved((Piece(p.kind, p.begin * interval, p.end * interval) for p in found), 0, 0, end)


@pieces.register
def _(schedule: Reverse, end: int, most: int) -> list[Piece]:
    length: Any = int(schedule.steps)
    found = reversed(pieces(schedule.schedule, length, most) if length else [])
    mirrored = _moved((Piece(p.kind, length - p.end, length - p.begin) for p in found), 0, 0, end)
    return [*mirrored, *_some([Piece(HELD, min(length, end), end)])]


@pieces.register
def _(schedule: Mapped, end: int, most: int) -> list[Piece]:
    return pieces(schedule.schedule, end, most)


@pieces.register
def _(schedule: Pair, end: int, most: int) -> list[Piece]:
    both = pieces(schedule.first, end, most), pieces(schedule.second, end, most)
    edges = sorted({piece.begin for found in both for piece in found} | {end})
    if len(edges) > most + 1:
        kind = _combined(type(schedule), *(kinds_in(found) for found in both))
        return _lasting(kind, schedule, end)
    rulers = [[next(p.kind for p in found if p.begin <= at < p.end) for found in both]
              for at in edges[:-1]]  # fmt: skip
    spans = zip(rulers, edges, edges[1:], strict=False)
    return [Piece(_combined(type(schedule), *kinds), low, high) for kinds, low, high in spans]


def _combined(pair: type[Schedule], first: str, second: str) -> str:
    """The name of two at once; what is still needs no mention beside what moves."""
    moving = [kind for kind in (first, second) if kind not in STILL]
    if len(moving) == 2:
        return _SIGNS.get(pair, pair.__name__ + "({}, {})").format(*moving)
    return moving[0] if moving else HELD if HELD in (first, second) else "Constant"


@pieces.register
def _(schedule: PiecewiseConstant, end: int, most: int) -> list[Piece]:
    return _tabled(schedule, "Constant", [0, *schedule.boundaries[: most + 1]], end, most)


@pieces.register
def _(schedule: Interpolated, end: int, most: int) -> list[Piece]:
    kind = getattr(schedule.shape, "__name__", "Interpolated")
    knots = [int(knot) for knot in schedule.knots[: most + 2]]
    before = [Piece("Constant", 0, min(knots[0], end))]
    found = _tabled(schedule, kind, knots, end, most)
    return _some(before) + [p if p.begin < knots[-1] else p._replace(kind=HELD) for p in found]


def _tabled(
    schedule: Schedule, kind: str, edges: Sequence[Any], end: int, most: int
) -> list[Piece]:
    places = [int(edge) for edge in edges if edge < end]
    if not places:
        return []
    if len(places) > most:
        return _lasting(type(schedule).__name__, schedule, end)
    return [Piece(kind, low, high) for low, high in zip(places, [*places[1:], end], strict=True)]
