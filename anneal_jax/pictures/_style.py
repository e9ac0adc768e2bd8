"""How every picture of this library looks.

Colours are those that colour-blind readers tell apart, of a lightness that shows on white and on
black; dashes tell them apart in print without colours. Everything else (text, frame, grid) takes
the colours of the reader's own matplotlib style, so a dark one stays dark.
"""

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, TEAL, GOLD, PURPLE, SKY = COLORS = (
    "#2f6fd0",
    "#d9542b",
    "#159a80",
    "#d99a1c",
    "#9455b5",
    "#57aee0",
)
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (7, 1.6, 1.4, 1.6)), (0, (1.2, 1.2)))
GRAY = "0.55"
FIGSIZE = (7.2, 3.8)  # inches
SMALL = "small"
_WIDTH = 70  # letters of a title in a line
_SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


class Line(NamedTuple):
    """The look of one of several curves."""

    color: str
    dashes: Any


def line(index: int) -> Line:
    """The look of curve `index`; 24 of them differ."""
    color = COLORS[index % len(COLORS)]
    return Line(color, DASHES[(index + index // len(COLORS)) % len(DASHES)])


def axes(ax: "Axes | None", figsize: tuple[float, float] = FIGSIZE) -> "Axes":
    """`ax`; None: new axes of pyplot, so that a notebook shows the figure and `plt.show` finds it.

    Where there is no screen, pyplot draws by Agg by itself.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def finish(ax: "Axes", xlabel: str, ylabel: str, title: str = "") -> None:
    """Labels, a frame of two sides and a faint grid behind all."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if title:
        ax.set_title("\n".join(textwrap.wrap(title, _WIDTH)), fontsize="medium", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=ink(ax), alpha=0.12, lw=0.6)
    ax.set_axisbelow(True)


def ink(ax: "Axes") -> Any:
    """The colour of text."""
    return ax.xaxis.label.get_color()


def legend(ax: "Axes", title: str | None = None, **more: Any) -> None:
    """The legend, to the right of the axes, where no curve runs."""
    place = {"loc": "upper left", "bbox_to_anchor": (more.pop("right", 1.01), 1.0)}
    ax.legend(title=title, frameon=False, borderaxespad=0.0, handlelength=2.6, **place, **more)


def count(x: float, _: Any = None) -> str:
    """A large number in few letters, such as "2.5M"; for axes of steps or tokens."""
    for size, suffix in _SUFFIXES:
        if abs(x) >= size and abs(x) >= 1e4:
            return f"{x / size:g}{suffix}"
    return f"{x:g}"


def number(x: float, _: Any = None) -> str:
    """A rate in few letters, such as "3e-4"."""
    if x and not 1e-3 <= abs(x) < 1e4:
        digits, _, power = f"{x:.3e}".partition("e")
        return f"{float(digits):g}e{int(power)}"
    return f"{x:.4g}"
