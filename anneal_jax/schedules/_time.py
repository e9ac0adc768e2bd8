"""Time: a schedule earlier or later, backwards, or stretched."""

from fractions import Fraction

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .. import _checks
from .._numerics import MAX_STEP, Number, as_float, as_int, is_concrete, product, round_half_up
from ._schedule import Array, Scale, Schedule, verb


class Shift(Schedule):
    """`value(t) = schedule(max(t - offset, 0))`; what `schedule.shift(offset)` builds."""

    schedule: Schedule
    offset: Number = eqx.field(converter=_checks.whole)

    def __check_init__(self) -> None:
        _checks.steps("Shift", "offset", self.offset, least=-MAX_STEP)

    @property
    def steps(self) -> Number | None:
        if self.schedule.steps is None:
            return None
        known = is_concrete(self.schedule.steps, self.offset)
        return (max if known else jnp.maximum)(self.schedule.steps + self.offset, 0)

    @property
    def has_restarts(self) -> bool:
        return self.schedule.has_restarts

    def _inner(self, step: Array) -> Array:
        offset = as_int(self.offset)
        held = jnp.minimum(step, jnp.iinfo(step.dtype).max + jnp.minimum(offset, 0))
        return jnp.maximum(held - offset, 0)

    def value_at(self, step: Array) -> Array:
        return self.schedule.value_at(self._inner(step))

    def cycle_at(self, step: Array) -> Array:
        begin = self.schedule.cycle_at(self._inner(jnp.zeros_like(step)))
        return self.schedule.cycle_at(self._inner(step)) - begin

    def stretched(self, scale: Scale) -> "Shift":
        if is_concrete(self.offset):
            later, sign = max(self.offset, 0), -1 if self.offset < 0 else 1
            return Shift(self.schedule.stretched(scale.at(later)), sign * scale(abs(self.offset)))
        later, moved = jnp.maximum(self.offset, 0), scale(jnp.abs(self.offset))
        return Shift(self.schedule.stretched(scale.at(later)), jnp.sign(self.offset) * moved)


class Every(Schedule):
    """`value(t) = schedule(floor(t / interval))`; what `schedule.every(interval)` builds.

    A stretch moves the ends of `schedule`, in whole intervals.
    """

    schedule: Schedule
    interval: Number = eqx.field(converter=_checks.whole)

    def __check_init__(self) -> None:
        _checks.steps("every", "interval", self.interval, least=1)
        length = self.schedule.steps
        if length is not None and is_concrete(length, self.interval):
            _checks.steps("every", "interval times the schedule's length", length * self.interval)

    @property
    def steps(self) -> Number | None:
        return None if self.schedule.steps is None else self.schedule.steps * self.interval

    @property
    def has_restarts(self) -> bool:
        return self.schedule.has_restarts

    def _inner(self, step: Array) -> Array:
        return lax.div(step, lax.max(as_int(self.interval), as_int(1)))

    def value_at(self, step: Array) -> Array:
        return self.schedule.value_at(self._inner(step))

    def cycle_at(self, step: Array) -> Array:
        return self.schedule.cycle_at(self._inner(step))

    def stretched(self, scale: Scale) -> "Every":
        whole = Scale(scale.numerator, scale.denominator)  # its origin is none of an interval
        return Every(self.schedule.stretched(whole), self.interval)


class Until(Schedule):
    """`value(t) = schedule(min(t, end))`; what `schedule.until(end)` builds."""

    schedule: Schedule
    end: Number = eqx.field(converter=_checks.whole)

    def __check_init__(self) -> None:
        _checks.steps("until", "end", self.end)

    @property
    def steps(self) -> Number:
        return self.end

    @property
    def has_restarts(self) -> bool:
        return self.schedule.has_restarts

    def value_at(self, step: Array) -> Array:
        return self.schedule.value_at(lax.min(step, as_int(self.end)))

    def cycle_at(self, step: Array) -> Array:
        return self.schedule.cycle_at(lax.min(step, as_int(self.end)))

    def stretched(self, scale: Scale) -> "Until":
        return Until(self.schedule.stretched(scale), scale(self.end))


class Reverse(Schedule):
    """`value(t) = schedule(steps - t)`; what `schedule.reverse()` builds."""

    schedule: Schedule

    def __check_init__(self) -> None:
        if self.schedule.steps is None:
            remedy = "give it steps, or join it with an end"
            _checks.fail("reverse", "schedule", "of known length", self.schedule, remedy)

    @property
    def steps(self) -> Number:
        return self.schedule.steps

    @property
    def has_restarts(self) -> bool:
        return self.schedule.has_restarts

    def value_at(self, step: Array) -> Array:
        return self.schedule.value_at(jnp.maximum(as_int(self.steps) - step, 0))

    def cycle_at(self, step: Array) -> Array:
        end = as_int(self.steps)
        return self.schedule.cycle_at(end) - self.schedule.cycle_at(jnp.maximum(end - step, 0))

    def stretched(self, scale: Scale) -> "Reverse":
        return Reverse(self.schedule.stretched(scale))


@verb
def shift(schedule: Schedule, steps: Number) -> Shift:
    """Build `schedule.shift(steps)`."""
    return Shift(schedule, steps)


@verb
def every(schedule: Schedule, interval: Number) -> Every:
    """Build `schedule.every(interval)`."""
    return Every(schedule, interval)


@verb
def until(schedule: Schedule, end: Number) -> Until:
    """Build `schedule.until(end)`."""
    return Until(schedule, end)


@verb
def reverse(schedule: Schedule) -> Reverse:
    """Build `schedule.reverse()`."""
    return Reverse(schedule)


@verb
def stretch(schedule: Schedule, factor: Number) -> Schedule:
    """Build `schedule.stretch(factor)`."""
    _checks.number("stretch", "factor", factor, above=0)
    length = schedule.steps
    if length is not None and is_concrete(length, factor):
        _checks.steps("stretch", "the stretched length", int(length * factor))
        return schedule.stretched(Scale(round_half_up(product(factor, length)), length))
    if is_concrete(factor):
        ratio = Fraction(factor).limit_denominator(10**6)
        scale = Scale(ratio.numerator, ratio.denominator)
    else:
        scale = Scale(round_half_up(as_float(factor) * 2.0**16), 2**16)
    return schedule.stretched(scale if length is None else Scale(scale(length), length))
