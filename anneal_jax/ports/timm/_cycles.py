"""Decays of timm that restart: cosine, hyperbolic tangent and polynomial."""

import math
from typing import Any

from ... import _checks
from ..._numerics import Number
from ...schedules._exponentials import Tanh
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Polynomial
from ._parts import Noise
from ._restarts import Fall, build


def CosineLRScheduler(
    base_lr: Number,
    t_initial: float,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: Number = 1.0,
    cycle_limit: int = 1,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    k_decay: Number = 1.0,
    *,
    total_steps: int | None = None,
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
    base_lr: Number,
    t_initial: float,
    power: Number = 0.5,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: Number = 1.0,
    cycle_limit: int = 1,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    k_decay: Number = 1.0,
    *,
    total_steps: int | None = None,
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
    _checks.number(owner, "power", power, above=0)

    def shape(peak: Number, floor: Number, steps: Number) -> Segment:
        return Polynomial(peak, floor, steps, power)

    def last(left: float) -> float:
        return left**power if left > 0 else 0.0

    known = exact and _checks.known(power, k_decay)
    rounded = last if known else None
    fall = Fall(owner, shape, base_lr, lr_min, cycle_decay, k_decay, rounded)
    cycling = t_initial, cycle_mul, cycle_limit
    warming = warmup_t, warmup_lr_init, warmup_prefix
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return build(fall, cycling, warming, noise, exact)


def TanhLRScheduler(
    base_lr: Number,
    t_initial: float,
    lb: float = -7.0,
    ub: float = 3.0,
    lr_min: Number = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: Number = 1.0,
    cycle_limit: int = 1,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = False,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    *,
    total_steps: int | None = None,
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
    _check_bounds(owner, lb, ub)

    def rate(q: float, peak: Number) -> Number:
        weight = 0.5 * (1 - math.tanh(lb * (1 - q) + ub * q))
        if not exact:
            begin, end = 0.5 * (1 - math.tanh(lb)), 0.5 * (1 - math.tanh(ub))
            weight = (weight - end) / (begin - end)
        return lr_min + (peak - lr_min) * weight

    def shape(peak: Number, floor: Number, steps: Number) -> Segment:
        del floor  # it is in the rate
        return Tanh(rate(0.0, peak), rate(1.0, peak), steps, lb, ub)

    fall = Fall(owner, shape, base_lr, lr_min, cycle_decay, rate=rate)
    cycling = t_initial, cycle_mul, cycle_limit
    warming = warmup_t, warmup_lr_init, warmup_prefix
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return build(fall, cycling, warming, noise, exact)


def _check_bounds(owner: str, lb: float, ub: float) -> None:
    _checks.number(owner, "lb", lb)
    _checks.number(owner, "ub", ub)
    if not (_checks.known(lb, ub) and 0 < ub - lb <= 40):
        remedy = "beyond, the fall takes no time"
        _checks.fail(owner, "ub", f"above lb={lb}, by at most 40", ub, remedy)
