"""The cosines of transformers."""

import math
from fractions import Fraction
from itertools import pairwise

from ... import _checks
from ..._numerics import MAX_STEP, Number, is_concrete, round_half_up
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._span import Span
from .._common import cycles, reject
from ._warmup import check, left, warmed, wave


def get_cosine_schedule_with_warmup(
    base_lr: Number,
    num_warmup_steps: Number,
    num_training_steps: Number,
    num_cycles: Number = 0.5,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then `num_cycles` cosine waves (0.5: one fall to 0).

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_training_steps: the warmup included.
      num_cycles: any number.
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
    owner, counts = "get_cosine_schedule_with_warmup", (num_warmup_steps, num_training_steps)
    warmup, total = check(owner, base_lr, num_warmup_steps=counts[0], num_training_steps=counts[1])
    return warmed(
        base_lr, warmup, wave(owner, base_lr, 0.0, left(warmup, total), num_cycles, exact)
    )


def get_cosine_with_min_lr_schedule_with_warmup(
    base_lr: Number,
    num_warmup_steps: Number,
    num_training_steps: Number,
    num_cycles: Number = 0.5,
    min_lr: Number | None = None,
    min_lr_rate: Number | None = None,
    *,
    default_lr: Number | None = None,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then cosine waves down to a floor above 0.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_training_steps: the warmup included.
      num_cycles: as in `get_cosine_schedule_with_warmup`.
      min_lr: the floor, for a group whose rate is `default_lr`; for others in proportion.
      min_lr_rate: the floor as a part of `base_lr`, instead.
      default_lr: the optimizer's default rate; None: `base_lr`.
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
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    warmup, total = check(owner, base_lr, **counts)
    floor = base_lr * _floor(owner, base_lr, min_lr, min_lr_rate, default_lr)
    cosine = wave(owner, base_lr, floor, left(warmup, total), num_cycles, exact)
    return warmed(base_lr, warmup, cosine)


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    base_lr: Number,
    num_warmup_steps: Number,
    num_training_steps: Number,
    num_cycles: Number = 0.5,
    min_lr: Number | None = None,
    min_lr_rate: Number | None = None,
    warmup_lr_rate: Number | None = None,
    *,
    default_lr: Number | None = None,
    exact: bool = True,
) -> Schedule:
    """A warmup from above 0, then cosine waves to a floor, one step earlier than the others.

    The peak is reached at `num_warmup_steps - 1` (never, without a warmup), the floor at
    `num_training_steps - 1`.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_training_steps: the warmup included.
      num_cycles: as in `get_cosine_schedule_with_warmup`.
      min_lr: the floor, for a group whose rate is `default_lr`; for others in proportion.
      min_lr_rate: the floor as a part of `base_lr`, instead.
      warmup_lr_rate: the first rate as a part of `base_lr`; None: `1 / num_warmup_steps`.
      default_lr: the optimizer's default rate; None: `base_lr`.
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
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    warmup, total = check(owner, base_lr, **counts)
    floor = base_lr * _floor(owner, base_lr, min_lr, min_lr_rate, default_lr)
    if warmup_lr_rate is None:
        warmup_lr_rate = 1 / left(0, warmup)
    _checks.number(owner, "warmup_lr_rate", warmup_lr_rate, least=0)
    cosine = wave(owner, base_lr, floor, left(warmup, total), num_cycles, exact)
    first = Linear(base_lr * warmup_lr_rate, base_lr, left(1, warmup))
    return join([first, cosine.shift(-1)], [warmup])


def get_cosine_with_hard_restarts_schedule_with_warmup(
    base_lr: Number,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 1,
    *,
    exact: bool = True,
) -> Schedule:
    """Linear warmup from 0, then `num_cycles` cosines to 0, each from the full rate.

    From `num_training_steps` on the rate is 0. A cycle is as long as it comes out, seldom in
    whole steps, so most restarts there begin a little below the full rate.

    Args:
      base_lr: the rate of the parameter group.
      num_warmup_steps: whole steps.
      num_training_steps: the warmup included.
      num_cycles: from 0 (constant, up to the end) to 100,000; need not be whole.
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
    counts = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    warmup, total = check(owner, base_lr, **counts)
    _checks.number(owner, "num_cycles", num_cycles, least=0, most=100_000)
    if not is_concrete(warmup, total, num_cycles):
        reject(owner, "the counts must be known when it is built; its restarts depend on them.")
    steps = left(warmup, total)
    wanted: Schedule = Constant(base_lr)
    if num_cycles > 0:
        starts = _hard_restarts(steps, num_cycles, exact)
        wanted = (_real_cycles if exact else _whole_cycles)(base_lr, starts, steps, num_cycles)
    return warmed(base_lr, warmup, join([wanted, Constant(0.0, 0)], [steps]))


def _floor(
    owner: str,
    base_lr: Number,
    min_lr: Number | None,
    min_lr_rate: Number | None,
    default_lr: Number | None,
) -> Number:
    """The floor as a part of the rate."""
    if (min_lr is None) == (min_lr_rate is None):
        given = {"min_lr": min_lr, "min_lr_rate": min_lr_rate}
        rule, remedy = "exactly one number", "pass a rate, or a part of the rate"
        _checks.fail(owner, "min_lr or min_lr_rate", rule, given, remedy)
    if min_lr is None:
        _checks.number(owner, "min_lr_rate", min_lr_rate, least=0)
        return min_lr_rate
    _checks.number(owner, "min_lr", min_lr, least=0)
    default_lr = base_lr if default_lr is None else default_lr
    _checks.number(owner, "default_lr (or base_lr)", default_lr, above=0)
    return min_lr / default_lr


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


def _real_cycles(
    base_lr: Number, starts: dict[int, int], steps: int, num_cycles: float
) -> Schedule:
    ends = [min((cycle + 1) * steps / num_cycles, MAX_STEP) for cycle in starts.values()]
    begins = [cycle * steps / num_cycles for cycle in starts.values()]
    parts = [Span(Cosine(base_lr, 0.0, 1), *when) for when in zip(begins, ends, strict=True)]
    return cycles(parts, list(starts))


def _whole_cycles(
    base_lr: Number, starts: dict[int, int], steps: int, num_cycles: float
) -> Schedule:
    last = round_half_up((max(starts.values()) + 1) * steps / num_cycles)
    begins = [*starts, last]
    lengths = [end - begin for begin, end in pairwise(begins)]
    return join([Cosine(base_lr, 0.0, n) for n in lengths], list(starts)[1:], restarts=True)
