"""A schedule drawn with braille dots."""

from typing import TYPE_CHECKING

import numpy as np

from ._report import text

if TYPE_CHECKING:
    from rich.console import Console

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
    # Half a dot more on each side, for a canvas drops what lies on its upper and right edge.
    up, right = (top - bottom) / (8 * _HEIGHT), end / (4 * columns)
    canvas = Canvas(columns, _HEIGHT, -right, bottom - up, end + right, top + up)
    for k in range(len(at) - 1):
        canvas.line(float(at[k]), float(values[k]), float(at[k + 1]), float(values[k + 1]))
    lines = canvas.plot().splitlines()
    for label, line in zip(labels, lines, strict=True):
        console.print(f"{label:>{wide}} │{line}", no_wrap=True, overflow="crop", crop=True)
    last = str(int(at[-1]))
    console.print(f"{'':>{wide}} └{'─' * columns}", no_wrap=True, overflow="crop")
    console.print(f"{'':>{wide}}  0{last:>{columns - 1}}", no_wrap=True, overflow="crop")
