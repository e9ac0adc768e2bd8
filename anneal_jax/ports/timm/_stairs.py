"""Decays of timm in stairs: every so many steps, or at milestones."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ... import _checks
from ..._numerics import MAX_STEP, Number
from ...schedules._constant import Constant
from ...schedules._open_ended import ExponentialDecay
from ...schedules._schedule import Schedule
from ...schedules._tables import PiecewiseConstant
from ._parts import MOST, Noise, Warmup, duration

_LARGEST = 1e37  # factors that still are float32 numbers


def StepLRScheduler(
    base_lr: Number,
    decay_t: float,
    decay_rate: float = 1.0,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = True,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    *,
    total_steps: int | None = None,
) -> Schedule:
    """`base_lr * decay_rate ** (t // decay_t)`, with warmup and noise.

    Arguments are timm's, after the base rate; `decay_t` need not be whole. It has no end.
    Without `warmup_prefix` the stairs go down below the warmup. `noise_range_t` is a pair, or
    one time, and then `total_steps` must say where the noise ends.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import timm
        >>> print(timm.StepLRScheduler(1.0, decay_t=2.5, decay_rate=0.5)([2, 3, 4, 5]))
        [1.   0.5  0.5  0.25]
    """
    owner = "StepLRScheduler"
    _check_rates(owner, base_lr, decay_rate)
    every = duration(owner, "decay_t", decay_t)
    warmup = Warmup.of(owner, warmup_t, warmup_lr_init, warmup_prefix)
    if _checks.known(decay_rate) and decay_rate == 1:
        stairs = Constant(base_lr)
    elif every.is_integer() and not warmup.origin and not _is_zero(decay_rate):
        stairs = ExponentialDecay(base_lr, int(every), decay_rate, staircase=True)
    else:
        stairs = _stairs(owner, base_lr, every, decay_rate, warmup)
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return noise.over(owner, warmup.before(stairs, base_lr))


def _is_zero(rate: Number) -> bool:
    return _checks.known(rate) and rate == 0


def _stairs(
    owner: str, base_lr: Number, every: float, decay_rate: float, warmup: Warmup
) -> Schedule:
    """Stairs of real lengths as a table, down to where a rate is as good as 0."""
    if not _checks.known(decay_rate):
        _checks.fail(owner, "decay_rate", "known where times are not whole", decay_rate, "pass it")
    factors, boundaries = [1.0], []
    for step, number in _drops(every, warmup):
        with np.errstate(over="ignore"):
            factor = float(np.float64(decay_rate) ** number)
        if factor > _LARGEST or step > MAX_STEP:
            break
        if len(factors) > MOST // 8:
            rule = "a whole number where decay_rate is so near to 1"
            _checks.fail(owner, "decay_t", rule, every, "round it")
        factors.append(factor)
        boundaries.append(step)
        if factor < 1e-60:
            break
    if boundaries and boundaries[0] == 0:
        factors, boundaries = factors[1:], boundaries[1:]
    return PiecewiseConstant([base_lr * f for f in factors], boundaries)


def _drops(every: float, warmup: Warmup) -> Iterator[tuple[int, int]]:
    """The steps at which `t // decay_t` changes, and what it is then."""

    def number(step: int) -> int:
        return int(warmup.elapsed(step) // every)

    step, now = -1, 0
    while True:
        near = max(math.ceil((now + 1) * every + warmup.origin) - 1, step + 1)
        step = next(s for s in itertools.count(near) if number(s) > now)
        now = number(step)
        yield step, now


def MultiStepLRScheduler(
    base_lr: Number,
    decay_t: Sequence[float],
    decay_rate: float = 1.0,
    warmup_t: float = 0,
    warmup_lr_init: Number = 0.0,
    warmup_prefix: bool = True,
    noise_range_t: Any = None,
    noise_pct: float = 0.67,
    noise_std: float = 1.0,
    noise_seed: int | None = 42,
    *,
    total_steps: int | None = None,
    exact: bool = True,
) -> Schedule:
    """`base_lr`, times `decay_rate` from each milestone of `decay_t` on.

    Arguments are timm's, after the base rate; noise is as in `StepLRScheduler`. A milestone `m`
    is in force from step `m - 1` on, which timm keeps for old runs' sake (#2745, #2753, #2806);
    without `exact`, from step `m`, as in torch. One that comes twice counts twice. The last
    value holds.

    Raises:
      ValueError: if an argument is out of its range, or milestones are not sorted.

    Example:
        >>> from anneal_jax.ports import timm
        >>> print(timm.MultiStepLRScheduler(1.0, [3], 0.5)([1, 2, 3]))
        [1.  0.5 0.5]
        >>> print(timm.MultiStepLRScheduler(1.0, [3], 0.5, exact=False)([1, 2, 3]))
        [1.  1.  0.5]
    """
    owner = "MultiStepLRScheduler"
    _check_rates(owner, base_lr, decay_rate)
    milestones = _checks.items(owner, "decay_t", decay_t, "milestones")
    for milestone in milestones:
        _checks.number(owner, "decay_t", milestone, most=MAX_STEP)
    if milestones != sorted(milestones):
        _checks.fail(owner, "decay_t", "in order", milestones, "sort it: timm searches in halves")
    warmup = Warmup.of(owner, warmup_t, warmup_lr_init, warmup_prefix)
    values, boundaries = [base_lr], []
    for count, milestone in enumerate(milestones, start=1):
        step = math.ceil(milestone - exact + warmup.origin)
        if step > 0 and (not boundaries or step > boundaries[-1]):
            boundaries.append(step)
            values.append(values[-1])
        values[-1] = base_lr * decay_rate**count
    noise = Noise(noise_range_t, noise_pct, noise_std, noise_seed, total_steps)
    return noise.over(owner, warmup.before(PiecewiseConstant(values, boundaries), base_lr))


def _check_rates(owner: str, base_lr: Number, decay_rate: Number) -> None:
    _checks.number(owner, "base_lr", base_lr, least=0)
    _checks.number(owner, "decay_rate", decay_rate, least=0)
