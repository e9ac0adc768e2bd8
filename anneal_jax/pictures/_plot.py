"""The picture of schedules: rates over steps, or over what a horizon says that steps are."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import _checks
from .._horizon import Horizon
from .._types import Array, IntScalarLike, RealScalarLike
from ..schedules._schedule import Schedule
from ..schedules._summary import last_shown, shown_steps
from . import _style
from ._curves import Curves, curves_of
from ._marks import mark
from ._units import Unit, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawable: TypeAlias = Schedule | RealScalarLike | Callable[[Array], Any]
_DECADES = 1e-4  # of the largest rate: what is smaller is off a logarithmic axis


def plot(
    schedules: "Drawable | Sequence[Drawable] | Mapping[str, Drawable]",
    ax: "Axes | None" = None,
    *,
    steps: IntScalarLike | None = None,
    horizon: Horizon | None = None,
    unit: str | None = None,
    log: bool = False,
    second: "Drawable | Sequence[Drawable] | Mapping[str, Drawable] | None" = None,
    name: str = "learning rate",
    marks: bool | None = None,
) -> "Axes":
    """Draw schedules over their steps.

    A curve holds the largest and the least value of each of 1,024 columns, and both sides of every
    join and restart unless there are thousands. Schedules of up to 2**17 steps are asked about
    every step. In longer ones extremes are searched for between joins and restarts, so only those
    that rise and fall many times in between (noise, say) may be drawn too narrow. A batch of
    schedules, made by `jax.vmap`, is drawn as a fan.

    Args:
      schedules: one, a list, or a dictionary of schedules by name; numbers and functions of the
        step do, too.
      ax: matplotlib axes; None: new ones of pyplot.
      steps: last optimizer step to draw, at least 1. None: the horizon's total, or that of the
        longest schedule.
      horizon: what steps are in other units.
      unit: what the axis counts: "step", "%", "epoch", "example" or "token". None: the unit in
        which the horizon's total is written.
      log: whether the axis of values is logarithmic; it then ends at 1e-4 of the largest.
      second: schedules for a second axis of values, such as `{"momentum": momentum}`.
      name: label of the axis of values.
      marks: whether the beginnings of phases and cycles are marked. None: if it is one schedule.

    Returns:
      The axes (its `figure` has the second ones).

    Raises:
      ValueError: if there is no schedule, one holds tracers, or an argument does not fit.

    Example:
        >>> import anneal_jax as anneal
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 1_000)
        >>> linear = anneal.warmup_linear(3e-4, 100, 1_000)
        >>> ax = anneal.plot({"cosine": cosine, "linear": linear})  # doctest: +SKIP
    """
    _checks.flag("plot", "log", log)
    unit_of_axis = unit_of("plot", horizon, unit)
    drawn, beside = curves_of("plot", schedules), []
    if second is not None:
        beside = curves_of("plot", second)
        if len(drawn) == 1 and not isinstance(schedules, Mapping):
            drawn = [drawn[0]._replace(name=name)]
    if steps is None and horizon is not None:
        steps = horizon.total_steps
    end = _end([*drawn, *beside], steps)
    ax = _style.axes(ax)
    values = _drawn(ax, drawn, end, unit_of_axis, fill=len(drawn) == 1 and not log)
    _style.finish(ax, unit_of_axis.label, name)
    _scale(ax, values, log)
    ax.set_xlim(0, end * unit_of_axis.per_step)
    ax.xaxis.set_major_formatter(_style.count)
    alone = len(drawn) == 1 and drawn[0].size == 1
    if alone if marks is None else marks:
        for one in drawn:
            mark(ax, one.members[0], end, unit_of_axis.per_step)
    if beside:
        _draw_second(ax, beside, end, unit_of_axis, len(drawn))
    if len(drawn) + len(beside) > 1 or drawn[0].size > 1:
        _legend(ax, len(beside))
    return ax


def _end(every: Sequence[Curves], steps: Any) -> int:
    """The last step to draw."""
    if steps is not None:
        return shown_steps("plot", every[0].members[0], steps)
    members = [member for one in every for member in one.members]
    ended = [member for member in members if member.steps is not None]
    lengths = [shown_steps("plot", member, None) for member in ended or members]
    longest = int(np.argmax(lengths))
    return last_shown((ended or members)[longest], lengths[longest])


def _drawn(
    ax: "Axes", every: Sequence[Curves], end: int, unit: Unit, fill: bool, first: int = 0
) -> np.ndarray:
    """Draws the curves; all of their values."""
    found = []
    for k, curves in enumerate(every):
        look = _style.line(first + k)
        lines = curves.sampled(end)
        found += [values for _, values in lines]
        if curves.size > 1:
            _draw_fan(ax, lines, unit, look, curves.label)
            continue
        at, values = lines[0]
        style: Any = {"color": look.color, "ls": look.dashes, "lw": 1.9, "zorder": 2.5}
        ax.plot(at * unit.per_step, values, label=curves.label, **style)
        if fill:
            ax.fill_between(at * unit.per_step, values, color=look.color, alpha=0.13, lw=0)
    return np.concatenate(found)


def _draw_fan(
    ax: "Axes",
    lines: Sequence[tuple[np.ndarray, np.ndarray]],
    unit: Unit,
    look: _style.Line,
    label: str,
) -> None:
    """Every member in a thin line, and what they span."""
    at = np.unique(np.concatenate([steps for steps, _ in lines]))
    spread = np.array([np.interp(at, steps, values) for steps, values in lines])
    low, high = spread.min(axis=0), spread.max(axis=0)
    style: Any = {"color": look.color, "lw": 0}
    ax.fill_between(at * unit.per_step, low, high, alpha=0.1, **style)
    strength = float(np.clip(10 / len(lines), 0.4, 0.9))
    ax.plot([], [], color=look.color, lw=1.0, label=label)
    for steps, values in lines:
        style = {"color": look.color, "lw": 1.0, "alpha": strength, "zorder": 2}
        ax.plot(steps * unit.per_step, values, **style)


def _scale(ax: "Axes", values: np.ndarray, log: bool) -> None:
    """The axis of values: from 0, unless there are negative ones or it is logarithmic."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if log and high > 0:
        least = float(finite[finite >= _DECADES * high].min())
        ax.set_yscale("log", nonpositive="mask")
        ax.set_ylim(least / 1.3, high * 1.5)
        return
    room = 0.05 * ((high - min(low, 0.0)) or 1.0)
    ax.set_ylim(0 if low >= 0 else low - room, high + room)
    ax.yaxis.set_major_formatter(_style.number)


def _draw_second(ax: "Axes", every: Sequence[Curves], end: int, unit: Unit, first: int) -> None:
    """Curves over the same steps, with an axis of values of their own on the right."""
    other = ax.twinx()
    values = _drawn(other, every, end, unit, fill=False, first=first)
    _style.finish(other, "", every[0].name if len(every) == 1 else "")
    other.grid(False)
    other.spines["right"].set_visible(True)
    low, high = float(values.min()), float(values.max())
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    other.set_ylim(low - room, high + room)
    other.yaxis.set_major_formatter(_style.number)


def _legend(ax: "Axes", beside: int) -> None:
    """All curves, those of the second axis too."""
    every = [one for one in ax.figure.axes if one.bbox.bounds == ax.bbox.bounds]
    found = [one.get_legend_handles_labels() for one in every]
    handles = [handle for these, _ in found for handle in these]
    labels = [label for _, these in found for label in these]
    _style.legend(ax, handles=handles, labels=labels, right=1.12 if beside else 1.01)
