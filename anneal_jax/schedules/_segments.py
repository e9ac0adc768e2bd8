"""Segments with one formula each, in powers and waves of the fraction elapsed or remaining."""

import equinox as eqx
import numpy as np
from jax import lax

from .. import _checks
from .._numerics import as_float, complement, select, within
from .._types import Array, RealScalarLike
from ._segment import Blend, Progress, Segment, Weights


class Linear(Blend):
    """A straight line.

    `value(t) = init_value * (1 - q) + end_value * q` with `q = t / steps`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up; 0: `end_value` from the start.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or `steps` is not a whole
        number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Linear(1.0, 0.0, steps=4)([0, 1, 2, 3, 4]))
        [1.   0.75 0.5  0.25 0.  ]
    """

    def shape(self, progress: Progress) -> Weights:
        return progress.r, progress.q


class Cosine(Blend):
    """Cosine annealing: half a cosine wave from one value to the other.

    `value(t) = end_value + (init_value - end_value) * ((1 + cos(pi * q)) / 2) ** exponent` with
    `q = t / steps`. The weight is computed as `sin(pi / 2 * (1 - q)) ** (2 * exponent)`, which
    keeps its digits near the end, where `1 + cos` loses them.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.
      exponent: power of the cosine, above 0; 1 is the plain cosine, more falls earlier. Up to 3 the
        relative error stays below 1e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Cosine(1.0, 0.0, steps=2)([0, 1, 2]).round(3))
        [1.  0.5 0. ]

    Reference: Loshchilov and Hutter, [SGDR](https://arxiv.org/abs/1608.03983), 2016
    """

    exponent: RealScalarLike = eqx.field(default=1.0, converter=_checks.real)

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
    """Polynomial decay: a power of the fraction that remains.

    `value(t) = end_value + (init_value - end_value) * (1 - t / steps) ** power`

    A warmup by `(t / steps) ** power` is one reversed:
    `Polynomial(peak, 0.0, steps, power).reverse()`.

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.
      power: power of the remaining fraction, above 0; 1 is `Linear`, 0.5 falls late, 2 falls early.
        It is rounded to float32 (without x64): for 2.7, weights below 1e-16 carry that rounding as
        a relative error above 1e-6.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Polynomial(1.0, 0.0, steps=4, power=2.0)([0, 2, 4]))
        [1.   0.25 0.  ]
    """

    power: RealScalarLike = eqx.field(default=1.0, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.number("Polynomial", "power", self.power, above=0)

    def shape(self, progress: Progress) -> Weights:
        power = as_float(self.power)
        falling = progress.exact_r.power(power)
        return falling, complement(progress.q, falling, power)


class OneMinusSqrt(Blend):
    """The 1-sqrt cooldown: falls steeply at first, then ever more slowly.

    `value(t) = end_value + (init_value - end_value) * (1 - sqrt(t / steps))`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or `steps` is not a whole
        number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.OneMinusSqrt(1.0, 0.0, steps=4)([0, 1, 4]))
        [1.  0.5 0. ]

    Reference: Haegele et al., [Scaling Laws and Compute-Optimal Training Beyond Fixed Training
    Durations](https://arxiv.org/abs/2405.18392), 2024
    """

    def shape(self, progress: Progress) -> Weights:
        root = lax.sqrt(progress.q)
        return progress.r / (1 + root), root


class OneMinusSquare(Blend):
    """The 1-square cooldown: stays high, then falls ever faster.

    `value(t) = end_value + (init_value - end_value) * (1 - (t / steps) ** 2)`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or `steps` is not a whole
        number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.OneMinusSquare(1.0, 0.0, steps=4)([0, 2, 4]))
        [1.   0.75 0.  ]
    """

    def shape(self, progress: Progress) -> Weights:
        return progress.r * (1 + progress.q), progress.q * progress.q


class Rex(Blend):
    """The REX decay: slow at first, steep at the end; made for small budgets.

    `value(t) = end_value + (init_value - end_value) * r / (1/2 + r/2)` with `r = 1 - t / steps`

    Args:
      init_value: value at step 0; finite, not negative.
      end_value: value from step `steps` on; finite, not negative.
      steps: length in optimizer steps, from 0 up.

    Raises:
      ValueError: at construction, if a value is negative or not finite, or `steps` is not a whole
        number from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Rex(1.0, 0.0, steps=3)([0, 2, 3]).round(3))
        [1.  0.5 0. ]

    Reference: Chen, Wolfe and Kyrillidis, [REX](https://arxiv.org/abs/2107.04197), 2021
    """

    def shape(self, progress: Progress) -> Weights:
        q, r = progress.q, progress.r
        return 2 * r / (1 + r), q / (1 + r)


class Harmonic(Segment):
    """A straight line in `1 / value`: falls steeply at first, then ever more slowly.

    `value(t) = 1 / ((1 - q) / init_value + q / end_value)` with `q = t / steps`

    Args:
      init_value: value at step 0; finite, above 0.
      end_value: value from step `steps` on; finite, above 0.
      steps: length in optimizer steps, from 0 up.

    Raises:
      ValueError: at construction, if a value is not above 0, or `steps` is not a whole number from
        0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Harmonic(1.0, 0.25, steps=3)([0, 1, 2, 3]).round(3))
        [1.    0.5   0.333 0.25 ]

    Reference: the `inv` decay of Levanter.
    """

    def __check_init__(self) -> None:
        remedy = "its inverse must be finite; end at a small positive value"
        _checks.number("Harmonic", "init_value", self.init_value, above=0, remedy=remedy)
        _checks.number("Harmonic", "end_value", self.end_value, above=0, remedy=remedy)

    def between(self, progress: Progress) -> Array:
        init, end = as_float(self.init_value), as_float(self.end_value)
        # in parts of the smaller end, so that nothing overflows or vanishes
        falls, q, r = end < init, progress.q, progress.r
        small, large = select(falls, end, init), select(falls, init, end)
        near, far = select(falls, q, r), select(falls, r, q)
        return within(small / (near + (small / large) * far), init, end)
