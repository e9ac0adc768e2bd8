"""The best peak of one schedule from the best peak of another."""

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from ._last_iterate import best_peak


def transfer_peak(
    from_schedule: ScheduleOrRates,
    to_schedule: ScheduleOrRates,
    peak_value: float | None = None,
    *,
    exponent: float | None = None,
) -> float:
    """The best peak of a schedule, from the best peak of another on the same task.

    The ratio of the two best peaks is taken from `last_iterate_bound`. By the bound, the best peak
    falls with `steps ** -0.5` between lengths of one shape, which real runs do not follow;
    `exponent` replaces the 0.5.

    Args:
      from_schedule: the schedule whose best peak is known, or the rates of all its steps.
      to_schedule: the schedule whose best peak is wanted, with any peak, or its rates.
      peak_value: best peak of `from_schedule`; by default its largest rate.
      exponent: exponent with which the best peak falls with the number of steps, as measured by
        `horizon_exponent`; by default 0.5.

    Returns:
      The best peak of `to_schedule`.

    Raises:
      ValueError: for rates that are not positive, and arguments out of range.

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
