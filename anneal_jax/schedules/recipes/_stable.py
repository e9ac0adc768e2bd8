"""A long constant phase, and a cooldown when it is time."""

from collections.abc import Sequence

from ... import _checks
from ..._deprecated import keywords
from ..._types import IntScalarLike, RealScalarLike
from .._constant import Constant, as_schedule
from .._join import join
from .._schedule import Schedule
from .._segment import Shape, as_shape
from .._segments import Cosine, Linear, OneMinusSqrt
from ._phases import check, rest


@keywords
def warmup_stable_decay(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    decay_steps: IntScalarLike,
    total_steps: IntScalarLike,
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
) -> Schedule:
    """WSD: linear warmup, a constant phase, and a cooldown at the end.

    Args:
      peak_value: value of the constant phase.
      warmup_steps: length of the warmup; 0: none.
      decay_steps: length of the cooldown.
      total_steps: length of all three phases together.
      init_value: where the warmup starts.
      end_value: value from step `total_steps` on.
      cooldown: a segment class: `OneMinusSqrt`, `Linear`, `Cosine`, `OneMinusSquare`,
        `Exponential` (needs `end_value` above 0), `ShiftedExponential`, ...

    Raises:
      ValueError: if the phases need more than `total_steps`, or a value is out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> wsd = anneal.warmup_stable_decay(1.0, 2, decay_steps=4, total_steps=10)
        >>> print(wsd([0, 2, 6, 7, 10]))
        [0.  1.  1.  0.5 0. ]

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
    warmup_steps: IntScalarLike,
    decay_steps: IntScalarLike,
    total_steps: IntScalarLike,
) -> Schedule:
    """Straight up, flat, straight down to 0: `warmup_stable_decay` with a linear cooldown.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.trapezoid(1.0, 2, 4, total_steps=10)([0, 1, 2, 6, 8, 10]))
        [0.  0.5 1.  1.  0.5 0. ]
    """
    return warmup_stable_decay(peak_value, warmup_steps, decay_steps, total_steps, cooldown=Linear)


@keywords
def warmup_stable_decay_cycles(
    peak_value: RealScalarLike,
    warmup_steps: IntScalarLike,
    decay_steps: IntScalarLike,
    periods: Sequence[IntScalarLike],
    *,
    init_value: RealScalarLike = 0.0,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
    rewarmup_steps: IntScalarLike = 0,
) -> Schedule:
    """WSD-S: several periods, each ended by a cooldown and each a model worth keeping.

    The first period warms up from `init_value`, each later one from `end_value` in
    `rewarmup_steps` (0: back to the peak at once). Each later period is a new cycle.

    Args:
      peak_value: value of the constant phases.
      warmup_steps: length of the first warmup.
      decay_steps: length of each cooldown.
      periods: length of each period, cooldown and warmup included.
      init_value: where the first warmup starts.
      end_value: value at the end of each period.
      cooldown: a segment class.
      rewarmup_steps: length of every later warmup.

    Example:
        >>> import anneal_jax as anneal
        >>> wsds = anneal.warmup_stable_decay_cycles(1.0, 2, 2, periods=[6, 4])
        >>> print(wsds([0, 2, 4, 6, 7, 8, 10]))
        [0. 1. 1. 1. 1. 1. 0.]

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
    flat_steps: IntScalarLike,
    total_steps: IntScalarLike,
    *,
    end_value: RealScalarLike = 0.0,
) -> Schedule:
    """Constant, then cosine annealing (fastai's `fit_flat_cos`).

    Args:
      peak_value: the constant.
      flat_steps: length of the constant phase.
      total_steps: length of both phases together.
      end_value: value from step `total_steps` on.

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
    start: IntScalarLike,
    decay_steps: IntScalarLike,
    *,
    end_value: RealScalarLike = 0.0,
    cooldown: Shape = OneMinusSqrt,
) -> Schedule:
    """`schedule` until `start`, then a cooldown from the value it has there.

    The way to end a run that was planned open-ended or longer: decide late.

    Args:
      schedule: any schedule.
      start: the step at which the cooldown begins.
      decay_steps: its length.
      end_value: value from step `start + decay_steps` on.
      cooldown: a segment class.

    Example:
        >>> import anneal_jax as anneal
        >>> base = anneal.warmup_constant(1.0, 2)
        >>> print(anneal.with_cooldown(base, start=6, decay_steps=4)([0, 2, 6, 7, 10]))
        [0.  1.  1.  0.5 0. ]
    """
    cooldown = as_shape("with_cooldown", "cooldown", cooldown)
    steps = {"start": start, "decay_steps": decay_steps}
    check("with_cooldown", values={"end_value": end_value}, steps=steps)
    schedule = as_schedule(schedule)
    value = schedule(start)
    value = float(value) if _checks.known(value) else value
    return join([schedule, cooldown(value, end_value, decay_steps)], [start])
