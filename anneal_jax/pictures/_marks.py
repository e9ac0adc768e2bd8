"""What stands beside a curve: the names of phases and cycles, and where they begin."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..schedules._curve import begun, restarts
from ..schedules._pieces import pieces
from ..schedules._schedule import Schedule
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PHASES = 12  # with lines between them, at most
_CYCLES = 40
_LETTER = 0.07  # inches of width, of one in a name


def mark(ax: "Axes", schedule: Schedule, end: int, per_step: float) -> None:
    """Lines where phases (dotted) and cycles (dashed) begin, and their names above, if they fit."""
    parts = pieces(schedule, end, _PHASES)
    joins = [part.begin for part in parts]
    fresh = _restarts(schedule, end)
    for step in {*joins, *fresh} - {0}:
        dashes = (0, (4, 3)) if step in fresh else (0, (1, 2))
        ax.axvline(step * per_step, color=_style.ink(ax), alpha=0.35, lw=0.9, ls=dashes, zorder=0.8)
    if fresh:
        begins = [0, *fresh]
        names = [f"cycle {k}" for k in range(len(begins))]
    else:
        begins, names = joins, [part.kind for part in parts]
    if len(begins) > 1:
        spans = [*zip(begins, [*begins[1:], end], strict=True)]
        _name(ax, names if not fresh else _fitting(ax, names, spans, end), spans, end, per_step)


def _fitting(ax: "Axes", names: list[str], spans: list[tuple[int, int]], end: int) -> list[str]:
    """The names of cycles; their numbers alone, unless all have room."""
    letters = _letters(ax, end)
    roomy = all(len(x) < letters * (b - a) for x, (a, b) in zip(names, spans, strict=True))
    return names if roomy else [name.removeprefix("cycle ") for name in names]


def _letters(ax: "Axes", end: int) -> float:
    """Letters that have room above a step."""
    figure: Any = ax.get_figure(root=True)
    width = ax.get_position().width * figure.get_figwidth()
    return width / (_LETTER * end)


def _name(
    ax: "Axes", names: list[str], spans: list[tuple[int, int]], end: int, per_step: float
) -> None:
    """Writes the names that have room."""
    letters = _letters(ax, end)
    for name, (low, high) in zip(names, spans, strict=True):
        if len(name) < letters * (high - low):
            where: Any = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
            style: Any = {"fontsize": _style.SMALL, "color": _style.ink(ax), "alpha": 0.75}
            ax.text((low + high) / 2 * per_step, 1.01, name, **where, **style)


def _restarts(schedule: Schedule, end: int) -> list[int]:
    """Where cycles begin; none if there are too many to mark."""
    last = np.array([0, end - 1])
    many = int(begun(schedule, last)[1]) > _CYCLES
    return [] if many else restarts(schedule, last).tolist()
