"""A warmup, then constants: steps down at given moments."""

from collections.abc import Sequence

from ... import _checks
from ..._deprecated import keywords
from ..._numerics import on_host, product, round_half_up
from ..._types import DurationLike, RealScalarLike
from .._join import join
from .._schedule import Schedule
from .._segments import Linear
from .._tables import PiecewiseConstant
from ._phases import check, rest


@keywords
def warmup_multi_step(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    boundaries: Sequence[DurationLike],
    factors: Sequence[RealScalarLike],
    *,
    init_value: RealScalarLike = 0.0,
) -> Schedule:
    """Linear warmup, then constants, each a factor times the one before.

    With `w = warmup_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `peak_value` times every `factors[k]` with `boundaries[k] <= t`, from step `w` on.

    Args:
      peak_value: value from step `warmup_steps` up to the first boundary; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      boundaries: optimizer steps, counted from the start of training, at which the factors take
        effect; increasing, all above `warmup_steps`.
      factors: multipliers, one for each boundary; finite, not negative.
      init_value: value at step 0; finite, not negative.

    Returns:
      A schedule that ends at the last boundary (without boundaries, at `warmup_steps`) and holds
      its last value.

    Raises:
      ValueError: if an argument is out of its range, or there are not as many factors as
        boundaries.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.warmup_multi_step(1.0, 2, boundaries=[4, 8], factors=[0.5, 0.1])
        >>> print(schedule([0, 1, 2, 3, 4, 8]))
        [0.   0.5  1.   1.   0.5  0.05]
    """
    values = {"peak_value": peak_value, "init_value": init_value}
    check("warmup_multi_step", values=values, steps={"warmup_steps": warmup_steps})
    boundaries = _checks.items("warmup_multi_step", "boundaries", boundaries, "steps")
    boundaries = [_checks.whole(boundary) for boundary in boundaries]
    for boundary in boundaries:
        _checks.steps("warmup_multi_step", "boundaries", boundary)
    warmup_steps = _checks.whole(warmup_steps)
    later = [boundary - warmup_steps for boundary in boundaries]
    if later and on_host(*later) and min(later) < 1:
        rule = f"after the warmup of {warmup_steps} steps"
        remedy = "they count from the start of training"
        _checks.fail("warmup_multi_step", "boundaries", rule, list(boundaries), remedy)
    table = PiecewiseConstant.from_factors(peak_value, later, factors)
    return join([Linear(init_value, peak_value, warmup_steps), table])


def deepseek_steps(
    peak_value: RealScalarLike, warmup_steps: DurationLike, total_steps: DurationLike
) -> Schedule:
    """DeepSeek's multi-step schedule: linear warmup from 0, then three constants.

    With `w = warmup_steps` and `T = total_steps` (products are rounded, halves upwards),
    `value(t)` is

    - `peak_value * t / w` for `t < w`,
    - `peak_value` for `w <= t < round(0.8 * T)`,
    - `0.316 * peak_value` for `round(0.8 * T) <= t < round(0.9 * T)`,
    - `0.1 * peak_value` from step `round(0.9 * T)` on.

    Args:
      peak_value: value after the warmup; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 to below `0.8 * total_steps`
        (2,000 in the paper); 0: no warmup.
      total_steps: length of the whole training in optimizer steps.

    Returns:
      A schedule that ends where the last constant begins, at `round(0.9 * total_steps)`, and holds
      it.

    Raises:
      ValueError: if an argument is out of its range, or one of the first two
        constants would have no step.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.deepseek_steps(1.0, warmup_steps=2, total_steps=10)
        >>> print(schedule([0, 1, 2, 7, 8, 9]))
        [0.    0.5   1.    1.    0.316 0.1  ]

    Reference: DeepSeek-AI, [DeepSeek LLM](https://arxiv.org/abs/2401.02954), 2024
    """
    check("deepseek_steps", values={"peak_value": peak_value})
    rest("deepseek_steps", "total_steps", total_steps, warmup_steps=warmup_steps)
    warmup_steps = _checks.whole(warmup_steps)
    at = [round_half_up(product(part, total_steps)) - warmup_steps for part in (0.8, 0.9)]
    if on_host(*at) and not 1 <= at[0] < at[1]:
        rule = f"below the first drop, at 0.8 of total_steps={total_steps}, and it below the second"
        _checks.fail("deepseek_steps", "warmup_steps", rule, warmup_steps, "lengthen training")
    table = PiecewiseConstant(at, [product(peak_value, part) for part in (1, 0.316, 0.1)])
    return join([Linear(0.0, peak_value, warmup_steps), table])
