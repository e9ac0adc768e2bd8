"""Span: a segment between two moments that need not be whole steps.

Other frameworks place the ends of phases where a product such as `0.3 * total - 1` falls. The
core counts whole steps, so that ends and joins are exact; a span reproduces the others' schedules
digit for digit. It also bends the progress of a segment, as k-decay does.
"""

import math
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
    largest,
    on_host,
    scale_int,
    select,
)
from .._types import Array, DurationLike, RealScalarLike
from ._schedule import Schedule
from ._segment import Progress, Segment
from ._time_scale import OTHER, TimeScale, replaced, with_axes_of

_EARLIEST = -(2**30)


class Moment(eqx.Module):
    """A time in steps, not necessarily whole: the nearest whole step, and the part beyond it.

    The part may be negative: just before a step it is small, and keeps its digits.
    """

    whole: Number
    part: Number

    @classmethod
    def of(cls, time: "Moment | Number", name: str = "a moment") -> "Moment":
        """The moment, split in float64 if it is known now; errors call it `name`."""
        if isinstance(time, Moment):
            return time
        real: Any = _checks.real(time)
        _checks.number("Span", name, real, least=_EARLIEST, most=MAX_STEP)
        if on_host(real):
            whole = math.floor(real + 0.5)
            return cls(whole, real - whole)
        if jnp.issubdtype(real.dtype, jnp.integer):  # a count, which a float might round
            return cls(as_int(real), as_float(0))
        whole = jnp.floor(as_float(real) + 0.5)
        return cls(as_int(whole), as_float(real) - whole)

    def as_number(self) -> float:
        """The time as one float (for printing and saving)."""
        return float(self.whole) + float(self.part)

    def __repr__(self) -> str:
        known = _checks.are_numbers(self.whole, self.part)
        return repr(self.as_number()) if known else super().__repr__()

    def scaled(self, scale: TimeScale, most: Number = MAX_STEP) -> "Moment":
        """The moment in stretched time, not rounded; if traced, from -2**30 to `most`."""
        top, bottom = with_axes_of(scale.numerator, self.whole), scale.denominator
        given = self.whole, self.part, top, with_axes_of(bottom, self.whole)
        if on_host(*given, most):
            return Moment(*_scaled_exactly(*given))
        return Moment(*_scaled_traced(*given, most))


class Span(Schedule):
    """A segment between the moments `begin` and `end`, which need not be whole steps.

    `value(t)` is that of `segment` at the fraction `((t - begin) / (end - begin)) ** power` of its
    length. Up to `begin` it is the segment's `init_value`, from `end` on its `end_value`; the
    segment's own `steps` are ignored. A `power` above 1 makes the fall come later (k-decay). A
    stretch moves both moments without rounding them.

    Args:
      segment: any segment, such as `Cosine(1.0, 0.0, 1)`.
      begin: start in optimizer steps, at least -2**30; may be negative, as in warmups by
        `(t + 1) / W`.
      end: end in optimizer steps, from `begin` to less than `begin + 2**31`; rounded up, it is the
        length of the schedule. Traced moments are exact if they are integers; as floats they have
        the digits of float32.
      power: power of the fraction elapsed, above 0. None: 1, for a smaller compiled program. With
        a power, the relative error of exponentials and of `Tanh`, and of a segment with an exponent
        of its own above 2, may be 4e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Span(anneal.Linear(1.0, 0.0, 1), begin=0.5, end=2.5)([0, 1, 2, 3]))
        [1.   0.75 0.25 0.  ]

    Reference for `power`: Zhang and Li, [k-decay](https://arxiv.org/abs/2004.05909), 2020
    """

    segment: Segment
    begin: Moment = eqx.field(converter=lambda time: Moment.of(time, "begin"), metadata=OTHER)
    end: Moment = eqx.field(converter=lambda time: Moment.of(time, "end"), metadata=OTHER)
    power: RealScalarLike | None = eqx.field(default=None, converter=_checks.real)

    def __check_init__(self) -> None:
        _require_segment("Span", self.segment)
        if self.power is not None:
            _checks.number("Span", "power", self.power, above=0)
        if on_host(*jax.tree.leaves((self.begin, self.end))):
            length = self.end.as_number() - self.begin.as_number()
            if not 0 <= length <= MAX_STEP:
                rule = f"from begin={self.begin} up, by less than 2**31"
                _checks.fail("Span", "end", rule, self.end, "correct it")

    @property
    def steps(self) -> DurationLike:
        whole, part = self.end.whole, self.end.part
        more = part > 0 if on_host(whole, part) else as_int(as_float(part) > 0)
        return largest(whole + more, 0)

    def value_at(self, step: Array) -> Array:
        first, last = as_int(self.begin.whole), as_int(self.end.whole)
        early, late = as_float(self.begin.part), as_float(self.end.part)
        t = lax.max(lax.min(step, last), first - 1)  # then nothing overflows
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

    def stretched(self, scale: TimeScale) -> "Span":
        begin = self.begin.scaled(scale)
        latest = MAX_STEP - largest(-begin.whole, 0)
        end = self.end.scaled(scale, latest)
        if on_host(begin.whole, end.whole):  # what is out of range is made to look too long
            length = np.subtract(end.whole, begin.whole)
            far = (length > MAX_STEP) | np.less(begin.whole, _EARLIEST)
            whole = np.where(far, np.maximum(length, MAX_STEP + 1), end.whole)
            end = Moment(whole if whole.ndim else int(whole), end.part)
        return replaced(self, begin=begin, end=end)


def k_decay(segment: Segment, k: RealScalarLike) -> Span:
    """A segment whose fraction elapsed is raised to the power `k`.

    `value(t)` is that of `segment` at the fraction `(t / steps) ** k` of its length.

    Args:
      segment: any segment, such as `Cosine(peak, 0.0, steps)` or
        `Polynomial(peak, 0.0, steps, power)`.
      k: power of the fraction elapsed, above 0; the larger, the later the fall; 1 changes nothing.

    Returns:
      A schedule as long as `segment`.

    Raises:
      ValueError: if `segment` is not a segment, or `k` is not above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.k_decay(anneal.Linear(1.0, 0.0, steps=4), k=2.0)([0, 2, 4]))
        [1.   0.75 0.  ]

    Reference: Zhang and Li, [k-decay](https://arxiv.org/abs/2004.05909), 2020
    """
    _require_segment("k_decay", segment)
    _checks.number("k_decay", "k", k, above=0)
    return Span(segment, 0, segment.steps, k)


def _require_segment(owner: str, x: Any) -> None:
    if not isinstance(x, Segment):
        remedy = "pass a segment, such as Cosine(1.0, 0.0, 1)"
        _checks.fail(owner, "segment", "a segment", x, remedy)


def _fraction(inside: Array, n: Array, d: Array, n_part: Array, d_part: Array) -> Fraction:
    """`fraction(n, d, n_part, d_part)` where `inside`, else one half."""
    half = 0.5 * (as_float(d) + d_part)
    return fraction(select(inside, n, 0), d, select(inside, n_part, half), d_part)


def _scaled_exactly(whole: Any, part: Any, top: Any, bottom: Any) -> tuple[Any, Any]:
    """A moment of known numbers times `top / bottom`: in exact fractions, rounded once."""

    def one(whole: int, part: float, top: int, bottom: int) -> tuple[int, float]:
        time = (Rational(float(part)) + int(whole)) * Rational(int(top), max(int(bottom), 1))
        nearest = math.floor(time + Rational(1, 2))
        return nearest, float(time - nearest)

    found = np.vectorize(one, otypes=[np.int64, np.float64])(whole, part, top, bottom)
    return tuple(x if np.ndim(x) else x.item() for x in found)


def _scaled_traced(whole: Any, part: Any, top: Any, bottom: Any, most: Any) -> tuple[Any, Any]:
    """The same for tracers: whole steps in exact integers, the rest in floats."""
    top, bottom = as_int(top), jnp.maximum(as_int(bottom), 1)
    size, sign = jnp.abs(as_int(whole)), jnp.sign(as_int(whole))
    moved = as_int(scale_int(size, top, bottom))
    rest = size * top - moved * bottom  # small: right also where the products wrap round
    rest = as_float(jnp.where(moved < MAX_STEP, sign * rest, 0))
    more = (rest + as_float(part) * as_float(top)) / as_float(bottom)
    moved = jnp.maximum(sign * moved + as_int(jnp.floor(more + 0.5)), _EARLIEST)
    return jnp.minimum(moved, as_int(most)), more - jnp.floor(more + 0.5)
