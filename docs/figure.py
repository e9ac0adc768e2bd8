"""Draws `docs/schedules.png`, the figure of the README: `python docs/figure.py`."""

import pathlib

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import anneal_jax as anneal

TOTAL = 1000
PANELS = {
    "warmup_cosine": anneal.warmup_cosine(1.0, 100, TOTAL, end_value=0.1),
    "warmup_stable_decay (1-sqrt)": anneal.warmup_stable_decay(1.0, 50, 250, TOTAL),
    "cosine_restarts: growing, warmup in each": anneal.cosine_restarts(
        1.0, 140, cycles=3, steps_factor=2, value_factor=0.75, end_value=0.05, warmup_steps=20
    ),
    "one_cycle and its momentum twin": anneal.one_cycle(1.0, TOTAL),
    "join: any shape after any other": anneal.Logarithmic(0.0, 1.0, 150)
    .then(anneal.Constant(1.0, 250), anneal.Exponential(1.0, 0.2, 350))
    .then(anneal.Polynomial(0.2, 0.0, 250, power=0.5)),
    "algebra: linear decay x triangular cycles": anneal.Linear(1.0, 0.2, TOTAL)
    * anneal.Triangular(0.4, 1.0, up_steps=60, down_steps=60),
}
MOMENTUM = anneal.one_cycle_momentum(0.85, 0.95, TOTAL)


def main() -> None:
    """Draw one panel for each schedule."""
    steps = np.arange(TOTAL + 1)
    figure, axes = plt.subplots(2, 3, figsize=(11, 4.6), sharex=True, sharey=True)
    for axis, (title, schedule) in zip(axes.flat, PANELS.items(), strict=True):
        axis.fill_between(steps, schedule(steps), color="#3b6fb6", alpha=0.15)
        axis.plot(steps, schedule(steps), color="#3b6fb6", lw=1.8)
        if "twin" in title:
            axis.plot(steps, MOMENTUM(steps), color="#c8553d", lw=1.4, ls="--")
        axis.set_title(title, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(0, 1.08)
    for axis in axes[-1]:
        axis.set_xlabel("optimizer step", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("value / peak", fontsize=8)
    figure.tight_layout()
    figure.savefig(pathlib.Path(__file__).with_name("schedules.png"), dpi=110)


if __name__ == "__main__":
    main()
