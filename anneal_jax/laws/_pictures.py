"""The pictures of predictions: a loss curve in its band, final losses with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import _style
from ..schedules._curve import COLUMNS, telling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BEGUN = 0.1  # of the steps: earlier losses do not set the axis
_ROW = 0.42  # inches


def drawn_prediction(
    losses: np.ndarray,
    band: tuple[np.ndarray, np.ndarray, float],
    label: str,
    ax: "Axes | None",
) -> "Axes":
    """A loss curve over its steps.

    Args:
      losses: the loss after each step.
      band: the ends of its intervals, and their probability.
      label: what to call it in the legend.
      ax: axes to draw in, or None; where other curves are, it gets another look.
    """
    new, ax = ax is None, _style.axes(ax)
    color, dashes = _style.line(len(ax.lines))
    kept = telling(np.arange(len(losses)), np.nan_to_num(losses, posinf=1e30), COLUMNS)
    at = np.flatnonzero(kept) + 1  # the loss after one step stands at 1
    style: Any = {"color": color, "ls": dashes, "lw": 1.9, "zorder": 2.5}
    ax.plot(at, losses[kept], label=label, **style)
    low, high, probability = band
    ax.fill_between(at, low[kept], high[kept], color=color, alpha=0.2, lw=0)
    begun = losses[int(_BEGUN * len(losses)) :]
    top = float(np.max(begun[np.isfinite(begun)], initial=high[-1]))
    _widen(ax, float(low[-1]), top, new)
    _style.finish(ax, "optimizer step", "loss", f"bands: {100 * probability:g}% intervals")
    ax.xaxis.set_major_formatter(_style.count)
    _style.legend(ax)
    return ax


def _widen(ax: "Axes", low: float, high: float, new: bool) -> None:
    """Limits that show these losses, and what was shown before."""
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    limits = low - room, high + room
    if not new and not ax.get_autoscaley_on():
        before = ax.get_ylim()
        limits = min(limits[0], before[0]), max(limits[1], before[1])
    ax.set_ylim(*limits)


def drawn_comparison(
    names: Sequence[str],
    losses: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    worse: np.ndarray,
    ax: "Axes | None",
) -> "Axes":
    """Final losses with their intervals, the lowest on top.

    Args:
      names: of the schedules, best first.
      losses: their predicted final losses.
      low: lower ends of the intervals.
      high: upper ends.
      worse: the probability that each ends higher than the first.
      ax: axes to draw in, or None.
    """
    size = (_style.FIGSIZE[0], 1.1 + _ROW * len(names))
    ax = _style.axes(ax, size)
    rows = np.arange(len(names))
    best = [_style.RED if k == 0 else _style.BLUE for k in rows]
    ax.hlines(rows, low, high, color=best, lw=5, alpha=0.3, zorder=2)
    ax.scatter(losses, rows, c=best, s=42, zorder=3)
    for k in rows[1:]:
        word = f"P(higher) {100 * worse[k]:.0f}%"
        where = {"transform": ax.get_yaxis_transform(), "va": "center", "ha": "left"}
        ax.text(1.02, k, word, color=_style.ink(ax), alpha=0.75, fontsize=_style.SMALL, **where)
    ax.set_yticks(rows, names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    _style.finish(ax, "predicted final loss", "")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def drawn_choice(
    losses: Mapping[float, float], best: float, xlabel: str, ax: "Axes | None"
) -> "Axes":
    """Predicted final losses over a number that was tried; the best ringed."""
    ax = _style.axes(ax)
    at = sorted(losses)
    style: Any = {"color": _style.BLUE, "marker": "o", "ms": 5, "lw": 1.6, "zorder": 2}
    ax.plot(at, [losses[x] for x in at], **style)
    style = {"marker": "o", "ms": 12, "mfc": "none", "mec": _style.RED, "mew": 2, "zorder": 3}
    ax.plot([best], [losses[best]], ls="none", **style)
    title = f"best: {best:.3g}, loss {losses[best]:.4g}"
    _style.finish(ax, xlabel, "predicted final loss", title)
    return ax


def drawn_fit(
    curves: Sequence[np.ndarray],
    measured: Sequence[tuple[np.ndarray, np.ndarray]],
    ax: "Axes | None",
) -> "Axes":
    """The law's curves, and the losses that were measured, of each run."""
    ax = _style.axes(ax)
    tops, bottoms = [], []
    for k, (curve, (steps, losses)) in enumerate(zip(curves, measured, strict=True)):
        color, dashes = _style.line(k)
        dots: Any = {"color": color, "s": 14, "alpha": 0.45, "lw": 0, "zorder": 2}
        ax.scatter(steps + 1, losses, **dots)
        at = np.arange(1, len(curve) + 1)
        kept = telling(at, np.nan_to_num(curve, posinf=1e30), COLUMNS)
        style: Any = {"color": color, "ls": dashes, "lw": 1.7, "label": f"run {k}", "zorder": 3}
        ax.plot(at[kept], curve[kept], **style)
        late = losses[steps >= _BEGUN * len(curve)]
        tops.append(late.max(initial=losses[-1]))
        bottoms.append(min(losses.min(), curve[-1]))
    _widen(ax, float(min(bottoms)), float(max(tops)), True)
    _style.finish(ax, "optimizer step", "loss", "lines: the law; dots: the runs")
    ax.xaxis.set_major_formatter(_style.count)
    if len(curves) > 1:
        _style.legend(ax)
    return ax
