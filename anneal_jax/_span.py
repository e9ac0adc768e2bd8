"""Span: a segment between two moments that need not be whole steps.

Other frameworks place the ends of phases where a product such as `0.3 * total - 1` falls. The
core counts whole steps, so that ends and joins are exact; a span is how the others' schedules
are told in its terms, digit for digit. It is also how progress can be bent, as in k-decay.
"""

from fractions import Fraction as Rational
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import _checks
from ._numerics import (
    MAX_STEP,
    Fraction,
    Number,
    as_float,
    as_int,
    fraction,
    is_concrete,
    select,
)
from ._schedule import Array, Scale, Schedule
from ._segment import Progress, Segment

_EARLIEST = -(2**30)


class Moment(eqx.Module):
    """A real time in steps, `whole + part` with `0 <= part < 1`."""

    whole: Number
    part: Number

    @classmethod
    def of(cls, time: "Moment | Number") -> "Moment":
        """The moment, split in double if it is known now."""
        if isinstance(time, Moment):
            return time
        real: Any = _checks.real(time)
        _checks.number("Span", "begin and end", real, least=_EARLIEST, most=MAX_STEP)
        if is_concrete(real):
            whole = int(np.floor(real))
            return cls(whole, real - whole)
        whole = jnp.floor(as_float(real))
        return cls(as_int(whole), as_float(real) - whole)

    def as_number(self) -> float:
        """The time as one number (for printing and saving)."""
        return float(self.whole) + float(self.part)

    def __repr__(self) -> str:
        known = _checks.known(self.whole, self.part) and not jnp.ndim(self.whole)
        return repr(self.as_number()) if known else super().__repr__()

    def scaled(self, scale: Scale) -> "Moment":
        """The moment in stretched time, not rounded."""
        if is_concrete(self.whole, self.part, scale.numerator, scale.denominator):
            ratio = Rational(int(scale.numerator), max(int(scale.denominator), 1))
            return Moment.of(float((Rational(self.part) + self.whole) * ratio))
        exact = as_float(self.whole) + as_float(self.part)
        return Moment.of(exact * as_float(scale.real(1.0)))


class Span(Schedule):
    """A segment from the moment `begin` to the moment `end`, neither of them a whole step.

    `value(t)` is that of `segment` at the fraction `((t - begin) / (end - begin)) ** power` of
    its length (its own `steps` do not count). Up to `begin` its `init_value` holds, from `end`
    on its `end_value`. A `power` above 1 is k-decay: the fall comes later.

    Args:
      segment: any segment, such as `Cosine(1.0, 0.0, 1)`.
      begin: in steps, from -2**30 up; it may be negative, as in warmups of `(t + 1) / W`.
      end: in steps, above `begin`, by less than 2**31.
      power: above 0; an int 1 leaves its part of the program out.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Span(anneal.Linear(1.0, 0.0, 1), begin=0.5, end=2.5)([0, 1, 2, 3]))
        [1.   0.75 0.25 0.  ]

    Reference for `power`: Zhang and Li, k-decay, 2020 (arXiv 2004.05909).
    """

    segment: Segment
    begin: Moment = eqx.field(converter=Moment.of)
    end: Moment = eqx.field(converter=Moment.of)
    power: Number | None = eqx.field(default=None, converter=_checks.real)

    def __check_init__(self) -> None:
        if not isinstance(self.segment, Segment):
            remedy = "pass a segment, such as Cosine(1.0, 0.0, 1)"
            _checks.fail("Span", "segment", "a segment", self.segment, remedy)
        if self.power is not None:
            _checks.number("Span", "power", self.power, above=0)
        if is_concrete(*jax.tree.leaves((self.begin, self.end))):
            length = self.end.as_number() - self.begin.as_number()
            if not 0 < length <= MAX_STEP:
                rule = f"above begin={self.begin}, by less than 2**31"
                _checks.fail("Span", "end", rule, self.end, "correct it")

    @property
    def steps(self) -> Number:
        whole, part = self.end.whole, self.end.part
        if is_concrete(whole, part):
            return max(whole + (part > 0), 0)
        return lax.max(as_int(whole) + as_int(as_float(part) > 0), as_int(0))

    def value_at(self, step: Array) -> Array:
        first, last = as_int(self.begin.whole), as_int(self.end.whole)
        early, late = as_float(self.begin.part), as_float(self.end.part)
        t = lax.clamp(first, step, last)  # then nothing overflows
        begun, left = as_float(t - first) - early, as_float(last - t) + late
        over = (step > last) | ((step == last) & (late <= 0))
        between = (begun > 0) & ~over
        length, parts = last - first, late - early
        since = _fraction(between, t - first, length, -early, parts)
        until = _fraction(between, last - t, length, late, parts)
        progress = Progress(begun, left, as_float(length) + parts, since, until)
        if self.power is not None:
            progress = progress.bent(as_float(self.power))
        value = self.segment.between(progress)
        value = select(begun <= 0, as_float(self.segment.init_value), value)
        return select(over, as_float(self.segment.end_value), value)

    def stretched(self, scale: Scale) -> "Span":
        return Span(self.segment, self.begin.scaled(scale), self.end.scaled(scale), self.power)


def k_decay(segment: Segment, k: Number) -> Span:
    """A segment whose fraction elapsed is raised to the power `k`: the larger, the later it falls.

    `value(t)` is that of `segment` at the fraction `(t / steps) ** k` of its length.

    Args:
      segment: such as `Cosine(peak, 0.0, steps)` or `Polynomial(peak, 0.0, steps, power)`.
      k: above 0; 1 changes nothing.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.k_decay(anneal.Linear(1.0, 0.0, steps=4), k=2.0)([0, 2, 4]))
        [1.   0.75 0.  ]

    Reference: Zhang and Li, k-decay: a new method for learning rate schedule, 2020
    (arXiv 2004.05909).
    """
    return Span(segment, 0, segment.steps, k)


def _fraction(inside: Array, n: Array, d: Array, n_part: Array, d_part: Array) -> Fraction:
    """`fraction`, and one half where its arguments are outside of its domain."""
    half = 0.5 * (as_float(d) + d_part)
    return fraction(select(inside, n, 0), d, select(inside, n_part, half), d_part)
