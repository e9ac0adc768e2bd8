"""Composer's schedulers without a warmup."""

from collections.abc import Callable, Sequence

import numpy as np

from ... import _checks
from ..._horizon import Horizon
from ..._types import RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._span import Span
from ...schedules._tables import PiecewiseConstant
from .. import _arguments, _terms
from ._time import Clock, Duration


def StepScheduler(
    base_lr: RealScalarLike,
    step_size: Duration,
    gamma: RealScalarLike = 0.1,
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * gamma**floor(t / step_size)`.

    It goes on past the end; where `step_size` is no whole number of steps, the last value holds.

    Args:
      base_lr: rate of the optimizer; not negative.
      step_size: time between two drops; not 0.
      gamma: factor of each drop; not negative.
      horizon: units of the run, its `total` the trainer's `max_duration`.
      scale_schedule_ratio: factor on `step_size` (not on shares of the whole, `"0.1dur"`).
      exact: whether durations are truncated to whole batches, samples or tokens.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> horizon = anneal.Horizon("3ep", examples_per_epoch=50, batch_size=5)
        >>> print(composer.StepScheduler(1.0, "1ep", 0.5, horizon=horizon)([9, 10, 20]))
        [1.   0.5  0.25]
    """
    clock = Clock.of("StepScheduler", horizon, scale_schedule_ratio, exact)
    rate, factor = clock.numbers(base_lr=base_lr, gamma=gamma)
    size = clock.time("step_size", step_size, positive=True)
    if size.steps.is_integer():
        return _terms.decay(rate, size.first, factor, staircase=True)
    falls = (np.arange(clock.total_steps + 1) * size.per_step / size.value).astype(int)
    return rate * _terms.table((float(factor) ** falls).tolist())


def MultiStepScheduler(
    base_lr: RealScalarLike,
    milestones: Sequence[Duration],
    gamma: RealScalarLike = 0.1,
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr`, multiplied by `gamma` whenever a milestone is reached.

    Args:
      base_lr: rate of the optimizer; not negative.
      milestones: moments of the drops, in any order, each in a unit of its own.
      gamma: factor of each drop; not negative.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on milestones.
      exact: whether milestones are truncated, which can put them a step early: `"0.29dur"` of
        100 is 28.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.MultiStepScheduler(1.0, ["2ba", "0.5dur"], horizon=anneal.Horizon(8))
        >>> print(plan([0, 2, 4]).round(3))
        [1.   0.1  0.01]
    """
    clock = Clock.of("MultiStepScheduler", horizon, scale_schedule_ratio, exact)
    return multi_step(clock, base_lr, milestones, gamma)


def multi_step(
    clock: Clock, base_lr: RealScalarLike, milestones: Sequence[Duration], gamma: RealScalarLike
) -> Schedule:
    """MultiStepScheduler, on a clock."""
    rate, factor = clock.numbers(base_lr=base_lr, gamma=gamma)
    listed = _checks.items(clock.owner, "milestones", milestones, "durations")
    rates, boundaries = [rate], [0]
    for first in sorted(clock.time("milestones", milestone).first for milestone in listed):
        if first > boundaries[-1]:
            rates.append(rates[-1])
            boundaries.append(first)
        rates[-1] = rates[-1] * factor
    return PiecewiseConstant(values=rates, boundaries=boundaries[1:])


def ConstantScheduler(
    base_lr: RealScalarLike,
    alpha: RealScalarLike = 1.0,
    t_max: Duration = "1dur",
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * alpha` before `t_max`, `base_lr` from it on.

    Args:
      base_lr: rate of the optimizer; not negative.
      alpha: factor before `t_max`; not negative.
      t_max: moment of the jump.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `t_max`.
      exact: whether the rate jumps at or past the end of training too. False:
        `base_lr * alpha` holds there.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.ConstantScheduler(1.0, 0.5, "2ba", horizon=anneal.Horizon(8))([1, 2]))
        [0.5 1. ]
    """
    clock = Clock.of("ConstantScheduler", horizon, scale_schedule_ratio, exact)
    rate, factor = clock.numbers(base_lr=base_lr, alpha=alpha)
    first = clock.time("t_max", t_max).first
    if first == 0:
        return Constant(rate)
    if not exact and first >= clock.total_steps:
        return Constant(rate * factor)
    return PiecewiseConstant(values=[rate * factor, rate], boundaries=[first])


def LinearScheduler(
    base_lr: RealScalarLike,
    alpha_i: RealScalarLike = 1.0,
    alpha_f: RealScalarLike = 0.0,
    t_max: Duration = "1dur",
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """A straight line from `base_lr * alpha_i` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: rate of the optimizer; not negative.
      alpha_i: factor at step 0.
      alpha_f: factor from `t_max` on.
      t_max: duration of the fall; not 0.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `t_max`.
      exact: whether durations are truncated to whole batches, samples or tokens.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.LinearScheduler(1.0, horizon=anneal.Horizon(4))([0, 1, 4]))
        [1.   0.75 0.  ]
    """
    clock = Clock.of("LinearScheduler", horizon, scale_schedule_ratio, exact)
    rate, first, last = clock.numbers(base_lr=base_lr, alpha_i=alpha_i, alpha_f=alpha_f)
    end = clock.time("t_max", t_max, positive=True).steps
    return Span(Linear(rate * first, rate * last, 1), 0, end)


def ExponentialScheduler(
    base_lr: RealScalarLike,
    gamma: RealScalarLike,
    decay_period: Duration = "1ep",
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * gamma**(t / decay_period)`, for ever.

    Args:
      base_lr: rate of the optimizer; not negative.
      gamma: factor of each drop; not negative.
      decay_period: time in which the rate is multiplied by `gamma`; not 0.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `decay_period`.
      exact: whether durations are truncated to whole batches, samples or tokens.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.ExponentialScheduler(1.0, 0.25, "2ba", horizon=anneal.Horizon(8))
        >>> print(plan([0, 1, 2]))
        [1.   0.5  0.25]
    """
    clock = Clock.of("ExponentialScheduler", horizon, scale_schedule_ratio, exact)
    rate, factor = clock.numbers(base_lr=base_lr, gamma=gamma)
    period = clock.time("decay_period", decay_period, positive=True)
    if period.steps.is_integer():
        return _terms.decay(rate, period.first, factor, staircase=False)
    per_step = float(factor) ** (1 / period.steps)
    return _terms.decay(rate, 1, per_step if per_step >= 1e-300 else 0.0, staircase=False)


def CosineAnnealingScheduler(
    base_lr: RealScalarLike,
    t_max: Duration = "1dur",
    alpha_f: RealScalarLike = 0.0,
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """Half a cosine wave from `base_lr` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: rate of the optimizer; not negative.
      t_max: duration of the fall; not 0.
      alpha_f: factor from `t_max` on.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `t_max`.
      exact: whether durations are truncated to whole batches, samples or tokens.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.CosineAnnealingScheduler(1.0, horizon=anneal.Horizon(4))
        >>> print(plan([0, 2, 4]).round(3))
        [1.  0.5 0. ]
    """
    clock = Clock.of("CosineAnnealingScheduler", horizon, scale_schedule_ratio, exact)
    rate, last = clock.numbers(base_lr=base_lr, alpha_f=alpha_f)
    end = clock.time("t_max", t_max, positive=True).steps
    return Span(Cosine(rate, rate * last, 1), 0, end)


def PolynomialScheduler(
    base_lr: RealScalarLike,
    power: RealScalarLike,
    t_max: Duration = "1dur",
    alpha_f: RealScalarLike = 0.0,
    *,
    horizon: Horizon,
    scale_schedule_ratio: RealScalarLike = 1.0,
    exact: bool = True,
) -> Schedule:
    """A power of the time left, from `base_lr` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: rate of the optimizer; not negative.
      power: exponent of the fraction left; not negative (0: constant).
      t_max: duration of the fall; not 0.
      alpha_f: factor from `t_max` on.
      horizon: units of the run, as in `StepScheduler`.
      scale_schedule_ratio: factor on `t_max`.
      exact: whether durations are truncated to whole batches, samples or tokens.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.PolynomialScheduler(1.0, 2.0, horizon=anneal.Horizon(4))([0, 2, 4]))
        [1.   0.25 0.  ]
    """
    clock = Clock.of("PolynomialScheduler", horizon, scale_schedule_ratio, exact)
    falls = polynomial(clock, base_lr, power, alpha_f)
    return falls(0.0, clock.time("t_max", t_max, positive=True).steps)


def polynomial(
    clock: Clock, base_lr: RealScalarLike, power: RealScalarLike, alpha_f: RealScalarLike
) -> Callable[[float, float], Schedule]:
    """A power of the time left, for two moments between which it falls."""
    rate, exponent, last = clock.numbers(base_lr=base_lr, power=power, alpha_f=alpha_f)
    if _arguments.is_zero(exponent):
        return lambda begin, end: Constant(rate)  # composer's 0 ** 0 is 1
    segment = Polynomial(rate, rate * last, 1, power=exponent)
    return lambda begin, end: Span(segment, begin, end)
