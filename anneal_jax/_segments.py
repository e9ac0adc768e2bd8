"""Segments: one formula each, from `init_value` to `end_value` in `steps` steps, then held.

A segment sees its progress as two fractions, `q = t / steps` elapsed and `r = 1 - q`
remaining, each formed from integers. Most shapes are a blend
`init_value * w + end_value * (1 - w)`, where both weights come from `shape`, because each
must be accurate near its own zero: `1 - w` computed from a rounded `w` is not. So a rate that
decays to 0 keeps its digits down to the last step, and so does one that warms up from 0.
"""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jax import lax

from . import _checks
from ._numerics import Fraction, Number, as_float, as_int, complement, fraction, mix, select, within
from ._schedule import Array, Scale, Schedule

Weights = tuple[Array, Array]
_UNSIGNED = "build a negative value by algebra, as in -schedule or schedule - 1.0"


class Progress(NamedTuple):
    """How far a segment is, in whole steps, and as fractions of its length."""

    elapsed: Array
    remaining: Array
    steps: Array

    @property
    def q(self) -> Array:
        """The fraction elapsed, `t / steps`, rounded."""
        return as_float(self.elapsed) / as_float(self.steps)

    @property
    def r(self) -> Array:
        """The fraction remaining, `1 - q`, rounded; formed from the remaining steps."""
        return as_float(self.remaining) / as_float(self.steps)

    @property
    def exact_q(self) -> Fraction:
        """The fraction elapsed, for use under powers."""
        return fraction(self.elapsed, self.steps)

    @property
    def exact_r(self) -> Fraction:
        """The fraction remaining, for use under powers."""
        return fraction(self.remaining, self.steps)


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
        steps = lax.max(as_int(self.steps), as_int(1))
        t = lax.min(step, steps)
        value = self.between(Progress(t, steps - t, steps))
        value = select(step <= 0, as_float(self.init_value), value)  # ends are not computed
        return select(step >= as_int(self.steps), as_float(self.end_value), value)

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
        return progress.r, progress.q


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
        exponent = as_float(self.exponent)
        cosine = lax.sin(progress.q * (np.pi / 2))
        sine = progress.exact_r.half_sine(cosine)
        some = sine > 0
        falling = select(some, lax.pow(select(some, sine, 1), 2 * exponent), 0)
        return falling, complement(cosine * cosine, falling, exponent)


class Polynomial(Blend):
    """A power of the remaining fraction.

    `value(t) = end_value + (init_value - end_value) * r ** power`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.
      power: above 0; 1 is `Linear`, 0.5 falls late, 2 falls early. It is a float32 number: for
        2.7, weights below 1e-16 carry its rounding as a relative error above 1e-6. For a warmup
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
        power = as_float(self.power)
        falling = progress.exact_r.power(power)
        return falling, complement(progress.q, falling, power)


class OneMinusSqrt(Blend):
    """The 1-sqrt cooldown: falls steeply at first, then ever more slowly.

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
        root = lax.sqrt(progress.q)
        return progress.r / (1 + root), root


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
        return progress.r * (1 + progress.q), progress.q * progress.q


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
        return within(init * progress.exact_q.exponential(end / init), init, end)


class ShiftedExponential(Blend):
    """An exponential decay shifted so that it ends where it should; Megatron's cooldown.

    `value(t) = end_value + (init_value - end_value) * (base ** r - 1) / (base - 1)`;
    with base 2 the weight is `2 * 0.5 ** q - 1`.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps.
      base: above 1; the larger, the earlier the fall. Up to 1,000 the relative error stays
        below 1e-6.

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
        t, steps = as_float(progress.elapsed), as_float(progress.steps)
        left = as_float(progress.remaining)
        whole, so_far = lax.log1p(steps), lax.log1p(t)
        # log(1 + steps) - log(1 + t), without the difference of two large logarithms
        near = left < t
        close = -lax.log1p(-select(near, left, 0) / (1 + steps))
        return select(near, close, whole - so_far) / whole, so_far / whole


def segment_class(owner: str, name: str, x: Any) -> type[Segment]:
    """`x` if it is a segment class (something to pass as a cooldown or a shape)."""
    if not (isinstance(x, type) and issubclass(x, Segment)):
        remedy = "pass the class itself, such as anneal_jax.Linear or anneal_jax.OneMinusSqrt"
        _checks.fail(owner, name, "a segment class", x, remedy)
    return x
