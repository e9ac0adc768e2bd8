"""Numbers and functions of the step as schedules."""

from collections.abc import Callable
from typing import Any

import equinox as eqx

from .. import _checks
from .._numerics import as_float
from .._types import Array, IntScalarLike, RealScalarLike
from ._schedule import Schedule
from ._time_scale import WHOLE, TimeScale


class Constant(Schedule):
    """The same value at every step.

    `value(t) = value`

    Args:
      value: any finite number (a negative one serves the algebra, as in `schedule - 1.0`).
      steps: its length where it is a phase between others; None: open-ended.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Constant(0.5)(10))
        0.5
    """

    value: RealScalarLike = eqx.field(converter=_checks.real)
    steps: IntScalarLike | None = eqx.field(default=None, converter=_checks.whole, metadata=WHOLE)

    def __check_init__(self) -> None:
        _checks.number("Constant", "value", self.value)
        if self.steps is not None:
            _checks.steps("Constant", "steps", self.steps)

    def value_at(self, step: Array) -> Array:
        del step
        return as_float(self.value)


class Function(Schedule):
    """Any function of the step as a schedule, for instance one of Optax's.

    `value(t) = function(t)`

    The function is called with a scalar int32 tracer; it is part of the program, so changing
    it recompiles, and it cannot be saved by `to_config` nor stretched.

    Args:
      function: traceable by JAX; takes a step, returns a scalar.

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
    """`x` as a schedule: schedules pass, numbers become `Constant`, functions `Function`."""
    if isinstance(x, Schedule):
        return x
    return Function(x) if callable(x) else Constant(x)
