"""Composer's cosine with warm restarts."""

import math

from ... import _checks
from ..._horizon import Horizon
from ..._types import RealScalarLike
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from ...schedules._span import Span
from .. import _arguments, _terms
from ._time import Clock, Duration


def CosineAnnealingWarmRestartsScheduler(
    base_lr: RealScalarLike,
    t_0: Duration,
    t_mult: RealScalarLike = 1.0,
    alpha_f: RealScalarLike = 0.0,
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """Cosines from `base_lr` to `base_lr * alpha_f`, each `t_mult` times as long as the last.

    Cycles of whole steps that no longer grow go on for ever. Otherwise those that begin in
    training are run to their ends, and the last value holds.

    Args:
      base_lr: rate at each restart; not negative.
      t_0: duration of the first cycle; not 0.
      t_mult: length of a cycle over that of the one before; above 0.
      alpha_f: factor at the end of each cycle.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `t_0`.
      exact: composer truncates each cycle too: 5 batches times 1.1 is 5 again. Where it
        shrinks to none in training, composer raises. False: real lengths, down to one step.

    Raises:
      ValueError: if an argument is out of its range, or cycles shrink to nothing.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> horizon = anneal.Horizon(6)
        >>> plan = composer.CosineAnnealingWarmRestartsScheduler(1.0, "2ba", 2, horizon=horizon)
        >>> print(plan([0, 1, 2, 4, 6]).round(3))
        [1.  0.5 1.  0.5 0. ]
    """
    clock = Clock.of("CosineAnnealingWarmRestartsScheduler", horizon, scale_schedule_ratio, exact)
    rate, last = clock.numbers(base_lr=base_lr, alpha_f=alpha_f)
    factor = _arguments.known(clock.owner, "t_mult", t_mult, above=0)
    time = clock.time("t_0", t_0, positive=True)
    cosine = Cosine(rate, rate * last, 1)
    parts, starts, begin, length = [], [], 0.0, time.value
    while (first := math.ceil(round(begin / time.per_step, 6))) < clock.total_steps:
        if length == 0 and exact:
            rule = f"such that no cycle before step {clock.total_steps} is truncated to nothing"
            _checks.fail(clock.owner, "t_mult", rule, t_mult, "raise it, or pass exact=False")
        longer = int(factor * length) if exact else factor * length
        if not exact and parts and longer < length < time.per_step:
            break
        starts.append(first)
        whole = begin == first * time.per_step and length % time.per_step == 0
        if longer == length and whole:
            equal = Cosine(rate, rate * last, int(length) // time.per_step)
            parts.append(equal.repeat().shift(first))
            break
        end = begin + length
        parts.append(Span(cosine, begin / time.per_step, end / time.per_step))
        begin, length = end, longer
    return _terms.cycles(parts, starts) if len(parts) > 1 else parts[0]
