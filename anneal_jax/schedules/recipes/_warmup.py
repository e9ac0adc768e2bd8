"""A warmup, then one decay."""

from collections.abc import Sequence

from ... import _checks
from ..._deprecated import keywords
from ..._numerics import on_host, product, round_half_up
from ..._types import IntScalarLike, RealScalarLike
from .._constant import Constant
from .._join import join
from .._open_ended import InverseSqrt
from .._schedule import Schedule
from .._segments import Cosine, Linear, Polynomial
from .._tables import PiecewiseConstant
from ._phases import check, rest


@keywords
def warmup_constant(
    peak_value: RealScalarLike, warmup_steps: IntScalarLike, *, init_value: RealScalarLike = 0.0
) -> Schedule:
    """Linear warmup, then constant for ever.

    `value(t) = init_value + (peak_value - init_value) * min(t / warmup_steps, 1)`

    Args:
      peak_value: the constant; not negative.
      warmup_steps: length of the warmup in optimizer steps; 0: none.
      init_value: value at step 0; not negative.

    Returns:
      An open-ended schedule.

    Raises:
      ValueError: if a value is negative or not finite, or `warmup_steps` not a count.

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
    warmup_steps: IntScalarLike,
    total_steps: IntScalarLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then linear decay to `end_value` at `total_steps`.

    With `w = warmup_steps` and `T = total_steps`,

    - `value(t) = init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `value(t) = peak_value + (end_value - peak_value) * (t - w) / (T - w)` up to `T`, then
      `end_value`.

    Args:
      peak_value: value at step `warmup_steps`; not negative.
      warmup_steps: length of the warmup in optimizer steps; 0: none.
      total_steps: length of warmup and decay together, in optimizer steps.
      init_value: value at step 0; not negative.
      end_value: value from step `total_steps` on; not negative.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if a value is out of its range, or `total_steps` less than `warmup_steps`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_linear(1.0, warmup_steps=2, total_steps=6)([0, 2, 4, 6]))
        [0.  1.  0.5 0. ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    check("warmup_linear", values=values)
    decay = rest("warmup_linear", "total_steps", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, Linear(peak_value, end_value, decay)])


@keywords
def warmup_cosine(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    total_steps: IntScalarLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    exponent: RealScalarLike = 1.0,
) -> Schedule:
    """Linear warmup, then cosine annealing to `end_value` at `total_steps`.

    Args:
      peak_value: value at step `warmup_steps`; not negative.
      warmup_steps: length of the warmup in optimizer steps; 0: none.
      total_steps: length of warmup and decay together (Optax calls this `decay_steps`).
      init_value: value at step 0; not negative.
      end_value: value from step `total_steps` on; not negative.
      exponent: of the cosine's weight; see `Cosine`.

    Raises:
      ValueError: if `total_steps` is less than `warmup_steps`, or a value is out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(
        ...     anneal.warmup_cosine(1.0, warmup_steps=2, total_steps=6)([0, 1, 2, 4, 6]).round(3)
        ... )
        [0.  0.5 1.  0.5 0. ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    check("warmup_cosine", values=values)
    decay = rest("warmup_cosine", "total_steps", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, Cosine(peak_value, end_value, decay, exponent)])


@keywords
def warmup_polynomial(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    total_steps: IntScalarLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    power: RealScalarLike = 1.0,
) -> Schedule:
    """Linear warmup, then polynomial decay to `end_value` at `total_steps`.

    Args:
      peak_value: value at step `warmup_steps`; not negative.
      warmup_steps: length of the warmup in optimizer steps; 0: none.
      total_steps: length of warmup and decay together, in optimizer steps.
      init_value: value at step 0; not negative.
      end_value: value from step `total_steps` on; not negative.
      power: of the remaining fraction; see `Polynomial`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_polynomial(1.0, 2, 6, power=2.0)([0, 2, 4, 6]))
        [0.   1.   0.25 0.  ]
    """
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    check("warmup_polynomial", values=values)
    decay = rest("warmup_polynomial", "total_steps", total_steps, warmup_steps=warmup_steps)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join([warmup, Polynomial(peak_value, end_value, decay, power)])


@keywords
def warmup_inverse_sqrt(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    timescale: RealScalarLike | None = None,
    *,
    init_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then inverse square root decay for ever.

    Args:
      peak_value: value at step `warmup_steps`; not negative.
      warmup_steps: length of the warmup.
      timescale: of the decay; None: `warmup_steps`, which gives `sqrt(warmup_steps / t)`.
      init_value: value at step 0; not negative.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_inverse_sqrt(1.0, warmup_steps=4)([0, 2, 4, 16]))
        [0.  0.5 1.  0.5]
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
    model_size: RealScalarLike, warmup_steps: IntScalarLike, *, factor: RealScalarLike = 1.0
) -> Schedule:
    """The schedule of the first transformer, whose first step is 1.

    `value(t) = factor * model_size**-0.5 * min((t+1)**-0.5, (t+1) * warmup_steps**-1.5)`

    Args:
      model_size: width of the model.
      warmup_steps: step (counted from 1) at which the peak is reached; at least 1.
      factor: a scale for the whole.

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


@keywords
def warmup_multi_step(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    boundaries: Sequence[IntScalarLike],
    factors: Sequence[RealScalarLike],
    *,
    init_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then constants, each a factor times the one before.

    Args:
      peak_value: the first constant.
      warmup_steps: length of the warmup in optimizer steps; 0: none.
      boundaries: steps, counted from the start of training, at which a factor sets in.
      factors: one for each boundary.
      init_value: value at step 0; not negative.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.warmup_multi_step(1.0, 2, [4, 8], [0.5, 0.5])([0, 1, 2, 4, 8]))
        [0.   0.5  1.   0.5  0.25]
    """
    values = {"peak_value": peak_value, "init_value": init_value}
    check("warmup_multi_step", values=values, steps={"warmup_steps": warmup_steps})
    later = [boundary - warmup_steps for boundary in boundaries]
    if later and on_host(*later) and min(later) < 1:
        rule = f"after the warmup of {warmup_steps} steps"
        remedy = "they count from the start of training"
        _checks.fail("warmup_multi_step", "boundaries", rule, list(boundaries), remedy)
    table = PiecewiseConstant.from_factors(peak_value, later, factors)
    return join([Linear(init_value, peak_value, warmup_steps), table])


def deepseek_steps(
    peak_value: RealScalarLike, warmup_steps: IntScalarLike, total_steps: IntScalarLike
) -> Schedule:
    """DeepSeek's multi-step schedule: 31.6% of the peak at 80% of training, 10% at 90%.

    Args:
      peak_value: value after the warmup.
      warmup_steps: length of the warmup (2,000 there); 0: none.
      total_steps: length of the whole training; its parts are rounded, halves upwards.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.deepseek_steps(1.0, 2, total_steps=10)([0, 2, 8, 9]))
        [0.    1.    0.316 0.1  ]

    Reference: DeepSeek-AI, [DeepSeek LLM](https://arxiv.org/abs/2401.02954), 2024
    """
    check("deepseek_steps", values={"peak_value": peak_value})
    rest("deepseek_steps", "total_steps", total_steps, warmup_steps=warmup_steps)
    at = [round_half_up(product(part, total_steps)) - warmup_steps for part in (0.8, 0.9)]
    table = PiecewiseConstant(at, [peak_value, 0.316 * peak_value, 0.1 * peak_value])
    return join([Linear(0.0, peak_value, warmup_steps), table])
