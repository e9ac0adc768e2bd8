"""Planning a run by a fit: where to cool down, how long to train, how to go on."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from .._exponential_sums import rates_of
from ..schedules._constant import Constant
from ..schedules._join import join
from ..schedules._schedule import Schedule
from ..schedules._segments import Cosine, Linear, OneMinusSqrt
from ..schedules.recipes import warmup_stable_decay
from ._compare import Comparison, Final, compare, final
from ._fitted import Fit, normal_quantile

_STAGE = 0.316  # of the rate: the second stage, as DeepSeek's first step down
_REWARMUP = 0.05  # of the added steps
_COOLDOWN = 0.2  # of them


class Cooldown(NamedTuple):
    """The best share of a run to cool down in; made by `best_cooldown`."""

    share: float  # of all steps
    schedule: Schedule
    loss: float  # after its last step
    losses: dict[float, float]  # of all shares that were tried


class Extension(NamedTuple):
    """Ways to go on with a run; made by `extend`."""

    schedules: dict[str, Schedule]  # of the whole run, by name
    comparison: Comparison


class StepsFor(NamedTuple):
    """How long to train for a loss; made by `steps_for`."""

    steps: int  # the fewest whose predicted final loss is at or below the target
    low: int  # if the lower end of the interval is true
    high: int | None  # if the upper end is; None if no number of steps in the range does


def best_cooldown(
    fit: Fit,
    peak_value: float,
    total_steps: int,
    warmup_steps: int = 0,
    *,
    cooldown: Any = OneMinusSqrt,
    shares: Iterable[float] | None = None,
) -> Cooldown:
    """The share of a warmup-stable-decay run whose cooldown to 0 ends with the lowest loss.

    Args:
      fit: a fit.
      peak_value: the rate of the constant phase.
      total_steps: of the run.
      warmup_steps: of which rise from 0.
      cooldown: its segment, such as `Linear`.
      shares: to be tried; by default .05, .1, ... as far as the warmup leaves room.

    Returns:
      A `Cooldown`. Schedules beyond what the fit has seen are warned of.

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
    schedule_of: Callable[[int], Any],
    *,
    least: int,
    most: int,
    probability: float = 0.8,
) -> StepsFor:
    """How many steps a schedule needs to end at or below a loss.

    By bisection: the predicted final loss is taken to fall with the number of steps.

    Args:
      fit: a fit.
      target_loss: to be reached.
      schedule_of: from a number of steps to a schedule, or rates, of that length.
      least: steps to be tried.
      most: steps to be tried.
      probability: of the interval.

    Returns:
      A `StepsFor`; a number beyond what the fit has seen is warned of.

    Raises:
      ValueError: where even `most` steps do not reach the loss.

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

    @functools.cache  # three searches begin alike, and every length is a program to compile
    def end(steps: int) -> Final:
        return final(fit, rates(steps))

    def first(sign: float) -> int | None:
        """The fewest steps whose final loss, or that end of its interval, is low enough."""

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
    fit: Fit, schedule: Any, at: int, extra_steps: int, *, end_value: float = 0.0
) -> Extension:
    """What going on with a run for some steps gives, by three ways to do it.

    "re-warmup": in a twentieth of the added steps back to the peak, then a cosine down.
    "two-stage": on at the rate the run has, and at .316 of it from half of the added steps on.
    "late cooldown": on at that rate, and 1-sqrt down in the last fifth.

    Args:
      fit: a fit.
      schedule: of the run so far; a schedule of anneal_jax.
      at: the step from which on it is another.
      extra_steps: added from there.
      end_value: where re-warmup and late cooldown end.

    Returns:
      An `Extension`. Schedules beyond what the fit has seen are warned of.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import MomentumLaw, extend, fit
        >>> law, at = MomentumLaw(2.5, 0.5, 0.45, 1.0, 0.995), np.arange(100, 4_000, 20)
        >>> runs = [anneal.warmup_cosine(3e-4, 100, 4_000), anneal.warmup_constant(3e-4, 100)]
        >>> found = fit(MomentumLaw, [(run, at, law(run, 4_000)[at]) for run in runs])
        >>> extend(found, runs[1], 2_000, 2_000).comparison.names[0]
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
