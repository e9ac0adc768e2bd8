"""The bound fitted to the final losses of some runs: what other peaks and schedules would give."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from ._last_iterate import (
    best_peak as _best_peak,
    last_iterate_bound,
)


class SweepFit(NamedTuple):
    """The final loss by the bound's two terms; made by `fit_sweep`.

    `loss = floor + distance * bound.distance[-1] + noise * bound.noise[-1]`

    where `bound` is the schedule's `last_iterate_bound`, for norms and a distance of 1.

    Attributes:
      floor: loss that no schedule goes below.
      distance: factor of the term of the distance; `D ** 2` of the bound.
      noise: factor of the term of the noise; `G ** 2` of the bound.
    """

    floor: float
    distance: float
    noise: float

    def loss(self, schedule: ScheduleOrRates) -> float:
        """The final loss of a schedule, or of the rates of all its steps."""
        bound = last_iterate_bound(rates_of("SweepFit.loss", "schedule", schedule))
        terms = float(bound.distance[-1]), float(bound.noise[-1])
        return self.floor + self.distance * terms[0] + self.noise * terms[1]

    def best_peak(self, schedule: ScheduleOrRates) -> float:
        """The peak with which the final loss of a schedule is lowest; its own peak is ignored."""
        rates = rates_of("SweepFit.best_peak", "schedule", schedule)
        return _best_peak(rates) * (self.distance / self.noise) ** 0.5


def fit_sweep(
    schedules: Sequence[ScheduleOrRates], losses: Sequence[float] | np.ndarray
) -> SweepFit:
    """The bound fitted to the final losses of some runs, such as a sweep over one schedule's peak.

    `loss = floor + distance * bound.distance[-1] + noise * bound.noise[-1]`, by least squares in
    three numbers that are not negative. `SweepFit.best_peak` then tells the best peak of this
    schedule, and of others on the same task.

    Args:
      schedules: for each run, its schedule or the rates of all its steps; three runs or more, with
        different peaks.
      losses: final loss of each run.

    Returns:
      A `SweepFit`.

    Raises:
      ValueError: for bad input, and for losses that do not rise on both sides of a best peak.

    Example:
        >>> import anneal_jax as anneal
        >>> line, wsd = anneal.Linear(1.0, 0.0, 400), anneal.warmup_stable_decay(1.0, 0, 80, 400)
        >>> fit = anneal.theory.fit_sweep([p * line for p in (0.02, 0.05, 0.1)], [3.10, 3.06, 3.11])
        >>> print(f"{fit.best_peak(line):.3f} and {fit.best_peak(wsd):.3f}")
        0.043 and 0.023

    Reference: Schaipp et al., [The surprising agreement](https://arxiv.org/abs/2501.18965), 2025
    """
    from scipy.optimize import nnls

    owner = "fit_sweep"
    found = np.asarray(losses, float)
    if found.shape != (len(schedules),) or len(found) < 3 or not np.isfinite(found).all():
        rule = "a finite number for each schedule, of which there are three or more"
        _checks.fail(owner, "losses", rule, losses, "leave out runs that diverged")
    rates = [rates_of(owner, "schedules", x) for x in schedules]
    bounds = [last_iterate_bound(r) for r in rates]
    terms = np.array([[1.0, b.distance[-1], b.noise[-1]] for b in bounds])
    size = terms.max(0)
    (floor, distance, noise), _ = nnls(terms / size, found)
    if not (distance > 0 and noise > 0):
        rule = "higher on both sides of a best peak"
        _checks.fail(owner, "losses", rule, losses, "add runs with other peaks")
    return SweepFit(floor, distance / size[1], noise / size[2])
