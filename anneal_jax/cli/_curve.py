"""A schedule drawn with braille dots."""

from typing import TYPE_CHECKING

import numpy as np

from ._report import text

if TYPE_CHECKING:
    from rich.console import Console

_BLANK = "\N{BRAILLE PATTERN BLANK}"
_HEIGHT = 10  # lines
_WIDEST = 100  # columns


def draw(console: "Console", at: np.ndarray, values: np.ndarray) -> None:
    """Print the curve through values at steps, as wide as the terminal has room."""
    if not (console.encoding or "").lower().startswith("utf"):
        console.print("(no curve: the terminal must take UTF-8; set PYTHONUTF8=1)")
        return
    from plotille import Canvas

    low, high = float(values.min()), float(values.max())
    bottom = min(low, 0.0)
    top = high if high > bottom else bottom + 1.0
    labels = ["" for _ in range(_HEIGHT)]
    labels[0], labels[-1] = text(top), text(bottom)
    wide = max(map(len, labels))
    columns = max(8, min(console.width - wide - 3, _WIDEST))
    end = max(int(at[-1]), 1)
    # Dots stand on the edges, too: of n dots there are n - 1 distances between.
    high = bottom + (top - bottom) * 4 * _HEIGHT / (4 * _HEIGHT - 1)
    canvas = Canvas(columns, _HEIGHT, 0, bottom, end * 2 * columns / (2 * columns - 1), high)
    for k in range(len(at) - 1):
        canvas.line(float(at[k]), float(values[k]), float(at[k + 1]), float(values[k + 1]))
    lines = [line.rstrip(_BLANK) for line in canvas.plot().splitlines()]
    rows = [f"{label:>{wide}} │{line}" for label, line in zip(labels, lines, strict=True)]
    rows.append(f"{'':>{wide}} └{'─' * columns}")
    rows.append(f"{'':>{wide}}  0{int(at[-1]):>{columns - 1}}")
    for row in rows:
        console.print(row, no_wrap=True, overflow="crop")
