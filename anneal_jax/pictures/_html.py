"""What a notebook shows of a schedule: its curve as SVG, its key figures, its phases.

Nothing is fetched or run, and the text's colour is the page's own, so it is readable on light and
dark pages. What cannot be shown so (a batch, tracers, leaves left out) is left to `repr`.
"""

from collections.abc import Iterable
from html import escape

import numpy as np

from ..schedules._curve import restarts, sampled
from ..schedules._schedule import Schedule
from ..schedules._summary import Phase, Summary, is_one, last_shown, summary
from ._style import BLUE, count, number

_WIDTH, _HEIGHT = 360, 110  # of the curve, in pixels
_LEFT, _TOP, _BELOW = 44, 8, 18  # around it, for ticks
_COLUMNS = (360, 120, 60, 30)  # of the curve: fewer where it is all up and down,
_LONG = 3200  # so that its path has no more letters
_NEAR = 0.12  # pixels: as far from a straight line as nobody sees
_MARKS = 40  # restarts that are marked, at most
_LETTERS = 1500  # of a repr, at most
_FAINT = "opacity:.65"
_TEXT = "font-size='10' fill='currentColor' fill-opacity='.7'"


def html(schedule: Schedule) -> str | None:
    """A fragment of HTML below 15 kB; None if the schedule is none whose numbers are known."""
    try:
        if not is_one(schedule):
            return None
        return _page(schedule, summary(schedule))
    except Exception:  # a notebook shows the text instead: showing must not fail
        return None


def _page(schedule: Schedule, found: Summary) -> str:
    text = repr(schedule)
    text = text if len(text) <= _LETTERS else f"{text[:_LETTERS]} ..."
    parts = [
        f"<div style='font-weight:600'>{escape(_title(schedule, found))}</div>",
        f"<div style='{_FAINT};margin-bottom:4px'>{escape(_figures(found))}</div>",
        _svg(schedule, found),
        _table(found.phases) if len(found.phases) > 1 else "",
        f"<details style='margin-top:4px'><summary style='cursor:pointer;{_FAINT}'>repr</summary>"
        f"<code style='white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit'>"
        f"{escape(text)}</code></details>",
    ]
    style = "font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:560px"
    return f"<div style='{style}'>{''.join(parts)}</div>"


def _title(schedule: Schedule, found: Summary) -> str:
    kinds = list(dict.fromkeys(phase.kind for phase in found.phases))
    named = ", ".join(kinds) if len(kinds) <= 3 else type(schedule).__name__
    length = "without end" if found.length is None else f"{found.length:,} steps"
    return f"{named}: {length}"


def _figures(found: Summary) -> str:
    """The key figures in a line."""
    told = [
        f"peak {number(found.peak_value)} at step {found.peak_step:,}",
        f"end {number(found.end_value)}",
        f"mean {number(found.mean_value)}",
    ]
    if found.cycles > 1:
        told.append(f"{found.cycles:,} cycles")
    if found.length is None:
        told[1] = f"{number(found.end_value)} at step {found.steps:,}"
    return " · ".join(told)


def _svg(schedule: Schedule, found: Summary) -> str:
    """The curve over its steps; the words for those who do not see it are the key figures."""
    low, high = min(0.0, found.least_value), max(0.0, found.peak_value)
    zero = _TOP + _HEIGHT * (high / ((high - low) or 1.0))
    curve = _curve(schedule, found, low, high)
    joins = [phase.begin for phase in found.phases[1:]]
    marks = "".join(
        f"<path d='M{_LEFT + step * _WIDTH / found.steps:.1f} {_TOP}v{_HEIGHT}' "
        f"stroke='currentColor' stroke-opacity='.3' stroke-dasharray='{dash}'/>"
        for dash, steps in (("1 3", joins), ("4 3", _restarts(schedule, found)))
        for step in steps
    )
    name = escape(f"Curve of the schedule: {_title(schedule, found)}, {_figures(found)}", True)
    box = f"0 0 {_LEFT + _WIDTH + 12} {_TOP + _HEIGHT + _BELOW}"
    return (
        f"<svg viewBox='{box}' role='img' aria-label='{name}' "
        f"style='width:100%;max-width:{2 * _WIDTH}px;height:auto;display:block'>"
        f"{_ticks(found, low, high)}{marks}"
        f"<path d='{curve}V{zero:.1f}H{_LEFT}Z' fill='{BLUE}' fill-opacity='.14'/>"
        f"<path d='{curve}' fill='none' stroke='{BLUE}' stroke-width='1.8' "
        "stroke-linejoin='round'/></svg>"
    )


def _curve(schedule: Schedule, found: Summary, low: float, high: float) -> str:
    """The path of the curve, in as many columns as keep it short."""
    last, path = last_shown(schedule, found.steps), ""
    for columns in _COLUMNS:
        at, values = sampled(schedule, last, columns=columns)
        scaled = (high - values) / ((high - low) or 1.0)
        path = _path(_LEFT + at * (_WIDTH / found.steps), _TOP + _HEIGHT * scaled)
        if len(path) <= _LONG:
            break
    return path


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Straight lines through the points, without those that lie on them."""
    kept = np.zeros(len(x), bool)
    kept[[0, -1]] = True
    spans = [(0, len(x) - 1)]
    while spans:  # (Ramer, Douglas and Peucker; heights alone count, for no step is passed twice)
        low, high = spans.pop()
        if high - low > 1:
            off = np.abs(np.interp(x[low:high], x[[low, high]], y[[low, high]]) - y[low:high])
            worst = low + int(off.argmax())
            if off.max() > _NEAR:
                kept[worst] = True
                spans += [(low, worst), (worst, high)]
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x[kept], y[kept], strict=True))


def _restarts(schedule: Schedule, found: Summary) -> list[int]:
    if not 1 < found.cycles <= _MARKS or found.steps < 2:
        return []
    return restarts(schedule, np.array([0, found.steps - 1])).tolist()


def _ticks(found: Summary, low: float, high: float) -> str:
    """A frame of two sides, the ends of both axes, and the steps' middle."""
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    told = [f"<path d='M{_LEFT} {_TOP}V{bottom}H{right}' fill='none' stroke='currentColor' "
            "stroke-opacity='.4'/>"]  # fmt: skip
    for value, y in ((high, _TOP + 4), (low, bottom)):
        told.append(f"<text x='{_LEFT - 5}' y='{y}' text-anchor='end' {_TEXT}>{number(value)}")
    for share, anchor in ((0.0, "middle"), (0.5, "middle"), (1.0, "end")):
        place = f"x='{_LEFT + share * _WIDTH:g}' y='{bottom + 13}' text-anchor='{anchor}'"
        word = f"step {count(found.steps)}" if share == 1 else count(share * found.steps)
        told.append(f"<text {place} {_TEXT}>{word}")
    return told[0] + "".join(f"{text}</text>" for text in told[1:])


def _table(phases: Iterable[Phase]) -> str:
    """A row for each phase."""
    rows = []
    for phase in phases:
        kind = phase.kind if phase.cycles == 1 else f"{phase.cycles:,} {phase.kind}"
        ends = f"{number(phase.init_value)} → {number(phase.end_value)}"
        steps = f"{phase.begin:,} to {phase.begin + phase.steps:,}"
        shares = (f"{100 * share:.3g} %" for share in (phase.share, phase.area_share))
        rows.append([kind, steps, ends, *shares])
    heads = ["phase", "steps", "value", "share of steps", "of the area"]
    lines = [_row("th", heads), *(_row("td", row) for row in rows)]
    style = "border-collapse:collapse;margin:4px 0;font-size:13px;color:inherit"
    return f"<table style='{style}'>{''.join(lines)}</table>"


def _row(tag: str, cells: list[str]) -> str:
    def cell(k: int, text: str) -> str:
        side = "left" if k == 0 else "right"
        faint = f";{_FAINT};font-weight:400" if tag == "th" else ""
        scope = " scope='col'" if tag == "th" else ""
        style = f"text-align:{side};padding:1px 14px 1px 0;white-space:nowrap{faint}"
        return f"<{tag}{scope} style='{style}'>{escape(text)}</{tag}>"

    return f"<tr>{''.join(cell(k, text) for k, text in enumerate(cells))}</tr>"
