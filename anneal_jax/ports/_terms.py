"""The core terms that ports build of their arguments, where one class does not say it.

Frameworks take values of either sign, durations that are not whole, factors of 0 and lists of
cycles. The core's segments lie between values from 0 up and whole steps: here they are moved
there and back.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .. import _checks
from .._numerics import on_host
from .._types import RealScalarLike, StepLike
from ..schedules._algebra import Sum
from ..schedules._constant import Constant
from ..schedules._join import join
from ..schedules._open_ended import ExponentialDecay
from ..schedules._schedule import Schedule
from ..schedules._span import Span
from ..schedules._tables import PiecewiseConstant
from ._arguments import is_zero

Shape = Callable[[Any, Any, Any], Any]  # of init_value, end_value and steps: a segment


# --- Values of either sign ---------------------------------------------------------------------


def between(
    build: Callable[[Any, Any], Schedule], init_value: RealScalarLike, end_value: RealScalarLike
) -> Schedule:
    """What goes from one value to another: lifted from 0, where one of them is below 0.

    Args:
      build: from the two values to a schedule, such as `lambda a, b: Linear(a, b, steps)`.
      init_value: at step 0.
      end_value: at the end.
    """
    low = _lowest([init_value, end_value])
    if low == 0:
        return build(init_value, end_value)
    return Sum(Constant(low), build(init_value - low, end_value - low))


def transition(
    shape: Shape,
    init_value: RealScalarLike,
    end_value: RealScalarLike,
    steps: RealScalarLike,
    begin: RealScalarLike = 0,
) -> Schedule:
    """A segment of `steps` steps from `begin` on, between values of either sign; both hold.

    A float is a moment between two steps.
    """

    def build(a: Any, b: Any) -> Schedule:
        if isinstance(steps, float) or isinstance(begin, float):
            return Span(shape(a, b, 1), begin, begin + steps)
        segment = shape(a, b, steps)
        return segment if is_zero(begin) else segment.shift(begin)

    return between(build, init_value, end_value)


def constants(values: Sequence[RealScalarLike], boundaries: Sequence[Any]) -> Schedule:
    """Constants of either sign, each but the first in force from its boundary on."""
    low = _lowest(values)
    if low == 0:
        return PiecewiseConstant(values=values, boundaries=boundaries)
    lifted = PiecewiseConstant(values=[value - low for value in values], boundaries=boundaries)
    return Sum(Constant(low), lifted)


def table(values: Sequence[float]) -> Schedule:
    """A value of either sign for every step from 0 on, the last of which holds."""
    numbers = np.asarray(values, np.float64)
    changes = 1 + np.flatnonzero(np.diff(numbers))
    return constants(numbers[[0, *changes]].tolist(), changes.tolist())


def signed(value: RealScalarLike, build: Callable[[Any], Schedule]) -> Schedule:
    """What is proportional to a value, which may be below 0."""
    negative = _checks.known(value) and value < 0
    return -build(-value) if negative else build(value)


def _lowest(values: Sequence[RealScalarLike]) -> float:
    """The lowest of 0 and the values, if they are known."""
    return min(0.0, *map(float, values)) if on_host(*values) else 0.0


# --- Factors, and cycles -----------------------------------------------------------------------


def decay(
    init_value: RealScalarLike, steps: Any, factor: RealScalarLike, staircase: bool
) -> Schedule:
    """`init_value * factor ** (t / steps)`, for a factor from 0 up and countable steps.

    `0 ** 0` is 1, so with a factor of 0 the first value is there.
    """
    if is_zero(factor):
        return PiecewiseConstant(values=[init_value, 0.0], boundaries=[steps if staircase else 1])
    return ExponentialDecay(init_value, steps, decay_rate=factor, staircase=staircase)


def cycles(parts: Sequence[Schedule], starts: Sequence[int], restarts: bool = True) -> Schedule:
    """Schedules of absolute time, each in force from its start on (the first is 0)."""
    moved = [part.shift(-start) for part, start in zip(parts, starts, strict=True)]
    return join(moved, list(starts[1:]), restarts=restarts)


def host_values(schedule: Schedule, steps: StepLike) -> Any:
    """The values of a schedule in double precision, on the host."""
    with jax.enable_x64(True):
        return np.asarray(schedule(steps), np.float64)
