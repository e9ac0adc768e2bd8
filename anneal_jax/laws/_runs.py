"""Runs as a fit wants them: checked, without their warmup, thinned to some hundred losses."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from .._types import Array
from ..schedules._schedule import Schedule
from ._logs import Log
from ._measured import Measured, measured

_POINTS = 256  # of a run at most; more are gathered into medians
_PEAK = 0.999  # of the largest rate: where a warmup ends
_LATE, _WEIGHT = 0.1, 10.0  # the last tenth counts for more: what a run is asked for is its end
_FEWEST = 8  # losses of a run after its warmup
_MANY = 3  # runs, from which on each is held out as a whole
_BLOCKS = 8  # of a run, of which a bootstrap draws and that are held out in turn

_Numbers: TypeAlias = Array | np.ndarray | Sequence[float]
RunLike: TypeAlias = Log | tuple[ScheduleOrRates, _Numbers, _Numbers]
"""A run as a user has it: a log, or its schedule (or rates), steps with a loss, and losses."""


class LossCurve(NamedTuple):
    """The losses of a run at some of its steps, and the rates of all."""

    rates: np.ndarray  # float64[steps]
    steps: np.ndarray  # int[n]
    losses: np.ndarray  # float64[n]

    def past(self) -> Measured:
        """What a law may know of the steps with a loss."""
        return measured(self.rates, self.steps)

    def weights(self) -> np.ndarray:
        """float64[n], how much each loss counts in a fit."""
        return np.where(self.steps >= (1 - _LATE) * self.steps[-1], _WEIGHT, 1.0)


def checked_runs(owner: str, runs: Any) -> list[LossCurve]:
    """The user's runs, or the one run, as a fit wants them."""
    if isinstance(runs, Log) or (isinstance(runs, tuple) and len(runs) == 3 and _is_one(runs)):
        runs = [runs]
    given = [*runs] if isinstance(runs, Iterable) else []
    if not given:
        remedy = "pass [(schedule, steps, losses), ...]"
        _checks.fail(owner, "runs", "a list of one run or more", runs, remedy)
    return [_run(owner, f"runs[{i}]", run) for i, run in enumerate(given)]


def _is_one(runs: tuple[Any, ...]) -> bool:
    """Whether a tuple of three is one run, and not three of them."""
    return isinstance(runs[0], Schedule | np.ndarray) or np.ndim(runs[0]) == 1


def _run(owner: str, name: str, run: Any) -> LossCurve:
    if isinstance(run, Log):
        run = run.rates, run.steps, run.losses
    if not isinstance(run, tuple | list) or len(run) != 3:
        remedy = "see read_log for logs"
        _checks.fail(owner, name, "a Log, or (schedule or rates, steps, losses)", run, remedy)
    steps, losses = np.asarray(run[1]), np.asarray(run[2])
    whole = steps.dtype.kind in "iu" and steps.ndim == 1 and steps.size
    if not whole or (np.diff(steps) <= 0).any() or steps[0] < 0:
        remedy = "pass the steps at which losses were measured"
        _checks.fail(owner, f"the steps of {name}", "whole, increasing, from 0 up", run[1], remedy)
    length = int(steps[-1]) + 1
    endless = isinstance(run[0], Schedule) and run[0].steps is None
    rates = rates_of(owner, f"the rates of {name}", run[0], length if endless else None)
    if len(rates) < length:
        rule = f"given for each step up to the last loss, {length - 1}"
        got = f"{len(rates)} of them"
        _checks.fail(owner, f"the rates of {name}", rule, got, "pass the rate of every step from 0")
    numbers = losses.dtype.kind in "fiu" and losses.shape == steps.shape
    if not numbers or not (np.isfinite(losses) & (losses > 0)).all():
        rule = f"{len(steps)} positive finite numbers"
        remedy = "leave out steps whose loss is none (read_log does)"
        _checks.fail(owner, f"the losses of {name}", rule, run[2], remedy)
    return _thinned(
        _after_warmup(owner, name, LossCurve(rates[:length], steps, losses.astype(np.float64)))
    )


def _after_warmup(owner: str, name: str, run: LossCurve) -> LossCurve:
    """Laws hold after the warmup, which they count in all their sums."""
    top = int(np.argmax(run.rates >= _PEAK * run.rates.max()))
    kept = run.steps >= top
    if kept.sum() < _FEWEST:
        rule = f"longer than its warmup, with {_FEWEST} losses or more after it"
        got = f"{int(kept.sum())} from step {top} on, where its rate is largest"
        _checks.fail(owner, name, rule, got, "train on, or log more often")
    return LossCurve(run.rates, run.steps[kept], run.losses[kept])


def _thinned(run: LossCurve) -> LossCurve:
    """Medians of neighbours, which a few spikes do not move, where there are very many losses."""
    width = -(-len(run.steps) // _POINTS)
    if width == 1:
        return run
    width += 1 - width % 2  # (odd, so that the median step is a step)
    groups = [np.arange(i, i + width) for i in range(0, len(run.steps) - width + 1, width)]
    steps = np.array([run.steps[g[width // 2]] for g in groups])
    return LossCurve(run.rates, steps, np.array([np.median(run.losses[g]) for g in groups]))


def held_out_sets(runs: list[LossCurve]) -> list[np.ndarray]:
    """Masks over all losses: each run where there are three or more, else each block of each.

    One of two runs alone would not tell a law apart from others; without the end of one, much
    less is known than a fit to both knows.
    """
    parts = blocks_of(runs)
    parts = parts // _BLOCKS if len(runs) >= _MANY else parts
    return [parts == part for part in range(parts[-1] + 1)]


def blocks_of(runs: list[LossCurve]) -> np.ndarray:
    """The block of each loss, eight of equal numbers of losses in a run: neighbours err alike."""
    parts = [np.arange(len(run.steps)) * _BLOCKS // len(run.steps) for run in runs]
    return np.concatenate([part + _BLOCKS * i for i, part in enumerate(parts)])
