"""Segments of exponentials and logarithms, with one formula each."""

import math

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .. import _checks
from .._numerics import (
    Fraction,
    as_float,
    float_dtype,
    float_head,
    on_host,
    select,
    two_sum,
    within,
)
from .._types import Array, RealScalarLike
from ._segment import Blend, Progress, Segment, Weights


class Exponential(Segment):
    """A constant factor per step: a straight line on a logarithmic axis.

    `value(t) = init_value ** (1 - q) * end_value ** q` with `q = t / steps`

    Args:
      init_value: value at step 0; finite, above 0.
      end_value: value from step `steps` on; finite, above 0.
      steps: length in optimizer steps, from 0 up.

    Raises:
      ValueError: at construction, if a value is not above 0, the root of their ratio is no number
        of the computing precision, or `steps` is not a whole number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Exponential(1.0, 0.01, steps=2)([0, 1, 2]))
        [1.   0.1  0.01]
    """

    def __check_init__(self) -> None:
        remedy = "an exponential reaches no zero; end at a small positive value"
        _checks.number("Exponential", "init_value", self.init_value, above=0, remedy=remedy)
        _checks.number("Exponential", "end_value", self.end_value, above=0, remedy=remedy)
        if on_host(self.init_value, self.end_value):
            half = _checks.as_computed(math.sqrt(self.end_value) / math.sqrt(self.init_value))
            if not 0 < half < math.inf:
                rule = f"nearer to init_value={self.init_value:g} in {float_dtype()}"
                _checks.fail("Exponential", "end_value", rule, self.end_value, "join two of them")

    def between(self, progress: Progress) -> Array:
        init, end = as_float(self.init_value), as_float(self.end_value)
        # A ratio that is no normal number is taken in two equal halves.
        ratio, info = lax.stop_gradient(end / init), jnp.finfo(init.dtype)
        halved = ~((ratio >= info.tiny) & (ratio <= info.max))
        whole = select(halved, 1, end) / select(halved, 1, init)
        half = lax.sqrt(select(halved, end, 1)) / lax.sqrt(select(halved, init, 1))
        factor = progress.exact_q.exponential(select(halved, half, whole))
        return within(init * factor * select(halved, factor, 1), init, end)


class ShiftedExponential(Blend):
    """An exponential decay, shifted and scaled to hit its end value; Megatron's cooldown.

    `value(t) = end_value + (init_value - end_value) * (base ** (1 - q) - 1) / (base - 1)` with
    `q = t / steps`; for base 2 the weight is `2 * 0.5 ** q - 1`.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.
      base: base of the exponential, above 1; the larger, the earlier the fall. Up to 1,000 the
        relative error stays below 1e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.ShiftedExponential(1.0, 0.0, steps=2, base=9.0)([0, 1, 2]))
        [1.   0.25 0.  ]

    Reference: the exponential WSD decay of Megatron-LM.
    """

    base: RealScalarLike = eqx.field(default=2.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("ShiftedExponential", "base", self.base, above=1)

    def shape(self, progress: Progress) -> Weights:
        base = as_float(self.base)
        growth = lax.log1p(base - 1)
        falling = lax.expm1(growth * progress.r) / (base - 1)
        rising = -lax.expm1(-growth * progress.q) * base / (base - 1)
        return falling, rising


class Logarithmic(Blend):
    """A logarithm of the step: rises fast, then ever more slowly; DeepSpeed's log warmup.

    `value(t) = init_value + (end_value - init_value) * log(1 + t) / log(1 + steps)`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up (DeepSpeed's `warmup_num_steps - 1`).

    Raises:
      ValueError: at construction, if a value is negative or not finite, or `steps` is not a whole
        number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Logarithmic(0.0, 1.0, steps=15)([0, 3, 15]))
        [0.  0.5 1. ]

    Reference: WarmupLR of DeepSpeed.
    """

    def shape(self, progress: Progress) -> Weights:
        t, steps = as_float(progress.elapsed), as_float(progress.steps)
        left = as_float(progress.remaining)
        whole, so_far = lax.log1p(steps), lax.log1p(t)
        # log(1 + steps) - log(1 + t), without the difference of two large logarithms
        near = left < 15 * t
        close = -lax.log1p(-select(near, left, 0) / (1 + steps))
        return select(near, close, whole - so_far) / whole, so_far / whole


class Tanh(Blend):
    """A hyperbolic tangent: high at first, a smooth fall around the middle of the tanh, then low.

    `value(t) = end_value + (init_value - end_value) * (tanh(upper) - tanh(x)) / (tanh(upper) -
    tanh(lower))` with `q = t / steps` and `x = lower * (1 - q) + upper * q`. The division makes
    both ends exact. The fall is steepest where `x = 0`.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.
      lower: argument of tanh at step 0; finite.
      upper: argument of tanh at step `steps`; above `lower`, by at most 40.

    Raises:
      ValueError: at construction, if an argument is out of its range, or `upper` is not above
        `lower`.

    Example:
        >>> import anneal_jax as anneal
        >>> print([f"{x:.3f}" for x in anneal.Tanh(1.0, 0.0, steps=4)([0, 2, 3, 4])])
        ['1.000', '0.982', '0.267', '0.000']

    Reference: Hsueh, Li and Wu, [Stochastic Gradient Descent with Hyperbolic-Tangent Decay on
    Classification](https://arxiv.org/abs/1806.01593), 2019. timm's does not reach its ends.
    """

    lower: RealScalarLike = eqx.field(default=-7.0, converter=_checks.real)
    upper: RealScalarLike = eqx.field(default=3.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Tanh", "lower", self.lower)
        _checks.number("Tanh", "upper", self.upper)
        if _checks.known(self.lower, self.upper):
            round_off = float_dtype().type
            if not 0 < round_off(self.upper) - round_off(self.lower) <= 40:
                rule = f"above lower={self.lower} in {float_dtype()}, by at most 40"
                _checks.fail("Tanh", "upper", rule, self.upper, "timm's are -7 and 3")

    def shape(self, progress: Progress) -> Weights:
        # tanh(a) - tanh(b) = sinh(a - b) / (cosh(a) cosh(b)); each weight from its own fraction.
        lower, upper = as_float(self.lower), as_float(self.upper)
        width = two_sum(upper, -lower)
        falling = _hump(progress.exact_r, width, -upper, -lower)
        return falling, _hump(progress.exact_q, width, lower, upper)


def _hump(part: Fraction, exact_width: tuple[Array, Array], start: Array, end: Array) -> Array:
    """`sinh(y) cosh(end) / (cosh(x) sinh(width))` for `y = width * part`, `x = start + y`.

    In exponentials of differences, none of which overflows; their arguments
    are sums of a float and a rest, for an exponential turns absolute errors into relative ones.
    """
    width, more = exact_width
    short = float_head(width)
    beyond = (width - short) + more
    long = short * part.head  # exact
    rest = beyond * part.head + width * part.tail
    y = long + rest
    low_end = end <= 0
    high, low = two_sum(select(low_end, -short, start), long)
    low = low + (rest - select(low_end, beyond, 0))
    x = select(low_end, end, 0) + (high + low)
    above = x > 0
    high, low = select(above, 0, high), select(above, 0, low)  # min(x, 0) - min(end, 0)
    growth = lax.exp(2 * high)
    growth = growth + growth * lax.expm1(2 * low)  # XLA would make one exp of a product of two
    sines = lax.expm1(-2 * y) / lax.expm1(-2 * width)
    cosines = (1 + lax.exp(-2 * lax.abs(end))) / (1 + lax.exp(-2 * lax.abs(x)))
    return growth * sines * cosines
