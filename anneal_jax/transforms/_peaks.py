"""The largest values of rates: at step 0 of a warmup all are 0, which tells nobody anything."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import _checks
from ..schedules._constant import Constant
from ..schedules._schedule import Schedule

_SIZE = 256  # steps in one evaluation; always as many, so that one program serves
_NO_END = 2**20  # how far one looks where a schedule has no end


def rates_and_peaks(
    owner: str,
    rates_at: Callable[[np.ndarray], Mapping[str, Any]],
    values: Iterable[Any],
    step: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Rates by name: those at `step`, and the largest that each comes to.

    A peak is looked for on a coarse grid, then on finer ones around the best step of the last.

    Args:
      owner: the public function, for its errors.
      rates_at: the rates at steps in an array, by name.
      values: the schedules and numbers behind them.
      step: of the first result.
    """
    step = _checks.whole(step)
    _checks.steps(owner, "step", step, remedy="count optimizer steps")
    end = max([0, *(_length(x) for x in values if isinstance(x, Schedule))])
    spread = np.geomspace(1, end + 1, _SIZE // 2) - 1, np.linspace(0, end, _SIZE // 2 - 1)
    grid = np.append(np.sort(np.concatenate(spread)).astype(int), step)
    known: dict[tuple[int, int], Mapping[str, Any]] = {}

    def peak(name: str) -> float:
        steps, rates = grid[:-1], coarse[name][:-1]
        while True:
            best = int(np.argmax(np.where(np.isnan(rates), -np.inf, rates)))
            low, high = int(steps[max(best - 1, 0)]), int(steps[min(best + 1, len(steps) - 1)])
            if high - low <= 2:
                return float(rates[best])
            steps = np.linspace(low, high, _SIZE).astype(int)
            known[low, high] = known.get((low, high)) or rates_at(steps)
            rates = np.asarray(known[low, high][name])

    coarse = {name: np.asarray(rates) for name, rates in rates_at(grid).items()}
    return {n: float(r[-1]) for n, r in coarse.items()}, {n: peak(n) for n in coarse}


def _length(schedule: Schedule) -> int:
    if isinstance(schedule, Constant):
        return 0
    return _NO_END if schedule.steps is None else int(schedule.steps)
