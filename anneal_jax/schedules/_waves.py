"""Schedules that rise and fall without end: a cosine wave, and polynomial decay in cycles."""

from typing import Any

import equinox as eqx
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import (
    Fraction,
    Number,
    as_float,
    as_int,
    complement,
    float_head,
    fraction,
    int_parts,
    known_head,
    mix,
    on_host,
    select,
)
from .._types import Array, DurationLike, RealScalarLike
from ._open_ended import OpenEnded
from ._time_scale import DIVISOR


class Turns(eqx.Module):
    """A number of half waves as `whole + head + tail`, the head with 8 significant bits.

    It is split in float64 when the schedule is built: a part that is rounded first would drift over
    many steps.
    """

    whole: Number
    head: Number
    tail: Number

    @classmethod
    def of(cls, halves: "Turns | Number") -> "Turns":
        """The number of half waves, split in float64 if it is known now."""
        if isinstance(halves, Turns):
            return halves
        real: Any = _checks.real(halves)
        _checks.number("CosineWave", "halves", real, above=0, most=10_000)
        if on_host(real):
            part = real - round(real)
            return cls(float(round(real)), known_head(part), part - known_head(part))
        whole = _nearest(as_float(real))
        part = as_float(real) - whole
        return cls(whole, float_head(part), part - float_head(part))

    def as_number(self) -> float:
        """The number of half waves as one float (for printing and saving)."""
        return float(self.whole) + (float(self.head) + float(self.tail))

    def __repr__(self) -> str:
        known = _checks.are_numbers(self.whole, self.head, self.tail)
        return repr(self.as_number()) if known else super().__repr__()


class CosineWave(OpenEnded):
    """A cosine wave: down, up again, and so on without end.

    `value(t) = end_value + (init_value - end_value) * (1 + cos(pi * halves * t / decay_steps)) / 2`

    With `halves` 1 it is `Cosine`, except that it rises again after step `decay_steps`. It has no
    restarts: nothing jumps.

    Args:
      init_value: value at the crests, the first at step 0; finite, not negative.
      end_value: value at the troughs; finite, not negative.
      decay_steps: optimizer steps in which `halves` half waves pass; at least 1.
      halves: number of half waves, above 0 and at most 10,000. For 1 the relative error stays below
        1e-6 at every step. For others the error is below 1e-6 of the larger end (3e-6 for
        thousands); it grows by another 1e-9 in every `decay_steps` unless their fraction is a short
        binary one, such as that of 2.5.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.CosineWave(1.0, 0.0, decay_steps=4)([0, 2, 4, 6, 8]).round(3))
        [1.  0.5 0.  0.5 1. ]
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    end_value: RealScalarLike = eqx.field(converter=_checks.real)
    decay_steps: DurationLike = eqx.field(converter=_checks.whole, metadata=DIVISOR)
    halves: Turns = eqx.field(default=1.0, converter=Turns.of)

    def __check_init__(self) -> None:
        _checks.number("CosineWave", "init_value", self.init_value, least=0)
        _checks.number("CosineWave", "end_value", self.end_value, least=0)
        _checks.steps("CosineWave", "decay_steps", self.decay_steps, least=1)

    def value_at(self, step: Array) -> Array:
        count, off = self._phase(step)
        # off is the distance to the nearest crest (count even) or trough (count odd)
        far = lax.square(lax.sin(off * (np.pi / 2)))
        near = lax.square(lax.cos(off * (np.pi / 2)))
        crest = count % 2 == 0
        init, end = as_float(self.init_value), as_float(self.end_value)
        return mix(init, end, select(crest, near, far), select(crest, far, near))

    def _phase(self, step: Array) -> tuple[Array, Array]:
        """Half waves so far: the nearest whole number of them, and the rest (of either sign)."""
        unit = lax.max(as_int(self.decay_steps), as_int(1))
        whole = as_float(self.halves.whole)
        units, inside = lax.div(step, unit), lax.rem(step, unit)
        late = inside > unit - inside  # then count back from the end of this unit
        back = select(late, unit - inside, inside)
        short = fraction(back, unit)
        turned = _nearest(whole * short.head)  # the product is exact
        off = (whole * short.head - turned) + whole * short.tail
        sign = select(late, as_int(-1), 1)
        count = as_int(whole) * (units + as_int(late)) + sign * as_int(turned)
        more, drift = self._drift(units, fraction(inside, unit))
        off = as_float(sign) * off + drift
        count = count + more + as_int(_nearest(off))
        return count, off - _nearest(off)

    def _drift(self, units: Array, inside: Fraction) -> tuple[Array, Array]:
        """What the fractional part of `halves` adds: whole half waves, and the rest."""
        head, tail = as_float(self.halves.head), as_float(self.halves.tail)
        high, low = (head * part for part in int_parts(units))  # both products are exact
        turned = as_int(_nearest(high)) + as_int(_nearest(low))  # floats might not hold the sum
        rest = (high - _nearest(high)) + (low - _nearest(low))
        rest = rest + (head * inside.rounded() + tail * (as_float(units) + inside.rounded()))
        return turned, rest


class CyclicPolynomial(OpenEnded):
    """Polynomial decay in cycles, each spread over all steps so far.

    `value(t) = end_value + (init_value - end_value) * (1 - t / (decay_steps * k)) ** power` with
    `k = max(ceil(t / decay_steps), 1)`. Cycle `k` ends at `end_value`, at step `decay_steps * k`;
    the step after begins the next cycle, lower than this one began (with `power` 1 and `end_value`
    0, cycle `k` begins near `init_value / k`).

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value at every multiple of `decay_steps` but 0; finite, not negative.
      decay_steps: length of a cycle in optimizer steps, at least 1.
      power: power of the decay, above 0. It is rounded to float32 (without x64): for 2.7, weights
        below 1e-16 carry that rounding as a relative error above 1e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.CyclicPolynomial(1.0, 0.0, decay_steps=4)([0, 2, 4, 5, 6, 8]))
        [1.    0.5   0.    0.375 0.25  0.   ]

    Reference: PolynomialDecay(cycle=True) of Keras and TensorFlow.
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    end_value: RealScalarLike = eqx.field(converter=_checks.real)
    decay_steps: DurationLike = eqx.field(converter=_checks.whole, metadata=DIVISOR)
    power: RealScalarLike = eqx.field(default=1.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("CyclicPolynomial", "init_value", self.init_value, least=0)
        _checks.number("CyclicPolynomial", "end_value", self.end_value, least=0)
        _checks.steps("CyclicPolynomial", "decay_steps", self.decay_steps, least=1)
        _checks.number("CyclicPolynomial", "power", self.power, above=0)

    @property
    def has_restarts(self) -> bool:
        return True

    def _unit(self) -> Array:
        return lax.max(as_int(self.decay_steps), as_int(1))

    def cycle_at(self, step: Array) -> Array:
        return lax.div(lax.max(step - 1, as_int(0)), self._unit())

    def value_at(self, step: Array) -> Array:
        unit = self._unit()
        left = select(step == 0, unit, unit - 1 - lax.rem(step - 1, unit))
        kind = f"u{step.dtype}"  # the end of a cycle may be beyond the largest signed step
        left, end = left.astype(kind), step.astype(kind) + left.astype(kind)
        power = as_float(self.power)
        falling = fraction(left, end).power(power)
        rising = complement(as_float(step) / as_float(end), falling, power)
        return mix(as_float(self.init_value), as_float(self.end_value), falling, rising)


def _nearest(x: Array) -> Array:
    return lax.stop_gradient(lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN))
