"""A constant factor per step, kept as its logarithm so that thousands of them multiply exactly.

`rate ** n` for rate = 0.9999 and n = 10**6 is off by 6% if the rate is first rounded to float32,
because the rounding is raised to the power too. The logarithm, computed in float64 when the
schedule is built and carried as two floats, avoids that.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import Number, as_float, clamp, float_head, int_parts, known_head, on_host, select

Array = Any


class Rate(eqx.Module):
    """A positive factor `2 ** (log2_head + log2_tail)`, the head with 8 significant bits.

    The logarithm is split when the rate is built: if XLA saw both parts as constants of the
    program, it could reorder their sum and lose the tail.
    """

    log2_head: Number
    log2_tail: Number

    @classmethod
    def of(cls, rate: "Rate | Number") -> "Rate":
        """The rate, which must be above 0; split in float64 if it is known now."""
        if isinstance(rate, Rate):
            return rate
        factor = _checks.real(rate)
        _checks.number("Schedule", "a factor or decay rate", factor, above=0)
        if on_host(factor):
            exact = float(np.log2(np.float64(factor)))
            return cls(known_head(exact), exact - known_head(exact))
        exact = jnp.log2(as_float(factor))
        return cls(float_head(exact), exact - float_head(exact))

    def __repr__(self) -> str:
        known = _checks.are_numbers(self.log2_head, self.log2_tail)
        return repr(self.as_number()) if known else super().__repr__()

    def as_number(self) -> float:
        """The shortest decimal number with this head and tail (for printing and saving)."""
        rate = 2.0 ** (float(self.log2_head) + float(self.log2_tail))
        exact = isinstance(self.log2_tail, float)  # else it was rounded to an array's precision
        read = float if exact else np.float32
        near = [rate, np.nextafter(rate, 0), np.nextafter(rate, np.inf)]
        for short in [*(float(f"{rate:.{digits}g}") for digits in range(1, 18)), *map(float, near)]:
            found = Rate.of(short) if short > 0 else self
            parts = zip((found.log2_head, found.log2_tail), self._parts(), strict=True)
            if short > 0 and all(read(a) == read(b) for a, b in parts):
                return short
        return rate

    def _parts(self) -> tuple[Number, Number]:
        return self.log2_head, self.log2_tail

    def value(self) -> Array:
        """The factor itself."""
        return jnp.exp2(as_float(self.log2_head) + as_float(self.log2_tail))

    def power(self, n: Array) -> Array:
        """`rate ** n` for an integer `n >= 0`; relative error: a few units in the last place.

        0 where the result is below the smallest normal number; at most the largest finite one.
        """
        head, tail = as_float(self.log2_head), as_float(self.log2_tail)
        largest = as_float(jnp.finfo(head.dtype).maxexp)
        high, low = (clamp(-2 * largest, head * part, largest) for part in int_parts(n))
        whole = lax.round(high) + lax.round(low)  # both products are exact
        part = (high - lax.round(high)) + (low - lax.round(low))
        part = part + tail * as_float(n)
        part = part + lax.max(whole - (largest - 1), as_float(0))  # more than the power can hold
        grown = lax.exp(clamp(-2 * largest, part, largest / 2) * np.log(2))
        return lax.min(grown * _power_of_two(whole), as_float(jnp.finfo(head.dtype).max))

    def missing(self, n: Array) -> Array:
        """`1 - rate ** n`, accurate also where the power is near 1."""
        log2 = (as_float(self.log2_head) + as_float(self.log2_tail)) * as_float(n)
        near = lax.abs(log2) < 0.5
        return select(near, -lax.expm1(select(near, log2, 0) * np.log(2)), 1 - self.power(n))


def _power_of_two(n: Array) -> Array:
    """`2 ** n` for whole floats `n`, exact; zero where it would be subnormal."""
    info = jnp.finfo(n.dtype)
    bits = np.dtype(f"int{info.bits}")
    biased = clamp(as_float(info.minexp - 1), n, as_float(info.maxexp - 1)) - (info.minexp - 1)
    return lax.bitcast_convert_type(biased.astype(bits) << info.nmant, n.dtype)
