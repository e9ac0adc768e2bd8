"""Schedules that read another schedule at other steps: earlier or later, backwards, slower."""

import abc
from fractions import Fraction
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .. import _checks
from .._numerics import (
    MAX_STEP,
    as_float,
    as_int,
    largest,
    on_host,
    plus,
    product,
    round_half_up,
    scale_int,
)
from .._types import Array, DurationLike, RealScalarLike
from ._constant import as_schedule
from ._schedule import Schedule
from ._time_scale import OTHER, WHOLE, TimeScale, longest, replaced


class Retimed(Schedule):
    """The abstract base class of schedules that evaluate another one at a different step."""

    schedule: eqx.AbstractVar[Schedule]

    @abc.abstractmethod
    def inner(self, step: Array) -> Array:
        """The step at which `schedule` is evaluated for `step`."""

    @property
    def has_restarts(self) -> bool:
        return self.schedule.has_restarts

    def value_at(self, step: Array) -> Array:
        return self.schedule.value_at(self.inner(step))

    def cycle_at(self, step: Array) -> Array:
        if not self.has_restarts:
            return jnp.zeros_like(step)
        begin = self.schedule.cycle_at(self.inner(jnp.zeros_like(step)))
        return lax.abs(self.schedule.cycle_at(self.inner(step)) - begin)  # counted on, or back


class Shift(Retimed):
    """`value(t) = schedule(max(t - offset, 0))`; what `schedule.shift(offset)` builds.

    Args:
      schedule: any schedule.
      offset: optimizer steps by which it comes later; if negative, earlier.

    Raises:
      ValueError: at construction, if `offset` is not a whole number between -2**31 and 2**31.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4).shift(10)([0, 10, 12, 14]))
        [1.  1.  0.5 0. ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    offset: DurationLike = eqx.field(converter=_checks.whole, metadata=OTHER)

    def __check_init__(self) -> None:
        _checks.steps("Shift", "offset", self.offset, least=-MAX_STEP)

    @property
    def steps(self) -> DurationLike | None:
        length = self.schedule.steps
        return None if length is None else largest(plus(length, self.offset), 0)

    def inner(self, step: Array) -> Array:
        offset = as_int(self.offset)
        held = jnp.minimum(step, jnp.iinfo(step.dtype).max + jnp.minimum(offset, 0))
        return jnp.maximum(held - offset, 0)

    def stretched(self, scale: TimeScale) -> "Shift":
        schedule = self.schedule.stretched(scale.at(self.offset))
        return replaced(self, schedule=schedule, offset=scale(self.offset))


class Every(Retimed):
    """`value(t) = schedule(floor(t / interval))`; what `schedule.every(interval)` builds.

    A stretch moves the boundaries of `schedule` by whole intervals; `interval` stays as it is. (In
    a cycle that `Repeat` counts in units of `2**k` steps, it is as many units.)

    Args:
      schedule: any schedule, whose steps are intervals (such as epochs).
      interval: length of an interval in optimizer steps, at least 1.

    Raises:
      ValueError: at construction, if `interval` is out of its range, or the length in optimizer
        steps would exceed 2**31 - 1.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4).every(100)([0, 99, 100, 400]))
        [1.   1.   0.75 0.  ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    interval: DurationLike = eqx.field(converter=_checks.whole)

    def __check_init__(self) -> None:
        _checks.steps("every", "interval", self.interval, least=1)
        length = _checks.whole(self.schedule.steps)
        if length is not None and on_host(length, self.interval):
            _checks.steps("every", "interval times the schedule's length", length * self.interval)

    @property
    def steps(self) -> DurationLike | None:
        length = self.schedule.steps
        return None if length is None else scale_int(length, self.interval, 1)

    def inner(self, step: Array) -> Array:
        return lax.div(step, lax.max(as_int(self.interval), as_int(1)))

    def stretched(self, scale: TimeScale) -> "Every":
        return replaced(self, schedule=self.schedule.stretched(scale.from_zero()))


class Until(Retimed):
    """`value(t) = schedule(min(t, end))`; what `schedule.until(end)` builds.

    Args:
      schedule: any schedule.
      end: length in optimizer steps, from 0 up; the value at this step holds.

    Raises:
      ValueError: at construction, if `end` is not a whole number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4).until(2)([0, 1, 2, 3]))
        [1.   0.75 0.5  0.5 ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    end: DurationLike = eqx.field(converter=_checks.whole, metadata=WHOLE)

    def __check_init__(self) -> None:
        _checks.steps("until", "end", self.end)

    @property
    def steps(self) -> DurationLike:
        return self.end

    def inner(self, step: Array) -> Array:
        return lax.min(step, as_int(self.end))


class Reverse(Retimed):
    """`value(t) = schedule(max(steps - t, 0))`; what `schedule.reverse()` builds.

    Args:
      schedule: any schedule of known length.

    Raises:
      ValueError: at construction, if `schedule` is open-ended or longer than 2**31 - 1 steps.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4).reverse()([0, 1, 4, 5]))
        [0.   0.25 1.   1.  ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)

    def __check_init__(self) -> None:
        if self.schedule.steps is None:
            remedy = "give it steps, or join it with an end"
            _checks.fail("reverse", "schedule", "of known length", self.schedule, remedy)
        _checks.steps("reverse", "the schedule's length", _checks.whole(self.schedule.steps))

    @property
    def steps(self) -> DurationLike:
        known: Any = self.schedule.steps
        return known

    def inner(self, step: Array) -> Array:
        return jnp.maximum(as_int(self.steps) - step, 0)


def stretch(schedule: Schedule, factor: RealScalarLike) -> Schedule:
    """Build `schedule.stretch(factor)`."""
    factor = _checks.real(factor)
    _checks.number("stretch", "factor", factor, above=0)
    length = _checks.whole(schedule.steps)
    if length is not None and on_host(length, factor):
        _checks.steps("stretch", "the stretched length", int(length * factor))
        scale = TimeScale(round_half_up(product(factor, length)), length)
    elif on_host(factor):
        ratio = Fraction(float(factor)).limit_denominator(10**6)
        scale = TimeScale(ratio.numerator, ratio.denominator)
    else:
        scale = TimeScale(round_half_up(as_float(factor) * 2.0**16), 2**16)
    if length is not None and not on_host(length, factor):
        scale = TimeScale(scale(length), length)
    stretched = schedule.stretched(scale)
    most = int(longest(stretched))
    if most > MAX_STEP:
        rule = "at most 2**31 - 1 steps when stretched"
        _checks.fail("stretch", "every length and boundary", rule, most, "stretch by less")
    return stretched
