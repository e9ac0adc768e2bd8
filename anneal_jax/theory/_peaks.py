"""What theory says of a schedule before it is run: bounds, the best peak, refinement.

For SGD on convex problems the last iterate's error is bounded by a formula of the rates alone.
On real runs the bound's *shape* holds surprisingly well: it ranks schedules, and its best peak
for one schedule tells the best peak for another. Rates are what is scaled: `rates = scale * shape`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from .._exponential_sums import rates_of
from ..schedules._schedule import Schedule
from ..schedules._tables import Interpolated
from ._last_iterate import (
    best_peak as _best_peak,
    last_iterate_bound,
)


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
    ratio = _best_peak(two) / _best_peak(one)
    if exponent is not None:
        _checks.number(owner, "exponent", exponent)
        ratio *= (len(two) / len(one)) ** (0.5 - exponent)
    return float(peak * ratio)


class SweepFit(NamedTuple):
    """`loss = floor + distance * (its term of the bound) + noise * (its term of the bound)`.

    Made by `fit_sweep`.
    """

    floor: float
    distance: float  # half the factor D**2 of the bound, in units of the loss
    noise: float  # the factor G**2

    def loss(self, schedule: Any) -> float:
        """The final loss of a schedule, or of the rates of all steps."""
        bound = last_iterate_bound(rates_of("SweepFit.loss", "schedule", schedule))
        terms = float(bound.distance[-1]), float(bound.noise[-1])
        return self.floor + self.distance * terms[0] + self.noise * terms[1]

    def best_peak(self, schedule: Any) -> float:
        """The peak with which a schedule's final loss is lowest; its own does not matter."""
        rates = rates_of("SweepFit.best_peak", "schedule", schedule)
        return _best_peak(rates) * (self.distance / self.noise) ** 0.5


def fit_sweep(schedules: Sequence[Any], losses: Sequence[float]) -> SweepFit:
    """Fit the bound to the final losses of some runs, such as a sweep of one schedule's peak.

    By least squares, three numbers that are not negative. What it tells of other schedules, above
    all their best peak, is `SweepFit`'s.

    Args:
      schedules: the schedule of each run, or its rates; three or more, with different peaks.
      losses: the final loss of each.

    Returns:
      A `SweepFit`.

    Raises:
      ValueError: for bad input, and if losses do not rise on both sides of a best peak: then they
        do not tell it.

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


class Exponent(NamedTuple):
    """An exponent and its interval; see `horizon_exponent`."""

    value: float
    low: float
    high: float


def horizon_exponent(
    steps: Sequence[int], peaks: Sequence[float], *, confidence: float = 0.95
) -> Exponent:
    """How the best peak falls with the length of a run: `peak ~ steps ** -exponent`.

    By a straight line through the logarithms; the interval is Student's.

    Args:
      steps: lengths of runs, three or more, not all the same.
      peaks: the best peak of each.
      confidence: with which the exponent lies in the interval, if errors are independent.

    Returns:
      An `Exponent`.

    Raises:
      ValueError: for too few, or numbers that are not positive.

    Example:
        >>> import anneal_jax as anneal
        >>> e = anneal.theory.horizon_exponent([100, 400, 1600, 6400], [0.1, 0.066, 0.044, 0.031])
        >>> print(f"{e.value:.2f} in {e.low:.2f} to {e.high:.2f}")
        0.28 in 0.25 to 0.32
    """
    from scipy.stats import linregress, t

    owner = "horizon_exponent"
    _checks.number(owner, "confidence", confidence, above=0, below=1)
    x, y = (np.asarray(v, float) for v in (steps, peaks))
    if x.shape != y.shape or x.ndim != 1 or len(x) < 3 or len(np.unique(x)) < 2:
        rule = "as many as steps: three or more, of two lengths at least"
        _checks.fail(owner, "peaks", rule, peaks, "add runs: two tell no interval")
    if not (np.isfinite(x * y).all() and (x > 0).all() and (y > 0).all()):
        _checks.fail(owner, "steps and peaks", "positive", (steps, peaks), "leave out others")
    line: Any = linregress(np.log(x), np.log(y))
    margin = float(t.ppf((1 + confidence) / 2, len(x) - 2) * line.stderr)
    return Exponent(-line.slope, -line.slope - margin, -line.slope + margin)


def refine(
    grad_norms: Any,
    norm: str = "l2",
    smoothing: float = 0.1,
    *,
    peak_value: float = 1.0,
    every: int = 1,
) -> Schedule:
    """A schedule for the next run from the gradient norms of the last one.

    `rate_t ~ w_t * sum_{p > t} w_p`, where `w_t = G_t ** -2` for "l2" norms and SGD, `G_t ** -1`
    for "l1" norms and Adam; norms first pass a median filter. It minimizes the bound for those
    norms; where they do not change, it is linear decay to 0 exactly.

    Args:
      grad_norms: one for each step, or for each `every` steps, as logged.
      norm: "l1" or "l2", of which kind they are.
      smoothing: half the width of the filter, as a share of all norms; 0 for none.
      peak_value: the largest rate of the schedule.
      every: steps from one norm to the next.

    Returns:
      An `Interpolated` schedule through the rates at the steps of the norms.

    Raises:
      ValueError: for fewer than two norms, such that are not positive, and arguments out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.theory.refine([2.0] * 101, peak_value=0.1)
        >>> print(schedule(50))
        0.05

    Reference: Defazio et al., [When, why and how much?](https://arxiv.org/abs/2310.07831), 2023
    """
    from scipy.ndimage import median_filter

    owner = "refine"
    _checks.nearest(owner, "norm", norm, ("l1", "l2"))
    _checks.number(owner, "smoothing", smoothing, least=0, most=1)
    _checks.number(owner, "peak_value", peak_value, above=0)
    _checks.steps(owner, "every", every, least=1)
    found = np.asarray(grad_norms, float)
    if found.ndim != 1 or len(found) < 2 or not (np.isfinite(found) & (found > 0)).all():
        rule = "two or more positive finite numbers"
        _checks.fail(owner, "grad_norms", rule, grad_norms, "leave out steps that logged none")
    half = int(smoothing * len(found))
    if half:  # repeated at the left end, reflected at the right one
        padded = np.pad(np.pad(found, (half, 0), "edge"), (0, half), "symmetric")
        found = median_filter(padded, 2 * half + 1)[half : half + len(found)]
    weights = (found / found.min()) ** (-1.0 if norm == "l1" else -2.0)
    later = np.concatenate([np.cumsum(weights[:0:-1])[::-1], [0.0]])
    rates = weights * later
    return Interpolated(np.arange(len(rates)) * every, peak_value * rates / rates.max())
