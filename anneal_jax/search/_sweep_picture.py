"""The pictures of a sweep: final losses over what varied, and curves."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HUES = 8  # values of a second number that have a colour each
_FACTOR = 10  # between least and most: from there on an axis is logarithmic
_FAR = 30  # times from the least loss to the median: beyond it none is drawn
_BEST, _REST = _style.RED, _style.GRAY


def varied_numbers(table: Mapping[str, np.ndarray], fixed: Collection[str]) -> list[str]:
    """The columns of numbers that differ, in their order, but for the `fixed` ones."""
    return [
        name
        for name, column in table.items()
        if name not in fixed
        and column.ndim == 1
        and column.dtype.kind in "iuf"
        and len(np.unique(column[np.isfinite(column)])) > 1
    ]


def drawn(
    table: Mapping[str, np.ndarray],
    ranked: Sequence[int],
    x: str,
    second: str | None,
    title: str,
    ax: "Axes | None",
) -> "Axes":
    """Final losses of plans over the column `x`.

    Args:
      table: that of the sweep.
      ranked: plans, best first.
      x: column to draw over.
      second: column whose values have a colour each, if they are few.
      title: what to write above.
      ax: axes to draw in, or None.
    """
    ax = _style.axes(ax)
    rows = {plan: np.flatnonzero(table["plan"] == plan) for plan in ranked}
    place = {plan: float(table[x][at[0]]) for plan, at in rows.items()}
    lost = {plan for plan, at in rows.items() if (table["status"][at] == "diverged").any()}
    losses = {plan: table["final_loss"][at] for plan, at in rows.items() if plan not in lost}
    means = {plan: float(y.mean()) for plan, y in losses.items()}
    limits = _limits(ax, np.array([*means.values()]))
    beyond = lost | {plan for plan, y in means.items() if limits and y > limits[1]}
    hues = _hues(table, {plan: at[0] for plan, at in rows.items()}, second)
    for label, color, plans in hues:
        shown = sorted((p for p in plans if p not in beyond), key=lambda p: place[p])
        at, y = [place[p] for p in shown], np.array([means[p] for p in shown])
        line = "-" if len(hues) > 1 or second is None else "none"
        ax.plot(at, y, marker="o", ms=5, ls=line, lw=1.2, color=color, label=label, zorder=2)
        ends = [(y[k] - losses[p].min(), losses[p].max() - y[k]) for k, p in enumerate(shown)]
        if np.max(ends, initial=0) > 0:
            ax.errorbar(at, y, np.transpose(ends), fmt="none", ecolor=color, lw=1, zorder=1)
        off = [place[p] for p in plans if p in beyond]
        edge = {"transform": ax.get_xaxis_transform(), "clip_on": False, "ls": "none"}
        ax.plot(off, [1.0] * len(off), marker=6, ms=8, color=color, **edge)
    if beyond:
        ax.plot([], [], marker=6, ms=8, color=_REST, ls="none", label="beyond, or diverged")
    if ranked[0] not in beyond:
        best = place[ranked[0]], means[ranked[0]]
        ax.plot(*best, marker="o", ms=12, mfc="none", mec=_BEST, mew=2, ls="none", zorder=3)
    _style.finish(ax, x.replace("_", " "), "final loss", title)
    if len(_positive(np.array([*place.values()]))):
        ax.set_xscale("log")
    if len(hues) > 1 or beyond:
        name = str(second).replace("_", " ") if len(hues) > 1 else None
        _style.legend(ax, name)
    return ax


def drawn_curves(
    curves: np.ndarray, best: np.ndarray, smooth: int, title: str, ax: "Axes | None"
) -> "Axes":
    """Training losses over steps, averaged over `smooth` of them; where `best` is true on top."""
    ax = _style.axes(ax)
    kernel = np.ones(smooth) / smooth
    for curve, top in zip(curves, best, strict=True):
        shown = np.convolve(curve, kernel, "valid") if smooth > 1 else curve
        style: Any = {"color": _REST, "lw": 0.8, "alpha": 0.6}
        if top:
            style = {"color": _BEST, "lw": 1.8, "zorder": 3}
        ax.plot(np.arange(len(shown)) + smooth, shown, **style)
    seen = curves[best][np.isfinite(curves[best])]
    if len(seen):
        finite = np.sort(curves[np.isfinite(curves)])
        low = min(float(seen.min()), float(np.quantile(finite, 0.01)))
        starts = curves[best][:, 0][np.isfinite(curves[best][:, 0])]
        high = float(max(starts.max(initial=-np.inf), np.quantile(seen, 0.98)))
        if high > low and finite[-1] > high + 0.5 * (high - low):
            ax.set_ylim(low - 0.06 * (high - low), high + 0.3 * (high - low))
    _style.finish(ax, "step", "loss", title)
    return ax


def _hues(
    table: Mapping[str, np.ndarray], first: Mapping[int, int], second: str | None
) -> list[tuple[str | None, Any, list[int]]]:
    """Plans by the value of a second column: its label, its colour, they."""
    import matplotlib as mpl

    plans = [*first]
    values = None if second is None else {p: table[second][row] for p, row in first.items()}
    found = [] if values is None else np.unique([x for x in values.values() if np.isfinite(x)])
    if values is None or not 1 < len(found) <= _HUES:
        return [(None, _style.BLUE, plans)]
    colors = mpl.colormaps["viridis"](np.linspace(0.15, 0.85, len(found)))
    hues: list[Any] = [
        (f"{x:.4g}", color, [p for p in plans if values[p] == x])
        for x, color in zip(found, colors, strict=True)
    ]
    rest = [p for p in plans if not np.isfinite(values[p])]
    return [*hues, ("none", _REST, rest)] if rest else hues


def _limits(ax: "Axes", means: np.ndarray) -> tuple[float, float] | None:
    """Sets the axis of losses to what is not far beyond those that half of the plans reach."""
    means = np.sort(means[np.isfinite(means)])
    if not len(means):
        return None
    half = means[(len(means) - 1) // 2] - means[0]
    kept = means[means <= means[0] + _FAR * half] if half > 0 else means
    if len(_positive(kept)):
        ax.set_yscale("log")
        return float(kept[0]), float(kept[-1])
    spread = float(kept[-1] - kept[0]) or abs(float(kept[0])) / 10 or 1.0
    ax.set_ylim(kept[0] - 0.12 * spread, kept[-1] + 0.12 * spread)
    return float(kept[0]), float(kept[-1])


def _positive(values: np.ndarray) -> np.ndarray:
    """The values, if they are positive and so far apart that a logarithmic axis shows them."""
    wide = len(values) and values.min() > 0 and values.max() >= _FACTOR * values.min()
    return values if wide else values[:0]
