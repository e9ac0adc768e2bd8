"""Recipes with a constant phase, and a cooldown at its end."""

from collections.abc import Sequence

from ... import _checks
from ..._deprecated import keywords
from ..._types import DurationLike, RealScalarLike
from .._constant import Constant, as_schedule
from .._join import join
from .._schedule import Schedule
from .._segment import Shape, as_shape
from .._segments import Cosine, Linear, OneMinusSqrt
from ._phases import check, rest


@keywords
def warmup_stable_decay(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    decay_steps: DurationLike,
    total_steps: DurationLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
) -> Schedule:
    """WSD: linear warmup, a constant phase, and a cooldown at the end.

    With `w = warmup_steps`, `d = decay_steps` and `T = total_steps`, `value(t)` is

    - `init_value + (peak_value - init_value) * t / w` for `t < w`,
    - `peak_value` for `w <= t < T - d`,
    - `cooldown(peak_value, end_value, d)(t - (T - d))` from step `T - d` on; with `OneMinusSqrt`
      that is `end_value + (peak_value - end_value) * (1 - sqrt((t - (T - d)) / d))` up to `T`,
      then `end_value`.

    Args:
      peak_value: value of the constant phase; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      decay_steps: length of the cooldown in optimizer steps, from 0 up.
      total_steps: length of all three phases together in optimizer steps, at least 1 and at least
        `warmup_steps + decay_steps`.
      init_value: value at step 0; finite, not negative.
      end_value: value from step `total_steps` on; finite, not negative.
      cooldown: a segment class, or any function `(init_value, end_value, steps) -> Schedule` of
        that length, such as `functools.partial(anneal.Polynomial, power=1.2)`. For
        `Exponential` and `Harmonic`, `end_value` must be above 0.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if the phases need more than `total_steps`, a value is out of its range, or
        `cooldown` returns anything but a schedule of `decay_steps` steps.

    Example:
        >>> import anneal_jax as anneal
        >>> wsd = anneal.warmup_stable_decay(1.0, 2, decay_steps=4, total_steps=10)
        >>> print(wsd([0, 1, 2, 6, 7, 10]))
        [0.  0.5 1.  1.  0.5 0. ]

        A cooldown that holds its end value for its last two steps:

        >>> def cooldown(init_value, end_value, steps):
        ...     fall = anneal.Linear(init_value, end_value, steps - 2)
        ...     return fall.then(anneal.Constant(end_value, 2))
        >>> wsd = anneal.warmup_stable_decay(
        ...     1.0, 2, decay_steps=6, total_steps=10, end_value=0.1, cooldown=cooldown
        ... )
        >>> print(wsd([4, 6, 8, 10]))
        [1.   0.55 0.1  0.1 ]

    Reference: Hu et al., [MiniCPM](https://arxiv.org/abs/2404.06395), 2024
    """
    owner = "warmup_stable_decay"
    values = {"peak_value": peak_value, "init_value": init_value, "end_value": end_value}
    check(owner, values=values)
    stable = rest(
        owner, "total_steps", total_steps, warmup_steps=warmup_steps, decay_steps=decay_steps
    )
    cooldown = as_shape(owner, "cooldown", cooldown)
    warmup = Linear(init_value, peak_value, warmup_steps)
    return join(
        [warmup, Constant(peak_value, stable), cooldown(peak_value, end_value, decay_steps)]
    )


def trapezoid(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    decay_steps: DurationLike,
    total_steps: DurationLike,
) -> Schedule:
    """A trapezoid: linear warmup from 0, a constant phase, and linear decay to 0.

    It is `warmup_stable_decay` with a linear cooldown. With `w = warmup_steps`, `d = decay_steps`
    and `T = total_steps`, `value(t)` is

    - `peak_value * t / w` for `t < w`,
    - `peak_value` for `w <= t < T - d`,
    - `peak_value * (T - t) / d` for `T - d <= t < T`,
    - `0` from step `T` on.

    Args:
      peak_value: value of the constant phase; finite, not negative.
      warmup_steps: length of the warmup in optimizer steps, from 0 up; 0: no warmup.
      decay_steps: length of the decay in optimizer steps, from 0 up.
      total_steps: length of all three phases together in optimizer steps, at least 1 and at least
        `warmup_steps + decay_steps`.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if the phases need more than `total_steps`, or an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.trapezoid(1.0, 2, 4, total_steps=10)([0, 1, 2, 6, 8, 10]))
        [0.  0.5 1.  1.  0.5 0. ]
    """
    return warmup_stable_decay(peak_value, warmup_steps, decay_steps, total_steps, cooldown=Linear)


@keywords
def warmup_stable_decay_cycles(
    peak_value: RealScalarLike,
    warmup_steps: DurationLike,
    decay_steps: DurationLike,
    periods: Sequence[DurationLike],
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
    rewarmup_steps: DurationLike = 0,
) -> Schedule:
    """WSD-S: several periods, each a `warmup_stable_decay` and each ending in a usable model.

    Period `i` is `periods[i]` steps long. With `s` its first step, `value(t)` in it is that of
    `warmup_stable_decay(peak_value, warmup_i, decay_steps, periods[i])` at `t - s`. The first
    period warms up from `init_value` in `warmup_steps`, each later one from `end_value` in
    `rewarmup_steps`. Each period after the first is a new cycle (see `Schedule.cycle`).

    Args:
      peak_value: value of the constant phases; finite, not negative.
      warmup_steps: length of the first warmup in optimizer steps, from 0 up; 0: no warmup.
      decay_steps: length of each cooldown in optimizer steps, from 0 up.
      periods: lengths of the periods in optimizer steps, warmup and cooldown included; at least
        one.
      init_value: value at step 0; finite, not negative.
      end_value: value that each cooldown ends at, and the value from the last step on; finite, not
        negative.
      cooldown: a segment class, or any function `(init_value, end_value, steps) -> Schedule` of
        that length, such as `functools.partial(anneal.Polynomial, power=1.2)`.
      rewarmup_steps: length of each later warmup in optimizer steps, from 0 up; 0: each later
        period begins at `peak_value`.

    Returns:
      A schedule of `sum(periods)` steps.

    Raises:
      ValueError: if there is no period, one is shorter than its warmup and cooldown, or a value is
        out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> wsds = anneal.warmup_stable_decay_cycles(
        ...     1.0, 2, decay_steps=2, periods=[6, 4], cooldown=anneal.Linear
        ... )
        >>> print(wsds([0, 2, 4, 5, 6, 8, 9, 10]))
        [0.  1.  1.  0.5 1.  1.  0.5 0. ]

    Reference: Wen et al., [Understanding Warmup-Stable-Decay Learning
    Rates](https://arxiv.org/abs/2410.05192), 2024
    """
    periods = _checks.items("warmup_stable_decay_cycles", "periods", periods, "steps")
    if len(periods) == 0:
        rule = "at least one length"
        _checks.fail("warmup_stable_decay_cycles", "periods", rule, periods, "list the periods")
    starts = [init_value] + [end_value] * (len(periods) - 1)
    warmups = [warmup_steps] + [rewarmup_steps] * (len(periods) - 1)
    parts = zip(starts, warmups, periods, strict=True)
    cycles = [
        warmup_stable_decay(
            peak_value,
            warmup,
            decay_steps,
            period,
            init_value=start,
            end_value=end_value,
            cooldown=cooldown,
        )
        for start, warmup, period in parts
    ]
    return join(cycles, restarts=True)


@keywords
def flat_cosine(
    peak_value: RealScalarLike,
    flat_steps: DurationLike,
    total_steps: DurationLike,
    *,
    end_value: RealScalarLike = 0.0,
) -> Schedule:
    """A constant, then cosine annealing to `end_value`; fastai's `fit_flat_cos`.

    With `f = flat_steps` and `T = total_steps`, `value(t)` is

    - `peak_value` for `t < f`,
    - `end_value + (peak_value - end_value) * (1 + cos(pi * (t - f) / (T - f))) / 2` for
      `f <= t < T`,
    - `end_value` from step `T` on.

    Args:
      peak_value: value of the constant phase; finite, not negative.
      flat_steps: length of the constant phase in optimizer steps, from 0 up.
      total_steps: length of both phases together in optimizer steps, at least 1 and at least
        `flat_steps`.
      end_value: value from step `total_steps` on; finite, not negative.

    Returns:
      A schedule of `total_steps` steps.

    Raises:
      ValueError: if a value is out of its range, or `total_steps` is less than `flat_steps`.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.flat_cosine(1.0, flat_steps=6, total_steps=8)([0, 6, 7, 8]).round(3))
        [1.  1.  0.5 0. ]
    """
    check("flat_cosine", values={"peak_value": peak_value, "end_value": end_value})
    anneal = rest("flat_cosine", "total_steps", total_steps, flat_steps=flat_steps)
    return join([Constant(peak_value, flat_steps), Cosine(peak_value, end_value, anneal)])


@keywords
def with_cooldown(
    schedule: Schedule,
    start: DurationLike,
    decay_steps: DurationLike,
    *,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
) -> Schedule:
    """`schedule` up to step `start`, then a cooldown from the value it has there.

    This ends a run that was planned open-ended, or longer. `value(t)` is

    - `schedule(t)` for `t < start`,
    - `cooldown(schedule(start), end_value, decay_steps)(t - start)` from step `start` on.

    Args:
      schedule: any schedule; a number or a function of the step counts as one (`as_schedule`).
      start: optimizer step at which the cooldown begins, from 0 up.
      decay_steps: length of the cooldown in optimizer steps, from 0 up.
      end_value: value from step `start + decay_steps` on; finite, not negative.
      cooldown: a segment class, or any function `(init_value, end_value, steps) -> Schedule` of
        that length, such as `functools.partial(anneal.Polynomial, power=1.2)`.

    Returns:
      A schedule of `start + decay_steps` steps.

    Raises:
      ValueError: if an argument is out of its range, or `cooldown` returns anything but a schedule
        of `decay_steps` steps.

    Example:
        >>> import anneal_jax as anneal
        >>> base = anneal.warmup_constant(1.0, 2)
        >>> print(anneal.with_cooldown(base, start=6, decay_steps=4)([0, 2, 6, 7, 10]))
        [0.  1.  1.  0.5 0. ]
    """
    cooldown = as_shape("with_cooldown", "cooldown", cooldown)
    steps = {"start": start, "decay_steps": decay_steps}
    check("with_cooldown", values={"end_value": end_value}, steps=steps)
    schedule, start = as_schedule(schedule), _checks.whole(start)
    value = _checks.real(schedule(start))
    return join([schedule, cooldown(value, end_value, decay_steps)], [start])
