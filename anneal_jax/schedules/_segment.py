"""What a segment is: a path from `init_value` to `end_value` in `steps` steps, then held.

A segment sees its progress as two fractions, `q = t / steps` elapsed and `r = 1 - q` remaining,
each formed from integers. Most shapes are a blend `init_value * w + end_value * (1 - w)`. Both
weights come from `shape`, because each must be accurate where it is nearly zero, which `1 - w`
computed from a rounded `w` is not. So a rate that decays to 0 keeps its digits down to the last
step, and so does one that warms up from 0.
"""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
from jax import lax

from .. import _checks
from .._numerics import (
    Fraction,
    as_float,
    as_int,
    complement,
    fraction,
    mix,
    on_host,
    select,
)
from .._types import Array, DurationLike, RealScalarLike
from ._schedule import Schedule
from ._time_scale import WHOLE

Weights = tuple[Array, Array]
_UNSIGNED = "build a negative value by algebra, as in -schedule or schedule - 1.0"


class Progress(NamedTuple):
    """How far a segment has come, in steps and as fractions of its length."""

    elapsed: Array
    remaining: Array
    steps: Array
    since: Fraction | None = None  # the fractions, where the steps above are not whole
    until: Fraction | None = None

    @property
    def q(self) -> Array:
        """The fraction elapsed, `t / steps`, rounded."""
        if self.since is not None:
            return self.since.rounded()
        return as_float(self.elapsed) / as_float(self.steps)

    @property
    def r(self) -> Array:
        """The fraction remaining, `1 - q`, rounded; formed from the remaining steps."""
        if self.until is not None:
            return self.until.rounded()
        return as_float(self.remaining) / as_float(self.steps)

    @property
    def exact_q(self) -> Fraction:
        """The fraction elapsed, with the extra digits that powers need."""
        return self.since or fraction(self.elapsed, self.steps)

    @property
    def exact_r(self) -> Fraction:
        """The fraction remaining, with the extra digits that powers need."""
        return self.until or fraction(self.remaining, self.steps)

    def bent(self, power: Array) -> "Progress":
        """The progress whose fraction elapsed is `q ** power`."""
        q = self.exact_q.power(power)
        r = complement(self.r, q, power)
        steps = as_float(self.steps)
        return Progress(q * steps, r * steps, steps, Fraction.of(q), Fraction.of(r))


class Segment(Schedule):
    """The abstract base class of schedules from one value to another in a number of steps.

    A subclass writes `between`; where the value is a weighted mean of the ends, subclass `Blend`
    and write `shape`, which returns both weights.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up; 0: `end_value` from the start.
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    end_value: RealScalarLike = eqx.field(converter=_checks.real)
    steps: DurationLike = eqx.field(converter=_checks.whole, metadata=WHOLE)

    def __check_init__(self) -> None:
        owner = type(self).__name__
        _checks.number(owner, "init_value", self.init_value, least=0, remedy=_UNSIGNED)
        _checks.number(owner, "end_value", self.end_value, least=0, remedy=_UNSIGNED)
        _checks.steps(owner, "steps", self.steps)

    @abc.abstractmethod
    def between(self, progress: Progress) -> Array:
        """The value strictly between the two ends (a scalar float)."""

    def value_at(self, step: Array) -> Array:
        steps = lax.max(as_int(self.steps), as_int(1))
        t = lax.min(step, steps)
        value = self.between(Progress(t, steps - t, steps))
        value = select(step <= 0, as_float(self.init_value), value)  # ends are not computed
        return select(step >= as_int(self.steps), as_float(self.end_value), value)


class Blend(Segment):
    """The abstract base class of segments whose value is a weighted mean of their two ends."""

    @abc.abstractmethod
    def shape(self, progress: Progress) -> Weights:
        """The weights of `init_value` (falling from 1) and of `end_value` (rising to 1)."""

    def between(self, progress: Progress) -> Array:
        falling, rising = self.shape(progress)
        return mix(as_float(self.init_value), as_float(self.end_value), falling, rising)


Shape: TypeAlias = Callable[[RealScalarLike, RealScalarLike, DurationLike], Schedule]
"""What makes a phase of given ends and length: a segment class, or any such function."""


def as_shape(owner: str, name: str, x: Any) -> Shape:
    """`x` as a function of two values and a length, whose result is checked."""
    if isinstance(x, type) and issubclass(x, Segment):
        return x
    if isinstance(x, type | Schedule) or not callable(x):
        remedy = "pass a class such as anneal_jax.Linear, or functools.partial of one"
        rule = "a segment class or a function (init_value, end_value, steps) -> Schedule"
        _checks.fail(owner, name, rule, x, remedy)

    def shaped(init_value: Any, end_value: Any, steps: Any) -> Schedule:
        made = x(init_value, end_value, steps)
        length = getattr(made, "steps", None)
        if not isinstance(made, Schedule) or (on_host(length, steps) and length != steps):
            rule = f"a function that returns a Schedule of the {steps} steps asked for"
            _checks.fail(owner, name, rule, made, "give it that length")
        return made

    return shaped
