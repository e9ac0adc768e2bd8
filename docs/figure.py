"""Draws `docs/schedules.png`, the figure of the README: `python docs/figure.py`."""

import pathlib
import sys

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs._site.panels import PANELS, TOTAL  # noqa: E402  (run as a file)


def main() -> None:
    """Draw one panel for each schedule."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(13.2, 5.6), layout=layout)
    axes = figure.subplots(2, 3)
    figure.draw_without_rendering()  # so that names of phases know how much room there is
    for ax, (title, (schedule, *twins)) in zip(axes.flat, PANELS.items(), strict=True):
        twin = {"momentum": twins[0]} if twins else None
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
