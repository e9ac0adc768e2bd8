"""The figure of a run: what the schedule did, and what the loss made of it."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no screen, changes no settings
from matplotlib.figure import Figure

RATE, TRAIN, VALIDATION = "#d1495b", "#30638e", "#edae49"


def draw(rows: list[dict], title: str, path: Path) -> None:
    """Loss above, learning rate below, over the same steps."""
    figure = Figure(figsize=(8, 5.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    step = np.array([row["step"] for row in rows])
    loss = np.array([row["loss"] for row in rows])

    above.plot(step, loss, color=TRAIN, alpha=0.22, linewidth=0.7)
    above.plot(step, smoothed(loss), color=TRAIN, linewidth=1.6, label="training")
    held_out = [(row["step"], row["val_loss"]) for row in rows if "val_loss" in row]
    if held_out:
        at, values = zip(*held_out, strict=True)
        marker = {"markersize": 4.5, "markeredgecolor": "white", "clip_on": False, "zorder": 3}
        above.plot(at, values, "o-", color=VALIDATION, linewidth=1.6, label="held-out", **marker)
        place = {"xytext": (-2, -14), "textcoords": "offset points", "ha": "right"}
        final = {"fontsize": 9.5, "fontweight": "bold", "color": "#a8741a"}
        above.annotate(f"{values[-1]:.3f}", (at[-1], values[-1]), **place, **final)
    above.set_ylabel("loss (nats per character)")
    above.set_title(title, loc="left", fontsize=11, fontweight="bold")
    finite = loss[np.isfinite(loss)]
    if finite.size:  # the first steps are far above all others; do not let them squeeze the rest
        above.set_ylim(finite.min() - 0.2, min(finite.max(), np.quantile(finite, 0.97) + 0.4))
    above.legend(frameon=False, loc="upper right")

    below.fill_between(step, [row["learning_rate"] for row in rows], color=RATE, alpha=0.18, lw=0)
    below.plot(step, [row["learning_rate"] for row in rows], color=RATE, linewidth=1.8)
    below.set_ylim(bottom=0)
    below.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    below.set(xlabel="step", ylabel="learning rate", xlim=(0, max(step[-1], 1)))
    for axes in (above, below):
        axes.grid(color="#e4e4e4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    figure.savefig(path)


def smoothed(values: np.ndarray) -> np.ndarray:
    """A running mean over up to 2% of the run on either side: its window shrinks at the ends."""
    half = max(1, len(values) // 50)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)
