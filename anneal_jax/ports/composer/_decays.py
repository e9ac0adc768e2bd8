"""Composer's schedulers without a warmup."""

from collections.abc import Sequence

import numpy as np

from ... import _checks
from ..._horizon import Horizon
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._open_ended import ExponentialDecay
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear, Polynomial
from ...schedules._span import Span
from ...schedules._tables import PiecewiseConstant
from .._common import table
from ._time import Clock, Duration


def StepScheduler(
    base_lr: Number,
    step_size: Duration,
    gamma: float = 0.1,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * gamma**floor(t / step_size)`.

    It goes on past the end; where `step_size` is no whole number of steps, the last value holds.

    Args:
      base_lr: not negative.
      step_size: not 0.
      gamma: not negative.
      horizon: what `step_size` is measured by.
      scale_schedule_ratio: factor on `step_size` (not on shares of the whole, `"0.1dur"`).
      exact: see the module.

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
    numbers(clock, base_lr=base_lr, gamma=gamma)
    size = clock.time("step_size", step_size, positive=True)
    if size.steps.is_integer():
        if _checks.known(gamma) and gamma == 0:
            return PiecewiseConstant([base_lr, 0.0], [size.first])
        return ExponentialDecay(base_lr, size.first, gamma, staircase=True)
    falls = (np.arange(clock.total_steps + 1) * size.per_step / size.value).astype(int)
    return base_lr * table((float(gamma) ** falls).tolist())


def MultiStepScheduler(
    base_lr: Number,
    milestones: Sequence[Duration],
    gamma: Number = 0.1,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr`, multiplied by `gamma` whenever a milestone is reached.

    Args:
      base_lr: not negative.
      milestones: in any order, each in a unit of its own.
      gamma: not negative.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on milestones.
      exact: truncated milestones can come a step early: `"0.29dur"` of 100 is 28.

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
    clock: Clock, base_lr: Number, milestones: Sequence[Duration], gamma: Number
) -> Schedule:
    """MultiStepScheduler, on a clock."""
    numbers(clock, base_lr=base_lr, gamma=gamma)
    listed = _checks.items(clock.owner, "milestones", milestones, "durations")
    rates, boundaries = [base_lr], [0]
    for first in sorted(clock.time("milestones", milestone).first for milestone in listed):
        if first > boundaries[-1]:
            rates.append(rates[-1])
            boundaries.append(first)
        rates[-1] = rates[-1] * gamma
    return PiecewiseConstant(rates, boundaries[1:])


def ConstantScheduler(
    base_lr: Number,
    alpha: Number = 1.0,
    t_max: Duration = "1dur",
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * alpha` before `t_max`, `base_lr` from it on.

    Args:
      base_lr: not negative.
      alpha: not negative.
      t_max: when to jump.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on `t_max`.
      exact: False: no jump at or past the end of training; `base_lr * alpha` holds.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.ConstantScheduler(1.0, 0.5, "2ba", horizon=anneal.Horizon(8))([1, 2]))
        [0.5 1. ]
    """
    clock = Clock.of("ConstantScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha=alpha)
    first = clock.time("t_max", t_max).first
    if first == 0:
        return Constant(base_lr)
    if not exact and first >= clock.total_steps:
        return Constant(base_lr * alpha)
    return PiecewiseConstant([base_lr * alpha, base_lr], [first])


def LinearScheduler(
    base_lr: Number,
    alpha_i: Number = 1.0,
    alpha_f: Number = 0.0,
    t_max: Duration = "1dur",
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A straight line from `base_lr * alpha_i` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: not negative.
      alpha_i: factor at step 0.
      alpha_f: factor from `t_max` on.
      t_max: not 0.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on `t_max`.
      exact: see the module.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.LinearScheduler(1.0, horizon=anneal.Horizon(4))([0, 1, 4]))
        [1.   0.75 0.  ]
    """
    clock = Clock.of("LinearScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha_i=alpha_i, alpha_f=alpha_f)
    end = clock.time("t_max", t_max, positive=True).steps
    return Span(Linear(base_lr * alpha_i, base_lr * alpha_f, 1), 0, end)


def ExponentialScheduler(
    base_lr: Number,
    gamma: float,
    decay_period: Duration = "1ep",
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """`base_lr * gamma**(t / decay_period)`, for ever.

    Args:
      base_lr: not negative.
      gamma: not negative.
      decay_period: not 0.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on `decay_period`.
      exact: see the module.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.ExponentialScheduler(1.0, 0.25, "2ba", horizon=anneal.Horizon(8))
        >>> print(plan([0, 1, 2]))
        [1.   0.5  0.25]
    """
    clock = Clock.of("ExponentialScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, gamma=gamma)
    period = clock.time("decay_period", decay_period, positive=True)
    per_step = 0.0 if period.steps.is_integer() else float(gamma) ** (1 / period.steps)
    if gamma == 0 or (not period.steps.is_integer() and per_step < 1e-300):
        return PiecewiseConstant([base_lr, 0.0], [1])
    if period.steps.is_integer():
        return ExponentialDecay(base_lr, period.first, gamma)
    return ExponentialDecay(base_lr, 1, per_step)


def CosineAnnealingScheduler(
    base_lr: Number,
    t_max: Duration = "1dur",
    alpha_f: Number = 0.0,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """Half a cosine wave from `base_lr` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: not negative.
      t_max: not 0.
      alpha_f: factor from `t_max` on.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on `t_max`.
      exact: see the module.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.CosineAnnealingScheduler(1.0, horizon=anneal.Horizon(4))
        >>> print(plan([0, 2, 4]).round(3))
        [1.  0.5 0. ]
    """
    clock = Clock.of("CosineAnnealingScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha_f=alpha_f)
    end = clock.time("t_max", t_max, positive=True).steps
    return Span(Cosine(base_lr, base_lr * alpha_f, 1), 0, end)


def PolynomialScheduler(
    base_lr: Number,
    power: Number,
    t_max: Duration = "1dur",
    alpha_f: Number = 0.0,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A power of the time left, from `base_lr` to `base_lr * alpha_f`, which holds.

    Args:
      base_lr: not negative.
      power: not negative; 0: constant.
      t_max: not 0.
      alpha_f: factor from `t_max` on.
      horizon: as `StepScheduler`, with the next two.
      scale_schedule_ratio: factor on `t_max`.
      exact: see the module.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> print(composer.PolynomialScheduler(1.0, 2.0, horizon=anneal.Horizon(4))([0, 2, 4]))
        [1.   0.25 0.  ]
    """
    clock = Clock.of("PolynomialScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, power=power, alpha_f=alpha_f)
    end = clock.time("t_max", t_max, positive=True).steps
    return polynomial(base_lr, power, alpha_f, 0.0, end)


def polynomial(
    base_lr: Number, power: Number, alpha_f: Number, begin: float, end: float
) -> Schedule:
    """A power of the time left between two moments."""
    if _checks.known(power) and power == 0:
        return Constant(base_lr)  # composer's 0 ** 0 is 1
    return Span(Polynomial(base_lr, base_lr * alpha_f, 1, power), begin, end)


def numbers(clock: Clock, **values: Number) -> None:
    """Require numbers that are not negative."""
    for name, value in values.items():
        _checks.number(clock.owner, name, value, least=0)
