"""Segments: one formula each, from `init_value` to `end_value` in `steps` steps, then held.

A segment sees its progress as two fractions, `q = t / steps` elapsed and `r = 1 - q`
remaining, each formed from integers. Most shapes are a blend
`init_value * w + end_value * (1 - w)`, where both weights come from `shape`, because each
must be accurate near its own zero: `1 - w` computed from a rounded `w` is not. So a rate that
decays to 0 keeps its digits down to the last step, and so does one that warms up from 0.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp

from . import _checks
from ._numerics import (
    Fraction,
    Number,
    as_float,
    as_int,
    fraction,
    mix,
    power_weights,
    sine_weights,
)
from ._schedule import Array, Scale, Schedule

Weights = tuple[Array, Array]
_UNSIGNED = "build a negative value by algebra, as in -schedule or schedule - 1.0"


class Progress(NamedTuple):
    """How far a segment is: fractions elapsed (`q`) and remaining (`r`), and its length."""

    q: Fraction
    r: Fraction
    step: Array
    steps: Array


class Segment(Schedule):
    """The abstract base of what goes from one value to another in a known number of steps."""

    init_value: Number = eqx.field(converter=_checks.real)
    end_value: Number = eqx.field(converter=_checks.real)
    steps: Number = eqx.field(converter=_checks.whole)

    def __check_init__(self) -> None:
        owner = type(self).__name__
        _checks.number(owner, "init_value", self.init_value, least=0, remedy=_UNSIGNED)
        _checks.number(owner, "end_value", self.end_value, least=0, remedy=_UNSIGNED)
        _checks.steps(owner, "steps", self.steps)

    @abc.abstractmethod
    def between(self, progress: Progress) -> Array:
        """The value strictly between the two ends."""

    def value_at(self, step: Array) -> Array:
        steps = jnp.maximum(as_int(self.steps), 1)
        init, end = as_float(self.init_value), as_float(self.end_value)
        t = jnp.minimum(step, steps)
        value = self.between(Progress(fraction(t, steps), fraction(steps - t, steps), t, steps))
        value = jnp.where(step <= 0, init, value)
        return jnp.where(step >= as_int(self.steps), end, value)  # ends are exact, not computed

    def stretched(self, scale: Scale) -> "Segment":
        return eqx.tree_at(lambda s: s.steps, self, scale(self.steps))


class Blend(Segment):
    """The abstract base of segments whose value is a weighted mean of the two ends."""

    @abc.abstractmethod
    def shape(self, progress: Progress) -> Weights:
        """The weights of `init_value` and `end_value`; they fall from 1 and rise to 1."""

    def between(self, progress: Progress) -> Array:
        falling, rising = self.shape(progress)
        return mix(as_float(self.init_value), as_float(self.end_value), falling, rising)


class Linear(Blend):
    """A straight line.

    `value(t) = init_value * r + end_value * q`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps; 0 means `end_value` from the start.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4)([0, 1, 2, 3, 4]))
        [1.   0.75 0.5  0.25 0.  ]
    """

    def shape(self, progress: Progress) -> Weights:
        return progress.r.value, progress.q.value


class Cosine(Blend):
    """Cosine annealing: half a cosine wave from one value to the other.

    `value(t) = end_value + (init_value - end_value) * ((1 + cos(pi q)) / 2) ** exponent`,
    computed as `sin(pi r / 2) ** (2 exponent)`, which does not cancel near the end.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.
      exponent: above 0; 1 is the plain cosine. Up to 3 the relative error stays below 1e-6.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Cosine(1.0, 0.0, steps=2)([0, 1, 2]).round(3))
        [1.  0.5 0. ]

    Reference: Loshchilov and Hutter, SGDR, 2016 (arXiv 1608.03983).
    """

    exponent: Number = eqx.field(default=1.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Cosine", "exponent", self.exponent, above=0)

    def shape(self, progress: Progress) -> Weights:
        return sine_weights(progress.r, progress.q, self.exponent)


class Polynomial(Blend):
    """A power of the remaining fraction.

    `value(t) = end_value + (init_value - end_value) * r ** power`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.
      power: above 0; 1 is `Linear`, 0.5 falls late, 2 falls early. For a warmup
        `q ** power`, reverse it: `Polynomial(peak, 0.0, steps, power).reverse()`.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Polynomial(1.0, 0.0, steps=4, power=2.0)([0, 2, 4]))
        [1.   0.25 0.  ]
    """

    power: Number = eqx.field(default=1.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Polynomial", "power", self.power, above=0)

    def shape(self, progress: Progress) -> Weights:
        return power_weights(progress.r, progress.q, self.power)


class OneMinusSqrt(Blend):
    """The 1-sqrt cooldown: falls fast at first, then ever more slowly towards a late drop.

    `value(t) = end_value + (init_value - end_value) * (1 - sqrt(q))`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.OneMinusSqrt(1.0, 0.0, steps=4)([0, 1, 4]))
        [1.  0.5 0. ]

    Reference: Haegele et al., Scaling laws beyond fixed training durations, 2024
    (arXiv 2405.18392).
    """

    def shape(self, progress: Progress) -> Weights:
        root = progress.q.power(as_float(0.5))
        return progress.r.value / (1 + root), root


class OneMinusSquare(Blend):
    """The 1-square cooldown: stays high, then falls ever faster.

    `value(t) = end_value + (init_value - end_value) * (1 - q ** 2)`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.OneMinusSquare(1.0, 0.0, steps=4)([0, 2, 4]))
        [1.   0.75 0.  ]
    """

    def shape(self, progress: Progress) -> Weights:
        q = progress.q.value
        return progress.r.value * (1 + q), q * q


class Exponential(Segment):
    """A constant factor per step: a straight line on a logarithmic axis.

    `value(t) = init_value ** r * end_value ** q`

    Args:
      init_value: value at step 0; above 0.
      end_value: value from step `steps` on; above 0.
      steps: length in optimizer steps.

    Raises:
      ValueError: at construction, if a value is not above 0 or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Exponential(1.0, 0.01, steps=2)([0, 1, 2]))
        [1.   0.1  0.01]
    """

    def __check_init__(self) -> None:
        remedy = "an exponential reaches no zero; end at a small positive value"
        _checks.number("Exponential", "init_value", self.init_value, above=0, remedy=remedy)
        _checks.number("Exponential", "end_value", self.end_value, above=0, remedy=remedy)

    def between(self, progress: Progress) -> Array:
        init, end = as_float(self.init_value), as_float(self.end_value)
        value = init * progress.q.exponential(end / init)
        return jnp.clip(value, jnp.minimum(init, end), jnp.maximum(init, end))


class ShiftedExponential(Blend):
    """An exponential decay shifted so that it ends where it should; Megatron's cooldown.

    `value(t) = end_value + (init_value - end_value) * (base ** r - 1) / (base - 1)`;
    with base 2 the weight is `2 * 0.5 ** q - 1`.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.
      base: above 1; the larger, the earlier the fall.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.ShiftedExponential(1.0, 0.0, steps=2, base=9.0)([0, 1, 2]))
        [1.   0.25 0.  ]

    Reference: the exponential WSD decay of Megatron-LM.
    """

    base: Number = eqx.field(default=2.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("ShiftedExponential", "base", self.base, above=1)

    def shape(self, progress: Progress) -> Weights:
        base = as_float(self.base)
        growth = jnp.log1p(base - 1)
        falling = jnp.expm1(growth * progress.r.value) / (base - 1)
        rising = -jnp.expm1(-growth * progress.q.value) * base / (base - 1)
        return falling, rising


class Logarithmic(Blend):
    """A logarithm of the step: rises fast, then ever more slowly; DeepSpeed's log warmup.

    `value(t) = init_value + (end_value - init_value) * log(1 + t) / log(1 + steps)`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps (DeepSpeed's `warmup_num_steps - 1`).

    Raises:
      ValueError: at construction, if a value is negative or not finite, or steps not a count.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Logarithmic(0.0, 1.0, steps=15)([0, 3, 15]))
        [0.  0.5 1. ]

    Reference: WarmupLR of DeepSpeed.
    """

    def shape(self, progress: Progress) -> Weights:
        t, steps = as_float(progress.step), as_float(progress.steps)
        whole = jnp.log1p(steps)
        # log(1 + steps) - log(1 + t), without the difference of two large logarithms
        left = as_float(progress.steps - progress.step)
        near = left < t
        close = -jnp.log1p(-jnp.where(near, left, 0) / (1 + steps))
        return jnp.where(near, close, whole - jnp.log1p(t)) / whole, jnp.log1p(t) / whole


def segment_class(owner: str, name: str, x: object) -> type[Segment]:
    """`x` if it is a segment class (something to pass as a cooldown or a shape)."""
    if not (isinstance(x, type) and issubclass(x, Segment)):
        remedy = "pass the class itself, such as anneal_jax.Linear or anneal_jax.OneMinusSqrt"
        _checks.fail(owner, name, "a segment class", x, remedy)
    return x
