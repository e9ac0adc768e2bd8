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

from .. import _checks
from .._numerics import (
    MAX_STEP,
    Fraction,
    Number,
    as_float,
    as_int,
    fraction,
    is_concrete,
    scale_int,
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
    def of(cls, time: "Moment | Number", name: str = "a moment") -> "Moment":
        """The moment, split in double if it is known now; errors call it by `name`."""
        if isinstance(time, Moment):
            return time
        real: Any = _checks.real(time)
        _checks.number("Span", name, real, least=_EARLIEST, most=MAX_STEP)
        if is_concrete(real):
            whole = int(np.floor(real))
            return cls(whole, real - whole)
        if jnp.issubdtype(real.dtype, jnp.integer):  # a count, which a float might round
            return cls(as_int(real), as_float(0))
        whole = jnp.floor(as_float(real))
        return cls(as_int(whole), as_float(real) - whole)

    def as_number(self) -> float:
        """The time as one number (for printing and saving)."""
        return float(self.whole) + float(self.part)

    def __repr__(self) -> str:
        known = _checks.known(self.whole, self.part) and not jnp.ndim(self.whole)
        return repr(self.as_number()) if known else super().__repr__()

    def scaled(self, scale: Scale, most: Number = MAX_STEP) -> "Moment":
        """The moment in stretched time, not rounded; held within what can be counted."""
        if is_concrete(self.whole, self.part, scale.numerator, scale.denominator, most):
            ratio = Rational(int(scale.numerator), max(int(scale.denominator), 1))
            moved = (Rational(self.part) + self.whole) * ratio
            return Moment.of(float(min(max(moved, _EARLIEST), most)))
        top, bottom = as_int(scale.numerator), lax.max(as_int(scale.denominator), as_int(1))
        size, sign = lax.abs(as_int(self.whole)), lax.sign(as_int(self.whole))
        moved = as_int(scale_int(size, top, bottom))
        rest = size * top - moved * bottom  # small: right also where the products wrap round
        rest = as_float(select(moved < MAX_STEP, sign * rest, 0))
        more = Moment.of((rest + as_float(self.part) * as_float(top)) / as_float(bottom))
        whole = lax.max(sign * moved + more.whole, as_int(_EARLIEST))
        return Moment(lax.min(whole, as_int(most)), more.part)


class Span(Schedule):
    """A segment from the moment `begin` to the moment `end`, neither of them a whole step.

    `value(t)` is that of `segment` at the fraction `((t - begin) / (end - begin)) ** power` of
    its length, which is `end - begin` (its own `steps` do not count). Up to `begin` its
    `init_value` holds, from `end` on its `end_value`. A `power` above 1 is k-decay: the fall
    comes later. A stretch moves both moments without rounding them: the stretched length is the
    stretched `end`, rounded up.

    Args:
      segment: any segment, such as `Cosine(1.0, 0.0, 1)`.
      begin: in steps, from -2**30 up; it may be negative, as in warmups of `(t + 1) / W`.
      end: in steps, from `begin` up, by less than 2**31. Tracers of moments are exact as
        integers; as floats they have the digits of float32.
      power: above 0; None is 1 with a shorter program. With a power the relative error of
        `Tanh`, and of a segment with an exponent of its own above 2, may be 3e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Span(anneal.Linear(1.0, 0.0, 1), begin=0.5, end=2.5)([0, 1, 2, 3]))
        [1.   0.75 0.25 0.  ]

    Reference for `power`: Zhang and Li, k-decay, 2020 (arXiv 2004.05909).
    """

    segment: Segment
    begin: Moment = eqx.field(converter=lambda time: Moment.of(time, "begin"))
    end: Moment = eqx.field(converter=lambda time: Moment.of(time, "end"))
    power: Number | None = eqx.field(default=None, converter=_checks.real)

    def __check_init__(self) -> None:
        _require_segment("Span", self.segment)
        if self.power is not None:
            _checks.number("Span", "power", self.power, above=0)
        if is_concrete(*jax.tree.leaves((self.begin, self.end))):
            length = self.end.as_number() - self.begin.as_number()
            if not 0 <= length <= MAX_STEP:
                rule = f"from begin={self.begin} up, by less than 2**31"
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
        t = lax.max(lax.min(step, last), first)  # then nothing overflows
        begun, left = as_float(t - first) - early, as_float(last - t) + late
        over = (step > last) | ((step == last) & (late <= 0))
        between = (begun > 0) & ~over
        length, parts = last - first, late - early
        some = as_float(length) + parts > 0  # else nothing is between; gradients stay finite
        length, parts = select(some, length, 1), select(some, parts, 0)
        since = _fraction(between, t - first, length, -early, parts)
        until = _fraction(between, last - t, length, late, parts)
        elapsed = lax.max(begun, as_float(0))
        progress = Progress(elapsed, left, as_float(length) + parts, since, until)
        if self.power is not None:
            progress = progress.bent(as_float(self.power))
        value = self.segment.between(progress)
        value = select(begun <= 0, as_float(self.segment.init_value), value)
        return select(over, as_float(self.segment.end_value), value)

    def stretched(self, scale: Scale) -> "Span":
        begin = self.begin.scaled(scale)
        least = min if is_concrete(begin.whole) else jnp.minimum
        latest = MAX_STEP + least(begin.whole, 0)
        return Span(self.segment, begin, self.end.scaled(scale, latest), self.power)


def k_decay(segment: Segment, k: Number) -> Span:
    """A segment whose fraction elapsed is raised to the power `k`: the larger, the later it falls.

    `value(t)` is that of `segment` at the fraction `(t / steps) ** k` of its length.

    Args:
      segment: such as `Cosine(peak, 0.0, steps)` or `Polynomial(peak, 0.0, steps, power)`.
      k: above 0; 1 changes nothing.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.k_decay(anneal.Linear(1.0, 0.0, steps=4), k=2.0)([0, 2, 4]))
        [1.   0.75 0.  ]

    Reference: Zhang and Li, k-decay: a new method for learning rate schedule, 2020
    (arXiv 2004.05909).
    """
    _require_segment("k_decay", segment)
    _checks.number("k_decay", "k", k, above=0)
    return Span(segment, 0, segment.steps, k)


def _require_segment(owner: str, x: Any) -> None:
    if not isinstance(x, Segment):
        remedy = "pass a segment, such as Cosine(1.0, 0.0, 1)"
        _checks.fail(owner, "segment", "a segment", x, remedy)


def _fraction(inside: Array, n: Array, d: Array, n_part: Array, d_part: Array) -> Fraction:
    """`fraction`, and one half where its arguments are outside of its domain."""
    half = 0.5 * (as_float(d) + d_part)
    return fraction(select(inside, n, 0), d, select(inside, n_part, half), d_part)
