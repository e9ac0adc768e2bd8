"""Schedules as SVG inside a page, in the page's own colours: right on light and on dark.

Points come from where those of `schedule.plot()` come from: no peak and no jump is lost.
"""

from collections.abc import Mapping
from html import escape

import numpy as np

import anneal_jax as anneal
from anneal_jax.pictures._html import _path as path_through  # straight runs in one line
from anneal_jax.pictures._style import count, number
from anneal_jax.schedules._curve import sampled

WIDTH, HEIGHT = 360, 130  # of the area of curves, in the units of the drawing
LEFT, RIGHT, TOP, BELOW = 40, 14, 8, 20  # around it
COLUMNS = 240


def figure(
    curves: Mapping[str, anneal.Schedule], steps: int, words: str, *, keys: bool = False
) -> str:
    """A figure of several schedules over steps 0 to `steps`; `words` say what is to be seen."""
    points = {name: sampled(one, steps, columns=COLUMNS) for name, one in curves.items()}
    top = max(float(values.max()) for _, values in points.values()) or 1.0
    lines = [
        _curve(at, values, steps, top, k, filled=len(points) == 1)
        for k, (at, values) in enumerate(points.values())
    ]
    box = f"0 0 {LEFT + WIDTH + RIGHT} {TOP + HEIGHT + BELOW}"
    drawn = (
        f'<svg class="drawn" viewBox="{box}" role="img" aria-label="{escape(words, True)}">'
        f"{_frame(steps, top)}{''.join(lines)}</svg>"
    )
    return drawn + (_keys(list(points)) if keys else "")


def thumbnail(schedule: anneal.Schedule, steps: int) -> str:
    """A small curve without axes, beside its name: nothing to read out."""
    at = np.unique(np.linspace(0, steps, 401).astype(np.int64))
    values = np.asarray(schedule(at), np.float64)
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    x, y = 2 + at * (96 / steps), 38 - (values - low) * (34 / ((high - low) or 1.0))
    line = path_through(x, y)
    return (
        '<svg class="drawn small" viewBox="0 0 100 40" aria-hidden="true">'
        f'<path class="area k0" d="{line}V38H2Z"/><path class="line k0" d="{line}"/></svg>'
    )


def _curve(
    at: np.ndarray, values: np.ndarray, steps: int, top: float, k: int, *, filled: bool
) -> str:
    x, y = LEFT + at * (WIDTH / steps), TOP + HEIGHT * (1 - values / top)
    line, bottom = path_through(x, y), TOP + HEIGHT
    area = f'<path class="area k{k}" d="{line}V{bottom}H{LEFT}Z"/>' if filled else ""
    return f'{area}<path class="line k{k}" d="{line}"/>'


def _frame(steps: int, top: float) -> str:
    bottom, right = TOP + HEIGHT, LEFT + WIDTH
    told = [f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for value, y in ((top, TOP + 4), (0.0, bottom)):
        told.append(f'<text x="{LEFT - 5}" y="{y}" text-anchor="end">{number(value)}</text>')
    for share, anchor in ((0.0, "middle"), (0.5, "middle"), (1.0, "end")):
        word = f"step {count(steps)}" if share == 1 else count(share * steps)
        x, y = LEFT + share * WIDTH, bottom + 14
        told.append(f'<text x="{x:g}" y="{y}" text-anchor="{anchor}">{word}</text>')
    return "".join(told)


def _keys(names: list[str]) -> str:
    rows = (f'<span class="key k{k}">{escape(name)}</span>' for k, name in enumerate(names))
    return f'<span class="keys">{"".join(rows)}</span>'
