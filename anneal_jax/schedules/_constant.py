"""Numbers, and functions of the step, as schedules."""

from collections.abc import Callable
from typing import Any

import equinox as eqx

from .. import _checks
from .._numerics import as_float
from .._types import Array, DurationLike, RealScalarLike
from ._schedule import Schedule
from ._time_scale import WHOLE, TimeScale


class Constant(Schedule):
    """The same value at every step.

    `value(t) = value`

    Args:
      value: any finite number; negative ones are for the algebra, as in `schedule - 1.0`.
      steps: length in optimizer steps, from 0 up, for a phase between others; None: open-ended.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Constant(0.5)(10))
        0.5
    """

    value: RealScalarLike = eqx.field(converter=_checks.real)
    steps: DurationLike | None = eqx.field(default=None, converter=_checks.whole, metadata=WHOLE)

    def __check_init__(self) -> None:
        _checks.number("Constant", "value", self.value)
        if self.steps is not None:
            _checks.steps("Constant", "steps", self.steps)

    def value_at(self, step: Array) -> Array:
        del step
        return as_float(self.value)


class Function(Schedule):
    """Any function of the step as an open-ended schedule, for instance one of Optax's.

    `value(t) = function(t)`

    The function is part of the compiled program, so another function means compiling again. The
    schedule cannot be saved by `to_config`, nor stretched.

    Args:
      function: a function that JAX can trace, from one step (a scalar int32 tracer; int64 with x64
        on) to a scalar.

    Example:
        >>> import anneal_jax as anneal, optax
        >>> schedule = 0.5 * anneal.as_schedule(optax.constant_schedule(1.0))
        >>> print(schedule(3))
        0.5
    """

    function: Callable[[Array], Any] = eqx.field(static=True)

    @property
    def steps(self) -> None:
        return None

    def value_at(self, step: Array) -> Array:
        return as_float(self.function(step))

    def stretched(self, scale: TimeScale) -> "Schedule":
        raise NotImplementedError(
            f"Function: {self.function!r} cannot be stretched, its durations are out of sight; "
            "build it from anneal_jax schedules."
        )


def as_schedule(x: Schedule | RealScalarLike | Callable[[Array], Any]) -> Schedule:
    """`x` as a schedule: a number becomes a `Constant`, a function a `Function`.

    Args:
      x: a schedule (returned as it is), a number, or a function of the step.

    Returns:
      A schedule.

    Raises:
      ValueError: for anything else.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.as_schedule(0.1))
        Constant(value=0.1, steps=None)
    """
    if isinstance(x, Schedule):
        return x
    if callable(x):
        return Function(x)
    if not _checks.is_real_scalar(x):
        remedy = "pass one of these"
        _checks.fail("as_schedule", "x", "a schedule, a number or a function", x, remedy)
    return Constant(x)
