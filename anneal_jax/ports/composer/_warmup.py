"""Composer's schedulers with a linear warmup from 0."""

from collections.abc import Callable, Sequence

from ... import _checks
from ..._horizon import Horizon
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .._common import cycles
from ._decays import multi_step, numbers, polynomial
from ._time import Clock, Duration, Time


def MultiStepWithWarmupScheduler(
    base_lr: Number,
    t_warmup: Duration,
    milestones: Sequence[Duration],
    gamma: Number = 0.1,
    scale_warmup: bool = False,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A linear warmup to `base_lr`, then `MultiStepScheduler`.

    Args:
      base_lr: not negative.
      t_warmup: 0: no warmup.
      milestones: from the start of training; those within the warmup count at its end.
      gamma: not negative.
      scale_warmup: as `LinearWithWarmupScheduler`, with the rest.
      horizon: what durations are measured by.
      scale_schedule_ratio: factor on milestones.
      exact: see `LinearWithWarmupScheduler`.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> horizon = anneal.Horizon(8)
        >>> plan = composer.MultiStepWithWarmupScheduler(1.0, "2ba", ["4ba"], horizon=horizon)
        >>> print(plan([0, 1, 2, 4]).round(3))
        [0.  0.5 1.  0.1]
    """
    clock = Clock.of("MultiStepWithWarmupScheduler", horizon, scale_schedule_ratio, exact)
    decay = multi_step(clock, base_lr, milestones, gamma)
    warmup, ramp = _warmup(clock, t_warmup, scale_warmup)
    return _warmed(base_lr, warmup, ramp, decay)


def ConstantWithWarmupScheduler(
    base_lr: Number,
    t_warmup: Duration,
    alpha: Number = 1.0,
    t_max: Duration = "1dur",
    scale_warmup: bool = False,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A linear warmup to `base_lr * alpha`, which holds, past `t_max` too.

    Args:
      base_lr: not negative.
      t_warmup: 0: no warmup.
      alpha: factor after the warmup.
      t_max: has no effect, but must not be before the end of training.
      scale_warmup: as `LinearWithWarmupScheduler`, with the rest.
      horizon: what durations are measured by.
      scale_schedule_ratio: factor on `t_max`.
      exact: see `LinearWithWarmupScheduler`.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.ConstantWithWarmupScheduler(1.0, "2ba", horizon=anneal.Horizon(8))
        >>> print(plan([0, 1, 2, 9]))
        [0.  0.5 1.  1. ]
    """
    clock = Clock.of("ConstantWithWarmupScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha=alpha)
    value = base_lr * alpha
    return _decayed(clock, value, t_warmup, t_max, scale_warmup, lambda begin, end: Constant(value))


def LinearWithWarmupScheduler(
    base_lr: Number,
    t_warmup: Duration,
    alpha_i: Number = 1.0,
    alpha_f: Number = 0.0,
    t_max: Duration = "1dur",
    scale_warmup: bool = False,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A linear warmup to `base_lr * alpha_i`, then a line to `base_lr * alpha_f` at `t_max`.

    Where the warmup is as long as `t_max` or longer, `base_lr * alpha_i` holds after it.

    Args:
      base_lr: not negative.
      t_warmup: in the unit of `t_max` (epochs are batches); 0: no warmup.
      alpha_i: factor at the end of the warmup.
      alpha_f: factor from `t_max` on.
      t_max: not before the end of training.
      scale_warmup: whether `scale_schedule_ratio` stretches the warmup too.
      horizon: what durations are measured by.
      scale_schedule_ratio: factor on `t_max`.
      exact: with `scale_warmup` composer stretches the ramp but not the time it lasts, and jumps
        where it ends (composer PR 3941). False: both are stretched.

    Raises:
      ValueError: if an argument is out of its range, units differ, or `t_max` is too short.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> plan = composer.LinearWithWarmupScheduler(1.0, "0.2dur", horizon=anneal.Horizon(10))
        >>> print(plan([0, 1, 2, 6, 10]))
        [0.  0.5 1.  0.5 0. ]
    """
    clock = Clock.of("LinearWithWarmupScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha_i=alpha_i, alpha_f=alpha_f)
    line = Linear(base_lr * alpha_i, base_lr * alpha_f, 1)
    return _decayed(
        clock,
        base_lr * alpha_i,
        t_warmup,
        t_max,
        scale_warmup,
        lambda begin, end: Span(line, begin, end),
    )


def CosineAnnealingWithWarmupScheduler(
    base_lr: Number,
    t_warmup: Duration,
    t_max: Duration = "1dur",
    alpha_f: Number = 0.0,
    scale_warmup: bool = False,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A linear warmup to `base_lr`, then half a cosine wave to `base_lr * alpha_f` at `t_max`.

    Args:
      base_lr: not negative.
      t_warmup: as `LinearWithWarmupScheduler`, with the rest.
      t_max: not before the end of training.
      alpha_f: factor from `t_max` on.
      scale_warmup: whether `scale_schedule_ratio` stretches the warmup too.
      horizon: what durations are measured by.
      scale_schedule_ratio: factor on `t_max`.
      exact: see `LinearWithWarmupScheduler`.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> horizon = anneal.Horizon(10)
        >>> plan = composer.CosineAnnealingWithWarmupScheduler(1.0, "2ba", horizon=horizon)
        >>> print(plan([0, 1, 2, 6, 10]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    clock = Clock.of("CosineAnnealingWithWarmupScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, alpha_f=alpha_f)
    wave = Cosine(base_lr, base_lr * alpha_f, 1)
    return _decayed(
        clock, base_lr, t_warmup, t_max, scale_warmup, lambda begin, end: Span(wave, begin, end)
    )


def PolynomialWithWarmupScheduler(
    base_lr: Number,
    t_warmup: Duration,
    power: Number = 2.0,
    t_max: Duration = "1dur",
    alpha_f: Number = 0.0,
    scale_warmup: bool = False,
    *,
    horizon: Horizon,
    scale_schedule_ratio: float = 1.0,
    exact: bool = True,
) -> Schedule:
    """A linear warmup to `base_lr`, then a power of the time left, to `base_lr * alpha_f`.

    Args:
      base_lr: not negative.
      t_warmup: as `LinearWithWarmupScheduler`, with the rest.
      power: not negative; 0: constant.
      t_max: not before the end of training.
      alpha_f: factor from `t_max` on.
      scale_warmup: whether `scale_schedule_ratio` stretches the warmup too.
      horizon: what durations are measured by.
      scale_schedule_ratio: factor on `t_max`.
      exact: see `LinearWithWarmupScheduler`.

    Example:
        >>> import anneal_jax as anneal
        >>> from anneal_jax.ports import composer
        >>> horizon = anneal.Horizon(10)
        >>> plan = composer.PolynomialWithWarmupScheduler(1.0, "2ba", horizon=horizon)
        >>> print(plan([0, 1, 2, 6, 10]))
        [0.   0.5  1.   0.25 0.  ]
    """
    clock = Clock.of("PolynomialWithWarmupScheduler", horizon, scale_schedule_ratio, exact)
    numbers(clock, base_lr=base_lr, power=power, alpha_f=alpha_f)
    return _decayed(
        clock,
        base_lr,
        t_warmup,
        t_max,
        scale_warmup,
        lambda begin, end: polynomial(base_lr, power, alpha_f, begin, end),
    )


def _decayed(
    clock: Clock,
    peak: Number,
    t_warmup: Duration,
    t_max: Duration,
    scale_warmup: bool,
    decay: Callable[[float, float], Schedule],
) -> Schedule:
    """A warmup to `peak`, then `decay` from its end to `t_max`; what composer checks of both."""
    warmup, ramp = _warmup(clock, t_warmup, scale_warmup)
    end = clock.time("t_max", t_max)
    if warmup.unit != end.unit:
        rule = f"in the unit of t_max={t_max!r}"
        _checks.fail(clock.owner, "t_warmup", rule, t_warmup, "convert one of the two")
    if not clock.covers(end):
        rule = f"at least the length of training, {clock.horizon.total!r}"
        _checks.fail(clock.owner, "t_max", rule, t_max, "lengthen it, or shorten the horizon")
    falls = end.value > warmup.value
    after = decay(warmup.steps, end.steps) if falls else Constant(peak)
    return _warmed(peak, warmup, ramp, after)


def _warmup(clock: Clock, t_warmup: Duration, scale_warmup: bool) -> tuple[Time, Time]:
    """When the warmup ends, and when its ramp would reach its peak."""
    _checks.flag(clock.owner, "scale_warmup", scale_warmup)
    warmup = clock.time("t_warmup", t_warmup, scaled=scale_warmup and not clock.exact)
    ramp = clock.time("t_warmup", t_warmup, scaled=scale_warmup)
    if warmup.value > 0 and ramp.value == 0:
        rule = f"longer, to be scaled by scale_schedule_ratio={clock.ratio}"
        _checks.fail(clock.owner, "t_warmup", rule, t_warmup, "or pass scale_warmup=False")
    return warmup, ramp


def _warmed(peak: Number, warmup: Time, ramp: Time, after: Schedule) -> Schedule:
    """`after`, which counts from step 0, behind the ramp."""
    if warmup.first == 0:
        return after
    rise = Span(Linear(0.0, peak, 1), 0, ramp.steps)
    return cycles([rise, after], [0, warmup.first], restarts=False)
