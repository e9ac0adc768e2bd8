"""The picture of a range test."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pictures import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def drawn(
    test: Any,
    runs: Sequence[np.ndarray],
    found: Mapping[str, float],
    spread: Mapping[str, tuple[float, float]],
    ax: "Axes | None",
) -> "Axes":
    """Losses of a `RangeTest` over rates, and a line (over a band, of several runs) for each rule.

    Args:
      test: the `RangeTest`.
      runs: the smoothed losses of each run, up to its end.
      found: the suggested rates by rule; empty if there are none.
      spread: the least and the largest suggestion of the runs, by rule.
      ax: axes to draw in, or None.
    """
    ax = _style.axes(ax)
    alpha = max(0.25, 1 / len(runs))
    for raw, mean in zip(test.losses, runs, strict=True):
        style: Any = {"color": _style.GRAY, "lw": 0.7, "alpha": 0.6 * alpha, "zorder": 1}
        ax.plot(test.rates, raw, **style)
        style = {"color": _style.BLUE, "lw": 2, "alpha": max(0.5, alpha), "zorder": 2}
        ax.plot(test.rates[: len(mean)], mean, **style)
    ax.set_xscale("log" if test.spacing == "exponential" else "linear")
    title = test.note or "loss: smoothed (blue), of each step (gray)"
    _style.finish(ax, test.name.replace("_", " "), "loss", title)
    if (limits := _limits(test.losses, runs)) is not None:
        ax.set_ylim(limits)
    for k, (rule, rate) in enumerate(found.items(), 1):
        color, dashes = _style.line(k)
        style = {"color": color, "ls": dashes, "lw": 1.6, "zorder": 3}
        ax.axvline(rate, label=f"{rule} {rate:.2e}", **style)
        if len(runs) > 1:
            ax.axvspan(*spread[rule], color=color, alpha=0.12, lw=0, zorder=0)
    if found:
        _style.legend(ax)
    return ax


def _limits(losses: np.ndarray, runs: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """Losses from a bit below the least to half as far again as where the descent began."""
    spans = []
    for raw, mean in zip(losses, runs, strict=True):
        if not len(mean):
            continue
        upto = int(np.argmin(mean)) + 1
        least = min(mean.min(), np.quantile(raw[: len(mean)], 0.02))
        most = max(mean[:upto].max(), np.quantile(raw[:upto], 0.95))
        spans.append((least, max(most, least + abs(least) / 2)))
    if not spans:
        return None
    low, high = min(x for x, _ in spans), max(x for _, x in spans)
    return (low - 0.1 * (high - low), high + 0.4 * (high - low)) if high > low else None
