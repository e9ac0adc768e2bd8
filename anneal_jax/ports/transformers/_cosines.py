"""The cosines of transformers."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ... import _checks
from ..._numerics import MAX_STEP, on_host, round_half_up
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .. import _arguments, _terms
from ._warmup import left, run, warmed, wave


def get_cosine_schedule_with_warmup(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_training_steps: IntScalarLike,
    num_cycles: RealScalarLike = 0.5,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then `num_cycles` cosine waves (0.5: one fall to 0).

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_training_steps: length of the training, warmup included.
      num_cycles: number of waves, whole or not.
      exact: whether the rate rises again after `num_training_steps`, as it does there, for ever;
        without it the value at `num_training_steps` holds.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> cosine = transformers.get_cosine_schedule_with_warmup(1.0, 2, 6)
        >>> print(cosine([0, 1, 2, 4, 6, 10]).round(3))
        [0.  0.5 1.  0.5 0.  1. ]
    """
    owner = "get_cosine_schedule_with_warmup"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    cosine = wave(owner, rate, 0.0, left(warmup, total), num_cycles, exact)
    return warmed(rate, warmup, cosine)


def get_cosine_with_min_lr_schedule_with_warmup(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_training_steps: IntScalarLike,
    num_cycles: RealScalarLike = 0.5,
    min_lr: RealScalarLike | None = None,
    min_lr_rate: RealScalarLike | None = None,
    *,
    default_lr: RealScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then cosine waves down to a floor above 0.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_training_steps: length of the training, warmup included.
      num_cycles: as in `get_cosine_schedule_with_warmup`.
      min_lr: floor of a group whose rate is `default_lr`; for others in proportion.
      min_lr_rate: floor as a part of `base_lr`, instead.
      default_lr: default rate of the optimizer; None: `base_lr`.
      exact: whether the rate rises again after the end, as it does there, for ever; without it
        the value at `num_training_steps` holds.

    Raises:
      ValueError: if both or none of `min_lr` and `min_lr_rate` are given, or one is negative.

    Example:
        >>> from anneal_jax.ports import transformers as hf
        >>> cosine = hf.get_cosine_with_min_lr_schedule_with_warmup(1.0, 2, 6, min_lr=0.2)
        >>> print(cosine([0, 2, 4, 6, 10]).round(3))
        [0.  1.  0.6 0.2 1. ]
    """
    owner = "get_cosine_with_min_lr_schedule_with_warmup"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    floor = rate * _floor(owner, rate, min_lr, min_lr_rate, default_lr)
    cosine = wave(owner, rate, floor, left(warmup, total), num_cycles, exact)
    return warmed(rate, warmup, cosine)


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_training_steps: IntScalarLike,
    num_cycles: RealScalarLike = 0.5,
    min_lr: RealScalarLike | None = None,
    min_lr_rate: RealScalarLike | None = None,
    warmup_lr_rate: RealScalarLike | None = None,
    *,
    default_lr: RealScalarLike | None = None,
    exact: bool = True,
) -> Schedule:
    """A warmup from above 0, then cosine waves to a floor, one step earlier than the others.

    The peak is reached at `num_warmup_steps - 1` (never, without a warmup), the floor at
    `num_training_steps - 1`.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_training_steps: length of the training, warmup included.
      num_cycles: as in `get_cosine_schedule_with_warmup`.
      min_lr: floor of a group whose rate is `default_lr`; for others in proportion.
      min_lr_rate: floor as a part of `base_lr`, instead.
      warmup_lr_rate: first rate as a part of `base_lr`; None: `1 / num_warmup_steps`.
      default_lr: default rate of the optimizer; None: `base_lr`.
      exact: whether the rate rises again after the end, as it does there, for ever; without it
        the value at `num_training_steps - 1` holds.

    Raises:
      ValueError: if both or none of `min_lr` and `min_lr_rate` are given, or one is negative.

    Example:
        >>> from anneal_jax.ports import transformers as hf
        >>> build = hf.get_cosine_with_min_lr_schedule_with_warmup_lr_rate
        >>> print(build(1.0, 2, 6, min_lr=0.2)([0, 1, 3, 5, 6]).round(3))
        [0.5   1.    0.6   0.2   0.317]
    """
    owner = "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    floor = rate * _floor(owner, rate, min_lr, min_lr_rate, default_lr)
    part = 1 / left(0, warmup) if warmup_lr_rate is None else warmup_lr_rate
    part = _arguments.number(owner, "warmup_lr_rate", part, least=0)
    cosine = wave(owner, rate, floor, left(warmup, total), num_cycles, exact)
    first = Linear(rate * part, rate, left(1, warmup))
    return join([first, cosine.shift(-1)], [warmup])


def get_cosine_with_hard_restarts_schedule_with_warmup(
    base_lr: RealScalarLike,
    num_warmup_steps: IntScalarLike,
    num_training_steps: IntScalarLike,
    num_cycles: RealScalarLike = 1,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then `num_cycles` cosines to 0, each from the full rate.

    From `num_training_steps` on the rate is 0. A cycle is as long as it comes out, seldom in
    whole steps, so most restarts there begin a little below the full rate.

    Args:
      base_lr: rate of the parameter group.
      num_warmup_steps: length of the warmup, in whole steps.
      num_training_steps: length of the training, warmup included.
      num_cycles: number of cycles, from 0 (constant, up to the end) to 100,000; whole or not.
      exact: whether restarts fall where they do there: at the first step of a real cycle, or
        one later, where `num_cycles * (t / steps)` is rounded down. Without it every cycle
        begins with the full rate, at the nearest whole step.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import transformers as hf
        >>> build = hf.get_cosine_with_hard_restarts_schedule_with_warmup
        >>> print(build(1.0, 2, 10, num_cycles=2)([0, 1, 2, 4, 6, 8, 10]).round(3))
        [0.  0.5 1.  0.5 1.  0.5 0. ]
    """
    owner = "get_cosine_with_hard_restarts_schedule_with_warmup"
    rate, warmup, total = run(owner, base_lr, num_warmup_steps, num_training_steps)
    number = _arguments.number(owner, "num_cycles", num_cycles, least=0, most=100_000)
    if not on_host(warmup, total, number):
        reason = "the counts must be known when it is built; its restarts depend on them."
        _arguments.reject(owner, reason)
    steps = left(warmup, total)
    wanted: Schedule = Constant(rate)
    if number > 0:
        starts = _hard_restarts(steps, number, exact)
        wanted = (_real_cycles if exact else _whole_cycles)(rate, starts, steps, number)
    return warmed(rate, warmup, join([wanted, Constant(0.0, 0)], [steps]))


def _floor(
    owner: str,
    base_lr: Any,
    min_lr: RealScalarLike | None,
    min_lr_rate: RealScalarLike | None,
    default_lr: RealScalarLike | None,
) -> Any:
    """The floor as a part of the rate."""
    if (min_lr is None) == (min_lr_rate is None):
        given = {"min_lr": min_lr, "min_lr_rate": min_lr_rate}
        rule, remedy = "exactly one number", "pass a rate, or a part of the rate"
        _checks.fail(owner, "min_lr or min_lr_rate", rule, given, remedy)
    if min_lr is None:
        return _arguments.number(owner, "min_lr_rate", min_lr_rate, least=0)
    floor = _arguments.number(owner, "min_lr", min_lr, least=0)
    default_lr = base_lr if default_lr is None else default_lr
    return floor / _arguments.number(owner, "default_lr (or base_lr)", default_lr, above=0)


def _hard_restarts(steps: int, num_cycles: float, exact: bool) -> dict[int, int]:
    """The first steps of the cycles, and which they are; cycles without a step are left out."""
    length = steps / Fraction(num_cycles)
    found = {0: 0}
    for cycle in range(1, math.ceil(num_cycles)):
        start = round_half_up(float(cycle * length))
        if exact:
            start = math.ceil(cycle * length)
            while num_cycles * (start / steps) < cycle:  # in transformers' own arithmetic
                start += 1
        if start >= steps:
            break
        found[start] = cycle
    return found


def _real_cycles(base_lr: Any, starts: dict[int, int], steps: int, num_cycles: float) -> Schedule:
    ends = [min((cycle + 1) * steps / num_cycles, MAX_STEP) for cycle in starts.values()]
    begins = [cycle * steps / num_cycles for cycle in starts.values()]
    parts = [Span(Cosine(base_lr, 0.0, 1), *when) for when in zip(begins, ends, strict=True)]
    return _terms.cycles(parts, list(starts))


def _whole_cycles(base_lr: Any, starts: dict[int, int], steps: int, num_cycles: float) -> Schedule:
    last = round_half_up((max(starts.values()) + 1) * steps / num_cycles)
    begins = [*starts, last]
    lengths = [end - begin for begin, end in pairwise(begins)]
    return join([Cosine(base_lr, 0.0, n) for n in lengths], list(starts)[1:], restarts=True)
