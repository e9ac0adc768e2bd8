"""Chebyshev steps: large and small rates in an order that keeps gradient descent stable."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import as_float, as_int, select
from .._types import Array, DurationLike, RealScalarLike
from ._schedule import Schedule
from ._time_scale import TimeScale


class Chebyshev(Schedule):
    """The fractal Chebyshev schedule: the best rates for a quadratic, in an order that is stable.

    `value(t) = scale / (lower * cos(a) ** 2 + upper * sin(a) ** 2)` with
    `a = pi * (2 * s(t) + 1) / (4 * steps)`, where `s` is the fractal permutation of
    `0, ..., steps - 1`: for 1 step `s(0) = 0`; for `2 n` steps `s(2 t) = s_n(t)` and
    `s(2 t + 1) = 2 n - 1 - s_n(t)`, with `s_n` the permutation for `n` steps. Values lie between
    `scale / upper` and `scale / lower`. It is meant to be repeated: `.repeat()`.

    Args:
      scale: multiplier of all values; finite, not negative.
      steps: length in optimizer steps, a power of two.
      lower: smallest eigenvalue of the quadratic, above 0.
      upper: largest eigenvalue of the quadratic, at least `lower`.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print([f"{x:.2f}" for x in anneal.Chebyshev(1.0, steps=4, lower=0.1)([0, 1, 2, 3])])
        ['7.45', '1.04', '2.65', '1.38']

    Reference: Agarwal, Goel and Zhang, [Acceleration via Fractal Learning Rate
    Schedules](https://arxiv.org/abs/2103.01338), 2021
    """

    scale: RealScalarLike = eqx.field(converter=_checks.real)
    steps: DurationLike = eqx.field(converter=_checks.whole)
    lower: RealScalarLike = eqx.field(default=0.05, converter=_checks.real)
    upper: RealScalarLike = eqx.field(default=1.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Chebyshev", "scale", self.scale, least=0)
        _checks.steps("Chebyshev", "steps", self.steps, least=1)
        if _checks.known(self.steps) and int(self.steps) & (int(self.steps) - 1):
            _checks.fail("Chebyshev", "steps", "a power of two", self.steps, "repeat a shorter one")
        _checks.number("Chebyshev", "lower", self.lower, above=0)
        _checks.number("Chebyshev", "upper", self.upper, above=0)
        if _checks.known(self.lower, self.upper) and self.upper < self.lower:
            _checks.fail(
                "Chebyshev", "upper", f"at least lower={self.lower}", self.upper, "swap them"
            )

    def value_at(self, step: Array) -> Array:
        steps = lax.max(as_int(self.steps), as_int(1))
        place = _permuted(lax.min(step, steps - 1), steps)
        # a = pi/2 * (2 s + 1) / (2 steps): from the nearer end, for the sake of its zero
        mirrored = place >= steps - place
        odd = 2 * as_float(select(mirrored, steps - 1 - place, place)) + 1
        angle = (np.pi / 4) * (odd / as_float(steps))
        small, large = lax.square(lax.sin(angle)), lax.square(lax.cos(angle))
        lower, upper = as_float(self.lower), as_float(self.upper)
        near = select(mirrored, upper, lower) * large + select(mirrored, lower, upper) * small
        return as_float(self.scale) / near

    def stretched(self, scale: TimeScale) -> "Chebyshev":
        raise NotImplementedError(
            "Chebyshev: a number of steps that is a power of two cannot be stretched; "
            "build it with the length it is to have."
        )


def _permuted(t: Array, steps: Array) -> Array:
    """The fractal permutation of `t` among `steps`, a power of two.

    Bit `p` of the result is the parity of bits 0 to `log2(steps) - 1 - p` of `t`: a running parity,
    its bits reversed.
    """
    bits = t.astype(np.uint32)
    for shift in (1, 2, 4, 8, 16):
        bits = bits ^ (bits << shift)
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF)):
        bits = ((bits >> shift) & np.uint32(mask)) | ((bits & np.uint32(mask)) << shift)
    bits = (bits >> 16) | (bits << 16)
    unused = lax.clz(steps.astype(np.uint32)) + 1  # of 32 bits; all of them for one step
    return as_int(jnp.where(unused < 32, bits >> unused, 0))
