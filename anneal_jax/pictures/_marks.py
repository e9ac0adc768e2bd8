"""What stands beside a curve: the names of phases and cycles, and where they begin."""

from typing import TYPE_CHECKING

import numpy as np

from ..schedules._curve import begun, restarts
from ..schedules._pieces import pieces
from ..schedules._schedule import Schedule
from ._style import SMALL, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PHASES = 12  # with lines between them, at most
_CYCLES = 40
_LETTER = 0.0115  # width of one in a name, as a share of the axes


def mark(ax: "Axes", schedule: Schedule, end: int, per_step: float) -> None:
    """Lines where phases (dotted) and cycles (dashed) begin, and their names above, if they fit."""
    parts = pieces(schedule, end, _PHASES)
    joins = [part.begin for part in parts]
    fresh = _restarts(schedule, end)
    for step in {*joins, *fresh} - {0}:
        dashes = (0, (4, 3)) if step in fresh else (0, (1, 2))
        ax.axvline(step * per_step, color=ink(ax), alpha=0.35, lw=0.9, ls=dashes, zorder=0.8)
    if fresh:
        begins = [0, *fresh]
        names = [f"cycle {k}" for k in range(len(begins))]
    else:
        begins, names = joins, [part.kind for part in parts]
    for name, low, high in zip(names, begins, [*begins[1:], end], strict=True):
        short = name.removeprefix("cycle ")
        room = (high - low) / end
        told = next((x for x in (name, short) if len(x) * _LETTER < room), None)
        if told is None or len(begins) == 1:
            continue
        middle = (low + high) / 2 * per_step
        where = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        ax.text(middle, 1.01, told, fontsize=SMALL, color=ink(ax), alpha=0.75, **where)


def _restarts(schedule: Schedule, end: int) -> list[int]:
    """Where cycles begin; none if there are too many to mark."""
    last = np.array([0, end - 1])
    many = int(begun(schedule, last)[1]) > _CYCLES
    return [] if many else restarts(schedule, last).tolist()
