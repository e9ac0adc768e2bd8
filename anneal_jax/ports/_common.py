"""What ports share: values of either sign, tables of known values, lists of cycles."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .. import _checks
from .._numerics import Number, is_concrete
from ..schedules._algebra import Sum
from ..schedules._constant import Constant
from ..schedules._join import join
from ..schedules._schedule import Schedule
from ..schedules._tables import PiecewiseConstant


def reject(owner: str, reason: str) -> None:
    """Raise what the framework rejects too, in its own reason."""
    raise ValueError(f"{owner}: {reason}")


def table(values: Sequence[float]) -> Schedule:
    """A value for every step from 0 on, the last of which holds; of either sign."""
    numbers = np.asarray(values, np.float64)
    changes = 1 + np.flatnonzero(np.diff(numbers))
    kept = numbers[np.concatenate([[0], changes]).astype(int)]
    low = min(float(kept.min()), 0.0)
    steps = PiecewiseConstant((kept - low).tolist(), changes.tolist())
    return steps if low == 0 else Sum(Constant(low), steps)


def in_double(schedule: Schedule, steps: Number) -> Any:
    """The values of a schedule in double precision, on the host."""
    with jax.enable_x64(True):
        return np.asarray(schedule(steps), np.float64)


def between(
    shape: Callable[[Number, Number], Schedule], init_value: Number, end_value: Number
) -> Schedule:
    """A shape between two values of any sign: shifted, where one of them is below 0.

    Args:
      shape: from the two values to a schedule, such as `lambda a, b: Linear(a, b, steps)`.
      init_value: at step 0.
      end_value: at the end.
    """
    known = is_concrete(init_value, end_value)
    low = min(float(init_value), float(end_value), 0.0) if known else 0.0
    if low == 0:
        return shape(init_value, end_value)
    return Sum(Constant(low), shape(init_value - low, end_value - low))


def signed(value: Number, build: Callable[[Number], Schedule]) -> Schedule:
    """What is proportional to a value, which may be below 0."""
    negative = _checks.known(value) and value < 0
    return -build(-value) if negative else build(value)


def cycles(parts: Sequence[Schedule], starts: Sequence[int], restarts: bool = True) -> Schedule:
    """Schedules of absolute time, each in force from its start on (the first is 0)."""
    moved = [part.shift(-start) for part, start in zip(parts, starts, strict=True)]
    return join(moved, list(starts[1:]), restarts=restarts)
