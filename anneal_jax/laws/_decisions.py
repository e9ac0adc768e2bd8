"""Decisions before a run, by a fit: when to cool down, how long to train, how to go on."""

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from ..schedules._constant import Constant
from ..schedules._join import join
from ..schedules._schedule import Schedule
from ..schedules._segment import Shape
from ..schedules._segments import Cosine, Linear, OneMinusSqrt
from ..schedules.recipes import warmup_stable_decay
from ._compare import Comparison, Final, compare, final
from ._fitted import Fit
from ._pictures import drawn_choice
from ._statistics import normal_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STAGE = 0.316  # the rate of the second stage over that of the first, as in DeepSeek's first drop
_REWARMUP = 0.05  # share of the added steps
_COOLDOWN = 0.2  # share of the added steps


class Cooldown(NamedTuple):
    """The best length of a cooldown; made by `best_cooldown`.

    Attributes:
      share: length of the cooldown as a share of the run.
      schedule: the schedule with that cooldown.
      loss: its predicted loss after the last step.
      losses: that loss for every share that was tried.
    """

    share: float
    schedule: Schedule
    loss: float
    losses: dict[float, float]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The predicted final losses over the shares that were tried, the best ringed.

        Args:
          ax: matplotlib axes; by default new ones.

        Returns:
          The axes.
        """
        return drawn_choice(self.losses, self.share, "share of the cooldown", ax)


class Extension(NamedTuple):
    """Ways to go on with a run; made by `extend`.

    Attributes:
      schedules: by name of the way, the schedule of the whole run.
      comparison: these schedules by their predicted final loss.
    """

    schedules: dict[str, Schedule]
    comparison: Comparison


class StepsFor(NamedTuple):
    """How long to train for a loss; made by `steps_for`.

    Attributes:
      steps: fewest steps whose predicted final loss is at or below the target.
      low: the same if the lower end of the interval comes true.
      high: the same if the upper end comes true; None if even the most steps do not reach it.
    """

    steps: int
    low: int
    high: int | None


def best_cooldown(
    fit: Fit,
    peak_value: float,
    total_steps: int,
    warmup_steps: int = 0,
    *,
    cooldown: Shape = OneMinusSqrt,
    shares: Iterable[float] | None = None,
) -> Cooldown:
    """The length of the cooldown with which a warmup-stable-decay run ends with the lowest loss.

    Args:
      fit: a fit.
      peak_value: rate of the constant phase.
      total_steps: number of steps of the run.
      warmup_steps: number of them in which the rate rises from 0 to its peak.
      cooldown: shape of the cooldown to 0: a segment class, such as `Linear`, or any function
        `(init_value, end_value, steps) -> Schedule`.
      shares: lengths of the cooldown to try, as shares of the run; by default .05, .1, ... as far
        as the warmup leaves room.

    Returns:
      A `Cooldown`. A warning tells if its schedules go beyond the runs of the fit.

    Raises:
      ValueError: for arguments out of range.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import MomentumLaw, best_cooldown, fit
        >>> law, at = MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995), np.arange(100, 2_000, 20)
        >>> runs = [anneal.warmup_cosine(3e-4, 100, 2_000), anneal.warmup_constant(3e-4, 100)]
        >>> found = fit(MomentumLaw, [(run, at, law(run, 2_000)[at]) for run in runs])
        >>> print(f"{best_cooldown(found, 3e-4, 2_000, 100).share:.2f}")
        0.10
    """
    owner = "best_cooldown"
    _checks.number(owner, "peak_value", peak_value, above=0)
    _checks.steps(owner, "warmup_steps", warmup_steps)
    _checks.steps(owner, "total_steps", total_steps, least=int(warmup_steps) + 20)
    room = 1 - warmup_steps / total_steps
    tried = np.arange(1, 20) / 20 if shares is None else np.array(list(shares), float)
    if shares is None:
        tried = tried[tried <= room]
    elif not tried.size or not ((tried > 0) & (tried <= room)).all():
        remedy = "pass some, such as [0.1, 0.2]"
        _checks.fail(owner, "shares", f"from above 0 to {room:.3g}", shares, remedy)
    schedules = {
        float(share): warmup_stable_decay(
            peak_value,
            warmup_steps,
            max(1, min(round(share * total_steps), total_steps - warmup_steps)),
            total_steps,
            cooldown=cooldown,
        )
        for share in tried
    }
    rates = {s: rates_of(owner, "the schedule", one, total_steps) for s, one in schedules.items()}
    fit.warn(owner, list(rates.values())[:1])
    losses = {share: fit.last(r) for share, r in rates.items()}
    best = min(losses, key=lambda share: losses[share])
    return Cooldown(best, schedules[best], losses[best], losses)


def steps_for(
    fit: Fit,
    target_loss: float,
    schedule_of: Callable[[int], ScheduleOrRates],
    *,
    least: int,
    most: int,
    probability: float = 0.8,
) -> StepsFor:
    """The number of steps in which a schedule reaches a loss.

    It is found by bisection, so the predicted final loss should fall with the number of steps.

    Args:
      fit: a fit.
      target_loss: final loss to reach.
      schedule_of: function from a number of steps to the schedule (or the rates) of that length.
      least: smallest number of steps to consider.
      most: largest number of steps to consider.
      probability: probability of the interval, between 0 and 1.

    Returns:
      A `StepsFor`. A warning tells if its number of steps goes beyond the runs of the fit.

    Raises:
      ValueError: if even `most` steps do not reach the loss, and for arguments out of range.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import LevelLaw, fit, steps_for
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> at = np.arange(100, 2_000, 20)
        >>> found = fit(LevelLaw, [(cosine, at, LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[at])])
        >>> make = lambda steps: anneal.warmup_cosine(3e-4, 100, steps)
        >>> print(round(steps_for(found, 3.4, make, least=200, most=2_000).steps, -2))
        1700
    """
    owner = "steps_for"
    _checks.number(owner, "target_loss", target_loss, above=0)
    _checks.number(owner, "probability", probability, above=0, below=1)
    _checks.steps(owner, "least", least, least=2)
    _checks.steps(owner, "most", most, least=int(least) + 1)

    def rates(steps: int) -> np.ndarray:
        return rates_of(owner, f"schedule_of({steps})", schedule_of(steps), steps)

    @functools.cache  # three searches begin alike
    def end(steps: int) -> Final:
        return final(fit, rates(steps))

    def first(sign: float) -> int | None:
        """The fewest steps whose loss (0), or lower (-1) or upper end (1), reaches the target."""

        def reached(steps: int) -> bool:
            one = end(steps)
            wide = normal_quantile(probability) * one.spread
            return one.loss * np.exp(sign * wide) <= target_loss

        low, high = int(least), int(most)
        if not reached(high):
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle + 1, high)
        return low

    steps = first(0.0)
    if steps is None:
        best = end(most).loss
        rule = f"at or above what {most} steps reach, {best:.4g}"
        _checks.fail(owner, "target_loss", rule, target_loss, "raise it, or most")
    fit.warn(owner, [rates(steps)])
    return StepsFor(steps, first(-1.0) or steps, first(1.0))


def extend(
    fit: Fit, schedule: Schedule, at: int, extra_steps: int, *, end_value: float = 0.0
) -> Extension:
    """Three ways to go on with a run, by their predicted final loss.

    - "re-warmup": back to the peak in a twentieth of the added steps, then down by a cosine.
    - "two-stage": on at the present rate, then at .316 times that rate in the second half.
    - "late cooldown": on at the present rate, then down by `OneMinusSqrt` in the last fifth.

    Args:
      fit: a fit.
      schedule: schedule of the run so far.
      at: step at which the run has arrived, and another schedule begins.
      extra_steps: number of steps to add from there.
      end_value: rate at the end of "re-warmup" and of "late cooldown".

    Returns:
      An `Extension`. A warning tells which schedules go beyond the runs of the fit.

    Raises:
      ValueError: for what is no schedule of anneal_jax, and arguments out of range.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import MomentumLaw, extend, fit
        >>> law, at = MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995), np.arange(100, 2_000, 20)
        >>> runs = [anneal.warmup_cosine(3e-4, 100, 2_000), anneal.warmup_constant(3e-4, 100)]
        >>> found = fit(MomentumLaw, [(run, at, law(run, 2_000)[at]) for run in runs])
        >>> extend(found, runs[1], 1_000, 1_000).comparison.names[0]
        'late cooldown'
    """
    owner = "extend"
    if not isinstance(schedule, Schedule):
        remedy = "pass one, or Interpolated for a table of rates"
        _checks.fail(owner, "schedule", "a schedule of anneal_jax", schedule, remedy)
    _checks.steps(owner, "at", at, least=1)
    _checks.steps(owner, "extra_steps", extra_steps, least=20)
    _checks.number(owner, "end_value", end_value, least=0)
    rates = rates_of(owner, "schedule", schedule, at)
    peak, now = float(rates.max()), float(rates[-1])
    up, down = round(_REWARMUP * extra_steps), round(_COOLDOWN * extra_steps)
    half, hold = extra_steps // 2, extra_steps - down
    ways = {
        "re-warmup": [Linear(now, peak, up), Cosine(peak, end_value, extra_steps - up)],
        "two-stage": [Constant(now).until(half), Constant(_STAGE * now).until(extra_steps - half)],
        "late cooldown": [Constant(now).until(hold), OneMinusSqrt(now, end_value, down)],
    }
    first = {"re-warmup": up, "two-stage": half, "late cooldown": hold}
    schedules = {
        name: join([schedule, *parts], [at, at + first[name]]) for name, parts in ways.items()
    }
    whole = {name: rates_of(owner, name, one, at + extra_steps) for name, one in schedules.items()}
    return Extension(schedules, compare(fit, whole))
