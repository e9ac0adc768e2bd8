"""The picture of a range test."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", "--", "-.", ":")
_COLORS = ("C3", "C1", "C2", "C4")


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
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(7, 4.2), layout="constrained")[1] if ax is None else ax
    alpha = max(0.25, 1 / len(runs))
    for raw, mean in zip(test.losses, runs, strict=True):
        ax.plot(test.rates, raw, color="0.75", lw=0.7, alpha=alpha, zorder=1)
        ax.plot(test.rates[: len(mean)], mean, color="C0", lw=2, alpha=max(0.5, alpha), zorder=2)
    scale = "log" if test.spacing == "exponential" else "linear"
    ax.set(xlabel=test.name.replace("_", " "), ylabel="loss", xscale=scale)
    title = "\n".join(textwrap.wrap(test.note, 70)) or "loss: smoothed (blue), of each step (gray)"
    ax.set_title(title, fontsize="medium", loc="left")
    if (limits := _limits(test.losses, runs)) is not None:
        ax.set_ylim(limits)
    for (rule, rate), color, dashes in zip(found.items(), _COLORS, _DASHES, strict=False):
        ax.axvline(rate, color=color, ls=dashes, lw=1.5, label=f"{rule} {rate:.2e}", zorder=3)
        if len(runs) > 1:
            ax.axvspan(*spread[rule], color=color, alpha=0.12, lw=0, zorder=0)
    if found:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    ax.spines[["top", "right"]].set_visible(False)
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
