"""What was logged under one name, by step: what a resumed run does again replaces what it did."""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ._log_columns import EVALUATED, Columns, is_epoch
from ._log_numbers import number
from ._log_table import Table
from ._log_text import fail

_LONGEST = 20_000_000  # steps: the rate of each is kept
_GAP = 3.0  # times the usual distance between two rows: a longer one is odd
_SPLITS = {
    "mode",
    "split",
    "phase",
    "stage",
    "subset",
    "partition",
    "type",
    "kind",
    "set",
    "dataset",
}


class Point(NamedTuple):
    """A number at a step, and the epoch beside it."""

    step: int
    value: float
    epoch: float | None


class Series(NamedTuple):
    """Finite numbers by step, in order; and what was left out."""

    values: dict[int, float]
    back: int  # how many times the run was resumed
    lost: set[int]  # steps that were done again, or are no part of the run any more
    astray: int  # rows with a step of another kind
    odd: int  # numbers that are not finite


def series_of(path: Path, table: Table, columns: Columns) -> dict[str, Series]:
    """The rate, and the losses of training and evaluation."""
    points: dict[str, list[Point]] = {"learning_rate": [], "loss": [], "eval_loss": []}
    epoch = next((name for name in table.names if is_epoch(name)), None)
    splits = [name for name in table.names if name.lower() in _SPLITS]
    stray = 0
    for count, row in enumerate(table.rows, start=1):
        told = _told(path, row, columns, splits, count)
        step = _step(path, row, columns.step, count) if told else None
        if step is not None:
            at = _lenient(row.get(epoch or ""))
            for what, value in told.items():
                points[what].append(Point(step, value, at))
        stray += bool(told) and step is None
    if stray:
        table.notes.append(f"{stray} rows without a step are left out")
    return {what: _series(path, columns.step, each) for what, each in points.items()}


def _told(
    path: Path, row: Mapping[str, Any], columns: Columns, splits: list[str], count: int
) -> dict[str, float]:
    """What a row says; of held-out data, its loss alone."""
    rate, loss = (_number(path, row, name, count) for name in columns[1:3])
    eval_loss = _lenient(row.get(columns.eval_loss or ""))
    if any(str(row.get(split)).strip().lower() in EVALUATED for split in splits):
        found = {"eval_loss": loss if eval_loss is None else eval_loss}
    else:
        found = {"learning_rate": rate, "loss": loss, "eval_loss": eval_loss}
    return {what: value for what, value in found.items() if value is not None}


def _number(path: Path, row: Mapping[str, Any], name: str, count: int) -> float | None:
    try:
        return number(row.get(name))
    except ValueError:
        got = f"{str(row[name])[:30]} in row {count}"
        return fail(path, f"a log with numbers under {name[:40]!r}", got)


def _lenient(value: Any) -> float | None:
    """A number of which nothing must depend: infinity for anything else."""
    try:
        return number(value)
    except ValueError:
        return math.inf


def _step(path: Path, row: Mapping[str, Any], name: str, count: int) -> int | None:
    if isinstance(row.get(name), str):  # the total beside it, as in "10/200"
        row = {name: row[name].partition("/")[0]}
    step = _number(path, row, name, count)
    if step is not None and (not 0 <= step <= _LONGEST or step % 1):
        rule = f"a log with whole steps from 0 to {_LONGEST:,} under {name[:40]!r}"
        fail(path, rule, f"{str(row[name])[:30]} in row {count}", "pass step= if it is another")
    return None if step is None else int(step)


def _series(path: Path, name: str, points: list[Point]) -> Series:
    finite = [p for p in points if math.isfinite(p.value)]
    apart = [b.step - a.step for a, b in itertools.pairwise(finite) if b.step > a.step]
    usual = statistics.median(apart or [1])
    values: dict[int, float] = {}
    lost: set[int] = set()
    back = astray = 0
    last = None
    for point, after in itertools.zip_longest(finite, finite[1:]):
        if last and point.step < last.step:
            if _is_astray(point, last, after, usual):
                astray += 1
                continue
            _check_epochs(path, name, last, point)
            back += 1
            while values and (end := next(reversed(values))) >= point.step:
                del values[end]
                lost.add(end)
        values[point.step], last = point.value, point
    return Series(values, back, lost, astray, len(points) - len(finite))


def _is_astray(point: Point, last: Point, after: Point | None, usual: float) -> bool:
    """Whether a step that goes back is alone: what follows goes on from where the run was."""
    if after is None:
        return last.step - point.step > _GAP * usual
    return after.step >= last.step and after.step - point.step > _GAP * usual


def _check_epochs(path: Path, name: str, last: Point, point: Point) -> None:
    """A step that begins anew with each epoch does not tell where in the run it is."""
    if last.epoch is not None and point.epoch is not None and point.epoch > last.epoch:
        rule = f"a log whose {name[:40]!r} counts through all epochs"
        got = f"{last.step}, then {point.step} in the next epoch"
        fail(path, rule, got, "pass the name of such a column as step=")


def gap(steps: Iterable[int], what: str) -> list[str]:
    """A sentence about the longest gap, if it is long."""
    steps = list(steps)
    apart = [b - a for a, b in itertools.pairwise(steps)]
    usual = int(statistics.median(apart)) if apart else 1
    if not apart or max(apart) <= _GAP * max(1, usual):
        return []
    at = apart.index(max(apart))
    return [f"no {what} from step {steps[at]} to {steps[at + 1]}, usually one in {usual}"]
