"""Which of several schedules ends with the lowest loss, and how sure that is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from ..schedules._schedule import Schedule
from ._fitted import Fit
from ._pictures import drawn_comparison
from ._statistics import normal_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Comparison(NamedTuple):
    """Schedules sorted by predicted final loss, the lowest first; made by `compare`.

    Attributes:
      names: the name of each of the `n` schedules.
      losses: float64[n], predicted loss after the last step.
      low: float64[n], lower end of its interval.
      high: float64[n], upper end of its interval.
      better: float64[n, n], the probability that the schedule of the row ends with a lower loss
        than that of the column.
    """

    names: tuple[str, ...]
    losses: np.ndarray
    low: np.ndarray
    high: np.ndarray
    better: np.ndarray

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The final losses with their intervals, the lowest on top.

        Beside each stands the probability that it ends higher than the first.

        Args:
          ax: matplotlib axes; by default new ones.

        Returns:
          The axes.
        """
        return drawn_comparison(self.names, self.losses, self.low, self.high, self.better[0], ax)


class Final(NamedTuple):
    """A predicted final loss.

    Attributes:
      loss: the loss.
      ratios: float64[members], logarithms of the members' losses over it.
      spread: standard deviation of its logarithm.
    """

    loss: float
    ratios: np.ndarray
    spread: float


def final(fit: Fit, rates: np.ndarray) -> Final:
    """The final loss of a schedule, from the rates of all its steps."""
    last = np.array([len(rates) - 1])
    loss = float(fit.last(rates))
    return Final(loss, fit.ratios(rates, last)[:, 0], float(fit.spread(rates, last)[0]))


def compare(
    fit: Fit,
    schedules: Mapping[str, ScheduleOrRates],
    steps: int | None = None,
    *,
    probability: float = 0.8,
) -> Comparison:
    """Rank schedules by their final loss, with the probability that one beats another.

    The members of a fit err alike on schedules that are alike, so a difference of losses is surer
    than either loss. Half the variance of the misfit, which no member explains, is taken as common
    to both.

    Args:
      fit: a fit.
      schedules: by name, schedules or the rates of all their steps.
      steps: number of steps, for schedules that have no length of their own.
      probability: probability of the intervals, between 0 and 1.

    Returns:
      A `Comparison`. A warning tells which schedules go beyond the runs of the fit.

    Raises:
      ValueError: for an empty dictionary, rates that are not positive, and arguments out of range.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import LevelLaw, compare, fit
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> at = np.arange(100, 2_000, 20)
        >>> found = fit(LevelLaw, [(cosine, at, LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[at])])
        >>> wsd = anneal.warmup_stable_decay(3e-4, 100, 400, 2_000)
        >>> compare(found, {"cosine": cosine, "wsd": wsd}).names
        ('wsd', 'cosine')
    """
    from scipy.special import ndtr

    owner = "compare"
    _checks.number(owner, "probability", probability, above=0, below=1)
    if not isinstance(schedules, Mapping) or not schedules:
        remedy = 'pass {"cosine": cosine, "wsd": wsd}'
        _checks.fail(owner, "schedules", "a dictionary of schedules", schedules, remedy)
    rates = {
        str(name): rates_of(owner, f"schedules[{name!r}]", one, _steps(one, steps))
        for name, one in schedules.items()
    }
    fit.warn(owner, rates.values())
    found = sorted(((name, final(fit, r)) for name, r in rates.items()), key=lambda x: x[1].loss)
    losses = np.array([one.loss for _, one in found])
    spread = np.array([one.spread for _, one in found])
    ratios = np.array([one.ratios for _, one in found])
    apart = np.std(ratios[:, None] - ratios[None], axis=-1)
    difference = np.log(losses)[None] - np.log(losses)[:, None]
    deviation = np.hypot(apart, fit.misfit * (1 - np.eye(len(found))))
    with np.errstate(invalid="ignore"):
        better = np.where(deviation > 0, ndtr(difference / np.maximum(deviation, 1e-300)), 0.5)
    wide = normal_quantile(probability) * spread
    names = tuple(name for name, _ in found)
    return Comparison(names, losses, losses * np.exp(-wide), losses * np.exp(wide), better)


def _steps(schedule: ScheduleOrRates, steps: int | None) -> int | None:
    return steps if isinstance(schedule, Schedule) and schedule.steps is None else None
