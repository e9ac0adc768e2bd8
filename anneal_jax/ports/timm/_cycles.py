"""Decays of timm that restart: cosine, hyperbolic tangent and polynomial."""

import math
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._exponentials import Tanh
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Polynomial
from .. import _arguments
from ._parts import Noise, NoiseRange
from ._restarts import Fall, build


def CosineLRScheduler(
    base_lr: RealScalarLike,
    t_initial: RealScalarLike,
    lr_min: RealScalarLike = 0.0,
    cycle_mul: RealScalarLike = 1.0,
    cycle_decay: RealScalarLike = 1.0,
    cycle_limit: IntScalarLike = 1,
    warmup_t: RealScalarLike = 0,
    warmup_lr_init: RealScalarLike = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: NoiseRange = None,
    noise_pct: RealScalarLike = 0.67,
    noise_std: RealScalarLike = 1.0,
    noise_seed: IntScalarLike | None = 42,
    k_decay: RealScalarLike = 1.0,
    *,
    total_steps: IntScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """A cosine with restarts, k-decay, warmup and noise.

    Arguments are timm's, after the base rate. Cycle `i` falls from `base_lr * cycle_decay**i`;
    after `cycle_limit` cycles `lr_min` holds. Without `warmup_prefix` the cosine runs below the
    warmup, so that the rate jumps down where the warmup ends.

    `cycle_mul` is from 1 up: below, timm's logarithm fails later on. `noise_range_t` is a pair,
    or one time, and then the noise ends at `total_steps` (None: where the last cycle does).
    Without `exact`, restarts are where they belong; with it, those at whole steps may come a
    step late, where timm's logarithm is rounded (for `cycle_mul` 3 the fifth, for 10 the third).

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import timm
        >>> schedule = timm.CosineLRScheduler(1.0, t_initial=4, warmup_t=1, warmup_prefix=True)
        >>> print(schedule([0, 1, 3, 5]).round(3))
        [0.  1.  0.5 0. ]
    """
    fall = Fall("CosineLRScheduler", Cosine, base_lr, lr_min, cycle_decay, k_decay)
    cycling = t_initial, cycle_mul, cycle_limit
    warming = warmup_t, warmup_lr_init, warmup_prefix
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return build(fall, cycling, warming, noise, exact)


def PolyLRScheduler(
    base_lr: RealScalarLike,
    t_initial: RealScalarLike,
    power: RealScalarLike = 0.5,
    lr_min: RealScalarLike = 0.0,
    cycle_mul: RealScalarLike = 1.0,
    cycle_decay: RealScalarLike = 1.0,
    cycle_limit: IntScalarLike = 1,
    warmup_t: RealScalarLike = 0,
    warmup_lr_init: RealScalarLike = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: NoiseRange = None,
    noise_pct: RealScalarLike = 0.67,
    noise_std: RealScalarLike = 1.0,
    noise_seed: IntScalarLike | None = 42,
    k_decay: RealScalarLike = 1.0,
    *,
    total_steps: IntScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """A polynomial with restarts, k-decay, warmup and noise.

    All is as in `CosineLRScheduler` but the shape. Where timm rounds a restart to the wrong side
    and then takes a root of a number below 0, its rate is complex; here it is the end of the
    cycle (or with `k_decay` its beginning), which that number stands for.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import timm
        >>> print(timm.PolyLRScheduler(1.0, t_initial=4, power=2.0)([0, 2, 4]))
        [1.   0.25 0.  ]
    """
    owner = "PolyLRScheduler"
    exponent = _arguments.number(owner, "power", power, above=0)

    def shape(peak: Any, floor: Any, steps: Any) -> Segment:
        return Polynomial(peak, floor, steps, power=exponent)

    def last(left: float) -> float:
        return left**exponent if left > 0 else 0.0

    known = exact and _checks.known(exponent, k_decay)
    rounded = last if known else None
    fall = Fall(owner, shape, base_lr, lr_min, cycle_decay, k_decay, rounded)
    cycling = t_initial, cycle_mul, cycle_limit
    warming = warmup_t, warmup_lr_init, warmup_prefix
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return build(fall, cycling, warming, noise, exact)


def TanhLRScheduler(
    base_lr: RealScalarLike,
    t_initial: RealScalarLike,
    lb: RealScalarLike = -7.0,
    ub: RealScalarLike = 3.0,
    lr_min: RealScalarLike = 0.0,
    cycle_mul: RealScalarLike = 1.0,
    cycle_decay: RealScalarLike = 1.0,
    cycle_limit: IntScalarLike = 1,
    warmup_t: RealScalarLike = 0,
    warmup_lr_init: RealScalarLike = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: NoiseRange = None,
    noise_pct: RealScalarLike = 0.67,
    noise_std: RealScalarLike = 1.0,
    noise_seed: IntScalarLike | None = 42,
    *,
    total_steps: IntScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """A hyperbolic tangent with restarts, warmup and noise.

    Cycles, noise and `exact` are as in `CosineLRScheduler`. A cycle begins a little below its
    peak and ends a little above `lr_min`, to which the rate falls after the last one; without
    `exact` both ends are hit. Without `warmup_prefix` the warmup rises to what the tangent is
    where it ends: there is no jump. `ub` is above `lb`, by at most 40.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import timm
        >>> schedule = timm.TanhLRScheduler(1.0, t_initial=4, lb=-1.0, ub=1.0)
        >>> print([f"{x:.3f}" for x in schedule([0, 2, 3, 4])])
        ['0.881', '0.500', '0.269', '0.000']
    """
    owner = "TanhLRScheduler"
    lower, upper = _bounds(owner, lb, ub)
    floor = _arguments.number(owner, "lr_min", lr_min, least=0)

    def rate(q: float, peak: Any) -> Any:
        weight = 0.5 * (1 - math.tanh(lower * (1 - q) + upper * q))
        if not exact:
            begin, end = 0.5 * (1 - math.tanh(lower)), 0.5 * (1 - math.tanh(upper))
            weight = (weight - end) / (begin - end)
        return floor + (peak - floor) * weight

    def shape(peak: Any, end: Any, steps: Any) -> Segment:
        del end  # it is in the rate
        return Tanh(rate(0.0, peak), rate(1.0, peak), steps, lower=lower, upper=upper)

    fall = Fall(owner, shape, base_lr, lr_min, cycle_decay, rate=rate)
    cycling = t_initial, cycle_mul, cycle_limit
    warming = warmup_t, warmup_lr_init, warmup_prefix
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return build(fall, cycling, warming, noise, exact)


def _bounds(owner: str, lb: RealScalarLike, ub: RealScalarLike) -> tuple[float, float]:
    lower, upper = _arguments.known(owner, "lb", lb), _arguments.known(owner, "ub", ub)
    if not 0 < upper - lower <= 40:
        remedy = "beyond, the fall takes no time"
        _checks.fail(owner, "ub", f"above lb={lower}, by at most 40", upper, remedy)
    return lower, upper
