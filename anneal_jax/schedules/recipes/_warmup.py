"""Warmup recipes: a linear warmup, then one decay."""

from functools import partial

from ... import _checks
from ..._deprecated import keywords
from ..._numerics import product
from ..._types import DurationLike, RealDurationLike, RealScalarLike
from .._constant import Constant
from .._join import join
from .._open_ended import InverseSqrt
from .._schedule import Schedule
from .._segment import Shape
from .._segments import Cosine, Linear, Polynomial
from ._phases import check, rest


@keywords
def warmup_constant(
    peak_value: RealScalarLike, warmup_steps: DurationLike, *, init_value: RealScalarLike = 0.0
) -> Schedule:
    """Linear warmup, then a constant.

    With `w = warmup_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `peak_value` from step `w` on.

    Args:
      peak_value: value from step `warmup_steps` on; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      init_value: value at step 0; finite, not negative.

    Returns:
      An open-ended schedule.

    Raises:
      ValueError: if a value is negative or not finite, or `warmup_steps` is not a whole number
        from 0 up.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_constant(1.0, warmup_steps=2)([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    values = {"peak_value": peak_value, "init_value": init_value}
    check("warmup_constant", values=values, steps={"warmup_steps": warmup_steps})
    return join([Linear(init_value, peak_value, warmup_steps), Constant(peak_value)])


@keywords
def warmup_linear(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    total_steps: DurationLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then linear decay to `end_value` at `total_steps`.

    With `w = warmup_steps` and `T = total_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `peak_value + (end_value - peak_value) * (t - w) / (T - w)` for `w <= t < T`,
    - `end_value` from step `T` on.

    Args:
      peak_value: value at step `warmup_steps`; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      total_steps: length of warmup and decay together in optimizer steps, at least 1 and at least
        `warmup_steps`.
      init_value: value at step 0; finite, not negative.
      end_value: value from step `total_steps` on; finite, not negative.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if a value is out of its range, or `total_steps` is less than `warmup_steps`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_linear(1.0, warmup_steps=2, total_steps=6)([0, 1, 2, 4, 6]))
        [0.  0.5 1.  0.5 0. ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    return _warmed("warmup_linear", values, warmup_steps, total_steps, Linear)


@keywords
def warmup_cosine(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    total_steps: DurationLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    exponent: RealScalarLike = 1.0,
) -> Schedule:
    """Linear warmup, then cosine annealing to `end_value` at `total_steps`.

    With `w = warmup_steps`, `T = total_steps` and `q = (t - w) / (T - w)`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `end_value + (peak_value - end_value) * ((1 + cos(pi * q)) / 2) ** exponent` for
      `w <= t < T`,
    - `end_value` from step `T` on.

    Args:
      peak_value: value at step `warmup_steps`; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      total_steps: length of warmup and decay together in optimizer steps, at least 1 and at least
        `warmup_steps`; Optax calls this `decay_steps`.
      init_value: value at step 0; finite, not negative.
      end_value: value from step `total_steps` on; finite, not negative.
      exponent: power of the cosine, above 0; 1 is the plain cosine, more falls earlier.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if a value is out of its range, or `total_steps` is less than `warmup_steps`.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=6, end_value=0.2)
        >>> print(schedule([0, 1, 2, 3, 4, 5, 6]).round(3))
        [0.    0.5   1.    0.883 0.6   0.317 0.2  ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    decay = partial(Cosine, exponent=exponent)
    return _warmed("warmup_cosine", values, warmup_steps, total_steps, decay)


@keywords
def warmup_polynomial(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    total_steps: DurationLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    power: RealScalarLike = 1.0,
) -> Schedule:
    """Linear warmup, then polynomial decay to `end_value` at `total_steps`.

    With `w = warmup_steps` and `T = total_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `end_value + (peak_value - end_value) * ((T - t) / (T - w)) ** power` for `w <= t < T`,
    - `end_value` from step `T` on.

    Args:
      peak_value: value at step `warmup_steps`; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      total_steps: length of warmup and decay together in optimizer steps, at least 1 and at least
        `warmup_steps`.
      init_value: value at step 0; finite, not negative.
      end_value: value from step `total_steps` on; finite, not negative.
      power: power of the fraction of the decay that remains, above 0; 1 is a straight line, more
        falls earlier.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if a value is out of its range, or `total_steps` is less than `warmup_steps`.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.warmup_polynomial(1.0, warmup_steps=2, total_steps=6, power=2.0)
        >>> print(schedule([0, 1, 2, 4, 6]))
        [0.   0.5  1.   0.25 0.  ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    decay = partial(Polynomial, power=power)
    return _warmed("warmup_polynomial", values, warmup_steps, total_steps, decay)


@keywords
def warmup_inverse_sqrt(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    timescale: RealDurationLike | None = None,
    *,
    init_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then inverse square root decay.

    With `w = warmup_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `peak_value / sqrt(1 + (t - w) / timescale)` from step `w` on; with `timescale = w` that is
      `peak_value * sqrt(w / t)`.

    Args:
      peak_value: value at step `warmup_steps`; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      timescale: optimizer steps after the warmup until the value is `peak_value / sqrt(2)`; above
        0, not necessarily whole. None: `warmup_steps`.
      init_value: value at step 0; finite, not negative.

    Returns:
      An open-ended schedule.

    Raises:
      ValueError: if an argument is out of its range, or both `timescale` and the warmup are left
        out.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_inverse_sqrt(1.0, warmup_steps=4)([0, 2, 4, 16, 64]))
        [0.   0.5  1.   0.5  0.25]
    """
    owner, values = "warmup_inverse_sqrt", {"peak_value": peak_value, "init_value": init_value}
    check(owner, values=values, steps={"warmup_steps": warmup_steps})
    if timescale is None:
        warmup_steps = _checks.whole(warmup_steps)
        remedy = "give timescale where there is no warmup to take it from"
        _checks.steps("warmup_inverse_sqrt", "warmup_steps", warmup_steps, least=1, remedy=remedy)
        timescale = warmup_steps
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, InverseSqrt(peak_value, timescale)])


@keywords
def noam(
    model_size: RealScalarLike, warmup_steps: DurationLike, *, factor: RealScalarLike = 1.0
) -> Schedule:
    """The schedule of the original transformer: linear warmup, then inverse square root decay.

    `value(t) = factor * model_size**-0.5 * min((t + 1)**-0.5, (t + 1) * warmup_steps**-1.5)`;
    the paper counts steps from 1, so its step is `t + 1`. The peak, at step `warmup_steps - 1`, is
    `factor * (model_size * warmup_steps)**-0.5`.

    Args:
      model_size: width of the model (the dimension of its embeddings), above 0.
      warmup_steps: number of optimizer steps up to and including the peak, at least 1.
      factor: multiplier of every value; finite, not negative.

    Returns:
      An open-ended schedule.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.noam(model_size=4, warmup_steps=4)([0, 3, 15]))
        [0.0625 0.25   0.125 ]

    Reference: Vaswani et al., [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    2017
    """
    _checks.number("noam", "model_size", model_size, above=0)
    _checks.number("noam", "factor", factor, least=0)
    _checks.steps("noam", "warmup_steps", _checks.whole(warmup_steps), least=1)
    warmup_steps = _checks.whole(warmup_steps)
    width, warmup = product(1.0, model_size), product(1.0, warmup_steps)
    peak = product(factor, (width * warmup) ** -0.5)
    return warmup_inverse_sqrt(peak, warmup_steps - 1, warmup, init_value=peak / warmup)


def _warmed(
    owner: str,
    values: dict[str, RealScalarLike],
    warmup_steps: DurationLike,
    total_steps: DurationLike,
    decay: Shape,
) -> Schedule:
    """A linear warmup, then one decay in the steps that the warmup leaves."""
    check(owner, values=values)
    left = rest(owner, "total_steps", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(values["init_value"], values["peak_value"], warmup_steps)
    return join([warmup, decay(values["peak_value"], values["end_value"], left)])
