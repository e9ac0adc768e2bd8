"""What the examples' figures share: drawn without pyplot, by Agg, which needs no screen."""

from typing import Any

import numpy as np


def two_panels() -> tuple[Any, Any, Any]:
    """A figure with one panel on the left and one on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=150, layout="constrained")
    return figure, *figure.subplots(1, 2)


def legend_above(axes: Any) -> None:
    """A legend above the panel, since curves may run anywhere in it; the scale's factor is left."""
    place = {"loc": "lower right", "bbox_to_anchor": (1, 0.99)}
    axes.legend(frameon=False, ncols=4, columnspacing=1.2, handlelength=1.6, **place)


def limit_above(axes: Any, most: float) -> None:
    """Let no value above `most` squeeze the others, as those of a run that diverges would."""
    values = np.concatenate([line.get_ydata() for line in axes.lines])
    low = values[values <= most].min(initial=most)
    if np.isfinite(most) and not values.max() <= most:  # NaN is no number below
        log = axes.get_yscale() == "log"
        axes.set_ylim(low / 1.1 if log else low - 0.05 * (most - low), most * 1.01)
