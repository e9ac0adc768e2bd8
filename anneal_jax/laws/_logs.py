"""Runs read from their logs, with a note of what is odd in them."""

import dataclasses
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import _checks
from . import _log_columns, _log_series
from ._event_files import is_events, read_events
from ._log_csv import read_csv
from ._log_json import read_json
from ._log_series import Series
from ._log_table import Table, pivoted
from ._log_text import OWNER, fail, listed, short, text_of

_SUFFIXES = {".csv", ".tsv", ".jsonl", ".ndjson", ".json"}
_BEHIND = 10  # times as many steps with a loss as with a rate: those of the rate are others


def _none() -> np.ndarray:
    return np.empty(0, int)


@dataclasses.dataclass(frozen=True)
class Log:
    """A run as its log has it; made by `read_log`.

    Attributes:
      steps: int[n], the steps with a loss, increasing.
      losses: float64[n], the losses at these steps.
      rates: float64[last step + 1], the rate of every step from 0, interpolated linearly between
        the logged ones.
      notes: sentences about rows that were left out, gaps, and rates that had to be guessed.
      columns: the names under which the step, the rate and the losses were found, by argument of
        `read_log`.
      eval_steps: int[m], the steps with a loss on held-out data; none if it was not logged.
      eval_losses: float64[m], these losses.
    """

    steps: np.ndarray
    losses: np.ndarray
    rates: np.ndarray
    notes: tuple[str, ...]
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    eval_steps: np.ndarray = dataclasses.field(default_factory=_none)
    eval_losses: np.ndarray = dataclasses.field(default_factory=lambda: _none().astype(float))


def read_log(
    path: str | os.PathLike[str],
    *,
    step: str | None = None,
    learning_rate: str | None = None,
    loss: str | None = None,
    eval_loss: str | None = None,
) -> Log:
    r"""Read the steps, rates and losses of a run from its log.

    Columns that are not named are found by the names that trainers give them (`global_step`,
    `lr-AdamW`, `train/loss`, …); `Log.columns` tells which were taken. The loss on held-out data
    is kept apart; to have it in `losses`, name it as `loss`.

    The rate and the losses may be logged at different steps. Where the steps of one of them go
    back (the run was resumed from a checkpoint), the later rows replace the earlier ones. Numbers
    that are not finite are left out, as is a last line that was cut off. A warning tells what was
    odd; it is kept in `Log.notes`.

    Args:
      path: a table (`.csv`, `.tsv`) in any common encoding; JSON (`.jsonl`, `.ndjson`, `.json`),
        one object a line, a list of them, a table of pandas or `trainer_state.json` of
        Transformers; either of them also compressed as `.gz`; or one of TensorBoard's event files
        or the folder of a run, for which `tensorboard` must be installed. A text has at most 256
        MiB, a run 20 million steps.
      step: name of the column or key of the step; event files have their own.
      learning_rate: name of the column, key or tag of the rate.
      loss: name of the column, key or tag of the training loss.
      eval_loss: name of the column, key or tag of the loss on held-out data.

    Returns:
      A `Log`.

    Raises:
      ValueError: for a file of another kind, a name that is not in the log or not found there, a
        folder of several runs, a step that begins anew with each epoch, and a log without rates
        or with fewer than two finite losses.

    Example:
        >>> import anneal_jax as anneal, pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "run.csv"
        >>> _ = file.write_text("step,lr,train/loss\n0,0.1,3.0\n10,0.1,2.5\n20,0.05,2.25\n")
        >>> log = anneal.laws.read_log(file)
        >>> log.losses.tolist(), log.rates[[5, 15]].round(3).tolist()
        ([3.0, 2.5, 2.25], [0.1, 0.075])
        >>> log.columns
        {'step': 'step', 'learning_rate': 'lr', 'loss': 'train/loss'}
    """
    if not isinstance(path, str | os.PathLike):
        _checks.fail(OWNER, "path", "that of a log", path, "pass a string or a pathlib.Path")
    path = Path(path)
    table = _table(path)
    given = {"step": step, "learning_rate": learning_rate, "loss": loss, "eval_loss": eval_loss}
    columns = _log_columns.choose(path, table, given)
    series = _log_series.series_of(path, table, columns)
    log = _log(path, table, columns, series)
    if log.notes:
        warnings.warn(f"{OWNER}: {path.name}: {'; '.join(log.notes)}", UserWarning, stacklevel=2)
    return log


def _table(path: Path) -> Table:
    try:
        there = path.exists()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        fail(path, "a file that is there", "none", "check the path")
    if is_events(path):
        return read_events(path)
    if not path.is_file():
        fail(path, "a file or a folder", "a device or a pipe", "save the log in a file")
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in _SUFFIXES:
        rule = "a .csv, .jsonl or .json file, or event files of TensorBoard"
        fail(path, rule, suffix or path.name, "name it after what is in it")
    notes: list[str] = []
    text = text_of(path, notes)
    is_json = "json" in suffix or text.lstrip()[:1] in ("{", "[")
    return pivoted((read_json if is_json else read_csv)(path, text, notes))


def _log(
    path: Path, table: Table, columns: _log_columns.Columns, series: Mapping[str, Series]
) -> Log:
    rates, losses, evaluated = (series[n] for n in ("learning_rate", "loss", "eval_loss"))
    lowest = min(rates.values.values(), default=None)
    if lowest is None or lowest < 0:
        rule = f"a log with rates under {short(columns.learning_rate)!r}, none below 0"
        fail(path, rule, "none" if lowest is None else lowest)
    if len(losses.values) < 2:
        rule = f"a log with two finite losses or more under {short(columns.loss)!r}"
        fail(path, rule, len(losses.values))
    notes = [*table.notes, *_left_out(series), *_about_rates(rates, losses, columns)]
    logged = np.array([*rates.values])
    every = np.interp(np.arange([*losses.values][-1] + 1), logged, [*rates.values.values()])
    found = columns._asdict()
    names = {name: found[name] for name in ("step", *series) if found[name] is not None}
    if evaluated.values:  # (of rows that say that they are of held-out data)
        names.setdefault("eval_loss", columns.loss)
    steps, values = _arrays(losses)
    return Log(steps, values, every, tuple(notes), names, *_arrays(evaluated))


def _arrays(series: Series) -> tuple[np.ndarray, np.ndarray]:
    return np.array([*series.values], int), np.array([*series.values.values()], float)


def _left_out(series: Mapping[str, Series]) -> list[str]:
    """What a reader of the log would miss in what was read."""
    notes = []
    back = max(one.back for one in series.values())
    if back:
        lost = len(set().union(*(one.lost for one in series.values())))
        notes.append(f"went back {back} times: {lost} steps from before it are left out")
    if astray := sum(one.astray for one in series.values()):
        notes.append(f"{astray} numbers whose step goes back alone are left out")
    if odd := sum(one.odd for one in series.values()):
        notes.append(f"{odd} numbers that are not finite are left out")
    return notes


def _about_rates(rates: Series, losses: Series, columns: _log_columns.Columns) -> list[str]:
    """Where there are none, and whether there are others."""
    notes = _log_series.gap(losses.values, "losses") + _log_series.gap(rates.values, "rates")
    first, end, last = next(iter(rates.values)), next(reversed(rates.values)), max(losses.values)
    if first > 0:
        notes.append(f"no rate before step {first}: taken as the one there")
    if end < last:
        notes.append(f"no rate after step {end}: taken as the one there")
    if end * _BEHIND < last:
        notes.append("the rate may be logged by epoch, and the loss by step")
    if columns.others:
        notes.append(f"{columns.learning_rate!r} is the rate; {listed(columns.others)} differ")
    return notes
