"""The best peak of one schedule from the best peak of another."""

from typing import Any

from .. import _checks
from .._exponential_sums import rates_of
from ._last_iterate import best_peak


def transfer_peak(
    from_schedule: Any,
    to_schedule: Any,
    peak_value: float | None = None,
    *,
    exponent: float | None = None,
) -> float:
    """The best peak of a schedule, from the best peak of another on the same task.

    The ratio of best peaks is that of the bound's; between lengths, `exponent` replaces the
    bound's own `steps ** -0.5`, which real runs do not follow.

    Args:
      from_schedule: a schedule, or the rates of all steps, tuned.
      to_schedule: the one to tune; its own peak does not matter.
      peak_value: the best peak of `from_schedule`; by default that it has.
      exponent: the best peak falls with the number of steps to the power `-exponent`, as
        `horizon_exponent` tells; by default as the bound has it.

    Returns:
      The peak value for `to_schedule`.

    Raises:
      ValueError: as `last_iterate_bound`, and for numbers out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> cosine = anneal.warmup_cosine(1e-3, 300, 10_000)
        >>> wsd = anneal.warmup_stable_decay(1.0, 300, 2_000, 10_000, cooldown=anneal.Linear)
        >>> print(f"{anneal.theory.transfer_peak(cosine, wsd):.2e}")
        5.38e-04

    Reference: Schaipp et al., [The surprising agreement](https://arxiv.org/abs/2501.18965), 2025
    """
    owner = "transfer_peak"
    one = rates_of(owner, "from_schedule", from_schedule)
    two = rates_of(owner, "to_schedule", to_schedule)
    peak = one.max() if peak_value is None else peak_value
    _checks.number(owner, "peak_value", peak, above=0)
    ratio = best_peak(two) / best_peak(one)
    if exponent is not None:
        _checks.number(owner, "exponent", exponent)
        ratio *= (len(two) / len(one)) ** (0.5 - exponent)
    return float(peak * ratio)
