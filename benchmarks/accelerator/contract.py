"""The numeric contract on this device: every case of the tests' table against its oracle.

At the steps that the tests look at, eagerly and as a constant of a jitted program.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import numpy as np

from .measurements import Clock, Measurement, Row

GOAL = 1e-6
SHOWN = 5  # of the cases that are worst; the file has them all
AT_ONCE = 16  # cases whose programs are compiled side by side
RUNS: dict[str, Callable[[Any, np.ndarray], Any]] = {
    "eager": lambda schedule, steps: schedule(steps),
    "jitted": lambda schedule, steps: jax.jit(lambda t: schedule(t))(steps),
}


def measurements(quick: bool) -> Iterator[Measurement]:
    """One for each way to run a schedule."""
    from tests.table import CASES  # here, as it needs what the tests need

    # The distinct ones first, in case time runs out.
    cases = sorted(CASES, key=lambda case: case.similar)[:: 48 if quick else 1]
    for name, run in RUNS.items():
        yield Measurement(f"contract, {name}", partial(_rows, name, run, cases))


def _rows(name: str, run: Callable, cases: list[Any], clock: Clock) -> Iterator[Row]:
    time = clock.left() / (2 if name == "eager" else 1)
    errors = dict(_errors(run, cases, Clock(time)))
    if not errors:
        raise TimeoutError("no case was done in time")
    order = sorted(errors, key=lambda case: -errors[case])
    worst = errors[order[0]]
    what = f"contract, {name}: worst relative error of {len(errors)} schedules"
    what += f" (of {len(cases)}: time was up)" if len(errors) < len(cases) else ""
    yield Row(what, f"{worst:.1e} ({order[0]})", f"{GOAL:.0e}", {"errors": errors})
    beyond = [case for case in order if not errors[case] <= GOAL]
    yield Row(f"contract, {name}: schedules beyond {GOAL:.0e}", f"{len(beyond)}", "0")
    for case in beyond or order[1:SHOWN]:
        yield Row(f"contract, {name}: {case}", f"{errors[case]:.1e}", f"{GOAL:.0e}")


def _errors(run: Callable, cases: list[Any], clock: Clock) -> Iterable[tuple[str, float]]:
    """The worst error of each case, a few cases at a time until the time is up."""
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as threads:
        for first in range(0, len(cases), AT_ONCE):
            if clock.over():
                return
            some = cases[first : first + AT_ONCE]
            values = threads.map(partial(_values, run), some)
            yield from zip((c.name for c in some), map(_worst, some, values), strict=True)


def _values(run: Callable, case: Any) -> np.ndarray:
    from tests.cases import points

    return np.asarray(run(case.schedule(), points(case)))


def _worst(case: Any, got: np.ndarray) -> float:
    """The largest error at any step, relative to what the oracle says errors are relative to."""
    from tests.cases import references
    from tests.oracle import mp

    normal = mp.mpf(float(np.finfo(got.dtype).tiny))  # below it there is no relative accuracy
    worst = 0.0
    for g, wanted, size in zip(got.tolist(), *references(case), strict=True):
        error = abs(mp.mpf(g) - wanted)
        if not math.isfinite(g) or (size == 0 and error):
            return math.inf
        small = normal if size < 2 * normal else 0
        worst = max(worst, float(max(error - small, 0) / size) if size else 0.0)
    return worst
