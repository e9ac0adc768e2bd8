"""The algebra: sums, products, minima and maxima of schedules, step by step.

A combination of two schedules is as long as the longer one; a bare number (a `Constant` without
a length) does not count. It restarts wherever either of them does.
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .. import _checks
from .._numerics import as_float, largest, select
from .._types import Array, DurationLike, RealScalarLike
from ._constant import Constant, as_schedule
from ._schedule import Schedule


class Pair(Schedule):
    """The abstract base class of combinations of two schedules."""

    first: Schedule = eqx.field(converter=as_schedule)
    second: Schedule = eqx.field(converter=as_schedule)

    @property
    def steps(self) -> DurationLike | None:
        lengths = [s.steps for s in (self.first, self.second) if not _timeless(s)]
        return None if not lengths or None in lengths else largest(*lengths)


class Sum(Pair):
    """`value(t) = first(t) + second(t)`; what `first + second` builds."""

    def value_at(self, step: Array) -> Array:
        return self.first.value_at(step) + self.second.value_at(step)


class Product(Pair):
    """`value(t) = first(t) * second(t)`; what `first * second` builds."""

    def value_at(self, step: Array) -> Array:
        return self.first.value_at(step) * self.second.value_at(step)


class Minimum(Pair):
    """`value(t) = min(first(t), second(t))`; what `minimum(first, second)` builds."""

    def value_at(self, step: Array) -> Array:
        return jnp.minimum(self.first.value_at(step), self.second.value_at(step))


class Maximum(Pair):
    """`value(t) = max(first(t), second(t))`; what `maximum(first, second)` builds."""

    def value_at(self, step: Array) -> Array:
        return jnp.maximum(self.first.value_at(step), self.second.value_at(step))


class Mapped(Schedule):
    """The abstract base class of schedules that change another's value at each step."""

    schedule: eqx.AbstractVar[Schedule]

    @property
    def steps(self) -> DurationLike | None:
        return self.schedule.steps


class Power(Mapped):
    """`value(t) = schedule(t) ** exponent`; what `schedule ** exponent` builds.

    Args:
      schedule: a schedule whose values are never negative.
      exponent: power, finite and at least 0. Where `schedule` is 0, the derivative is 0.

    Raises:
      ValueError: at construction, if `exponent` is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print((anneal.Linear(1.0, 0.0, steps=4) ** 2)([0, 2, 4]))
        [1.   0.25 0.  ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    exponent: RealScalarLike = eqx.field(converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Power", "exponent", self.exponent, least=0)

    def value_at(self, step: Array) -> Array:
        value, exponent = self.schedule.value_at(step), as_float(self.exponent)
        some = ~(value <= 0)  # NaN too: it must not read as 0
        return select(some, lax.pow(select(some, value, 1), exponent), as_float(exponent == 0))


class Clip(Mapped):
    """`value(t) = min(max(schedule(t), lower), upper)`; what `schedule.clip` builds.

    Args:
      schedule: any schedule.
      lower: smallest value, finite; None: no lower bound.
      upper: largest value, finite and at least `lower`; None: no upper bound.

    Raises:
      ValueError: at construction, if a bound is not finite, or `lower` is above `upper`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4).clip(lower=0.5)([0, 1, 2, 4]))
        [1.   0.75 0.5  0.5 ]
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    lower: RealScalarLike | None = eqx.field(default=None, converter=_checks.real)
    upper: RealScalarLike | None = eqx.field(default=None, converter=_checks.real)

    def __check_init__(self) -> None:
        bounds = [b for b in (self.lower, self.upper) if b is not None]
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                _checks.number("Clip", name, getattr(self, name))
        if len(bounds) == 2 and _checks.known(*bounds) and float(bounds[0]) > float(bounds[1]):
            _checks.fail("Clip", "lower", f"at most upper={self.upper}", self.lower, "swap them")

    def value_at(self, step: Array) -> Array:
        value = self.schedule.value_at(step)
        if self.lower is not None:
            value = jnp.maximum(value, as_float(self.lower))
        return value if self.upper is None else jnp.minimum(value, as_float(self.upper))


def minimum(first: Schedule | RealScalarLike, second: Schedule | RealScalarLike) -> Minimum:
    """The smaller of two schedules (or numbers) at every step.

    Args:
      first: a schedule or a number.
      second: a schedule or a number.

    Returns:
      A schedule as long as the longer of the two; numbers do not count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.minimum(anneal.Linear(0.0, 1.0, steps=4), 0.5)([0, 1, 4]))
        [0.   0.25 0.5 ]
    """
    return Minimum(first, second)


def maximum(first: Schedule | RealScalarLike, second: Schedule | RealScalarLike) -> Maximum:
    """The larger of two schedules (or numbers) at every step.

    Args:
      first: a schedule or a number.
      second: a schedule or a number.

    Returns:
      A schedule as long as the longer of the two; numbers do not count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.maximum(anneal.Linear(1.0, 0.0, steps=4), 0.5)([0, 1, 4]))
        [1.   0.75 0.5 ]
    """
    return Maximum(first, second)


def _timeless(schedule: Schedule) -> bool:
    """Whether `schedule` is a bare number, or a combination of bare numbers."""
    if isinstance(schedule, Pair):
        return _timeless(schedule.first) and _timeless(schedule.second)
    if isinstance(schedule, Mapped):
        return _timeless(schedule.schedule)
    return isinstance(schedule, Constant) and schedule.steps is None
