"""Draws `docs/schedules.png`, the figure of the README: `python docs/figure.py`."""

import pathlib

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

import anneal_jax as anneal

TOTAL = 1000
PANELS = {
    "warmup_cosine": anneal.warmup_cosine(1.0, 100, TOTAL, end_value=0.1),
    "warmup_stable_decay": anneal.warmup_stable_decay(1.0, 50, 250, TOTAL),
    "cosine_restarts, growing": anneal.cosine_restarts(
        1.0, 140, cycles=3, steps_factor=2, value_factor=0.75, end_value=0.05, warmup_steps=20
    ),
    "one_cycle, and its momentum twin": anneal.one_cycle(1.0, TOTAL),
    "join: any shape after any other": anneal.Logarithmic(0.0, 1.0, 150)
    .then(anneal.Constant(1.0, 250), anneal.Exponential(1.0, 0.2, 350))
    .then(anneal.Polynomial(0.2, 0.0, 250, power=0.5)),
    "algebra: decay times cycles": anneal.Linear(1.0, 0.2, TOTAL)
    * anneal.Triangular(0.4, 1.0, up_steps=60, down_steps=60),
}
MOMENTUM = anneal.one_cycle_momentum(0.85, 0.95, TOTAL)


def main() -> None:
    """Draw one panel for each schedule."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(13.2, 5.6), layout=layout)
    axes = figure.subplots(2, 3)
    figure.draw_without_rendering()  # so that names of phases know how much room there is
    for ax, (title, schedule) in zip(axes.flat, PANELS.items(), strict=True):
        twin = {"momentum": MOMENTUM} if "twin" in title else None
        schedule.plot(ax, steps=schedule.steps or TOTAL, second=twin, name="value / peak")
        ax.set_title(title, fontsize=11, loc="left", pad=20, fontweight="bold")
        if twin:
            ax.get_legend().remove()
    for ax in axes[0]:
        ax.set_xlabel("")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    figure.savefig(pathlib.Path(__file__).with_name("schedules.png"), dpi=100)


if __name__ == "__main__":
    main()
