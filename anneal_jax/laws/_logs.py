"""Runs read from their logs: CSV, JSON lines, TensorBoard; with a note of what is odd in them."""

import csv
import dataclasses
import gzip
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks

_OWNER = "read_log"
_GAP = 3.0  # times the usual distance between two rows: a longer one gets a note
Row = tuple[int, float, float]  # step, rate, loss: NaN if not logged, infinite if not a number


@dataclasses.dataclass(frozen=True)
class Log:
    """A run as its log has it; made by `read_log`.

    Attributes:
      steps: int[n], the steps with a loss, increasing.
      losses: float64[n], the losses at these steps.
      rates: float64[last step + 1], the rate of every step from 0, interpolated linearly between
        the logged ones.
      notes: sentences about rows that were left out, gaps, and rates that had to be guessed.
    """

    steps: np.ndarray
    losses: np.ndarray
    rates: np.ndarray
    notes: tuple[str, ...]


def read_log(
    path: str | Path,
    *,
    step: str = "step",
    learning_rate: str = "learning_rate",
    loss: str = "loss",
) -> Log:
    r"""Read the steps, rates and losses of a run from its log.

    The rate and the loss may be logged at different steps. Where steps go back (the run was
    resumed from a checkpoint), the later rows replace the earlier ones. Losses that are not finite
    are left out. A warning tells what was odd; it is kept in `Log.notes`.

    Args:
      path: a table `.csv`, or JSON lines `.jsonl` or `.json`, also compressed as `.gz`; or one of
        TensorBoard's event files or a folder of them, for which `tensorboard` must be installed
        (its reader replaces rows of a resumed run by itself, without a note).
      step: name of the column or key of the step; event files have their own.
      learning_rate: name of the column, key or tag of the rate.
      loss: name of the column, key or tag of the loss.

    Returns:
      A `Log`.

    Raises:
      ValueError: for a file of another kind, a name that is not in the log, and a log without
        rates or with fewer than two finite losses.

    Example:
        >>> import anneal_jax as anneal, pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "run.csv"
        >>> _ = file.write_text("step,lr,loss\n0,0.1,3.0\n10,0.1,2.5\n20,0.05,2.25\n")
        >>> log = anneal.laws.read_log(file, learning_rate="lr")
        >>> log.losses.tolist(), log.rates[[5, 15]].round(3).tolist()
        ([3.0, 2.5, 2.25], [0.1, 0.075])
    """
    path = Path(path)
    rows = _reader(path)(path, step, learning_rate, loss)
    notes: list[str] = []
    by_step = _by_step(rows, notes)
    steps = np.array([*by_step], int)
    rates, losses = np.array([*by_step.values()], float).reshape(-1, 2).T
    logged, there = np.isfinite(rates), np.isfinite(losses)
    if not logged.any() or rates[logged].min() < 0:
        got = rates[logged].min() if logged.any() else "none"
        _fail(path, f"a log with rates under {learning_rate!r}, none below 0", got)
    if there.sum() < 2:
        _fail(path, f"a log with two finite losses or more under {loss!r}", int(there.sum()))
    _tell_gaps(steps[there], "losses", notes)
    _tell_gaps(steps[logged], "rates", notes)
    last = int(steps[there][-1])
    if steps[logged][0] > 0:
        notes.append(f"no rate before step {steps[logged][0]}: taken as the one there")
    if steps[logged][-1] < last:
        notes.append(f"no rate after step {steps[logged][-1]}: taken as the one there")
    if notes:
        warnings.warn(f"{_OWNER}: {path.name}: {'; '.join(notes)}", UserWarning, stacklevel=2)
    every = np.interp(np.arange(last + 1), steps[logged], rates[logged])
    return Log(steps[there], losses[there], every, tuple(notes))


def _reader(path: Path) -> Callable[..., Iterator[Row]]:
    name = path.name.removesuffix(".gz")
    if not path.exists():
        _fail(path, "a file that is there", "none")
    if path.is_dir() or "tfevents" in name:
        return _events
    kinds = {".csv": _table, ".jsonl": _lines, ".json": _lines}
    if (suffix := Path(name).suffix) not in kinds:
        _fail(path, "a .csv, .jsonl or .json file, or event files of TensorBoard", suffix or name)
    return kinds[suffix]


def _text(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _table(path: Path, step: str, rate: str, loss: str) -> Iterator[Row]:
    with _text(path) as file:
        reader = csv.DictReader(file)
        for name in (step, rate, loss):
            _checks.nearest(_OWNER, "a column", name, reader.fieldnames or ())
        for row in reader:
            yield from _row(path, row, step, rate, loss)


def _lines(path: Path, step: str, rate: str, loss: str) -> Iterator[Row]:
    with _text(path) as file:
        lines = [line for line in file if line.strip()]
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines):
                _fail(path, "a log with one JSON object a line", f"{line.strip()!r} ({number})")
            warnings.warn(f"{_OWNER}: {path.name}: the last line is cut off", stacklevel=4)
    names = {name for row in rows for name in row}
    for name in (step, rate, loss):
        _checks.nearest(_OWNER, "a key", name, sorted(names))
    for row in rows:
        yield from _row(path, row, step, rate, loss)


def _events(path: Path, step: str, rate: str, loss: str) -> Iterator[Row]:
    del step
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(path), {"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    for name in (rate, loss):
        _checks.nearest(_OWNER, "a tag", name, tags)
    rows = [(e.wall_time, e.step, _told(e.value), np.nan) for e in events.Scalars(rate)]
    rows += [(e.wall_time, e.step, np.nan, _told(e.value)) for e in events.Scalars(loss)]
    for _, at, value, scalar in sorted(rows, key=lambda row: row[0]):
        yield at, value, scalar


def _row(path: Path, row: Mapping[str, Any], step: str, rate: str, loss: str) -> Iterator[Row]:
    """One row, if it is about a step."""
    at, value, scalar = (_number(path, row, name) for name in (step, rate, loss))
    if np.isnan(at):
        return
    if at < 0 or at % 1:
        _fail(path, "a log with whole steps from 0 up", row.get(step))
    yield int(at), value, scalar


def _number(path: Path, row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    try:
        return np.nan if value is None or value == "" else _told(float(value))
    except (TypeError, ValueError):
        return _fail(path, f"a log with numbers under {name!r}", value)


def _told(value: float) -> float:
    """A logged number; infinite for a NaN, which stands for what was not logged."""
    return value if np.isfinite(value) else np.inf


def _by_step(rows: Iterator[Row], notes: list[str]) -> dict[int, list[float]]:
    """Rate and loss by step, in order; of several rows about a step, the last one counts."""
    kept: dict[int, list[float]] = {}
    again = lost = odd = 0
    last = -1
    for step, *values in rows:
        if step < last:  # resumed from before: what had come after is done again
            gone = [k for k in kept if k >= step]
            again, lost = again + 1, lost + len(gone)
            for k in gone:
                del kept[k]
        last = step
        odd += sum(np.isinf(values))
        now = kept.get(step, [np.nan, np.nan])
        kept[step] = [old if np.isnan(new) else new for old, new in zip(now, values, strict=True)]
    if again:
        notes.append(f"went back {again} times: {lost} steps from before it are left out")
    if odd:
        notes.append(f"{odd} numbers that are not finite are left out")
    return {k: v for k, v in kept.items() if not np.isnan(v).all()}


def _tell_gaps(steps: np.ndarray, what: str, notes: list[str]) -> None:
    apart = np.diff(steps)
    if not len(apart) or apart.max() <= _GAP * max(1.0, float(np.median(apart))):
        return
    at = int(np.argmax(apart))
    usual = int(np.median(apart))
    notes.append(f"no {what} from step {steps[at]} to {steps[at + 1]}, usually one in {usual}")


def _fail(path: Path, rule: str, got: Any) -> Any:
    _checks.fail(_OWNER, f"path ({path.name})", rule, got, "pass such a log")
