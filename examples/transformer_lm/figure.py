"""The figure of a run: what the schedule did, and what the loss made of it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no screen, changes no settings
from matplotlib.figure import Figure

from ..figures import legend_above

RATE, TRAIN, VALIDATION = "#d1495b", "#30638e", "#edae49"
DARK = {VALIDATION: "#a8741a"}  # for words, which are thinner than lines


def draw(rows: list[dict], planned: int, title: str, path: Path) -> None:
    """Loss above, learning rate below, over the same steps: all that were `planned`, or fewer."""
    figure = Figure(figsize=(8, 5.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    step = np.array([row["step"] for row in rows])
    draw_losses(above, rows)
    if step[-1] + 1 < planned:
        title += f", stopped after step {step[-1]:,} with loss {rows[-1]['loss']:.4g}"
        above.axvline(step[-1], color="#666666", linestyle=":", linewidth=1.2)
    above.set_title(title, loc="left", fontsize=11, fontweight="bold")
    legend_above(above)

    rates = [row["learning_rate"] for row in rows]
    below.fill_between(step, rates, color=RATE, alpha=0.18, lw=0)
    below.plot(step, rates, color=RATE, linewidth=1.8)
    below.set_ylim(bottom=0)
    below.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    below.set(xlabel="step", ylabel="learning rate", xlim=(0, max(step[-1], 1)))
    for axes in (above, below):
        axes.grid(color="#e4e4e4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    figure.savefig(path)


def draw_losses(axes: Axes, rows: list[dict]) -> None:
    """Training losses, each and smoothed, and those on held-out text."""
    step = np.array([row["step"] for row in rows])
    loss = np.array([row["loss"] for row in rows])
    axes.plot(step, loss, color=TRAIN, alpha=0.22, linewidth=0.7)
    axes.plot(step, smoothed(loss), color=TRAIN, linewidth=1.6, label="training")
    held_out = [(row["step"], row["val_loss"]) for row in rows if "val_loss" in row]
    at, values = np.array(held_out).reshape(-1, 2).T
    low, high = limits(loss, values)
    if held_out:
        axes.plot(at, values, color=VALIDATION, linewidth=1.6, zorder=3)
        dots = {"markersize": 4.5, "markeredgecolor": "white", "zorder": 3, "label": "held-out"}
        shown = np.where((values >= low) & (values <= high), values, np.nan)
        axes.plot(at, shown, "o-", color=VALIDATION, linewidth=1.6, clip_on=False, **dots)
        above = np.nan_to_num(values[-1], nan=high) > smoothed(loss)[-1]  # away from the curve
        place = {"xytext": (-2, 7 if above else -14), "textcoords": "offset points", "ha": "right"}
        final = {"fontsize": 9.5, "fontweight": "bold", "color": DARK[VALIDATION]}
        where = np.clip(np.nan_to_num(values[-1], nan=high), low, high)
        axes.annotate(f"{values[-1]:.4g}", (at[-1], where), **place, **final)
    axes.set(ylabel="loss (nats per character)", ylim=(low, high))


def limits(loss: np.ndarray, held_out: np.ndarray) -> tuple[float, float]:
    """From below the lowest loss to where an untrained model stands, or as far as losses go.

    The first steps are far above all others, and those of a run that diverges further yet: neither
    may squeeze the rest.
    """
    finite = loss[np.isfinite(loss)]
    if not finite.size:
        return 0.0, 1.0
    most = min(finite.max(), np.quantile(finite, 0.97) + 0.4, finite[0] + 1)
    least = min(finite.min(), np.nanmin(held_out, initial=np.inf))
    return least - 0.2, max(most, finite.min() + 0.2)


def smoothed(values: np.ndarray) -> np.ndarray:
    """A running mean over up to 2% of the run on either side: its window shrinks at the ends.

    It passes over losses that are no numbers.
    """
    half = max(1, len(values) // 50)
    finite = np.isfinite(values)
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    sums, counts = (
        np.concatenate([[0.0], np.cumsum(x)]) for x in (np.where(finite, values, 0), finite)
    )
    with np.errstate(invalid="ignore"):  # a window without any number has no mean
        return (sums[high] - sums[low]) / (counts[high] - counts[low])
